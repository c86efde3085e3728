#include "models/mechanisms/scheduled_scaling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/scaling_world.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using test::ScalingWorld;
using testing::ElementsAre;
using testing::IsEmpty;

std::string actions(const std::string& list) { return "scheduled_actions: [" + list + "]"; }

TEST(ScheduledActions, SetTheDesiredCapacityAtTheirTime) {
  ScalingWorld world(actions("{name: noon, at: 10min, desired_capacity: 8, delay: 0s}"));
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(8));
  EXPECT_DOUBLE_EQ(world.decided(0), 600);
}

TEST(ScheduledActions, MoveTheCapacityIntoTheirLimits) {
  ScalingWorld up(actions("{name: a, at: 10min, min_capacity: 5, delay: 0s}"));
  up.sim.run();
  EXPECT_THAT(up.capacities(), ElementsAre(5));
  EXPECT_EQ(up.group.policies().bounds().min, 5);
  EXPECT_EQ(up.group.policies().bounds().max, 100);

  ScalingWorld down(actions("{name: a, at: 10min, max_capacity: 3, delay: 0s}"), {.desired = 7});
  down.sim.run();
  EXPECT_THAT(down.capacities(), ElementsAre(3));
}

TEST(ScheduledActions, ComeAgainAndAgain) {
  ScalingWorld world(
      actions("{name: up, recurrence: {every: 10min, at: 1min}, desired_capacity: 8, delay: 0s}, "
              "{name: down, recurrence: {every: 10min, at: 6min}, desired_capacity: 2, delay: 0s}"),
      {}, 25min);
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(8, 2, 8, 2, 8));
  EXPECT_DOUBLE_EQ(world.decided(2), 660);
}

TEST(ScheduledActions, AreAtMostTwoMinutesLate) {
  ScalingWorld world(actions("{name: a, at: 10min, desired_capacity: 8, delay: 1h}"));
  world.sim.run();
  EXPECT_DOUBLE_EQ(world.decided(0), 720);

  ScalingWorld usual(actions("{name: a, at: 10min, desired_capacity: 8}"));
  usual.sim.run();
  EXPECT_GT(usual.decided(0), 600);
  EXPECT_LE(usual.decided(0), 720);
}

TEST(ScheduledActions, KeepTheirOrder) {
  ScalingWorld world(
      actions("{name: late, at: 10min, desired_capacity: 8, delay: 100s}, "
              "{name: soon, at: 11min, desired_capacity: 4, delay: 0s}"));
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(8, 4));
  EXPECT_DOUBLE_EQ(world.decided(1), 700);
}

TEST(ScheduledActions, AskNoCooldown) {
  ScalingWorld world(
      "scaling_policies: [{name: out, simple_scaling: {adjustment_type: "
      "ChangeInCapacity, scaling_adjustment: 1, cooldown: 1h, alarm: {metrics: "
      "[{component: group, metric_name: CPUUtilization}], comparison_operator: "
      "GreaterThanThreshold, threshold: 50}}}], " +
      actions("{name: a, at: 10min, desired_capacity: 8, delay: 0s}"));
  world.metric_is(80);
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(3, 8));
}

TEST(ScheduledActions, FailIfTheyContradictTheLimits) {
  ScalingWorld world(actions("{name: a, at: 1min, desired_capacity: 8, delay: 0s}, "
                             "{name: b, at: 2min, min_capacity: 7, delay: 0s}"),
                     {.bounds = {1, 5}});
  world.sim.run();
  EXPECT_THAT(world.capacities(), IsEmpty());
  EXPECT_THAT(world.notes(), ElementsAre("scheduled action a failed: min: 1, max: 5, desired: 8",
                                         "scheduled action b failed: min: 7, max: 5"));
  EXPECT_EQ(world.group.policies().bounds().min, 1);
}

TEST(ScheduledActions, AreToldInAwsWords) {
  ScalingWorld world(
      actions("{name: noon, at: 10min, min_capacity: 4, max_capacity: 20, "
              "desired_capacity: 8, delay: 0s}, "
              "{name: same, at: 11min, min_capacity: 2, delay: 0s}"));
  world.sim.run();
  EXPECT_THAT(world.notes(),
              ElementsAre("a scheduled action noon update of AutoScalingGroup constraints to min: "
                          "4, max: 20, desired: 8 changing the desired capacity from 2 to 8",
                          "a scheduled action same update of AutoScalingGroup constraints to min: "
                          "2, max: 20, desired: 8"));
  EXPECT_EQ(world.group.decisions[0].cause.policy, "noon");
}

TEST(ScheduledActions, AreSuspendedWithTheirProcess) {
  ScalingWorld world(actions("{name: a, at: 10min, desired_capacity: 8, delay: 0s}"));
  world.group.policies().suspend({.scheduled_actions = true});
  world.sim.run();
  EXPECT_THAT(world.capacities(), IsEmpty());
}

TEST(Limits, ThatOthersSetMoveTheCapacityToo) {
  ScalingWorld world("");
  world.group.policies().set_bounds({4, 9});
  EXPECT_THAT(world.capacities(), ElementsAre(4));
  EXPECT_EQ(world.group.decisions[0].cause.text,
            "user request update of AutoScalingGroup constraints to min: 4, max: 9, desired: 4");
}

}  // namespace
}  // namespace windtunnel
