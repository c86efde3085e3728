// Scaling lag as the definitions have it, on a fleet that the test scales by hand: instances of one
// worker, requests of one second, so demand in workers is the rate of arrivals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/mechanisms/demand_meter.hpp"
#include "tests/models/program_world.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr const char* one_worker = "service_time: 1s, workers: 1, queue: 10000";

sim::Time date(Duration since_start) { return sim::time_zero + since_start; }

// A request every 2 s, and from 100 s on one every half second: demand goes from 0.5 to 2. In the
// ten seconds up to 102 s there are 8 arrivals, 80 % of the one worker, and 10 in those up to 103
// s.
struct RisingLoad {
  explicit RisingLoad(Duration until = 400s, const ProgramWorld::Shape& shape = {})
      : world(one_worker, shape) {
    Machine& client = world.machine();
    world.load(client, 0s, 100s, 2s);
    world.load(client, 100s, until, 500ms);
  }
  // Two more instances: 2 is at most 80 % of 3.
  void scale_out_at(Duration at, const LaunchRecord& record = {}) {
    for (const std::uint32_t i : {1u, 2u}) {
      world.fleet.records[i] = record;
      world.script.at(at, [this, i] { world.fleet.in_service_now(i); });
    }
  }
  std::vector<sim::LagSpell> spells() {
    world.sim.run();
    return world.sim.log().spells;
  }
  ProgramWorld world;
};

std::vector<std::pair<std::string, Duration>> parts(const sim::LagSpell& spell) {
  std::vector<std::pair<std::string, Duration>> found;
  for (const auto& part : spell.parts) {
    if (part.length > 0s) found.push_back({part.name, part.length});
  }
  return found;
}

TEST(ScalingLag, IsTheTimeThatDemandIsAboveFourFifthsOfCapacity) {
  RisingLoad load;
  load.scale_out_at(200s);
  const auto spells = load.spells();
  ASSERT_THAT(spells, SizeIs(1));
  EXPECT_EQ(spells[0].component, "web");
  EXPECT_EQ(spells[0].kind, "scaling");
  EXPECT_EQ(spells[0].start, date(103s));
  EXPECT_EQ(spells[0].end, date(200s));
}

TEST(ScalingLag, IsSplitAsTheLaunchOfTheInstanceThatEndedIt) {
  RisingLoad load;
  LaunchRecord record;
  record.breached = date(130s);
  record.alarm = date(140s);
  record.decided = record.launched = date(145s);
  record.stages = {{"API", date(147s)},
                   {"pending", date(155s)},
                   {"boot", date(170s)},
                   {"user data", date(200s)}};
  record.in_service = date(200s);
  load.scale_out_at(200s, record);
  const auto spells = load.spells();
  ASSERT_THAT(spells, SizeIs(1));
  EXPECT_THAT(
      parts(spells[0]),
      ElementsAre(Pair("metric", 27s), Pair("alarm", 10s), Pair("action", 5s), Pair("API", 2s),
                  Pair("pending", 8s), Pair("boot", 15s), Pair("user data", 30s)));
}

// Behind a load balancer an instance in service counts only when it is healthy.
TEST(ScalingLag, EndsWithTheHealthCheckOfTheInstance) {
  RisingLoad load;
  load.world.script.at(1s, [&] { load.world.web.set_deregistration_delay(0s); });
  LaunchRecord record;
  record.launched = date(150s);
  record.stages = {{"boot", date(200s)}};
  load.scale_out_at(200s, record);
  for (const std::uint32_t i : {1u, 2u}) {
    load.world.script.at(230s, [&load, i] { load.world.web.report_target_health(i, true); });
  }
  const auto spells = load.spells();
  ASSERT_THAT(spells, SizeIs(1));
  EXPECT_THAT(parts(spells[0]),
              ElementsAre(Pair("action", 47s), Pair("boot", 50s), Pair("health check", 30s)));
}

// The instances come too late to be what ended it: demand fell from 150 s on. There are 8 arrivals
// in the ten seconds up to 155.5 s.
TEST(ScalingLag, ThatNoInstanceEndsIsSettling) {
  RisingLoad load(150s);
  load.scale_out_at(300s);
  const auto spells = load.spells();
  ASSERT_THAT(spells, SizeIs(1));
  EXPECT_THAT(parts(spells[0]), ElementsAre(Pair("settling", 156s - 103s)));
}

// The instance was there at 200 s, demand fell below 80 % of the two at 405 s or so: what is left
// is warm-up while it lasts, then settling.
TEST(ScalingLag, AfterAnInstanceIsHealthyIsWarmUpAndThenSettling) {
  RisingLoad load(400s);
  LaunchRecord record;
  record.launched = date(150s);
  record.stages = {{"boot", date(200s)}};
  record.warm = date(290s);
  load.world.fleet.records[1] = record;
  load.world.script.at(200s, [&] { load.world.fleet.in_service_now(1); });
  const auto spells = load.spells();
  ASSERT_THAT(spells, SizeIs(1));
  const Duration rest = *spells[0].end - date(290s);
  EXPECT_THAT(parts(spells[0]), ElementsAre(Pair("action", 47s), Pair("boot", 50s),
                                            Pair("warm-up", 90s), Pair("settling", rest)));
}

