#include "models/scaling/application_auto_scaling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/scaling_world.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using test::ScalableStub;
using testing::ElementsAre;
using testing::IsEmpty;

// A service of tasks, scaled by another component.
struct World {
  World(const std::string& policies, ScalableStub::Options options = {},
        sim::Duration horizon = 40min, CapacityLimits bounds = {1, 100})
      : sim({.seed = 1, .replication = 1, .horizon = horizon}) {
    options.own_policies = false;
    if (options.dimension.starts_with("autoscaling"))
      options.dimension = "ecs:service:DesiredCount";
    group = static_cast<ScalableStub*>(
        &sim.add(std::make_unique<ScalableStub>(sim, "group", "", options)));
    auto settings = test::scaling_settings(policies);
    settings.set_min_capacity(bounds.min);
    settings.set_max_capacity(bounds.max);
    scaler = static_cast<ApplicationAutoScaling*>(
        &sim.add(std::make_unique<ApplicationAutoScaling>(sim, "scaler", settings)));
  }
  void run(double metric) {
    group->metric = [metric](sim::Time) { return metric; };
    sim.run();
  }
  std::vector<std::int64_t> capacities() const {
    std::vector<std::int64_t> all;
    for (const auto& decision : group->decisions) all.push_back(decision.to);
    return all;
  }
  double gap(std::size_t i) const {
    return sim::seconds(group->decisions.at(i).at - group->decisions.at(i - 1).at);
  }

  sim::Simulation sim;
  ScalableStub* group;
  ApplicationAutoScaling* scaler;
};

std::string tracking(const std::string& more = "") {
  return "scaling_policies: [{name: cpu50, target_tracking: {predefined_metric: "
         "ECSServiceAverageCPUUtilization, target_value: 50" +
         more + "}}]";
}
std::string step(const std::string& steps, const std::string& more = "",
                 const std::string& comparison = "GreaterThanThreshold") {
  return "scaling_policies: [{name: step, step_scaling: {adjustment_type: ChangeInCapacity, "
         "step_adjustments: [" +
         steps +
         "], alarm: {metrics: [{component: group, metric_name: CPUUtilization}], "
         "comparison_operator: " +
         comparison + ", threshold: 50}" + more + "}}]";
}

TEST(ApplicationAutoScaling, BringsTheCapacityWithinItsLimitsAtOnce) {
  World low("", {.desired = 2}, 10min, {5, 9});
  low.run(50);
  EXPECT_THAT(low.capacities(), ElementsAre(5));
  EXPECT_EQ(low.group->decisions[0].at, sim::time_zero);
  EXPECT_EQ(low.group->decisions[0].cause.text, "minimum capacity was set to 5");

  World high("", {.desired = 20}, 10min, {5, 9});
  high.run(50);
  EXPECT_THAT(high.capacities(), ElementsAre(9));
  EXPECT_EQ(high.group->decisions[0].cause.text, "maximum capacity was set to 9");
}

TEST(ApplicationAutoScaling, TellsWhatItDoesInAwsWords) {
  World world(tracking(), {.desired = 4, .launch = 1h});
  world.run(60);
  const auto& events = world.sim.log().events;
  const auto told = std::find_if(events.begin(), events.end(),
                                 [](const auto& event) { return event.component == "scaler"; });
  ASSERT_NE(told, events.end());
  EXPECT_EQ(
      told->text,
      "setting desired count to 5: monitor alarm TargetTracking-service/group-AlarmHigh-cpu50 "
      "in state ALARM triggered policy cpu50");
}

TEST(ApplicationAutoScaling, ScalesInBelowNinetyPercentOfTheTarget) {
  World refused(tracking(), {.desired = 20, .drain = 1h});
  refused.run(45.5);
  EXPECT_THAT(refused.capacities(), IsEmpty());
  World allowed(tracking(), {.desired = 20, .drain = 1h});
  allowed.run(44);
  EXPECT_THAT(allowed.capacities(), ElementsAre(18));  // 17.6
}

TEST(ApplicationAutoScaling, HasCooldownsByTheKindOfResource) {
  EXPECT_EQ(default_cooldown_of("ecs:service:DesiredCount"), 300s);
  EXPECT_EQ(default_cooldown_of("rds:cluster:ReadReplicaCount"), 300s);
  EXPECT_EQ(default_cooldown_of("dynamodb:table:ReadCapacityUnits"), 0s);
  EXPECT_EQ(default_cooldown_of("lambda:function:ProvisionedConcurrency"), 0s);
}

TEST(ScaleOutCooldown, LetsOnlyALargerScaleOutThrough) {
  // The API reference's example: two units, then three make one more.
  World world(step("{metric_interval_lower_bound: 0, metric_interval_upper_bound: 20, "
                   "scaling_adjustment: 2}, {metric_interval_lower_bound: 20, "
                   "scaling_adjustment: 3}"),
              {.desired = 4}, 8min);
  world.group->metric = [](sim::Time from) { return sim::seconds(from) < 180 ? 60.0 : 80.0; };
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(6, 7));
}

