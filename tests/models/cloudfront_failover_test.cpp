// What CloudFront does when an origin fails, and what its control plane is for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/cloudfront_world.hpp"
#include "tests/support/small_run.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Milestone;
using sim::Outcome;
using test::CloudFrontWorld;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto not_kept = "catalogue: {objects: 1}, cache_control: {no_store: true}";

std::string pair(const std::string& behavior = not_kept,
                 const std::string& codes = "500, 502, 503, 504",
                 const std::string& primary = "web") {
  return "origins: [" + primary +
         ", standby], origin_groups: [{name: both, primary: web, "
         "secondary: standby, failover_codes: [" +
         codes + "]}], default_cache_behavior: {" + behavior + "}";
}

// Rule 44
TEST(CloudFrontFailoverTest, FailoverIsStatelessEveryMissTriesThePrimaryThreeTimesTenSeconds) {
  CloudFrontWorld world(pair());
  world.script->operate_at(0s, [&] { world.web->lose_host(0); });
  world.call_at({1s, 2s, 100s});
  world.sim.run();
  EXPECT_THAT(world.times(), ElementsAre(30s, 30s, 30s));
  EXPECT_THAT(world.outcomes(), Each(Outcome::ok));
  EXPECT_EQ(world.standby->requests.size(), 3u);
  EXPECT_EQ(world.cdn->metric.connect_failures.value(), 9u);
}

// Rule 44
TEST(CloudFrontFailoverTest, APrimaryThatAcceptsAndDoesNotAnswerCostsThreeTimesThirtySeconds) {
  CloudFrontWorld world(pair());
  world.web->silent = true;
  world.call_at({1s, 2s});
  world.sim.run();
  EXPECT_THAT(world.times(), ElementsAre(90s, 90s));
  EXPECT_EQ(world.web->requests.size(), 6u);
}

// Rule 44
TEST(CloudFrontFailoverTest, WritesNeverFailOverAndAreSentOnce) {
  CloudFrontWorld world(pair(std::string(not_kept) + ", allowed_methods: all"));
  world.web->silent = true;
  world.write_at(1s);
  world.script->at(60s, [&] { world.web->silent = false; });
  world.script->operate_at(60s, [&] { world.web->lose_host(0); });
  world.write_at(61s);
  world.sim.run();
  EXPECT_THAT(world.times(), ElementsAre(30s, 30s));  // one answer, three connections
  EXPECT_THAT(world.outcomes(), Each(Outcome::gateway_timeout));
  EXPECT_EQ(world.web->requests.size(), 1u);
  EXPECT_TRUE(world.standby->requests.empty());
}

TEST(CloudFrontFailoverTest, FewerAttemptsAndShorterTimeoutsMakeFailoverFast) {
  CloudFrontWorld world(pair(not_kept, "503, 504",
                             "{target: web, connection_attempts: 1, connection_timeout: 2s, "
                             "response_timeout: 4s}"));
  world.web->silent = true;
  world.call_at({1s, 20s});
  world.script->operate_at(10s, [&] { world.web->lose_host(0); });
  world.sim.run();
  EXPECT_THAT(world.times(), ElementsAre(4s, 2s));
}

TEST(CloudFrontFailoverTest, OnlyStatusesOfTheCriteriaFailOver) {
  CloudFrontWorld world(pair(not_kept, "502, 503"));
  world.web->outcome = Outcome::error;
  world.script->at(10s, [&] { world.web->outcome = Outcome::overloaded; });
  world.script->at(20s, [&] { world.web->silent = true; });
  world.call_at({1s, 11s, 21s});
  world.sim.run();
  EXPECT_THAT(world.outcomes(), ElementsAre(Outcome::error, Outcome::ok, Outcome::gateway_timeout));
  EXPECT_THAT(world.times(), ElementsAre(0s, 0s, 90s));
}

TEST(CloudFrontFailoverTest, WithoutAGroupTheErrorIsTheViewers) {
  CloudFrontWorld world(std::string("origins: [web], default_cache_behavior: {") + not_kept + "}");
  world.web->outcome = Outcome::bad_gateway;
  world.call_at({1s});
  world.sim.run();
  EXPECT_THAT(world.outcomes(), ElementsAre(Outcome::bad_gateway));
  EXPECT_EQ(world.cdn->metric.errors_5xx.value(), 1u);
}

TEST(CloudFrontFailoverTest, CachedObjectsAreAnsweredWhileTheOriginIsDead) {
  CloudFrontWorld world(pair("catalogue: {objects: 1}, cache_control: {max_age: 60s}"));
  world.call_at({0s, 10s, 20s});
  world.script->operate_at(5s, [&] { world.web->lose_host(0); });
  world.sim.run();
  EXPECT_THAT(world.times(), Each(0s));
}

