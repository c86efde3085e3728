// A trace's text, line by line or character by character, through one buffer. Refused, each with
// its place: a line of more than 1 MiB, NUL bytes, text that is not UTF-8. CRLF and a byte-order
// mark are taken off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "models/traces/bad.hpp"
#include "models/traces/input.hpp"

namespace windtunnel::traces {

inline constexpr std::size_t line_bytes_max = 1u << 20;
inline constexpr std::size_t sample_bytes = 64u << 10;

class Text {
 public:
  explicit Text(std::unique_ptr<Source> source);

  // The beginning, at most sample_bytes of it; before the first line is read.
  std::string_view sample() const;

  // The next line without its end; empty ones too. False: there is none. It holds until the next.
  bool line(std::string_view& line);
  // Whether the line that was read last had an end; else the file ends there, perhaps too early.
  bool complete() const { return complete_; }
  // Of the line that was read last, from 1; before the first 0.
  std::size_t line_number() const { return line_number_; }
  [[noreturn]] void bad(std::size_t column, std::string text) const;
  // `part` is a piece of the line that was read last.
  [[noreturn]] void bad(std::string_view part, std::string text) const;

  // The next character without taking it, -1 at the end.
  int peek() {
    if (at_ == end_ && !fill()) return -1;
    return static_cast<unsigned char>(buffer_[at_]);
  }
  int get() {
    const int c = peek();
    if (c < 0) return c;
    ++at_;
    ++column_;
    if (c == '\n') {
      ++line_number_;
      column_ = 0;
    }
    return c;
  }
  // What is there without reading more, at least one character unless the text has ended; take() is
  // for as many of them, none of which is a newline.
  std::string_view ahead() {
    return peek() < 0 ? std::string_view() : std::string_view(buffer_.data() + at_, end_ - at_);
  }
  void take(std::size_t characters) {
    at_ += characters;
    column_ += characters;
  }
  // While reading characters: the place of the last one.
  [[noreturn]] void bad_here(std::string text) const;

 private:
  bool fill();
  void check_start();
  void check_encoding(std::string_view line) const;
  [[noreturn]] void too_long() const;

  std::unique_ptr<Source> source_;
  std::vector<char> buffer_;
  std::size_t at_ = 0, end_ = 0;
  std::size_t line_number_ = 0, column_ = 0;
  const char* line_start_ = nullptr;
  bool ended_ = false, complete_ = true;
  bool special_ = false;  // the buffer has a NUL or a byte that is not ASCII
};

}  // namespace windtunnel::traces
