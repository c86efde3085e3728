// What is said of a whole experiment: its input, claims, assumptions, topology; by what it was run.
#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <fstream>
#include <thread>

#include "experiments/faults.hpp"
#include "experiments/run.hpp"
#include "models/left_out.hpp"
#include "models/registry.hpp"
#include "sim/hash.hpp"
#include "topologies/reflect.hpp"

namespace windtunnel::experiments {

analysis::ServiceLevel level_of(const settings::ServiceLevel& given) {
  analysis::ServiceLevel level;
  level.set_success(given.success());
  if (given.has_p99()) level.set_p99(given.p99());
  level.set_window(given.window());
  level.set_sustained(given.sustained());
  level.set_minimum_requests(given.minimum_requests());
  return level;
}

analysis::Recording recording_of(const settings::Experiment& settings) {
  constexpr std::int64_t second = 1'000'000'000, most = 720;
  // Intervals that people like to read off an axis.
  constexpr std::int64_t choice[] = {10, 30, 60, 300, 900, 3600, 21600, 86400, 604800};
  const settings::Recording& given = settings.recording();
  analysis::Recording recording;
  recording.set_level(
      written(*settings::Recording::Level_descriptor()->FindValueByNumber(given.level())));
  std::int64_t interval = choice[0];
  for (const std::int64_t longer : choice) {
    if (settings.horizon() > interval * second * most) interval = longer;
  }
  recording.set_interval(given.has_interval() ? given.interval() : interval * second);
  recording.set_replications(static_cast<std::uint32_t>(given.replications()));
  recording.set_one_request_in(static_cast<std::uint32_t>(given.one_request_in()));
  return recording;
}

namespace {

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
    if (assumption.path.starts_with("recording")) continue;  // no result rests on it
    auto& added = *header.add_assumptions();
    added.set_path(assumption.path);
    added.set_value(assumption.value);
    added.set_sentence(assumption.sentence);
    added.set_source(assumption.source);
    added.set_unsourced(assumption.unsourced);
    added.set_at_default(!assumption.given);
  }
}

std::string separated(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

void add_published(const ComponentSettings& component, analysis::ExperimentHeader& header) {
  for (const auto& metric : component.model_options().publishes()) {
    auto& published = *header.add_published();
    published.set_component(component.name);
    published.set_metric(metric.name());
    published.set_namespace_(metric.namespace_());
    std::string dimensions;
    for (const std::string& dimension : metric.dimensions()) {
      dimensions += (dimensions.empty() ? "" : ",") + dimension + "=" + component.name;
    }
    published.set_dimensions(dimensions);
  }
}

void add_topology(const Topology& topology, analysis::ExperimentHeader& header) {
  header.set_zones(separated(topology.zones()));
  for (const ComponentSettings& component : topology.components) {
    const schema::Model& model = component.model_options();
    auto& info = *header.add_components();
    info.set_name(component.name);
    info.set_model(component.model);
    info.set_category(model.category());
    info.set_sentence(model.sentence());
    info.set_zones(separated(topology.zones_of(topology.host_of(component))));
    info.set_left_out(left_out(component.model));
    info.set_is_store(provides(model, "store"));
    for (const Reference& reference : component.references()) {
      auto& edge = *header.add_references();
      edge.set_from(component.name);
      edge.set_to(reference.target);
      edge.set_path(reference.path);
      edge.set_port(reference.port);
    }
    add_published(component, header);
  }
}

// The name of what is hit, whatever the kind of the fault: every kind has a field `target`.
void add_faults(const settings::Experiment& settings, analysis::ExperimentHeader& header) {
  for (const settings::Fault& fault : settings.faults()) {
    auto& added = *header.add_faults();
    added.set_at(fault.at());
    if (fault.has_lasting()) added.set_lasting(fault.lasting());
    added.set_text(FaultInjector::describe(fault));
    const auto* kind = fault.GetReflection()->GetOneofFieldDescriptor(
        fault, settings::Fault::descriptor()->FindOneofByName("kind"));
    if (kind == nullptr) continue;
    added.set_kind(kind->name());
    const auto targets = texts_of(fault.GetReflection()->GetMessage(fault, kind), "target");
    if (!targets.empty()) added.set_target(targets.front());
  }
}

std::string json_of(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  static_cast<void>(google::protobuf::util::MessageToJsonString(message, &text, options));
  return text;
}

// By hand around what Protobuf prints: names are plain words, see topologies/names.hpp.
std::string configuration_of(const LoadedExperiment& experiment) {
  std::string text = "{\"experiment\":" + json_of(experiment.settings) +
                     ",\"network\":" + json_of(experiment.topology.network) + ",\"regions\":{";
  std::string comma;
  for (const RegionSettings& region : experiment.topology.regions) {
    text += comma + "\"" + region.name + "\":" + json_of(region.settings);
    comma = ",";
  }
  text += "},\"components\":{";
  comma.clear();
  for (const ComponentSettings& component : experiment.topology.components) {
    text += comma + "\"" + component.name + "\":{\"" + component.model +
            "\":" + json_of(*component.settings) + "}";
    comma = ",";
  }
  return text + "}}";
}

std::string schema_version() {
  std::string all = settings::Experiment::descriptor()->DebugString();
  for (const auto& [name, model] : models()) all += model.descriptor()->DebugString();
  return fmt::format("{:016x}", sim::hash_name(all));
}

std::string machine() {
  utsname system{};
  uname(&system);
  std::string processor;
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; processor.empty() && std::getline(info, line);) {
    if (line.starts_with("model name")) processor = line.substr(line.find(':') + 2);
  }
  return fmt::format("{} x {}, {} {}, gcc {}", std::thread::hardware_concurrency(),
                     processor.empty() ? system.machine : processor, system.sysname, system.release,
                     __VERSION__);
}

std::string date_of_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm date{};
  gmtime_r(&now, &date);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &date);
  return text.data();
}

}  // namespace

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
  *header.mutable_recording() = recording_of(settings);
  for (const InputText& input : experiment.inputs) {
    auto& file = *header.add_inputs();
    file.set_name(input.name);
    file.set_text(input.text);
  }
  add_topology(experiment.topology, header);
  add_faults(settings, header);
  header.set_configuration(configuration_of(experiment));
  header.set_schema_version(schema_version());
  header.set_machine(machine());
  header.set_created(date_of_now());
  return header;
}

}  // namespace windtunnel::experiments
