// Losses, health checks, replacement of the unhealthy.
#include <fmt/format.h>

#include <algorithm>

#include "models/scaling/auto_scaling_group.hpp"

namespace windtunnel {

using sim::Duration;
using sim::Milestone;
using sim::Time;
using sim::Turn;
using Process = SuspendedProcesses::Process;

// --- faults

void AutoScalingGroup::on_host_lost(std::uint32_t node, sim::HostLoss loss) {
  AutoScalingInstance& slot = slots_[node];
  if (slot.lifecycle == Lifecycle::none) return;
  if (is_in_warm_pool(slot.lifecycle)) return lose_warmed(node);
  if (!is_terminating(slot.lifecycle)) ++slot.epoch;  // a boot under way ends
  if (is_launching(slot.lifecycle)) return launch_failed(node);
  slot.interruption.reset();
  slot.running = slot.booting = false;
  slot.stopped = loss == sim::HostLoss::reset;
  // The next status check finds it; checks of an instance have a phase of their own.
  slot.impaired_since = sim().now() + sim::from_seconds(sim::seconds(settings_.status_interval) *
                                                        health_chance_.uniform());
  slot.tolerance = settings_.impaired_tolerance.sample(health_chance_);
  if (slot.announced) {
    for (FleetObserver* observer : observers_) observer->on_instance_lost(node, loss);
  }
  if (slot.lifecycle == Lifecycle::in_service) lag_.lost(sim().now(), desired_);
}

// A stopped instance needs no power; the others are gone, and the pool is filled at the next look.
void AutoScalingGroup::lose_warmed(std::uint32_t instance) {
  const bool waits = slots_[instance].lifecycle == Lifecycle::warmed;
  if (waits && settings_.warm_pool->state != WarmPoolPlan::State::running) return;
  slots_[instance].clear();
  count();
}

void AutoScalingGroup::on_host_restored(std::uint32_t node) {
  const AutoScalingInstance& slot = slots_[node];
  if (slot.lifecycle != Lifecycle::in_service || slot.running) return;
  sim().after<&AutoScalingGroup::on_booted_again>(stages_.sample_reboot(boot_chance_), this,
                                                  with_epoch(node), Turn::control);
}

void AutoScalingGroup::on_booted_again(std::uint64_t instance_and_epoch) {
  AutoScalingInstance* slot = tenant_of(instance_and_epoch);
  if (slot == nullptr || slot->lifecycle != Lifecycle::in_service) return;
  const auto instance = static_cast<std::uint32_t>(instance_and_epoch);
  slot->stopped = false;
  slot->impaired_since.reset();
  if (slot->order.spot) expect_interruption(instance);
  sim().note(Milestone::none, *this, fmt::format("{} has booted again", instance_name(instance)));
  serves(instance);
}

void AutoScalingGroup::serves(std::uint32_t instance) {
  AutoScalingInstance& slot = slots_[instance];
  slot.running = true;
  slot.running_since = sim().now();
  cpu_.begin(instance, sim().now());
  if (slot.announced) {
    for (FleetObserver* observer : observers_) observer->on_instance_resumed(instance);
  }
  // A load balancer that has not noticed has nothing to take back.
  if (!behind_elb_ || slot.elb_healthy) target_ready(instance);
}

// --- health

void AutoScalingGroup::report_elb_health(std::uint32_t instance, bool healthy) {
  AutoScalingInstance& slot = slots_[instance];
  slot.elb_unhealthy = !healthy;
  if (healthy) {
    target_ready(instance);
  } else {
    slot.elb_healthy = false;
    if (!slot.unhealthy_seen) slot.unhealthy_seen = sim().now();
  }
}

void AutoScalingGroup::target_ready(std::uint32_t instance) {
  AutoScalingInstance& slot = slots_[instance];
  slot.elb_healthy = true;
  slot.elb_unhealthy = false;
  slot.unhealthy_seen.reset();
  const auto healthy =
      std::count_if(slots_.begin(), slots_.end(), [this](const AutoScalingInstance& s) {
        return s.lifecycle == Lifecycle::in_service && s.running && (s.elb_healthy || !behind_elb_);
      });
  lag_.healthy(sim().now(), healthy, desired_, slot);
}

bool AutoScalingGroup::unhealthy(const AutoScalingInstance& slot, Time now) const {
  if (slot.lifecycle != Lifecycle::in_service) return false;
  if (slot.stopped) return true;
  if (!slot.running && slot.impaired_since && now >= *slot.impaired_since + slot.tolerance)
    return true;
  return settings_.elb_checks && slot.elb_unhealthy &&
         now >= slot.in_service_since + settings_.grace;
}

// Carries load: in service, alive as far as anyone can tell, warmed up.
bool AutoScalingGroup::ready(const AutoScalingInstance& slot, Duration warmup) const {
  const Time now = sim().now();
  return slot.lifecycle == Lifecycle::in_service && !unhealthy(slot, now) &&
         (slot.elb_healthy || !settings_.elb_checks) && now >= slot.in_service_since + warmup;
}

std::int64_t AutoScalingGroup::ready() const {
  return std::count_if(slots_.begin(), slots_.end(), [this](const AutoScalingInstance& slot) {
    return ready(slot, settings_.replacement_warmup());
  });
}

void AutoScalingGroup::look_at_health() {
  sim().after<&AutoScalingGroup::look_at_health>(settings_.health_period.sample(health_chance_),
                                                 this, 0, Turn::control);
  const Instances sick = sick_instances();
  if (!suspended(Process::replace_unhealthy) && !suspended(Process::terminate)) {
    replace_unhealthy(sick);
  }
  settle_replacements();
  refresh();
  keep_warm_pool();
  if (sick.empty()) balance();
}

AutoScalingGroup::Instances AutoScalingGroup::sick_instances() {
  Instances sick;
  const Time now = sim().now();
  if (suspended(Process::health_check)) return sick;
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    if (!unhealthy(slots_[i], now)) continue;
    sick.push_back(i);
    if (!slots_[i].unhealthy_seen) slots_[i].unhealthy_seen = now;
  }
  return sick;
}

