#include "experiments/run.hpp"

#include <memory>
#include <optional>

#include "analysis/measures.hpp"
#include "analysis/recorder.hpp"
#include "experiments/faults.hpp"
#include "sim/simulation.hpp"
#include "topologies/builder.hpp"

namespace windtunnel::experiments {

std::unique_ptr<sim::Simulation> make_simulation(const LoadedExperiment& experiment,
                                                 std::uint64_t seed, int index, bool simgrid) {
  const settings::Experiment& settings = experiment.settings;
  const settings::ServiceLevel& level = settings.service_level();
  auto sim = std::make_unique<sim::Simulation>(sim::RunOptions{
      .seed = seed,
      .replication = static_cast<std::uint64_t>(index) + 1,
      .horizon = sim::Duration(settings.horizon()),
      .warm_up = sim::Duration(settings.warm_up()),
      .simgrid = simgrid,
      .window = sim::Duration(level.window()),
      .latency_bound = level.has_p99() ? sim::Duration(level.p99()) : sim::forever});
  build(experiment.topology, *sim);
  sim->add(std::make_unique<FaultInjector>(*sim, settings));
  return sim;
}

namespace {

// What the level of recording does not keep.
void forget(const std::string& level, analysis::ReplicationRecord& record) {
  if (level == "events" || level == "requests") return;
  record.clear_events();
}

}  // namespace

analysis::ReplicationRecord run_replication(const LoadedExperiment& experiment, std::uint64_t seed,
                                            int index, bool simgrid) {
  const auto simulation = make_simulation(experiment, seed, index, simgrid);
  sim::Simulation& sim = *simulation;
  analysis::Recording recording = recording_of(experiment.settings);
  if (static_cast<std::uint32_t>(index) >= recording.replications()) recording.set_level("summary");
  std::optional<analysis::Recorder> recorder;
  if (recording.level() != "summary") recorder.emplace(sim, recording);
  sim.run();

  analysis::ReplicationRecord record;
  record.set_replication(static_cast<std::uint32_t>(index));
  record.set_seed(seed);
  record.set_fingerprint(sim.fingerprint());
  record.set_events_handled(sim.events_handled());
  std::uint64_t requests = 0;
  for (const sim::RequestWindow& window : sim.log().windows)
    requests += window.arrived + window.undecided;
  record.set_requests(requests);
  analysis::record_run(sim.log(), level_of(experiment.settings.service_level()), record);
  for (const auto& component : sim.components()) {
    analysis::record_metrics(component->name(), component->metrics(), sim.horizon(), record);
  }
  if (recorder) recorder->fill(record);
  forget(recording.level(), record);
  return record;
}

}  // namespace windtunnel::experiments
