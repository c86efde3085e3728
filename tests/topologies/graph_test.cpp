#include "topologies/graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/topologies/reading.hpp"

namespace windtunnel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Components from line 3.
std::string found(const std::string& components) {
  return findings("regions: {us-east-1: {availability_zones: 3}}\ncomponents:\n" + components);
}

// users -> www -> alb -> web (on group) -> db, all over three zones
TEST(Graph, NotesWhatEveryPathPassesThroughThoughItIsSpread) {
  EXPECT_EQ(found("  users: {client: {target: www, open: {poisson: 1/s}}}\n"
                  "  www: {route53_record: {alias: alb}}\n"
                  "  alb: {application_load_balancer: {targets: web}}\n"
                  "  web: {ec2_service: {on: group, service_time: 1ms, calls: [{to: db}]}}\n"
                  "  group: {auto_scaling_group: {size: 6}}\n"
                  "  db: {aurora_cluster: {readers: 2}}\n"),
            "web.yaml:4:3: note: www: every path from the clients to db passes through it; it is "
            "bound to no zone\n"
            "web.yaml:5:3: note: alb: every path from the clients to db passes through it; it is "
            "spread over 3 zones\n"
            "web.yaml:6:3: note: web: every path from the clients to db passes through it; it is "
            "spread over 3 zones (on group)\n");
}

TEST(Graph, WarnsOfAGroupInOneZoneAndOfThatZone) {
  EXPECT_EQ(found("  users: {client: {target: web, open: {poisson: 1/s}}}\n"
                  "  web: {ec2_service: {on: group, service_time: 1ms, calls: [{to: db}]}}\n"
                  "  group: {auto_scaling_group: {size: 6, availability_zones: [us-east-1b]}}\n"
                  "  db: {aurora_cluster: {readers: 2}}\n"),
            "web.yaml:1:11: warning: us-east-1b: single point of failure: without this zone no "
            "client reaches db (only there: web and group)\n"
            "web.yaml:4:3: warning: web: single point of failure: every path from the clients to "
            "db passes through it, and it lives in us-east-1b alone (on group)\n");
}

TEST(Graph, WarnsOfAStoreInOneZone) {
  EXPECT_EQ(found("  users: {client: {target: db, open: {poisson: 1/s}}}\n"
                  "  db: {aurora_cluster: {readers: 2, availability_zones: [us-east-1a]}}\n"),
            "web.yaml:1:11: warning: us-east-1a: single point of failure: without this zone no "
            "client reaches db (only there: db)\n"
            "web.yaml:4:3: warning: db: single point of failure: the clients depend on it, and it "
            "lives in us-east-1a alone\n");
}

// users -> www -> alb-1 (zone a) or alb-2 (zone b) -> web -> db
TEST(Graph, FindsNothingWrongWithTwoPathsInTwoZones) {
  const std::string two_ways =
      "  users: {client: {target: www, open: {poisson: 1/s}}}\n"
      "  www: {route53_record: {failover: {primary: alb-1, secondary: alb-2}}}\n"
      "  alb-1: {application_load_balancer: {targets: web, availability_zones: [us-east-1a]}}\n";
  const std::string behind =
      "  web: {ec2_service: {on: group, service_time: 1ms, calls: [{to: db}]}}\n"
      "  group: {auto_scaling_group: {size: 6}}\n"
      "  db: {aurora_cluster: {readers: 2}}\n";
  const std::string notes =
      "web.yaml:4:3: note: www: every path from the clients to db passes through it; it is bound "
      "to no zone\n"
      "web.yaml:7:3: note: web: every path from the clients to db passes through it; it is spread "
      "over 3 zones (on group)\n";
  EXPECT_EQ(found(two_ways +
                  "  alb-2: {application_load_balancer: {targets: web, availability_zones: "
                  "[us-east-1b]}}\n" +
                  behind),
            notes);
  // Both ways through one zone: no component is alone, the zone is.
  EXPECT_EQ(found(two_ways +
                  "  alb-2: {application_load_balancer: {targets: web, availability_zones: "
                  "[us-east-1a]}}\n" +
                  behind),
            "web.yaml:1:11: warning: us-east-1a: single point of failure: without this zone no "
            "client reaches db (only there: alb-1 and alb-2)\n" +
                notes);
}

