#include "models/traces/json.hpp"

#include <fmt/format.h>

#include "models/traces/fields.hpp"
#include "models/traces/utf8.hpp"

namespace windtunnel::traces {

using Token = Json::Token;

int Json::past_spaces() {
  int c = text_.get();
  while (c == ' ' || c == '\n' || c == '\r' || c == '\t') c = text_.get();
  return c;
}

void Json::unexpected(int c) const {
  if (c < 0) bad("the text ends within a value: it is truncated");
  bad(fmt::format("{} is not expected here", c < 0x80 ? quoted(std::string(1, static_cast<char>(c)))
                                                      : fmt::format("byte 0x{:02x}", c)));
}

Token Json::next() {
  int c = past_spaces();
  if (open_.empty() && done_) {
    if (c < 0) return Token::end;
    unexpected(c);
  }
  if (awaits_ == Awaits::separator) {
    const bool object = open_.back() == '{';
    if (c == (object ? '}' : ']')) {
      open_.pop_back();
      done_ = open_.empty();
      return object ? Token::end_object : Token::end_list;
    }
    if (c != ',') unexpected(c);
    c = past_spaces();
    awaits_ = object ? Awaits::key : Awaits::value;
  }
  const bool empty_object = awaits_ == Awaits::first_key && c == '}';
  const bool empty_list = awaits_ == Awaits::first_item && c == ']';
  if (empty_object || empty_list) {
    open_.pop_back();
    done_ = open_.empty();
    awaits_ = Awaits::separator;
    return empty_object ? Token::end_object : Token::end_list;
  }
  if (awaits_ == Awaits::first_key || awaits_ == Awaits::key) {
    if (c != '"') unexpected(c);
    read_text();
    if (const int colon = past_spaces(); colon != ':') unexpected(colon);
    awaits_ = Awaits::value;
    return Token::key;
  }
  return value_token(c);
}

Token Json::value_token(int c) {
  if (c == '{' || c == '[') {
    if (open_.size() >= depth_max) bad(fmt::format("nested deeper than {} levels", depth_max));
    open_.push_back(static_cast<char>(c));
    awaits_ = c == '{' ? Awaits::first_key : Awaits::first_item;
    return c == '{' ? Token::begin_object : Token::begin_list;
  }
  awaits_ = Awaits::separator;
  done_ = open_.empty();
  if (c == '"') {
    read_text();
    return Token::text;
  }
  if (c == '-' || (c >= '0' && c <= '9')) {
    read_number(c);
    return Token::number;
  }
  value_.clear();
  for (; c >= 'a' && c <= 'z' && value_.size() < 8; c = text_.get()) {
    value_ += static_cast<char>(c);
    if (const int following = text_.peek(); following < 'a' || following > 'z') break;
  }
  if (value_ != "true" && value_ != "false" && value_ != "null") unexpected(c);
  return Token::word;
}

void Json::read_number(int c) {
  value_.assign(1, static_cast<char>(c));
  while (true) {
    const int following = text_.peek();
    const bool part = (following >= '0' && following <= '9') || following == '.' ||
                      following == 'e' || following == 'E' || following == '+' || following == '-';
    if (!part) break;
    value_ += static_cast<char>(text_.get());
    if (value_.size() > 400) bad("a number of more than 400 characters");
  }
  if (!to_number(std::string_view(value_), number_)) {
    bad(fmt::format("{} is not a number", quoted(value_)));
  }
}

void Json::read_text() {
  value_.clear();
  while (true) {
    // As much as is plain at once.
    const std::string_view ahead = text_.ahead();
    std::size_t plain = 0;
    while (plain < ahead.size() && ahead[plain] != '"' && ahead[plain] != '\\' &&
           static_cast<unsigned char>(ahead[plain]) >= 0x20) {
      ++plain;
    }
    if (value_.size() + plain > text_bytes_max) {
      bad(fmt::format("a text of more than {} KiB", text_bytes_max >> 10));
    }
    value_.append(ahead.substr(0, plain));
    text_.take(plain);
    if (plain > 0 && plain == ahead.size()) continue;
    const int c = text_.get();
    if (c == '"') return;
    if (c < 0) bad("the text ends within quotes: it is truncated");
    if (c != '\\') bad(fmt::format("control character 0x{:02x} within quotes", c));
    read_escape();
  }
}

void Json::read_escape() {
  const int c = text_.get();
  constexpr std::string_view escapes = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  const std::size_t found = c < 0 ? std::string_view::npos : escapes.find(static_cast<char>(c));
  if (found != std::string_view::npos) {
    value_ += meanings[found];
    return;
  }
  if (c != 'u') unexpected(c);
  unsigned code = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = text_.get();
    const bool decimal = digit >= '0' && digit <= '9';
    const int letter = digit | 0x20;
    if (!decimal && (digit < 0 || letter < 'a' || letter > 'f')) unexpected(digit);
    code = code * 16 + static_cast<unsigned>(decimal ? digit - '0' : letter - 'a' + 10);
  }
  append(code);
}

// Halves of surrogate pairs become a question mark: such names are only shown.
void Json::append(unsigned code) {
  if (code >= 0xd800 && code < 0xe000) code = '?';
  if (code < 0x80) {
    value_ += static_cast<char>(code);
  } else if (code < 0x800) {
    value_ += static_cast<char>(0xc0 | (code >> 6));
    value_ += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    value_ += static_cast<char>(0xe0 | (code >> 12));
    value_ += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    value_ += static_cast<char>(0x80 | (code & 0x3f));
  }
}

void Json::skip_value() { skip_rest(next()); }

void Json::skip_rest(Token first) {
  if (first != Token::begin_object && first != Token::begin_list) return;
  const std::size_t outside = depth() - 1;
  while (depth() > outside) next();
}

bool Json::another() {
  int c = text_.peek();
  while (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
    text_.get();
    c = text_.peek();
  }
  awaits_ = Awaits::value;
  done_ = false;
  return c >= 0;
}

}  // namespace windtunnel::traces
