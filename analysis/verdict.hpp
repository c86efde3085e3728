// What is said of an experiment: the verdict for people and for programs, and the stories behind
// it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "analysis/results_file.hpp"
#include "analysis/summary.hpp"

namespace windtunnel::analysis {

struct VerdictContext {
  std::string results_path;       // empty: none was written
  double wall_seconds = 0;        // 0: unknown, the processor time is said instead
  std::size_t story_events = 12;  // most events told of a replication
};

// Several lines, each ends with a newline.
std::string verdict_text(const Results& results, const Summary& summary,
                         const VerdictContext& context);

// Durations in seconds, shares in 0..1; null for what isn't known. Keys are read by programs: don't
// rename them.
nlohmann::json verdict_json(const Results& results, const Summary& summary,
                            const VerdictContext& context);

// One line: what happened from the fault to the recovery, at most `events_max` things, the rest
// counted.
std::string story_text(const ReplicationRecord& record, std::size_t events_max);

// The same line by line; `left_out` events are not told.
struct StoryLine {
  std::int64_t at;
  std::string text;
  bool is_milestone;
};
std::vector<StoryLine> story_lines(const ReplicationRecord& record, std::size_t events_max,
                                   std::size_t& left_out);

// For `windtunnel show`: all events of a replication, or all assumptions, one a line.
std::string events_text(const ReplicationRecord& record);
std::string assumptions_text(const ExperimentHeader& header);

}  // namespace windtunnel::analysis
