#include "models/mechanisms/scaling_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "models/mechanisms/alarm_settings.hpp"
#include "models/mechanisms/scaling_policies.pb.h"
#include "models/mechanisms/settings.hpp"
#include "models/mechanisms/target_tracking.hpp"
#include "models/schema.pb.h"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

using namespace std::chrono_literals;
using google::protobuf::Message;
using settings::PredictiveScaling;
using settings::PutMetricAlarm;
using settings::ScheduledAction;
using settings::StepScaling;
using settings::TargetTracking;

constexpr int most_policies = 50, most_steps = 20;
constexpr double infinity = std::numeric_limits<double>::infinity();

// What a policy may do.
struct Directions {
  bool out = false, in = false;
};

Directions directions_of(settings::AdjustmentType type, std::int64_t adjustment) {
  const bool exact = type == settings::ExactCapacity;  // either, as capacity stands
  return {exact || adjustment > 0, exact || adjustment < 0};
}

class Check {
 public:
  Check(const ScalingPolicyList& policies, const ScheduledActionList& actions,
        const ScalingToCheck& target, SettingsCheck& check)
      : policies_(policies),
        actions_(actions),
        target_(target),
        ec2_(target.flavour == ScalingDefaults::Flavour::ec2),
        check_(check) {}

  void run() {
    quota("scaling_policies", policies_.size(), most_policies);
    quota("scheduled_actions", actions_.size(), ec2_ ? 125 : 200);
    names("scaling_policies", policies_);
    names("scheduled_actions", actions_);
    for (int i = 0; i < policies_.size(); ++i) {
      path_ = fmt::format("scaling_policies.{}", i);
      policy(policies_[i]);
    }
    for (int i = 0; i < actions_.size(); ++i) {
      path_ = fmt::format("scheduled_actions.{}", i);
      action(actions_[i]);
    }
    never();
  }

 private:
  void error(const std::string& at, const std::string& text) {
    check_.error(at.empty() ? path_ : path_ + "." + at, text);
  }

  void quota(const char* list, int size, int most) {
    if (size <= most) return;
    check_.error(list, fmt::format("{} are above the quota of {} ({})", size, most, quotas()));
  }
  const char* quotas() const {
    return ec2_ ? "EC2 Auto Scaling guide, Quotas" : "Application Auto Scaling guide, Quotas";
  }

  template <typename List>
  void names(const char* list, const List& all) {
    std::set<std::string> seen;
    for (int i = 0; i < all.size(); ++i) {
      if (seen.insert(all[i].name()).second) continue;
      check_.error(fmt::format("{}.{}.name", list, i),
                   fmt::format("'{}' stands twice: a second one of a name would replace the first",
                               all[i].name()));
    }
  }

  void policy(const settings::ScalingPolicy& policy) {
    if (policy.has_target_tracking()) {
      tracking(policy.target_tracking(), policy.enabled());
    } else if (policy.has_step_scaling()) {
      step(policy.step_scaling(), policy.enabled());
    } else if (policy.has_simple_scaling()) {
      simple(policy.simple_scaling(), policy.enabled());
    } else if (policy.has_predictive_scaling()) {
      predictive(policy.predictive_scaling(), policy.enabled());
    }
  }

  // A field of the other service's API.
  void belongs(bool given, const std::string& field, bool to_ec2) {
    if (!given || to_ec2 == ec2_) return;
    error(field, to_ec2 ? "is EC2 Auto Scaling's; Application Auto Scaling has cooldowns instead"
                        : "is Application Auto Scaling's; EC2 Auto Scaling has a warm-up instead "
                          "(EC2 Auto Scaling guide, Target tracking: cooldowns are not used)");
  }

  void tracking(const TargetTracking& tracking, bool enabled) {
    const std::string at = "target_tracking";
    belongs(tracking.has_estimated_instance_warmup(), at + ".estimated_instance_warmup", true);
    belongs(tracking.has_scale_out_cooldown(), at + ".scale_out_cooldown", false);
    belongs(tracking.has_scale_in_cooldown(), at + ".scale_in_cooldown", false);
    if (tracking.has_predefined_metric()) {
      predefined(tracking.predefined_metric(), at + ".predefined_metric");
    } else {
      customized(tracking.customized_metric(), at + ".customized_metric");
    }
    may(enabled, {true, !tracking.disable_scale_in()});
  }

