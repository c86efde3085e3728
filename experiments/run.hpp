// One experiment, from what was read to what is kept of each replication.
#pragma once

#include <cstdint>

#include "analysis/record.pb.h"
#include "topologies/load.hpp"

namespace windtunnel::experiments {

// Runs replication `index` (from 0). In a process of its own if the platform is SimGrid: it has one
// engine a process.
analysis::ReplicationRecord run_replication(const LoadedExperiment& experiment, std::uint64_t seed,
                                            int index, bool simgrid = true);

// What is said of the whole experiment: its input, claims and assumptions.
analysis::ExperimentHeader header_of(const LoadedExperiment& experiment, std::uint64_t seed,
                                     int replications);

}  // namespace windtunnel::experiments
