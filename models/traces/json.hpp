// JSON as a stream of tokens with bounded depth and text: nothing is kept of what was read. Numbers
// and texts are views that hold until the next token.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/traces/text.hpp"

namespace windtunnel::traces {

class Json {
 public:
  enum class Token : std::uint8_t {
    begin_object,
    end_object,
    begin_list,
    end_list,
    key,
    text,
    number,
    word,
    end
  };
  static constexpr std::size_t depth_max = 32;
  static constexpr std::size_t text_bytes_max = 64u << 10;

  explicit Json(Text& text) : text_(text) {}

  Token next();
  // Of the last key, text, number or word.
  const std::string& value() const { return value_; }
  double number() const { return number_; }
  std::size_t depth() const { return open_.size(); }
  [[noreturn]] void bad(std::string what) const { text_.bad_here(std::move(what)); }

  // Behind a key: passes over its value, whatever that is.
  void skip_value();
  // Behind a value that began with `first`: passes over the rest of it.
  void skip_rest(Token first);
  // Several documents one after another (JSON lines): begins anew where one has ended.
  bool another();

 private:
  Token value_token(int c);
  void read_text();
  void read_number(int c);
  void read_escape();
  void append(unsigned code_point);
  int past_spaces();
  [[noreturn]] void unexpected(int c) const;

  Text& text_;
  std::string value_;
  double number_ = 0;
  std::vector<char> open_;  // { or [
  enum class Awaits : std::uint8_t {
    value,
    first_key,
    key,
    first_item,
    separator
  } awaits_ = Awaits::value;
  bool done_ = false;
};

}  // namespace windtunnel::traces
