#include "models/mechanisms/step_scaling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "models/mechanisms/alarm_settings.hpp"
#include "models/mechanisms/scaling_metrics.hpp"
#include "models/mechanisms/scaling_policies.pb.h"
#include "models/mechanisms/settings.hpp"

namespace windtunnel {

using settings::PutMetricAlarm;

namespace {

Adjustment adjustment_of(settings::AdjustmentType type) {
  switch (type) {
    case settings::ExactCapacity:
      return Adjustment::exact_capacity;
    case settings::PercentChangeInCapacity:
      return Adjustment::percent_change;
    default:
      return Adjustment::change_in_capacity;
  }
}

}  // namespace

std::int64_t percent_change(std::int64_t capacity, std::int64_t percent,
                            std::int64_t min_magnitude) {
  const std::int64_t hundredths = capacity * percent;
  const std::int64_t sign = percent < 0 ? -1 : 1;
  const bool fraction = hundredths != 0 && std::abs(hundredths) < 100;
  const std::int64_t units = fraction ? 1 : std::abs(hundredths) / 100;
  return percent == 0 ? 0 : sign * std::max(units, min_magnitude);
}

const StepAdjustment* step_for(const std::vector<StepAdjustment>& steps, double difference,
                               Comparison comparison) {
  const bool upwards =
      comparison == Comparison::greater_than || comparison == Comparison::greater_than_or_equal;
  const bool above = difference > 0 || (difference == 0 && upwards);
  for (const StepAdjustment& step : steps) {
    const bool inside = above ? step.lower <= difference && difference < step.upper
                              : step.lower < difference && difference <= step.upper;
    if (inside) return &step;
  }
  return nullptr;
}

std::int64_t adjusted(const ScalingView& view, Adjustment type, std::int64_t adjustment,
                      std::int64_t min_magnitude) {
  if (type == Adjustment::exact_capacity) return adjustment;
  const bool out = adjustment >= 0;
  if (type == Adjustment::percent_change) {
    adjustment = percent_change(out ? view.base : view.current, adjustment, min_magnitude);
  }
  return out ? view.out_by(adjustment) : view.in_by(-adjustment);
}

PolicyTrigger::PolicyTrigger(std::string component, const PutMetricAlarm& alarm)
    : component_(std::move(component)), settings_(std::make_unique<PutMetricAlarm>(alarm)) {}

PolicyTrigger::~PolicyTrigger() = default;

void PolicyTrigger::wire(sim::Wiring& wiring, AlarmListener& policies) {
  policies_ = &policies;
  if (!component_.empty()) wiring.find<AlarmPort>(component_).add_listener(*this);
}

void PolicyTrigger::attach(CloudWatch& cloudwatch, const ScalingContext& context,
                           const std::string& policy) {
  if (!component_.empty()) return;
  const std::string name = fmt::format("{}-{}", context.resource, policy);
  cloudwatch.put_alarm(alarm_settings_of(cloudwatch, name, *settings_), this);
}

const Alarm* PolicyTrigger::ringing() const {
  return alarm_ != nullptr && alarm_->state() == AlarmState::alarm ? alarm_ : nullptr;
}

void PolicyTrigger::on_alarm_state(Alarm& alarm, AlarmState) { alarm_ = &alarm; }

void PolicyTrigger::on_alarm_action(Alarm& alarm) {
  alarm_ = &alarm;
  policies_->on_alarm_action(alarm);
}

StepScalingPolicy::StepScalingPolicy(std::string name, bool enabled,
                                     const settings::StepScaling& settings)
    : ScalingPolicy(std::move(name), enabled),
      type_(adjustment_of(settings.adjustment_type())),
      aggregation_(static_cast<Aggregation>(settings.metric_aggregation_type())),
      min_magnitude_(settings.min_adjustment_magnitude()),
      trigger_(settings.cloudwatch_alarm(), settings.alarm()) {
  for (const settings::StepScaling::StepAdjustment& step : settings.step_adjustments()) {
    StepAdjustment& added = steps_.emplace_back();
    if (step.has_metric_interval_lower_bound()) added.lower = step.metric_interval_lower_bound();
    if (step.has_metric_interval_upper_bound()) added.upper = step.metric_interval_upper_bound();
    added.adjustment = step.scaling_adjustment();
  }
  warmup = std::nullopt;
  if (settings.has_estimated_instance_warmup()) {
    warmup = to_duration(settings.estimated_instance_warmup());
  }
}

void StepScalingPolicy::wire(sim::Wiring& wiring, AlarmListener& policies) {
  trigger_.wire(wiring, policies);
}

void StepScalingPolicy::attach(CloudWatch& cloudwatch, const ScalingContext& context) {
  trigger_.attach(cloudwatch, context, name());
}

std::optional<double> StepScalingPolicy::metric(const Alarm& alarm) const {
  const auto& datapoints = alarm.evidence().datapoints;
  if (datapoints.empty()) return std::nullopt;
  double sum = 0, least = datapoints.front().value, most = least;
  for (const CloudWatch::Datapoint& point : datapoints) {
    sum += point.value;
    least = std::min(least, point.value);
    most = std::max(most, point.value);
  }
  if (aggregation_ == Aggregation::minimum) return least;
  if (aggregation_ == Aggregation::maximum) return most;
  return sum / static_cast<double>(datapoints.size());
}

std::optional<ScalingPolicy::Wish> StepScalingPolicy::wish(const ScalingView& view) const {
  const Alarm* alarm = trigger_.ringing();
  const auto value = alarm == nullptr ? std::nullopt : metric(*alarm);
  if (!value) return std::nullopt;
  const StepAdjustment* step =
      step_for(steps_, *value - alarm->settings().threshold, alarm->settings().comparison);
  if (step == nullptr) return std::nullopt;
  return Wish{adjusted(view, type_, step->adjustment, min_magnitude_), alarm};
}

SimpleScalingPolicy::SimpleScalingPolicy(std::string name, bool enabled,
                                         const settings::SimpleScaling& settings,
                                         sim::Duration default_cooldown)
    : ScalingPolicy(std::move(name), enabled),
      type_(adjustment_of(settings.adjustment_type())),
      adjustment_(settings.scaling_adjustment()),
      min_magnitude_(settings.min_adjustment_magnitude()),
      trigger_(settings.cloudwatch_alarm(), settings.alarm()) {
  out_cooldown = settings.has_cooldown() ? to_duration(settings.cooldown()) : default_cooldown;
}

void SimpleScalingPolicy::wire(sim::Wiring& wiring, AlarmListener& policies) {
  trigger_.wire(wiring, policies);
}

void SimpleScalingPolicy::attach(CloudWatch& cloudwatch, const ScalingContext& context) {
  trigger_.attach(cloudwatch, context, name());
}

std::optional<ScalingPolicy::Wish> SimpleScalingPolicy::wish(const ScalingView& view) const {
  const Alarm* alarm = trigger_.ringing();
  if (alarm == nullptr || !view.simple_may_act) return std::nullopt;
  ScalingView plain = view;
  plain.base = plain.current = view.desired;
  return Wish{adjusted(plain, type_, adjustment_, min_magnitude_), alarm};
}

}  // namespace windtunnel
