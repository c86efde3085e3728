// The fourth fastest of six, by hand and against the expectation of order statistics.
#include "models/mechanisms/quorum.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "tests/models/aurora_world.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Distribution;
using sim::Duration;

struct Three {
  explicit Three(const Distribution& time, std::vector<sim::ZoneId> where = {0, 1, 2},
                 Duration within = 100us, Duration between = 300us) {
    for (const char* zone : {"a", "b", "c"}) sim.network().add_zone(zone, "r");
    for (sim::ZoneId a = 0; a < 3; ++a) {
      for (sim::ZoneId b = 0; b < 3; ++b)
        sim.network().set_one_way(a, b, a == b ? within : between);
    }
    owner = &sim.add(std::make_unique<aurora_test::Script>(sim));
    quorum.emplace(*owner, Quorum::Shape{.write_time = time}, where);
  }
  double mean(int writes = 200'000) {
    double sum = 0;
    for (int i = 0; i < writes; ++i) sum += sim::seconds(*quorum->write(0));
    return sum / writes;
  }
  // What a network fault does, inside an operation.
  void during(std::function<void()> fault, std::function<void()> check) {
    auto* script = static_cast<aurora_test::Script*>(owner);
    script->at(1s, std::move(fault));
    script->at(2s, std::move(check));
    sim.run();
  }

  sim::Simulation sim{{.horizon = 10s}};
  sim::Component* owner;
  std::optional<Quorum> quorum;
};

TEST(Quorum, WaitsForTwoCopiesHereAndTwoOfTheNearestElsewhere) {
  Three three(Distribution::constant(1ms));
  EXPECT_EQ(*three.quorum->write(0), 1600us);
}

TEST(Quorum, FourthOfSixExponentialAcknowledgementsHasTheExpectedMean) {
  Three three(Distribution::exponential(0.001), {0, 1, 2}, 0us, 0us);
  EXPECT_NEAR(three.mean(), 1e-3 * (1.0 / 6 + 1.0 / 5 + 1.0 / 4 + 1.0 / 3), 5e-6);
}

TEST(Quorum, WithoutAZoneItWaitsForTheSlowestOfFour) {
  Three three(Distribution::exponential(0.001), {0, 1, 2}, 0us, 0us);
  three.quorum->set_power(2, false);
  EXPECT_NEAR(three.mean(), 1e-3 * (1.0 / 4 + 1.0 / 3 + 1.0 / 2 + 1), 1e-5);
}

TEST(Quorum, SlowCopiesDoNotMatterUntilThreeOfThemAre) {
  Three three(Distribution::constant(1ms));
  auto& network = three.sim.network();
  three.during([&] { network.set_slow(2, 100); },
               [&] { EXPECT_EQ(*three.quorum->write(0), 1600us); });
  Three worse(Distribution::constant(1ms));
  worse.during(
      [&] {
        worse.sim.network().set_slow(1, 100);
        worse.sim.network().set_slow(2, 100);
      },
      [&] { EXPECT_EQ(*worse.quorum->write(0), 61ms); });
}

TEST(Quorum, AWriteSurvivesAZoneAndAReadAZoneAndACopy) {
  Three three(Distribution::constant(1ms));
  three.quorum->set_power(2, false);
  EXPECT_TRUE(three.quorum->writable(0));
  three.quorum->set_broken(0, true);
  EXPECT_FALSE(three.quorum->writable(0));
  EXPECT_TRUE(three.quorum->readable(0));
  EXPECT_FALSE(three.quorum->write(0));
  three.quorum->set_broken(1, true);
  EXPECT_FALSE(three.quorum->readable(0));
}

TEST(Quorum, CopiesBehindACutAreOutOfReach) {
  Three three(Distribution::constant(1ms));
  three.during([&] { three.sim.network().set_cut_off(0, true); },
               [&] {
                 EXPECT_FALSE(three.quorum->write(0));  // alone with its two copies
                 EXPECT_TRUE(three.quorum->write(1));
                 EXPECT_EQ(three.quorum->reachable(1), 4u);
               });
}

TEST(Quorum, SixCopiesInFewerZonesShareThem) {
  Three one(Distribution::constant(1ms), {0});
  EXPECT_EQ(*one.quorum->write(0), 1200us);
  Three two(Distribution::constant(1ms), {0, 1});
  EXPECT_EQ(*two.quorum->write(0), 1600us);
  two.quorum->set_power(1, false);
  EXPECT_TRUE(two.quorum->readable(0));
  EXPECT_FALSE(two.quorum->writable(0));
}

}  // namespace
}  // namespace windtunnel
