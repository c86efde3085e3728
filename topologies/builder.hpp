// From settings to a simulation that can run.
#pragma once

#include "sim/simulation.hpp"
#include "topologies/topology.hpp"

namespace windtunnel {

// Adds zones, latencies and all components, in the file's order. The topology was read without
// errors.
void build(const Topology& topology, sim::Simulation& sim);

}  // namespace windtunnel
