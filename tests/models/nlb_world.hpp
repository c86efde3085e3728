// A Network Load Balancer in front of targets that do what a test tells them, on a network that
// takes no time; for tests of the load balancer alone.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/network/network_load_balancer.hpp"
#include "models/network/network_load_balancer.pb.h"
#include "tests/models/stub_targets.hpp"
#include "tests/support/machine.hpp"
#include "tests/support/scripted.hpp"
#include "topologies/load.hpp"

namespace windtunnel::test {

struct NlbWorld {
  // `settings`: what comes behind "targets: web, target_registration: 0s" in a topology.
  explicit NlbWorld(const std::string& settings = "", std::uint32_t targets = 2,
                    std::size_t zones = 1, sim::Duration horizon = std::chrono::hours(1))
      : sim({.horizon = horizon}) {
    for (std::size_t z = 0; z < zones; ++z) {
      sim.network().add_zone(fmt::format("us-east-1{}", static_cast<char>('a' + z)), "us-east-1");
    }
    web = &add<StubTargets>("web", spread(targets, zones));
    Diagnostics diagnostics;
    const auto read = read_topology(
        fmt::format("{{regions: {{us-east-1: {{availability_zones: {}}}}}, components: {{nlb: "
                    "{{network_load_balancer: {{targets: web, target_registration: 0s{}}}}}, "
                    "web: {{ec2_service: {{on: asg, service_time: 1s}}}}, "
                    "asg: {{auto_scaling_group: {{size: 1}}}}}}}}",
                    zones, settings),
        "test.yaml", {}, diagnostics);
    if (!read) throw std::runtime_error(diagnostics.print());
    nlb = &add<NetworkLoadBalancer>(
        "nlb", static_cast<const settings::NetworkLoadBalancer&>(*read->components[0].settings));
    script = &add_script(sim);
  }

  template <typename T, typename... Arguments>
  T& add(const std::string& name, Arguments&&... arguments) {
    return static_cast<T&>(
        sim.add(std::make_unique<T>(sim, name, std::forward<Arguments>(arguments)...)));
  }
  // The name of one zone.
  Callable& zonal(sim::ZoneId zone) {
    names.push_back(std::make_unique<ZonalName>(*nlb, zone));
    return *names.back();
  }
  // A client machine with one connection, which calls at the dates given.
  Machine& machine(Callable& target, std::initializer_list<sim::Duration> dates,
                   sim::Duration timeout = std::chrono::minutes(10)) {
    auto& made = static_cast<Machine&>(sim.add(std::make_unique<Machine>(
        sim, target, connection, timeout, fmt::format("machine {}", sim.components().size()))));
    for (const sim::Duration date : dates) script->at(date, [&made] { made.call(); });
    return made;
  }
  Machine& machine(std::initializer_list<sim::Duration> dates) { return machine(*nlb, dates); }
  // Of the requests that arrived at `date`.
  std::vector<std::uint32_t> chosen_at(sim::Duration date) const {
    std::vector<std::uint32_t> targets;
    for (const auto& request : web->requests) {
      if (request.at == sim::time_zero + date) targets.push_back(request.target);
    }
    return targets;
  }

  struct ZonalName final : Callable {
    ZonalName(NetworkLoadBalancer& nlb, sim::ZoneId zone) : nlb(nlb), zone(zone) {}
    Resolution resolve(const Query& query) override { return nlb.resolve("", zone, query.chance); }
    NetworkLoadBalancer& nlb;
    sim::ZoneId zone;
  };

  sim::Simulation sim;
  StubTargets* web;
  NetworkLoadBalancer* nlb;
  Script* script;
  std::vector<std::unique_ptr<ZonalName>> names;
  Connector::Settings connection{.connect_timeout = std::chrono::milliseconds(1100),
                                 .idle_timeout = sim::horizon_limit};
};

}  // namespace windtunnel::test
