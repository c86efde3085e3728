// A load balancer in front of targets that do what a test tells them, on a network that takes no
// time; for tests of the load balancer alone.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/network/application_load_balancer.hpp"
#include "models/network/application_load_balancer.pb.h"
#include "tests/support/machine.hpp"
#include "tests/support/scripted.hpp"
#include "tests/support/stub_service.hpp"
#include "topologies/load.hpp"

namespace windtunnel::test {

// Targets that are registered from the start and answer at once, unless they are told otherwise.
// Their number is that of `zones`, which says where each lives.
class StubTargets final : public sim::Component, public Targets {
 public:
  StubTargets(sim::Simulation& sim, std::string name, const std::vector<sim::ZoneId>& zones)
      : Component(sim, std::move(name)),
        passes(zones.size(), true),
        registered_at_start(static_cast<std::uint32_t>(zones.size())) {
    for (std::uint32_t i = 0; i < zones.size(); ++i) {
      nodes_.push_back({sim.platform().add_host(fmt::format("t{}", i), zones[i], this, i), 0});
    }
  }

  std::uint32_t max_targets() const override { return static_cast<std::uint32_t>(nodes_.size()); }
  sim::Address target_address(std::uint32_t target) override { return address_of(target); }
  void observe_targets(TargetObserver& observer) override { observers_.push_back(&observer); }
  void report_target_health(std::uint32_t target, bool healthy) override {
    reports.push_back({sim().now(), target, healthy});
  }
  void set_deregistration_delay(sim::Duration delay) override { deregistration_delay = delay; }
  void start() override {
    for (std::uint32_t i = 0; i < registered_at_start; ++i) enter(i);
  }
  void enter(std::uint32_t target) {
    for (TargetObserver* observer : observers_) observer->on_target_registered(target);
  }
  void leave(std::uint32_t target) {
    for (TargetObserver* observer : observers_) observer->on_target_deregistered(target);
  }

  void on_request(sim::Call& call, sim::Handle handle) override {
    if (call.operation == sim::Operation::health_check) {
      checks.push_back({sim().now(), call.caller_node, call.callee_node});
      if (checked) checked();
      return sim().answer(handle,
                          passes[call.callee_node] ? sim::Outcome::ok : sim::Outcome::error);
    }
    requests.push_back(
        {sim().now(), call.caller_node, call.callee_node, call.request_class, call.service_time});
    if (silent) return;
    if (fails && fails(call.callee_node)) return sim().answer(handle, sim::Outcome::error);
    if (service_time == sim::Duration::zero()) return sim().answer(handle, outcome);
    sim().after<&StubTargets::on_served>(service_time, this, handle);
  }
  void on_served(sim::Handle handle) {
    ++served;
    sim().answer(handle, outcome);
  }
  void lose(std::uint32_t target) {
    sim().platform().lose_hosts({nodes_[target].host}, sim::HostLoss::silence);
  }
  void restore(std::uint32_t target) { sim().platform().restore_hosts({nodes_[target].host}); }
  std::vector<std::uint32_t> chosen() const {
    std::vector<std::uint32_t> targets;
    for (const Seen& request : requests) targets.push_back(request.target);
    return targets;
  }

  struct Seen {
    sim::Time at;
    std::uint32_t alb_node, target;
    std::uint16_t request_class = 0;
    sim::Duration service_time{0};
  };
  struct Report {
    sim::Time at;
    std::uint32_t target;
    bool healthy;
  };
  std::vector<bool> passes;  // health checks, by target
  std::uint32_t registered_at_start;
  bool silent = false;
  sim::Outcome outcome = sim::Outcome::ok;
  sim::Duration service_time{0};
  sim::Duration deregistration_delay{0};
  std::function<void()> checked;                    // after every check that arrives
  std::function<bool(std::uint32_t target)> fails;  // answers with an error
  std::vector<Seen> checks, requests;
  std::vector<Report> reports;
  std::uint64_t served = 0;

 private:
  std::vector<TargetObserver*> observers_;
};

// One node of a load balancer under a name of its own.
struct NodeName final : Callable {
  NodeName(ApplicationLoadBalancer& alb, std::uint32_t node) : alb(alb), node(node) {}
  Resolution resolve(sim::Operation, sim::Stream&) override {
    return {.addresses = {alb.address_of(node)}};
  }
  ApplicationLoadBalancer& alb;
  std::uint32_t node;
};

// Targets by turns in the zones.
inline std::vector<sim::ZoneId> spread(std::uint32_t targets, std::size_t zones) {
  std::vector<sim::ZoneId> where(targets);
  for (std::uint32_t i = 0; i < targets; ++i) where[i] = static_cast<sim::ZoneId>(i % zones);
  return where;
}

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
