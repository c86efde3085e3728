// Lifecycle hooks, the stages of a launch, the warm pool.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/auto_scaling_world.hpp"

namespace windtunnel::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::string hook(const std::string& transition, const std::string& settings) {
  return fmt::format("lifecycle_hooks: [{{lifecycle_transition: EC2_INSTANCE_{}, {}}}]", transition,
                     settings);
}

// What the stages of a launch are called, in the order of their ends.
std::vector<std::string> names_of(const LaunchRecord& record) {
  std::vector<std::string> names;
  for (const auto& stage : record.stages) names.emplace_back(stage.name);
  return names;
}

TEST(LifecycleHooks, AtLaunchKeepAnInstanceInPendingWaitUntilTheActionIsCompleted) {
  GroupRun run("size: 1, max_size: 2, " + hook("LAUNCHING", "completion: 50s"), "horizon: 5min");
  run.desire_at(20s, 2);
  std::vector<Lifecycle> launching;
  run.script.at(60s, [&] {
    for (std::uint32_t i = 0; i < run.group.max_instances(); ++i) {
      if (is_launching(run.group.instance(i).lifecycle)) {
        launching.push_back(run.group.instance(i).lifecycle);
      }
    }
  });
  std::vector<std::uint32_t> all;
  run.in_service_at(100s, all);
  run.sim.run();
  EXPECT_THAT(launching, ElementsAre(Lifecycle::pending_wait));
  EXPECT_THAT(run.noted("is InService"), ElementsAre(73s));  // 50 s after EC2 runs it
  const LaunchRecord& record = run.group.launch_record(all.at(1));
  EXPECT_THAT(names_of(record),
              ElementsAre("API", "pending", "boot", "user data", "lifecycle hook"));
  EXPECT_EQ(record.stages[3].end, sim::time_zero + 30s);  // meanwhile
  EXPECT_EQ(record.stages[4].end, sim::time_zero + 73s);
}

TEST(LifecycleHooks, AtLaunchWaitWhileTheInstanceBoots) {
  GroupRun run("size: 1, max_size: 2, " + hook("LAUNCHING", "completion: 5s"), "horizon: 5min");
  run.desire_at(20s, 2);
  std::vector<std::uint32_t> all;
  run.in_service_at(100s, all);
  run.sim.run();
  EXPECT_THAT(run.noted("is InService"), ElementsAre(28s));
  EXPECT_THAT(run.noted("has booted"), ElementsAre(30s));
  EXPECT_THAT(names_of(run.group.launch_record(all.at(1))),
              ElementsAre("API", "pending", "boot", "lifecycle hook", "user data"));
}

// Stopped at 15 s, seen at 20 s; the hook ends at 73 s, long after user data.
TEST(LifecycleHooks, AtLaunchCountAsUserDataInTheLag) {
  GroupRun run("size: 2, " + hook("LAUNCHING", "completion: 50s"),
               "horizon: 5min, faults: [{at: 15s, instance_stop: {target: asg, count: 1}}]");
  run.sim.run();
  ASSERT_THAT(run.sim.log().spells, SizeIs(1));
  std::vector<sim::Duration> parts;
  for (const auto& part : run.sim.log().spells[0].parts) parts.push_back(part.length);
  EXPECT_THAT(parts, ElementsAre(5s, 0s, 1s, 2s, 3s, 47s, 0s));
}

TEST(LifecycleHooks, ThatNobodyCompletesAbandonTheLaunchAfterTheHeartbeatTimeout) {
  GroupRun run("size: 1, max_size: 2, " + hook("LAUNCHING", "heartbeat_timeout: 100s"),
               "horizon: 4min");
  run.desire_at(20s, 2);
  run.sim.run();
  EXPECT_THAT(run.noted("is InService"), IsEmpty());
  // 100 s after EC2 runs it, terminated and replaced: the next one ends likewise.
  EXPECT_THAT(run.noted("ABANDON"), ElementsAre(123s, 226s));
  EXPECT_THAT(run.noted("Launching a new EC2 instance"), ElementsAre(20s, 123s, 226s));
}

TEST(LifecycleHooks, WithDefaultResultContinueLetTheInstanceInAllTheSame) {
  GroupRun run("size: 1, max_size: 2, " +
                   hook("LAUNCHING", "heartbeat_timeout: 100s, default_result: CONTINUE"),
               "horizon: 4min");
  run.desire_at(20s, 2);
  run.sim.run();
  EXPECT_THAT(run.noted("is InService"), ElementsAre(123s));
}

