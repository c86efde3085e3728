// ECS services on container instances, and the group behind them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/compute/ecs_capacity_provider.hpp"
#include "models/scaling/auto_scaling_group.hpp"
#include "tests/models/ecs_world.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::IsEmpty;
using testing::Le;
using testing::Pair;
using testing::SizeIs;

const std::string one_each = "placement_strategy: [{type: spread, field: instanceId}]";

// ---- placement on instances

TEST(EcsOnEc2, SeveralTasksShareAnInstance) {
  EcsRun run(on_ec2("desired_count: 8") + ", " + instances("size: 2"), "horizon: 1min", 1);
  run.sim.run();
  EXPECT_THAT(run.by_host(), ElementsAre(4, 4));
}

TEST(EcsOnEc2, TasksSpreadOverZonesWhereNothingElseIsSaid) {
  EcsRun run(on_ec2("desired_count: 6") + ", " + instances("size: 3"), "horizon: 1min");
  run.sim.run();
  EXPECT_THAT(run.by_zone(), ElementsAre(Pair("a", 2), Pair("b", 2), Pair("c", 2)));
}

TEST(EcsOnEc2, BinpackFillsOneInstanceAfterTheOther) {
  EcsRun run(on_ec2("desired_count: 6, placement_strategy: [{type: binpack, field: memory}]") +
                 ", " + instances("size: 3"),
             "horizon: 1min");
  run.sim.run();
  EXPECT_THAT(run.by_host(), ElementsAre(2, 4));
}

TEST(EcsOnEc2, DistinctInstanceGivesEachTaskAnInstanceOfItsOwn) {
  EcsRun run(on_ec2("desired_count: 3, placement_constraints: [distinctInstance]",
                    "managed_scaling: {enabled: false}") +
                 ", " + instances("size: 2"),
             "horizon: 5min");
  run.sim.run();
  EXPECT_THAT(run.by_host(), ElementsAre(1, 1));
  EXPECT_GE(run.metric("web", "TasksNotPlaced"), 0);
}

TEST(EcsOnEc2, TasksOfSeveralServicesShareAnInstance) {
  EcsRun run(
      on_ec2("desired_count: 3") + ", " +
          ecs_service("cpu: 512, memory: 1GiB, desired_count: 3, capacity_provider_strategy: "
                      "[{capacity_provider: instances, weight: 1}]",
                      "other") +
          ", " + instances("size: 1"),
      "horizon: 1min", 1);
  run.sim.run();
  EXPECT_EQ(run.running(), 3);
  EXPECT_EQ(run.metric("other", "RunningTaskCount", "max"), 1);  // four fit
}

// The image is there after the first task: 20 + 5 s, then 5 s.
TEST(EcsOnEc2, AnImageIsPulledOnceAnInstance) {
  EcsRun run(on_ec2("desired_count: 0, max_tasks: 4") + ", " + instances("size: 1"),
             "horizon: 10min", 1);
  run.scale_at(100s, 1);
  run.scale_at(200s, 2);
  EXPECT_THAT(run.running_at({125s, 126s, 205s, 206s}), ElementsAre(0, 1, 1, 2));
}

// Without a capacity provider strategy nobody makes room; the scheduler tries again.
TEST(EcsOnEc2, WithoutAStrategyTasksWithoutRoomDoNotScaleTheGroup) {
  EcsRun run(ecs_service("cpu: 512, memory: 1GiB, desired_count: 6, launch_type: ec2, "
                         "container_instances: instances") +
                 ", instances: {ecs_capacity_provider: {auto_scaling_group: asg}}, " +
                 instances("size: 1, min_size: 1, max_size: 5"),
             "horizon: 20min", 1);
  run.sim.run();
  EXPECT_EQ(run.running(), 4);
  EXPECT_EQ(run.metric("asg", "GroupInServiceInstances", "max"), 1);
  EXPECT_THAT(run.noted("no container instance met all of its requirements"),
              testing::Not(IsEmpty()));
}

// ---- losses

