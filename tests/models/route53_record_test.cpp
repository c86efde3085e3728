#include "models/network/route53_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "models/network/route53_record.pb.h"
#include "models/registry.hpp"
#include "tests/support/machine.hpp"
#include "tests/support/scripted.hpp"
#include "tests/support/stub_service.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Milestone;
using sim::Outcome;
using sim::time_zero;
using test::StubService;
using testing::ElementsAre;
using Shape = Route53Record::Shape;
using HealthCheck = EndpointHealthCheck::Settings;
enum class Policy { simple, alias, failover };

class Route53RecordTest : public testing::Test {
 protected:
  Route53RecordTest() { sim.network().add_zone("us-east-1a", "us-east-1"); }

  StubService& service(const std::string& name, std::uint32_t hosts = 1) {
    return static_cast<StubService&>(sim.add(std::make_unique<StubService>(sim, name, hosts)));
  }
  static Shape pointing_at(Policy policy, const std::string& target,
                           const std::string& secondary = "") {
    Shape shape;
    shape.records.push_back({.target = target, .alias = policy == Policy::alias});
    if (policy == Policy::failover) shape.records.push_back({.target = secondary});
    shape.shuffled = policy == Policy::simple;
    return shape;
  }
  static void evaluate_target_health(Shape& shape) {
    for (auto& record : shape.records) record.evaluate_target_health = true;
  }
  Route53Record& record(const std::string& name, const Shape& shape) {
    Shape copy{.records = shape.records, .shuffled = shape.shuffled, .ttl = shape.ttl};
    return static_cast<Route53Record&>(
        sim.add(std::make_unique<Route53Record>(sim, name, std::move(copy))));
  }
  // A fast check that sees results at once, so that dates can be worked out by hand.
  static HealthCheck fast_check(std::uint32_t checkers = 16) {
    HealthCheck check;
    check.checkers.interval = 10s;
    check.checkers.checkers = checkers;
    check.checkers.one_way = 0s;
    return check;
  }
  Route53Record& failover_with_check(std::uint32_t checkers = 16) {
    auto shape = pointing_at(Policy::failover, "web", "standby");
    shape.records[0].health_check = fast_check(checkers);
    return record("www", shape);
  }
  // Whose addresses the record answers with.
  std::string answer_of(Callable& record) {
    const Resolution answer = record.resolve({sim::Operation::read, chance});
    return answer.addresses.empty() ? "nobody"
                                    : static_cast<StubService*>(answer.addresses[0].entity)->name();
  }
  // Runs, and notes the answer every second.
  std::vector<std::pair<Duration, std::string>> run_and_watch(Callable& record) {
    std::vector<std::pair<Duration, std::string>> changes;
    for (Duration date{0}; date < sim.options().horizon; date += 1s) {
      script.at(date, [this, &record, &changes] {
        const std::string answer = answer_of(record);
        if (changes.empty() || changes.back().second != answer) {
          changes.emplace_back(sim.now() - time_zero, answer);
        }
      });
    }
    sim.run();
    return changes;
  }
  std::vector<std::string> story(Milestone milestone) {
    std::vector<std::string> texts;
    for (const auto& event : sim.log().events) {
      if (event.milestone == milestone) texts.push_back(event.component + " " + event.text);
    }
    return texts;
  }
  // Answers the first so many checkers with an error, the others well.
  static void fail_checkers(StubService& service, std::uint32_t failing) {
    service.script = [failing](const sim::Call& call) {
      return call.caller_node < failing ? Outcome::error : Outcome::ok;
    };
  }

  sim::Simulation sim{{.horizon = 10min}};
  test::Script& script = test::add_script(sim);
  sim::Stream chance{1};
};

