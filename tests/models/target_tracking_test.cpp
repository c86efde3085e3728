#include "models/mechanisms/target_tracking.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/mechanisms/scaling_policies.pb.h"
#include "tests/models/scaling_world.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using settings::TargetTracking;
using test::ScalableStub;
using test::ScalingWorld;
using testing::ElementsAre;
using testing::IsEmpty;

// A policy that holds the group's CPU at 50 %; `more` are further settings.
std::string cpu_at_50(const std::string& more = "", const std::string& name = "cpu50") {
  return "{name: " + name +
         ", target_tracking: {predefined_metric: ASGAverageCPUUtilization, target_value: 50" +
         (more.empty() ? "" : ", " + more) + "}}";
}
std::string policies(const std::string& list) { return "scaling_policies: [" + list + "]"; }

TEST(ProportionalCapacity, RoundsUp) {
  EXPECT_EQ(proportional_capacity(10, 80, 50), 16);
  EXPECT_EQ(proportional_capacity(4, 60, 50), 5);      // 4.8
  EXPECT_EQ(proportional_capacity(3, 75, 50), 5);      // +1.5 is +2
  EXPECT_EQ(proportional_capacity(4, 50.001, 50), 5);  // however little it is above
  EXPECT_EQ(proportional_capacity(10, 0, 50), 0);
  EXPECT_EQ(proportional_capacity(0, 90, 50), 0);
}

TEST(ProportionalCapacity, IsWholeWhereUsersExpectIt) {
  EXPECT_EQ(proportional_capacity(3, 70, 70), 3);
  EXPECT_EQ(proportional_capacity(3, 0.1, 0.3), 1);  // 3 x 0.1 is not 0.3 in binary
  EXPECT_EQ(proportional_capacity(1000, 49, 50), 980);
}

// Rule 10
TEST(TargetTracking, ScalesOutAfterThreeDatapointsAndInAfterFifteen) {
  ScalingWorld out(policies(cpu_at_50()));
  const sim::Time up = out.metric_changes(45, 5min, 80);
  out.sim.run();
  ASSERT_FALSE(out.group.decisions.empty());
  EXPECT_GE(out.decided(0, up), 180);
  EXPECT_LT(out.decided(0, up), 240);       // the alarm looks once a minute
  EXPECT_EQ(out.group.decisions[0].to, 4);  // ceil(2 x 80 / 50)

  ScalingWorld in(policies(cpu_at_50()));
  const sim::Time down = in.metric_changes(45, 5min, 20);
  in.sim.run();
  ASSERT_FALSE(in.group.decisions.empty());
  EXPECT_GE(in.decided(0, down), 900);
  EXPECT_LT(in.decided(0, down), 960);
  EXPECT_EQ(in.group.decisions[0].to, 1);
}

TrackingAlarms alarms_of(TargetTracking::PredefinedMetricType type, bool ec2 = true) {
  TargetTracking settings;
  settings.mutable_predefined_metric()->set_type(type);
  return tracking_alarms(settings, ec2);
}

// Rule 11
TEST(TargetTracking, HasALowThresholdThatDependsOnTheMetricAndIsAParameter) {
  EXPECT_DOUBLE_EQ(alarms_of(TargetTracking::ASGAverageCPUUtilization).low_threshold(50), 35);
  EXPECT_DOUBLE_EQ(alarms_of(TargetTracking::ECSServiceAverageCPUUtilization).low_threshold(30),
                   27);
  const auto lambda = alarms_of(TargetTracking::LambdaProvisionedConcurrencyUtilization, false);
  EXPECT_DOUBLE_EQ(lambda.low_threshold(0.7), 0.63);
  EXPECT_EQ(lambda.low_datapoints, 3u);
  const auto table = alarms_of(TargetTracking::DynamoDBReadCapacityUtilization, false);
  EXPECT_DOUBLE_EQ(table.low_threshold(70), 50);
  EXPECT_EQ(table.high_datapoints, 2u);

  TargetTracking custom;
  custom.mutable_customized_metric();
  EXPECT_EQ(tracking_alarms(custom, true).low_datapoints, 15u);
  EXPECT_EQ(tracking_alarms(custom, false).low_datapoints, 3u);

  TargetTracking given;
  given.mutable_predefined_metric()->set_type(TargetTracking::ASGAverageCPUUtilization);
  given.mutable_alarms()->set_low_threshold(0.9);
  given.mutable_alarms()->set_low_datapoints(5);
  EXPECT_DOUBLE_EQ(tracking_alarms(given, true).low_threshold(40), 36);
  EXPECT_EQ(tracking_alarms(given, true).low_datapoints, 5u);
}

