// What an Auto Scaling group copies of its settings, and what is under way by them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "models/mechanisms/termination_policy.hpp"
#include "sim/distribution.hpp"

namespace windtunnel {

namespace settings {
class AutoScalingGroup;
}

// Which of the group's processes are suspended, and when.
class SuspendedProcesses {
 public:
  enum class Process : std::uint8_t {  // as in the schema
    launch,
    terminate,
    add_to_load_balancer,
    alarm_notification,
    az_rebalance,
    health_check,
    instance_refresh,
    replace_unhealthy,
    scheduled_actions,
  };
  explicit SuspendedProcesses(const settings::AutoScalingGroup& settings);

  bool at(Process process, sim::Time date) const;
  // Dates at which something changes.
  std::vector<sim::Time> changes() const;

 private:
  struct Suspension {
    Process process;
    sim::Time from, until;
  };
  std::vector<Suspension> suspensions_;
};

// How many instances a replacement may take away or put on top, of a desired capacity.
struct HealthyRange {
  double min = 0.9, max = 1;

  bool launches_first() const { return max > 1; }
  std::int64_t below(std::int64_t desired) const;  // at least one
  std::int64_t above(std::int64_t desired) const;  // at least one where max is above 100 %
};

struct RefreshPlan {
  sim::Time at;
  HealthyRange range;
  sim::Duration warmup;
  std::vector<double> checkpoints;  // shares, rising
  sim::Duration checkpoint_delay;
};

struct RefreshUnderWay {
  const RefreshPlan* plan;
  std::int64_t all;                 // instances it has to replace
  std::int64_t left;                // those that were old at the last look
  std::size_t checkpoint = 0;       // the next one
  std::optional<sim::Time> resume;  // waiting at one until then
  sim::Time last_progress;
};

struct WarmPoolPlan {
  enum class State : std::uint8_t { stopped, running, hibernated };  // as in the schema
  State state = State::stopped;
  std::int64_t min_size = 0;
  std::optional<std::int64_t> prepared;  // MaxGroupPreparedCapacity
  bool reuse = false;
  sim::Distribution stop;
};

struct AutoScalingSettings {
  explicit AutoScalingSettings(const settings::AutoScalingGroup& settings);

  bool elb_checks, best_effort, protect, capacity_rebalance;
  sim::Duration grace, status_interval, launch_retry;
  std::optional<sim::Duration> default_warmup;
  sim::Distribution health_period, impaired_tolerance;
  std::vector<TerminationPolicy> termination_policies;
  SuspendedProcesses suspended;
  std::optional<HealthyRange> maintenance;
  std::vector<RefreshPlan> refreshes;
  std::optional<WarmPoolPlan> warm_pool;

  // Replacements wait for the warm-up only where the group has one of its own.
  sim::Duration replacement_warmup() const { return default_warmup.value_or(sim::Duration(0)); }
};

}  // namespace windtunnel
