// Terminations: who goes, draining, lifecycle hooks, back into the warm pool.
#include <fmt/format.h>

#include <algorithm>

#include "models/scaling/auto_scaling_group.hpp"

namespace windtunnel {

using sim::Duration;
using sim::Milestone;
using sim::Turn;
using Process = SuspendedProcesses::Process;
using Transition = LifecycleHooks::Transition;

void AutoScalingGroup::scale_in(std::int64_t instances) {
  if (suspended(Process::terminate)) return;
  const std::int64_t before = actual();
  const std::string why =
      difference("taken out of service", "shrinking", before, before - instances);
  for (; instances > 0; --instances) {
    Instances among = in_service();
    if (market_.mixed()) {  // the purchase option that there is too much of
      const auto spot = std::count_if(among.begin(), among.end(),
                                      [this](std::uint32_t i) { return slots_[i].order.spot; });
      const bool too_many_on_demand =
          std::ssize(among) - spot > market_.on_demand_of(std::ssize(among) - 1);
      std::erase_if(among,
                    [&](std::uint32_t i) { return slots_[i].order.spot == too_many_on_demand; });
    }
    const auto chosen = choose(among);
    if (!chosen) return;  // all are protected, or not in service yet
    metric.scale_ins.add();
    sim().note(Milestone::none, *this,
               fmt::format("Terminating EC2 instance: {}: {}", instance_name(*chosen), why));
    slots_[*chosen].scaled_in = true;
    terminate(*chosen);
  }
}

std::optional<std::uint32_t> AutoScalingGroup::choose(const Instances& among) {
  std::vector<std::int64_t> running(market_.types());
  for (const AutoScalingInstance& slot : slots_) {
    running[slot.type] += slot.lifecycle == Lifecycle::in_service;
  }
  std::vector<TerminationCandidate> candidates;
  for (const std::uint32_t i : among) {
    const AutoScalingInstance& slot = slots_[i];
    const auto order = market_.preference(slot.order.spot, running);
    const auto rank = std::find(order.begin(), order.end(), slot.type) - order.begin();
    candidates.push_back({.instance = i,
                          .zone = slot.zone,
                          .launched = slot.launched,
                          .launch_template = slot.launch_template,
                          .misfit = static_cast<std::uint32_t>(rank),
                          .protected_from_scale_in = slot.protected_from_scale_in});
  }
  return choose_to_terminate(std::move(candidates), settings_.termination_policies, sim().now(),
                             terminate_chance_);
}

void AutoScalingGroup::terminate(std::uint32_t instance) {
  AutoScalingInstance& slot = slots_[instance];
  slot.lifecycle = Lifecycle::terminating;
  ++slot.epoch;
  // Whoever was launched to replace it has its place now.
  for (AutoScalingInstance& other : slots_) {
    if (other.order.replaces == instance) {
      other.order.surplus = false;
      other.order.replaces = nobody;
    }
  }
  count();
  if (slot.announced) {
    for (FleetObserver* observer : observers_) observer->on_instance_terminating(instance);
  }
  if (slot.interruption) {  // EC2 does not wait for the draining
    sim().at<&AutoScalingGroup::on_interrupted>(*slot.interruption, this, with_epoch(instance),
                                                Turn::control);
  }
  const Duration draining =
      slot.running && slot.announced ? deregistration_delay_ : Duration::zero();
  sim().after<&AutoScalingGroup::on_drained>(draining, this, with_epoch(instance), Turn::control);
}

void AutoScalingGroup::on_drained(std::uint64_t instance_and_epoch) {
  AutoScalingInstance* slot = tenant_of(instance_and_epoch);
  if (slot == nullptr) return;
  const auto instance = static_cast<std::uint32_t>(instance_and_epoch);
  if (guard_ != nullptr && slot->running && slot->announced) {
    slot->guarded = !guard_->may_terminate(instance);
    if (slot->guarded) return;
  }
  if (!hooks_.any(Transition::terminating)) return terminated(instance);
  slot->lifecycle = Lifecycle::terminating_wait;
  sim().after<&AutoScalingGroup::on_terminate_hook_over>(hooks_.wait(Transition::terminating).time,
                                                         this, with_epoch(instance), Turn::control);
}

void AutoScalingGroup::termination_may_go_on(std::uint32_t instance) {
  if (!slots_[instance].guarded) return;
  sim().after<&AutoScalingGroup::on_drained>(Duration::zero(), this, with_epoch(instance),
                                             Turn::control);
}

// Either result terminates.
void AutoScalingGroup::on_terminate_hook_over(std::uint64_t instance_and_epoch) {
  if (tenant_of(instance_and_epoch) != nullptr) {
    terminated(static_cast<std::uint32_t>(instance_and_epoch));
  }
}

void AutoScalingGroup::terminated(std::uint32_t instance) {
  AutoScalingInstance& slot = slots_[instance];
  if (slot.announced) {
    for (FleetObserver* observer : observers_) observer->on_instance_terminated(instance);
  }
  if (slot.scaled_in) activity_ended();
  const bool reuse = settings_.warm_pool && settings_.warm_pool->reuse && slot.scaled_in &&
                     slot.running && in_warm_pool() < warm_pool_size();
  const std::uint32_t type = slot.type, version = slot.launch_template;
  slot.clear();
  if (reuse) {
    slot.type = type;
    slot.launch_template = version;
    slot.order.into_warm_pool = true;
    enter_warm_pool(instance);
  }
  count();
  keep_warm_pool();
}

}  // namespace windtunnel
