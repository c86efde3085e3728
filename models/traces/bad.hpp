// What is wrong with a trace, and where. Readers throw it at the first thing they cannot read, so
// that a half-read trace is never used; whoever opened the file tells the user.
#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <utility>

namespace windtunnel::traces {

struct Bad : std::exception {
  // Line and column from 1, columns in bytes; 1:1 stands for the whole file.
  Bad(std::size_t at_line, std::size_t at_column, std::string what, std::string of_file = {})
      : line(at_line), column(at_column), text(std::move(what)), file(std::move(of_file)) {}

  const char* what() const noexcept override { return text.c_str(); }

  std::size_t line, column;
  std::string text;
  std::string file;  // filled in by whoever opened it
};

}  // namespace windtunnel::traces