TEST(TargetTracking, WaitsBetweenItsTwoThresholds) {
  ScalingWorld world(policies(cpu_at_50()), {.desired = 10});
  world.metric_is(36);  // below the target, above 35
  world.sim.run();
  EXPECT_THAT(world.capacities(), IsEmpty());
}

// Rule 12
TEST(TargetTracking, RefusesAScaleInThatWouldPutTheMetricBackOverTheTarget) {
  ScalingWorld refused(policies(cpu_at_50()));
  refused.metric_is(25.1);
  refused.sim.run();
  EXPECT_THAT(refused.capacities(), IsEmpty());

  ScalingWorld allowed(policies(cpu_at_50()));
  allowed.metric_is(25);
  allowed.sim.run();
  EXPECT_THAT(allowed.capacities(), ElementsAre(1));
}

TEST(TargetTracking, ScalesInByAsMuchAsTheTargetAllows) {
  ScalingWorld world(policies(cpu_at_50()), {.desired = 10, .drain = 1h});
  world.metric_is(22);
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(5));  // 4.4, then terminating ones still count
}

// Rule 13
TEST(TargetTracking, NeverScalesInWhileAnInstanceWarmsOrIsPending) {
  for (const bool pending : {false, true}) {
    ScalingWorld world(policies(cpu_at_50()), {.desired = 10});
    world.metric_is(10);
    Capacity& capacity = world.group.capacity_to_change();
    capacity.in_service = 9;
    (pending ? capacity.pending : capacity.warming) = 1;
    world.sim.run();
    EXPECT_THAT(world.capacities(), IsEmpty());
  }
}

// Rule 13
TEST(TargetTracking, WarmsForTheCooldownOf300SecondsWhereNoWarmupIsSet) {
  const auto warmup = [](const std::string& list, std::optional<sim::Duration> by_default) {
    ScalingWorld world(policies(list), {.default_instance_warmup = by_default});
    return world.group.policies().warmup();
  };
  EXPECT_EQ(warmup(cpu_at_50(), std::nullopt), 300s);
  EXPECT_EQ(warmup(cpu_at_50(), 120s), 120s);
  EXPECT_EQ(warmup(cpu_at_50("estimated_instance_warmup: 60s"), 120s), 60s);
  EXPECT_EQ(warmup(cpu_at_50("estimated_instance_warmup: 60s") + ", " + cpu_at_50("", "other"),
                   std::nullopt),
            300s);  // the longest of all policies
  EXPECT_EQ(warmup("", std::nullopt), 0s);
  EXPECT_EQ(warmup("", 120s), 120s);
}

TEST(TargetTracking, CountsInstancesThatWarmAsDesiredAlready) {
  ScalingWorld world(policies(cpu_at_50("estimated_instance_warmup: 1h")), {.desired = 4});
  world.metric_is(75);
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(6));  // and not 6 again on top, minute by minute
}

TEST(TargetTracking, GoesOnScalingOutWhileInstancesWarmIfTheMetricRises) {
  ScalingWorld world(policies(cpu_at_50("estimated_instance_warmup: 1h")), {.desired = 4});
  world.metric_changes(75, 10min, 100);
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(6, 8));
}

// As in the measured runs of tests/validation: 35 s until InService and 300 s of warm-up are over
// at the sixth action after the first.
TEST(TargetTracking, ScalesOutAgainAtTheFirstActionAfterTheWarmup) {
  ScalingWorld world(
      "scaling_policies: [{name: cpu70, target_tracking: {predefined_metric: "
      "ASGAverageCPUUtilization, target_value: 70}}]",
      {.desired = 1,
       .bounds = {1, 3},
       .launch = 35s,
       .delay = 45s,
       .default_instance_warmup = std::nullopt});
  world.metric_is(98.8);
  world.sim.run();
  ASSERT_THAT(world.capacities(), ElementsAre(2, 3));
  EXPECT_DOUBLE_EQ(world.decided(1) - world.decided(0), 360);
}

