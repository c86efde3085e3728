// The files of the libraries, and their experiments cut to a few minutes.
#pragma once

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "topologies/load.hpp"

namespace windtunnel::test {

// "experiments" or "topologies".
inline std::vector<std::filesystem::path> library(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  const auto path = std::filesystem::path(WINDTUNNEL_SOURCE) / folder / "library";
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

inline LoadedExperiment library_experiment(const std::filesystem::path& file) {
  Diagnostics diagnostics;
  auto experiment = load_experiment(file.string(), {}, diagnostics);
  if (!experiment) throw std::runtime_error(diagnostics.print());
  return std::move(*experiment);
}

// Faults come within the first minute and last a minute, the run four.
inline LoadedExperiment cut_short(LoadedExperiment experiment) {
  constexpr std::int64_t minute = 60'000'000'000;
  settings::Experiment& settings = experiment.settings;
  settings.set_horizon(std::min(settings.horizon(), 4 * minute));
  settings.set_warm_up(std::min(settings.warm_up(), minute / 2));
  for (auto& fault : *settings.mutable_faults()) {
    fault.set_at(std::min(fault.at(), minute));
    if (fault.has_lasting()) fault.set_lasting(std::min(fault.lasting(), minute));
  }
  return experiment;
}

}  // namespace windtunnel::test