  void customized(const TargetTracking::CustomizedMetric& metric, const std::string& at) {
    const std::string path = path_ + "." + at;
    check_metrics(metric.metrics(), metric.expression(), path, check_);
    const sim::Duration period = to_duration(metric.period());
    if (period == 10s || period == 30s || period == 60s) {
      check_period(metric.metrics(), period, path, check_);
    } else {
      error(at + ".period",
            "is not 10s, 30s or 60s (EC2 Auto Scaling API, CustomizedMetricSpecification.Period)");
    }
  }

  void predefined(const TargetTracking::PredefinedMetric& metric, const std::string& at) {
    const PredefinedMetric& known = predefined_metric(metric.type());
    const std::string name = TargetTracking::PredefinedMetricType_Name(metric.type());
    if (!(ec2_ ? known.ec2 : known.application)) {
      return error(at + ".type", fmt::format("{} is no metric type of {} Auto Scaling", name,
                                             ec2_ ? "EC2" : "Application"));
    }
    if (known.refused != nullptr) {
      return error(at + ".type", fmt::format("{} is not modelled: {}", name, known.refused));
    }
    if (known.labelled) return labelled(metric.resource_label(), known.metric, at);
    if (!metric.resource_label().empty()) {
      error(at + ".resource_label", "goes with ALBRequestCountPerTarget alone");
    }
    if (target_.resource == nullptr) return;
    const auto& model = *target_.resource->GetDescriptor();
    for (const char* needed : {known.metric, known.over}) {
      const auto* found = needed == nullptr ? nullptr : published(model, needed);
      if (needed == nullptr || (found != nullptr && found->namespace_() == known.space)) continue;
      error(at + ".type",
            fmt::format("{} is of {} {}, which {} does not publish", name, known.space, needed,
                        model.options().GetExtension(schema::model).name()));
    }
  }

  void labelled(const std::string& label, const std::string& metric, const std::string& at) {
    if (label.empty()) {
      return error(at,
                   "resource_label is missing: the load balancer, or "
                   "LOAD_BALANCER/TARGET_GROUP");
    }
    const std::string name = label.substr(0, label.find('/'));
    const Message* settings = check_.settings_of(name);
    if (settings == nullptr) {
      error(at + ".resource_label", fmt::format("no component '{}'{}", name,
                                                check_.did_you_mean(name, check_.components())));
    } else {
      publishes(name, *settings, metric, at + ".resource_label");
    }
  }

  void step(const StepScaling& step, bool enabled) {
    const std::string at = "step_scaling";
    belongs(step.has_estimated_instance_warmup(), at + ".estimated_instance_warmup", true);
    belongs(step.has_cooldown(), at + ".cooldown", false);
    magnitude(step.has_min_adjustment_magnitude(), step.adjustment_type(), at);
    if (step.has_alarm()) check_alarm(step.alarm(), path_ + "." + at + ".alarm", check_);
    steps(step, at + ".step_adjustments");
    Directions directions;
    for (const auto& adjustment : step.step_adjustments()) {
      const Directions of = directions_of(step.adjustment_type(), adjustment.scaling_adjustment());
      directions = {directions.out || of.out, directions.in || of.in};
    }
    may(enabled, directions);
  }

  void magnitude(bool given, settings::AdjustmentType type, const std::string& at) {
    if (!given || type == settings::PercentChangeInCapacity) return;
    error(at + ".min_adjustment_magnitude",
          "goes with PercentChangeInCapacity alone (EC2 Auto Scaling API, "
          "PutScalingPolicy.MinAdjustmentMagnitude)");
  }

  void not_negative(settings::AdjustmentType type, std::int64_t adjustment, const std::string& at) {
    if (type != settings::ExactCapacity || adjustment >= 0) return;
    error(at + ".scaling_adjustment", fmt::format("{} is below 0, for ExactCapacity (EC2 Auto "
                                                  "Scaling API, StepAdjustment)",
                                                  adjustment));
  }

  struct Interval {
    double lower, upper;
    int index;
    std::string text() const {
      return fmt::format("{} to {}", lower == -infinity ? "-infinity" : fmt::format("{}", lower),
                         upper == infinity ? "infinity" : fmt::format("{}", upper));
    }
  };