TEST(EcsOnEc2, TasksOfALostInstanceAreReplacedElsewhere) {
  EcsRun run(on_ec2("desired_count: 4") + ", " + alb() + ", " + instances("size: 3"),
             "horizon: 20min, faults: [{at: 100s, az_power_loss: us-east-1a}]");
  run.sim.run();
  EXPECT_EQ(run.running(), 4);
  EXPECT_EQ(run.by_zone().count("a"), 0u);
}

// The agent says that it stops.
TEST(EcsOnEc2, TasksOfAnInstanceThatStopsInOrderAreReplacedAtOnce) {
  EcsRun run(on_ec2("desired_count: 2, " + one_each) + ", " + instances("size: 2"),
             "horizon: 10min, faults: [{at: 100s, instance_stop: {target: asg, count: 1}}]", 1);
  EXPECT_THAT(run.running_at({99s, 100500ms, 127s}), ElementsAre(2, 1, 2));
}

// ---- draining

// The group shrinks: the two tasks of the instance move before it ends.
TEST(EcsOnEc2, AnInstanceThatTerminatesFirstMovesItsTasks) {
  EcsRun run(on_ec2("desired_count: 4", "managed_scaling: {enabled: false}") + ", " +
                 instances("size: 2, min_size: 1, max_size: 2"),
             "horizon: 10min", 1);
  auto& group = run.find<AutoScalingGroup>("asg");
  run.script.at(100s, [&] { group.set_desired_capacity(1, {}); });
  std::vector<std::int64_t> running;
  for (Duration at = 90s; at < 500s; at += 1s) {
    run.script.at(at, [&] { running.push_back(run.running()); });
  }
  run.sim.run();
  EXPECT_THAT(running, Each(AllOf(Ge(4), Le(6))));
  EXPECT_THAT(run.by_host(), ElementsAre(4));
  EXPECT_EQ(run.metric("asg", "GroupInServiceInstances", "mean") < 2, true);
  EXPECT_EQ(run.metric("instances", "DrainingTime", "count"), 1);
  EXPECT_EQ(run.metric("web", "TasksLost"), 0);
}

TEST(EcsOnEc2, WithoutManagedDrainingTasksGoWithTheirInstance) {
  EcsRun run(on_ec2("desired_count: 4, " + one_each,
                    "managed_scaling: {enabled: false}, managed_draining: "
                    "false") +
                 ", " + instances("size: 2, min_size: 1, max_size: 2"),
             "horizon: 10min", 1);
  auto& group = run.find<AutoScalingGroup>("asg");
  run.script.at(100s, [&] { group.set_desired_capacity(1, {}); });
  EXPECT_THAT(run.running_at({99s, 101s, 400s}), ElementsAre(4, 2, 4));
  EXPECT_EQ(run.metric("web", "TasksLost"), 2);
}

// ---- managed scaling

double reservation(const std::string& tasks, const std::string& group_size,
                   const std::string& provider = "", Duration at = 70s) {
  EcsRun run(on_ec2(tasks, provider) + ", " + instances(group_size), "horizon: 10min", 1);
  auto& instances = run.find<EcsCapacityProvider>("instances");
  double found = 0;
  run.script.at(at, [&] { found = instances.reservation(); });
  run.sim.run();
  return found;
}

// AWS's formula: M / N x 100.
TEST(EcsManagedScaling, ReservationIsInstancesNeededOverInstancesThere) {
  const std::string group = "size: 4, min_size: 0, max_size: 4";
  const std::string pack = ", placement_strategy: [{type: binpack, field: cpu}]";
  EXPECT_DOUBLE_EQ(reservation("desired_count: 16", group), 100);
  EXPECT_DOUBLE_EQ(reservation("desired_count: 8" + pack, group), 50);  // two are empty
  EXPECT_DOUBLE_EQ(reservation("desired_count: 21", group), 150);       // five wait: two more
}

TEST(EcsManagedScaling, StepSizesBoundWhatIsAskedFor) {
  const std::string group = "size: 4, min_size: 0, max_size: 4";
  EXPECT_DOUBLE_EQ(
      reservation("desired_count: 17", group, "managed_scaling: {minimum_scaling_step_size: 3}"),
      175);
  EXPECT_DOUBLE_EQ(
      reservation("desired_count: 32", group, "managed_scaling: {maximum_scaling_step_size: 2}"),
      150);
}

