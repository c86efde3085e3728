#include "models/network/api_gateway.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/small_run.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Outcome;
using test::Machine;
using test::SmallRun;
using testing::Each;
using testing::Field;
using testing::HasSubstr;

std::string api(const std::string& settings = "") {
  return "api: {api_gateway: {overhead: 0s, routes: [{to: web}]" +
         (settings.empty() ? "" : ", " + settings) + "}}, web: {station: {servers: 1000000, " +
         "service_time: 10ms}}";
}

struct World : SmallRun {
  explicit World(const std::string& components, const std::string& horizon = "1h")
      : SmallRun(test::small_experiment(components, "horizon: " + horizon)) {}
  Machine& burst(const std::string& target, sim::Duration at, int calls) {
    Machine& made = machine(target, {});
    script.at(at, [&made, calls] {
      for (int i = 0; i < calls; ++i) made.call();
    });
    return made;
  }
};

long throttled(const Machine& machine) {
  return std::ranges::count(machine.ended, Outcome::throttled, &Machine::End::outcome);
}

std::string complaints(const std::string& components) {
  Diagnostics diagnostics;
  read_experiment(test::small_experiment(components, "horizon: 1s"), "test.yaml", {}, diagnostics);
  return diagnostics.print();
}

// Rule 28
TEST(ApiGateway, Rule28OneBucketPerAccountAndRegionOverAllApiTypes) {
  World world(
      "rest: {api_gateway: {overhead: 0s, routes: [{to: web}]}}, "
      "http: {api_gateway: {type: http, overhead: 0s, routes: [{to: web}]}}, "
      "web: {station: {servers: 1000000, service_time: 10ms}}");
  Machine& first = world.burst("rest", 10s, 4000);
  Machine& second = world.burst("http", 10s, 4000);
  Machine& later = world.burst("rest", 10s + 100ms, 2000);
  world.sim.run();
  EXPECT_EQ(throttled(first), 0);
  EXPECT_EQ(throttled(second), 3000);  // of the burst of 5,000 a thousand were left
  EXPECT_EQ(throttled(later), 1000);   // 100 ms at 10,000/s
  EXPECT_EQ(world.metric("rest", "ThrottledByAccount"), 1000);
}

TEST(ApiGateway, NewerRegionsHaveAQuarterOfIt) {
  EXPECT_EQ(AccountQuotas::api_gateway_of("eu-south-2").rate, 2500);
  EXPECT_EQ(AccountQuotas::api_gateway_of("us-east-1").burst, 5000);
}

TEST(ApiGateway, AMethodsThrottleComesBeforeTheStages) {
  World world(
      "api: {api_gateway: {overhead: 0s, throttle: {rate: 10/s, burst: 30}, routes: "
      "[{to: web, throttle: {rate: 5/s, burst: 10}}]}}, "
      "web: {station: {servers: 1000, service_time: 10ms}}");
  Machine& client = world.burst("api", 10s, 40);
  world.sim.run();
  EXPECT_EQ(throttled(client), 30);
  EXPECT_EQ(world.metric("api", "ThrottledByMethod"), 30);
}

TEST(ApiGateway, AUsagePlanHoldsAGreedyClientBackAndOthersDoNotFeelIt) {
  const std::string users = "{client: {target: api, network: 0s, dns_lookup: 0s, open: ";
  World world("greedy: " + users + "{deterministic: 100/s}}}, modest: " + users +
                  "{deterministic: 5/s}}}, " +
                  api("usage_plans: [{api_keys: [greedy, modest], throttle: {rate: 10/s, burst: "
                      "10}}]"),
              "100s");
  world.sim.run();
  EXPECT_EQ(world.metric("modest", "Failed"), 0);
  EXPECT_NEAR(world.metric("greedy", "Succeeded"), 10 * 100 + 10, 3);
  EXPECT_GT(world.metric("api", "Throttling", "longest_spell"), 98);
}

TEST(ApiGateway, AQuotaEndsAKeysDay) {
  World world(
      "users: {client: {target: api, network: 0s, dns_lookup: 0s, open: {deterministic: "
      "0.01/s}}}, " +
          api("usage_plans: [{api_keys: [users], quota: {limit: 500}}]"),
      "48h");
  world.sim.run();
  EXPECT_EQ(world.metric("users", "Succeeded"), 1000);  // of 1,728 in two days
}

TEST(ApiGateway, WithoutAKeyThatIsRequiredItIsForbidden) {
  World world(api("api_key_required: true"));
  Machine& client = world.machine("api", {1s});
  world.sim.run();
  EXPECT_THAT(client.ended, Each(Field(&Machine::End::outcome, Outcome::error)));
  EXPECT_EQ(world.metric("api", "Forbidden"), 1);
}

