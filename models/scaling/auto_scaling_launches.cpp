// Launches: where and what, the stages, lifecycle hooks, the warm pool.
#include <fmt/format.h>

#include <algorithm>

#include "models/scaling/auto_scaling_group.hpp"

namespace windtunnel {

using sim::Duration;
using sim::Milestone;
using sim::Time;
using sim::Turn;
using Process = SuspendedProcesses::Process;
using Transition = LifecycleHooks::Transition;

// --- the order

void AutoScalingGroup::launch(LaunchOrder order, const std::string& why) {
  order.record.launched = sim().now();
  order.refused.clear();
  order.zone.reset();
  if (market_.mixed()) order.spot = next_is_spot();
  if (suspended(Process::launch)) {
    if (!order.surplus && !order.into_warm_pool) waiting_.push_back(std::move(order));
    return;
  }
  metric.launches.add();
  if (!start_launch(order, why)) retry_later(std::move(order));
}

bool AutoScalingGroup::next_is_spot() const {
  const auto on_demand =
      std::count_if(slots_.begin(), slots_.end(), [](const AutoScalingInstance& slot) {
        return (slot.lifecycle == Lifecycle::in_service || is_launching(slot.lifecycle)) &&
               !slot.order.spot;
      });
  return on_demand >= market_.on_demand_of(actual() + 1);
}

// False: there is no zone left to try.
bool AutoScalingGroup::start_launch(const LaunchOrder& order, const std::string& why) {
  const auto warmed = order.into_warm_pool ? std::nullopt : pick_warmed(order);
  const auto picked = warmed ? warmed : pick_slot(order);
  if (!picked) return false;
  AutoScalingInstance& slot = slots_[*picked];
  slot.order = order;
  slot.launched = order.record.launched.value_or(sim().now());
  slot.origin = LaunchOrigin::cold;
  if (warmed) {
    metric.warm_starts.add();
    ++slot.epoch;
    slot.origin = static_cast<LaunchOrigin>(static_cast<int>(settings_.warm_pool->state) + 1);
  } else {
    slot.type = pick_type(slot.zone, order).value_or(0);
    slot.launch_template = launch_template_;
  }
  slot.protected_from_scale_in = settings_.protect;
  slot.slowness = stages_.slowness(slow_chance_);
  slot.lifecycle = order.into_warm_pool ? Lifecycle::warmed_pending : Lifecycle::pending;
  sim().note(Milestone::none, *this,
             fmt::format("{}: {}: {}",
                         order.into_warm_pool ? "Launching a new EC2 instance into warm pool"
                         : warmed             ? "Launching a new EC2 instance from warm pool"
                                              : "Launching a new EC2 instance",
                         instance_name(*picked), why));
  count();
  begin_stage(*picked, LaunchStage::api);
  return true;
}

void AutoScalingGroup::retry_later(LaunchOrder order) {
  count();
  // What only improves the group is thought over at the next look.
  if (order.surplus || order.into_warm_pool) return;
  waiting_.push_back(std::move(order));
  sim().after<&AutoScalingGroup::on_launch_retry>(settings_.launch_retry, this, 0, Turn::control);
}

void AutoScalingGroup::on_launch_retry() {
  if (waiting_.empty() || suspended(Process::launch)) return;
  LaunchOrder order = std::move(waiting_.front());
  waiting_.erase(waiting_.begin());
  launch(std::move(order), "it is tried again");
}

// --- where and what

// The empty slot of the zone with the fewest instances, ties at random.
std::optional<std::uint32_t> AutoScalingGroup::pick_slot(const LaunchOrder& order) {
  std::vector<std::uint32_t> best;
  std::int64_t fewest = 0;
  for (const sim::ZoneId zone : zones_) {
    if (order.zone.value_or(zone) != zone || !pick_type(zone, order)) continue;
    std::optional<std::uint32_t> empty;
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].zone != zone || slots_[i].lifecycle != Lifecycle::none) continue;
      // A machine that a fault stopped is not launched again while the zone has others.
      const bool better = !empty || (!sim().platform().up(nodes_[*empty].host) &&
                                     sim().platform().up(nodes_[i].host));
      if (better) empty = i;
    }
    const std::int64_t instances = instances_in(zone, order.into_warm_pool);
    if (!empty || (!best.empty() && instances > fewest)) continue;
    if (best.empty() || instances < fewest) best.clear();
    fewest = instances;
    best.push_back(*empty);
  }
  if (best.empty()) return std::nullopt;
  return best[zone_chance_.below(static_cast<std::uint32_t>(best.size()))];
}