TEST(EcsManagedScaling, OfAnEmptyGroupIs200WithTasksThatWaitAnd100Without) {
  const std::string group = "size: 0, min_size: 0, max_size: 4";
  EXPECT_DOUBLE_EQ(reservation("desired_count: 1", group, "", 30s), 200);
  EXPECT_DOUBLE_EQ(reservation("desired_count: 0", group), 100);
}

// Two coupled scalers: tasks scale first, then they wait for the group (AS-13).
TEST(EcsManagedScaling, TasksWaitInProvisioningUntilTheGroupHasRoom) {
  EcsRun run(on_ec2("desired_count: 4, max_tasks: 12") + ", " +
                 instances("size: 1, min_size: 1, max_size: 5"),
             "horizon: 20min", 1);
  run.scale_at(100s, 12);
  std::int64_t waiting = 0, instances = 0;
  run.script.at(102s, [&] { waiting = run.web.capacity().pending; });
  run.script.at(15min, [&] { instances = run.find<AutoScalingGroup>("asg").capacity().desired; });
  // A minute's metric, an alarm that looks once a minute, 10 s of launch, 25 s of task start.
  EXPECT_THAT(run.running_at({101s, 130s, 101s + 60s + 60s + 10s + 25s + 10s}),
              ElementsAre(4, 4, 12));
  EXPECT_EQ(waiting, 8);
  EXPECT_EQ(instances, 3);
  EXPECT_GT(run.metric("web", "ProvisioningTime", "max"), 10);
}

TEST(EcsManagedScaling, AnEmptyGroupGetsTwoInstances) {
  EcsRun run(on_ec2("desired_count: 1") + ", " + instances("size: 0, min_size: 0, max_size: 4"),
             "horizon: 10min", 1);
  run.sim.run();
  EXPECT_EQ(run.running(), 1);
  EXPECT_EQ(run.metric("asg", "GroupInServiceInstances", "max"), 2);
}

// 15 minutes with empty instances, and those with tasks stay.
TEST(EcsManagedScaling, EmptyInstancesGoAfterFifteenMinutes) {
  EcsRun run(on_ec2("desired_count: 8, placement_strategy: [{type: binpack, field: cpu}]",
                    "managed_termination_protection: true") +
                 ", " + instances("size: 4, min_size: 0, max_size: 4"),
             "horizon: 40min", 1);
  std::vector<std::int64_t> sizes;
  for (const Duration at : std::initializer_list<Duration>{14min, 39min}) {
    run.script.at(at,
                  [&] { sizes.push_back(run.find<AutoScalingGroup>("asg").capacity().desired); });
  }
  run.sim.run();
  EXPECT_THAT(sizes, ElementsAre(4, 2));
  EXPECT_EQ(run.running(), 8);
  EXPECT_EQ(run.metric("web", "TasksLost"), 0);
  EXPECT_EQ(run.metric("web", "TasksStarted"), 0);
}

TEST(EcsManagedScaling, ATargetBelowAHundredKeepsSpareInstances) {
  EcsRun run(on_ec2("desired_count: 16", "managed_scaling: {target_capacity: 80%}") + ", " +
                 instances("size: 4, min_size: 0, max_size: 8"),
             "horizon: 20min", 1);
  std::int64_t size = 0;
  run.script.at(19min, [&] { size = run.find<AutoScalingGroup>("asg").capacity().desired; });
  run.sim.run();
  EXPECT_EQ(size, 5);
}

