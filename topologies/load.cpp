#include "topologies/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>

#include "models/registry.hpp"
#include "topologies/checks.hpp"
#include "topologies/graph.hpp"
#include "topologies/names.hpp"
#include "topologies/overrides.hpp"
#include "topologies/reflect.hpp"

namespace windtunnel {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Takes a member out of a map, for a part that is read in another way than the rest.
std::optional<Member> take(Node& node, std::string_view key) {
  const auto found = std::find_if(node.members.begin(), node.members.end(),
                                  [&](const Member& member) { return member.key == key; });
  if (node.kind != Node::Kind::MAP || found == node.members.end()) return std::nullopt;
  Member member = std::move(*found);
  node.members.erase(found);
  return member;
}

// Reads the components of a topology and then what lies between them.
class TopologyReader {
 public:
  // `loaded_apart`: clients whose load the experiment gives.
  TopologyReader(std::set<std::string> loaded_apart, Diagnostics& diagnostics)
      : loaded_apart_(std::move(loaded_apart)), diagnostics_(diagnostics) {}

  Topology read(Node node) {
    const std::size_t errors = diagnostics_.errors();
    topology_.place = node.place;
    const auto components = take(node, "components");
    settings::Topology around;
    Readings readings;
    read_message(node, {"", "topology", node.place}, around, readings, diagnostics_);
    topology_.network = around.network();
    topology_.assumptions = std::move(readings.assumptions);
    if (const Member* regions = node.find("regions"); regions != nullptr) {
      for (const Member& region : regions->value.members) add_region(region, around);
    }
    if (!components) {
      diagnostics_.error(topology_.place, "components is missing: " + field_sentence());
    } else if (components->value.kind != Node::Kind::MAP || components->value.members.empty()) {
      diagnostics_.error(components->place, "components: is not a map of components");
    } else {
      for (const Member& component : components->value.members) add_component(component);
    }
    check_references(topology_, declared_, diagnostics_);
    check_zones(topology_, diagnostics_);
    if (diagnostics_.errors() == errors) check_models(topology_, Sayings::ERRORS, diagnostics_);
    return std::move(topology_);
  }

 private:
  static std::string field_sentence() {
    return options_of(*settings::Topology::descriptor()->FindFieldByName("components")).sentence();
  }

  void add_region(const Member& region, const settings::Topology& around) {
    if (const auto& known = known_regions();
        std::find(known.begin(), known.end(), region.key) == known.end()) {
      diagnostics_.error(region.place, fmt::format("unknown AWS region {}{}", shown(region.key),
                                                   did_you_mean(region.key, known)));
    }
    const auto read = around.regions().find(region.key);
    if (read == around.regions().end()) return;
    topology_.regions.push_back({region.key, read->second, region.place});
  }

  void add_component(const Member& member) {
    const std::string& name = member.key;
    declared_.push_back(name);
    if (!is_name(name)) {
      diagnostics_.error(member.place, fmt::format("component {}: {}", shown(name), name_rule));
      return;
    }
    const std::vector<std::string> zones = topology_.zones();
    if (std::find(zones.begin(), zones.end(), name) != zones.end() ||
        std::find(known_regions().begin(), known_regions().end(), name) != known_regions().end()) {
      return error(member, "is the name of a region or an availability zone");
    }
    const std::vector<Member>& model = member.value.members;
    if (member.value.kind != Node::Kind::MAP || model.empty()) {
      return error(member, "names no model; write {MODEL: {settings}}");
    }
    if (model.size() > 1) {
      return error(member, fmt::format("names {} models, {} and {}; a component has one",
                                       model.size(), shown(model[0].key), shown(model[1].key)));
    }
    read_settings(member, model.front());
  }

  void read_settings(const Member& component, const Member& model) {
    const auto entry = models().find(model.key);
    if (entry == models().end()) {
      std::vector<std::string> names;
      for (const auto& [name, unused] : models()) names.push_back(name);
      diagnostics_.error(model.place,
                         fmt::format("{}: unknown model {}{}", component.key, shown(model.key),
                                     did_you_mean(model.key, names)));
      return;
    }
    ComponentSettings settings{
        component.key, model.key, entry->second.new_settings(), component.place, {}};
    Readings readings;
    read_message(model.value, {component.key, model.key, component.place}, *settings.settings,
                 readings, diagnostics_,
                 loaded_apart_.contains(component.key) ? Oneofs::LEFT_OPEN : Oneofs::REQUIRED);
    settings.places = std::move(readings.places);
    std::move(readings.assumptions.begin(), readings.assumptions.end(),
              std::back_inserter(topology_.assumptions));
    topology_.components.push_back(std::move(settings));
  }