TEST_F(Route53RecordTest, ASimpleRecordGivesAllAddressesInRandomOrderForItsTtl) {
  service("web", 3);
  auto shape = pointing_at(Policy::simple, "web");
  shape.ttl = 300s;
  auto& www = record("www", shape);
  std::map<std::vector<std::uint32_t>, int> orders;
  script.at(0s, [&] {
    for (int i = 0; i < 60'000; ++i) {
      const Resolution answer = www.resolve({sim::Operation::read, chance});
      ASSERT_EQ(answer.ttl, 300s);
      std::vector<std::uint32_t> nodes;
      for (const auto& address : answer.addresses) nodes.push_back(address.node);
      ++orders[nodes];
    }
  });
  sim.run();
  EXPECT_EQ(orders.size(), 6u);
  for (const auto& [order, times] : orders) EXPECT_NEAR(times, 10'000, 420);  // 4.6 standard errors
}

TEST_F(Route53RecordTest, ASimpleRecordOfANameWithAShorterTtlIsKeptForThat) {
  service("web").ttl = 5s;
  auto& www = record("www", pointing_at(Policy::simple, "web"));
  Resolution answer;
  script.at(0s, [&] { answer = www.resolve({sim::Operation::read, chance}); });
  sim.run();
  EXPECT_EQ(answer.ttl, 5s);
}

TEST_F(Route53RecordTest, AnAliasAnswersWhatItsTargetAnswers) {
  auto& alb = service("web-alb", 3);
  alb.ttl = 60s;
  alb.connection_lifetime = 3600s;
  auto shape = pointing_at(Policy::alias, "web-alb");
  shape.ttl = 5s;  // of no effect
  auto& www = record("www", shape);
  Resolution answer;
  script.at(0s, [&] { answer = www.resolve({sim::Operation::read, chance}); });
  sim.run();
  EXPECT_EQ(answer.addresses.size(), 3u);
  EXPECT_EQ(answer.addresses[1], alb.address_of(1));
  EXPECT_EQ(answer.ttl, 60s);
  EXPECT_EQ(answer.connection_lifetime, 3600s);
}

TEST_F(Route53RecordTest, EvaluateTargetHealthMakesAnAliasAsHealthyAsItsTarget) {
  auto& alb = service("web-alb");
  auto shape = pointing_at(Policy::alias, "web-alb");
  auto& indifferent = record("indifferent", shape);
  evaluate_target_health(shape);
  auto& www = record("www", shape);
  script.at(1s, [&] {
    EXPECT_TRUE(www.healthy());
    alb.is_healthy = false;
    EXPECT_FALSE(www.healthy());
    EXPECT_TRUE(indifferent.healthy());
  });
  sim.run();
}

TEST_F(Route53RecordTest, AnAliasWithBothMustPassItsOwnCheckAndItsTargets) {
  auto& web = service("web");
  auto shape = pointing_at(Policy::alias, "web");
  evaluate_target_health(shape);
  shape.records[0].health_check = fast_check();
  auto& www = record("www", shape);
  script.at(10s, [&] { web.is_healthy = false; });
  script.at(20s, [&] { EXPECT_FALSE(www.healthy()); });
  script.at(30s, [&] { web.is_healthy = true, web.outcome = Outcome::error; });
  script.at(31s, [&] { EXPECT_TRUE(www.healthy()); });
  script.at(61s, [&] { EXPECT_FALSE(www.healthy()); });
  script.at(70s, [&] { web.outcome = Outcome::ok; });
  script.at(101s, [&] { EXPECT_TRUE(www.healthy()); });
  sim.run();
}

TEST_F(Route53RecordTest, EvaluateTargetHealthCostsNoEvents) {
  service("web-alb");
  auto shape = pointing_at(Policy::alias, "web-alb");
  evaluate_target_health(shape);
  record("www", shape);
  sim.run();
  EXPECT_EQ(sim.events_handled(), 1u);  // the horizon
}

TEST_F(Route53RecordTest, FailoverFollowsTheHealthOfItsBranchesAndFailsBackAtOnce) {
  auto &web = service("web"), &standby = service("standby");
  auto shape = pointing_at(Policy::failover, "web", "standby");
  evaluate_target_health(shape);
  auto& www = record("www", shape);
  script.at(10s, [&] { web.is_healthy = false; });
  script.at(20s, [&] { web.is_healthy = true; });
  script.at(30s, [&] { web.is_healthy = false; });
  script.at(40s, [&] { standby.is_healthy = false; });
  script.at(50s, [&] { standby.is_healthy = true; });
  EXPECT_THAT(run_and_watch(www), ElementsAre(std::pair{0s, "web"}, std::pair{10s, "standby"},
                                              std::pair{20s, "web"}, std::pair{30s, "standby"},
                                              std::pair{40s, "web"}, std::pair{50s, "standby"}));
  EXPECT_THAT(story(Milestone::action_finished),
              ElementsAre("www answers with the secondary, standby",
                          "www answers with the primary again, web",
                          "www answers with the secondary, standby",
                          "www answers with the primary again, web: both are unhealthy",
                          "www answers with the secondary, standby"));
}

TEST_F(Route53RecordTest, AFailoverRecordIsKeptForItsTtl) {
  service("web");
  service("standby");
  auto& www = record("www", pointing_at(Policy::failover, "web", "standby"));
  Resolution answer;
  script.at(0s, [&] { answer = www.resolve({sim::Operation::read, chance}); });
  sim.run();
  EXPECT_EQ(answer.ttl, 60s);
}

TEST_F(Route53RecordTest, TellsDetectionAndChangeInAwsWords) {
  auto& web = service("web");
  service("standby");
  failover_with_check();
  script.at(100s, [&] { web.outcome = Outcome::error; });
  script.at(200s, [&] { web.outcome = Outcome::ok; });
  sim.run();
  EXPECT_THAT(story(Milestone::detection),
              ElementsAre("www health check of web: unhealthy (2 of 16 checkers healthy)"));
  EXPECT_THAT(story(Milestone::none),
              ElementsAre("www health check of web: healthy (3 of 16 checkers healthy)"));
  EXPECT_THAT(story(Milestone::action_finished),
              ElementsAre("www answers with the secondary, standby",
                          "www answers with the primary again, web"));
}

TEST_F(Route53RecordTest, ADetectedChangeReachesTheAnswersAfterItsPropagation) {
  auto& web = service("web");
  service("standby");
  auto shape = pointing_at(Policy::failover, "web", "standby");
  shape.records[0].health_check = fast_check();
  shape.records[0].health_check->status.propagation = sim::Distribution::constant(7s);
  record("www", shape);
  script.at(100s, [&] { web.outcome = Outcome::error; });
  sim.run();
  const auto& events = sim.log().events;
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].at - events[0].at, 7s);
}

