// The measures of one replication by their names, as the fields of Measures give them: a new
// measure is known here without a line of its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/record.pb.h"

namespace windtunnel::analysis {

struct MeasureValue {
  bool exists = false;
  bool censored = false;  // it exists, and is worse than any that is known
  double value = 0;       // seconds, or a share; of one that isn't censored
};

// rto, rpo, availability ...: shares, what may be censored, and two durations that never are.
std::vector<std::string> measure_names();
bool is_share(std::string_view measure);
// Less of all others is.
bool more_is_better(std::string_view measure);
MeasureValue value_of(const Measures& measures, const std::string& measure);

}  // namespace windtunnel::analysis
