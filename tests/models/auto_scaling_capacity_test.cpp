// Desired capacity: launches and terminations, what is told of them, which instance goes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/auto_scaling_world.hpp"

namespace windtunnel::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::string balancer = "alb: {application_load_balancer: {targets: web}}, ";

TEST(AutoScalingCapacity, ARaiseLaunchesTheDifferenceAtOnce) {
  GroupRun run("size: 2, max_size: 6", "horizon: 5min");
  run.desire_at(20s, 5);
  run.sim.run();
  EXPECT_THAT(run.noted("Launching a new EC2 instance"), ElementsAre(20s, 20s, 20s));
  // EC2 runs them after 3 s (rule 15); boot and user data take 7 s more.
  EXPECT_THAT(run.noted("is InService"), ElementsAre(23s, 23s, 23s));
  EXPECT_THAT(run.noted("has booted"), ElementsAre(30s, 30s, 30s));
  EXPECT_EQ(run.group.in_service().size(), 5u);
}

TEST(AutoScalingCapacity, SeveralActivitiesRunInParallel) {
  GroupRun run("size: 2, max_size: 9", "horizon: 5min");
  run.desire_at(20s, 4);
  run.desire_at(25s, 7);
  run.sim.run();
  EXPECT_THAT(run.noted("is InService"), ElementsAre(23s, 23s, 28s, 28s, 28s));
  EXPECT_THAT(run.noted("has booted"), ElementsAre(30s, 30s, 35s, 35s, 35s));
}

TEST(AutoScalingCapacity, ActivitiesAreToldInTheWordsOfAws) {
  GroupRun run("size: 4, min_size: 1, max_size: 9", "horizon: 5min");
  run.desire_at(20s, 6);
  run.desire_at(60s, 5);
  run.sim.run();
  EXPECT_THAT(run.noted("was started in response to a difference between desired and actual "
                        "capacity, increasing the capacity from 4 to 6"),
              SizeIs(2));
  EXPECT_THAT(run.noted("Terminating EC2 instance: asg-"), ElementsAre(60s));
  EXPECT_THAT(run.noted("was taken out of service in response to a difference between desired and "
                        "actual capacity, shrinking the capacity from 6 to 5"),
              ElementsAre(60s));
}

TEST(AutoScalingCapacity, ALaunchRemembersWhatLedToItAndItsStages) {
  GroupRun run("size: 1, max_size: 2, default_instance_warmup: 60s", "horizon: 5min");
  run.desire_at(40s, 2,
                {.policy = "p",
                 .text = "monitor alarm a in state ALARM triggered policy p",
                 .breached = sim::time_zero + 10s,
                 .alarm = sim::time_zero + 30s});
  std::vector<std::uint32_t> instances;
  run.in_service_at(60s, instances);
  run.sim.run();
  const LaunchRecord& record = run.group.launch_record(instances.at(1));
  EXPECT_EQ(record.breached, sim::time_zero + 10s);
  EXPECT_EQ(record.alarm, sim::time_zero + 30s);
  EXPECT_EQ(record.decided, sim::time_zero + 40s);
  EXPECT_EQ(record.launched, sim::time_zero + 40s);
  ASSERT_THAT(record.stages, SizeIs(4));
  EXPECT_STREQ(record.stages[1].name, "pending");
  EXPECT_STREQ(record.stages[3].name, "user data");
  EXPECT_EQ(record.stages[0].end, sim::time_zero + 41s);
  EXPECT_EQ(record.stages[1].end, sim::time_zero + 43s);
  EXPECT_EQ(record.stages[3].end, sim::time_zero + 50s);
  EXPECT_EQ(record.in_service, sim::time_zero + 43s);  // with the end of pending
  EXPECT_EQ(record.warm, sim::time_zero + 103s);       // 60 s after InService, not after user data
}

TEST(AutoScalingCapacity, ALoweredCapacityTakesBackLaunchesThatWaitToBeTriedAgain) {
  GroupRun run("size: 2, max_size: 5, insufficient_capacity: [{}]", "horizon: 10min");
  run.desire_at(20s, 4);
  run.desire_at(50s, 2);
  run.sim.run();
  EXPECT_EQ(run.group.in_service().size(), 2u);
  EXPECT_EQ(run.counted("ScaleIns"), 0);
  EXPECT_FALSE(run.group.scaling_in_progress());
}

