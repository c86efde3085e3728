// Step and simple scaling policies.
#include "models/mechanisms/step_scaling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/operations/cloudwatch_alarm.hpp"
#include "tests/models/scaling_world.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using test::ScalingWorld;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// The examples of the EC2 Auto Scaling user guide, Scaling adjustment types.
TEST(PercentChange, RoundsAsTheGuideSays) {
  EXPECT_EQ(percent_change(127, 10), 12);  // 12.7 is 12
  EXPECT_EQ(percent_change(67, 1), 1);     // 0.67 is 1
  EXPECT_EQ(percent_change(58, -1), -1);   // -0.58 is -1
  EXPECT_EQ(percent_change(667, -1), -6);  // -6.67 is -6
  EXPECT_EQ(percent_change(100, 1), 1);
  EXPECT_EQ(percent_change(100, -1), -1);
  EXPECT_EQ(percent_change(10, 30), 3);
  EXPECT_EQ(percent_change(10, 0), 0);
  EXPECT_EQ(percent_change(0, 10), 0);
}

TEST(PercentChange, IsAtLeastTheMinimumMagnitude) {
  EXPECT_EQ(percent_change(4, 25, 2), 2);  // 1, the guide's example
  EXPECT_EQ(percent_change(4, -25, 2), -2);
  EXPECT_EQ(percent_change(100, 25, 2), 25);
  EXPECT_EQ(percent_change(0, 10, 2), 2);
  EXPECT_EQ(percent_change(10, 0, 2), 0);
}

// The adjustment of steps [0, 10), [10, ...) and (-10, 0], (..., -10] around the threshold.
std::int64_t step_at(double difference, Comparison comparison) {
  const std::vector<StepAdjustment> steps = {{.upper = -10, .adjustment = -2},
                                             {.lower = -10, .upper = 0, .adjustment = -1},
                                             {.lower = 0, .upper = 10, .adjustment = 1},
                                             {.lower = 10, .adjustment = 2}};
  return step_for(steps, difference, comparison)->adjustment;
}

TEST(StepAdjustments, AboveTheThresholdIncludeTheirLowerBound) {
  const Comparison above = Comparison::greater_than_or_equal;
  EXPECT_EQ(step_at(0, above), 1);
  EXPECT_EQ(step_at(9.99, above), 1);
  EXPECT_EQ(step_at(10, above), 2);
  EXPECT_EQ(step_at(1e9, above), 2);
}

TEST(StepAdjustments, BelowTheThresholdIncludeTheirUpperBound) {
  const Comparison below = Comparison::less_than_or_equal;
  EXPECT_EQ(step_at(0, below), -1);
  EXPECT_EQ(step_at(-9.99, below), -1);
  EXPECT_EQ(step_at(-10, below), -2);
  EXPECT_EQ(step_at(-1e9, below), -2);
}

TEST(StepAdjustments, MayLeaveOutWhatNoAlarmReaches) {
  const std::vector<StepAdjustment> steps = {{.lower = 0, .adjustment = 1}};
  EXPECT_EQ(step_for(steps, -1, Comparison::greater_than), nullptr);
  EXPECT_NE(step_for(steps, 1, Comparison::greater_than), nullptr);
}

ScalingView view_of(std::int64_t desired, std::int64_t ready, std::int64_t terminating = 0) {
  ScalingView view;
  view.desired = desired;
  view.base = ready;
  view.current = ready + terminating;
  return view;
}

// Rule 14
TEST(StepScaling, TakesPercentOfTheCapacityWithoutWarmingUnitsAndAddsTheExcessOverDesired) {
  const ScalingView one_warms = view_of(11, 10);
  EXPECT_EQ(adjusted(one_warms, Adjustment::percent_change, 10, 0), 11);  // no change
  EXPECT_EQ(adjusted(one_warms, Adjustment::percent_change, 30, 0), 13);  // two more
  EXPECT_EQ(adjusted(one_warms, Adjustment::change_in_capacity, 1, 0), 11);
  EXPECT_EQ(adjusted(one_warms, Adjustment::change_in_capacity, 3, 0), 13);
}

TEST(StepScaling, CountsTerminatingUnitsWhenItTakesCapacityAway) {
  EXPECT_EQ(adjusted(view_of(8, 8, 2), Adjustment::change_in_capacity, -2, 0), 8);
  EXPECT_EQ(adjusted(view_of(8, 8, 2), Adjustment::change_in_capacity, -3, 0), 7);
  EXPECT_EQ(adjusted(view_of(8, 8, 2), Adjustment::percent_change, -30, 0), 7);
}

TEST(StepScaling, SetsAnExactCapacity) {
  EXPECT_EQ(adjusted(view_of(8, 4), Adjustment::exact_capacity, 3, 0), 3);
  EXPECT_EQ(adjusted(view_of(8, 4), Adjustment::exact_capacity, 30, 0), 30);
}