TEST(TargetTracking, DoesNothingWithoutData) {
  ScalingWorld world(policies(cpu_at_50()), {.desired = 10});
  world.sim.run();
  CloudWatch& cloudwatch = CloudWatch::of(world.sim);
  for (const char* name :
       {"TargetTracking-group-AlarmHigh-cpu50", "TargetTracking-group-AlarmLow-cpu50"}) {
    EXPECT_EQ(cloudwatch.find_alarm(name)->state(), AlarmState::insufficient_data);
  }
  EXPECT_THAT(world.capacities(), IsEmpty());
}

// Rules 10 and 17
TEST(TargetTracking, TakesFifteenMinutesOutAndSeventyFiveInWithBasicMonitoring) {
  ScalingWorld out(policies(cpu_at_50()), {.period = 5min}, 3h);
  const sim::Time up = out.metric_changes(45, 20min, 80, 5min);
  out.sim.run();
  ASSERT_FALSE(out.group.decisions.empty());
  EXPECT_GE(out.decided(0, up), 900);
  EXPECT_LT(out.decided(0, up), 960);

  ScalingWorld in(policies(cpu_at_50()), {.period = 5min}, 3h);
  const sim::Time down = in.metric_changes(45, 20min, 20, 5min);
  in.sim.run();
  ASSERT_FALSE(in.group.decisions.empty());
  EXPECT_GE(in.decided(0, down), 4500);
  EXPECT_LT(in.decided(0, down), 4560);
}

TEST(TargetTracking, StaysWithinTheLimits) {
  ScalingWorld most(policies(cpu_at_50()), {.desired = 4, .bounds = {1, 5}});
  most.metric_is(100);
  most.sim.run();
  EXPECT_THAT(most.capacities(), ElementsAre(5));

  ScalingWorld least(policies(cpu_at_50()), {.desired = 4, .bounds = {3, 5}});
  least.metric_is(0);
  least.sim.run();
  EXPECT_THAT(least.capacities(), ElementsAre(3));
}

TEST(TargetTracking, ThatIsDisabledOrMayNotScaleInDoesNot) {
  ScalingWorld world(policies(cpu_at_50("disable_scale_in: true")), {.desired = 10});
  world.metric_is(5);
  world.sim.run();
  EXPECT_THAT(world.capacities(), IsEmpty());

  ScalingWorld disabled(
      "scaling_policies: [{name: p, enabled: false, target_tracking: "
      "{predefined_metric: ASGAverageCPUUtilization, target_value: 50}}]",
      {.desired = 10});
  disabled.metric_is(95);
  disabled.sim.run();
  EXPECT_THAT(disabled.capacities(), IsEmpty());
}

std::string backlog_at(double target, const std::string& more = "") {
  return "{name: backlog, target_tracking: {customized_metric: {metrics: [{component: group, "
         "metric_name: Backlog}]}, target_value: " +
         std::to_string(target) + more + "}}";
}

TEST(SeveralTargetTrackingPolicies, ScaleOutForAnyOfThemTheLargestWins) {
  ScalingWorld world(policies(cpu_at_50() + ", " + backlog_at(100)), {.desired = 4, .launch = 1h});
  world.metric_is(60);                                    // wants 5
  world.group.backlog = [](sim::Time) { return 200.0; };  // wants 8
  world.sim.run();
  EXPECT_EQ(world.capacities().back(), 8);
  EXPECT_EQ(world.group.decisions.back().cause.policy, "backlog");

  ScalingWorld other(policies(cpu_at_50() + ", " + backlog_at(100)), {.desired = 4, .launch = 1h});
  other.metric_is(60);
  other.group.backlog = [](sim::Time) { return 20.0; };  // would go to 1
  other.sim.run();
  EXPECT_THAT(other.capacities(), ElementsAre(5));
}

