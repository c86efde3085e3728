#include "models/mechanisms/route53_checkers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/scripted.hpp"
#include "tests/support/stub_service.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Operation;
using sim::Outcome;
using sim::time_zero;
using test::StubService;

// A health check of its own, without a record.
class Check final : public sim::Component, public Route53Checkers::Listener {
 public:
  Check(sim::Simulation& sim, StubService& target, const Route53Checkers::Settings& settings)
      : Component(sim, "check"), checkers(*this, target, settings, *this) {}
  void start() override { checkers.start(); }
  void on_checker_changed(bool verdict_changed) override {
    ++changed_minds;
    if (verdict_changed) verdicts.emplace_back(sim().now() - time_zero, checkers.healthy());
  }
  Route53Checkers checkers;
  int changed_minds = 0;
  std::vector<std::pair<Duration, bool>> verdicts;
};

class Route53CheckersTest : public testing::Test {
 protected:
  Route53CheckersTest() {
    sim.network().add_zone("us-east-1a", "us-east-1");
    web = &static_cast<StubService&>(sim.add(std::make_unique<StubService>(sim, "web", 2)));
    settings.interval = 10s;
    settings.one_way = 0s;
  }
  Check& check() {
    return static_cast<Check&>(sim.add(std::make_unique<Check>(sim, *web, settings)));
  }
  // From the fault at 100 s to the first verdict, seconds.
  static double detection(const Check& check) {
    return check.verdicts.empty() ? -1 : sim::seconds(check.verdicts.front().first) - 100;
  }

  sim::Simulation sim{{.horizon = 10min}};
  test::Script& script = test::add_script(sim);
  Route53Checkers::Settings settings;
  StubService* web;
};

TEST_F(Route53CheckersTest, AHealthyTargetChangesNobodysMind) {
  auto& health = check();
  sim.run();
  EXPECT_EQ(health.changed_minds, 0);
  EXPECT_TRUE(health.checkers.healthy());
  EXPECT_EQ(health.checkers.healthy_checkers(), 16u);
}