std::string alarm(const std::string& comparison, double threshold,
                  const std::string& metric = "CPUUtilization") {
  return "alarm: {metrics: [{component: group, metric_name: " + metric +
         "}], comparison_operator: " + comparison + ", threshold: " + std::to_string(threshold) +
         "}";
}
std::string step(const std::string& name, const std::string& type, const std::string& steps,
                 const std::string& alarm, const std::string& more = "") {
  return "{name: " + name + ", step_scaling: {adjustment_type: " + type + ", step_adjustments: [" +
         steps + "], " + alarm + more + "}}";
}
std::string policies(const std::string& list) { return "scaling_policies: [" + list + "]"; }

// The guide's example: 50, +10 % from 60, +30 % from 70.
std::string guide_example() {
  return policies(step("out", "PercentChangeInCapacity",
                       "{metric_interval_lower_bound: 0, metric_interval_upper_bound: 10, "
                       "scaling_adjustment: 0}, "
                       "{metric_interval_lower_bound: 10, metric_interval_upper_bound: 20, "
                       "scaling_adjustment: 10}, "
                       "{metric_interval_lower_bound: 20, scaling_adjustment: 30}",
                       alarm("GreaterThanOrEqualToThreshold", 50)));
}

// Rule 14, as the guide tells it
TEST(StepScaling, GoesFrom10To11AndFromThereTo13WhileTheEleventhWarms) {
  ScalingWorld world(guide_example(), {.desired = 10, .default_instance_warmup = 1h});
  world.metric_changes(60, 10min, 70);
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(11, 13));
}

TEST(StepScaling, GoesOnWhileActivitiesRun) {
  ScalingWorld world(guide_example(), {.desired = 10, .launch = 1h});
  world.metric_changes(60, 10min, 70);
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(11, 13));
}

// Rule 9
TEST(StepScaling, IsInvokedAgainEveryMinuteWhileItsAlarmStays) {
  ScalingWorld world(policies(step("out", "ChangeInCapacity",
                                   "{metric_interval_lower_bound: 0, "
                                   "scaling_adjustment: 1}",
                                   alarm("GreaterThanThreshold", 50))),
                     {.desired = 2}, 10min);
  const sim::Time up = world.metric_changes(40, 3min, 80);
  world.sim.run();
  ASSERT_THAT(world.capacities(), SizeIs(testing::Ge(4u)));
  for (std::size_t i = 1; i < world.group.decisions.size(); ++i) {
    EXPECT_DOUBLE_EQ(world.decided(i) - world.decided(i - 1), 60);
    EXPECT_EQ(world.group.decisions[i].to, world.group.decisions[i - 1].to + 1);
  }
  EXPECT_LT(world.decided(0, up), 120);
}

std::vector<std::int64_t> aggregated(const std::string& aggregation) {
  ScalingWorld world(
      policies(step("out", "ExactCapacity",
                    "{metric_interval_lower_bound: 0, metric_interval_upper_bound: 10, "
                    "scaling_adjustment: 11}, {metric_interval_lower_bound: 10, "
                    "metric_interval_upper_bound: 20, scaling_adjustment: 12}, "
                    "{metric_interval_lower_bound: 20, scaling_adjustment: 13}",
                    "alarm: {metrics: [{component: group, metric_name: CPUUtilization}], "
                    "comparison_operator: GreaterThanThreshold, threshold: 50, "
                    "evaluation_periods: 3}",
                    ", metric_aggregation_type: " + aggregation)),
      {.desired = 10, .launch = 1h}, 10min);
  const sim::Time start = world.metric_changes(0, 3min, 0);
  world.group.metric = [start](sim::Time from) -> std::optional<double> {
    if (from < start) return 40;
    if (from < start + 60s) return 55;
    if (from < start + 120s) return 80;
    return from < start + 180s ? 60 : 40;
  };
  world.sim.run();
  return world.capacities();
}

TEST(StepScaling, AggregatesTheDatapointsOfTheAlarm) {
  EXPECT_THAT(aggregated("Minimum"), ElementsAre(11));
  EXPECT_THAT(aggregated("Average"), ElementsAre(12));  // 65
  EXPECT_THAT(aggregated("Maximum"), ElementsAre(13));
}

TEST(StepScaling, TakesTheAlarmOfAComponentOfItsOwn) {
  ScalingWorld world(policies(step("out", "ExactCapacity",
                                   "{metric_interval_lower_bound: 0, metric_interval_upper_bound: "
                                   "10, scaling_adjustment: 5}, {metric_interval_lower_bound: 10, "
                                   "scaling_adjustment: 6}",
                                   "cloudwatch_alarm: hot")),
                     {.desired = 2, .launch = 1h});
  settings::CloudWatchAlarm settings;
  auto& alarm = *settings.mutable_alarm();
  auto& metric = *alarm.add_metrics();
  metric.set_component("group");
  metric.set_metric_name("CPUUtilization");
  metric.set_stat("Average");
  alarm.set_comparison_operator(settings::PutMetricAlarm::GreaterThanThreshold);
  alarm.set_threshold(50);
  alarm.set_period(60'000'000'000);
  alarm.set_evaluation_periods(1);
  world.sim.add(std::make_unique<CloudWatchAlarm>(world.sim, "hot", settings));
  world.metric_is(65);
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(6));
  EXPECT_EQ(world.group.decisions.at(0).cause.text,
            "monitor alarm hot in state ALARM triggered policy out");
}

