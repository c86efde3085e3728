// Target tracking: AlarmHigh at the target, AlarmLow below it, and a capacity in proportion.
//
// AWS publishes neither formula. Ours: out to ceil(units x metric / target), in likewise, which
// never crosses back over the target (rule 12). `metric` is the alarm's newest datapoint, units
// are those that are warmed up. A warm-up shorter than metrics are late counts new units before
// their relief shows, and too many are launched: what AWS warns of (DefaultInstanceWarmup).
// In the measured runs of tests/validation, without a warm-up of the policy's own, the second step
// follows 360 s after the first: the cooldown of 300 s and the alarm's next action.
//
// Left out: alarms that AWS tunes itself after 2024-11 (metrics finer than a minute), units of
// different weight.
#pragma once

#include <cstdint>

#include "models/mechanisms/scaling_policy.hpp"

namespace windtunnel {

namespace settings {
class TargetTracking;
}

// How many units bring the metric to the target, rounded up.
std::int64_t proportional_capacity(std::int64_t units, double metric, double target);

// What AWS's two alarms look like; it may change them ("AWS can edit, replace").
struct TrackingAlarms {
  std::uint32_t high_datapoints = 3, low_datapoints = 15;
  double low_share = 0.9;  // AlarmLow's threshold: share x target - points
  double low_points = 0;

  double low_threshold(double target) const;
};

// A predefined metric type in terms of what components publish.
struct PredefinedMetric {
  int type;                     // settings::TargetTracking::PredefinedMetricType
  const char* space;            // "AWS/EC2"
  const char* metric;           // AWS's name
  const char* statistic;        // as users write it
  const char* over = nullptr;   // a second metric ...
  const char* expression = "";  // ... in metric math: m1 is `metric`, m2 is `over`
  TrackingAlarms alarms{};
  bool ec2 = false, application = false;  // whose it is
  bool labelled = false;                  // published by the resource_label's component
  const char* refused = nullptr;          // why it is not modelled
};
const PredefinedMetric& predefined_metric(int type);

// Those of AWS by the metric and the flavour, with what the settings change.
TrackingAlarms tracking_alarms(const settings::TargetTracking& settings, bool ec2);

class TargetTrackingPolicy final : public ScalingPolicy {
 public:
  TargetTrackingPolicy(std::string name, bool enabled, const settings::TargetTracking& settings);
  ~TargetTrackingPolicy() override;

  void attach(CloudWatch& cloudwatch, const ScalingContext& context) override;
  std::optional<Wish> wish(const ScalingView& view) const override;
  bool consents_to_tracked_scale_in() const override;

 private:
  AlarmSettings metric_of(CloudWatch& cloudwatch, const ScalingContext& context) const;

  std::unique_ptr<settings::TargetTracking> settings_;
  double target_;
  Alarm* high_ = nullptr;
  Alarm* low_ = nullptr;  // none: scale-in is disabled
};

}  // namespace windtunnel