std::int64_t AutoScalingGroup::instances_in(sim::ZoneId zone, bool warm_pool) const {
  return std::count_if(slots_.begin(), slots_.end(), [&](const AutoScalingInstance& slot) {
    return slot.zone == zone &&
           (warm_pool ? is_in_warm_pool(slot.lifecycle)
                      : slot.lifecycle == Lifecycle::in_service || is_launching(slot.lifecycle));
  });
}

// An instance that is ready in the warm pool, of the zone with the fewest instances in the group.
std::optional<std::uint32_t> AutoScalingGroup::pick_warmed(const LaunchOrder& order) const {
  std::optional<std::uint32_t> best;
  std::int64_t fewest = 0;
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].lifecycle != Lifecycle::warmed || !pick_type(slots_[i].zone, order)) continue;
    const std::int64_t instances = instances_in(slots_[i].zone, false);
    if (best && instances >= fewest) continue;
    best = i;
    fewest = instances;
  }
  return best;
}

// The type that the launch tries next in the zone; nothing: all were refused.
std::optional<std::uint32_t> AutoScalingGroup::pick_type(sim::ZoneId zone,
                                                         const LaunchOrder& order) const {
  std::vector<std::int64_t> running(market_.types());
  if (market_.types() > 1) {
    for (const AutoScalingInstance& slot : slots_) {
      running[slot.type] += slot.lifecycle != Lifecycle::none && slot.order.spot == order.spot;
    }
  }
  for (const std::uint32_t type : market_.preference(order.spot, running)) {
    const InstanceMarket::Pool pool{zone, type, order.spot};
    if (std::find(order.refused.begin(), order.refused.end(), pool) == order.refused.end()) {
      return type;
    }
  }
  return std::nullopt;
}

// RunInstances answers with an error where the zone has no power, or nothing to sell.
bool AutoScalingGroup::refused_by_ec2(std::uint32_t instance) {
  if (!sim().platform().up(nodes_[instance].host)) return true;
  const auto pool_of = [](const AutoScalingInstance& slot) {
    return InstanceMarket::Pool{slot.zone, slot.type, slot.order.spot};
  };
  const InstanceMarket::Pool pool = pool_of(slots_[instance]);
  const auto running =
      std::count_if(slots_.begin(), slots_.end(), [&](const AutoScalingInstance& slot) {
        const bool granted = is_launching(slot.lifecycle) && slot.stage != LaunchStage::api;
        return (slot.running || slot.booting || granted) && pool_of(slot) == pool;
      });
  return market_.refuses(pool, running, sim().now());
}

// --- stages

void AutoScalingGroup::begin_stage(std::uint32_t instance, LaunchStage stage) {
  AutoScalingInstance& slot = slots_[instance];
  slot.stage = stage;
  const Duration time = stages_.sample(stage, slot.origin, slot.slowness, launch_chance_);
  sim().after<&AutoScalingGroup::on_stage_over>(time, this, with_epoch(instance), Turn::control);
}

void AutoScalingGroup::on_stage_over(std::uint64_t instance_and_epoch) {
  AutoScalingInstance* slot = tenant_of(instance_and_epoch);
  if (slot == nullptr) return;
  const auto instance = static_cast<std::uint32_t>(instance_and_epoch);
  slot->order.record.stages.push_back({to_string(slot->stage), sim().now()});
  const bool no_power = !sim().platform().up(nodes_[instance].host);
  if (no_power || (slot->stage == LaunchStage::api && refused_by_ec2(instance))) {
    return launch_failed(instance);
  }
  // EC2 runs the instance: the group does not wait for its system and its user data (rule 15). A
  // warm pool does, as its lifecycle hook is there for.
  const bool runs = slot->stage == LaunchStage::pending && !slot->order.into_warm_pool;
  const auto next = LaunchStages::next(slot->stage, slot->origin);
  if (next) begin_stage(instance, *next);
  if (runs) {
    slot->booting = true;
    launched(instance);
  } else if (!next) {
    slot->booting ? booted(instance) : launched(instance);
  }
}

