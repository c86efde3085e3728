// What readers of logs have alike: a row a line, empty lines between them.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "models/traces/text.hpp"
#include "models/traces/trace.hpp"

namespace windtunnel::traces {

class LogReader : public Reader {
 public:
  explicit LogReader(std::unique_ptr<Text> text) : text_(std::move(text)) {}

  bool next(Row& row) final {
    std::string_view line;
    do {
      if (!text_->line(line)) return false;
    } while (line.empty());
    row = Row{};
    read(line, row);
    return true;
  }
  std::size_t line() const final { return text_->line_number(); }

 protected:
  // A line that is not empty, into a row that is. Throws Bad.
  virtual void read(std::string_view line, Row& row) = 0;

  std::unique_ptr<Text> text_;
};

}  // namespace windtunnel::traces