// What the group's control loop took is part of the task's start.
TEST(EcsManagedScaling, ATasksLaunchTellsTheGroupsStages) {
  EcsRun run(on_ec2("desired_count: 4, max_tasks: 8") + ", " +
                 instances("size: 1, min_size: 1, max_size: 5"),
             "horizon: 20min", 1);
  run.scale_at(100s, 8);
  std::vector<std::string> stages;
  std::vector<sim::Time> ends;
  run.script.at(15min, [&] {
    for (const std::uint32_t task : run.web.tasks().in_service()) {
      const LaunchRecord& record = run.web.tasks().launch_record(task);
      if (record.stages.size() <= stages.size()) continue;
      stages.clear();
      ends.clear();
      for (const auto& stage : record.stages) {
        stages.push_back(stage.name);
        ends.push_back(stage.end);
      }
    }
  });
  run.sim.run();
  EXPECT_THAT(stages,
              ElementsAre("capacity metric", "capacity alarm", "capacity action", "API", "pending",
                          "boot", "user data", "placement", "image pull", "container start"));
  EXPECT_TRUE(std::is_sorted(ends.begin(), ends.end()));
}

// 60/s x 50 ms are 3 vCPUs, a task has two and takes an instance for itself: target tracking asks
// for a second task, and that for a second instance. The parts of the lag tell what both scalers
// took.
TEST(EcsManagedScaling, ScalingLagOfTwoCoupledScalersIsSplitOverBoth) {
  EcsRun run(ecs_service("cpu: 2048, memory: 1GiB, service_time: 50ms, workers: 4, desired_count: "
                         "1, health_check_grace_period: 1h, capacity_provider_strategy: "
                         "[{capacity_provider: instances, weight: 1}]") +
                 ", instances: {ecs_capacity_provider: {auto_scaling_group: asg, metric_delay: "
                 "0s}}, " +
                 instances("size: 1, min_size: 1, max_size: 4") + ", " + alb() +
                 ", aas: {application_auto_scaling: {resource: web, min_capacity: 1, "
                 "max_capacity: 4, scaling_policies: [{name: cpu, target_tracking: "
                 "{predefined_metric: ECSServiceAverageCPUUtilization, target_value: 60}}]}}, " +
                 client("alb", "open: {deterministic: 60/s}"),
             "horizon: 30min", 1);
  run.sim.run();
  ASSERT_FALSE(run.sim.log().spells.empty());
  const auto& spell = run.sim.log().spells[0];
  EXPECT_EQ(spell.component, "web");
  EXPECT_EQ(spell.kind, "scaling");
  std::map<std::string, Duration> parts;
  Duration sum{0};
  for (const auto& part : spell.parts) {
    parts[part.name] += part.length;
    sum += part.length;
  }
  ASSERT_TRUE(spell.end);
  EXPECT_EQ(sum, *spell.end - spell.start);
  // Three datapoints above the target, one of CapacityProviderReservation above 100.
  EXPECT_GT(parts["metric"] + parts["alarm"] + parts["action"], 2min);
  EXPECT_GT(parts["capacity metric"] + parts["capacity alarm"] + parts["capacity action"], 5s);
  EXPECT_EQ(parts["API"] + parts["pending"] + parts["boot"] + parts["user data"], 10s);
  EXPECT_EQ(parts["image pull"], 20s);
  EXPECT_EQ(parts["container start"], 5s);
}

// ---- bad input

std::string said(const std::string& web, const std::string& rest = "") {
  const std::string text =
      "regions: {us-east-1: {}}\ncomponents:\n  web: {ecs_service: {" + web + "}}\n" + rest;
  Diagnostics diagnostics;
  read_topology(text, "web.yaml", {}, diagnostics);
  return diagnostics.print();
}

TEST(EcsSettings, FargateHasATableOfSizes) {
  EXPECT_EQ(said("service_time: 1s, desired_count: 1, cpu: 256, memory: 4GiB"),
            "web.yaml:3:69: web.memory: 4096MiB is not what Fargate has for 256 CPU units: 512MiB, "
            "1 to 2GiB in steps of 1GiB (ECS developer guide, Task size)\n");
  EXPECT_EQ(said("service_time: 1s, desired_count: 1, cpu: 300, memory: 1GiB"),
            "web.yaml:3:59: web.cpu: 300 is not 256, 512, 1024, 2048, 4096, 8192 or 16384, as "
            "Fargate has it (ECS developer guide, Task size)\n");
  EXPECT_EQ(said("service_time: 1s, desired_count: 1, cpu: 8192, memory: 20GiB"), "");
}

