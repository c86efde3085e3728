#include "models/scaling/auto_scaling_group.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/small_run.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Outcome;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::Le;
using testing::SizeIs;

const std::string service = "web: {ec2_service: {on: asg, service_time: 10ms}}, ";
const std::string balancer = "alb: {application_load_balancer: {targets: web}}, ";

std::string world(const std::string& settings, const std::string& rest) {
  return small_experiment(service + group(settings), rest);
}
std::string world_behind_alb(const std::string& settings, const std::string& rest) {
  return small_experiment(balancer + service + group(settings), rest);
}

// Instances in service by zone, at a date.
std::vector<int> by_zone(SmallRun& run) {
  std::vector<int> zones(3);
  auto& fleet = run.find<Fleet>("asg");
  for (const std::uint32_t i : fleet.in_service()) {
    ++zones[run.sim.platform().host(fleet.instance_host(i)).zone];
  }
  return zones;
}

std::vector<Duration> lengths(const sim::LagSpell& spell) {
  std::vector<Duration> parts;
  for (const auto& part : spell.parts) parts.push_back(part.length);
  return parts;
}

// ---- zones

TEST(AutoScalingGroup, ItStartsInBalanceOverItsZones) {
  SmallRun run(world("size: 7", "horizon: 1min"));
  std::vector<int> zones;
  run.script.at(0s, [&] { zones = by_zone(run); });
  run.sim.run();
  EXPECT_THAT(zones, ElementsAre(3, 2, 2));
}

// The zone is the emptiest, so the launch tries it: RunInstances fails after its second.
TEST(AutoScalingGroup, ALaunchInADeadZoneGoesElsewhere) {
  SmallRun run(world("size: 3", "horizon: 5min, faults: [{at: 15s, az_power_loss: us-east-1a}]"));
  std::vector<int> zones;
  run.script.at(299s, [&] { zones = by_zone(run); });
  run.sim.run();
  EXPECT_EQ(zones[0], 0);
  EXPECT_EQ(zones[1] + zones[2], 3);
  const auto replaced = run.noted("taken out of service");
  ASSERT_THAT(replaced, SizeIs(1));
  EXPECT_THAT(run.noted("launching an instance in us-east-1a failed"),
              ElementsAre(replaced[0] + 1s));
  // One second lost, then all four stages; InService after two of them.
  EXPECT_THAT(run.noted("is InService"), ElementsAre(replaced[0] + 4s));
  EXPECT_THAT(run.noted("has booted"), ElementsAre(replaced[0] + 11s));
  EXPECT_EQ(run.metric("asg", "FailedLaunches"), 1);
}

TEST(AutoScalingGroup, ItRebalancesWhenAZoneIsBackAndLaunchesBeforeItTerminates) {
  SmallRun run(world(
      "size: 6", "horizon: 20min, faults: [{at: 15s, lasting: 6min, az_power_loss: us-east-1a}]"));
  std::vector<int> before, after;
  run.script.at(370s, [&] { before = by_zone(run); });
  run.script.at(1199s, [&] { after = by_zone(run); });
  std::int64_t fewest = 6;
  for (Duration date = 380s; date < 20min; date += 1s) {
    run.script.at(date, [&] {
      fewest = std::min(fewest, run.find<AutoScalingGroup>("asg").metric.in_service.value());
    });
  }
  run.sim.run();
  EXPECT_THAT(before, ElementsAre(0, 3, 3));
  EXPECT_THAT(after, ElementsAre(2, 2, 2));
  EXPECT_EQ(fewest, 6);
  EXPECT_THAT(run.noted("terminated to rebalance"), SizeIs(2));
}