// users -> address -> active or standby
TEST(Graph, AnAddressAndItsStandbyAreAloneNoSinglePoints) {
  const auto pair = [](const std::string& standby_zone) {
    return found(
        "  users: {client: {target: address, open: {poisson: 1/s}}}\n"
        "  address: {elastic_ip: {primary: active, standby: standby}}\n"
        "  active: {ec2_service: {on: a, service_time: 1ms}}\n"
        "  standby: {ec2_service: {on: b, service_time: 1ms}}\n"
        "  a: {auto_scaling_group: {size: 1, availability_zones: [us-east-1a]}}\n"
        "  b: {auto_scaling_group: {size: 1, availability_zones: [" +
        standby_zone + "]}}\n");
  };
  const std::string note =
      "web.yaml:4:3: note: address: every path from the clients to active or standby passes "
      "through "
      "it; it is bound to no zone\n";
  EXPECT_EQ(pair("us-east-1b"), note);
  EXPECT_EQ(pair("us-east-1a"),
            "web.yaml:1:11: warning: us-east-1a: single point of failure: without this zone no "
            "client reaches active or standby (only there: active, standby, a and b)\n" +
                note);
}

// Each of two ways has a store of its own; what is behind one of them only is no single point.
TEST(Graph, StoresBehindAlternativesStandInForEachOther) {
  const std::string ways =
      "  users: {client: {target: www, open: {poisson: 1/s}}}\n"
      "  www: {route53_record: {failover: {primary: {alias: alb-1}, secondary: {alias: alb-2}}}}\n"
      "  alb-1: {application_load_balancer: {targets: web-1}}\n"
      "  alb-2: {application_load_balancer: {targets: web-2}}\n"
      "  web-1: {ec2_service: {on: group, service_time: 1ms, calls: [{to: db-1}]}}\n"
      "  web-2: {ec2_service: {on: group, service_time: 1ms, calls: [{to: db-2}]}}\n"
      "  group: {auto_scaling_group: {size: 6}}\n"
      "  db-1: {aurora_cluster: {availability_zones: [us-east-1a]}}\n"
      "  db-2: {aurora_cluster: {availability_zones: [us-east-1b]}}\n";
  const std::string note =
      "web.yaml:4:3: note: www: every path from the clients to db-1 or db-2 passes through it; it "
      "is bound to no zone\n";
  EXPECT_EQ(found(ways), note);
  // Who calls one of them past the name depends on it.
  EXPECT_EQ(
      found(ways + "  reports: {client: {target: db-1, open: {poisson: 1/s}}}\n"),
      "web.yaml:1:11: warning: us-east-1a: single point of failure: without this zone no "
      "client reaches db-1 (only there: db-1)\n"
      "web.yaml:10:3: warning: db-1: single point of failure: the clients depend on it, and it "
      "lives in us-east-1a alone\n");
}

TEST(Graph, TakesCallableComponentsThatCallNobodyForStoresIfThereAreNone) {
  EXPECT_EQ(found("  users: {client: {target: a, open: {poisson: 1/s}}}\n"
                  "  a: {station: {service_time: 1ms, servers: 2, next: b}}\n"
                  "  b: {station: {service_time: 1ms, servers: 2}}\n"),
            "web.yaml:4:3: note: a: every path from the clients to b passes through it; it is "
            "bound to no zone\n");
}

TEST(Graph, TellsTheStoresBehindAComponentTogether) {
  EXPECT_EQ(found("  users: {client: {target: web, open: {poisson: 1/s}}}\n"
                  "  web: {ec2_service: {on: group, service_time: 1ms, calls: [{to: a}, {to: b}]}}"
                  "\n"
                  "  group: {auto_scaling_group: {size: 6}}\n"
                  "  a: {aurora_cluster: {}}\n"
                  "  b: {aurora_cluster: {}}\n"),
            "web.yaml:4:3: note: web: every path from the clients to a and b passes through it; it "
            "is spread over 3 zones (on group)\n");
}

TEST(Graph, WarnsOfUnusedAndUnreachableComponents) {
  EXPECT_EQ(found("  users: {client: {target: db, open: {poisson: 1/s}}}\n"
                  "  db: {aurora_cluster: {}}\n"
                  "  old: {station: {service_time: 1ms, next: behind}}\n"
                  "  behind: {station: {service_time: 1ms}}\n"),
            "web.yaml:5:3: warning: old: unused: no component names it\n"
            "web.yaml:6:3: warning: behind: unreachable: no client leads to it\n");
}

TEST(Graph, WarnsOfATopologyWithoutClients) {
  EXPECT_EQ(found("  db: {aurora_cluster: {}}\n"),
            "web.yaml:1:1: warning: no client: nothing calls these components\n");
}