void AutoScalingGroup::replace_unhealthy(const Instances& sick) {
  const auto all = static_cast<std::size_t>(desired_);
  std::int64_t at_once = sick.size() >= all ? 1 : std::max<std::int64_t>(1, desired_ / 10);
  const bool launch_first = settings_.maintenance && settings_.maintenance->launches_first();
  if (launch_first) {
    at_once = settings_.maintenance->above(desired_);
  } else if (settings_.maintenance) {
    at_once = settings_.maintenance->below(desired_);
  }
  // Room below the desired capacity: instances already being replaced use it up.
  std::int64_t room = at_once - metric.pending.value();
  for (const std::uint32_t i : sick) {
    const char* why =
        slots_[i].stopped ? "EC2 health check indicating it has been terminated or stopped"
        : settings_.elb_checks && slots_[i].elb_unhealthy ? "ELB system health check failure"
                                                          : "EC2 instance status checks failure";
    if (slots_[i].stopped) {
      replace(i, why);
    } else if (room > 0 && ready() + std::ssize(sick) >= desired_ && !is_being_replaced(i)) {
      --room;
      launch_first ? launch_before_terminating(i, why) : replace(i, why);
    }
  }
}

void AutoScalingGroup::replace(std::uint32_t instance, const char* why) {
  metric.replacements.add();
  sim().note(Milestone::action_started, *this,
             fmt::format("{} was taken out of service in response to an {}",
                         instance_name(instance), why));
  lag_.lost(sim().now(), desired_);  // it may have been running
  lag_.detected(slots_[instance].unhealthy_seen.value_or(sim().now()));
  terminate(instance);
  if (actual() + std::ssize(waiting_) >= wanted()) return;
  launch({},
         "an instance was launched in response to an unhealthy instance needing to be replaced");
}

}  // namespace windtunnel