TEST(LifecycleHooks, WithHeartbeatsLastLongerThanTheirTimeout) {
  GroupRun run("size: 1, max_size: 2, " +
                   hook("LAUNCHING", "heartbeat_timeout: 30s, heartbeats: true, completion: 40min"),
               "horizon: 1h");
  run.desire_at(20s, 2);
  run.sim.run();
  EXPECT_THAT(run.noted("is InService"), ElementsAre(23s + 40min));
}

TEST(LifecycleHooks, WithHeartbeatsEndAfterAHundredTimeouts) {
  GroupRun run(
      "size: 1, max_size: 2, " +
          hook("LAUNCHING", "heartbeat_timeout: 30s, heartbeats: true, default_result: CONTINUE"),
      "horizon: 1h");
  run.desire_at(20s, 2);
  run.sim.run();
  EXPECT_THAT(run.noted("is InService"), ElementsAre(23s + 50min));
}

TEST(LifecycleHooks, OfOneTransitionWaitTogetherAndAbandonEndsTheWait) {
  const std::string both =
      "size: 1, max_size: 2, lifecycle_hooks: [{lifecycle_transition: EC2_INSTANCE_LAUNCHING, "
      "completion: 50s}, {lifecycle_transition: EC2_INSTANCE_LAUNCHING, completion: 20s";
  GroupRun all(both + "}]", "horizon: 3min");
  all.desire_at(20s, 2);
  all.sim.run();
  EXPECT_THAT(all.noted("is InService"), ElementsAre(73s));
  GroupRun abandoned(both + ", abandoned: 100%}]", "horizon: 55s");
  abandoned.desire_at(20s, 2);
  abandoned.sim.run();
  EXPECT_THAT(abandoned.noted("ABANDON"), ElementsAre(43s));
}

TEST(LifecycleHooks, AtTerminationComeAfterDraining) {
  GroupRun run("size: 2, min_size: 1, " + hook("TERMINATING", "completion: 60s"), "horizon: 10min",
               "alb: {application_load_balancer: {targets: web, deregistration_delay: 100s}}, " +
                   web_service);
  run.desire_at(20s, 1);
  std::vector<std::int64_t> terminating;
  for (const sim::Duration date : {119s, 179s, 181s}) {
    run.script.at(date, [&] { terminating.push_back(run.group.capacity().terminating); });
  }
  run.sim.run();
  EXPECT_THAT(terminating, ElementsAre(1, 1, 0));
}

// ---- rule 18

TEST(AutoScalingLaunches, Rule18EveryStageOfALaunchIsADistributionOfItsOwn) {
  GroupRun run("size: 0, max_size: 400, boot: {uniform: {min: 10s, max: 30s}}", "horizon: 5min");
  run.desire_at(10s, 400);
  run.sim.run();
  double boot = 0, shortest = 1e9, longest = 0;
  const auto all = run.group.in_service();
  ASSERT_THAT(all, SizeIs(400));
  for (const std::uint32_t i : all) {
    const auto& stages = run.group.launch_record(i).stages;
    EXPECT_EQ(stages[0].end - sim::time_zero, 11s);
    EXPECT_EQ(stages[1].end - stages[0].end, 2s);
    const double took = sim::seconds(stages[2].end - stages[1].end);
    boot += took / 400;
    shortest = std::min(shortest, took);
    longest = std::max(longest, took);
  }
  EXPECT_NEAR(boot, 20, 4 * 5.77 / 20);  // four standard errors
  EXPECT_LT(shortest, 11);
  EXPECT_GT(longest, 29);
}

TEST(AutoScalingLaunches, Rule18AShareOfLaunchesIsSlowAsAWholeButForUserData) {
  GroupRun run("size: 0, max_size: 1000, slow_launches: 3%", "horizon: 5min");
  run.desire_at(10s, 1000);
  run.sim.run();
  int slow = 0;
  for (const std::uint32_t i : run.group.in_service()) {
    const LaunchRecord& record = run.group.launch_record(i);
    ASSERT_THAT(record.stages, SizeIs(4));
    const bool is_slow = *record.in_service > sim::time_zero + 13s;
    EXPECT_EQ(*record.in_service - sim::time_zero, 10s + (is_slow ? 3 : 1) * 3s);
    EXPECT_EQ(record.stages[2].end - *record.in_service, (is_slow ? 3 : 1) * 3s);
    EXPECT_EQ(record.stages[3].end - record.stages[2].end, 4s);  // user data
    slow += is_slow;
  }
  EXPECT_NEAR(slow, 30, 4 * 5.4);
}

