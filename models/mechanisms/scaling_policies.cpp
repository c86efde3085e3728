#include "models/mechanisms/scaling_policies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/mechanisms/predictive_scaling.hpp"
#include "models/mechanisms/scaling_policies.pb.h"
#include "models/mechanisms/scaling_policy.hpp"
#include "models/mechanisms/scheduled_scaling.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/mechanisms/step_scaling.hpp"
#include "models/mechanisms/target_tracking.hpp"

namespace windtunnel {

using sim::Duration;
using sim::Time;

namespace {

std::unique_ptr<ScalingPolicy> dynamic_policy(const settings::ScalingPolicy& settings,
                                              Duration default_cooldown) {
  const auto or_default = [&](bool given, std::int64_t cooldown) {
    return given ? to_duration(cooldown) : default_cooldown;
  };
  std::unique_ptr<ScalingPolicy> policy;
  if (settings.has_target_tracking()) {
    const settings::TargetTracking& tracking = settings.target_tracking();
    policy = std::make_unique<TargetTrackingPolicy>(settings.name(), settings.enabled(), tracking);
    policy->out_cooldown =
        or_default(tracking.has_scale_out_cooldown(), tracking.scale_out_cooldown());
    policy->in_cooldown =
        or_default(tracking.has_scale_in_cooldown(), tracking.scale_in_cooldown());
  } else if (settings.has_step_scaling()) {
    const settings::StepScaling& step = settings.step_scaling();
    policy = std::make_unique<StepScalingPolicy>(settings.name(), settings.enabled(), step);
    policy->out_cooldown = policy->in_cooldown = or_default(step.has_cooldown(), step.cooldown());
  } else if (settings.has_simple_scaling()) {
    policy = std::make_unique<SimpleScalingPolicy>(settings.name(), settings.enabled(),
                                                   settings.simple_scaling(), default_cooldown);
  }
  return policy;
}

// "ecs:service:DesiredCount" is "desired count".
std::string words_of(const std::string& dimension) {
  std::string words;
  for (const char c : dimension.substr(dimension.rfind(':') + 1)) {
    const bool capital = c >= 'A' && c <= 'Z';
    if (capital && !words.empty()) words += ' ';
    words += capital ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return words;
}

}  // namespace

std::int64_t largest_capacity(std::int64_t max, const ScalingPolicyList& policies,
                              const ScheduledActionList& actions) {
  for (const settings::ScheduledAction& action : actions) {
    max = std::max({max, action.max_capacity(), action.desired_capacity()});
  }
  const bool raised = std::any_of(policies.begin(), policies.end(), [](const auto& policy) {
    return policy.predictive_scaling().max_capacity_breach_behavior() ==
           settings::PredictiveScaling::IncreaseMaxCapacity;
  });
  return raised ? 2 * max : max;
}

ScalingPolicies::ScalingPolicies(sim::Component& owner, sim::MetricSet& metrics, Scalable& target,
                                 const ScalingPolicyList& policies,
                                 const ScheduledActionList& actions,
                                 const ScalingDefaults& defaults)
    : Entity(owner, "scaling policies"),
      owner_(owner),
      target_(target),
      defaults_(defaults),
      bounds_(defaults.bounds),
      metric_(metrics),
      largest_(largest_capacity(defaults.bounds.max, policies, actions)) {
  if (defaults_.component.empty()) defaults_.component = owner.name();
  for (const settings::ScalingPolicy& policy : policies) {
    if (policy.has_predictive_scaling()) {
      if (!policy.enabled()) continue;
      predictive_.push_back(std::make_unique<PredictiveScaling>(*this, metrics, policy.name(),
                                                                policy.predictive_scaling()));
    } else if (auto dynamic = dynamic_policy(policy, defaults.default_cooldown)) {
      policies_.push_back(std::move(dynamic));
    }
  }
  if (!actions.empty()) scheduled_ = std::make_unique<ScheduledActions>(*this, actions);
}

ScalingPolicies::~ScalingPolicies() = default;

bool ScalingPolicies::empty() const {
  return policies_.empty() && predictive_.empty() && scheduled_ == nullptr;
}

void ScalingPolicies::wire(sim::Wiring& wiring) {
  for (const auto& policy : policies_) policy->wire(wiring, *this);
}

void ScalingPolicies::attach() {
  if (policies_.empty() && predictive_.empty()) return;
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  const ScalingContext context{.ec2 = ec2(),
                               .resource = defaults_.resource,
                               .component = defaults_.component,
                               .listener = this};
  for (const auto& policy : policies_) policy->attach(cloudwatch, context);
  for (const auto& policy : predictive_) policy->attach(cloudwatch, defaults_.component);
}

void ScalingPolicies::start() {
  sim().after<&ScalingPolicies::on_begin>(Duration(0), this, 0, sim::Turn::control);
}

// Not in start(): the target may not have started yet.
void ScalingPolicies::on_begin() {
  // RegisterScalableTarget moves the capacity within its limits at once.
  if (!ec2()) set_bounds(bounds_);
  if (scheduled_ != nullptr) scheduled_->start();
  for (const auto& policy : predictive_) policy->start();
}

Duration ScalingPolicies::warmup() const {
  if (!ec2()) return Duration(0);
  const Duration fallback = defaults_.default_instance_warmup.value_or(defaults_.default_cooldown);
  Duration longest{-1};
  for (const auto& policy : policies_) {
    if (!policy->is_simple()) longest = std::max(longest, policy->warmup.value_or(fallback));
  }
  return longest >= Duration(0) ? longest : defaults_.default_instance_warmup.value_or(Duration(0));
}

bool ScalingPolicies::in_effect(const Cooldown& cooldown) const {
  if (!cooldown.decided) return false;
  if (target_.scaling_in_progress()) return true;
  const Time end = std::max(*cooldown.decided, target_.last_activity_end().value_or(Time{}));
  return sim().now() < end + cooldown.length;
}

ScalingView ScalingPolicies::view() const {
  const Capacity capacity = target_.capacity();
  ScalingView view;
  view.desired = capacity.desired;
  const std::int64_t ready = capacity.in_service + (ec2() ? 0 : capacity.warming);
  view.current = ready + capacity.terminating;
  view.base = !ec2() && in_effect(out_) ? out_.before : ready;
  view.simple_may_act = !target_.scaling_in_progress() && !in_effect(simple_);
  return view;
}

// EC2: no unit may still warm (rule 13). Application Auto Scaling: the last activity has ended, the
// last scale-in a cooldown ago.
bool ScalingPolicies::may_scale_in(const Capacity& capacity) const {
  if (ec2()) return capacity.warming == 0 && capacity.pending == 0;
  return !target_.scaling_in_progress() && !in_effect(in_);
}

std::optional<ScalingPolicies::Choice> ScalingPolicies::choice() const {
  const ScalingView seen = view();
  std::vector<Choice> wishes;
  int asked = 0, consenting = 0;
  const auto is_tracked_scale_in = [&](const Choice& wish) {
    return wish.capacity < seen.desired && wish.policy->consents_to_tracked_scale_in();
  };
  for (const auto& policy : policies_) {
    if (!policy->enabled()) continue;
    asked += policy->consents_to_tracked_scale_in();
    const auto wish = policy->wish(seen);
    if (!wish) continue;
    wishes.push_back({policy.get(), wish->capacity, wish->alarm});
    consenting += is_tracked_scale_in(wishes.back());
  }
  std::erase_if(wishes, [&](const Choice& wish) {
    const bool out = wish.capacity >= seen.desired;
    if (out ? suspended_.dynamic_scaling_out : suspended_.dynamic_scaling_in) return true;
    return consenting < asked && is_tracked_scale_in(wish);
  });
  const auto largest =
      std::max_element(wishes.begin(), wishes.end(),
                       [](const Choice& a, const Choice& b) { return a.capacity < b.capacity; });
  return largest == wishes.end() ? std::nullopt : std::optional(*largest);
}

void ScalingPolicies::on_alarm_action(Alarm&) {
  auto chosen = choice();
  if (!chosen) return;
  const Capacity capacity = target_.capacity();
  if (chosen->capacity < capacity.desired) {
    if (!may_scale_in(capacity)) return;
    for (const auto& policy : predictive_) {
      chosen->capacity = std::max(chosen->capacity, policy->least_capacity());
    }
    chosen->capacity = std::min(chosen->capacity, capacity.desired);
  }
  chosen->capacity = bounds_.clamp(chosen->capacity);
  if (chosen->capacity != capacity.desired) carry_out(*chosen);
}

void ScalingPolicies::carry_out(const Choice& choice) {
  const ScalingView seen = view();
  const bool out = choice.capacity > seen.desired;
  if (choice.policy->is_simple()) {
    simple_ = {sim().now(), choice.policy->out_cooldown, 0};
  } else if (out) {
    out_ = {sim().now(), choice.policy->out_cooldown, seen.base};
    in_ = {};  // a scale-out ends it
  } else {
    in_ = {sim().now(), choice.policy->in_cooldown, 0};
  }
  const Alarm& alarm = *choice.alarm;
  change(choice.capacity,
         {.policy = choice.policy->name(),
          .text = fmt::format("monitor alarm {} in state ALARM triggered policy {}",
                              alarm.settings().name, choice.policy->name()),
          .breached = alarm.evidence().first_breaching_readable,
          .alarm = alarm.state_since()});
}

void ScalingPolicies::change(std::int64_t desired, ScalingCause cause) {
  const std::int64_t before = target_.capacity().desired;
  (desired > before ? metric_.out : metric_.in).add();
  const std::string text =
      ec2() ? fmt::format("a {} changing the desired capacity from {} to {}", cause.text, before,
                          desired)
            : fmt::format("setting {} to {}: {}", words_of(target_.scalable_dimension()), desired,
                          cause.text);
  sim().note(sim::Milestone::none, owner_, text);
  target_.set_desired_capacity(desired, cause);
}

void ScalingPolicies::set_bounds(const CapacityLimits& bounds) {
  bounds_ = bounds;
  const std::int64_t desired = target_.capacity().desired;
  const std::int64_t within = bounds_.clamp(desired);
  if (within == desired) return;
  const std::string text =
      ec2() ? fmt::format(
                  "user request update of AutoScalingGroup constraints to min: {}, max: {}, "
                  "desired: {}",
                  bounds_.min, bounds_.max, within)
      : within > desired ? fmt::format("minimum capacity was set to {}", bounds_.min)
                         : fmt::format("maximum capacity was set to {}", bounds_.max);
  change(within, {.policy = "", .text = text, .breached = {}, .alarm = {}});
}

void ScalingPolicies::scheduled(const std::string& action, const CapacityLimits& bounds,
                                std::optional<std::int64_t> desired) {
  if (suspended_.scheduled_actions) return;
  const std::int64_t before = target_.capacity().desired;
  const std::int64_t wanted = desired.value_or(bounds.clamp(before));
  const std::string limits = fmt::format("min: {}, max: {}", bounds.min, bounds.max);
  if (bounds.min > bounds.max || wanted != bounds.clamp(wanted)) {
    const std::string asked = desired ? fmt::format(", desired: {}", *desired) : "";
    sim().note(sim::Milestone::none, owner_,
               fmt::format("scheduled action {} failed: {}{}", action, limits, asked));
    return;
  }
  bounds_ = bounds;
  const std::string text =
      ec2() ? fmt::format(
                  "scheduled action {} update of AutoScalingGroup constraints to {}, desired: {}",
                  action, limits, wanted)
            : fmt::format("scheduled action name {} was triggered, {}", action, limits);
  if (wanted == before) {
    sim().note(sim::Milestone::none, owner_, (ec2() ? "a " : "") + text);
  } else {
    change(wanted, {.policy = action, .text = text, .breached = {}, .alarm = {}});
  }
}

void ScalingPolicies::forecast_capacity(const std::string& policy, std::int64_t capacity,
                                        bool raises_max, double max_buffer) {
  if (suspended_.dynamic_scaling_out) return;
  if (raises_max) {
    const double with_buffer = static_cast<double>(capacity) * (1 + max_buffer);
    const auto raised = static_cast<std::int64_t>(std::ceil(with_buffer - 1e-9));
    bounds_.max = std::max(bounds_.max, std::min(raised, largest_));
  }
  const std::int64_t wanted = bounds_.clamp(capacity);
  if (wanted <= target_.capacity().desired) return;
  change(wanted, {.policy = policy,
                  .text = fmt::format("predictive scaling policy {}", policy),
                  .breached = {},
                  .alarm = {}});
}

}  // namespace windtunnel
