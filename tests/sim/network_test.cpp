#include "sim/network.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace windtunnel::sim {
namespace {

using namespace std::chrono_literals;

class NetworkTest : public testing::Test {
 protected:
  NetworkTest() {
    network.set_one_way(a, a, 100us);
    network.set_one_way(a, b, 500us);
    network.set_one_way(a, far, 35ms);
  }
  std::optional<Duration> travel(ZoneId from, ZoneId to, Operation what = Operation::read) {
    const Duration time = network.travel(from, to, what, chance);
    return time == Network::lost ? std::nullopt : std::optional(time);
  }

  Network network;
  ZoneId a = network.add_zone("us-east-1a", "us-east-1");
  ZoneId b = network.add_zone("us-east-1b", "us-east-1");
  ZoneId far = network.add_zone("eu-west-1a", "eu-west-1");
  ZoneId clients = network.add_zone("clients", "");
  Stream chance{9};
};

TEST_F(NetworkTest, TakesTheMedianBothWaysWithoutJitter) {
  EXPECT_EQ(travel(a, b), 500us);
  EXPECT_EQ(travel(b, a), 500us);
  EXPECT_EQ(travel(a, a), 100us);
  EXPECT_EQ(travel(a, far), 35ms);
  EXPECT_EQ(travel(clients, a), 0ns);
}

TEST_F(NetworkTest, FindsZonesByNameAndRegion) {
  EXPECT_EQ(network.find("us-east-1b"), b);
  EXPECT_EQ(network.find("us-east-1z"), std::nullopt);
  EXPECT_EQ(network.zones_of("us-east-1"), (std::vector<ZoneId>{a, b}));
}

TEST_F(NetworkTest, KeepsTimesSetBeforeAnotherZoneIsAdded) {
  network.add_zone("us-east-1c", "us-east-1");
  EXPECT_EQ(travel(a, far), 35ms);
}

TEST_F(NetworkTest, JittersAroundTheMedianWithTheP90Asked) {
  network.set_jitter(1.05);
  std::vector<Duration> times;
  for (int i = 0; i < 200'000; ++i) times.push_back(*travel(a, far));
  std::sort(times.begin(), times.end());
  EXPECT_NEAR(seconds(times[100'000]), 0.035, 0.035 * 0.0005);
  EXPECT_NEAR(seconds(times[180'000]), 0.035 * 1.05, 0.035 * 0.001);
}

TEST_F(NetworkTest, AZoneCutOffReachesOnlyItself) {
  network.set_cut_off(a, true);
  EXPECT_EQ(travel(a, b), std::nullopt);
  EXPECT_EQ(travel(far, a), std::nullopt);
  EXPECT_EQ(travel(clients, a), std::nullopt);
  EXPECT_EQ(travel(a, a), 100us);
  EXPECT_FALSE(network.reaches(b, a));
  network.set_cut_off(b, true);
  network.set_cut_off(a, false);
  EXPECT_EQ(travel(a, b), std::nullopt);  // b still is
  EXPECT_EQ(travel(a, far), 35ms);
}

TEST_F(NetworkTest, ZonesOfOneIslandReachEachOtherAndNobodyElse) {
  network.set_island(a, 7);
  network.set_island(b, 7);
  EXPECT_EQ(travel(a, b), 500us);
  EXPECT_EQ(travel(clients, a), std::nullopt);
  network.set_island(b, 0);
  EXPECT_EQ(travel(a, b), std::nullopt);
  EXPECT_EQ(travel(clients, b), 0ns);
}

TEST_F(NetworkTest, APathIsAsSlowAsItsSlowerEnd) {
  network.set_slow(a, 3);
  EXPECT_EQ(travel(a, b), 1500us);
  EXPECT_EQ(travel(a, a), 300us);  // once, not squared
  network.set_slow(b, 2);
  EXPECT_EQ(travel(b, a), 1500us);
  network.set_slow(a, 1);
  network.set_slow(b, 1);
  EXPECT_EQ(travel(a, b), 500us);
}

TEST_F(NetworkTest, LostPacketsAreSentAgainByTcpWithDoublingWaits) {
  network.set_loss(b, 0.5);
  std::map<Duration, int> waits;
  for (int i = 0; i < 100'000; ++i) {
    if (const auto time = travel(a, b)) ++waits[*time - 500us];  // one of 65,536 never arrives
  }
  EXPECT_NEAR(waits[0ms], 50'000, 800);  // 5 sigma
  EXPECT_NEAR(waits[200ms], 25'000, 700);
  EXPECT_NEAR(waits[600ms], 12'500, 550);
  EXPECT_NEAR(waits[1400ms], 6'250, 400);
}

TEST_F(NetworkTest, LostSynsAreSentAgainAfterASecond) {
  network.set_loss(b, 0.5);
  std::map<Duration, int> waits;
  for (int i = 0; i < 100'000; ++i) {
    if (const auto time = travel(a, b, Operation::connect)) ++waits[*time - 500us];
  }
  EXPECT_NEAR(waits[0s], 50'000, 800);
  EXPECT_NEAR(waits[1s], 25'000, 700);
  EXPECT_NEAR(waits[3s], 12'500, 550);
}

TEST_F(NetworkTest, APathLosesWhatItsWorseEndLosesAndTotalLossArrivesNever) {
  network.set_loss(a, 0.2);
  network.set_loss(b, 0.6);
  int at_once = 0;
  for (int i = 0; i < 100'000; ++i) at_once += travel(a, b) == 500us;
  EXPECT_NEAR(at_once, 40'000, 800);
  network.set_loss(b, 1);
  EXPECT_EQ(travel(a, b), std::nullopt);
}

}  // namespace
}  // namespace windtunnel::sim
