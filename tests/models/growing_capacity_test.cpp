#include "models/mechanisms/growing_capacity.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "tests/support/scripted.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;

// 100 requests/s at two nodes, growing to the double within 5 minutes, shrinking after an hour.
class GrowingCapacityTest : public testing::Test {
 protected:
  // So many requests/s, evenly spaced, to the nodes by turns.
  void offer(Duration from, Duration to, int rate) {
    for (Duration date = from; date < to; date += 1s) {
      script.at(date, [this, rate, date] {
        for (int i = 0; i < rate; ++i) {
          const bool taken = capacity.admits(static_cast<std::uint32_t>(i % 2));
          (taken ? admitted : refused)[date / 1min] += 1;
        }
      });
    }
  }
  void look(Duration date) {
    script.at(date, [this] { seen.push_back(capacity.capacity()); });
  }
  void run() {
    script.at(0s, [this] { capacity.start(); });
    sim.run();
  }

  sim::Simulation sim{{.horizon = 3h}};
  Script& script = add_script(sim);
  GrowingCapacity capacity{script, {.initial = 100}, 2};
  std::map<std::int64_t, int> admitted, refused;  // by minute
  std::vector<double> seen;
};

TEST_F(GrowingCapacityTest, WhatIsMoreThanItsCapacityIsRefused) {
  offer(0s, 1min, 150);
  run();
  EXPECT_EQ(admitted[0], 60 * 100);
  EXPECT_EQ(refused[0], 60 * 50);
}

TEST_F(GrowingCapacityTest, EachNodeHasItsPartOnly) {
  script.at(1s, [this] {
    for (int i = 0; i < 100; ++i) refused[0] += !capacity.admits(0);
  });
  run();
  EXPECT_EQ(refused[0], 50);
}

// The first minute is above 70 %; five more and it has doubled.
TEST_F(GrowingCapacityTest, AMinuteOfTooMuchMakesItGrowAfterItsTime) {
  offer(0s, 10min, 80);
  look(359s);
  look(361s);
  look(599s);
  run();
  EXPECT_EQ(seen, (std::vector<double>{100, 200, 200}));
}

// 300/s: 200 after 1 + 5 minutes, 400 after 5 more and, since that is 75 % of it, 800 after 5 more.
TEST_F(GrowingCapacityTest, EveryStepDoublesItAndTakesAsLong) {
  offer(0s, 30min, 300);
  look(10min + 59s);
  look(11min + 1s);
  look(25min);
  run();
  EXPECT_EQ(seen, (std::vector<double>{200, 400, 800}));
  EXPECT_EQ(refused[9], 60 * 100);
  EXPECT_EQ(refused[12], 0);
}

TEST_F(GrowingCapacityTest, AnHourWithoutNeedMakesItShrinkAgain) {
  offer(0s, 6min, 80);
  look(65min);
  look(68min);
  look(170min);
  run();
  EXPECT_EQ(seen, (std::vector<double>{200, 100, 100}));
}

TEST(ReservedCapacityTest, WhatIsReservedIsThereFromTheStart) {
  sim::Simulation sim({.horizon = 1h});
  const GrowingCapacity capacity(add_script(sim), {.initial = 100, .reserved = 1000}, 2);
  EXPECT_EQ(capacity.capacity(), 1000);
}

}  // namespace
}  // namespace windtunnel::test