// Its only zone is dead until 5 min; it tries again every minute.
TEST(AutoScalingGroup, ALaunchThatEveryZoneRefusesIsTriedAgain) {
  SmallRun run(world("size: 1, availability_zones: [us-east-1b]",
                     "horizon: 10min, faults: [{at: 15s, lasting: 285s, az_power_loss: "
                     "us-east-1b}]"));
  run.sim.run();
  const auto failed = run.noted("launching an instance in us-east-1b failed");
  ASSERT_GE(failed.size(), 2u);
  for (std::size_t i = 1; i < failed.size(); ++i) EXPECT_EQ(failed[i] - failed[i - 1], 61s);
  ASSERT_THAT(run.noted("is InService"), SizeIs(1));
  EXPECT_EQ(run.noted("is InService")[0], failed.back() + 60s + 3s);
  EXPECT_THAT(run.noted("has booted"), ElementsAre(failed.back() + 60s + 10s));
}

// ---- launches and their lag

// Stopped at 15 s, seen by the look at 20 s: 1 + 2 s later its replacement is InService, 3 + 4 s
// after that it serves, and the lag is over.
TEST(AutoScalingGroup, TheStagesOfALaunchSumToTheTimeUntilItServes) {
  SmallRun run(world("size: 2",
                     "horizon: 1min, faults: [{at: 15s, instance_stop: {target: asg, count: 1}}]"));
  run.sim.run();
  EXPECT_THAT(run.noted("is InService"), ElementsAre(23s));
  EXPECT_THAT(run.noted("has booted"), ElementsAre(30s));
  EXPECT_NEAR(run.metric("asg", "LaunchTime", "mean"), 3, 1e-9);  // until InService
  ASSERT_THAT(run.sim.log().spells, SizeIs(1));
  const auto& spell = run.sim.log().spells[0];
  EXPECT_EQ(spell.start, sim::time_zero + 15s);
  EXPECT_EQ(spell.end, sim::time_zero + 30s);
  // Health check, decision, API, pending, boot, user data, target health check.
  EXPECT_THAT(lengths(spell), ElementsAre(5s, 0s, 1s, 2s, 3s, 4s, 0s));
}

TEST(AutoScalingGroup, WithoutALossThereIsNoLag) {
  SmallRun run(world("size: 2", "horizon: 10min"));
  run.sim.run();
  EXPECT_THAT(run.sim.log().spells, SizeIs(0));
}

TEST(AutoScalingGroup, ALagThatIsNotOverAtTheHorizonHasNoEnd) {
  SmallRun run(world("size: 2",
                     "horizon: 29s, faults: [{at: 15s, instance_stop: {target: asg, count: 1}}]"));
  run.sim.run();
  ASSERT_THAT(run.sim.log().spells, SizeIs(1));
  EXPECT_FALSE(run.sim.log().spells[0].end);
}

TEST(AutoScalingGroup, ThePartsOfALagSumToItExactlyWhateverHappens) {
  std::size_t closed = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SmallRun run(small_experiment(
                     balancer + service +
                         "asg: {auto_scaling_group: {size: 6, "
                         "health_check_type: ELB}}",
                     "horizon: 1h, faults: [{at: 5min, lasting: 10min, az_power_loss: us-east-1a}, "
                     "{at: 20min, lasting: 1min, instance_crash: {target: asg, count: 2}}, "
                     "{at: 30min, instance_stop: {target: asg, count: 1}}]"),
                 seed);
    run.sim.run();
    for (const auto& spell : run.sim.log().spells) {
      if (!spell.end) continue;
      ++closed;
      Duration sum{0};
      for (const Duration part : lengths(spell)) {
        EXPECT_GE(part, 0s);
        sum += part;
      }
      EXPECT_EQ(sum, *spell.end - spell.start);
    }
  }
  EXPECT_GE(closed, 40u);
}

// ---- survivors

