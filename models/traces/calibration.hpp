// From a service's access log to settings of its model. A target is taken for a first-come,
// first-served station with an unknown number of workers c: given c, the dates when requests came
// and went say when each began to be served, so how long that took. The c, and the law of that
// time, are those of the largest likelihood. Left out: processor sharing, priorities, times that
// depend on the load. Where the log's dates are whole seconds, or never more requests than workers
// were there, c cannot be told and times are taken as they are logged, waiting included.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/traces/cut.hpp"
#include "models/traces/fit.hpp"

namespace windtunnel::traces {

struct Share {
  double value = 0, low = 0, high = 0;  // with its 95 % interval (Wilson 1927)
};

// A measure of the part that was held out, and what the fitted model says of it.
struct Checked {
  std::string name;
  double measured = 0, predicted = 0;  // seconds, or a share
  double error() const { return measured > 0 ? predicted / measured - 1 : 0; }
};

struct Calibration {
  std::string format;
  Date from, to;
  std::chrono::seconds zone{0};
  std::size_t requests = 0, held_out = 0;
  std::size_t without_time = 0;  // no target, or no answer: not counted above
  bool more = false;             // the log goes on beyond what is kept
  std::size_t targets = 0;
  double rate = 0;        // requests a second, of all targets
  int workers = 0;        // of a target; 0: can't be told
  int seen_at_once = 0;   // requests at a target
  double distance = 0;    // Kolmogorov and Smirnov's, of the law that was chosen
  std::vector<Fit> laws;  // the likeliest first
  Share errors;           // of answers 5xx by a target
  double error_run = 0;   // mean length of a run of errors; without memory 1 / (1 - share)
  double error_time = 0, success_time = 0;  // mean seconds
  std::vector<Checked> checked;
};

// Throws Bad. The last `held_out` of the requests in time are only checked against.
Calibration calibrate(const Cut& cut, double held_out);

inline constexpr std::size_t calibrated_max = 1'000'000;  // requests kept

}  // namespace windtunnel::traces