  void error(const Member& component, std::string_view text) {
    diagnostics_.error(component.place, fmt::format("{}: {}", component.key, text));
  }

  const std::set<std::string> loaded_apart_;
  Diagnostics& diagnostics_;
  Topology topology_;
  std::vector<std::string> declared_;
};

// An experiment's load replaces the client's, whatever that was.
void apply_workload(LoadedExperiment& experiment, Diagnostics& diagnostics) {
  for (const auto& [name, workload] : experiment.settings.workload()) {
    const Place place = experiment.places.at("workload." + name);
    const auto error = [&](const std::string& text) {
      diagnostics.error(place, fmt::format("workload.{}: {}", name, text));
    };
    const ComponentSettings* component = experiment.topology.find(name);
    if (component == nullptr) {
      error("no such component" + did_you_mean(name, experiment.topology.component_names()));
      continue;
    }
    std::vector<const FieldDescriptor*> loads;
    workload.GetReflection()->ListFields(workload, &loads);
    Message& settings = *component->settings;
    for (const FieldDescriptor* load : loads) {
      const FieldDescriptor* field = settings.GetDescriptor()->FindFieldByName(load->name());
      if (field == nullptr || field->message_type() != load->message_type()) {
        error(fmt::format("{} takes no load", component->model));
        continue;
      }
      settings.GetReflection()
          ->MutableMessage(&settings, field)
          ->CopyFrom(workload.GetReflection()->GetMessage(workload, load));
    }
  }
}

bool is_client(const ComponentSettings& component) {
  return component.model_options().category() == "load";
}

void check_experiment(const LoadedExperiment& experiment, Diagnostics& diagnostics) {
  const settings::Experiment& settings = experiment.settings;
  const auto place = [&](std::string_view path) { return experiment.places.at(path); };
  if (!settings.experiment().empty() && !is_name(settings.experiment())) {
    diagnostics.error(place("experiment"),
                      fmt::format("experiment: {}: {}", shown(settings.experiment()), name_rule));
  }
  const auto& components = experiment.topology.components;
  if (!components.empty() && std::none_of(components.begin(), components.end(), is_client)) {
    diagnostics.error(experiment.topology.place, "no client: nothing would happen");
  }
  if (settings.faults().empty()) {
    const settings::Objectives& objectives = settings.objectives();
    const auto idle = [&](std::string_view name) {
      diagnostics.warning(place(fmt::format("objectives.{}", name)),
                          fmt::format("objectives.{}: without a fault it is always 0", name));
    };
    if (objectives.has_rto()) idle("rto");
    if (objectives.has_rpo()) idle("rpo");
  }
  check_faults(settings, experiment.places, experiment.topology, diagnostics);
}

bool is_map(const Node& root, Diagnostics& diagnostics) {
  if (root.kind == Node::Kind::MAP) return true;
  diagnostics.error(root.place, root.kind == Node::Kind::NOTHING
                                    ? "the file is empty"
                                    : fmt::format("{} instead of settings", kind_of(root)));
  return false;
}

std::vector<Override> parse_overrides(const std::vector<std::string>& sets,
                                      Diagnostics& diagnostics) {
  std::vector<Override> changes;
  for (const std::string& set : sets) {
    if (auto change = parse_override(set, diagnostics)) changes.push_back(std::move(*change));
  }
  return changes;
}

bool is_topology_itself(const Override& change) {
  return change.path == std::vector<std::string>{"topology"};
}

// A topology that is a path is read and put in the path's place.
void read_named_topology(Node& root, LoadedExperiment& experiment,
                         const std::vector<InputText>& inputs, Diagnostics& diagnostics) {
  Member* topology = root.find("topology");
  if (topology == nullptr || topology->value.kind != Node::Kind::SCALAR) return;
  const bool from_file = topology->place.file == experiment.file;
  const auto directory =
      from_file ? std::filesystem::path(experiment.file).parent_path() : std::filesystem::path();
  const std::string path = (directory / topology->value.text).lexically_normal().string();
  const std::size_t errors = diagnostics.errors();
  Diagnostics found;
  const auto input = std::find_if(inputs.begin(), inputs.end(),
                                  [&](const InputText& one) { return one.name == path; });
  const auto text = input != inputs.end() ? std::optional(input->text) : read_text(path, found);
  if (!text) {
    const Diagnostic why = found.sorted().front();
    diagnostics.error(topology->place, fmt::format("topology: {}: {}", shown(path), why.text));
  }
  const auto node = text ? parse_document(*text, path, diagnostics) : std::nullopt;
  if (text) {
    experiment.input_text += fmt::format("\n# {}\n{}", path, *text);
    experiment.inputs.push_back({path, *text});
  }
  if (node && is_map(*node, diagnostics) && diagnostics.errors() == errors) topology->value = *node;
}

// What `check` tells of a topology without errors.
void look_at(const Topology& topology, Diagnostics& diagnostics) {
  check_graph(topology, diagnostics);
  check_models(topology, Sayings::NOTES, diagnostics);
}

}  // namespace

