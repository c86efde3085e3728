// Zones: who routes where with cross-zone on and off, and which zones stand in DNS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/models/alb_world.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Outcome;
using sim::ZoneId;
using testing::Each;
using testing::ElementsAre;
using testing::Field;

// Two targets in zone a, eight in zone b.
const std::vector<ZoneId> two_and_eight{0, 0, 1, 1, 1, 1, 1, 1, 1, 1};

// What each target gets of 1,000 requests to either node.
std::vector<double> shares(const std::string& settings) {
  AlbWorld world(settings, two_and_eight, 2);
  NodeName a(*world.alb, 0), b(*world.alb, 1);
  world.call_often(world.machine(a), 1s, 1s, 1000);
  world.call_often(world.machine(b), 1s, 1s, 1000);
  world.sim.run();
  std::vector<double> share(10);
  for (const std::uint32_t target : world.web->chosen()) share[target] += 1.0 / 2000;
  return share;
}

TEST(CrossZone, OnEveryTargetOfTwoZonesGetsTheSame) {
  EXPECT_THAT(shares(""), Each(testing::DoubleNear(0.10, 1e-9)));
}

TEST(CrossZone, OffTheTargetsOfASmallZoneGetMore) {
  const auto share = shares(", cross_zone: false");
  for (int target = 0; target < 2; ++target) EXPECT_NEAR(share[target], 0.25, 1e-9);
  for (int target = 2; target < 10; ++target) EXPECT_NEAR(share[target], 0.0625, 1e-9);
}

TEST(CrossZone, Rule3OffAnEmptyZoneAnswers503) {
  AlbWorld world(", cross_zone: false", {1, 1}, 2);
  NodeName a(*world.alb, 0), b(*world.alb, 1);
  Machine &via_a = world.machine(a), &via_b = world.machine(b);
  world.call_at(via_a, {1s});
  world.call_at(via_b, {1s});
  world.sim.run();
  EXPECT_THAT(via_a.ended, Each(Field(&Machine::End::outcome, Outcome::unavailable)));
  EXPECT_THAT(via_b.ended, Each(Field(&Machine::End::outcome, Outcome::ok)));
  EXPECT_EQ(world.alb->metric.elb_503.value(), 1u);
}

TEST(CrossZone, OffAZoneWithUnhealthyTargetsOnlyRoutesToThem) {
  AlbWorld world(", cross_zone: false", {0, 1}, 2);
  world.web->passes = {false, true};
  NodeName a(*world.alb, 0);
  Machine& via_a = world.machine(a);
  world.call_at(via_a, {100s});
  world.sim.run();
  EXPECT_THAT(world.web->chosen(), ElementsAre(0));
}

TEST(Zones, ATargetInAZoneWithoutANodeIsUnused) {
  AlbWorld world(", availability_zones: [us-east-1a]", {0, 1}, 2);
  world.call_often(world.machine(*world.alb), 1s, 1s, 4);
  world.sim.run();
  EXPECT_THAT(world.web->chosen(), Each(0u));
  EXPECT_THAT(world.web->checks, Each(Field(&StubTargets::Seen::target, 0u)));
}

// ---- DNS

// The nodes whose addresses are in DNS, seen at some dates.
class ZonesInDns : public testing::Test {
 protected:
  void begin(const std::string& settings, const std::vector<ZoneId>& where, std::size_t zones) {
    world = std::make_unique<AlbWorld>(settings + dns, where, zones);
  }
  void look(Duration date) {
    world->script->at(date, [this] {
      sim::Stream chance;
      std::vector<std::uint32_t> nodes;
      for (const auto& address : world->alb->resolve({sim::Operation::read, chance}).addresses) {
        nodes.push_back(address.node);
      }
      std::sort(nodes.begin(), nodes.end());
      seen.push_back(nodes);
    });
  }
  void set(Duration date, std::vector<bool> passes) {
    world->script->at(date, [this, passes] { world->web->passes = passes; });
  }

  // Detection within 60 s of checks that fail at once, and 30 s until DNS knows.
  static constexpr auto dns = ", elb_dns_removal: 30s";
  std::unique_ptr<AlbWorld> world;
  std::vector<std::vector<std::uint32_t>> seen;
};

using Nodes = std::vector<std::uint32_t>;

TEST_F(ZonesInDns, WithCrossZoneOffAZoneWithoutHealthyTargetsLeavesUntilItHasOne) {
  begin(", cross_zone: false", {0, 0, 1}, 2);
  set(100s, {false, true, true});
  look(250s);  // one is healthy still
  set(300s, {false, false, true});
  look(320s);
  look(450s);
  set(500s, {false, true, true});
  look(800s);  // five passes later
  world->sim.run();
  EXPECT_THAT(seen, ElementsAre(Nodes{0, 1}, Nodes{0, 1}, Nodes{1}, Nodes{0, 1}));
}

