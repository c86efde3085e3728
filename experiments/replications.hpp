// One replication = one process: SimGrid has one engine and one clock a process, and a crash takes
// only one with it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "analysis/record.pb.h"

namespace windtunnel::experiments {

struct Batch {
  int replications = 1;  // numbered from 0
  int jobs = 1;          // processes at a time
  // Runs one replication; called in a child, which may be killed at any moment. An exception ends
  // only that child; its what() is reported.
  std::function<analysis::ReplicationRecord(int replication)> run;
  // Called in the parent, in order of completion, e.g. to append to the journal. An exception ends
  // the batch.
  std::function<void(const analysis::ReplicationRecord&)> keep;
  // Called in the parent after each replication, and once at the start; may be empty.
  std::function<void(int finished, int replications)> progress;
};

struct BatchResult {
  std::vector<analysis::ReplicationRecord> records;  // by replication, those already done included
  std::vector<std::string> failures;                 // which replication (from 1), and why
  bool interrupted = false;

  // 0, 4 (a replication crashed) or 130 (SIGINT, SIGTERM).
  int exit_code() const { return interrupted ? 130 : failures.empty() ? 0 : 4; }
};

// Runs those that are not among `done`. Fills in processor time and memory of each. On SIGINT or
// SIGTERM it kills the children and returns; a parent that dies takes its children with it. No
// other children of this process may end meanwhile unnoticed by their owners: only those started
// here are waited for.
BatchResult run_replications(const Batch& batch,
                             std::vector<analysis::ReplicationRecord> done = {});

}  // namespace windtunnel::experiments
