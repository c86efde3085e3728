// Instance refresh and maintenance policy: how many are replaced at a time, and in which order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/auto_scaling_world.hpp"

namespace windtunnel::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct RefreshRun : GroupRun {
  explicit RefreshRun(const std::string& refresh, const std::string& settings = "size: 10",
                      const std::string& rest = "horizon: 3h")
      : GroupRun(settings + ", instance_refresh: [{at: 1min" + refresh + "}]", rest) {
    for (sim::Duration date = 61s; date < 3h && sim::time_zero + date < sim.horizon(); date += 3s) {
      script.at(date, [this] {
        fewest = std::min(fewest, group.metric.in_service.value());
        most = std::max(most, group.metric.in_service.value() + group.metric.pending.value());
      });
    }
    sim.run();
    for (const std::uint32_t i : group.in_service()) {
      old += group.instance(i).launch_template == 0;
    }
  }
  std::int64_t fewest = 1000, most = 0, old = 0;
};

TEST(InstanceRefresh, ReplacesATenthAtATimeByDefault) {
  RefreshRun run("");
  EXPECT_EQ(run.old, 0);
  EXPECT_EQ(run.fewest, 9);
  EXPECT_THAT(run.noted("in response to an instance refresh"), testing::Contains(60s));
  EXPECT_EQ(run.peak("GroupPendingInstances"), 1);
  // A look every 10 s, InService after 3 s: without a warm-up nobody waits for the boot.
  EXPECT_THAT(run.noted("refresh is Successful"), ElementsAre(60s + 10 * 10s));
}

TEST(InstanceRefresh, ReplacesMoreAtATimeWithALowerMinimum) {
  RefreshRun run(", min_healthy_percentage: 60%");
  EXPECT_EQ(run.fewest, 6);
  EXPECT_EQ(run.peak("GroupPendingInstances"), 4);
  EXPECT_EQ(run.old, 0);
}

TEST(InstanceRefresh, ReplacesAtLeastOneAtATime) {
  RefreshRun run(", min_healthy_percentage: 100%", "size: 3");
  EXPECT_EQ(run.fewest, 2);
  EXPECT_EQ(run.old, 0);
}

TEST(InstanceRefresh, LaunchesBeforeItTerminatesWithAMaximumAbove100Percent) {
  RefreshRun run(", min_healthy_percentage: 100%, max_healthy_percentage: 120%");
  EXPECT_EQ(run.fewest, 10);
  EXPECT_EQ(run.most, 12);
  EXPECT_EQ(run.old, 0);
}

TEST(InstanceRefresh, WaitsForTheWarmUpBeforeTheNextStep) {
  RefreshRun run(", instance_warmup: 2min", "size: 3");
  const auto steps = run.noted("in response to an instance refresh");
  // Out of service and launched at once; 3 s until InService, 120 s of warm-up, the next look.
  EXPECT_THAT(steps, ElementsAre(60s, 60s, 190s, 190s, 320s, 320s));
}

TEST(InstanceRefresh, WaitsAtItsCheckpoints) {
  RefreshRun run(", checkpoint_percentages: [50%, 100%], checkpoint_delay: 20min");
  EXPECT_THAT(run.noted("waits at its checkpoint of 50 %"), ElementsAre(110s));
  std::vector<sim::Duration> steps = run.noted("was taken out of service");
  ASSERT_THAT(steps, SizeIs(10));
  EXPECT_EQ(steps[5], 110s + 20min);
  EXPECT_EQ(run.old, 0);
}

TEST(InstanceRefresh, EndsAtALastCheckpointBelow100Percent) {
  RefreshRun run(", checkpoint_percentages: [20%], checkpoint_delay: 5min");
  EXPECT_EQ(run.old, 8);
  EXPECT_THAT(run.noted("refresh is Successful"), ElementsAre(80s + 5min));
}

TEST(InstanceRefresh, FailsAfterAnHourWithoutProgress) {
  RefreshRun run("", "size: 4, insufficient_capacity: [{}]");
  EXPECT_THAT(run.noted("refresh is Failed"), ElementsAre(testing::Gt(60s + 1h)));
  EXPECT_EQ(run.old, 3);
}

TEST(InstanceRefresh, IsRefusedWhileItsProcessIsSuspended) {
  RefreshRun run("", "size: 3, suspended_processes: [InstanceRefresh]");
  EXPECT_THAT(run.noted("refused"), ElementsAre(60s));
  EXPECT_EQ(run.old, 3);
}

// ---- maintenance policy

const std::string crash =
    "horizon: 10min, faults: [{at: 15s, instance_crash: {target: asg, count: 4}}]";

TEST(MaintenancePolicy, Above100PercentLaunchesBeforeTheUnhealthyAreTerminated) {
  GroupRun run(
      "size: 10, instance_maintenance_policy: {min_healthy_percentage: 100%, "
      "max_healthy_percentage: 120%}",
      crash);
  run.sim.run();
  EXPECT_THAT(run.noted("was taken out of service"), IsEmpty());
  EXPECT_EQ(run.peak("GroupPendingInstances"), 2);
  EXPECT_EQ(run.counted("Replacements"), 4);
  const auto launched = run.noted("Launching a new EC2 instance");
  const auto terminated = run.noted("after its replacement has become ready");
  ASSERT_THAT(terminated, SizeIs(4));
  EXPECT_EQ(terminated[0], launched[0] + 10s);  // InService after 3 s, seen by the next look
}

TEST(MaintenancePolicy, SaysHowManyMayBeMissing) {
  GroupRun run(
      "size: 10, status_check_interval: 1s, instance_maintenance_policy: {min_healthy_percentage: "
      "70%, "
      "max_healthy_percentage: 100%}",
      crash);
  run.sim.run();
  EXPECT_EQ(run.peak("GroupPendingInstances"), 3);
  EXPECT_EQ(run.counted("Replacements"), 4);
}

}  // namespace
}  // namespace windtunnel::test
