#include "experiments/trace_load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "models/load/client_load.hpp"
#include "models/schema.pb.h"
#include "topologies/quantity.hpp"
#include "topologies/reader.hpp"

namespace windtunnel::experiments {

namespace {

const Place option_place{"--trace", 1, 1};

std::vector<ComponentSettings*> clients(LoadedExperiment& experiment) {
  std::vector<ComponentSettings*> found;
  for (ComponentSettings& component : experiment.topology.components) {
    if (component.model == "client") found.push_back(&component);
  }
  return found;
}

settings::Client& client_of(ComponentSettings& component) {
  return static_cast<settings::Client&>(*component.settings);
}

// Of "CLIENT=FILE" the client, or the only one; null with a message.
ComponentSettings* chosen_client(const std::string& text, LoadedExperiment& experiment,
                                 std::string& file, Diagnostics& diagnostics) {
  file = text;
  const auto all = clients(experiment);
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos) {
    for (ComponentSettings* component : all) {
      if (component->name != text.substr(0, equals)) continue;
      file = text.substr(equals + 1);
      return component;
    }
    if (!std::filesystem::exists(text)) {
      diagnostics.error(option_place, fmt::format("{} is not a client of this topology",
                                                  shown(text.substr(0, equals))));
      return nullptr;
    }
  }
  if (all.size() == 1) return all.front();
  std::string names;
  for (const ComponentSettings* component : all)
    names += (names.empty() ? "" : ", ") + component->name;
  diagnostics.error(option_place,
                    all.empty()
                        ? "the topology has no client"
                        : fmt::format("there are several clients ({}): say CLIENT=FILE", names));
  return nullptr;
}

// The options as the tree that a file's settings would be, each value at the place of its option.
Node tree_of(const TraceOption& option, const std::string& file,
             std::string (*name)(const std::string&)) {
  const auto value = [](const std::string& text, const Place& place) {
    return Node{Node::Kind::SCALAR, text, {}, place};
  };
  Node tree{Node::Kind::MAP, "", {}, option_place};
  tree.members.push_back({"file", option_place, value(file, option_place)});
  for (const TraceField& field : trace_fields()) {
    const auto given = option.fields.find(field.name);
    if (given == option.fields.end() || given->second.empty()) continue;
    const Place place{name(field.name), 1, 1};
    Node node = value(given->second.front(), place);
    if (field.repeated) {
      node = {Node::Kind::LIST, "", {}, place};
      for (const std::string& text : given->second) {
        node.members.push_back({"", place, value(text, place)});
      }
    }
    tree.members.push_back({field.name, place, std::move(node)});
  }
  return tree;
}

void take_beside(const LoadedExperiment& experiment, std::string& file) {
  const std::filesystem::path path = file;
  const auto beside = std::filesystem::path(experiment.file).parent_path() / path;
  if (path.is_relative() && std::filesystem::exists(beside)) file = beside.string();
}

void find_files(const LoadedExperiment& experiment, settings::Trace& trace) {
  take_beside(experiment, *trace.mutable_file());
  for (auto& piece : *trace.mutable_then()) {
    if (!piece.file().empty()) take_beside(experiment, *piece.mutable_file());
  }
}

}  // namespace

std::string dashed(std::string field) {
  std::replace(field.begin(), field.end(), '_', '-');
  return field;
}

std::string option_of(const std::string& field) { return "--trace-" + dashed(field); }

std::vector<TraceField> trace_fields() {
  std::vector<TraceField> fields;
  const auto& trace = *settings::Trace::descriptor();
  for (int i = 0; i < trace.field_count(); ++i) {
    const auto& field = *trace.field(i);
    if (field.name() == "file") continue;
    fields.push_back({field.name(), field.options().GetExtension(schema::field).sentence(),
                      field.is_repeated()});
  }
  return fields;
}

settings::Trace read_trace_options(const TraceOption& option, const std::string& file,
                                   std::string (*name)(const std::string& field),
                                   Diagnostics& diagnostics) {
  settings::Trace trace;
  Readings readings;
  read_message(tree_of(option, file, name), {"", "a trace", option_place}, trace, readings,
               diagnostics);
  return trace;
}

void tell(const traces::Bad& bad, const Place& fallback, Diagnostics& diagnostics) {
  if (bad.file.empty()) return diagnostics.error(fallback, bad.text);
  diagnostics.error({bad.file, static_cast<int>(bad.line), static_cast<int>(bad.column)}, bad.text);
}

std::string apply_trace(const TraceOption& option, LoadedExperiment& experiment,
                        Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.errors();
  std::string file;
  ComponentSettings* component = chosen_client(option.text, experiment, file, diagnostics);
  // An absolute path from here on: what the user's shell completed, not the experiment's neighbour.
  const std::string path = std::filesystem::absolute(file).lexically_normal().string();
  settings::Trace trace = read_trace_options(option, path, option_of, diagnostics);
  for (auto& piece : *trace.mutable_then()) {
    if (!piece.file().empty()) {
      piece.set_file(std::filesystem::absolute(piece.file()).lexically_normal().string());
    }
  }
  if (component == nullptr || diagnostics.errors() != errors) return {};
  settings::Client& client = client_of(*component);
  if (client.has_closed()) {
    diagnostics.error(
        option_place,
        fmt::format("{} has a closed load; a trace replaces an open one", component->name));
    return {};
  }
  *client.mutable_open()->mutable_trace() = trace;
  experiment.input_text += fmt::format("\n# --trace {}={}\n", component->name,
                                       std::filesystem::path(file).filename().string());
  for (const auto& [field, values] : option.fields) {
    for (const std::string& text : values) {
      experiment.input_text += fmt::format("# {} {}\n", option_of(field), text);
    }
  }
  return component->name;
}

std::map<std::string, std::int64_t> read_traces(LoadedExperiment& experiment,
                                                Diagnostics& diagnostics) {
  std::map<std::string, std::int64_t> lengths;
  for (ComponentSettings* component : clients(experiment)) {
    settings::Client& client = client_of(*component);
    if (!client.has_open() || client.open().has_poisson() || client.open().has_deterministic()) {
      continue;
    }
    try {
      for (settings::Trace* trace : traces_of(*client.mutable_open())) {
        find_files(experiment, *trace);
        const TraceExtent extent = read_through(*trace);
        experiment.input_text +=
            fmt::format("# trace of {}: {}, {:.0f} requests, hash {:016x}\n", component->name,
                        extent.format, extent.requests, extent.hash);
        if (client.open().has_trace()) lengths[component->name] = extent.length.count();
      }
      plan_of(client.open())->open(sim::Stream(1));
    } catch (const traces::Bad& bad) {
      tell(bad, component->place, diagnostics);
    }
  }
  return lengths;
}

}  // namespace windtunnel::experiments
