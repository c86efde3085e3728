// A topology or experiment written in the test, built on the flat platform in this process.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "experiments/faults.hpp"
#include "sim/simulation.hpp"
#include "topologies/builder.hpp"
#include "topologies/load.hpp"

namespace windtunnel::test {

// The simulation of an experiment's text, ready to run; throws with the reader's messages if it has
// errors.
inline std::unique_ptr<sim::Simulation> simulation_of(const std::string& yaml,
                                                      std::uint64_t seed = 1,
                                                      std::uint64_t replication = 1) {
  Diagnostics diagnostics;
  const auto experiment = read_experiment(yaml, "test.yaml", {}, diagnostics);
  if (!experiment) throw std::runtime_error(diagnostics.print());
  const settings::Experiment& settings = experiment->settings;
  const settings::ServiceLevel& level = settings.service_level();
  auto sim = std::make_unique<sim::Simulation>(sim::RunOptions{
      .seed = seed,
      .replication = replication,
      .horizon = sim::Duration(settings.horizon()),
      .warm_up = sim::Duration(settings.warm_up()),
      .window = sim::Duration(level.window()),
      .latency_bound = level.has_p99() ? sim::Duration(level.p99()) : sim::forever});
  build(experiment->topology, *sim);
  sim->add(std::make_unique<experiments::FaultInjector>(*sim, settings));
  return sim;
}

// A metric's statistic of a component; throws where there is none of that name.
inline double metric_of(const sim::Simulation& sim, const std::string& component,
                        const std::string& metric, const std::string& statistic) {
  const sim::Component* found = sim.find_component(component);
  if (found == nullptr) throw std::runtime_error("no component " + component);
  for (const sim::Metric* candidate : found->metrics().all()) {
    if (candidate->name() != metric) continue;
    for (const auto& [name, value] : candidate->summary(sim.now())) {
      if (name == statistic) return value;
    }
  }
  throw std::runtime_error(fmt::format("{} has no {} of {}", component, statistic, metric));
}

}  // namespace windtunnel::test