// The launches of 20 s are InService at 23 s; what is too much by then goes, booted or not.
TEST(AutoScalingCapacity, InstancesUnderWayThatAreTooManyGoWhenTheyAreInService) {
  GroupRun run("size: 1, min_size: 0, max_size: 5", "horizon: 5min");
  run.desire_at(20s, 4);
  run.desire_at(22s, 0);
  run.sim.run();
  EXPECT_THAT(run.group.in_service(), IsEmpty());
  EXPECT_THAT(run.noted("Terminating EC2 instance"), ElementsAre(22s, 23s, 23s, 23s));
  EXPECT_THAT(run.noted("has booted"), IsEmpty());
  EXPECT_EQ(run.counted("ScaleIns"), 4);
}

TEST(AutoScalingCapacity, AnActivityEndsWithInServiceOrWithTheEndOfDraining) {
  GroupRun run("size: 2, min_size: 1, max_size: 5", "horizon: 20min", balancer + web_service);
  std::vector<std::optional<sim::Time>> ends;
  std::vector<bool> busy;
  const auto look = [&](sim::Duration date) {
    run.script.at(date, [&] {
      ends.push_back(run.group.last_activity_end());
      busy.push_back(run.group.scaling_in_progress());
    });
  };
  run.desire_at(20s, 3);
  look(22s);
  look(24s);  // it still boots
  run.desire_at(60s, 2);
  look(200s);  // deregistration delay of 300 s
  look(361s);
  run.sim.run();
  EXPECT_THAT(ends, ElementsAre(std::nullopt, sim::time_zero + 23s, sim::time_zero + 23s,
                                sim::time_zero + 360s));
  EXPECT_THAT(busy, ElementsAre(true, false, true, false));
}

TEST(AutoScalingCapacity, AReplacementIsNoScalingActivity) {
  GroupRun run("size: 2",
               "horizon: 5min, faults: [{at: 15s, instance_stop: {target: asg, count: 1}}]");
  bool busy = true;
  std::int64_t pending = 0;
  run.script.at(22s, [&] {
    busy = run.group.scaling_in_progress();
    pending = run.group.capacity().pending;
  });
  run.sim.run();
  EXPECT_EQ(pending, 1);
  EXPECT_EQ(run.counted("Replacements"), 1);
  EXPECT_FALSE(busy);
  EXPECT_EQ(run.group.last_activity_end(), std::nullopt);
}

// Rule 13: what policies see of it.
TEST(AutoScalingCapacity, Rule13AnInstanceCountsAsWarmingAfterInService) {
  GroupRun run("size: 2, max_size: 5, default_instance_warmup: 60s", "horizon: 5min");
  std::vector<std::vector<std::int64_t>> seen;
  for (const sim::Duration date : {19s, 22s, 24s, 82s, 84s}) {
    run.script.at(date, [&] {
      const Capacity c = run.group.capacity();
      seen.push_back({c.desired, c.in_service, c.warming, c.pending});
    });
  }
  run.desire_at(20s, 4);
  run.sim.run();
  // InService at 23 s, before they have booted: warm at 83 s.
  EXPECT_THAT(seen,
              ElementsAre(ElementsAre(2, 2, 0, 0), ElementsAre(4, 2, 0, 2), ElementsAre(4, 2, 2, 0),
                          ElementsAre(4, 2, 2, 0), ElementsAre(4, 4, 0, 0)));
}

TEST(AutoScalingCapacity, AGroupScalesIfItsLimitsLeaveRoom) {
  EXPECT_FALSE(GroupRun("size: 2").group.scales());
  EXPECT_TRUE(GroupRun("size: 2, max_size: 3").group.scales());
  EXPECT_TRUE(GroupRun("size: 2, min_size: 1").group.scales());
}

// ---- where and who

TEST(AutoScalingCapacity, LaunchesGoToTheEmptiestZonesAndScaleInToTheFullest) {
  GroupRun run("size: 4, min_size: 1, max_size: 9", "horizon: 5min");
  std::vector<int> more, fewer;
  run.desire_at(20s, 6);
  run.zones_at(40s, more);
  run.desire_at(60s, 3);
  run.zones_at(80s, fewer);
  run.sim.run();
  EXPECT_THAT(more, ElementsAre(2, 2, 2));
  EXPECT_THAT(fewer, ElementsAre(1, 1, 1));
}

