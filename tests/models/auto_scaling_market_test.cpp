// Where EC2 has no capacity; several types, On-Demand and Spot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/auto_scaling_world.hpp"

namespace windtunnel::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// ---- insufficient capacity

TEST(InsufficientCapacity, InAZoneSendsLaunchesElsewhere) {
  GroupRun run("size: 2, max_size: 4, insufficient_capacity: [{az: us-east-1c}]", "horizon: 5min");
  run.desire_at(20s, 4);
  std::vector<int> zones;
  run.zones_at(299s, zones);
  run.sim.run();
  EXPECT_THAT(zones, ElementsAre(2, 2, 0));
  EXPECT_THAT(run.noted("us-east-1c failed: InsufficientInstanceCapacity"), testing::Contains(21s));
}

// Both launches of 20 s want the empty zone sooner or later.
TEST(InsufficientCapacity, IsWaitedForWhereTheZonesMustStayBalanced) {
  GroupRun run(
      "size: 2, max_size: 3, availability_zone_distribution: balanced_only, "
      "insufficient_capacity: [{az: us-east-1c, until: 5min}]",
      "horizon: 10min");
  run.desire_at(20s, 3);
  std::vector<int> before, after;
  run.zones_at(299s, before);
  run.zones_at(400s, after);
  run.sim.run();
  EXPECT_THAT(before, ElementsAre(1, 1, 0));
  EXPECT_THAT(after, ElementsAre(1, 1, 1));
}

TEST(InsufficientCapacity, ThatEndsLetsTheGroupRebalance) {
  GroupRun run("size: 2, max_size: 6, insufficient_capacity: [{az: us-east-1c, until: 5min}]",
               "horizon: 20min");
  run.desire_at(20s, 6);
  std::vector<int> before, after;
  run.zones_at(299s, before);
  run.zones_at(1199s, after);
  run.sim.run();
  EXPECT_THAT(before, ElementsAre(3, 3, 0));
  EXPECT_THAT(after, ElementsAre(2, 2, 2));
}

TEST(InsufficientCapacity, EverywhereIsTriedAgainAfterAPause) {
  GroupRun run("size: 1, max_size: 2, launch_retry: 50s, insufficient_capacity: [{until: 2min}]",
               "horizon: 10min");
  run.desire_at(20s, 2);
  run.sim.run();
  // Three zones, a second each; then 50 s. The last try begins at 126 s.
  EXPECT_THAT(run.noted("failed: InsufficientInstanceCapacity"),
              ElementsAre(21s, 22s, 23s, 74s, 75s, 76s));
  EXPECT_THAT(run.noted("is InService"), ElementsAre(129s));
  EXPECT_THAT(run.noted("has booted"), ElementsAre(136s));
}

TEST(InsufficientCapacity, RefusesItsShareOfLaunches) {
  GroupRun run(
      "size: 0, max_size: 1000, availability_zones: [us-east-1a], launch_retry: 1h, "
      "insufficient_capacity: [{share: 20%}]",
      "horizon: 5min");
  run.desire_at(20s, 1000);
  run.sim.run();
  EXPECT_NEAR(static_cast<double>(run.counted("FailedLaunches")), 200, 4 * 12.6);
}

TEST(InsufficientCapacity, DoesNotTouchACapacityReservation) {
  GroupRun run(
      "size: 0, max_size: 6, availability_zones: [us-east-1a], "
      "insufficient_capacity: [{}], capacity_reservations: [{az: us-east-1a, instances: 4}]",
      "horizon: 10min");
  run.desire_at(20s, 3);
  run.desire_at(60s, 6);
  run.sim.run();
  EXPECT_EQ(run.group.in_service().size(), 4u);
}

// ---- types

std::map<std::string, int> types_of(GroupRun& run) {
  std::map<std::string, int> types;
  for (const std::uint32_t i : run.group.in_service()) ++types[run.group.instance_type(i).name];
  return types;
}
using Types = std::map<std::string, int>;

const std::string spot = "mixed_instances_policy: {on_demand_percentage_above_base_capacity: 0%, ";

TEST(MixedInstances, OnDemandTakesTheFirstTypeThatIsToBeHad) {
  GroupRun run(
      "size: 2, max_size: 4, mixed_instances_policy: {overrides: [m5.large, c5.large]}, "
      "insufficient_capacity: [{instance_type: m5.large}]",
      "horizon: 5min");
  run.desire_at(20s, 4);
  run.sim.run();
  EXPECT_EQ(types_of(run), (Types{{"m5.large", 2}, {"c5.large", 2}}));
  EXPECT_THAT(run.noted("is InService"), ElementsAre(24s, 24s));  // a second lost
}

std::vector<bool> spots_of(GroupRun& run) {
  std::vector<bool> spots;
  for (const std::uint32_t i : run.group.in_service()) {
    spots.push_back(run.group.instance(i).order.spot);
  }
  return spots;
}

