// Active health checks: every node of a load balancer checks every target itself, at a phase of its
// own (rule 1). A check is a request like others: it takes its way over the network, needs a worker
// of the target, and fails when no answer comes in time. A slow answer does not shift the next one.
// A check costs one round trip, not two. All checks have one interval, so that they come round in
// the order of their phases: a ring holds them, and the calendar the next one alone.
#pragma once

#include <boost/circular_buffer.hpp>
#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/simulation.hpp"

namespace windtunnel {

class HealthChecks final : public sim::Entity {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual sim::Address target_address(std::uint32_t target) = 0;
    virtual void on_checked(std::uint32_t node, std::uint32_t target, bool passed) = 0;
  };

  // Of all groups of a load balancer.
  struct Metrics {
    sim::MetricSet& set;
    sim::Counter sent{set, "HealthChecks", "health checks sent by all nodes"};
    sim::Counter failed{set, "FailedHealthChecks", "health checks that failed"};
  };

  // `owner` has its nodes already.
  HealthChecks(sim::Component& owner, std::string_view purpose, sim::Duration interval,
               sim::Duration timeout, Metrics& metrics, Listener& listener);

  void set_targets(std::uint32_t targets) { epochs_.resize(targets); }
  // A check is no more than a connection: a program too busy to answer passes.
  void check_connections_only() { operation_ = sim::Operation::connect; }
  sim::Duration interval() const { return interval_; }

  // By all nodes, each for the first time after `registering` and a part of the interval.
  void begin(std::uint32_t target, sim::Duration registering);
  void end(std::uint32_t target) { ++epochs_[target]; }

  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;

 private:
  // One node's checks of one target as it was registered at an epoch.
  struct Check {
    sim::Time due;
    std::uint32_t pair;  // node * targets + target
    std::uint32_t epoch;
  };
  void on_first_due(std::uint64_t epoch_and_pair);
  void on_due();
  void perform(std::uint32_t pair, std::uint32_t epoch);
  void ended(const sim::Call& call, bool passed);
  void arm();
  std::uint32_t targets() const { return static_cast<std::uint32_t>(epochs_.size()); }

  sim::Duration interval_;
  sim::Operation operation_ = sim::Operation::health_check;
  Metrics& metric_;
  Listener& listener_;
  sim::Lane lane_;
  sim::Stream phase_chance_;
  boost::circular_buffer<Check> ring_;  // by due date
  std::vector<std::uint32_t> epochs_;   // by target: checks of an earlier registration stop
};

}  // namespace windtunnel
