#include "models/mechanisms/health_state.hpp"

#include <gtest/gtest.h>

namespace windtunnel {
namespace {

using State = HealthState::State;

// True for each result that changed the state, as a string of "p" and "f" in, "." and "!" out.
std::string changes(HealthState& health, const std::string& results) {
  std::string out;
  for (const char result : results) out += health.record(result == 'p') ? '!' : '.';
  return out;
}

TEST(HealthState, ANewAlbTargetNeedsASinglePass) {
  HealthState target(5, 2, 1);
  EXPECT_EQ(target.state(), State::initial);
  EXPECT_FALSE(target.healthy());
  EXPECT_EQ(changes(target, "p"), "!");
  EXPECT_TRUE(target.healthy());
}

TEST(HealthState, ANewTargetThatFailsFirstStillNeedsASinglePass) {
  HealthState target(5, 2, 1);
  EXPECT_EQ(changes(target, "fp"), ".!");
  EXPECT_TRUE(target.healthy());
}

TEST(HealthState, ANewTargetThatKeepsFailingIsUnhealthyAfterTheFailureThreshold) {
  HealthState target(5, 2, 1);
  EXPECT_EQ(changes(target, "ff"), ".!");
  EXPECT_EQ(target.state(), State::unhealthy);
}

TEST(HealthState, AnUnhealthyTargetNeedsAllPassesAgain) {
  HealthState target(5, 2, 1);
  EXPECT_EQ(changes(target,
                    "pff"
                    "ppppp"),
            "!.!"
            "....!");
}

TEST(HealthState, SymmetricThresholdsCountAlike) {
  HealthState checker(3, 3, 3, State::healthy);
  EXPECT_EQ(changes(checker,
                    "fff"
                    "ppp"
                    "fff"),
            "..!"
            "..!"
            "..!");
}

TEST(HealthState, OnlyConsecutiveResultsCount) {
  HealthState checker(3, 3, 3, State::healthy);
  EXPECT_EQ(changes(checker, "ffpffpffp"), ".........");
  EXPECT_EQ(changes(checker, "fff"), "..!");
  EXPECT_EQ(changes(checker, "ppfppfpp"), "........");
  EXPECT_FALSE(checker.healthy());
}

TEST(HealthState, PassesBeforeAFailureDoNotCountForTheRecovery) {
  HealthState checker(2, 1, 1, State::healthy);
  EXPECT_EQ(changes(checker,
                    "pppp"
                    "f"
                    "p"
                    "p"),
            "...."
            "!"
            "."
            "!");
}

TEST(HealthState, AThresholdOfOneFollowsEveryResult) {
  HealthState checker(1, 1, 1, State::healthy);
  EXPECT_EQ(changes(checker, "pfpffp"), ".!!!.!");
}

TEST(HealthState, MoreOfTheSameChangesNothing) {
  HealthState checker(3, 3, 3, State::healthy);
  EXPECT_EQ(changes(checker, "ffffff"), "..!...");
}

}  // namespace
}  // namespace windtunnel
