// Step and simple scaling: an alarm of the user's and adjustments by the metric's distance from its
// threshold.
//
// A step policy goes on while activities run. What an increase is added to, and what percentages
// are of, is the capacity without warming units; only the excess over the desired capacity is added
// (rule 14). A simple policy adjusts the desired capacity and waits for the activity and a
// cooldown; its alarm's actions meanwhile are lost.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/scaling_policy.hpp"

namespace windtunnel {

namespace settings {
class StepScaling;
class SimpleScaling;
class PutMetricAlarm;
}  // namespace settings

enum class Adjustment : std::uint8_t { change_in_capacity, exact_capacity, percent_change };

// Units by which `percent` changes `capacity`: above 1 rounded down, 0 to 1 up to 1, -1 to 0 to -1,
// below -1 towards zero; then at least `min_magnitude` units in the same direction.
std::int64_t percent_change(std::int64_t capacity, std::int64_t percent,
                            std::int64_t min_magnitude = 0);

struct StepAdjustment {
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();
  std::int64_t adjustment = 0;
};

// The step for a metric `difference` away from the threshold: [lower, upper) above it, (lower,
// upper] below it. At the threshold itself the alarm's direction decides.
const StepAdjustment* step_for(const std::vector<StepAdjustment>& steps, double difference,
                               Comparison comparison);

// The capacity that an adjustment asks of what the view shows.
std::int64_t adjusted(const ScalingView& view, Adjustment type, std::int64_t adjustment,
                      std::int64_t min_magnitude);

// The alarm of a policy: a component of that name, or one made for it.
class PolicyTrigger final : public AlarmListener {
 public:
  // An empty component: as `alarm` says.
  PolicyTrigger(std::string component, const settings::PutMetricAlarm& alarm);
  ~PolicyTrigger() override;
  void wire(sim::Wiring& wiring, AlarmListener& policies);
  void attach(CloudWatch& cloudwatch, const ScalingContext& context, const std::string& policy);

  // Nothing unless it is in ALARM.
  const Alarm* ringing() const;

  void on_alarm_state(Alarm& alarm, AlarmState before) override;
  void on_alarm_action(Alarm& alarm) override;

 private:
  std::string component_;
  std::unique_ptr<settings::PutMetricAlarm> settings_;
  AlarmListener* policies_ = nullptr;
  const Alarm* alarm_ = nullptr;  // once it has spoken
};

class StepScalingPolicy final : public ScalingPolicy {
 public:
  StepScalingPolicy(std::string name, bool enabled, const settings::StepScaling& settings);

  void wire(sim::Wiring& wiring, AlarmListener& policies) override;
  void attach(CloudWatch& cloudwatch, const ScalingContext& context) override;
  std::optional<Wish> wish(const ScalingView& view) const override;

 private:
  enum class Aggregation : std::uint8_t { average, minimum, maximum };
  std::optional<double> metric(const Alarm& alarm) const;

  Adjustment type_;
  Aggregation aggregation_;
  std::int64_t min_magnitude_;
  std::vector<StepAdjustment> steps_;
  PolicyTrigger trigger_;
};

class SimpleScalingPolicy final : public ScalingPolicy {
 public:
  SimpleScalingPolicy(std::string name, bool enabled, const settings::SimpleScaling& settings,
                      sim::Duration default_cooldown);

  void wire(sim::Wiring& wiring, AlarmListener& policies) override;
  void attach(CloudWatch& cloudwatch, const ScalingContext& context) override;
  std::optional<Wish> wish(const ScalingView& view) const override;
  bool is_simple() const override { return true; }

 private:
  Adjustment type_;
  std::int64_t adjustment_, min_magnitude_;
  PolicyTrigger trigger_;
};

}  // namespace windtunnel
