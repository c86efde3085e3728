// The topology as a graph of who calls whom, and what it shows before anything runs.
#pragma once

#include "topologies/topology.hpp"

namespace windtunnel {

// Of a topology without errors. Tells, at the place of the component:
// - errors: synchronous cycles (a call would wait for itself);
// - warnings: cycles that messages go round, through queues, topics, functions;
// - warnings: unused components, components that no client leads to, single points of failure: a
//   component that every path from the clients to a store passes through and that is one instance
//   or lives in one zone, and a zone without which no client reaches a store;
// - notes: such components that are spread over zones, or bound to none.
// Stores that stand in for each other, behind alternatives that one component names (an address and
// its standby, the records under one name), are as good as one.
// Stores are the models that provide "store"; if a topology has none, callable components that call
// nobody. Only reachability is looked at: capacity, and calls that fail beside the path to the
// store, are for the simulation.
void check_graph(const Topology& topology, Diagnostics& diagnostics);

}  // namespace windtunnel
