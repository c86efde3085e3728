// What is wrong with a user's input: a list of messages, never an exception.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace windtunnel {

// A place in a text. Line and column count from 1, columns in bytes; 1:1 stands for a whole file.
// Values of the command line have the option as their file: `--set components.web.workers`.
struct Place {
  std::string file;
  int line = 1;
  int column = 1;

  bool operator==(const Place&) const = default;
};

enum class Severity { ERROR, WARNING, NOTE };

struct Diagnostic {
  Place place;
  Severity severity = Severity::ERROR;
  std::string text;
};

// `web.yaml:14:9: database.readers: 17 is above 15 (...)`; warnings and notes say that they are.
std::string to_string(const Diagnostic& diagnostic);

class Diagnostics {
 public:
  void error(const Place& place, std::string text);
  void warning(const Place& place, std::string text);
  void note(const Place& place, std::string text);

  bool has_errors() const { return errors_ > 0; }
  std::size_t errors() const { return errors_; }
  bool empty() const { return list_.empty(); }

  // By file, in the order in which the files were first complained about, then by line and column.
  std::vector<Diagnostic> sorted() const;
  // One a line, each line ended, sorted.
  std::string print() const;

 private:
  void add(const Place& place, Severity severity, std::string text);

  std::vector<Diagnostic> list_;
  std::size_t errors_ = 0;
};

// A user's text as it may stand in a message: in quotes, control characters escaped, cut when long.
std::string shown(std::string_view text);

}  // namespace windtunnel