// Power is back at 45 s, before anyone gave up: boot and user data take 7 s.
TEST(AutoScalingGroup, SurvivingInstancesBootAgain) {
  SmallRun run(world("size: 3",
                     "horizon: 5min, faults: [{at: 15s, lasting: 30s, az_power_loss: "
                     "us-east-1a}]"));
  run.sim.run();
  EXPECT_THAT(run.noted("has booted again"), ElementsAre(52s));
  EXPECT_EQ(run.metric("asg", "Replacements"), 0);
  ASSERT_THAT(run.sim.log().spells, SizeIs(1));
  EXPECT_THAT(lengths(run.sim.log().spells[0]), ElementsAre(0s, 0s, 0s, 0s, 37s, 0s, 0s));
}

// Ten seconds: two failed checks take at least 35. The load balancer has nothing to say.
TEST(AutoScalingGroup, ALossThatTheLoadBalancerDoesNotNoticeIsOverWhenTheInstanceServesAgain) {
  SmallRun run(world_behind_alb(
      "size: 2, health_check_type: ELB",
      "horizon: 10min, faults: [{at: 15s, lasting: 3s, instance_crash: {target: asg, count: 1}}]"));
  run.sim.run();
  ASSERT_THAT(run.sim.log().spells, SizeIs(1));
  EXPECT_EQ(run.sim.log().spells[0].end, sim::time_zero + 25s);
}

TEST(AutoScalingGroup, AReplacedInstanceStaysGoneWhenItsPowerIsBack) {
  SmallRun run(world("size: 2, availability_zones: [us-east-1a]",
                     "horizon: 10min, faults: [{at: 15s, lasting: 1min, instance_stop: {target: "
                     "asg, count: 1}}]"));
  run.sim.run();
  EXPECT_THAT(run.noted("has booted again"), SizeIs(0));
  EXPECT_EQ(run.metric("asg", "GroupInServiceInstances", "max"), 2);
}

// ---- rule 15: whose word counts

// From 50 s on every health check takes 10 s: all targets are unhealthy, and all run.
const std::string sick = "faults: [{at: 50s, slow: {target: web, factor: 10000}}]";

TEST(AutoScalingGroup, Rule15TheLoadBalancersHealthIsIgnoredUnlessEnabled) {
  SmallRun ec2(world_behind_alb("size: 4", "horizon: 30min, " + sick));
  ec2.sim.run();
  EXPECT_EQ(ec2.metric("asg", "Replacements"), 0);
  SmallRun elb(world_behind_alb("size: 4, health_check_type: ELB", "horizon: 30min, " + sick));
  elb.sim.run();
  EXPECT_GT(elb.metric("asg", "Replacements"), 0);
}

TEST(AutoScalingGroup, Rule15ItIsIgnoredDuringTheGracePeriodAfterInService) {
  SmallRun run(world_behind_alb("size: 4, health_check_type: ELB, health_check_grace_period: 20min",
                                "horizon: 30min, " + sick));
  run.sim.run();
  EXPECT_EQ(run.noted("taken out of service").at(0), 20min);
}

TEST(AutoScalingGroup, Rule15AStoppedInstanceIsReplacedDuringTheGracePeriodToo) {
  SmallRun run(world_behind_alb(
      "size: 4, health_check_type: ELB, health_check_grace_period: 20min",
      "horizon: 5min, faults: [{at: 15s, instance_stop: {target: asg, count: 1}}]"));
  run.sim.run();
  EXPECT_THAT(run.noted("taken out of service"), ElementsAre(20s));
}

TEST(AutoScalingGroup, Rule15InServiceDoesNotWaitForUserDataNorForTheLoadBalancersCheck) {
  SmallRun run(world_behind_alb(
      "size: 4", "horizon: 5min, faults: [{at: 15s, instance_stop: {target: asg, count: 1}}]"));
  run.sim.run();
  EXPECT_THAT(run.noted("is InService"), ElementsAre(23s));
  EXPECT_THAT(run.noted("has booted"), ElementsAre(30s));
  const auto healthy = run.noted("is healthy");
  ASSERT_FALSE(healthy.empty());
  EXPECT_GE(healthy[0], 30s);  // its checks fail while it boots
  // The lag ends with the check of the first node that passes it.
  EXPECT_EQ(run.sim.log().spells.at(0).end, sim::time_zero + healthy[0]);
}

