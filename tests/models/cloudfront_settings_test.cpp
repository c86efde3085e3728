// What a distribution says of settings that cannot be, and what it publishes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/mechanisms/cloudwatch.hpp"
#include "tests/models/cloudfront_world.hpp"
#include "tests/support/yaml_run.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Outcome;
using test::CloudFrontWorld;
using testing::HasSubstr;
using testing::Not;

// Everything said about a distribution whose settings, from line 8 on, are these.
std::string said_of(const std::string& settings) {
  Diagnostics diagnostics;
  read_experiment(
      "experiment: e\nquestion: q\nhorizon: 1h\ntopology:\n  regions: {us-east-1: {}}\n"
      "  components:\n    cdn:\n      cloudfront_distribution:\n        " +
          settings +
          "\n    web: {station: {service_time: 1s}}\n    standby: {station: {service_time: 1s}}\n"
          "    users: {client: {target: cdn, open: {poisson: 1/s}}}\n",
      "web.yaml", {}, diagnostics);
  return diagnostics.print();
}

TEST(CloudFrontSettingsTest, AMinimumTtlAboveTheMaximumIsRefusedWithItsPlace) {
  EXPECT_THAT(said_of("{origins: [web], default_cache_behavior: {cache_policy: {min_ttl: 2h, "
                      "default_ttl: 2h, max_ttl: 1h}}}"),
              HasSubstr("web.yaml:9:"));
  const auto text = said_of(
      "{origins: [web], default_cache_behavior: {cache_policy: {min_ttl: 2h, default_ttl: 2h, "
      "max_ttl: 1h}}}");
  EXPECT_THAT(text, HasSubstr("min_ttl (7200 s) <= default_ttl (7200 s) <= max_ttl (3600 s) does "
                              "not hold (CloudFront API reference, CachePolicyConfig)"));
  EXPECT_THAT(said_of("{origins: [web], default_cache_behavior: {cache_policy: {default_ttl: 2h, "
                      "max_ttl: 1h}}}"),
              HasSubstr("default_ttl (7200 s) <= max_ttl (3600 s)"));
  // A minimum of a month moves the default and the maximum that are not given.
  EXPECT_EQ(said_of("{origins: [web], default_cache_behavior: {cache_policy: {min_ttl: 400d}}}"),
            "");
}

TEST(CloudFrontSettingsTest, AttemptsAndTimeoutsHaveTheLimitsOfAws) {
  const auto origin = [](const std::string& field) {
    return said_of("{origins: [{target: web, " + field + "}]}");
  };
  EXPECT_THAT(origin("connection_attempts: 4"), HasSubstr("3"));
  EXPECT_THAT(origin("connection_attempts: 0"), HasSubstr("1"));
  EXPECT_THAT(origin("connection_timeout: 11s"), HasSubstr("10s"));
  EXPECT_THAT(origin("response_timeout: 121s"), HasSubstr("120s"));
  EXPECT_THAT(origin("keep_alive_timeout: 500ms"), HasSubstr("1s"));
  EXPECT_THAT(origin("response_timeout: 121s"), HasSubstr("CloudFront guide"));
  EXPECT_EQ(origin("connection_attempts: 1, connection_timeout: 1s, response_timeout: 120s"), "");
}

TEST(CloudFrontSettingsTest, AnOriginGroupHasTwoKnownOriginsAndCriteria) {
  const auto group = [](const std::string& group) {
    return said_of("{origins: [web, standby], origin_groups: [" + group + "]}");
  };
  EXPECT_THAT(group("{name: g, primary: wbe, secondary: standby, failover_codes: [503, 504]}"),
              HasSubstr("no origin is named 'wbe', did you mean 'web'?"));
  EXPECT_THAT(group("{name: g, primary: web, secondary: web, failover_codes: [503, 504]}"),
              HasSubstr("primary and secondary are both 'web'"));
  EXPECT_THAT(group("{name: g, primary: web, secondary: standby}"),
              HasSubstr("failover_codes is missing"));
  EXPECT_THAT(group("{name: g, primary: web, secondary: standby, failover_codes: [503, 501]}"),
              HasSubstr("501 is none of 400, 403, 404, 416, 429, 500, 502, 503, 504"));
  EXPECT_THAT(group("{name: web, primary: web, secondary: standby, failover_codes: [503, 504]}"),
              HasSubstr("is named 'web' too"));
}

