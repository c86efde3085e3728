#include "models/mechanisms/slow_start.hpp"

#include <gtest/gtest.h>

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::time_zero;

// A turn every 10 ms for 100 s; after t of them a linear share has taken t^2 / 200 s of its turns.
TEST(SlowStartTest, AShareRisesLinearlyFromNothingToAll) {
  SlowStart slow(100s, 1);
  slow.begin(0, time_zero);
  int taken = 0, at_half = 0;
  for (int turn = 0; turn < 10'000; ++turn) {
    taken += slow.takes(0, time_zero + turn * 10ms);
    if (turn == 4'999) at_half = taken;
  }
  EXPECT_NEAR(at_half, 1'250, 1);
  EXPECT_NEAR(taken, 5'000, 1);
}

TEST(SlowStartTest, TurnsAreTakenEvenlySpread) {
  SlowStart slow(100s, 1);
  slow.begin(0, time_zero);
  // About 50 s into it every second turn is taken.
  int runs = 0;
  bool last = false;
  for (int turn = 0; turn < 100; ++turn) {
    const bool takes = slow.takes(0, time_zero + 50s);
    runs += turn > 0 && takes == last;
    last = takes;
  }
  EXPECT_EQ(runs, 0);
}

TEST(SlowStartTest, ItEndsWithItsDurationOrWhenItIsEnded) {
  SlowStart slow(100s, 2);
  slow.begin(0, time_zero);
  slow.begin(1, time_zero);
  EXPECT_EQ(slow.starting(), 2u);
  EXPECT_TRUE(slow.takes(0, time_zero + 100s));
  slow.end(1);
  EXPECT_EQ(slow.starting(), 0u);
  EXPECT_TRUE(slow.takes(1, time_zero + 1s));
}

TEST(SlowStartTest, WithoutADurationNobodyStartsSlowly) {
  SlowStart slow(0s, 1);
  slow.begin(0, time_zero);
  EXPECT_EQ(slow.starting(), 0u);
}

}  // namespace
}  // namespace windtunnel
