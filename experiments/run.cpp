#include "experiments/run.hpp"

#include <memory>

#include "analysis/measures.hpp"
#include "experiments/faults.hpp"
#include "sim/simulation.hpp"
#include "topologies/builder.hpp"

namespace windtunnel::experiments {

namespace {

analysis::ServiceLevel level_of(const settings::ServiceLevel& given) {
  analysis::ServiceLevel level;
  level.set_success(given.success());
  if (given.has_p99()) level.set_p99(given.p99());
  level.set_window(given.window());
  level.set_sustained(given.sustained());
  level.set_minimum_requests(given.minimum_requests());
  return level;
}

// Objectives by reflection: their messages' fields are named after measures, their oneof after
// statistics.
void add_objectives(const settings::Objectives& given, analysis::ExperimentHeader& header) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  given.GetReflection()->ListFields(given, &fields);
  for (const auto* measure : fields) {
    const auto& objective = given.GetReflection()->GetMessage(given, measure);
    std::vector<const google::protobuf::FieldDescriptor*> statistics;
    objective.GetReflection()->ListFields(objective, &statistics);
    for (const auto* statistic : statistics) {
      auto& claim = *header.add_objectives();
      claim.set_measure(measure->name());
      claim.set_statistic(statistic->name());
      claim.set_limit(
          statistic->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_DOUBLE
              ? objective.GetReflection()->GetDouble(objective, statistic)
              : static_cast<double>(objective.GetReflection()->GetInt64(objective, statistic)) *
                    1e-9);
    }
  }
}

void add_assumptions(const std::vector<Assumption>& given, analysis::ExperimentHeader& header) {
  for (const Assumption& assumption : given) {
    auto& added = *header.add_assumptions();
    added.set_path(assumption.path);
    added.set_value(assumption.value);
    added.set_sentence(assumption.sentence);
    added.set_source(assumption.source);
    added.set_unsourced(assumption.unsourced);
    added.set_at_default(!assumption.given);
  }
}

}  // namespace

analysis::ReplicationRecord run_replication(const LoadedExperiment& experiment, std::uint64_t seed,
                                            int index, bool simgrid) {
  const settings::Experiment& settings = experiment.settings;
  const settings::ServiceLevel& level = settings.service_level();
  sim::Simulation sim(
      {.seed = seed,
       .replication = static_cast<std::uint64_t>(index) + 1,
       .horizon = sim::Duration(settings.horizon()),
       .warm_up = sim::Duration(settings.warm_up()),
       .simgrid = simgrid,
       .window = sim::Duration(level.window()),
       .latency_bound = level.has_p99() ? sim::Duration(level.p99()) : sim::forever});
  build(experiment.topology, sim);
  sim.add(std::make_unique<FaultInjector>(sim, settings));
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
  analysis::record_run(sim.log(), level_of(level), record);
  for (const auto& component : sim.components()) {
    analysis::record_metrics(component->name(), component->metrics(), sim.horizon(), record);
  }
  return record;
}

analysis::ExperimentHeader header_of(const LoadedExperiment& experiment, std::uint64_t seed,
                                     int replications) {
  const settings::Experiment& settings = experiment.settings;
  analysis::ExperimentHeader header;
  header.set_experiment(settings.experiment());
  header.set_question(settings.question());
  header.set_input_text(experiment.input_text);
  header.set_input_file(experiment.file);
  header.set_input_hash(sim::hash_name(experiment.input_text));
  header.set_seed(seed);
  header.set_replications(static_cast<std::uint32_t>(replications));
  header.set_program_version(WINDTUNNEL_VERSION);
  header.set_horizon(settings.horizon());
  header.set_warm_up(settings.warm_up());
  *header.mutable_service_level() = level_of(settings.service_level());
  add_objectives(settings.objectives(), header);
  add_assumptions(experiment.topology.assumptions, header);
  add_assumptions(experiment.assumptions, header);
  return header;
}

}  // namespace windtunnel::experiments