// Two of an hour and two new ones in one zone.
std::vector<bool> old_ones_left(const std::string& policy) {
  GroupRun run(
      "size: 2, min_size: 1, max_size: 4, availability_zones: [us-east-1a], "
      "termination_policies: [" +
          policy + "]",
      "horizon: 2h");
  run.desire_at(50min, 4);
  run.desire_at(70min, 2);
  std::vector<std::uint32_t> left;
  run.in_service_at(80min, left);
  run.sim.run();
  std::vector<bool> old;
  for (const std::uint32_t i : left)
    old.push_back(run.group.instance(i).launched == sim::time_zero);
  return old;
}

TEST(AutoScalingCapacity, TheTerminationPolicySaysWhoGoes) {
  EXPECT_THAT(old_ones_left("OldestInstance"), ElementsAre(false, false));
  EXPECT_THAT(old_ones_left("NewestInstance"), ElementsAre(true, true));
  // At 70 min the first are 10 min into their second hour, the others 20 min into their first.
  EXPECT_THAT(old_ones_left("ClosestToNextInstanceHour"), ElementsAre(true, true));
  EXPECT_THAT(old_ones_left("Default"), ElementsAre(true, true));
}

TEST(AutoScalingCapacity, ProtectedInstancesSurviveAScaleIn) {
  GroupRun run("size: 2, min_size: 1, max_size: 4, new_instances_protected_from_scale_in: true",
               "horizon: 5min");
  run.desire_at(20s, 4);
  run.desire_at(60s, 1);
  std::vector<std::uint32_t> left;
  run.in_service_at(100s, left);
  run.sim.run();
  EXPECT_THAT(left, SizeIs(2));  // the first two were not launched by the group
}

// ---- suspended processes

TEST(AutoScalingCapacity, WhileLaunchIsSuspendedNothingIsLaunchedAndThenAllIs) {
  GroupRun run("size: 2, max_size: 4, suspended_processes: [{process: Launch, until: 2min}]",
               "horizon: 5min");
  run.desire_at(20s, 4);
  run.sim.run();
  EXPECT_THAT(run.noted("Launching a new EC2 instance"), ElementsAre(120s, 120s));
  EXPECT_THAT(run.noted("is InService"), ElementsAre(123s, 123s));
}

TEST(AutoScalingCapacity, WhileTerminateIsSuspendedTheGroupDoesNotScaleIn) {
  GroupRun run("size: 4, min_size: 1, suspended_processes: [{process: Terminate, until: 2min}]",
               "horizon: 5min");
  run.desire_at(20s, 2);
  run.sim.run();
  EXPECT_THAT(run.noted("Terminating EC2 instance"), ElementsAre(120s, 120s));
}

TEST(AutoScalingCapacity, WhileHealthCheckOrReplaceUnhealthyAreSuspendedNobodyIsReplaced) {
  for (const char* process : {"HealthCheck", "ReplaceUnhealthy"}) {
    GroupRun run(
        fmt::format("size: 2, suspended_processes: [{{process: {}, until: 95s}}]", process),
        "horizon: 5min, faults: [{at: 15s, instance_stop: {target: asg, count: 1}}]");
    run.sim.run();
    EXPECT_THAT(run.noted("was taken out of service"), ElementsAre(100s)) << process;
  }
}

TEST(AutoScalingCapacity, WhileAzRebalanceIsSuspendedTheZonesStayAsTheyAre) {
  const std::string fault =
      "horizon: 20min, faults: [{at: 15s, lasting: 6min, az_power_loss: us-east-1a}]";
  GroupRun run("size: 6, suspended_processes: [AZRebalance]", fault);
  std::vector<int> zones;
  run.zones_at(1199s, zones);
  run.sim.run();
  EXPECT_THAT(zones, ElementsAre(0, 3, 3));
}

TEST(AutoScalingCapacity, WhileAddToLoadBalancerIsSuspendedNewInstancesGetNoTraffic) {
  GroupRun run("size: 2, max_size: 3, suspended_processes: [AddToLoadBalancer]", "horizon: 10min",
               balancer + web_service);
  run.desire_at(60s, 3);
  run.sim.run();
  EXPECT_EQ(run.group.in_service().size(), 3u);
  EXPECT_EQ(run.metric("web", "InServiceCpuUnits", "max"), 2 * 2 * 1024);
}

}  // namespace
}  // namespace windtunnel::test