// A single checker with a threshold of 1 changes its mind every 10 s until 500 s and then finds the
// target dead; changes take up to 60 s, so that they overtake each other.
TEST(Route53RecordInManyRuns, AChangeThatIsOvertakenOnItsWayDoesNotUndoTheLaterOne) {
  for (std::uint64_t replication = 1; replication <= 20; ++replication) {
    sim::Simulation sim{{.replication = replication, .horizon = 10min}};
    sim.network().add_zone("us-east-1a", "us-east-1");
    auto& web = static_cast<StubService&>(sim.add(std::make_unique<StubService>(sim, "web")));
    int checks = 0;
    web.script = [&](const sim::Call&) {
      return ++checks % 2 == 0 || sim.now() > time_zero + 500s ? Outcome::error : Outcome::ok;
    };
    Route53Record::Shape shape;
    shape.records.push_back({.target = "web", .alias = true});
    shape.records[0].health_check.emplace();
    shape.records[0].health_check->checkers = {
        .interval = 10s, .failure_threshold = 1, .checkers = 1, .one_way = 0s};
    shape.records[0].health_check->status.propagation = sim::Distribution::uniform(0, 60);
    auto& www = static_cast<Route53Record&>(
        sim.add(std::make_unique<Route53Record>(sim, "www", std::move(shape))));
    sim.run();
    EXPECT_FALSE(www.healthy()) << "replication " << replication;
  }
}

TEST_F(Route53RecordTest, ATreeBacksOutOfADeadBranchAndIsDeadWhenAllBranchesAre) {
  auto &east = service("east-alb"), &west = service("west-alb");
  service("sorry-page");
  for (const std::string region : {"east", "west"}) {
    auto leaf = pointing_at(Policy::alias, region + "-alb");
    evaluate_target_health(leaf);
    record(region, leaf);
  }
  auto& app = record("app", pointing_at(Policy::failover, "east", "west"));
  auto& www = record("www", pointing_at(Policy::failover, "app", "sorry-page"));
  script.at(10s, [&] { east.is_healthy = false; });
  script.at(20s, [&] { west.is_healthy = false; });
  script.at(21s, [&] { EXPECT_FALSE(app.healthy()); });
  script.at(30s, [&] { west.is_healthy = true; });
  EXPECT_THAT(run_and_watch(www),
              ElementsAre(std::pair{0s, "east-alb"}, std::pair{10s, "west-alb"},
                          std::pair{20s, "sorry-page"}, std::pair{30s, "west-alb"}));
}

TEST_F(Route53RecordTest, ABranchThatDoesNotEvaluateItsTargetIsNeverLeft) {
  auto& east = service("east-alb");
  service("west-alb");
  record("east", pointing_at(Policy::alias, "east-alb"));
  auto& www = record("www", pointing_at(Policy::failover, "east", "west-alb"));
  script.at(10s, [&] { east.is_healthy = false; });
  EXPECT_THAT(run_and_watch(www), ElementsAre(std::pair{0s, "east-alb"}));
}