TEST_F(ZonesInDns, WithCrossZoneOnUnhealthyTargetsOfOneZoneDoNotMoveIt) {
  begin("", {0, 1}, 2);
  set(100s, {false, true});
  look(450s);
  world->sim.run();
  EXPECT_THAT(seen, ElementsAre(Nodes{0, 1}));
}

TEST_F(ZonesInDns, WhenAllZonesAreUnhealthyAllStay) {
  begin(", cross_zone: false", {0, 1}, 2);
  set(100s, {false, false});
  look(450s);
  world->sim.run();
  EXPECT_THAT(seen, ElementsAre(Nodes{0, 1}));
}

TEST_F(ZonesInDns, Rule4OneFailingTargetGroupFailsTheZoneForAllOfThem) {
  begin(
      "target_groups: [{name: web, targets: web, cross_zone: false}, "
      "{name: api, targets: api, cross_zone: false}], default_action: [web, api]",
      {0, 1}, 2);
  world->script->at(100s, [this] { world->api->passes = {true, false}; });
  look(450s);
  world->sim.run();
  EXPECT_THAT(seen, ElementsAre(Nodes{0}));
}

TEST_F(ZonesInDns, AThresholdMayAskForMoreThanOneHealthyTarget) {
  begin(", cross_zone: false, dns_failover: {minimum_healthy_targets_count: 2}", {0, 0, 1, 1}, 2);
  set(100s, {false, true, true, true});
  look(450s);
  world->sim.run();
  EXPECT_THAT(seen, ElementsAre(Nodes{1}));
}

TEST_F(ZonesInDns, AThresholdMayBeAShareOfTheTargets) {
  begin(", cross_zone: false, dns_failover: {minimum_healthy_targets_percentage: 60%}",
        {0, 0, 0, 1, 1, 1}, 2);
  set(100s, {false, true, true, true, true, true});  // 67 %
  look(250s);
  set(300s, {false, false, true, true, true, true});  // 33 %
  look(450s);
  world->sim.run();
  EXPECT_THAT(seen, ElementsAre(Nodes{0, 1}, Nodes{1}));
}

TEST_F(ZonesInDns, ThresholdZeroTurnsItOff) {
  begin(", cross_zone: false, dns_failover: {minimum_healthy_targets_count: 0}", {0, 1}, 2);
  set(100s, {false, true});
  look(450s);
  world->sim.run();
  EXPECT_THAT(seen, ElementsAre(Nodes{0, 1}));
}

// ---- routing failover

TEST(RoutingFailover, Rule3WithFewerHealthyTargetsThanAskedForAllGetTraffic) {
  AlbWorld world(
      ", unhealthy_state_routing: {minimum_healthy_targets_count: 2}, "
      "dns_failover: {minimum_healthy_targets_count: 2}",
      3);
  world.web->passes = {true, false, false};
  world.call_often(world.machine(*world.alb), 100s, 1s, 3);
  world.sim.run();
  EXPECT_THAT(world.web->chosen(), testing::UnorderedElementsAre(0, 1, 2));
  EXPECT_EQ(world.alb->metric.fail_open.value(), 3u);
}

TEST(RoutingFailover, AShareOfHealthyTargetsMayBeAskedFor) {
  AlbWorld world(", unhealthy_state_routing: {minimum_healthy_targets_percentage: 50%}", 3);
  world.web->passes = {true, true, false};
  world.call_often(world.machine(*world.alb), 100s, 1s, 30);
  world.script->at(200s, [&] { world.web->passes = {true, false, false}; });
  world.call_often(world.machine(*world.alb), 300s, 1s, 3);
  world.sim.run();
  const auto chosen = world.web->chosen();
  EXPECT_EQ(std::count(chosen.begin(), chosen.begin() + 30, 2), 0);
  EXPECT_EQ(std::count(chosen.begin() + 30, chosen.end(), 2), 1);
}

// Keep-alive clients stay where they are: only who connects anew is moved.
TEST(ZonesOfClients, Rule4ABusyClientStaysAtAZoneThatLeftDns) {
  AlbWorld world(", cross_zone: false", {0, 1}, 2);
  world.script->at(100s, [&] { world.web->passes = {false, true}; });
  std::vector<Machine*> machines;
  for (int i = 0; i < 8; ++i) {
    machines.push_back(&world.machine(*world.alb));
    world.call_often(*machines.back(), 1s, 30s, 20);  // until 571 s
  }
  world.sim.run();
  int at_a = 0;
  for (const Machine* machine : machines) {
    at_a += machine->ended.back().node == 0;
    EXPECT_EQ(machine->ended.front().node, machine->ended.back().node);
  }
  EXPECT_GT(at_a, 0);
}

}  // namespace
}  // namespace windtunnel::test