TEST(EcsSettings, ADeploymentMustBeAbleToBegin) {
  EXPECT_EQ(said("service_time: 1s, desired_count: 3, cpu: 256, memory: 1GiB, "
                 "deployment_configuration: {maximum_percent: 120%}"),
            "web.yaml:3:83: web.deployment_configuration: with 3 tasks no task may start and none "
            "may stop: nothing can be replaced (ECS API, DeploymentConfiguration)\n");
}

TEST(EcsSettings, ATaskMustFitOnAnInstance) {
  EXPECT_EQ(said("service_time: 1s, desired_count: 1, cpu: 4096, memory: 1GiB, "
                 "capacity_provider_strategy: [{capacity_provider: i, weight: 1}]",
                 "  i: {ecs_capacity_provider: {auto_scaling_group: g}}\n"
                 "  g: {auto_scaling_group: {size: 1, instance_type: m5.large}}\n"),
            "web.yaml:3:114: web.capacity_provider_strategy.0.capacity_provider: a task of 4096 "
            "CPU units and 1024MiB fits on no instance of g: m5.large has 2048 and 8192MiB (EC2 "
            "instance types)\n");
}

TEST(EcsSettings, AStrategyHasAWeightAndOneKindOfProviders) {
  EXPECT_EQ(said("service_time: 1s, desired_count: 1, cpu: 256, memory: 1GiB, "
                 "capacity_provider_strategy: [{fargate: fargate}]"),
            "web.yaml:3:83: web.capacity_provider_strategy: no item has a weight above 0 (ECS API, "
            "CapacityProviderStrategyItem)\n");
  EXPECT_EQ(said("service_time: 1s, desired_count: 1, cpu: 256, memory: 1GiB, "
                 "capacity_provider_strategy: [{fargate: fargate, weight: 1}, {capacity_provider: "
                 "i, weight: 1}]",
                 "  i: {ecs_capacity_provider: {auto_scaling_group: g}}\n"
                 "  g: {auto_scaling_group: {size: 1}}\n"),
            "web.yaml:3:143: web.capacity_provider_strategy.1: a strategy has Fargate's providers "
            "or those of Auto Scaling groups, not both (ECS developer guide, Fargate capacity "
            "providers)\n");
}

TEST(EcsSettings, AStrategysFieldGoesWithItsType) {
  EXPECT_EQ(said("service_time: 1s, desired_count: 1, cpu: 256, memory: 1GiB, placement_strategy: "
                 "[{type: binpack, field: cup}]"),
            "web.yaml:3:120: web.placement_strategy.0.field: 'cup' is not cpu or memory, did you "
            "mean 'cpu'? (ECS API, PlacementStrategy)\n");
}

TEST(EcsSettings, OnlyOnePolicyMovesAManagedGroup) {
  EXPECT_EQ(
      said(
          "service_time: 1s, desired_count: 1, cpu: 256, memory: 1GiB",
          "  i: {ecs_capacity_provider: {auto_scaling_group: g}}\n"
          "  g: {auto_scaling_group: {size: 1, max_size: 2, scaling_policies: [{name: p, "
          "target_tracking: {predefined_metric: ASGAverageCPUUtilization, target_value: 50}}]}}\n"),
      "web.yaml:4:3: i.managed_scaling: g has scaling_policies of its own; only the one that ECS "
      "manages may change its desired capacity (ECS developer guide, Cluster auto scaling)\n");
}

TEST(EcsSettings, TerminationProtectionNeedsManagedScaling) {
  EXPECT_EQ(said("service_time: 1s, desired_count: 1, cpu: 256, memory: 1GiB",
                 "  i: {ecs_capacity_provider: {auto_scaling_group: g, "
                 "managed_termination_protection: true, managed_scaling: {enabled: false}}}\n"
                 "  g: {auto_scaling_group: {size: 1}}\n"),
            "web.yaml:4:54: i.managed_termination_protection: needs managed_scaling (ECS API, "
            "AutoScalingGroupProvider)\n");
}

}  // namespace
}  // namespace windtunnel::test