TEST_F(Route53RecordTest, ABranchRecordsOwnHealthCheckCounts) {
  auto& east = service("east-alb");
  service("west-alb");
  auto leaf = pointing_at(Policy::simple, "east-alb");
  leaf.records[0].health_check = fast_check();
  record("east", leaf);
  auto& www = record("www", pointing_at(Policy::failover, "east", "west-alb"));
  script.at(100s, [&] { east.outcome = Outcome::error; });
  const auto changes = run_and_watch(www);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[1].second, "west-alb");
  EXPECT_GT(changes[1].first, 120s);
  EXPECT_LE(changes[1].first, 130s);
}

TEST_F(Route53RecordTest, Rule38_PartialFaultsDoNotFailOverUntilFourteenOfSixteenCheckersFail) {
  auto& web = service("web");
  service("standby");
  auto& www = failover_with_check();
  script.at(50s, [&] { fail_checkers(web, 13); });  // 3 of 16 pass: 18.75 %
  script.at(300s, [&] { fail_checkers(web, 14); });
  script.at(450s, [&] { fail_checkers(web, 13); });  // three passes of one checker bring it back
  const auto changes = run_and_watch(www);
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(changes[1].second, "standby");
  EXPECT_GT(changes[1].first, 320s);
  EXPECT_LE(changes[1].first, 330s);
  EXPECT_EQ(changes[2].second, "web");
  EXPECT_GT(changes[2].first, 470s);
  EXPECT_LE(changes[2].first, 480s);
}

TEST_F(Route53RecordTest, Rule38_CheckersAreNotCoordinated) {
  auto& web = service("web");
  service("standby");
  failover_with_check();
  sim.run();
  // 16 checkers, 10 s, 600 s: each begins within its first interval, at a phase of its own.
  EXPECT_EQ(web.requests.size(), 16u * 60);
  std::vector<double> phases;
  for (std::size_t i = 0; i < 16; ++i) phases.push_back(sim::seconds(web.requests[i].at));
  EXPECT_LT(phases.back(), 10);
  double widest = phases[0] + 10 - phases[15];
  for (std::size_t i = 1; i < 16; ++i) widest = std::max(widest, phases[i] - phases[i - 1]);
  EXPECT_GT(widest, 10.0 / 16 * 1.5);  // evenly spread they would be 0.625 s apart
}

TEST_F(Route53RecordTest, Rule38_ANewCheckOfADeadTargetCountsAsHealthyAtFirst) {
  service("web").outcome = Outcome::error;
  service("standby");
  auto& www = failover_with_check();
  const auto changes = run_and_watch(www);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].second, "web");
  EXPECT_GT(changes[1].first, 20s);
}

TEST_F(Route53RecordTest, Rule38_ADisabledCheckCountsAsHealthyAndSendsNothing) {
  auto& web = service("web");
  web.outcome = Outcome::error;
  service("standby");
  auto shape = pointing_at(Policy::failover, "web", "standby");
  shape.records[0].health_check = fast_check();
  shape.records[0].health_check->status.disabled = true;
  EXPECT_THAT(run_and_watch(record("www", shape)), ElementsAre(std::pair{0s, "web"}));
  EXPECT_TRUE(web.requests.empty());
}

TEST_F(Route53RecordTest, Rule39_WithBothUnhealthyThePrimaryAnswers) {
  service("web").is_healthy = false;
  service("standby").is_healthy = false;
  auto shape = pointing_at(Policy::failover, "web", "standby");
  evaluate_target_health(shape);
  EXPECT_THAT(run_and_watch(record("www", shape)), ElementsAre(std::pair{0s, "web"}));
}

TEST_F(Route53RecordTest, Rule39_ARecordWhoseOnlyTargetIsUnhealthyAnswersStill) {
  service("web").outcome = Outcome::error;
  auto shape = pointing_at(Policy::simple, "web");
  shape.records[0].health_check = fast_check();
  auto& www = record("www", shape);
  EXPECT_THAT(run_and_watch(www), ElementsAre(std::pair{0s, "web"}));
  EXPECT_FALSE(www.healthy());
}

TEST_F(Route53RecordTest, Rule39_ASecondaryWithoutAHealthCheckIsHealthy) {
  auto &web = service("web"), &standby = service("standby");
  standby.is_healthy = false;  // nobody looks
  auto& www = failover_with_check();
  script.at(100s, [&] { web.outcome = Outcome::error; });
  EXPECT_EQ(run_and_watch(www).back().second, "standby");
}