std::optional<Topology> read_topology(const std::string& text, const std::string& file,
                                      const std::vector<std::string>& sets,
                                      Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.errors();
  const std::vector<Override> changes = parse_overrides(sets, diagnostics);
  auto root = parse_document(text, file, diagnostics);
  if (!root || !is_map(*root, diagnostics)) return std::nullopt;
  for (const Override& change : changes) apply_override(*root, change, diagnostics);
  Topology topology = TopologyReader({}, diagnostics).read(std::move(*root));
  return diagnostics.errors() == errors ? std::optional(std::move(topology)) : std::nullopt;
}

std::optional<LoadedExperiment> read_experiment(const std::string& text, const std::string& file,
                                                const std::vector<std::string>& sets,
                                                Diagnostics& diagnostics,
                                                const std::vector<InputText>& inputs) {
  const std::size_t errors = diagnostics.errors();
  const std::vector<Override> changes = parse_overrides(sets, diagnostics);
  auto root = parse_document(text, file, diagnostics);
  if (!root || !is_map(*root, diagnostics)) return std::nullopt;
  LoadedExperiment experiment;
  experiment.inputs.push_back({file, text});
  experiment.file = file;
  experiment.input_text = text;
  for (const Override& change : changes) {
    if (is_topology_itself(change)) apply_override(*root, change, diagnostics);
  }
  read_named_topology(*root, experiment, inputs, diagnostics);
  for (const Override& change : changes) {
    if (!is_topology_itself(change)) apply_override(*root, change, diagnostics);
  }
  for (const std::string& set : sets) experiment.input_text += fmt::format("\n# --set {}\n", set);

  auto topology = take(*root, "topology");
  Readings readings;
  read_message(*root, {"", "experiment", root->place}, experiment.settings, readings, diagnostics);
  experiment.places = std::move(readings.places);
  experiment.assumptions = std::move(readings.assumptions);
  if (!topology) {
    diagnostics.error(root->place, "topology is missing: inline, or the path of a topology file");
  } else if (topology->value.kind == Node::Kind::MAP) {
    std::set<std::string> loaded_apart;
    for (const auto& [name, workload] : experiment.settings.workload()) loaded_apart.insert(name);
    experiment.topology =
        TopologyReader(loaded_apart, diagnostics).read(std::move(topology->value));
    apply_workload(experiment, diagnostics);
    check_experiment(experiment, diagnostics);
  } else if (topology->value.kind != Node::Kind::SCALAR) {
    diagnostics.error(topology->place, fmt::format("topology: {} is neither a topology nor a path",
                                                   kind_of(topology->value)));
  }
  return diagnostics.errors() == errors ? std::optional(std::move(experiment)) : std::nullopt;
}

std::optional<Topology> load_topology(const std::string& path, const std::vector<std::string>& sets,
                                      Diagnostics& diagnostics) {
  const auto text = read_text(path, diagnostics);
  return text ? read_topology(*text, path, sets, diagnostics) : std::nullopt;
}

std::optional<LoadedExperiment> load_experiment(const std::string& path,
                                                const std::vector<std::string>& sets,
                                                Diagnostics& diagnostics) {
  const auto text = read_text(path, diagnostics);
  return text ? read_experiment(*text, path, sets, diagnostics) : std::nullopt;
}

bool check_file(const std::string& path, const std::vector<std::string>& sets,
                Diagnostics& diagnostics) {
  const auto text = read_text(path, diagnostics);
  if (!text) return false;
  Diagnostics unused;  // of a first look; the readers tell them
  const auto root = parse_document(*text, path, unused);
  const bool bare = root && root->find("components") != nullptr &&
                    root->find("topology") == nullptr && root->find("experiment") == nullptr;
  if (bare) {
    const auto topology = read_topology(*text, path, sets, diagnostics);
    if (topology) look_at(*topology, diagnostics);
  } else {
    const auto experiment = read_experiment(*text, path, sets, diagnostics);
    if (experiment) look_at(experiment->topology, diagnostics);
  }
  return !diagnostics.has_errors();
}

}  // namespace windtunnel