TEST(ScalingLag, PartsSumToTheSpell) {
  RisingLoad load;
  LaunchRecord record;  // begun long before the spell, and one date after its end
  record.breached = date(50s);
  record.alarm = date(60s);
  record.launched = date(110s);
  record.stages = {{"API", date(115s)}, {"boot", date(205s)}};
  record.warm = date(500s);
  load.scale_out_at(200s, record);
  const auto spells = load.spells();
  ASSERT_THAT(spells, SizeIs(1));
  Duration sum{0};
  for (const auto& part : spells[0].parts) sum += part.length;
  EXPECT_EQ(sum, *spells[0].end - spells[0].start);
}

TEST(ScalingLag, IsNoneWhileDemandStaysWithin) {
  ProgramWorld world(one_worker, {});
  world.load(world.machine(), 0s, 1000s, 2s);
  world.sim.run();
  EXPECT_THAT(world.sim.log().spells, IsEmpty());
}

// Ten seconds of too much demand open a spell, nine do not.
TEST(ScalingLag, ASpellOpensOnlyAfterTenSeconds) {
  for (const auto& [until, spells] : {std::pair{106s, 0u}, std::pair{108s, 1u}}) {
    RisingLoad load(until);
    EXPECT_THAT(load.spells(), SizeIs(spells)) << until.count();
  }
}

TEST(ScalingLag, WithoutEndAtTheHorizonIsLeftOpen) {
  RisingLoad load(400s, {.horizon = 300s});
  const auto spells = load.spells();
  ASSERT_THAT(spells, SizeIs(1));
  EXPECT_EQ(spells[0].start, date(103s));
  EXPECT_FALSE(spells[0].end);
}

TEST(ScalingLag, OfAFleetThatCannotScaleIsNotMeasured) {
  RisingLoad load;
  load.world.fleet.scales_ = false;
  EXPECT_THAT(load.spells(), IsEmpty());
  EXPECT_THROW(load.world.metric("InstanceSecondsBelowNeed"), std::runtime_error);
}

TEST(ScalingLag, DuringTheWarmUpOfTheRunDoesNotCount) {
  RisingLoad load(400s, {.warm_up = 104s});
  load.scale_out_at(200s);
  EXPECT_THAT(load.spells(), IsEmpty());
}

TEST(ScalingLag, CountsInstanceSecondsAboveAndBelowNeed) {
  RisingLoad load(300s);
  load.scale_out_at(500ms);
  double before = 0, above = 0, below = 0;
  const auto read = [&] { return load.world.metric("InstanceSecondsAboveNeed"); };
  load.world.script.at(50500ms, [&] { before = read(); });
  load.world.script.at(90500ms, [&] { above = read() - before; });
  // One stays: the need at demand 2 is 3.
  for (const std::uint32_t i : {1u, 2u}) {
    load.world.script.at(200500ms, [&load, i] { load.world.fleet.terminate(i); });
  }
  load.world.script.at(240500ms, [&] { below = load.world.metric("InstanceSecondsBelowNeed"); });
  load.world.sim.run();
  EXPECT_EQ(above, 40 * (3 - 1));
  EXPECT_EQ(below, 40 * (3 - 1));
}

// All requests wait at the first instance: 400 of a second each, the last begins at 499 s.
TEST(ScalingLag, DrainsFromItsEndUntilNoRequestWaits) {
  RisingLoad load(300s);
  load.scale_out_at(200s);
  ASSERT_THAT(load.spells(), SizeIs(1));
  EXPECT_EQ(load.world.metric("DrainTime", "count"), 1);
  EXPECT_NEAR(load.world.metric("DrainTime", "max"), 299, 1e-9);
}

TEST(ScalingLag, WithAnEmptyQueueDrainsAtOnce) {
  ProgramWorld world("service_time: 1s, workers: 4, vcpus: 4", {});  // 0.8 x 4 = 3.2
  world.load(world.machine(), 100s, 200s, 300ms);
  world.script.at(150s, [&] { world.fleet.in_service_now(1); });
  world.sim.run();
  ASSERT_THAT(world.sim.log().spells, SizeIs(1));
  EXPECT_EQ(world.metric("DrainTime", "count"), 1);
  EXPECT_EQ(world.metric("DrainTime", "max"), 0);
}

TEST(ScalingLag, ShareAndTimeAreSettings) {
  ProgramWorld world(std::string(one_worker) + ", scaling_lag: {share: 40%, held_for: 30s}", {});
  world.load(world.machine(), 100s, 200s, 2s);  // 0.5 of a worker
  world.sim.run();
  ASSERT_THAT(world.sim.log().spells, SizeIs(1));
  EXPECT_EQ(world.sim.log().spells[0].start, date(108s));  // the fifth arrival
}

}  // namespace
}  // namespace windtunnel::test