// ---- warm pool

const std::string pool = "warm_pool: {start_from_stopped: 5s, stop: 20s";

TEST(WarmPools, HoldWhatTheMaximumHasAboveTheDesiredCapacity) {
  GroupRun run("size: 2, max_size: 6, " + pool + "}");
  run.sim.run();
  EXPECT_EQ(run.peak("WarmPoolTotalCapacity"), 4);
  GroupRun prepared("size: 2, max_size: 6, " + pool + ", max_group_prepared_capacity: 3}");
  prepared.sim.run();
  EXPECT_EQ(prepared.peak("WarmPoolTotalCapacity"), 1);
  GroupRun least("size: 2, max_size: 6, " + pool +
                 ", max_group_prepared_capacity: 2, min_size: 2}");
  least.sim.run();
  EXPECT_EQ(least.peak("WarmPoolTotalCapacity"), 2);
}

TEST(WarmPools, StartInstancesWithoutBootAndUserData) {
  GroupRun run("size: 2, max_size: 4, " + pool + "}", "horizon: 5min");
  run.desire_at(20s, 4);
  run.sim.run();
  // 1 s API, 5 s start: InService when they serve.
  EXPECT_THAT(run.noted("is InService"), ElementsAre(26s, 26s));
  EXPECT_THAT(run.noted("has booted"), IsEmpty());
  EXPECT_EQ(run.counted("WarmStarts"), 2);
}

TEST(WarmPools, ThatAreEmptyLeadToColdStarts) {
  GroupRun run("size: 2, max_size: 6, " + pool + ", max_group_prepared_capacity: 3}",
               "horizon: 5min");
  run.desire_at(20s, 4);
  run.sim.run();
  // The cold one is InService first and serves last.
  EXPECT_THAT(run.noted("is InService"), ElementsAre(23s, 26s));
  EXPECT_THAT(run.noted("has booted"), ElementsAre(30s));
}

TEST(WarmPools, AreFilledAgainAfterAScaleIn) {
  GroupRun run("size: 2, min_size: 1, max_size: 4, " + pool + "}", "horizon: 5min");
  run.desire_at(20s, 1);
  std::vector<std::int64_t> warmed;
  run.script.at(25s, [&] { warmed.push_back(run.group.metric.warm_pool.value()); });
  run.desire_at(200s, 4);
  run.sim.run();
  EXPECT_THAT(warmed, ElementsAre(3));
  EXPECT_THAT(run.noted("into warm pool"), ElementsAre(20s));
  EXPECT_EQ(run.counted("WarmStarts"), 3);
}

TEST(WarmPools, TakeInstancesBackIfTheyAreReused) {
  GroupRun run("size: 3, min_size: 1, max_size: 4, " + pool + ", reuse_on_scale_in: true}",
               "horizon: 5min");
  run.desire_at(20s, 1);
  std::vector<std::int64_t> warmed;
  run.script.at(50s, [&] { warmed.push_back(run.group.metric.warm_pool.value()); });
  run.sim.run();
  EXPECT_THAT(run.noted("into warm pool"), IsEmpty());
  EXPECT_THAT(warmed, ElementsAre(3));
}

// 10 s of stages, user data included, 50 s of the hook, 20 s to stop; later 6 s and the hook once
// more.
TEST(WarmPools, RunTheLaunchHookTwice) {
  GroupRun run("size: 2, min_size: 1, max_size: 2, " + hook("LAUNCHING", "completion: 50s") + ", " +
                   pool + "}",
               "horizon: 10min");
  run.desire_at(20s, 1);  // one goes, and one is launched into the pool
  std::vector<Lifecycle> lifecycles;
  const auto look = [&](sim::Duration date) {
    run.script.at(date, [&] {
      for (std::uint32_t i = 0; i < run.group.max_instances(); ++i) {
        const Lifecycle l = run.group.instance(i).lifecycle;
        if (is_in_warm_pool(l)) lifecycles.push_back(l);
      }
    });
  };
  look(25s);
  look(70s);
  look(90s);
  look(101s);
  run.desire_at(120s, 2);
  run.sim.run();
  EXPECT_THAT(lifecycles, ElementsAre(Lifecycle::warmed_pending, Lifecycle::warmed_pending_wait,
                                      Lifecycle::warmed_pending, Lifecycle::warmed));
  EXPECT_THAT(run.noted("is InService"), ElementsAre(120s + 6s + 50s));
}

}  // namespace
}  // namespace windtunnel::test