std::string step_in(double threshold = 20) {
  return step("in", "ChangeInCapacity", "{metric_interval_upper_bound: 0, scaling_adjustment: -1}",
              alarm("LessThanThreshold", threshold));
}

// Rule 13
TEST(StepScaling, NeverScalesInWhileAnInstanceWarms) {
  ScalingWorld world(policies(step_in()), {.desired = 10});
  world.group.capacity_to_change().in_service = 9;
  world.group.capacity_to_change().warming = 1;
  world.metric_is(10);
  world.sim.run();
  EXPECT_THAT(world.capacities(), IsEmpty());
}

const std::string tracking =
    "{name: cpu50, target_tracking: {predefined_metric: ASGAverageCPUUtilization, "
    "target_value: 50}}";

TEST(StepScaling, IsNotBlockedFromScalingInByTargetTracking) {
  // 40 is neither high nor low for the target tracking policy.
  ScalingWorld world(policies(tracking + ", " + step_in(45)), {.desired = 4, .bounds = {3, 9}});
  world.metric_is(40);
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(3));
}

TEST(StepScaling, LosesAgainstALargerCapacityThatAnotherPolicyWants) {
  // Target tracking wants 6, the step policy wants to go down: the largest capacity wins.
  ScalingWorld world(policies(tracking + ", " + step_in(90)),
                     {.desired = 4, .bounds = {3, 9}, .launch = 1h});
  world.metric_changes(100, 5min, 75);
  world.sim.run();
  ASSERT_THAT(world.capacities(), testing::Not(IsEmpty()));
  EXPECT_THAT(world.capacities(), Each(testing::Ge(6)));
}

TEST(SimpleScaling, WaitsForTheActivityAndTheCooldown) {
  ScalingWorld world(policies("{name: out, simple_scaling: {adjustment_type: ChangeInCapacity, "
                              "scaling_adjustment: 1, " +
                              alarm("GreaterThanThreshold", 50) + "}}"),
                     {.desired = 2, .launch = 100s}, 20min);
  world.metric_is(80);
  world.sim.run();
  ASSERT_THAT(world.capacities(), ElementsAre(3, 4, 5));
  for (const std::size_t i : {1u, 2u}) {
    const double gap = world.decided(i) - world.decided(i - 1);
    EXPECT_DOUBLE_EQ(gap, 420);  // 100 s of launching, 300 s of cooldown, the alarm's next minute
  }
}

TEST(SimpleScaling, HasACooldownOfItsOwn) {
  ScalingWorld world(policies("{name: out, simple_scaling: {adjustment_type: ChangeInCapacity, "
                              "scaling_adjustment: 1, cooldown: 60s, " +
                              alarm("GreaterThanThreshold", 50) + "}}"),
                     {.desired = 2, .launch = 100s}, 10min);
  world.metric_is(80);
  world.sim.run();
  ASSERT_GE(world.group.decisions.size(), 2u);
  EXPECT_DOUBLE_EQ(world.decided(1) - world.decided(0), 180);
}

TEST(SimpleScaling, WaitsForActivitiesThatAreNotItsOwn) {
  ScalingWorld world(
      policies("{name: out, simple_scaling: {adjustment_type: ChangeInCapacity, "
               "scaling_adjustment: 1, " +
               alarm("GreaterThanThreshold", 50) + "}}"));
  world.group.busy = true;
  world.metric_is(80);
  world.sim.run();
  EXPECT_THAT(world.capacities(), IsEmpty());
}

TEST(SimpleScaling, AdjustsTheDesiredCapacityByPercent) {
  ScalingWorld world(policies("{name: out, simple_scaling: {adjustment_type: "
                              "percentchangeincapacity, scaling_adjustment: 25, "
                              "min_adjustment_magnitude: 2, cooldown: 1h, " +
                              alarm("GreaterThanThreshold", 50) + "}}"),
                     {.desired = 4});
  world.metric_is(80);
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(6));
}

// The notes have it wrong: cooldown gates simple policies only (rule 13).
TEST(SimpleScaling, LeavesStepPoliciesFreeOfItsCooldown) {
  ScalingWorld world(policies("{name: simple, simple_scaling: {adjustment_type: ChangeInCapacity, "
                              "scaling_adjustment: 1, cooldown: 1h, " +
                              alarm("GreaterThanThreshold", 90) + "}}, " +
                              step("step", "ExactCapacity",
                                   "{metric_interval_lower_bound: 0, scaling_adjustment: 7}",
                                   alarm("GreaterThanThreshold", 50, "Backlog"))),
                     {.desired = 2});
  world.metric_is(95);
  world.group.backlog = [](sim::Time from) { return sim::seconds(from) > 600 ? 60.0 : 10.0; };
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(3, 7));
}

}  // namespace
}  // namespace windtunnel