  void steps(const StepScaling& step, const std::string& at) {
    const auto& list = step.step_adjustments();
    if (list.empty()) return error(at, "is missing: at least one step");
    if (list.size() > most_steps) {
      error(at,
            fmt::format("{} are above the quota of {} ({})", list.size(), most_steps, quotas()));
    }
    std::vector<Interval> all;
    for (int i = 0; i < list.size(); ++i) {
      const std::string here = fmt::format("{}.{}", at, i);
      not_negative(step.adjustment_type(), list[i].scaling_adjustment(), here);
      const bool below = list[i].has_metric_interval_lower_bound();
      const bool above = list[i].has_metric_interval_upper_bound();
      if (!below && !above) {
        error(here,
              "has no bound; one of metric_interval_lower_bound and "
              "metric_interval_upper_bound is needed (EC2 Auto Scaling API, StepAdjustment)");
        return;
      }
      all.push_back({below ? list[i].metric_interval_lower_bound() : -infinity,
                     above ? list[i].metric_interval_upper_bound() : infinity, i});
    }
    std::sort(all.begin(), all.end(), [](const Interval& a, const Interval& b) {
      return std::pair(a.lower, a.upper) < std::pair(b.lower, b.upper);
    });
    neighbours(all, at);
    ends(all, at);
    if (step.has_alarm()) reached(step.alarm(), all, at);
  }

  void neighbours(const std::vector<Interval>& all, const std::string& at) {
    for (std::size_t i = 1; i < all.size(); ++i) {
      const Interval &one = all[i - 1], &next = all[i];
      if (one.upper == next.lower) continue;
      error(fmt::format("{}.{}", at, next.index),
            fmt::format("{} {} step_adjustments.{}, {} (EC2 Auto Scaling API, StepAdjustment)",
                        next.text(), one.upper > next.lower ? "overlaps" : "leaves a gap after",
                        one.index, one.text()));
    }
  }

  // A negative lower bound needs a step without one, a positive upper bound likewise.
  void ends(const std::vector<Interval>& all, const std::string& at) {
    const auto open = [&](const Interval& end, const char* bound, double value) {
      error(fmt::format("{}.{}", at, end.index),
            fmt::format("{} {} is not the end: a step without {} is needed (EC2 Auto Scaling API, "
                        "StepAdjustment)",
                        bound, value, bound));
    };
    const Interval& first = all.front();
    if (first.lower < 0 && first.lower != -infinity) {
      open(first, "metric_interval_lower_bound", first.lower);
    }
    const Interval& last = all.back();
    if (last.upper > 0 && last.upper != infinity) {
      open(last, "metric_interval_upper_bound", last.upper);
    }
  }

  // The alarm breaches above the threshold or below it; some step must be there.
  void reached(const PutMetricAlarm& alarm, const std::vector<Interval>& all,
               const std::string& at) {
    const bool upwards =
        alarm.comparison_operator() == PutMetricAlarm::GreaterThanThreshold ||
        alarm.comparison_operator() == PutMetricAlarm::GreaterThanOrEqualToThreshold;
    const bool meets = upwards ? all.back().upper > 0 : all.front().lower < 0;
    if (meets) return;
    error(at, fmt::format("no step is {} the threshold, where the alarm breaches: bounds count "
                          "from it, so {} (EC2 Auto Scaling API, StepAdjustment)",
                          upwards ? "above" : "below",
                          upwards ? "the upper one must be above 0 or absent"
                                  : "the lower one must be below 0 or absent"));
  }

  void simple(const settings::SimpleScaling& simple, bool enabled) {
    if (!ec2_) {
      return error("simple_scaling",
                   "is EC2 Auto Scaling's; Application Auto Scaling has target "
                   "tracking and step policies");
    }
    magnitude(simple.has_min_adjustment_magnitude(), simple.adjustment_type(), "simple_scaling");
    not_negative(simple.adjustment_type(), simple.scaling_adjustment(), "simple_scaling");
    if (simple.has_alarm()) check_alarm(simple.alarm(), path_ + ".simple_scaling.alarm", check_);
    may(enabled, directions_of(simple.adjustment_type(), simple.scaling_adjustment()));
  }

  void predictive(const PredictiveScaling& predictive, bool enabled) {
    const std::string at = "predictive_scaling";
    if (!ec2_) return error(at, "of Application Auto Scaling (2024-11) is not modelled");
    if (predictive_seen_) error(at, "is modelled once a group");
    predictive_seen_ = true;
    const auto& pair = predictive.predefined_metric_pair();
    if (predictive.has_customized_load_metric()) {
      load(predictive.customized_load_metric(), at + ".customized_load_metric");
    } else if (pair.type() == PredictiveScaling::ALBRequestCount) {
      labelled(pair.resource_label(), "RequestCount", at + ".predefined_metric_pair");
    }
    const bool raises =
        predictive.max_capacity_breach_behavior() == PredictiveScaling::IncreaseMaxCapacity;
    if (predictive.has_max_capacity_buffer() && !raises) {
      error(at + ".max_capacity_buffer",
            "goes with IncreaseMaxCapacity alone (EC2 Auto Scaling API, "
            "PredictiveScalingConfiguration.MaxCapacityBuffer)");
    }
    may(enabled, {predictive.mode() == PredictiveScaling::ForecastAndScale, false});
  }

