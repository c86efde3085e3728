// An Application Load Balancer in front of targets that do what a test tells them, on a network
// that takes no time; for tests of the load balancer alone.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/network/application_load_balancer.hpp"
#include "models/network/application_load_balancer.pb.h"
#include "tests/models/stub_targets.hpp"
#include "tests/support/machine.hpp"
#include "tests/support/scripted.hpp"
#include "tests/support/stub_service.hpp"
#include "topologies/load.hpp"

namespace windtunnel::test {

// One node of a load balancer under a name of its own.
struct NodeName final : Callable {
  NodeName(ApplicationLoadBalancer& alb, std::uint32_t node) : alb(alb), node(node) {}
  Resolution resolve(const Query&) override { return {.addresses = {alb.address_of(node)}}; }
  ApplicationLoadBalancer& alb;
  std::uint32_t node;
};

struct AlbWorld {
  // `settings` as in a topology: what comes behind "targets: web", or all of them, which may name
  // the targets web and api and the function fn. What they leave out has its default.
  explicit AlbWorld(const std::string& settings = "", std::uint32_t targets = 1,
                    std::size_t zones = 1, sim::Duration horizon = std::chrono::hours(2))
      : AlbWorld(settings, spread(targets, zones), zones, horizon) {}
  AlbWorld(const std::string& settings, const std::vector<sim::ZoneId>& where, std::size_t zones,
           sim::Duration horizon = std::chrono::hours(2))
      : sim({.horizon = horizon}) {
    for (std::size_t z = 0; z < zones; ++z) {
      sim.network().add_zone(fmt::format("us-east-1{}", static_cast<char>('a' + z)), "us-east-1");
    }
    web = &add<StubTargets>("web", where);
    if (settings.find("targets: api") != std::string::npos) {
      api = &add<StubTargets>("api", spread(2, zones));
    }
    if (settings.find("lambda: fn") != std::string::npos) fn = &add<StubService>("fn");
    alb = &balancer("alb", settings);
    script = &add_script(sim);
  }

  template <typename T, typename... Arguments>
  T& add(const std::string& name, Arguments&&... arguments) {
    return static_cast<T&>(
        sim.add(std::make_unique<T>(sim, name, std::forward<Arguments>(arguments)...)));
  }
  ApplicationLoadBalancer& balancer(const std::string& name, const std::string& settings) {
    Diagnostics diagnostics;
    const bool behind = settings.empty() || settings.starts_with(",");
    const auto read = read_experiment(
        fmt::format("{{experiment: e, question: q, horizon: 1h, topology: {{regions: {{us-east-1: "
                    "{{}}}}, components: {{alb: {{application_load_balancer: {{{}{}}}}}, "
                    "web: {{ec2_service: {{on: asg, service_time: 1s}}}}, "
                    "api: {{ec2_service: {{on: asg, service_time: 1s}}}}, "
                    "fn: {{lambda_function: {{runtime: rust}}}}, "
                    "asg: {{auto_scaling_group: {{size: 1}}}}, "
                    "users: {{client: {{target: alb, open: {{poisson: 1/s}}}}}}}}}}}}",
                    behind ? "targets: web" : "", settings),
        "test.yaml", {}, diagnostics);
    if (!read) throw std::runtime_error(diagnostics.print());
    for (const auto& component : read->topology.components) {
      if (component.name != "alb") continue;
      return add<ApplicationLoadBalancer>(
          name, static_cast<const settings::ApplicationLoadBalancer&>(*component.settings));
    }
    throw std::runtime_error("no load balancer was read");
  }
  // A client machine with one connection.
  Machine& machine(Callable& target, sim::Duration timeout = std::chrono::minutes(5)) {
    return static_cast<Machine&>(sim.add(std::make_unique<Machine>(
        sim, target, connection, timeout, fmt::format("machine {}", sim.components().size()))));
  }
  void call_at(Machine& machine, std::initializer_list<sim::Duration> dates) {
    for (const sim::Duration date : dates) script->at(date, [&machine] { machine.call(); });
  }
  // `times` calls, the first at `from`, one every `every`.
  void call_often(Machine& machine, sim::Duration from, sim::Duration every, int times) {
    for (int i = 0; i < times; ++i) call_at(machine, {from + i * every});
  }

  sim::Simulation sim;
  StubTargets* web;
  StubTargets* api = nullptr;
  StubService* fn = nullptr;
  ApplicationLoadBalancer* alb;
  Script* script;
  Connector::Settings connection{.connect_timeout = std::chrono::milliseconds(1100),
                                 .idle_timeout = sim::horizon_limit};
};

}  // namespace windtunnel::test
