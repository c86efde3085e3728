// The first event in which two runs part, found by running both again, each in a process of its
// own, and reading their events side by side.
#pragma once

#include <cstdint>
#include <string>

#include "topologies/load.hpp"

namespace windtunnel::experiments {

struct RunOfExperiment {
  const LoadedExperiment* experiment;
  std::uint64_t seed;
  int replication;  // from 0
};

// Several lines for people: how many events the two have in common, and then what each of them does
// next. Throws std::runtime_error if a run breaks off.
std::string first_difference(const RunOfExperiment& a, const RunOfExperiment& b);

}  // namespace windtunnel::experiments
