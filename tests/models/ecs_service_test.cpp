// ECS services on Fargate: tasks' lives, deployments, losses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/ecs_world.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::Le;
using testing::Pair;
using testing::SizeIs;

// ---- tasks on Fargate

TEST(EcsService, StartsWithItsTasksSpreadOverTheZones) {
  EcsRun run(fargate("desired_count: 7"));
  std::map<std::string, int> zones;
  run.script.at(1s, [&] { zones = run.by_zone(); });
  run.sim.run();
  EXPECT_THAT(zones, SizeIs(3));
  for (const auto& [zone, tasks] : zones) EXPECT_THAT(tasks, AllOf(Ge(2), Le(3))) << zone;
}

// A second for the scheduler, then 10 + 40 + 5 s.
TEST(EcsService, AFargateTaskStartsThroughProvisioningPullAndContainerStart) {
  EcsRun run(fargate("desired_count: 1, max_tasks: 2"));
  run.scale_at(100s, 2);
  EXPECT_THAT(run.running_at({155s, 156s}), ElementsAre(1, 2));
  EXPECT_NEAR(run.metric("web", "TaskStartTime", "max"), 55, 1e-9);
}

TEST(EcsService, ItsProgramComputesOnTheCpuOfTheTask) {
  EcsRun run(fargate("desired_count: 1, service_time: 1s"));  // a quarter of a vCPU
  Machine& client = run.machine("web", {10s});
  run.sim.run();
  ASSERT_THAT(client.ended, SizeIs(1));
  EXPECT_EQ(client.ended[0].at, 14s);
}

// Deregistered at once, and away when the delay of the load balancer is over.
TEST(EcsService, ATaskThatIsNotNeededDrainsFirst) {
  EcsRun run(fargate("desired_count: 2") + ", " + alb());
  run.scale_at(100s, 1);
  std::vector<std::int64_t> ending;
  for (const Duration date : std::initializer_list<Duration>{102s, 110500ms, 111500ms}) {
    run.script.at(date, [&] { ending.push_back(run.web.capacity().terminating); });
  }
  EXPECT_THAT(run.running_at({100500ms, 101500ms}), ElementsAre(2, 1));
  EXPECT_THAT(ending, ElementsAre(1, 1, 0));
}

// The request takes 100 s of CPU time on one vCPU; SIGKILL comes after the stop timeout.
TEST(EcsService, AfterSigtermATaskFinishesWhatItHasUpToTheStopTimeout) {
  for (const auto& [timeout, end] : {std::pair{"120s", 110s}, std::pair{"30s", 51s}}) {
    EcsRun run(
        ecs_service(fmt::format("cpu: 1024, memory: 2GiB, desired_count: 1, service_time: "
                                "100s, stop_timeout: {}",
                                timeout)));
    Machine& client = run.machine("web", {10s});
    run.scale_at(20s, 0);  // at 21 s without a delay of a load balancer
    run.sim.run();
    ASSERT_THAT(client.ended, SizeIs(1));
    EXPECT_EQ(client.ended[0].at, end) << timeout;
  }
}

TEST(EcsService, WhoScalesItMakesRoomForTheMost) {
  EcsRun run(
      fargate("desired_count: 1") +
      ", aas: {application_auto_scaling: {resource: web, min_capacity: 1, max_capacity: 40}}");
  run.scale_at(10s, 40);
  EXPECT_THAT(run.running_at({100s}), ElementsAre(40));
}

// ---- deployments

// 4 tasks, 200 %: four more start at 101 s and run at 156 s; without a load balancer they count as
// healthy 40 s later, then the old ones stop.
TEST(EcsService, ADeploymentStartsUpToTheMaximumBeforeItStopsOldTasks) {
  EcsRun run(fargate("desired_count: 4, deployments: [100s]"));
  EXPECT_THAT(run.running_at({150s, 157s, 195s, 200s}), ElementsAre(4, 8, 8, 4));
  EXPECT_EQ(run.metric("web", "DeploymentTime", "count"), 1);
}

// 50 % of 4: two stop at once, two start in their place; 40 s after these run the other two.
TEST(EcsService, ADeploymentMayStopDownToTheMinimumFirst) {
  EcsRun run(
      fargate("desired_count: 4, deployments: [100s], deployment_configuration: "
              "{minimum_healthy_percent: 50%, maximum_percent: 100%}"));
  std::vector<std::int64_t> active;
  for (Duration at = 90s; at < 600s; at += 1s) {
    run.script.at(at, [&] { active.push_back(run.running()); });
  }
  EXPECT_THAT(run.running_at({99s, 102s, 160s, 201s, 260s, 310s}), ElementsAre(4, 2, 4, 2, 4, 4));
  EXPECT_THAT(active, Each(AllOf(Ge(2), Le(4))));
}

// 3 x 50 % is 1.5: two stay healthy. 3 x 150 % is 4.5: at most four.
TEST(EcsService, TheMinimumIsRoundedUpAndTheMaximumDown) {
  EcsRun run(
      fargate("desired_count: 3, deployments: [100s], deployment_configuration: "
              "{minimum_healthy_percent: 50%, maximum_percent: 150%}"));
  std::vector<std::int64_t> running, active;
  for (Duration at = 90s; at < 900s; at += 1s) {
    run.script.at(at, [&] {
      running.push_back(run.running());
      active.push_back(run.running() + run.web.capacity().pending);
    });
  }
  run.sim.run();
  EXPECT_THAT(running, Each(Ge(2)));
  EXPECT_THAT(active, Each(Le(4)));
  EXPECT_THAT(active, Contains(4));
  EXPECT_EQ(run.metric("web", "DeploymentTime", "count"), 1);
}

