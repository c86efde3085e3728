#include "experiments/trace_load.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <vector>

#include "models/load/client.pb.h"
#include "models/mechanisms/rate_series.hpp"

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
ComponentSettings* chosen_client(const std::string& text, LoadedExperiment& experiment, std::string& file,
                                 Diagnostics& diagnostics) {
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
      diagnostics.error(option_place, fmt::format("{} is not a client of this topology", shown(text.substr(0, equals))));
      return nullptr;
    }
  }
  if (all.size() == 1) return all.front();
  std::string names;
  for (const ComponentSettings* component : all) names += (names.empty() ? "" : ", ") + component->name;
  diagnostics.error(option_place, all.empty() ? "the topology has no client"
                                              : fmt::format("there are several clients ({}): say CLIENT=FILE", names));
  return nullptr;
}

}  // namespace

void apply_trace(const TraceOption& option, LoadedExperiment& experiment, Diagnostics& diagnostics) {
  std::string file;
  ComponentSettings* component = chosen_client(option.text, experiment, file, diagnostics);
  if (component == nullptr) return;
  settings::Client& client = client_of(*component);
  if (client.has_closed()) {
    return diagnostics.error(option_place, fmt::format("{} has a closed load; a trace replaces an open one", component->name));
  }
  auto& trace = *client.mutable_open()->mutable_trace();
  // From here on an absolute path is meant: what the user's shell completed, not the experiment's neighbour.
  trace.set_file(std::filesystem::absolute(file).string());
  trace.set_from(option.from);
  trace.set_to(option.to);
  trace.set_scale(option.scale);
  experiment.input_text += fmt::format("\n# --trace {} from '{}' to '{}' scale {}\n", component->name, option.from, option.to, option.scale);
}

std::optional<std::int64_t> read_traces(LoadedExperiment& experiment, Diagnostics& diagnostics) {
  std::optional<std::int64_t> longest;
  for (ComponentSettings* component : clients(experiment)) {
    settings::Client& client = client_of(*component);
    if (!client.open().has_trace()) continue;
    auto& trace = *client.mutable_open()->mutable_trace();
    const std::filesystem::path file = trace.file();
    if (const auto beside = std::filesystem::path(experiment.file).parent_path() / file;
        file.is_relative() && std::filesystem::exists(beside)) {
      trace.set_file(beside.string());
    }
    std::vector<TraceProblem> problems;
    const auto series = read_trace({trace.file(), trace.from(), trace.to(), trace.scale()}, problems);
    for (const TraceProblem& problem : problems) {
      diagnostics.error({trace.file(), static_cast<int>(problem.line), static_cast<int>(problem.column)}, problem.text);
    }
    if (series == nullptr) continue;
    std::uint64_t hash = 0;
    for (const RateSeries::Bin& bin : series->bins) {
      hash = sim::mix(hash ^ static_cast<std::uint64_t>(bin.start.time_since_epoch().count())) ^
             std::bit_cast<std::uint64_t>(bin.rate);
    }
    experiment.input_text += fmt::format("# trace of {}: {} bins, {:.0f} requests, hash {:016x}\n", component->name,
                                         series->bins.size(), series->total, hash);
    longest = std::max(longest.value_or(0), series->length.count());
  }
  return longest;
}

}  // namespace windtunnel::experiments
