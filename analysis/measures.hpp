// The measures of one replication from what its run left behind (sim/log.hpp).
#pragma once

#include <vector>

#include "analysis/record.pb.h"
#include "sim/log.hpp"
#include "sim/metrics.hpp"

namespace windtunnel::analysis {

// A stretch of the run that is judged as one.
struct JudgedWindow {
  sim::Time start, end;
  bool good;
};

// The log's windows from the warm-up's end, each lengthened until it holds `minimum_requests`
// decided requests. What is left at the horizon without reaching them is no evidence of anything
// and is left out. Caution: a lengthened window counts from its start, also where that start is
// without requests.
std::vector<JudgedWindow> judged_windows(const sim::RunLog& log, const ServiceLevel& level);

// Fills all that follows from the log: measures, parts, milestones, outages, events, spells,
// writes, windows. The log was configured with the window and latency bound of `level`.
void record_run(const sim::RunLog& log, const ServiceLevel& level, ReplicationRecord& record);

// Adds the metrics of one component, and what it throttled; `now` is the horizon.
void record_metrics(const std::string& component, const sim::MetricSet& metrics, sim::Time now,
                    ReplicationRecord& record);

}  // namespace windtunnel::analysis
