// Pieces of a line: fields between separators, quotes with escapes, numbers. No copies.
#pragma once

#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace windtunnel::traces {

// Fields between single spaces; those in double quotes may have spaces and \" in them.
class SpacedFields {
 public:
  explicit SpacedFields(std::string_view line) : at_(line.data()), end_(at_ + line.size()) {}

  // False: there is none, or (see open_quote) it does not end.
  bool next(std::string_view& field) {
    if (at_ >= end_) return false;
    if (*at_ == '"') return quoted(field);
    const auto* space =
        static_cast<const char*>(std::memchr(at_, ' ', static_cast<std::size_t>(end_ - at_)));
    const char* stop = space != nullptr ? space : end_;
    field = {at_, static_cast<std::size_t>(stop - at_)};
    at_ = stop + (space != nullptr ? 1 : 0);
    return true;
  }
  bool skip(int fields) {
    std::string_view field;
    for (; fields > 0; --fields) {
      if (!next(field)) return false;
    }
    return true;
  }
  bool open_quote() const { return open_quote_; }
  std::string_view rest() const { return {at_, static_cast<std::size_t>(end_ - at_)}; }

 private:
  bool quoted(std::string_view& field) {
    const char* start = at_ + 1;
    for (const char* from = start; from < end_;) {
      const auto* quote =
          static_cast<const char*>(std::memchr(from, '"', static_cast<std::size_t>(end_ - from)));
      if (quote == nullptr) break;
      const char* slash = quote;
      while (slash > start && slash[-1] == '\\') --slash;
      if ((quote - slash) % 2 == 0) {
        field = {start, static_cast<std::size_t>(quote - start)};
        at_ = quote + 1;
        if (at_ < end_ && *at_ == ' ') ++at_;
        return true;
      }
      from = quote + 1;
    }
    open_quote_ = true;
    field = {start, static_cast<std::size_t>(end_ - start)};
    return false;
  }

  const char* at_;
  const char* end_;
  bool open_quote_ = false;
};

// A CSV line's fields; quotes ("" for one within) are taken off, spaces around fields too.
// A doubled quote within a field stays doubled. Returns false for a quote that does not end.
inline bool split_csv(std::string_view line, char delimiter,
                      std::vector<std::string_view>& fields) {
  fields.clear();
  std::size_t at = 0;
  while (true) {
    while (at < line.size() && line[at] == ' ') ++at;
    std::string_view field;
    if (at < line.size() && line[at] == '"') {
      std::size_t close = at + 1;
      while (true) {
        close = line.find('"', close);
        if (close == std::string_view::npos) return false;
        if (close + 1 >= line.size() || line[close + 1] != '"') break;
        close += 2;
      }
      field = line.substr(at + 1, close - at - 1);
      at = line.find(delimiter, close);
    } else {
      const std::size_t stop = line.find(delimiter, at);
      field = line.substr(at, stop == std::string_view::npos ? stop : stop - at);
      while (!field.empty() && field.back() == ' ') field.remove_suffix(1);
      at = stop;
    }
    fields.push_back(field);
    if (at == std::string_view::npos) return true;
    ++at;
  }
}

// The whole text as a number.
template <typename T>
bool to_number(std::string_view text, T& value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace windtunnel::traces
