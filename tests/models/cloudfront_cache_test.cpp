// Caches of CloudFront: how long objects are kept, where, and who fetches them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/cloudfront_world.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Outcome;
using test::CloudFrontWorld;
using testing::Each;
using testing::ElementsAre;
using testing::Eq;

// One origin, all requests for one object.
std::string one_object(const std::string& behavior) {
  return "origins: [web], default_cache_behavior: {catalogue: {objects: 1}, " + behavior + "}";
}
std::vector<Duration> fetches(const test::StubService& origin) {
  std::vector<Duration> dates;
  for (const auto& request : origin.requests) dates.push_back(request.at - sim::time_zero);
  return dates;
}

TEST(CloudFrontCacheTest, AnEdgeAnswersOutOfItsCacheUntilTheTtlIsOver) {
  CloudFrontWorld world(one_object("cache_control: {max_age: 60s}"));
  world.call_at({1s, 2s, 60s, 61s, 62s});
  world.sim.run();
  EXPECT_THAT(fetches(*world.web), ElementsAre(1s, 61s));
  EXPECT_EQ(world.cdn->metric.hits.value(), 3u);
  EXPECT_EQ(world.cdn->metric.cacheable.value(), 5u);
}

TEST(CloudFrontCacheTest, ADayIsTheTtlOfAnObjectWhoseOriginSaysNothing) {
  CloudFrontWorld world(one_object("cache_control: {}"), false, 30h);
  world.call_at({0s, 86399s, 86400s});
  world.sim.run();
  EXPECT_THAT(fetches(*world.web), ElementsAre(0s, 86400s));
}

TEST(CloudFrontCacheTest, TheOriginsMaxAgeIsKeptBetweenMinimumAndMaximumTtl) {
  const auto second_fetch = [](const std::string& behavior) {
    CloudFrontWorld world(one_object(behavior));
    for (int s = 0; s < 400; ++s) world.call_at({s * 1s});
    world.sim.run();
    return fetches(*world.web).at(1);
  };
  EXPECT_EQ(second_fetch("cache_control: {max_age: 50s}"), 50s);
  EXPECT_EQ(second_fetch("cache_control: {max_age: 50s, s_maxage: 70s}"), 70s);
  EXPECT_EQ(second_fetch("cache_control: {max_age: 50s}, cache_policy: {min_ttl: 90s}"), 90s);
  EXPECT_EQ(second_fetch("cache_control: {max_age: 300s}, "
                         "cache_policy: {default_ttl: 60s, max_ttl: 80s}"),
            80s);
  EXPECT_EQ(second_fetch("cache_control: {no_store: true}, cache_policy: {min_ttl: 30s}"), 30s);
}

TEST(CloudFrontCacheTest, WithNoStoreEveryRequestGoesToTheOriginByItself) {
  CloudFrontWorld world(one_object("cache_control: {no_store: true}"));
  world.web->service_time = 1s;
  world.call_at({0s, 100ms, 200ms});
  world.sim.run();
  EXPECT_THAT(fetches(*world.web), ElementsAre(0s, 100ms, 200ms));
  EXPECT_THAT(world.times(), Each(Eq(1s)));
  EXPECT_EQ(world.cdn->metric.cacheable.value(), 0u);
}

TEST(CloudFrontCacheTest, RequestsForAnObjectThatIsBeingFetchedWaitForThatFetch) {
  CloudFrontWorld world(one_object("cache_control: {max_age: 60s}"));
  world.web->service_time = 1s;
  world.call_at({0s, 100ms, 900ms});
  world.script->at(300ms, [&] { world.viewers[1]->call(); });  // Berlin: by the regional cache
  world.sim.run();
  EXPECT_THAT(fetches(*world.web), ElementsAre(0s));
  EXPECT_THAT(world.times(), ElementsAre(1s, 900ms, 100ms));
  EXPECT_EQ(world.viewers[1]->ended.at(0).took, 700ms);
  EXPECT_EQ(world.cdn->metric.collapsed.value(), 3u);
}

TEST(CloudFrontCacheTest, EdgesShareTheRegionalEdgeCacheBehindThem) {
  CloudFrontWorld world(one_object("cache_control: {max_age: 60s}"));
  world.call_at({0s});
  world.script->at(10s, [&] { world.viewers[1]->call(); });
  world.script->at(20s, [&] { world.viewers[2]->call(); });  // Tokyo has another
  // The copy in Berlin is as old as the one it is of.
  world.script->at(61s, [&] { world.viewers[1]->call(); });
  world.sim.run();
  EXPECT_THAT(fetches(*world.web), ElementsAre(0s, 20s, 61s));
  EXPECT_EQ(world.cdn->metric.hits.value(), 1u);
  EXPECT_EQ(world.cdn->metric.edge_hits.value(), 0u);
}

TEST(CloudFrontCacheTest, WithOriginShieldTheOriginIsAskedOnceForTheWholeWorld) {
  CloudFrontWorld world(
      "origins: [{target: web, origin_shield: us-east-1}], default_cache_behavior: "
      "{catalogue: {objects: 1}, cache_control: {max_age: 60s}}");
  for (auto* viewers : world.viewers) world.script->at(5s, [viewers] { viewers->call(); });
  world.sim.run();
  EXPECT_THAT(fetches(*world.web), ElementsAre(5s));
  for (auto* viewers : world.viewers) EXPECT_EQ(viewers->ended.at(0).outcome, Outcome::ok);
}

