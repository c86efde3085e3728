// Reads a recorded rate series: a CSV of date and count, one header line allowed. Dates are
// `2014-04-10 00:04:00` or with a T; seconds may be absent. A row counts from its date for the
// width of a bin, the commonest distance between rows; where rows are further apart the bins
// between are missing and have no arrivals. Left out: other formats, logs, gzip.
#pragma once

#include <compare>
#include <memory>
#include <string>
#include <vector>

#include "models/mechanisms/arrivals.hpp"

namespace windtunnel {

// Which part of which file, and a factor on its counts. Dates as written in the file, empty: all of
// it; 24:00 is the end of a day.
struct TraceCut {
  std::string file, from, to;
  double scale = 1;

  friend auto operator<=>(const TraceCut&, const TraceCut&) = default;
};

struct TraceProblem {
  std::size_t line = 1, column = 1;
  std::string text;
};

// The cut [from, to) of the file as rates; null with at least one problem if it cannot be used.
// Time 0 is `from`, or the first row's date.
std::shared_ptr<const RateSeries> read_trace(const TraceCut& cut,
                                             std::vector<TraceProblem>& problems);

// The same for a trace that was checked before; kept, so that replications read it once.
std::shared_ptr<const RateSeries> rate_series(const TraceCut& cut);

}  // namespace windtunnel
