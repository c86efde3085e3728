// What is said about scaling policies and scheduled actions before the run.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/topologies/reading.hpp"
#include "topologies/checks.hpp"

namespace windtunnel {
namespace {

const std::string two_to_eight = "min_size: 2, max_size: 8";

// A group of four between two and eight, with these settings; they stand on lines of their own from
// line 5 on.
std::string group_with(const std::string& settings, const std::string& limits = two_to_eight) {
  return "regions: {us-east-1: {}}\ncomponents:\n"
         "  users: {client: {target: web, open: {poisson: 1/s}}}\n"
         "  group: {auto_scaling_group: {size: 4, " +
         limits + ",\n" + settings +
         "}}\n"
         "  web: {ec2_service: {on: group, service_time: 1ms}}\n";
}
// What is wrong, without the place and "group.".
std::string wrong(const std::string& settings, const std::string& limits = two_to_eight) {
  std::string text = said_of_topology(group_with(settings, limits));
  const std::size_t at = text.find(" group.");
  return at == std::string::npos ? text : text.substr(at + 7, text.size() - at - 8);
}
std::string policy(const std::string& settings) {
  return "scaling_policies: [{name: p, " + settings + "}]";
}
std::string steps(const std::string& list, const std::string& type = "ChangeInCapacity",
                  const std::string& comparison = "GreaterThanThreshold") {
  return policy("step_scaling: {adjustment_type: " + type + ", step_adjustments: [" + list +
                "], alarm: {metrics: [{component: group, metric_name: CPUUtilization}], period: "
                "300s, comparison_operator: " +
                comparison + ", threshold: 60}}");
}
std::string tracking(const std::string& metric, const std::string& more = "") {
  return policy("target_tracking: {target_value: 50, " + metric + more + "}");
}
const std::string cpu = "predefined_metric: ASGAverageCPUUtilization";
std::string bounds(const char* lower, const char* upper, int adjustment) {
  std::string text = "{";
  if (*lower != 0) text += fmt::format("metric_interval_lower_bound: {}, ", lower);
  if (*upper != 0) text += fmt::format("metric_interval_upper_bound: {}, ", upper);
  return text + fmt::format("scaling_adjustment: {}}}", adjustment);
}

TEST(ScalingPolicies, AreReadWithoutComplaintInAllTheirKinds) {
  EXPECT_EQ(wrong(tracking(cpu)), "");
  EXPECT_EQ(wrong(steps(bounds("0", "10", 1) + ", " + bounds("10", "", 2))), "");
  EXPECT_EQ(wrong(steps(bounds("-10", "0", -1) + ", " + bounds("", "-10", -2), "ChangeInCapacity",
                        "LessThanThreshold")),
            "");
  EXPECT_EQ(
      wrong(policy("simple_scaling: {adjustment_type: ExactCapacity, scaling_adjustment: 5, "
                   "alarm: {metrics: [{component: group, metric_name: CPUUtilization}], "
                   "period: 300s, comparison_operator: GreaterThanThreshold, threshold: 1}}")),
      "");
  EXPECT_EQ(wrong(policy("predictive_scaling: {predefined_metric_pair: ASGCPUUtilization, "
                         "target_value: 50}")),
            "");
  EXPECT_EQ(wrong("scheduled_actions: [{name: a, at: 1h, desired_capacity: 6}]"), "");
}

TEST(ScalingPolicies, StandAtTheirPlaceInMessages) {
  EXPECT_EQ(said_of_topology(group_with(steps(bounds("0", "10", 1)))),
            "web.yaml:5:99: group.scaling_policies.0.step_scaling.step_adjustments.0: "
            "metric_interval_upper_bound 10 is not the end: a step without "
            "metric_interval_upper_bound is needed (EC2 Auto Scaling API, StepAdjustment)\n");
}

TEST(StepBounds, LeaveNoGapAndDoNotOverlap) {
  EXPECT_EQ(wrong(steps(bounds("0", "10", 1) + ", " + bounds("15", "", 2))),
            "scaling_policies.0.step_scaling.step_adjustments.1: 15 to infinity leaves a gap after "
            "step_adjustments.0, 0 to 10 (EC2 Auto Scaling API, StepAdjustment)");
  EXPECT_EQ(wrong(steps(bounds("10", "", 2) + ", " + bounds("0", "15", 1))),
            "scaling_policies.0.step_scaling.step_adjustments.0: 10 to infinity overlaps "
            "step_adjustments.1, 0 to 15 (EC2 Auto Scaling API, StepAdjustment)");
  EXPECT_EQ(wrong(steps(bounds("0", "", 2) + ", " + bounds("0", "", 1))),
            "scaling_policies.0.step_scaling.step_adjustments.1: 0 to infinity overlaps "
            "step_adjustments.0, 0 to infinity (EC2 Auto Scaling API, StepAdjustment)");
}

TEST(StepBounds, AreAtLeastOneAndInOrder) {
  EXPECT_EQ(wrong(steps("{scaling_adjustment: 1}")),
            "scaling_policies.0.step_scaling.step_adjustments.0: has no bound; one of "
            "metric_interval_lower_bound and metric_interval_upper_bound is needed (EC2 Auto "
            "Scaling API, StepAdjustment)");
  EXPECT_EQ(wrong(steps(bounds("10", "5", 1))),
            "scaling_policies.0.step_scaling.step_adjustments.0.metric_interval_lower_bound: 10 is "
            "not below metric_interval_upper_bound, 5 (EC2 Auto Scaling API, StepAdjustment)");
  EXPECT_EQ(wrong(steps("")),
            "scaling_policies.0.step_scaling.step_adjustments: is missing: at "
            "least one step");
}

TEST(StepBounds, LieWhereTheAlarmBreaches) {
  EXPECT_EQ(wrong(steps(bounds("", "0", -1))),
            "scaling_policies.0.step_scaling.step_adjustments: no step is above the threshold, "
            "where the alarm breaches: bounds count from it, so the upper one must be above 0 or "
            "absent (EC2 Auto Scaling API, StepAdjustment)");
  EXPECT_EQ(wrong(steps(bounds("0", "", 1), "ChangeInCapacity", "LessThanThreshold")),
            "scaling_policies.0.step_scaling.step_adjustments: no step is below the threshold, "
            "where the alarm breaches: bounds count from it, so the lower one must be below 0 or "
            "absent (EC2 Auto Scaling API, StepAdjustment)");
}

TEST(Adjustments, AreNotNegativeWhereTheyAreTheCapacityItself) {
  EXPECT_EQ(wrong(steps(bounds("0", "", -3), "ExactCapacity")),
            "scaling_policies.0.step_scaling.step_adjustments.0.scaling_adjustment: -3 is below 0, "
            "for ExactCapacity (EC2 Auto Scaling API, StepAdjustment)");
}

TEST(ScalingPolicies, KeepToTheQuotas) {
  std::string many = bounds("", "1", 1);
  for (int i = 1; i < 20; ++i) {
    many += ", " + bounds(fmt::format("{}", i).c_str(), fmt::format("{}", i + 1).c_str(), 1);
  }
  EXPECT_EQ(wrong(steps(many + ", " + bounds("20", "", 1))),
            "scaling_policies.0.step_scaling.step_adjustments: 21 are above the quota of 20 (EC2 "
            "Auto Scaling guide, Quotas)");
  std::string policies = "scaling_policies: [", actions = "scheduled_actions: [";
  for (int i = 0; i <= 125; ++i) {
    if (i <= 50) {
      policies += fmt::format("{{name: p{}, target_tracking: {{target_value: 50, {}}}}}, ", i, cpu);
    }
    actions += fmt::format("{{name: a{}, at: 1h, desired_capacity: 5}}, ", i);
  }
  EXPECT_EQ(wrong(policies + "]"),
            "scaling_policies: 51 are above the quota of 50 (EC2 Auto Scaling guide, Quotas)");
  EXPECT_EQ(wrong(actions + "]"),
            "scheduled_actions: 126 are above the quota of 125 (EC2 Auto Scaling guide, Quotas)");
}

TEST(ScalingPolicies, HaveNamesOfTheirOwn) {
  const std::string one = "{name: p, target_tracking: {target_value: 50, " + cpu + "}}";
  EXPECT_EQ(wrong("scaling_policies: [" + one + ", " + one + "]"),
            "scaling_policies.1.name: 'p' stands twice: a second one of a name would replace the "
            "first");
}

TEST(TargetTrackingMetrics, ArePublishedBySomebody) {
  EXPECT_EQ(
      wrong(tracking("customized_metric: {metrics: [{component: gruop, metric_name: "
                     "CPUUtilization}]}")),
      "scaling_policies.0.target_tracking.customized_metric.metrics.0.component: no component "
      "'gruop', did you mean 'group'?");
  EXPECT_EQ(wrong(tracking("customized_metric: {metrics: [{component: group, metric_name: "
                           "CPUUtilisation}]}")),
            "scaling_policies.0.target_tracking.customized_metric.metrics.0.metric_name: group "
            "(auto_scaling_group) does not publish 'CPUUtilisation', did you mean "
            "'CPUUtilization'?");
}

TEST(TargetTrackingMetrics, ServeTheirPeriod) {
  const std::string custom =
      "customized_metric: {metrics: [{component: group, metric_name: CPUUtilization}]";
  const std::string basic = wrong(tracking(custom + "}"));
  EXPECT_TRUE(
      basic.starts_with("scaling_policies.0.target_tracking.customized_metric.period: 60s "
                        "is below 300s, in which group publishes CPUUtilization"))
      << basic;
  EXPECT_EQ(wrong(tracking(custom + ", period: 60s}"),
                  "min_size: 2, max_size: 8, monitoring: "
                  "detailed"),
            "");
  EXPECT_EQ(wrong(tracking(custom + ", period: 20s}")),
            "scaling_policies.0.target_tracking.customized_metric.period: is not 10s, 30s or 60s "
            "(EC2 Auto Scaling API, CustomizedMetricSpecification.Period)");
}

TEST(PredefinedMetrics, AreThoseOfTheResource) {
  EXPECT_EQ(wrong(tracking("predefined_metric: ECSServiceAverageCPUUtilization")),
            "scaling_policies.0.target_tracking.predefined_metric.type: "
            "ECSServiceAverageCPUUtilization is no metric type of EC2 Auto Scaling");
  EXPECT_EQ(wrong(tracking("predefined_metric: ASGAverageNetworkIn")),
            "scaling_policies.0.target_tracking.predefined_metric.type: ASGAverageNetworkIn is not "
            "modelled: instances publish no network traffic here");
}

TEST(PredefinedMetrics, OfALoadBalancerNameIt) {
  EXPECT_EQ(wrong(tracking("predefined_metric: ALBRequestCountPerTarget")),
            "scaling_policies.0.target_tracking.predefined_metric: resource_label is missing: the "
            "load balancer, or LOAD_BALANCER/TARGET_GROUP");
  EXPECT_EQ(wrong(tracking("predefined_metric: {type: ALBRequestCountPerTarget, resource_label: "
                           "nobody}")),
            "scaling_policies.0.target_tracking.predefined_metric.resource_label: no component "
            "'nobody'");
  EXPECT_EQ(wrong(tracking("predefined_metric: {type: ALBRequestCountPerTarget, resource_label: "
                           "group}")),
            "scaling_policies.0.target_tracking.predefined_metric.resource_label: group "
            "(auto_scaling_group) does not publish 'RequestCountPerTarget'");
  EXPECT_EQ(wrong(tracking("predefined_metric: {type: ASGAverageCPUUtilization, resource_label: "
                           "group}")),
            "scaling_policies.0.target_tracking.predefined_metric.resource_label: goes with "
            "ALBRequestCountPerTarget alone");
}

TEST(PredefinedMetrics, AreToldWhenMisspelt) {
  const std::string text = wrong(tracking("predefined_metric: ASGAverageCpuUtilisation"));
  EXPECT_NE(text.find("did you mean 'ASGAverageCPUUtilization'?"), std::string::npos) << text;
}

TEST(TargetValues, AreAboveZero) {
  const std::string text = wrong(policy("target_tracking: {target_value: 0, " + cpu + "}"));
  EXPECT_EQ(text,
            "scaling_policies.0.target_tracking.target_value: 0 is not above 0 (EC2 Auto "
            "Scaling API, TargetTrackingConfiguration.TargetValue: above 0)");
}

TEST(Alarms, OfPoliciesAreMetricAlarmsThatAreThere) {
  EXPECT_EQ(
      wrong(policy("simple_scaling: {adjustment_type: ChangeInCapacity, scaling_adjustment: "
                   "1, cloudwatch_alarm: web}")),
      "scaling_policies.0.simple_scaling.cloudwatch_alarm: web (ec2_service) does not provide "
      "'metric_alarm'; such is cloudwatch_alarm");
  EXPECT_EQ(wrong(policy("step_scaling: {adjustment_type: ChangeInCapacity, step_adjustments: [" +
                         bounds("0", "", 1) + "]}")),
            "scaling_policies.0.step_scaling: trigger is missing: alarm or cloudwatch_alarm");
}

TEST(Cooldowns, BelongToApplicationAutoScaling) {
  EXPECT_EQ(wrong(tracking(cpu, ", scale_in_cooldown: 60s")),
            "scaling_policies.0.target_tracking.scale_in_cooldown: is Application Auto Scaling's; "
            "EC2 Auto Scaling has a warm-up instead (EC2 Auto Scaling guide, Target tracking: "
            "cooldowns are not used)");
}

TEST(MinAdjustmentMagnitude, GoesWithPercentages) {
  EXPECT_EQ(wrong(policy("simple_scaling: {adjustment_type: ChangeInCapacity, scaling_adjustment: "
                         "1, min_adjustment_magnitude: 2, alarm: {metrics: [{component: group, "
                         "metric_name: CPUUtilization}], period: 300s, comparison_operator: "
                         "GreaterThanThreshold, threshold: 1}}")),
            "scaling_policies.0.simple_scaling.min_adjustment_magnitude: goes with "
            "PercentChangeInCapacity alone (EC2 Auto Scaling API, "
            "PutScalingPolicy.MinAdjustmentMagnitude)");
}

TEST(ScheduledActions, ChangeSomethingWithinTheLimits) {
  EXPECT_EQ(wrong("scheduled_actions: [{name: a, at: 1h}]"),
            "scheduled_actions.0: changes nothing: needs min_capacity, max_capacity or "
            "desired_capacity");
  EXPECT_EQ(wrong("scheduled_actions: [{name: a, at: 1h, desired_capacity: 9}]"),
            "scheduled_actions.0.desired_capacity: 9 is above 8, the maximum of the settings: the "
            "action would fail (EC2 Auto Scaling API, PutScheduledUpdateGroupAction)");
  EXPECT_EQ(wrong("scheduled_actions: [{name: a, at: 1h, desired_capacity: 1}]"),
            "scheduled_actions.0.desired_capacity: 1 is below 2, the minimum of the settings: the "
            "action would fail (EC2 Auto Scaling API, PutScheduledUpdateGroupAction)");
  EXPECT_EQ(wrong("scheduled_actions: [{name: a, at: 1h, desired_capacity: 9, max_capacity: 20}]"),
            "");
  EXPECT_EQ(wrong("scheduled_actions: [{name: a, at: 1h, min_capacity: 5, max_capacity: 4}]"),
            "scheduled_actions.0.min_capacity: 5 is above max_capacity, 4 (EC2 Auto Scaling API, "
            "PutScheduledUpdateGroupAction)");
}

TEST(PredictiveScaling, IsOnceAGroupAndRaisesTheMaximumOnlyIfTold) {
  const std::string settings =
      "predictive_scaling: {predefined_metric_pair: ASGCPUUtilization, "
      "target_value: 50";
  EXPECT_EQ(wrong("scaling_policies: [{name: a, " + settings + "}}, {name: b, " + settings + "}}]"),
            "scaling_policies.1.predictive_scaling: is modelled once a group");
  EXPECT_EQ(wrong(policy(settings + ", max_capacity_buffer: 10}")),
            "scaling_policies.0.predictive_scaling.max_capacity_buffer: goes with "
            "IncreaseMaxCapacity alone (EC2 Auto Scaling API, "
            "PredictiveScalingConfiguration.MaxCapacityBuffer)");
}

// What is wrong with Application Auto Scaling of a service, without the place and "scaler.".
std::string wrong_for_a_service(const std::string& settings) {
  const std::string text = said_of_topology(
      "regions: {us-east-1: {}}\ncomponents:\n"
      "  users: {client: {target: web, open: {poisson: 1/s}}}\n"
      "  web: {ecs_service: {cpu: 256, memory: 512MiB, desired_count: 4, service_time: 1ms}}\n"
      "  scaler: {application_auto_scaling: {resource: web, min_capacity: 2, max_capacity: 8, " +
      settings + "}}\n");
  const std::size_t at = text.find(" scaler.");
  return at == std::string::npos ? text : text.substr(at + 8, text.size() - at - 9);
}
const std::string ecs_cpu = "predefined_metric: ECSServiceAverageCPUUtilization";

TEST(ApplicationAutoScalingSettings, AreReadWithoutComplaint) {
  EXPECT_EQ(wrong_for_a_service(tracking(ecs_cpu, ", scale_in_cooldown: 60s")), "");
}

TEST(ApplicationAutoScalingSettings, HaveNothingOfEc2s) {
  EXPECT_EQ(
      wrong_for_a_service(policy("simple_scaling: {adjustment_type: ChangeInCapacity, "
                                 "scaling_adjustment: 1, alarm: {metrics: [{component: web, "
                                 "metric_name: CPUUtilization}], comparison_operator: "
                                 "GreaterThanThreshold, threshold: 1}}")),
      "scaling_policies.0.simple_scaling: is EC2 Auto Scaling's; Application Auto Scaling has "
      "target tracking and step policies");
  EXPECT_EQ(wrong_for_a_service(tracking(ecs_cpu, ", estimated_instance_warmup: 60s")),
            "scaling_policies.0.target_tracking.estimated_instance_warmup: is EC2 Auto Scaling's; "
            "Application Auto Scaling has cooldowns instead");
  EXPECT_EQ(wrong_for_a_service("scheduled_actions: [{name: a, at: 1h, desired_capacity: 4}]"),
            "scheduled_actions.0.desired_capacity: is EC2 Auto Scaling's; min_capacity and "
            "max_capacity move the capacity (Application Auto Scaling API, ScalableTargetAction)");
  EXPECT_EQ(wrong_for_a_service(policy("predictive_scaling: {predefined_metric_pair: "
                                       "ASGCPUUtilization, target_value: 50}")),
            "scaling_policies.0.predictive_scaling: of Application Auto Scaling (2024-11) is not "
            "modelled");
  EXPECT_EQ(
      wrong_for_a_service(tracking(cpu)),
      "scaling_policies.0.target_tracking.predefined_metric.type: ASGAverageCPUUtilization is "
      "no metric type of Application Auto Scaling");
}

TEST(ApplicationAutoScalingSettings, TrackMetricsOfTheirResource) {
  EXPECT_EQ(wrong_for_a_service(tracking("predefined_metric: RDSReaderAverageCPUUtilization")),
            "scaling_policies.0.target_tracking.predefined_metric.type: "
            "RDSReaderAverageCPUUtilization is of AWS/RDS CPUUtilization, which ecs_service does "
            "not publish");
}

// Notes of `windtunnel check`.
std::string never(const std::string& settings, const std::string& limits = two_to_eight) {
  Diagnostics diagnostics;
  const auto topology = read_topology(group_with(settings, limits), "web.yaml", {}, diagnostics);
  if (!topology) return diagnostics.print();
  check_models(*topology, Sayings::NOTES, diagnostics);
  for (const Diagnostic& one : diagnostics.sorted()) {
    const std::size_t at = one.text.find("can never");
    if (at != std::string::npos) return one.text.substr(at, one.text.find(':', at) - at);
  }
  return "";
}

TEST(Check, TellsOfAScaleInThatCanNeverHappen) {
  const std::string detailed = "min_size: 2, max_size: 8, monitoring: detailed";
  EXPECT_EQ(never(tracking(cpu, ", disable_scale_in: true"), detailed), "can never scale in");
  EXPECT_EQ(never(steps(bounds("0", "", 2)), detailed), "can never scale in");
  EXPECT_EQ(never(policy("predictive_scaling: {predefined_metric_pair: ASGCPUUtilization, "
                         "target_value: 50, mode: ForecastAndScale}"),
                  detailed),
            "can never scale in");
  EXPECT_EQ(never(tracking(cpu), detailed), "");
  EXPECT_EQ(never(tracking(cpu, ", disable_scale_in: true") +
                      ", scheduled_actions: [{name: night, at: 1h, desired_capacity: 2}]",
                  detailed),
            "");
}

TEST(Check, TellsOfPoliciesThatCanNeverScale) {
  EXPECT_EQ(never(tracking(cpu), "min_size: 4, max_size: 4"), "can never scale");
  EXPECT_EQ(never(tracking(cpu) + ", scheduled_actions: [{name: a, at: 1h, max_capacity: 9}]",
                  "min_size: 4, max_size: 4"),
            "");
}

}  // namespace
}  // namespace windtunnel