TEST(CloudFrontCacheTest, ObjectsNotAskedForTheLongestMakeRoom) {
  CloudFrontWorld world(
      "origins: [web], edge_cache: 50KB, regional_cache: 20KB, "
      "default_cache_behavior: {catalogue: {objects: 1, size_p50: 20KB}}, cache_behaviors: "
      "[{path_pattern: /b, catalogue: {objects: 1, size_p50: 20KB}}, "
      "{path_pattern: /c, catalogue: {objects: 1, size_p50: 20KB}}]");
  world.call_at({1s, 3s, 5s}, "/");
  world.call_at({2s, 6s}, "/b");
  world.call_at({4s}, "/c");  // /b was not asked for since 2 s
  world.sim.run();
  EXPECT_THAT(fetches(*world.web), ElementsAre(1s, 2s, 4s, 6s));
  EXPECT_EQ(world.cdn->metric.edge_hits.value(), 2u);
  // The edge gave up /b and /c, the regional cache with its room for one object /, /b and /c.
  EXPECT_EQ(world.cdn->metric.evictions.value(), 5u);
}

TEST(CloudFrontCacheTest, BehaviorsAreChosenByPathTheFirstThatMatches) {
  CloudFrontWorld world(
      "origins: [web, eu], default_cache_behavior: {target_origin: web}, cache_behaviors: "
      "[{path_pattern: /img/*, target_origin: eu, catalogue: {objects: 1}}, "
      "{path_pattern: /im*, target_origin: web, catalogue: {objects: 1}}]");
  world.call_at({1s, 2s}, "/img/a.png");
  world.call_at({3s}, "/imprint");
  world.sim.run();
  EXPECT_THAT(fetches(*world.eu), ElementsAre(1s));
  EXPECT_THAT(fetches(*world.web), ElementsAre(3s));
}

TEST(CloudFrontCacheTest, StaleWhileRevalidateAnswersAtOnceAndFetchesBehindTheScenes) {
  CloudFrontWorld world(one_object("cache_control: {max_age: 10s, stale_while_revalidate: 20s}"));
  world.web->service_time = 1s;
  world.call_at({0s, 15s, 15500ms, 17s, 60s});
  world.sim.run();
  EXPECT_THAT(world.times(), ElementsAre(1s, 0s, 0s, 0s, 1s));
  EXPECT_THAT(fetches(*world.web), ElementsAre(0s, 15s, 60s));
  // The regional cache revalidates, too: an edge gets its new copy with the fetch after that.
  EXPECT_EQ(world.cdn->metric.stale.value(), 3u);
}

TEST(CloudFrontCacheTest, ViewersReachTheEdgeOfTheirCityAndItsRegionalCache) {
  CloudFrontWorld world(one_object("cache_control: {max_age: 60s}"), true);
  world.call_at({0s, 10s});
  world.sim.run();
  // Frankfurt to N. Virginia is 93 ms there and back, twice: a connection and the request.
  EXPECT_GT(world.times().at(0), 2 * 85ms);
  EXPECT_LT(world.times().at(0), 2 * 100ms);
  EXPECT_LT(world.times().at(1), 1ms);
}

TEST(CloudFrontCacheTest, ConnectionsToTheOriginAreKeptAliveForFiveSeconds) {
  CloudFrontWorld world(one_object("cache_control: {no_store: true}"), true);
  world.call_at({0s, 3s, 7s, 13s});
  world.sim.run();
  const Duration round_trip = world.times().at(1);
  EXPECT_GT(round_trip, 80ms);
  // The one at 7 s comes 4 s after the last; 13 s is too late.
  EXPECT_THAT(world.times(), ElementsAre(2 * round_trip, round_trip, round_trip, 2 * round_trip));
}

// A million objects cost what is asked for, not what there is.
TEST(CloudFrontCacheTest, ACatalogueTakesMemoryForTheObjectsThatAreKept) {
  CloudFrontWorld world(
      "origins: [web], default_cache_behavior: {catalogue: {objects: 16000000, zipf: 0.6}}");
  for (int i = 0; i < 20'000; ++i) world.call_at({i * 1ms});
  world.sim.run();
  std::size_t objects = 0, memory = 0;
  for (const auto& edge : world.cdn->edges()) {
    objects += edge->cache().objects();
    memory += edge->cache().memory();
  }
  EXPECT_GT(objects, 15'000u);
  EXPECT_LE(memory, 100 * objects);  // both tables grow by doubling
  EXPECT_LT(world.cdn->edges().size() * sizeof(CloudFrontLocation), 200'000u);
}

TEST(CloudFrontCacheTest, SizesHaveTheMedianAndThe99thPercentileAskedFor) {
  CloudFrontBehavior behavior;
  behavior.size_p50 = 20'000;
  behavior.size_sigma = std::log(50) / 2.3263478740408408;  // 1 MB
  std::vector<float> sizes(200'000);
  for (std::uint32_t i = 0; i < sizes.size(); ++i) sizes[i] = behavior.size_of(i);
  std::sort(sizes.begin(), sizes.end());
  EXPECT_NEAR(sizes[sizes.size() / 2], 20'000, 400);
  EXPECT_NEAR(sizes[sizes.size() * 99 / 100], 1'000'000, 40'000);
  EXPECT_EQ(behavior.size_of(7), behavior.size_of(7));
}

}  // namespace
}  // namespace windtunnel