TEST(CloudFrontFailoverTest, TheStoryTellsTheFirstFailoverAndWhenThePrimaryAnswersAgain) {
  CloudFrontWorld world(pair());
  world.web->outcome = Outcome::overloaded;
  world.script->at(10s, [&] { world.web->outcome = Outcome::ok; });
  world.call_at({1s, 2s, 11s, 12s});
  world.sim.run();
  std::vector<std::string> story;
  for (const auto& event : world.sim.log().events) story.push_back(event.text);
  EXPECT_THAT(story, ElementsAre("the first request goes on from web to standby, with 503",
                                 "web answers again"));
}

TEST(CloudFrontErrorsTest, AnErrorIsKeptForTenSeconds) {
  CloudFrontWorld world(
      "origins: [web], default_cache_behavior: {catalogue: {objects: 1}, cache_control: {max_age: "
      "60s}}");
  world.web->outcome = Outcome::error;
  world.script->at(4s, [&] { world.web->outcome = Outcome::ok; });
  world.call_at({1s, 5s, 10999ms, 11s});
  world.sim.run();
  EXPECT_THAT(world.outcomes(),
              ElementsAre(Outcome::error, Outcome::error, Outcome::error, Outcome::ok));
  EXPECT_EQ(world.web->requests.size(), 2u);
}

TEST(CloudFrontErrorsTest,
     AnExpiredObjectIsAnsweredWhileTheOriginFailsAndItIsAskedEveryTenSeconds) {
  CloudFrontWorld world(
      "origins: [web], default_cache_behavior: {catalogue: {objects: 1}, cache_control: {max_age: "
      "60s}}");
  world.script->at(30s, [&] { world.web->outcome = Outcome::overloaded; });
  world.call_at({0s, 61s, 65s, 70s, 71s, 3000s});
  world.sim.run();
  EXPECT_THAT(world.outcomes(), Each(Outcome::ok));
  std::vector<Duration> asked;
  for (const auto& request : world.web->requests) asked.push_back(request.at - sim::time_zero);
  EXPECT_THAT(asked, ElementsAre(0s, 61s, 71s, 3000s));
  EXPECT_EQ(world.cdn->metric.stale.value(), 5u);
}

TEST(CloudFrontErrorsTest, StaleIfErrorSaysForHowLong) {
  CloudFrontWorld world(
      "origins: [web], default_cache_behavior: {catalogue: {objects: 1}, cache_control: {max_age: "
      "60s, stale_if_error: 120s}}");
  world.script->at(30s, [&] { world.web->outcome = Outcome::overloaded; });
  world.call_at({0s, 179s, 200s});
  world.sim.run();
  EXPECT_THAT(world.outcomes(), ElementsAre(Outcome::ok, Outcome::ok, Outcome::overloaded));
}

TEST(CloudFrontErrorsTest, AWriteToABehaviorThatDoesNotAllowItIsA403) {
  CloudFrontWorld world(pair());
  world.write_at(1s);
  world.sim.run();
  EXPECT_THAT(world.outcomes(), ElementsAre(Outcome::error));
  EXPECT_TRUE(world.web->requests.empty());
  EXPECT_EQ(world.cdn->metric.errors_4xx.value(), 1u);
}

std::string by_function(const std::string& function, const std::string& origins = "eu, web") {
  return "origins: [eu, web, standby], origin_groups: [{name: both, primary: web, secondary: "
         "standby, failover_codes: [503, 504]}], default_cache_behavior: {target_origin: web, "
         "catalogue: {objects: 1}, cache_control: {no_store: true}, origin_request: {nearest_of: "
         "[" +
         origins + "], " + function + "}}";
}

TEST(LambdaAtEdgeTest, AFunctionSendsRequestsToTheNearestRegionAfterItsOwnTime) {
  CloudFrontWorld world(by_function("duration: 5ms"), true);
  world.call_at({1s});
  world.script->at(1s, [&] { world.viewers[2]->call(); });  // Tokyo is nearer to the US
  world.sim.run();
  EXPECT_EQ(world.eu->requests.size(), 1u);
  EXPECT_EQ(world.web->requests.size(), 1u);
  // Frankfurt to Ireland: a connection and a request of 27 ms each.
  EXPECT_GT(world.times().at(0), 55ms);
  EXPECT_LT(world.times().at(0), 65ms);
}

TEST(LambdaAtEdgeTest, DistanceAloneCountsSoADeadRegionIsChosenOn) {
  CloudFrontWorld world(by_function("duration: 0s"), true);
  world.script->operate_at(0s, [&] { world.eu->lose_host(0); });
  world.call_at({1s, 60s});
  world.sim.run();
  EXPECT_THAT(world.outcomes(), Each(Outcome::gateway_timeout));
}

TEST(LambdaAtEdgeTest, AGroupAmongTheOriginsStillFailsOver) {
  CloudFrontWorld world(by_function("duration: 0s", "both"));
  world.script->operate_at(0s, [&] { world.web->lose_host(0); });
  world.call_at({1s});
  world.sim.run();
  EXPECT_THAT(world.outcomes(), ElementsAre(Outcome::ok));
  EXPECT_EQ(world.standby->requests.size(), 1u);
}