// ---- losses

// Fargate finds out after 60 s; another task runs 1 + 55 s later.
TEST(EcsService, ALostTaskIsReplaced) {
  EcsRun run(fargate("desired_count: 2"),
             "horizon: 20min, faults: [{at: 100s, instance_crash: {target: web, count: 1}}]");
  EXPECT_THAT(run.running_at({215s, 217s}), ElementsAre(1, 2));
  EXPECT_EQ(run.metric("web", "TasksLost"), 1);
}

// The ALB's two checks fail within 35 to 65 s, before Fargate says anything.
TEST(EcsService, ATaskThatTheLoadBalancerFindsUnhealthyIsReplaced) {
  EcsRun run(fargate("desired_count: 2, failure_detection: 1h") + ", " + alb(),
             "horizon: 20min, faults: [{at: 100s, instance_crash: {target: web, count: 1}}]");
  run.sim.run();
  EXPECT_EQ(run.metric("web", "TasksStarted"), 1);
  EXPECT_EQ(run.running(), 2);
}

// Without a grace period a start that is slower than two checks never comes to an end.
TEST(EcsService, TheGracePeriodLetsASlowProgramStart) {
  const auto started = [](const std::string& grace) {
    EcsRun run(fargate("desired_count: 2, max_tasks: 4, workers: 1, health_check_time: 20s, "
                       "failure_detection: 1h, health_check_grace_period: " +
                       grace) +
                   ", " + alb("health_check: {interval: 10s, timeout: 6s}"),
               "horizon: 10min");
    run.scale_at(100s, 3);
    run.sim.run();
    return run.metric("web", "TasksStarted");
  };
  EXPECT_GT(started("0s"), started("20min"));
}

// The zone refuses tasks while it is dark: they go to the others.
TEST(EcsService, TasksOfADarkZoneStartInOthers) {
  EcsRun run(fargate("desired_count: 6"),
             "horizon: 20min, faults: [{at: 100s, az_power_loss: us-east-1a}]");
  std::map<std::string, int> zones;
  run.script.at(15min, [&] { zones = run.by_zone(); });
  run.sim.run();
  EXPECT_THAT(zones, ElementsAre(Pair("b", 3), Pair("c", 3)));
}

// ---- Fargate Spot

TEST(EcsService, AStrategySplitsTasksByBaseAndWeight) {
  EcsRun run(
      fargate("desired_count: 10, spot_interruptions: 0/h, capacity_provider_strategy: "
              "[{fargate: fargate, base: 2, weight: 1}, {fargate: fargate_spot, weight: "
              "3}]"));
  run.sim.run();
  EXPECT_EQ(run.web.tasks().count_in(0), 4);  // 2 and a quarter of 8
  EXPECT_EQ(run.web.tasks().count_in(1), 6);
}

// Ten tasks, six interruptions an hour each.
TEST(EcsService, SpotTasksAreInterruptedAndReplaced) {
  EcsRun run(fargate("desired_count: 10, spot_interruptions: 6/h, capacity_provider_strategy: "
                     "[{fargate: fargate_spot, weight: 1}]"),
             "horizon: 10h");
  run.sim.run();
  const double interruptions = static_cast<double>(run.noted("Spot Task was interrupted").size());
  EXPECT_NEAR(interruptions, 10 * 6 * 10 * 600 / (600.0 + 56), 3 * std::sqrt(600));
  EXPECT_GT(run.metric("web", "RunningTaskCount", "mean"), 8.5);
}

// ---- CloudWatch

class Watcher final : public sim::Component {
 public:
  Watcher(sim::Simulation& sim, std::string metric)
      : Component(sim, "watcher"), metric_(std::move(metric)) {}
  void attach() override {
    index_ = *CloudWatch::of(sim()).find("web", metric_);
    CloudWatch::of(sim()).watch(*index_);
  }
  std::vector<double> values() {
    std::vector<double> found;
    for (const auto& point :
         CloudWatch::of(sim()).read(*index_, *Statistic::of("Average"), 1min, 1h)) {
      found.push_back(point.value);
    }
    return found;
  }

 private:
  std::string metric_;
  std::optional<MetricIndex> index_;
};

// 2 tasks of a quarter of a vCPU, 10/s x 10 ms of it: 0.1 of 0.5 vCPUs.
TEST(EcsService, PublishesTheCpuOfItsTasksAsPartOfWhatTheyReserve) {
  EcsRun run(fargate("desired_count: 2") + ", " + alb() + ", " +
             client("alb", "open: {deterministic: 10/s}"));
  auto& watcher =
      static_cast<Watcher&>(run.sim.add(std::make_unique<Watcher>(run.sim, "CPUUtilization")));
  std::vector<double> values;
  run.script.at(19min, [&] { values = watcher.values(); });
  run.sim.run();
  ASSERT_GE(values.size(), 10u);
  for (std::size_t i = 2; i < values.size(); ++i) EXPECT_NEAR(values[i], 20, 2);
}

TEST(EcsService, PublishesItsTaskCounts) {
  EcsRun run(fargate("desired_count: 2, max_tasks: 5"));
  auto& watcher =
      static_cast<Watcher&>(run.sim.add(std::make_unique<Watcher>(run.sim, "RunningTaskCount")));
  run.scale_at(5min, 5);
  std::vector<double> values;
  run.script.at(19min, [&] { values = watcher.values(); });
  run.sim.run();
  EXPECT_EQ(values.front(), 2);
  EXPECT_EQ(values.back(), 5);
}

}  // namespace
}  // namespace windtunnel::test