TEST(SeveralTargetTrackingPolicies, ScaleInOnlyIfAllAgree) {
  const std::string both = policies(cpu_at_50() + ", " + backlog_at(100));
  ScalingWorld one(both, {.desired = 10});
  one.metric_is(10);
  one.group.backlog = [](sim::Time) { return 95.0; };  // neither low nor high
  one.sim.run();
  EXPECT_THAT(one.capacities(), IsEmpty());

  ScalingWorld two(both, {.desired = 10, .drain = 1h});
  two.metric_is(10);                                   // would go to 2
  two.group.backlog = [](sim::Time) { return 65.0; };  // to 7: the larger
  two.sim.run();
  EXPECT_THAT(two.capacities(), ElementsAre(7));
}

TEST(SeveralTargetTrackingPolicies, AskOnlyThoseThatMayScaleIn) {
  ScalingWorld world(policies(cpu_at_50() + ", " + backlog_at(100, ", disable_scale_in: true")),
                     {.desired = 10, .drain = 1h});
  world.metric_is(10);
  world.group.backlog = [](sim::Time) { return 95.0; };
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(2));
}

TEST(TargetTracking, TellsWhatHappenedInAwsWords) {
  ScalingWorld world(policies(cpu_at_50()), {.desired = 4, .launch = 1h});
  world.metric_is(60);
  world.sim.run();
  EXPECT_THAT(world.notes(),
              ElementsAre("a monitor alarm TargetTracking-group-AlarmHigh-cpu50 in state ALARM "
                          "triggered policy cpu50 changing the desired capacity from 4 to 5"));
  const ScalingCause& cause = world.group.decisions.at(0).cause;
  EXPECT_EQ(cause.policy, "cpu50");
  EXPECT_EQ(cause.text,
            "monitor alarm TargetTracking-group-AlarmHigh-cpu50 in state ALARM triggered policy "
            "cpu50");
}

TEST(TargetTracking, KnowsWhenTheMetricBreachedAndWhenItsAlarmWent) {
  ScalingWorld world(policies(cpu_at_50()), {.desired = 4, .launch = 1h, .delay = 20s});
  const sim::Time up = world.metric_changes(45, 5min, 60);
  world.sim.run();
  ASSERT_EQ(world.group.decisions.size(), 1u);
  const ScalingCause& cause = world.group.decisions[0].cause;
  EXPECT_EQ(cause.breached, up + 60s + 20s);
  EXPECT_EQ(cause.alarm, world.group.decisions[0].at);
}

TEST(TargetTracking, TakesMetricMathOverSeveralMetrics) {
  ScalingWorld world(
      "scaling_policies: [{name: p, target_tracking: {customized_metric: {metrics: ["
      "{component: group, metric_name: Backlog, id: work}, "
      "{component: group, metric_name: CPUUtilization, stat: SampleCount, id: n}], "
      "expression: work / n}, target_value: 100}}]",
      {.desired = 4, .launch = 1h});
  world.metric_is(1);
  world.group.backlog = [](sim::Time) { return 800.0; };  // 200 each of four
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(8));
}

TEST(TargetTracking, OfAMetricOfTenSecondsScalesOutWithinHalfAMinute) {
  ScalingWorld world(
      "scaling_policies: [{name: p, target_tracking: {customized_metric: {period: 10s, metrics: "
      "[{component: group, metric_name: CPUUtilization}]}, target_value: 50}}]",
      {.desired = 4, .launch = 1h, .period = 10s});
  const sim::Time up = world.metric_changes(45, 5min, 60, 10s);
  world.sim.run();
  ASSERT_FALSE(world.group.decisions.empty());
  EXPECT_GE(world.decided(0, up), 30);
  EXPECT_LT(world.decided(0, up), 40);
}

TEST(TargetTracking, IsSuspendedWithTheProcessAlarmNotification) {
  ScalingWorld out(policies(cpu_at_50()), {.desired = 4});
  out.group.policies().suspend({.dynamic_scaling_out = true, .dynamic_scaling_in = true});
  out.metric_is(90);
  out.sim.run();
  EXPECT_THAT(out.capacities(), IsEmpty());
}

}  // namespace
}  // namespace windtunnel
