// Which columns of a CSV hold dates and counts, found in its first lines: by their names where
// there is a header, else by what they hold.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/traces/trace.hpp"

namespace windtunnel::traces {

struct CsvLayout {
  char delimiter = ',';
  std::size_t header_lines = 0;
  std::size_t time_column = 0, value_column = 1;
  std::string value_name;  // "column requests", for people
  Values values = Values::counts;
  DateOptions dates;
  std::chrono::seconds zone{0};
};

// Throws Bad where the text has no such columns, or several that might be meant.
CsvLayout csv_layout(std::string_view sample, const Options& options);

// "", "-", NaN, null: a value that is not there.
bool is_missing(std::string_view field);

}  // namespace windtunnel::traces
