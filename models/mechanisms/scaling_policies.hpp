// The scaling policies and scheduled actions of one scalable thing: target tracking, step, simple
// and predictive policies, as EC2 Auto Scaling and Application Auto Scaling carry them out. The
// owner (a group, or application_auto_scaling for other services) holds one, made from its settings
// `scaling_policies` and `scheduled_actions`. Policies see CloudWatch's alarms and the target's
// capacity, nothing else.
//
// Whenever an alarm of a policy acts (at its change to ALARM and once a minute while it stays,
// rule 9), all policies whose alarms are in ALARM say what they want; the largest capacity wins,
// out and in. Scale-in by target tracking needs all target tracking policies that may scale in; a
// step policy's does not ask them.
//
// Left out: a warm-up of its own for each of several policies (the longest counts for all),
// instance weights, policies executed by hand, a maximum raised by a forecast beyond twice that of
// the settings.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/alarm.hpp"
#include "models/mechanisms/scalable.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

namespace settings {
class ScalingPolicy;
class ScheduledAction;
}  // namespace settings

class ScalingPolicy;
class ScheduledActions;
class PredictiveScaling;
struct ScalingView;

// What the owner knows and policies go by.
struct ScalingDefaults {
  enum class Flavour : std::uint8_t {
    ec2,         // EC2 Auto Scaling: warm-up; cooldown for simple policies only
    application  // Application Auto Scaling: cooldowns, no warm-up
  };
  Flavour flavour = Flavour::ec2;
  std::string resource;   // in the alarms' names: "web-asg", "service/default/web"
  std::string component;  // whose metrics predefined types mean; empty: the owner's
  sim::Duration default_cooldown{std::chrono::seconds(300)};
  std::optional<sim::Duration> default_instance_warmup;  // ec2 only
  CapacityLimits bounds;
};

using ScalingPolicyList = google::protobuf::RepeatedPtrField<settings::ScalingPolicy>;
using ScheduledActionList = google::protobuf::RepeatedPtrField<settings::ScheduledAction>;

// The largest capacity that may ever be asked for: the maximum, those of scheduled actions, and
// twice that where a predictive policy may raise it. Owners make room for as many before the run.
std::int64_t largest_capacity(std::int64_t max, const ScalingPolicyList& policies,
                              const ScheduledActionList& actions);

class ScalingPolicies final : public sim::Entity, public AlarmListener {
 public:
  // `metrics` is the owner's metric_set_; what policies report stands among its metrics.
  ScalingPolicies(sim::Component& owner, sim::MetricSet& metrics, Scalable& target,
                  const ScalingPolicyList& policies, const ScheduledActionList& actions,
                  const ScalingDefaults& defaults);
  ~ScalingPolicies() override;

  // The owner calls these from its own functions of these names.
  void wire(sim::Wiring& wiring);
  void attach();
  void start();

  // How long an instance warms after InService: the longest EstimatedInstanceWarmup of the
  // policies; where one has none, DefaultInstanceWarmup, else DefaultCooldown (rule 13). Without
  // target tracking and step policies DefaultInstanceWarmup, else 0.
  sim::Duration warmup() const;

  // Kept here; scheduled actions and predictive scaling change them. Every capacity that
  // set_desired_capacity() hears lies within.
  const CapacityLimits& bounds() const { return bounds_; }
  // The desired capacity follows if it lies outside.
  void set_bounds(const CapacityLimits& bounds);

  // EC2's process AlarmNotification is both directions of dynamic scaling; Application Auto
  // Scaling knows them apart (SuspendedState).
  struct Suspended {
    bool dynamic_scaling_out = false, dynamic_scaling_in = false, scheduled_actions = false;
  };
  void suspend(const Suspended& suspended) { suspended_ = suspended; }

  // Nothing here ever changes the capacity.
  bool empty() const;

  // From scheduled actions and predictive scaling.
  void scheduled(const std::string& action, const CapacityLimits& bounds,
                 std::optional<std::int64_t> desired);
  void forecast_capacity(const std::string& policy, std::int64_t capacity, bool raises_max,
                         double max_buffer);

  void on_alarm_state(Alarm&, AlarmState) override {}
  void on_alarm_action(Alarm& alarm) override;

 private:
  // After a change of capacity; `before` is what a scale-out began with.
  struct Cooldown {
    std::optional<sim::Time> decided;
    sim::Duration length{0};
    std::int64_t before = 0;
  };
  struct Choice {
    const ScalingPolicy* policy;
    std::int64_t capacity;
    const Alarm* alarm;
  };
  struct Metrics {
    explicit Metrics(sim::MetricSet& set)
        : out(set, "ScaleOutDecisions", "times a policy, schedule or forecast raised the capacity"),
          in(set, "ScaleInDecisions", "times a policy or schedule lowered the capacity") {}
    sim::Counter out, in;
  };

  bool ec2() const { return defaults_.flavour == ScalingDefaults::Flavour::ec2; }
  void on_begin();
  bool in_effect(const Cooldown& cooldown) const;
  ScalingView view() const;
  bool may_scale_in(const Capacity& capacity) const;
  std::optional<Choice> choice() const;
  void carry_out(const Choice& choice);
  void change(std::int64_t desired, ScalingCause cause);

  sim::Component& owner_;
  Scalable& target_;
  ScalingDefaults defaults_;
  CapacityLimits bounds_;
  Suspended suspended_;
  Metrics metric_;
  std::vector<std::unique_ptr<ScalingPolicy>> policies_;
  std::vector<std::unique_ptr<PredictiveScaling>> predictive_;
  std::unique_ptr<ScheduledActions> scheduled_;
  std::int64_t largest_;  // no forecast raises the maximum beyond
  Cooldown out_, in_, simple_;
};

}  // namespace windtunnel