TEST_F(Route53RecordTest, Rule39_FailBackHasNoDamping) {
  auto& web = service("web");
  service("standby");
  auto& www = failover_with_check(1);
  // Three bad checks, three good ones, and so on: the answer follows each turn.
  int checks = 0;
  web.script = [&](const sim::Call&) {
    return checks++ / 3 % 2 == 0 ? Outcome::ok : Outcome::error;
  };
  EXPECT_GE(run_and_watch(www).size(), 19u);  // 600 s / 30 s
}

TEST_F(Route53RecordTest, Rule41_DnsMovesNewConnectionsOnly) {
  auto &web = service("web"), &standby = service("standby");
  web.ttl = standby.ttl = 60s;
  auto shape = pointing_at(Policy::failover, "web", "standby");
  evaluate_target_health(shape);
  auto& www = record("www", shape);
  const Connector::Settings keeps{.idle_timeout = 1h}, opens_anew{.idle_timeout = 0s};
  auto& connected = static_cast<test::Machine&>(
      sim.add(std::make_unique<test::Machine>(sim, www, keeps, 5s, "connected")));
  auto& fresh = static_cast<test::Machine&>(
      sim.add(std::make_unique<test::Machine>(sim, www, opens_anew, 5s, "fresh")));
  for (Duration date{0}; date < 300s; date += 1s) {
    script.at(date, [&] { connected.call(), fresh.call(); });
  }
  script.at(100s, [&] { web.is_healthy = false; });
  sim.run();
  // The fresh one moves when its answer of 60 s expires, the connected one never.
  EXPECT_EQ(web.requests.size(), 300u + 120);
  EXPECT_EQ(standby.requests.size(), 180u);
  EXPECT_EQ(standby.requests.front().at, time_zero + 120s);
}

TEST_F(Route53RecordTest, Rule41_AnAliasHasItsTargetsTtlNotNone) {
  service("aurora").ttl = 5s;
  service("station");  // something without a TTL of its own: the record's
  auto& to_aurora = record("db", pointing_at(Policy::alias, "aurora"));
  auto& to_db = record("db-again", pointing_at(Policy::alias, "db"));
  auto& to_station = record("www", pointing_at(Policy::alias, "station"));
  script.at(0s, [&] {
    EXPECT_EQ(to_aurora.resolve({sim::Operation::read, chance}).ttl, 5s);
    EXPECT_EQ(to_db.resolve({sim::Operation::read, chance}).ttl, 5s);
    EXPECT_EQ(to_station.resolve({sim::Operation::read, chance}).ttl, 60s);
  });
  sim.run();
}

TEST_F(Route53RecordTest, ReportsItsHealthCheckAsCloudWatchDoes) {
  auto& web = service("web");
  service("standby");
  auto& www = failover_with_check();
  EXPECT_EQ(www.health_check().status().metric.status.value(), 1);
  EXPECT_EQ(www.health_check().metric.share.value(), 100);
  script.at(100s, [&] { fail_checkers(web, 15); });
  sim.run();
  EXPECT_EQ(www.health_check().status().metric.status.value(), 0);
  EXPECT_EQ(www.health_check().metric.share.value(), 6);
  EXPECT_EQ(www.metric.queries.value(), 0u);  // the checkers ask for the primary's own name
}

TEST_F(Route53RecordTest, IsMadeFromItsSettings) {
  auto& web = service("web");
  service("standby");
  settings::Route53Record settings;
  settings.mutable_failover()->mutable_primary()->set_value("web");
  settings.mutable_failover()->mutable_secondary()->set_value("standby");
  auto& check = *settings.mutable_health_check();
  check.set_interval(10'000'000'000);
  check.set_failure_threshold(3);
  check.set_checkers(16);
  check.set_healthy_above(0.18);
  check.set_connect_timeout(4'000'000'000);
  check.set_response_timeout(2'000'000'000);
  check.set_network(40'000'000);
  check.mutable_status()->mutable_propagation()->set_constant(5'000'000'000);
  sim.add(models().at("route53_record").create(sim, "www", settings));
  script.at(100s, [&] { web.outcome = Outcome::error; });
  auto& www = dynamic_cast<Callable&>(*sim.find_component("www"));
  const auto changes = run_and_watch(www);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[1].second, "standby");
  EXPECT_GT(changes[1].first, 125s);
  EXPECT_LE(changes[1].first, 136s);
}

}  // namespace
}  // namespace windtunnel
