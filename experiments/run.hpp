// One experiment, from what was read to what is kept of each replication.
#pragma once

#include <cstdint>
#include <memory>

#include "analysis/record.pb.h"
#include "sim/simulation.hpp"
#include "topologies/load.hpp"

namespace windtunnel::experiments {

// Runs replication `index` (from 0). In a process of its own if the platform is SimGrid: it has one
// engine a process.
analysis::ReplicationRecord run_replication(const LoadedExperiment& experiment, std::uint64_t seed,
                                            int index, bool simgrid = true);

// The simulation of that replication, ready to run; for those who watch it.
std::unique_ptr<sim::Simulation> make_simulation(const LoadedExperiment& experiment,
                                                 std::uint64_t seed, int index,
                                                 bool simgrid = true);

// What is kept of the runs, the interval decided.
analysis::Recording recording_of(const settings::Experiment& settings);
analysis::ServiceLevel level_of(const settings::ServiceLevel& given);

// What is said of the whole experiment: its input, claims and assumptions.
analysis::ExperimentHeader header_of(const LoadedExperiment& experiment, std::uint64_t seed,
                                     int replications);

}  // namespace windtunnel::experiments