TEST_F(Route53CheckersTest, TheNextRequestFollowsOneIntervalAfterTheAnswer) {
  settings.checkers = 1;
  settings.one_way = 40ms;
  web->service_time = 1s;
  check();
  sim.run();
  // Connecting 80 ms, request and answer 80 ms, service 1 s, pause 10 s.
  ASSERT_GT(web->requests.size(), 10u);
  for (std::size_t i = 1; i < web->requests.size(); ++i) {
    EXPECT_EQ(web->requests[i].at - web->requests[i - 1].at, 11'160ms);
  }
}

TEST_F(Route53CheckersTest, AsksForTheNameAtEveryCheck) {
  settings.checkers = 1;
  check();
  sim.run();
  EXPECT_EQ(web->lookups.size(), 60u);
  EXPECT_EQ(web->requests.size(), 60u);
  for (const auto& request : web->requests) EXPECT_EQ(request.operation, Operation::health_check);
}

TEST_F(Route53CheckersTest, TheEndpointSeesSixteenRequestsAnInterval) {
  settings.interval = 30s;
  check();
  sim.run();
  EXPECT_EQ(web->requests.size(), 16u * 20);
}

TEST_F(Route53CheckersTest, AnErrorIsDetectedAfterThreeChecksOfAlmostAllCheckers) {
  auto& health = check();
  script.at(100s, [&] { web->outcome = Outcome::error; });
  sim.run();
  EXPECT_GT(detection(health), 20);
  EXPECT_LE(detection(health), 30);
  EXPECT_FALSE(health.checkers.healthy());
  EXPECT_EQ(health.checkers.healthy_checkers(), 0u);
}

// Rule of the notes: threshold x interval - phase + timeout.
TEST_F(Route53CheckersTest, ADeadHostIsDetectedAConnectTimeoutLater) {
  auto& health = check();
  script.operate_at(100s, [&] { web->lose_host(0); });
  sim.run();
  EXPECT_GT(detection(health), 24);
  EXPECT_LE(detection(health), 34);
}

TEST_F(Route53CheckersTest, ASilentServiceIsDetectedAResponseTimeoutLater) {
  auto& health = check();
  script.at(100s, [&] { web->silent = true; });
  sim.run();
  EXPECT_GT(detection(health), 22);
  EXPECT_LE(detection(health), 32);
}

TEST_F(Route53CheckersTest, AnAnswerWithinTwoSecondsOfConnectingIsWell) {
  auto& health = check();
  web->service_time = 1999ms;
  sim.run();
  EXPECT_EQ(health.changed_minds, 0);
}

TEST_F(Route53CheckersTest, AServiceThatTakesLongerThanTwoSecondsIsDown) {
  auto& health = check();
  script.at(100s, [&] { web->service_time = 2100ms; });
  sim.run();
  EXPECT_GT(detection(health), 22);
  EXPECT_LE(detection(health), 32);
  EXPECT_EQ(health.checkers.healthy_checkers(), 0u);
}

TEST_F(Route53CheckersTest, ANameWithoutAddressesIsDown) {
  auto& health = check();
  script.at(100s, [&] { web->in_dns = false; });
  sim.run();
  EXPECT_GT(detection(health), 20);
  EXPECT_LE(detection(health), 30);
}

TEST_F(Route53CheckersTest, ATimeoutLongerThanTheIntervalDelaysTheNextCheckButDoesNotStopIt) {
  settings.connect_timeout = 12s;
  auto& health = check();
  script.operate_at(100s, [&] { web->lose_host(0); });
  script.operate_at(300s, [&] { web->restore_host(0); });
  sim.run();
  ASSERT_EQ(health.verdicts.size(), 2u);
  EXPECT_GT(detection(health), 36);
  EXPECT_LE(detection(health), 46);
  EXPECT_LE(health.verdicts[1].first, 300s + 12s + 30s);
}

// Three checkers of sixteen are enough to come back: sooner than the fourteen of sixteen that it
// takes to fail.
TEST_F(Route53CheckersTest, RecoveryIsFasterThanFailure) {
  auto& health = check();
  script.at(100s, [&] { web->outcome = Outcome::error; });
  script.at(300s, [&] { web->outcome = Outcome::ok; });
  sim.run();
  ASSERT_EQ(health.verdicts.size(), 2u);
  EXPECT_GT(health.verdicts[1].first - 300s, 20s);
  EXPECT_LT(health.verdicts[1].first - 300s, health.verdicts[0].first - 100s);
}

TEST_F(Route53CheckersTest, CheckersLiveOutsideAwsAndFarFromEveryZone) {
  settings.one_way = 40ms;
  check();
  const sim::ZoneId later = sim.network().add_zone("us-east-1b", "us-east-1");
  const auto places = Route53Checkers::zones_of_checkers(sim, 40ms);
  EXPECT_EQ(places.size(), 8u);
  EXPECT_EQ(sim.network().zones(), 2 + 8u);  // the same ones for all checks
  const sim::ZoneId place = places.back();
  EXPECT_EQ(sim.network().region(place), "");
  EXPECT_EQ(sim.network().one_way(place, 0), 40ms);
  EXPECT_EQ(sim.network().one_way(later, place), 40ms);
  EXPECT_EQ(sim.network().one_way(place, place), 0ms);
}

// Rule 38. Two of 16 checkers are in each of eight regions: 4 of 16 are 25 %, 2 are 12.5 %.
TEST_F(Route53CheckersTest, Rule38_PointsOfPresenceCanDisagreeInAPartition) {
  auto& health = check();
  const auto sever = [&](std::size_t regions) {
    const auto places = Route53Checkers::zones_of_checkers(sim, 0s);
    for (std::size_t i = 0; i < places.size(); ++i) {
      sim.network().set_severed(places[i], 0, i < regions);
    }
  };
  std::uint32_t of_six = 0, of_seven = 0;
  script.operate_at(100s, [&] { sever(6); });
  script.at(200s, [&] { of_six = health.checkers.healthy_checkers(); });
  script.operate_at(200s, [&] { sever(7); });
  script.at(300s, [&] { of_seven = health.checkers.healthy_checkers(); });
  script.operate_at(300s, [&] { sever(6); });
  sim.run();
  EXPECT_EQ(of_six, 4u);
  EXPECT_EQ(of_seven, 2u);
  ASSERT_EQ(health.verdicts.size(), 2u);
  EXPECT_GT(health.verdicts[0].first, 200s);
  EXPECT_FALSE(health.verdicts[0].second);
  EXPECT_GT(health.verdicts[1].first, 300s);
  EXPECT_TRUE(health.verdicts[1].second);
}

TEST_F(Route53CheckersTest, AZoneThatIsCutOffIsDown) {
  auto& health = check();
  script.operate_at(100s, [&] { sim.network().set_cut_off(0, true); });
  sim.run();
  EXPECT_GT(detection(health), 24);
  EXPECT_LE(detection(health), 34);
}

TEST_F(Route53CheckersTest, NothingIsLeftInFlight) {
  check();
  script.at(100s, [&] { web->silent = true; });
  script.at(200s, [&] { web->silent = false; });
  script.at(599s, [&] { EXPECT_EQ(sim.calls_in_flight(), 0u); });
  sim.run();
}

TEST(Route53CheckersOfAReplication, HavePhasesOfTheirOwnAndOneSeedGivesOneRun) {
  const auto run = [](std::uint64_t replication) {
    sim::Simulation sim{{.replication = replication, .horizon = 1min}};
    sim.network().add_zone("us-east-1a", "us-east-1");
    auto& web = static_cast<StubService&>(sim.add(std::make_unique<StubService>(sim, "web", 1)));
    sim.add(std::make_unique<Check>(sim, web, Route53Checkers::Settings{}));
    sim.run();
    return sim.fingerprint();
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

}  // namespace
}  // namespace windtunnel
