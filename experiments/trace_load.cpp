#include "experiments/trace_load.hpp"

#include <fmt/format.h>

#include <bit>
#include <filesystem>
#include <vector>

#include "models/load/client.pb.h"
#include "models/mechanisms/rate_series.hpp"
#include "topologies/quantity.hpp"

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

}  // namespace

std::string apply_trace(const TraceOption& option, LoadedExperiment& experiment,
                        Diagnostics& diagnostics) {
  const auto date = [&](const char* name, const std::string& text) {
    if (text.empty()) return;
    const std::string error = date_error(text);
    if (!error.empty()) diagnostics.error({name, 1, 1}, fmt::format("{} {}", shown(text), error));
  };
  date("--trace-from", option.from);
  date("--trace-to", option.to);
  std::string file;
  ComponentSettings* component = chosen_client(option.text, experiment, file, diagnostics);
  if (component == nullptr) return {};
  settings::Client& client = client_of(*component);
  if (client.has_closed()) {
    diagnostics.error(
        option_place,
        fmt::format("{} has a closed load; a trace replaces an open one", component->name));
    return {};
  }
  auto& trace = *client.mutable_open()->mutable_trace();
  // An absolute path from here on: what the user's shell completed, not the experiment's neighbour.
  trace.set_file(std::filesystem::absolute(file).lexically_normal().string());
  trace.set_from(option.from);
  trace.set_to(option.to);
  trace.set_scale(option.scale);
  experiment.input_text += fmt::format(
      "\n# --trace {}={} from '{}' to '{}' scale {}\n", component->name,
      std::filesystem::path(file).filename().string(), option.from, option.to, option.scale);
  return component->name;
}

std::map<std::string, std::int64_t> read_traces(LoadedExperiment& experiment,
                                                Diagnostics& diagnostics) {
  std::map<std::string, std::int64_t> lengths;
  for (ComponentSettings* component : clients(experiment)) {
    settings::Client& client = client_of(*component);
    if (!client.open().has_trace()) continue;
    auto& trace = *client.mutable_open()->mutable_trace();
    const std::filesystem::path file = trace.file();
    if (const auto beside = std::filesystem::path(experiment.file).parent_path() / file;
        file.is_relative() && std::filesystem::exists(beside)) {
      trace.set_file(beside.string());
    }
    const TraceCut cut{trace.file(), trace.from(), trace.to(), trace.scale()};
    std::vector<TraceProblem> problems;
    if (read_trace(cut, problems) == nullptr) {
      for (const TraceProblem& problem : problems) {
        diagnostics.error(
            {trace.file(), static_cast<int>(problem.line), static_cast<int>(problem.column)},
            problem.text);
      }
      continue;
    }
    const auto series = rate_series(cut);  // kept: the replications are forked with it
    std::uint64_t hash = 0;
    for (const RateSeries::Bin& bin : series->bins) {
      hash = sim::mix(hash ^ static_cast<std::uint64_t>(bin.start.time_since_epoch().count())) ^
             std::bit_cast<std::uint64_t>(bin.rate);
    }
    experiment.input_text += fmt::format("# trace of {}: {} bins, {:.0f} requests, hash {:016x}\n",
                                         component->name, series->bins.size(), series->total, hash);
    lengths[component->name] = series->length.count();
  }
  return lengths;
}

}  // namespace windtunnel::experiments
