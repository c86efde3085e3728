// Targets that do what a test tells them, for tests of load balancers alone.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <vector>

#include "models/mechanisms/ports.hpp"
#include "sim/simulation.hpp"

namespace windtunnel::test {

// Targets that are registered from the start and answer at once, unless they are told otherwise.
// Their number is that of `zones`, which says where each lives.
class StubTargets final : public sim::Component, public Targets {
 public:
  StubTargets(sim::Simulation& sim, std::string name, const std::vector<sim::ZoneId>& zones)
      : Component(sim, std::move(name)),
        passes(zones.size(), true),
        accepts(zones.size(), true),
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

  void on_connect(sim::Call& call, sim::Handle handle) override {
    sim().answer(handle,
                 accepts[call.callee_node] ? sim::Outcome::ok : sim::Outcome::connection_reset);
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
    std::uint32_t node, target;
    std::uint16_t request_class = 0;
    sim::Duration service_time{0};
  };
  struct Report {
    sim::Time at;
    std::uint32_t target;
    bool healthy;
  };
  std::vector<bool> passes;   // health checks, by target
  std::vector<bool> accepts;  // connections, by target
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

// Targets by turns in the zones.
inline std::vector<sim::ZoneId> spread(std::uint32_t targets, std::size_t zones) {
  std::vector<sim::ZoneId> where(targets);
  for (std::uint32_t i = 0; i < targets; ++i) where[i] = static_cast<sim::ZoneId>(i % zones);
  return where;
}

}  // namespace windtunnel::test
