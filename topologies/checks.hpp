// What needs more than one message to see: names that must exist, places, faults. All errors, told
// in any order.
#pragma once

#include <string>
#include <vector>

#include "experiments/experiment.pb.h"
#include "topologies/topology.hpp"

namespace windtunnel {

// Every reference names a component that provides its port. `declared`: all names of the file, also
// of components whose model is not known.
void check_references(const Topology& topology, const std::vector<std::string>& declared,
                      Diagnostics& diagnostics);

// Regions and availability zones that components name exist and belong together.
void check_zones(const Topology& topology, Diagnostics& diagnostics);

// What models say of their own settings (models/settings_check.hpp): the errors, or the notes.
enum class Sayings { ERRORS, NOTES };
void check_models(const Topology& topology, Sayings sayings, Diagnostics& diagnostics);

// Faults hit what is there, before the horizon, and do not contradict each other.
void check_faults(const settings::Experiment& experiment, const Places& places,
                  const Topology& topology, Diagnostics& diagnostics);

}  // namespace windtunnel