// ELB health checks; a new instance needs 3 + 197 s from InService until it serves, and is healthy
// at most 2 checks of 5 s later.
SmallRun slow_start(const std::string& grace_period) {
  return SmallRun(small_experiment(
      "alb: {application_load_balancer: {targets: web, health_check: {interval: 5s, timeout: 2s, "
      "healthy_threshold: 2}}}, " +
          service +
          "asg: {auto_scaling_group: {size: 2, health_check_type: ELB, "
          "health_check_grace_period: " +
          grace_period +
          ", health_check_period: 10s, api_time: 1s, pending_time: 2s, boot: 3s, user_data: 197s}}",
      "horizon: 1h, faults: [{at: 15s, instance_stop: {target: asg, count: 1}}]"));
}

// AS-02
TEST(AutoScalingGroup, Rule15AGracePeriodBelowBootAndUserDataEndsInALoopOfReplacements) {
  for (const char* grace : {"0s", "100s", "190s"}) {
    SmallRun run = slow_start(grace);
    run.sim.run();
    const auto began = run.noted("is InService");
    const auto failed = run.noted("ELB system health check failure");
    ASSERT_GE(failed.size(), 15u) << grace;  // to the end of the hour
    EXPECT_GE(failed.back(), 55min) << grace;
    ASSERT_GE(began.size(), failed.size()) << grace;
    for (std::size_t i = 0; i < failed.size(); ++i) {  // each before it has booted
      EXPECT_LT(failed[i] - began[i], 200s) << grace;
    }
    EXPECT_THAT(run.noted("has booted"), SizeIs(0)) << grace;
    ASSERT_THAT(run.sim.log().spells, SizeIs(1)) << grace;
    EXPECT_FALSE(run.sim.log().spells[0].end) << grace;  // the capacity never comes back
  }
}

// AS-02
TEST(AutoScalingGroup, Rule15AGracePeriodAboveBootAndUserDataLetsTheInstanceServe) {
  SmallRun run = slow_start("220s");
  run.sim.run();
  EXPECT_EQ(run.metric("asg", "Replacements"), 1);  // of the instance that the fault stopped
  EXPECT_THAT(run.noted("is InService"), ElementsAre(23s));
  EXPECT_THAT(run.noted("has booted"), ElementsAre(223s));
  ASSERT_THAT(run.sim.log().spells, SizeIs(1));
  EXPECT_GE(run.sim.log().spells[0].end, sim::time_zero + 223s);
}

// ---- rule 16: how many at a time

TEST(AutoScalingGroup, Rule16InstancesThatDoNotRunAreReplacedAtOnce) {
  SmallRun run(world("size: 10",
                     "horizon: 1min, faults: [{at: 15s, instance_stop: {target: asg, count: 4}}]"));
  run.sim.run();
  EXPECT_THAT(run.noted("taken out of service"), ElementsAre(20s, 20s, 20s, 20s));
  EXPECT_THAT(run.noted("is InService"), ElementsAre(23s, 23s, 23s, 23s));
  EXPECT_THAT(run.noted("has booted"), ElementsAre(30s, 30s, 30s, 30s));
}

// Impaired after at most 75 s, tolerated for 60 s more.
double largest_wave(int size, int crashed) {
  SmallRun run(world(fmt::format("size: {}", size),
                     fmt::format("horizon: 10min, faults: [{{at: 15s, instance_crash: {{target: "
                                 "asg, count: {}}}}}]",
                                 crashed)));
  run.sim.run();
  EXPECT_EQ(run.metric("asg", "Replacements"), crashed);
  const auto replaced = run.noted("taken out of service");
  EXPECT_THAT(replaced, Each(testing::AllOf(Ge(75s), Le(135s + crashed * 20s))));
  return run.metric("asg", "GroupPendingInstances", "max");
}