TEST(MixedInstances, KeepABaseOnDemandAndAShareOfTheRest) {
  GroupRun run(
      "size: 4, min_size: 2, max_size: 12, mixed_instances_policy: "
      "{on_demand_base_capacity: 2, on_demand_percentage_above_base_capacity: 25%, "
      "spot_interruptions: 0/h}",
      "horizon: 10min");
  std::vector<std::ptrdiff_t> spots;
  const auto look = [&](sim::Duration date) {
    run.script.at(date, [&] {
      const auto all = spots_of(run);
      spots.push_back(std::count(all.begin(), all.end(), true));
    });
  };
  look(10s);
  run.desire_at(20s, 12);
  look(60s);
  run.desire_at(70s, 4);
  look(100s);
  run.sim.run();
  // On-Demand: 2 + 25 % of 2, rounded up; 2 + 25 % of 10, rounded up; as before.
  EXPECT_THAT(spots, ElementsAre(1, 7, 1));
}

TEST(MixedInstances, SpotAtTheLowestPriceIsSpreadOverPools) {
  GroupRun run("size: 6, " + spot +
               "spot_interruptions: 0/h, overrides: [{instance_type: m5.large, price: 3}, "
               "{instance_type: c5.large, price: 1}, {instance_type: r5.large, price: 2}]}");
  run.sim.run();
  EXPECT_EQ(types_of(run), (Types{{"c5.large", 3}, {"r5.large", 3}}));
}

Types by_strategy(const std::string& strategy) {
  GroupRun run("size: 4, " + spot + "spot_allocation_strategy: " + strategy +
                   ", overrides: "
                   "[{instance_type: m5.large, price: 3, interruptions: 0.0001/h}, "
                   "{instance_type: c5.large, price: 1, interruptions: 1/h}, "
                   "{instance_type: r5.large, price: 2, interruptions: 0.0002/h}]}",
               "horizon: 1s");
  run.sim.run();
  return types_of(run);
}

TEST(MixedInstances, SpotStrategiesGoByPriceAndInterruptions) {
  EXPECT_EQ(by_strategy("capacity_optimized"), (Types{{"m5.large", 4}}));
  EXPECT_EQ(by_strategy("price_capacity_optimized"), (Types{{"r5.large", 4}}));
  EXPECT_EQ(by_strategy("lowest_price, spot_instance_pools: 1"), (Types{{"c5.large", 4}}));
}

// ---- interruptions

TEST(SpotInterruptions, ComeAtTheirRate) {
  GroupRun run("size: 100, " + spot + "spot_interruptions: 0.5/h}", "horizon: 1h");
  run.sim.run();
  EXPECT_NEAR(static_cast<double>(run.counted("SpotInterruptions")), 50, 4 * 7.1);
}

TEST(SpotInterruptions, FollowTheNoticeAfterTwoMinutes) {
  GroupRun run("size: 5, " + spot + "spot_interruptions: 2/h}", "horizon: 1h");
  run.sim.run();
  const auto notices = run.noted("EC2 Spot Instance Interruption Warning");
  const auto ends = run.noted("EC2 has interrupted");
  ASSERT_GE(ends.size(), 3u);
  for (std::size_t i = 0; i < ends.size(); ++i) EXPECT_EQ(ends[i], notices[i] + 2min);
  EXPECT_GE(run.noted("Rebalance Recommendation").size(), notices.size());
}

TEST(SpotInterruptions, AreReplacedAfterTheFactWithoutCapacityRebalancing) {
  GroupRun run("size: 2, " + spot + "spot_interruptions: 2/h}", "horizon: 1h");
  run.sim.run();
  const auto ends = run.noted("EC2 has interrupted");
  const auto replaced = run.noted("indicating it has been terminated or stopped");
  ASSERT_FALSE(ends.empty());
  ASSERT_THAT(replaced, SizeIs(ends.size()));
  for (std::size_t i = 0; i < ends.size(); ++i) {
    EXPECT_GT(replaced[i], ends[i]);
    EXPECT_LE(replaced[i], ends[i] + 10s);
  }
}

TEST(SpotInterruptions, AreForestalledByCapacityRebalancing) {
  GroupRun run("size: 4, capacity_rebalance: true, " + spot +
                   "spot_interruptions: 2/h, rebalance_recommendation: 5min}",
               "horizon: 1h");
  std::int64_t fewest = 4;
  for (sim::Duration date = 1s; date < 1h; date += 5s) {
    run.script.at(date, [&] { fewest = std::min(fewest, run.group.metric.in_service.value()); });
  }
  run.sim.run();
  EXPECT_GE(run.noted("after its replacement has become ready").size(), 3u);
  EXPECT_EQ(run.counted("SpotInterruptions"), 0);
  EXPECT_EQ(fewest, 4);
}

// The recommendation comes together with the notice; the load balancer would drain for 5 min.
TEST(SpotInterruptions, DoNotWaitForDraining) {
  GroupRun run("size: 3, availability_zones: [us-east-1a], capacity_rebalance: true, " + spot +
                   "spot_interruptions: 1/h, rebalance_recommendation: 0s}",
               "horizon: 1h", "alb: {application_load_balancer: {targets: web}}, " + web_service);
  run.sim.run();
  const auto notices = run.noted("in response to an EC2 Spot interruption notice");
  const auto ends = run.noted("EC2 has interrupted");
  ASSERT_FALSE(ends.empty());
  for (std::size_t i = 0; i < ends.size(); ++i) EXPECT_EQ(ends[i], notices[i] + 2min);
  EXPECT_EQ(run.group.capacity().desired, 3);
  // One replacement each, launched at the notice.
  EXPECT_EQ(run.counted("Launches"), static_cast<std::int64_t>(notices.size()));
}

}  // namespace
}  // namespace windtunnel::test