TEST(ApiGateway, AnIntegrationHas29SecondsThirtyInAnHttpApi) {
  World world(
      "rest: {api_gateway: {overhead: 0s, routes: [{to: slow}]}}, "
      "http: {api_gateway: {type: http, overhead: 0s, routes: [{to: slow}]}}, "
      "slow: {station: {servers: 10, service_time: 1min}}");
  Machine& rest = world.machine("rest", {0s});
  Machine& http = world.machine("http", {0s});
  world.sim.run();
  EXPECT_EQ(rest.ended[0], (Machine::End{29s, Outcome::gateway_timeout, 0}));
  EXPECT_EQ(http.ended[0], (Machine::End{30s, Outcome::unavailable, 0}));
}

TEST(ApiGateway, AFunctionsErrorIsA502AndItsThrottleA500) {
  World world(
      "api: {api_gateway: {overhead: 0s, routes: [{to: fn}]}}, "
      "fn: {lambda_function: {runtime: rust, errors: 100%}}, "
      "api2: {api_gateway: {overhead: 0s, routes: [{to: off}]}}, "
      "off: {lambda_function: {runtime: rust, reserved_concurrency: 0}}");
  Machine& fails = world.machine("api", {0s});
  Machine& refused = world.machine("api2", {0s});
  world.sim.run();
  EXPECT_EQ(fails.ended[0].outcome, Outcome::bad_gateway);
  EXPECT_EQ(refused.ended[0].outcome, Outcome::error);
}

TEST(ApiGateway, APayloadAboveTenMebibytesIsRefused) {
  World world(
      "users: {client: {target: api, open: {deterministic: 1/s}, requests: [{path: /big, "
      "size: 11MiB}]}}, " +
          api(),
      "10s");
  world.sim.run();
  EXPECT_EQ(world.metric("web", "Arrivals"), 0);
  EXPECT_GT(world.metric("api", "TooLarge"), 5);
}

TEST(ApiGateway, TheCacheAnswersReadsUntilTheirTimeIsOver) {
  World world(
      "users: {client: {target: api, network: 0s, dns_lookup: 0s, open: {deterministic: "
      "10/s}, requests: [{path: /list}]}}, " +
          api("cache: {ttl: 60s, objects: 1}"),
      "10min");
  world.sim.run();
  EXPECT_EQ(world.metric("web", "Arrivals"), 10);
  EXPECT_GT(world.metric("api", "CacheHitCount"), 5900);
}

TEST(ApiGateway, ClientsMayGoPastTheCache) {
  World world(
      "users: {client: {target: api, network: 0s, dns_lookup: 0s, open: {deterministic: "
      "10/s}}}, " +
          api("cache: {ttl: 3600s, objects: 1, bypass: 50%}"),
      "10min");
  world.sim.run();
  EXPECT_NEAR(world.metric("web", "Arrivals"), 3000, 140);
}

TEST(ApiGateway, DirectIntegrationsHandMessagesToQueuesTopicsAndStreams) {
  World world(
      "users: {client: {target: api, network: 0s, dns_lookup: 0s, open: {deterministic: "
      "30/s}, requests: [{path: /q, size: 1KiB}, {path: /s}]}}, "
      "api: {api_gateway: {routes: [{path: /q, to: q}, {path: /s, to: s}]}}, "
      "q: {sqs_queue: {}}, s: {kinesis_data_stream: {shards: 1}}",
      "1min");
  world.sim.run();
  EXPECT_NEAR(world.metric("q", "MessagesAccepted"), 900, 100);
  EXPECT_NEAR(world.metric("s", "IncomingRecords"), 900, 100);
  EXPECT_EQ(world.metric("users", "Failed"), 0);
}

TEST(ApiGateway, AnAsynchronousInvocationIsAnsweredBeforeTheFunctionHasDoneIt) {
  World world(
      "api: {api_gateway: {overhead: 0s, routes: [{to: fn, asynchronous: true}]}}, "
      "fn: {lambda_function: {runtime: rust, service_time: 2s}}");
  Machine& client = world.machine("api", {0s});
  world.sim.run();
  EXPECT_EQ(client.ended[0], (Machine::End{0s, Outcome::ok, 0}));
  EXPECT_EQ(world.metric("fn", "MessagesDelivered"), 1);
}

TEST(ApiGateway, BadSettingsAreRefusedWithTheirLimits) {
  EXPECT_THAT(complaints("api: {api_gateway: {type: http, routes: [{to: web, timeout: 31s}]}}, "
                         "web: {station: {service_time: 1ms}}"),
              HasSubstr("api.routes.0.timeout: is above 30s, the most of an HTTP API"));
  EXPECT_THAT(complaints(api("usage_plans: [{api_keys: [nobody]}]")),
              HasSubstr("api.usage_plans.0.api_keys.0: no component 'nobody'"));
  EXPECT_THAT(complaints("api: {api_gateway: {type: http, cache: {}, routes: [{to: web}]}}, "
                         "web: {station: {service_time: 1ms}}"),
              HasSubstr("api.cache: is of REST APIs"));
  EXPECT_THAT(complaints("api: {api_gateway: {}}"), HasSubstr("routes is missing"));
  EXPECT_THAT(complaints(api("cache: {ttl: 2h}")), HasSubstr("2h is above 3600s"));
}

}  // namespace
}  // namespace windtunnel