TEST(AutoScalingGroup, Rule16OthersAreReplacedATenthOfTheGroupAtATime) {
  EXPECT_EQ(largest_wave(20, 5), 2);
  EXPECT_EQ(largest_wave(10, 3), 1);
}

TEST(AutoScalingGroup, Rule16AtLeastOneIsReplacedAtATime) { EXPECT_EQ(largest_wave(3, 2), 1); }

TEST(AutoScalingGroup, Rule16WhileAllAreUnhealthyOneIsReplacedAtATime) {
  SmallRun run(world_behind_alb("size: 20, health_check_type: ELB", "horizon: 5min, " + sick));
  run.sim.run();
  EXPECT_EQ(run.metric("asg", "GroupPendingInstances", "max"), 1);
}

TEST(AutoScalingGroup, Rule16TheReplacementIsLaunchedAlongsideTheTermination) {
  SmallRun run(world_behind_alb("size: 4, health_check_type: ELB", "horizon: 5min, " + sick));
  run.sim.run();
  const Duration first = run.noted("taken out of service").at(0);
  EXPECT_EQ(run.noted("is InService").at(0), first + 3s);  // not after the 300 s of draining
  EXPECT_EQ(run.noted("has booted").at(0), first + 10s);
  EXPECT_GE(run.metric("asg", "GroupTerminatingInstances", "max"), 1);
}

TEST(AutoScalingGroup, ARunningInstanceThatIsReplacedIsALossToo) {
  SmallRun run(world_behind_alb("size: 4, health_check_type: ELB", "horizon: 5min, " + sick));
  run.sim.run();
  ASSERT_THAT(run.sim.log().spells, SizeIs(1));
  EXPECT_EQ(run.sim.log().spells[0].start,
            sim::time_zero + run.noted("taken out of service").at(0));
}

// The status checks' business does not wait for a load balancer whose word is ignored.
TEST(AutoScalingGroup, Rule16AGroupWithEc2ChecksReplacesWhileTargetsAreUnhealthy) {
  SmallRun run(
      world_behind_alb("size: 4",
                       "horizon: 10min, faults: [{at: 50s, slow: {target: web, factor: 10000}}, "
                       "{at: 200s, instance_crash: {target: asg, count: 1}}]"));
  run.sim.run();
  EXPECT_EQ(run.metric("asg", "Replacements"), 1);
}

TEST(AutoScalingGroup, ADeadInstanceIsTerminatedWithoutDraining) {
  SmallRun run(world_behind_alb(
      "size: 2", "horizon: 2min, faults: [{at: 15s, instance_stop: {target: asg, count: 1}}]"));
  std::int64_t terminating = -1;
  run.script.at(
      21s, [&] { terminating = run.find<AutoScalingGroup>("asg").metric.terminating.value(); });
  run.sim.run();
  EXPECT_EQ(terminating, 0);
}

// ---- rule 5: the end of draining

// At 60 s a request begins that takes 100 s of CPU; its instance is unhealthy and gets 10 s.
TEST(AutoScalingGroup, Rule5RequestsThatOutliveTheDeregistrationDelayGetA502) {
  SmallRun run(
      small_experiment("alb: {application_load_balancer: {targets: web, deregistration_delay: 10s, "
                       "idle_timeout: 4000s}}, " +
                           service + group("size: 1, health_check_type: ELB"),
                       "horizon: 10min, " + sick, 1));
  Machine& client = run.machine("alb", {60s});
  run.sim.run();
  const Duration unhealthy = run.noted("taken out of service").at(0);
  EXPECT_LT(unhealthy, 150s);
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{unhealthy + 10s, Outcome::bad_gateway, 0}));
  EXPECT_EQ(run.metric("alb", "HTTPCode_ELB_502_Count"), 1);
}

}  // namespace
}  // namespace windtunnel::test
