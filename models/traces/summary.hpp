// What a trace holds: for people who want to know what they have before they use it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/traces/cut.hpp"
#include "models/traces/frequent.hpp"
#include "models/traces/shape.hpp"
#include "sim/metrics.hpp"

namespace windtunnel::traces {

// Of the requests of a log, or of functions whose durations are all that is known.
struct Requested {
  sim::MetricSet set;
  sim::Histogram service{set, "service", "time that the target took"};
  sim::Histogram total{set, "total", "time from the request to the answer"};
  std::map<int, std::uint64_t> statuses;  // 0: none
  Frequent paths;
  std::uint64_t with_received = 0, with_sent = 0;
  double received = 0, sent = 0;  // bytes
};

struct Summary {
  std::string file, format, sentence, detail;
  Kind kind = Kind::counts;
  std::uint64_t rows = 0;
  double requests = 0;
  std::chrono::seconds zone{0};  // dates are on the clock that it is ahead of UTC
  Date start;                    // of time 0
  std::optional<Shape> shape;    // absent: there are no dates
  std::unique_ptr<Requested> requested;
};

// Reads the cut to its end. Throws Bad.
Summary summarise(Cut cut);

}  // namespace windtunnel::traces