TEST(CloudFrontSettingsTest, BehaviorsNameAnOriginWhereThereAreSeveral) {
  EXPECT_THAT(said_of("{origins: [web, standby]}"), HasSubstr("target_origin is missing"));
  EXPECT_THAT(said_of("{origins: [web, standby], default_cache_behavior: {target_origin: wbe}}"),
              HasSubstr("no origin or origin group is named 'wbe', did you mean 'web'?"));
  EXPECT_THAT(said_of("{origins: [web], cache_behaviors: [{target_origin: web}]}"),
              HasSubstr("path_pattern is missing"));
  EXPECT_THAT(said_of("{origins: []}"), HasSubstr("origins is missing"));
  EXPECT_THAT(said_of("{origins: [{target: web, origin_shield: eu-north-1}]}"),
              HasSubstr("no regional edge cache is in 'eu-north-1'"));
  EXPECT_THAT(said_of("{origins: [web], updates: [{at: 1min, path_pattern: /x, target_origin: "
                      "web}]}"),
              HasSubstr("no cache behavior has the pattern '/x'"));
}

// A minute of hits, misses, a refused write and errors, as an alarm would read it.
TEST(CloudFrontMetricsTest, RatesAreThoseOfTheMinute) {
  CloudFrontWorld world(
      "origins: [web], metric_delay: 0s, error_caching_min_ttl: 0s, default_cache_behavior: "
      "{catalogue: {objects: 1}}, cache_behaviors: [{path_pattern: /broken, catalogue: {objects: "
      "1}}]");
  world.web->script = [&](const sim::Call& call) {
    return world.sim.request_class(call.request_class).path == "/broken" ? Outcome::error
                                                                         : Outcome::ok;
  };
  CloudWatch& cloudwatch = CloudWatch::of(world.sim);
  std::map<std::string, double> read;
  for (const char* name : {"Requests", "TotalErrorRate", "4xxErrorRate", "5xxErrorRate",
                           "CacheHitRate", "OriginLatency"}) {
    const auto metric = cloudwatch.find("cdn", name);
    ASSERT_TRUE(metric) << name;
    cloudwatch.watch(*metric);
    world.script->at(10min, [&cloudwatch, &read, name, metric] {
      double sum = 0;
      const auto statistic =
          *Statistic::of(std::string_view(name) == "Requests" ? "Sum" : "Average");
      for (const auto& point : cloudwatch.read(*metric, statistic, 1min, 10min)) {
        sum += point.value;
      }
      read[name] = sum;
    });
  }
  world.web->service_time = 200ms;
  // All within one minute of the wall clock, whose phase is drawn.
  const sim::Duration start =
      cloudwatch.start_of_period(sim::time_zero + 5min, 1min) - sim::time_zero;
  for (int i = 1; i <= 8; ++i) world.call_at({start + i * 1s});  // one miss, seven hits
  world.call_at({start + 20s}, "/broken");
  world.write_at(start + 30s);
  world.sim.run();
  EXPECT_DOUBLE_EQ(read["Requests"], 10);
  EXPECT_DOUBLE_EQ(read["TotalErrorRate"], 20);
  EXPECT_DOUBLE_EQ(read["4xxErrorRate"], 10);
  EXPECT_DOUBLE_EQ(read["5xxErrorRate"], 10);
  EXPECT_DOUBLE_EQ(read["CacheHitRate"], 100 * 7.0 / 8);
  EXPECT_DOUBLE_EQ(read["OriginLatency"], 200);
}

}  // namespace
}  // namespace windtunnel
