#include "models/mechanisms/anomaly_mitigation.hpp"

#include <gtest/gtest.h>

namespace windtunnel {
namespace {

class AnomalyMitigationTest : public testing::Test {
 protected:
  // A period in which each target answers 100 requests, so many of them with an error.
  void period(const std::vector<int>& errors) {
    std::vector<std::uint32_t> healthy;
    for (std::uint32_t target = 0; target < errors.size(); ++target) {
      healthy.push_back(target);
      for (int i = 0; i < 100; ++i) mitigation.record(target, i < errors[target]);
    }
    mitigation.adjust(healthy);
  }
  AnomalyMitigation mitigation{{}, 4};
};

TEST_F(AnomalyMitigationTest, ATargetWithMoreErrorsThanItsPeersLosesWeightEveryPeriod) {
  period({0, 0, 0, 50});
  EXPECT_TRUE(mitigation.anomalous(3));
  EXPECT_EQ(mitigation.weight(3), 0.5);
  period({0, 0, 0, 50});
  EXPECT_EQ(mitigation.weight(3), 0.25);
  EXPECT_EQ(mitigation.weight(0), 1);
}

TEST_F(AnomalyMitigationTest, ItKeepsTheLeastWeight) {
  for (int i = 0; i < 20; ++i) period({0, 0, 0, 100});
  EXPECT_EQ(mitigation.weight(3), 0.01);
}

TEST_F(AnomalyMitigationTest, ErrorsThatAllHaveAreNoAnomaly) {
  period({50, 50, 50, 55});
  EXPECT_EQ(mitigation.anomalous_targets(), 0u);
}

TEST_F(AnomalyMitigationTest, WithTwoTargetsThereAreNoPeers) {
  period({0, 100});
  EXPECT_FALSE(mitigation.anomalous(1));
  EXPECT_EQ(mitigation.weight(1), 1);
}

// What it remembers halves every 15 s, three periods: 50 % falls below 10 % after about ten more.
TEST_F(AnomalyMitigationTest, ARecoveredTargetGetsItsWeightBackByAndBy) {
  for (int i = 0; i < 3; ++i) period({0, 0, 0, 100});
  EXPECT_EQ(mitigation.weight(3), 0.125);
  int periods = 0;
  while (mitigation.anomalous(3)) {
    period({0, 0, 0, 0});
    ASSERT_LT(++periods, 20);
  }
  const double least = mitigation.weight(3);
  period({0, 0, 0, 0});
  EXPECT_EQ(mitigation.weight(3), 2 * least);
  for (int i = 0; i < 7; ++i) period({0, 0, 0, 0});
  EXPECT_EQ(mitigation.weight(3), 1);
}

TEST_F(AnomalyMitigationTest, AFewRequestsAreNoEvidence) {
  for (int i = 0; i < 4; ++i) mitigation.record(3, true);
  mitigation.adjust({0, 1, 2, 3});
  EXPECT_FALSE(mitigation.anomalous(3));
}

}  // namespace
}  // namespace windtunnel