  void load(const settings::MetricStat& metric, const std::string& at) {
    const std::string name = metric.component().substr(0, metric.component().find('/'));
    const Message* settings = check_.settings_of(name);
    if (settings == nullptr) {
      error(at + ".component", fmt::format("no component '{}'{}", name,
                                           check_.did_you_mean(name, check_.components())));
    } else {
      publishes(name, *settings, metric.metric_name(), at + ".metric_name");
    }
  }

  void publishes(const std::string& name, const Message& settings, const std::string& metric,
                 const std::string& at) {
    const auto& model = *settings.GetDescriptor();
    if (published(model, metric) != nullptr) return;
    error(at, fmt::format("{} ({}) does not publish '{}'", name,
                          model.options().GetExtension(schema::model).name(), metric));
  }

  void action(const ScheduledAction& action) {
    if (!action.has_min_capacity() && !action.has_max_capacity() &&
        !action.has_desired_capacity()) {
      error("", "changes nothing: needs min_capacity, max_capacity or desired_capacity");
    }
    if (!ec2_ && action.has_desired_capacity()) {
      error("desired_capacity",
            "is EC2 Auto Scaling's; min_capacity and max_capacity move the "
            "capacity (Application Auto Scaling API, ScalableTargetAction)");
    }
    beyond(action);
    action_may_.in |= action.has_max_capacity() || action.has_desired_capacity();
    action_moves_limits_ |= action.has_min_capacity() || action.has_max_capacity();
  }

  // Against the limits of the settings, where no other action moves the other limit.
  void beyond(const ScheduledAction& action) {
    const auto moves = [&](bool (ScheduledAction::*has)() const) {
      return std::any_of(actions_.begin(), actions_.end(),
                         [&](const ScheduledAction& one) { return (one.*has)(); });
    };
    const std::string why =
        " of the settings: the action would fail (EC2 Auto Scaling API, "
        "PutScheduledUpdateGroupAction)";
    const auto above = [&](bool given, const char* field, std::int64_t value) {
      if (!given || moves(&ScheduledAction::has_max_capacity) || value <= target_.bounds.max) {
        return;
      }
      error(field, fmt::format("{} is above {}, the maximum{}", value, target_.bounds.max, why));
    };
    above(action.has_min_capacity(), "min_capacity", action.min_capacity());
    above(action.has_desired_capacity(), "desired_capacity", action.desired_capacity());
    const auto below = [&](bool given, const char* field, std::int64_t value) {
      if (!given || moves(&ScheduledAction::has_min_capacity) || value >= target_.bounds.min) {
        return;
      }
      error(field, fmt::format("{} is below {}, the minimum{}", value, target_.bounds.min, why));
    };
    below(action.has_max_capacity(), "max_capacity", action.max_capacity());
    below(action.has_desired_capacity(), "desired_capacity", action.desired_capacity());
  }

  void may(bool enabled, const Directions& directions) {
    if (!enabled) return;
    policies_may_.out |= directions.out;
    policies_may_.in |= directions.in;
  }

  // What is not wrong, but never happens.
  void never() {
    if (!policies_may_.out && !policies_may_.in) return;
    if (target_.bounds.min == target_.bounds.max && !action_moves_limits_) {
      check_.note(
          "scaling_policies",
          fmt::format("can never scale: minimum and maximum are both {}", target_.bounds.min));
    } else if (!policies_may_.in && !action_may_.in) {
      check_.note("scaling_policies",
                  "can never scale in: no policy and no scheduled action takes capacity away "
                  "(disable_scale_in, no negative adjustment, predictive scaling never does)");
    }
  }

  const ScalingPolicyList& policies_;
  const ScheduledActionList& actions_;
  const ScalingToCheck target_;
  const bool ec2_;
  SettingsCheck& check_;
  std::string path_;  // of the policy or action that is looked at
  Directions policies_may_, action_may_;
  bool action_moves_limits_ = false, predictive_seen_ = false;
};

}  // namespace

void check_scaling(const ScalingPolicyList& policies, const ScheduledActionList& actions,
                   const ScalingToCheck& target, SettingsCheck& check) {
  Check(policies, actions, target, check).run();
}

}  // namespace windtunnel