TEST(ScaleOutCooldown, BeginsWhenTheActivityHasEnded) {
  World world(step("{metric_interval_lower_bound: 0, scaling_adjustment: 2}"),
              {.desired = 4, .launch = 100s}, 18min);
  world.run(60);
  ASSERT_THAT(world.capacities(), ElementsAre(6, 8, 10));
  EXPECT_DOUBLE_EQ(world.gap(1), 420);  // 100 + 300, at the alarm's next minute
}

TEST(ScaleOutCooldown, OfZeroLetsEveryMinuteScaleOut) {
  World world(tracking(", scale_out_cooldown: 0s"), {.desired = 1}, 8min);
  world.run(100);
  ASSERT_THAT(world.capacities(), testing::SizeIs(testing::Ge(3u)));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(world.capacities()[i], 2 << i);
  EXPECT_DOUBLE_EQ(world.gap(1), 60);
}

TEST(ScaleOutCooldown, OfTargetTrackingLetsTheNextTaskComeAfterIt) {
  World world(tracking(), {.desired = 1}, 12min);
  world.run(100);
  ASSERT_THAT(world.capacities(), ElementsAre(2, 4));
  EXPECT_DOUBLE_EQ(world.gap(1), 300);
}

TEST(ScaleInCooldown, BlocksScaleInsUntilItIsOver) {
  World world(
      step("{metric_interval_upper_bound: 0, scaling_adjustment: -1}", "", "LessThanThreshold"),
      {.desired = 9}, 18min);
  world.run(10);
  ASSERT_THAT(world.capacities(), ElementsAre(8, 7, 6, 5));
  EXPECT_DOUBLE_EQ(world.gap(1), 300);
}

TEST(ScaleInCooldown, DoesNotHoldUpAScaleOutAndEndsWithIt) {
  World world(
      "scaling_policies: [{name: out, step_scaling: {adjustment_type: ChangeInCapacity, "
      "step_adjustments: [{metric_interval_lower_bound: 0, scaling_adjustment: 2}], alarm: "
      "{metrics: [{component: group, metric_name: CPUUtilization}], comparison_operator: "
      "GreaterThanThreshold, threshold: 70}}}, "
      "{name: in, step_scaling: {adjustment_type: ChangeInCapacity, step_adjustments: "
      "[{metric_interval_upper_bound: 0, scaling_adjustment: -1}], alarm: {metrics: [{component: "
      "group, metric_name: CPUUtilization}], comparison_operator: LessThanThreshold, threshold: "
      "30}}}]",
      {.desired = 9}, 20min);
  // Low until minute 3, high for two minutes, low again.
  world.group->metric = [](sim::Time from) {
    const double s = sim::seconds(from);
    return s >= 180 && s < 300 ? 80.0 : 10.0;
  };
  world.sim.run();
  const auto all = world.capacities();
  ASSERT_GE(all.size(), 3u);
  EXPECT_EQ(all[0], 8);
  EXPECT_EQ(all[1], 10);
  EXPECT_EQ(all[2], 9);
  EXPECT_LT(world.gap(1), 300);  // the scale-out did not wait
  EXPECT_LT(world.gap(2), 300);  // nor the next scale-in, for the first one's cooldown
}

TEST(ApplicationAutoScaling, WaitsWithAScaleInForTheActivityThatRuns) {
  World world(tracking(), {.desired = 10});
  world.group->busy = true;
  world.run(5);
  EXPECT_THAT(world.capacities(), IsEmpty());
}

TEST(ApplicationAutoScaling, CanBeSuspendedInOneDirection) {
  const std::string state = ", suspended_state: {dynamic_scaling_in_suspended: true}";
  World in(tracking() + state, {.desired = 10});
  in.run(5);
  EXPECT_THAT(in.capacities(), IsEmpty());
  World out(tracking() + state, {.desired = 10, .launch = 1h});
  out.run(60);
  EXPECT_THAT(out.capacities(), ElementsAre(12));
}

TEST(ApplicationAutoScaling, SetsLimitsByScheduledActions) {
  World world("scheduled_actions: [{name: evening, at: 10min, min_capacity: 6, delay: 0s}]",
              {.desired = 2});
  world.run(50);
  EXPECT_THAT(world.capacities(), ElementsAre(6));
  EXPECT_EQ(world.scaler->policies().bounds().min, 6);
  EXPECT_EQ(world.group->decisions[0].cause.text,
            "scheduled action name evening was triggered, min: 6, max: 100");
}

}  // namespace
}  // namespace windtunnel