void AutoScalingGroup::booted(std::uint32_t instance) {
  slots_[instance].booting = false;
  if (slots_[instance].lifecycle != Lifecycle::in_service) return;  // a lifecycle hook has it
  sim().note(Milestone::none, *this, fmt::format("{} has booted", instance_name(instance)));
  serves(instance);
}

void AutoScalingGroup::launched(std::uint32_t instance) {
  AutoScalingInstance& slot = slots_[instance];
  const bool to_pool = slot.order.into_warm_pool;
  if (!hooks_.any(Transition::launching)) {
    return to_pool ? enter_warm_pool(instance) : in_service_now(instance);
  }
  slot.lifecycle = to_pool ? Lifecycle::warmed_pending_wait : Lifecycle::pending_wait;
  const LifecycleHooks::Wait wait = hooks_.wait(Transition::launching);
  slot.hook_abandons = wait.abandon;
  sim().after<&AutoScalingGroup::on_launch_hook_over>(wait.time, this, with_epoch(instance),
                                                      Turn::control);
}

void AutoScalingGroup::on_launch_hook_over(std::uint64_t instance_and_epoch) {
  AutoScalingInstance* slot = tenant_of(instance_and_epoch);
  if (slot == nullptr) return;
  const auto instance = static_cast<std::uint32_t>(instance_and_epoch);
  slot->order.record.stages.push_back({"lifecycle hook", sim().now()});
  if (slot->hook_abandons) return launch_abandoned(instance);
  slot->order.into_warm_pool ? enter_warm_pool(instance) : in_service_now(instance);
}

void AutoScalingGroup::launch_failed(std::uint32_t instance) {
  AutoScalingInstance& failed = slots_[instance];
  metric.failed_launches.add();
  sim().note(
      Milestone::none, *this,
      fmt::format(
          "launching an instance in {} failed{}", sim().network().name(failed.zone),
          sim().platform().up(nodes_[instance].host) ? ": InsufficientInstanceCapacity" : ""));
  LaunchOrder order = std::move(failed.order);
  order.record.stages.clear();
  order.refused.push_back({failed.zone, failed.type, order.spot});
  failed.clear();
  order.zone.reset();
  if (pick_type(failed.zone, order)) order.zone = failed.zone;
  const bool elsewhere = settings_.best_effort && !(order.surplus && order.replaces == nobody);
  if ((order.zone || elsewhere) && start_launch(order, order.zone ? "another instance type is tried"
                                                                  : "another zone is tried")) {
    return;
  }
  retry_later(std::move(order));
}

// A lifecycle hook ended with ABANDON: the instance is terminated and replaced.
void AutoScalingGroup::launch_abandoned(std::uint32_t instance) {
  sim().note(Milestone::none, *this,
             fmt::format("Terminating EC2 instance: {}: its lifecycle action was completed with "
                         "ABANDON, or timed out",
                         instance_name(instance)));
  metric.abandoned_launches.add();
  LaunchOrder order = std::move(slots_[instance].order);
  order.record.stages.clear();
  slots_[instance].clear();
  count();
  if (order.into_warm_pool) return keep_warm_pool();
  if (order.surplus || actual() + std::ssize(waiting_) >= wanted()) return;
  launch(std::move(order), "an instance whose launch was abandoned is replaced");
}

