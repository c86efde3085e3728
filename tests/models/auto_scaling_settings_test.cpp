// Settings of a group that contradict themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/auto_scaling_world.hpp"

namespace windtunnel::test {
namespace {

using testing::HasSubstr;

std::string refused(const std::string& settings) {
  try {
    GroupRun run(settings);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(AutoScalingSettings, HaveTheDesiredCapacityWithinItsLimits) {
  EXPECT_THAT(refused("size: 2, max_size: 1"), HasSubstr("asg.size: 2 is above max_size, 1"));
  EXPECT_THAT(refused("size: 2, min_size: 3, max_size: 4"),
              HasSubstr("asg.min_size: 3 is above size, 2"));
  EXPECT_EQ(refused("size: 2, min_size: 2, max_size: 2"), "accepted");
}

TEST(AutoScalingSettings, NameInstanceTypesThatExist) {
  EXPECT_THAT(
      refused("size: 2, instance_type: t3.medum"),
      HasSubstr("asg.instance_type: no instance type 't3.medum', did you mean 't3.medium'"));
  EXPECT_THAT(refused("size: 2, mixed_instances_policy: {overrides: [m5.large, m5.lareg]}"),
              HasSubstr("asg.mixed_instances_policy.overrides.1.instance_type: no instance type "
                        "'m5.lareg', did you mean 'm5.large'"));
}

TEST(AutoScalingSettings, HaveShortagesOfWhatTheGroupLaunches) {
  EXPECT_THAT(refused("size: 2, insufficient_capacity: [{az: us-east-1x}]"),
              HasSubstr("no availability zone 'us-east-1x'"));
  EXPECT_THAT(refused("size: 2, instance_type: m5.large, "
                      "insufficient_capacity: [{instance_type: c5.large}]"),
              HasSubstr("asg.insufficient_capacity.0.instance_type: the group launches no "
                        "'c5.large'"));
  EXPECT_THAT(refused("size: 2, insufficient_capacity: [{market: spot}]"),
              HasSubstr("asg.insufficient_capacity.0.market: the group has no "
                        "mixed_instances_policy"));
  EXPECT_THAT(refused("size: 2, insufficient_capacity: [{from: 5min, until: 4min}]"),
              HasSubstr("is not below until"));
}

TEST(AutoScalingSettings, HaveAMaintenancePolicyWithinItsRange) {
  const std::string policy = "size: 2, instance_maintenance_policy: {min_healthy_percentage: ";
  EXPECT_THAT(refused(policy + "40%, max_healthy_percentage: 150%}"),
              HasSubstr("max_healthy_percentage, 150%, is more than 100% above "
                        "min_healthy_percentage, 40%"));
  EXPECT_THAT(refused(policy + "90%, max_healthy_percentage: 90%}"), HasSubstr("is below 100%"));
  EXPECT_EQ(refused(policy + "50%, max_healthy_percentage: 150%}"), "accepted");
}

TEST(AutoScalingSettings, HaveRisingCheckpoints) {
  EXPECT_THAT(
      refused("size: 2, instance_refresh: [{at: 1min, checkpoint_percentages: [50%, 40%]}]"),
      HasSubstr("asg.instance_refresh.0.checkpoint_percentages.1: 40% is not above the one before, "
                "50%"));
}

TEST(AutoScalingSettings, HaveDefaultAsTheLastTerminationPolicy) {
  EXPECT_THAT(refused("size: 2, termination_policies: [Default, OldestInstance]"),
              HasSubstr("asg.termination_policies.0: Default must be the last one"));
}

TEST(AutoScalingSettings, HaveNoWarmPoolBesideMixedInstances) {
  EXPECT_THAT(refused("size: 2, warm_pool: {}, mixed_instances_policy: {}"),
              HasSubstr("warm_pool and mixed_instances_policy exclude each other"));
}

TEST(AutoScalingSettings, KeepHooksWithinTheirLimits) {
  EXPECT_THAT(refused("size: 2, lifecycle_hooks: [{lifecycle_transition: EC2_INSTANCE_LAUNCHING, "
                      "heartbeat_timeout: 3h}]"),
              HasSubstr("3h is above 7200s"));
}

TEST(AutoScalingSettings, HavePoliciesThatAreCheckedToo) {
  EXPECT_THAT(refused("size: 2, max_size: 4, scaling_policies: [{name: p, simple_scaling: "
                      "{adjustment_type: ChangeInCapacity, scaling_adjustment: 1, alarm: {metrics: "
                      "[{component: asg, metric_name: CPUUtilisation}], comparison_operator: "
                      "GreaterThanThreshold, threshold: 30, period: 300s}}}]"),
              HasSubstr("did you mean 'CPUUtilization'"));
}

}  // namespace
}  // namespace windtunnel::test