TEST(Graph, TellsASynchronousCycleByItsCalls) {
  EXPECT_EQ(found("  users: {client: {target: a, open: {poisson: 1/s}}}\n"
                  "  a: {station: {service_time: 1ms, servers: 2, next: b}}\n"
                  "  b: {station: {service_time: 1ms, servers: 2, next: c}}\n"
                  "  c: {station: {service_time: 1ms, servers: 2, next: a}}\n"),
            "web.yaml:4:3: a: synchronous cycle: a (next) -> b (next) -> c (next) -> a\n");
}

TEST(Graph, TellsAComponentThatCallsItself) {
  EXPECT_EQ(found("  users: {client: {target: web, open: {poisson: 1/s}}}\n"
                  "  web: {ec2_service: {on: group, service_time: 1ms, calls: [{to: db}, {to: "
                  "web}]}}\n"
                  "  group: {auto_scaling_group: {size: 6}}\n"
                  "  db: {station: {service_time: 1ms, servers: 2}}\n"),
            "web.yaml:4:3: web: synchronous cycle: web (calls.1.to) -> web\n"
            "web.yaml:4:3: note: web: every path from the clients to db passes through it; it is "
            "spread over 3 zones (on group)\n");
}

TEST(Graph, TellsTwoSeparateCyclesOnceEach) {
  EXPECT_EQ(found("  users: {client: {target: a, open: {poisson: 1/s}}}\n"
                  "  others: {client: {target: c, open: {poisson: 1/s}}}\n"
                  "  a: {station: {service_time: 1ms, next: b}}\n"
                  "  b: {station: {service_time: 1ms, next: a}}\n"
                  "  c: {station: {service_time: 1ms, next: d}}\n"
                  "  d: {station: {service_time: 1ms, next: c}}\n"),
            "web.yaml:5:3: a: synchronous cycle: a (next) -> b (next) -> a\n"
            "web.yaml:7:3: c: synchronous cycle: c (next) -> d (next) -> c\n");
}

TEST(Graph, WarnsOfMessagesThatAFunctionSendsToItselfRoundAQueue) {
  const std::string text = found(
      "  users: {client: {target: jobs, writes: 100%, open: {poisson: 1/s}}}\n"
      "  jobs: {sqs_queue: {redrive_policy: {dead_letter_queue: dead}}}\n"
      "  dead: {sqs_queue: {message_retention_period: 14d}}\n"
      "  poll: {lambda_event_source_mapping: {queue: jobs, function: fn}}\n"
      "  fn: {lambda_function: {runtime: rust, calls: [{to: jobs, writes: 100%}]}}\n");
  EXPECT_THAT(text, HasSubstr("web.yaml:4:3: warning: jobs: asynchronous cycle: nothing here ends "
                              "a message's way round: jobs (queue) -> poll (function) -> fn "
                              "(calls.0.to) -> jobs\n"));
}

TEST(Graph, WarnsOfEventsThatAFunctionSendsBackToTheirBus) {
  const std::string text = found(
      "  users: {client: {target: bus, writes: 100%, open: {poisson: 1/s}}}\n"
      "  bus: {eventbridge_bus: {rules: [{targets: [fn]}]}}\n"
      "  fn: {lambda_function: {runtime: rust, calls: [{to: bus, writes: 100%}]}}\n");
  EXPECT_THAT(text, HasSubstr("asynchronous cycle: nothing here ends a message's way round: bus "
                              "(rules.0.targets.0.to) -> fn (calls.0.to) -> bus\n"));
}

TEST(Graph, WarnsOfAFunctionWhoseFailuresComeBackToIt) {
  const std::string text = found(
      "  users: {client: {target: bus, writes: 100%, open: {poisson: 1/s}}}\n"
      "  bus: {eventbridge_bus: {rules: [{targets: [fn]}]}}\n"
      "  fn: {lambda_function: {runtime: rust, asynchronous: {on_failure: again}}}\n"
      "  again: {sns_topic: {subscriptions: [fn]}}\n");
  EXPECT_THAT(text, HasSubstr("asynchronous cycle"));
}

TEST(Graph, SaysNothingOfMessagesThatEndSomewhere) {
  EXPECT_THAT(found("  users: {client: {target: jobs, writes: 100%, open: {poisson: 1/s}}}\n"
                    "  jobs: {sqs_queue: {}}\n"
                    "  poll: {lambda_event_source_mapping: {queue: jobs, function: fn}}\n"
                    "  fn: {lambda_function: {runtime: rust, calls: [{to: done, writes: 100%}]}}\n"
                    "  done: {sqs_queue: {}}\n"),
              Not(HasSubstr("cycle")));
}

}  // namespace
}  // namespace windtunnel