TEST(LambdaAtEdgeTest, MoreExecutionsAtOnceThanTheQuotaAreRefused) {
  CloudFrontWorld world(by_function("duration: 1s, concurrency: 2"));
  world.call_at({0s, 100ms, 200ms, 1050ms});
  world.sim.run();
  EXPECT_THAT(world.outcomes(),
              ElementsAre(Outcome::unavailable, Outcome::ok, Outcome::ok, Outcome::ok));
  EXPECT_EQ(world.cdn->metric.function_throttles.value(), 1u);
}

TEST(LambdaAtEdgeTest, MoreExecutionsASecondThanTheQuotaAreRefused) {
  CloudFrontWorld world(by_function("duration: 1ms, requests_per_second: 2/s"));
  for (int i = 0; i < 30; ++i) world.call_at({i * 100ms});
  world.sim.run();
  // A bucket of two, refilled for 2.9 s.
  EXPECT_EQ(world.cdn->metric.function_throttles.value(), 30u - 2 - 5);
}

TEST(LambdaAtEdgeTest, AFunctionThatTakesTooLongIsAnError) {
  CloudFrontWorld world(by_function("duration: 40s"));
  world.call_at({0s});
  world.sim.run();
  EXPECT_EQ(world.ended().at(0).took, 30s);
  EXPECT_EQ(world.ended().at(0).outcome, Outcome::unavailable);
}

// The machine looked the name up at 0.5 s, and holds the answer for 60 s.
TEST(CloudFrontEdgesTest, ALostEdgeIsSilentUntilDnsAnswersHaveExpiredAndTheNextOneIsFurther) {
  const Location &germany = *find_location("DE"), &edge = nearest(germany, edges());
  test::SmallRun run(test::small_experiment(
      "users: {client: {target: cdn, hosts: 1, open: {deterministic: 1/s}, timeout: 900ms, "
      "population: [{area: DE, network: 0s}]}}, web: {station: {service_time: 0s}}, "
      "cdn: {cloudfront_distribution: {origins: [web], default_cache_behavior: {catalogue: "
      "{objects: 1}}}}",
      fmt::format("horizon: 200s, faults: [{{at: 20s, lasting: 100s, edge_loss: {}}}]",
                  edge.code)));
  run.sim.run();
  // Those of 20.5 to 60.5 s, or a second later, and no other.
  EXPECT_NEAR(run.metric("users", "Failed"), 41, 1);
  EXPECT_EQ(run.metric("users", "UsersHit", "max"), 1);
  EXPECT_THAT(run.noted(fmt::format("DNS no longer answers with the edge in {}", edge.code)),
              ElementsAre(20s));
  std::vector<bool> lost(edges().size());
  lost[static_cast<std::size_t>(&edge - edges().data())] = true;
  const double further = sim::seconds(round_trip(germany, edges()[nearest_edge(germany, lost)]));
  EXPECT_GT(further, sim::seconds(round_trip(germany, edge)) * 1.1);
  // Most requests are those of after the loss: a connection stays where it is.
  EXPECT_NEAR(run.metric("users", "SuccessLatency", "p50"), further, 0.01 * further);
}

TEST(CloudFrontControlPlaneTest, AnUpdateReachesTheEdgesMinutesLater) {
  CloudFrontWorld world(pair() +
                        ", deployment: 2min, updates: [{at: 60s, target_origin: standby}]");
  world.call_at({179s, 181s});
  world.sim.run();
  EXPECT_EQ(world.web->requests.size(), 1u);
  EXPECT_EQ(world.standby->requests.size(), 1u);
}

TEST(CloudFrontControlPlaneTest, WithoutUsEast1NothingCanBeChangedAndEverythingGoesOn) {
  CloudFrontWorld world(pair() +
                        ", deployment: 2min, updates: [{at: 60s, target_origin: standby}]");
  // For five minutes the region is cut off, for five more its control plane is down.
  auto& planes = ControlPlanes::of(world.sim);
  world.script->operate_at(30s, [&] { world.sim.network().set_cut_off(0, true); });
  world.script->operate_at(330s, [&] {
    planes.set_impaired(ControlPlanes::Service::cloudfront, true);
    world.sim.network().set_cut_off(0, false);
  });
  world.script->operate_at(630s,
                           [&] { planes.set_impaired(ControlPlanes::Service::cloudfront, false); });
  world.call_at({100s, 400s, 659s, 779s, 781s});
  world.sim.run();
  EXPECT_THAT(world.outcomes(), Each(Outcome::ok));
  // At 100 s the secondary answers for the primary. Refused at 60 s ... 600 s, accepted at 660 s.
  EXPECT_EQ(world.web->requests.size(), 3u);
  EXPECT_EQ(world.standby->requests.size(), 2u);
}

}  // namespace
}  // namespace windtunnel
