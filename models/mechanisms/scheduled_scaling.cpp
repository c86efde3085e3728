#include "models/mechanisms/scheduled_scaling.hpp"

#include <algorithm>

#include "models/mechanisms/scaling_policies.pb.h"
#include "models/mechanisms/settings.hpp"

namespace windtunnel {

namespace {
constexpr sim::Duration latest{std::chrono::minutes(2)};
}  // namespace

ScheduledActions::ScheduledActions(
    ScalingPolicies& policies,
    const google::protobuf::RepeatedPtrField<settings::ScheduledAction>& actions)
    : Entity(policies, "scheduled actions"), policies_(policies), chance_(stream("delay")) {
  for (const settings::ScheduledAction& action : actions) {
    Action& added = actions_.emplace_back();
    added.name = action.name();
    added.first = to_duration(action.has_recurrence() ? action.recurrence().at() : action.at());
    if (action.has_recurrence()) added.every = to_duration(action.recurrence().every());
    if (action.has_min_capacity()) added.min = action.min_capacity();
    if (action.has_max_capacity()) added.max = action.max_capacity();
    if (action.has_desired_capacity()) added.desired = action.desired_capacity();
    added.delay = to_distribution(action.delay());
  }
}

void ScheduledActions::start() {
  for (std::uint32_t i = 0; i < actions_.size(); ++i) {
    sim().after<&ScheduledActions::on_time>(actions_[i].first, this, i, sim::Turn::control);
  }
}

void ScheduledActions::on_time(std::uint32_t action) {
  const Action& due = actions_[action];
  last_ = std::max(last_, sim().now() + std::min(due.delay.sample(chance_), latest));
  sim().after<&ScheduledActions::on_carried_out>(last_ - sim().now(), this, action,
                                                 sim::Turn::control);
  if (due.every) {
    sim().after<&ScheduledActions::on_time>(*due.every, this, action, sim::Turn::control);
  }
}

void ScheduledActions::on_carried_out(std::uint32_t action) {
  const Action& due = actions_[action];
  const CapacityLimits& now = policies_.bounds();
  const CapacityLimits bounds{due.min.value_or(now.min), due.max.value_or(now.max)};
  policies_.scheduled(due.name, bounds, due.desired);
}

}  // namespace windtunnel
