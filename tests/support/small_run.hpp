// Experiments small enough to check by hand: a network that takes no time, round numbers, one run.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/machine.hpp"
#include "tests/support/scripted.hpp"
#include "tests/support/yaml_run.hpp"

namespace windtunnel::test {

// A file needs a client; this one has nothing to do before its time.
inline const std::string idle_client =
    "idle: {client: {target: nowhere, open: {deterministic: 0.000001/s}}}, "
    "nowhere: {station: {service_time: 0s}}, ";

// `components` and `rest` as in a file: "users: {...}, web: {...}" and "horizon: 1h, faults:
// [...]".
inline std::string small_experiment(const std::string& components, const std::string& rest,
                                    int zones = 3) {
  return fmt::format(
      "{{experiment: small, question: what, topology: {{regions: {{us-east-1: "
      "{{availability_zones: {}}}}}, network: {{intra_az_rtt: 0s, inter_az_rtt: 0s, "
      "jitter_p90: 1}}, components: {{{}}}}}, {}}}",
      zones,
      components.find("client:") == std::string::npos ? idle_client + components : components,
      rest);
}

// A client on one machine with neither network nor DNS in the way; `load_and_more` begins with
// "open: {...}" or "closed: {...}".
inline std::string client(const std::string& target, const std::string& load_and_more) {
  return fmt::format("users: {{client: {{target: {}, hosts: 1, network: 0s, dns_lookup: 0s, {}}}}}",
                     target, load_and_more);
}

// A group that looks every 10 s, tolerates for 60 s and launches in 1 + 2 + 3 + 4 s.
inline std::string group(const std::string& settings) {
  return fmt::format(
      "asg: {{auto_scaling_group: {{health_check_period: 10s, impaired_tolerance: 60s, api_time: "
      "1s, pending_time: 2s, boot: 3s, user_data: 4s, {}}}}}",
      settings);
}

struct SmallRun {
  explicit SmallRun(const std::string& yaml, std::uint64_t seed = 1)
      : built(simulation_of(yaml, seed)), sim(*built), script(add_script(sim)) {}

  template <typename Component>
  Component& find(const std::string& name) {
    auto* found = dynamic_cast<Component*>(sim.find_component(name));
    if (found == nullptr) throw std::runtime_error("no " + name);
    return *found;
  }
  double metric(const std::string& component, const std::string& metric,
                const std::string& statistic = "sum") const {
    return metric_of(sim, component, metric, statistic);
  }
  // A machine with one connection that calls a component at the dates given.
  Machine& machine(const std::string& target, std::initializer_list<sim::Duration> dates,
                   sim::Duration timeout = sim::horizon_limit) {
    auto& made = static_cast<Machine&>(
        sim.add(std::make_unique<Machine>(sim, find<Callable>(target), connection, timeout,
                                          fmt::format("machine {}", sim.components().size()))));
    for (const sim::Duration date : dates) script.at(date, [&made] { made.call(); });
    return made;
  }
  // Dates of the notes that contain `text`.
  std::vector<sim::Duration> noted(const std::string& text) const {
    std::vector<sim::Duration> dates;
    for (const auto& event : sim.log().events) {
      if (event.text.find(text) != std::string::npos) dates.push_back(event.at - sim::time_zero);
    }
    return dates;
  }

  std::unique_ptr<sim::Simulation> built;
  sim::Simulation& sim;
  Script& script;
  Connector::Settings connection{.connect_timeout = std::chrono::seconds(1),
                                 .idle_timeout = sim::horizon_limit};
};

}  // namespace windtunnel::test