void AutoScalingGroup::in_service_now(std::uint32_t instance) {
  AutoScalingInstance& slot = slots_[instance];
  const Time now = sim().now();
  const bool at_start = now == sim::time_zero;
  const Duration warmup = at_start ? Duration::zero() : policies_.warmup();
  slot.lifecycle = Lifecycle::in_service;
  slot.running = !slot.booting;
  slot.running_since = slot.in_service_since = now;
  slot.order.record.in_service = now;
  slot.order.record.warm = now + warmup;
  cpu_.begin(instance, now);
  count();
  if (!at_start) {
    metric.launch_time.record(now - slot.launched);
    sim().note(Milestone::none, *this, fmt::format("{} is InService", instance_name(instance)));
  }
  if (warmup > Duration::zero()) {
    sim().after<&AutoScalingGroup::on_warm>(warmup, this, with_epoch(instance), Turn::control);
  }
  if (slot.order.spot) expect_interruption(instance);
  if (slot.order.record.decided) activity_ended();
  slot.announced = at_start || !behind_elb_ || !suspended(Process::add_to_load_balancer);
  if (slot.announced) {
    for (FleetObserver* observer : observers_) observer->on_instance_in_service(instance);
  }
  if (!behind_elb_ && slot.running) target_ready(instance);
  if (!at_start) keep_capacity();  // too many may have been under way
}

// From now on its CPU counts.
void AutoScalingGroup::on_warm(std::uint64_t instance_and_epoch) {
  if (tenant_of(instance_and_epoch) == nullptr) return;
  cpu_.begin(static_cast<std::uint32_t>(instance_and_epoch), sim().now());
}

// --- warm pool

std::int64_t AutoScalingGroup::in_warm_pool() const {
  return std::count_if(slots_.begin(), slots_.end(), [](const AutoScalingInstance& slot) {
    return is_in_warm_pool(slot.lifecycle);
  });
}

std::int64_t AutoScalingGroup::warm_pool_size() const {
  if (!settings_.warm_pool) return 0;
  const WarmPoolPlan& plan = *settings_.warm_pool;
  return std::max(plan.min_size, plan.prepared.value_or(policies_.bounds().max) - desired_);
}

// A run begins with everything in its place.
void AutoScalingGroup::fill_warm_pool() {
  LaunchOrder order;
  order.into_warm_pool = true;
  for (std::int64_t n = warm_pool_size(); n > 0; --n) {
    const auto slot = pick_slot(order);
    if (!slot) break;
    slots_[*slot].order = order;
    slots_[*slot].lifecycle = Lifecycle::warmed;
  }
  count();
}

void AutoScalingGroup::keep_warm_pool() {
  if (!settings_.warm_pool) return;
  std::int64_t missing = warm_pool_size() - in_warm_pool();
  if (settings_.warm_pool->reuse) {  // these come by themselves
    missing -= std::count_if(slots_.begin(), slots_.end(), [](const AutoScalingInstance& slot) {
      return is_terminating(slot.lifecycle) && slot.scaled_in;
    });
  }
  for (; missing > 0; --missing) {
    LaunchOrder order;
    order.into_warm_pool = true;
    launch(std::move(order), "the warm pool is smaller than it should be");
  }
  for (std::uint32_t i = 0; i < slots_.size() && missing < 0; ++i) {
    if (slots_[i].lifecycle != Lifecycle::warmed) continue;
    sim().note(Milestone::none, *this,
               fmt::format("Terminating EC2 instance from warm pool: {}", instance_name(i)));
    slots_[i].clear();
    ++missing;
  }
  count();
}

void AutoScalingGroup::enter_warm_pool(std::uint32_t instance) {
  slots_[instance].lifecycle = Lifecycle::warmed_pending;
  count();
  const Duration stop = settings_.warm_pool->state == WarmPoolPlan::State::running
                            ? Duration::zero()
                            : settings_.warm_pool->stop.sample(launch_chance_);
  sim().after<&AutoScalingGroup::on_stopped>(stop, this, with_epoch(instance), Turn::control);
}

void AutoScalingGroup::on_stopped(std::uint64_t instance_and_epoch) {
  AutoScalingInstance* slot = tenant_of(instance_and_epoch);
  if (slot == nullptr) return;
  slot->lifecycle = Lifecycle::warmed;
  count();
}

}  // namespace windtunnel
