// What is measured, word by word as it is defined, in runs small enough to check by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/run.hpp"
#include "tests/support/small_run.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using analysis::ReplicationRecord;
using sim::Duration;
using testing::ElementsAre;

ReplicationRecord record_of(const std::string& yaml) {
  Diagnostics diagnostics;
  const auto experiment = read_experiment(yaml, "test.yaml", {}, diagnostics);
  if (!experiment) throw std::runtime_error(diagnostics.print());
  return experiments::run_replication(*experiment, 1, 0, false);
}

// Users in front of a queue that answers after `service`; `rest` has horizon, faults and level.
std::string queue(const std::string& load, const std::string& rest, const char* service = "0s") {
  return small_experiment(
      client("queue", load) +
          fmt::format(", queue: {{station: {{servers: 1000, service_time: {}}}}}", service),
      rest);
}
std::string failing(const char* at, const char* lasting) {
  return fmt::format("{{at: {}, lasting: {}, errors: {{target: queue, share: 100%}}}}", at,
                     lasting);
}
double metric(const ReplicationRecord& record, const std::string& component,
              const std::string& name, const std::string& statistic = "sum") {
  for (const auto& candidate : record.metrics()) {
    if (candidate.component() != component || candidate.metric() != name) continue;
    for (const auto& value : candidate.statistics()) {
      if (value.name() == statistic) return value.value();
    }
  }
  throw std::runtime_error("no " + name);
}
Duration sum(const google::protobuf::RepeatedPtrField<analysis::Part>& parts) {
  Duration total{0};
  for (const auto& part : parts) total += Duration(part.length());
  return total;
}
std::vector<Duration> lengths(const google::protobuf::RepeatedPtrField<analysis::Part>& parts) {
  std::vector<Duration> found;
  for (const auto& part : parts) found.emplace_back(part.length());
  return found;
}

// ---- words

// One request at 30 s; its attempts at 30, 31 and 32 s are answered after 5 s each.
TEST(Definitions, ARequestIsOneOperationWithAllItsAttempts) {
  const auto record = record_of(
      queue("open: {deterministic: 1/min}, timeout: 1s, retry: {max_attempts: 3, backoff: none}",
            "horizon: 1min", "5s"));
  EXPECT_EQ(metric(record, "users", "Requests"), 1);
  EXPECT_EQ(metric(record, "users", "Attempts"), 3);
  EXPECT_EQ(record.measures().requests_decided(), 1u);
}

// The attempt times out, but the work is done: its answer is of no use.
TEST(Definitions, WastedWorkIsAnAnswerThatNobodyWaitsForAnyMore) {
  const auto record =
      record_of(queue("open: {deterministic: 1/min}, timeout: 1s", "horizon: 1min", "5s"));
  EXPECT_EQ(metric(record, "queue", "Completions"), 1);
  EXPECT_EQ(metric(record, "users", "LateAnswers"), 1);
}

// At 0.5 s the fault strikes and a request arrives: faults come first, repairs too.
TEST(Definitions, FaultsComeBeforeTrafficAtOneInstant) {
  const auto record = record_of(queue("open: {deterministic: 1/s}, timeout: 1s",
                                      "horizon: 10s, faults: [" + failing("500ms", "2s") + "]"));
  EXPECT_EQ(metric(record, "users", "Failed"), 2);  // 0.5 and 1.5, not 2.5 s
}

// Requests at 0.5, 1.5, ... 9.5 s: that of 10.5 s comes with the horizon.
TEST(Definitions, ARunEndsBeforeItsHorizon) {
  const auto record =
      record_of(queue("open: {deterministic: 1/s}, timeout: 1s", "horizon: 10500ms"));
  EXPECT_EQ(metric(record, "users", "Requests"), 10);
}

// ---- service level

// The request of 9.5 s fails at 11.5 s.
TEST(Definitions, ARequestBelongsToTheWindowOfItsFirstAttempt) {
  const auto record = record_of(queue("open: {deterministic: 1/s}, timeout: 2s",
                                      "horizon: 20s, faults: [{at: 9s, lasting: 1s, slow: {target: "
                                      "queue, factor: 100}}]",
                                      "100ms"));
  EXPECT_THAT(record.windows().arrived(), ElementsAre(10, 8));
  EXPECT_THAT(record.windows().good(), ElementsAre(9, 8));
  EXPECT_THAT(record.windows().undecided(), ElementsAre(0, 2));  // 18.5 and 19.5 s
}

TEST(Definitions, AGoodRequestSucceedsWithinTheLatencyBound) {
  const std::string load = "open: {deterministic: 1/s}, timeout: 2s";
  const auto strict = record_of(queue(load, "horizon: 12s, service_level: {p99: 900ms}", "1s"));
  EXPECT_EQ(strict.measures().availability(), 0);
  const auto lax = record_of(queue(load, "horizon: 12s, service_level: {p99: 1s}", "1s"));
  EXPECT_EQ(lax.measures().availability(), 1);
}

// Ten requests a window: with a minimum of 20 the bad 10 s make a bad window of 20 s.
TEST(Definitions, WindowsLengthenUntilTheyHoldTheMinimumOfRequests) {
  const auto rto = [&](int minimum) {
    return Duration(record_of(queue("open: {deterministic: 1/s}, timeout: 1s",
                                    fmt::format("horizon: 5min, faults: [{}], service_level: "
                                                "{{minimum_requests: {}}}",
                                                failing("100s", "10s"), minimum)))
                        .measures()
                        .rto());
  };
  EXPECT_EQ(rto(10), 10s);
  EXPECT_EQ(rto(20), 20s);
}

// ---- RTO

const std::string ten_a_second = "open: {deterministic: 10/s}, timeout: 1s";
const std::string level = ", service_level: {window: 10s, sustained: 20s}";

// Bad windows from 100 s to 130 s. The first request after the fault comes at 100.05 s.
TEST(Definitions, RtoIsFromTheFaultToTheFirstSustainedRunOfGoodWindows) {
  const auto record = record_of(
      queue(ten_a_second, "horizon: 5min, faults: [" + failing("100s", "30s") + "]" + level));
  EXPECT_EQ(Duration(record.measures().rto()), 30s);
  EXPECT_EQ(Duration(record.measures().breach()), 100s);
  EXPECT_THAT(lengths(record.rto_parts()), ElementsAre(50ms, 0s, 0s, 0s, 0s, 0s, 0s, 30s - 50ms));
}

// Good windows of 10 s between two failures are no recovery.
TEST(Definitions, AShortRunOfGoodWindowsIsNoRecovery) {
  const auto record =
      record_of(queue(ten_a_second, "horizon: 5min, faults: [" + failing("100s", "10s") + ", " +
                                        failing("120s", "10s") + "]" + level));
  EXPECT_EQ(Duration(record.measures().rto()), 30s);
}

TEST(Definitions, WithoutABreachRtoIsZero) {
  const auto record = record_of(queue(
      ten_a_second, "horizon: 5min, faults: [{at: 100s, slow: {target: queue, factor: 2}}]" + level,
      "10ms"));
  EXPECT_TRUE(record.measures().has_rto());
  EXPECT_EQ(record.measures().rto(), 0);
}

TEST(Definitions, WithoutARecoveryByTheHorizonRtoIsCensored) {
  const auto record = record_of(
      queue(ten_a_second, "horizon: 140s, faults: [" + failing("100s", "30s") + "]" + level));
  EXPECT_TRUE(record.measures().rto_censored());
  EXPECT_FALSE(record.measures().has_rto());
}

TEST(Definitions, LaterBreachesAddToTheTimeOutOfService) {
  const auto record =
      record_of(queue(ten_a_second, "horizon: 5min, faults: [" + failing("100s", "30s") + ", " +
                                        failing("200s", "20s") + "]" + level));
  EXPECT_EQ(Duration(record.measures().rto()), 30s);
  EXPECT_EQ(Duration(record.measures().time_out_of_service()), 50s);
  EXPECT_EQ(record.outages_size(), 2);
}

// The one instance is stopped at 115 s. The connection to it is still there, so the request of
// 115.05 s is given up after a second; the group's look at 120 s starts the replacement, and with
// nobody healthy the load balancer passes requests to it as soon as it is InService, at 130 s.
// Neither the load balancer's opinions nor the client's next answer come before that.
TEST(Definitions, ThePartsOfRtoAreItsMilestonesDifferences) {
  const auto record = record_of(
      small_experiment(client("alb", ten_a_second) +
                           ", alb: {application_load_balancer: {targets: web}}, "
                           "web: {ec2_service: {on: asg, service_time: 10ms}}, " +
                           group("size: 1, health_check_type: ELB"),
                       "horizon: 10min, faults: [{at: 115s, instance_stop: asg}]" + level, 2));
  EXPECT_EQ(Duration(record.measures().rto()), 15s);
  // First failed request, first and last detection, action started and finished, caches expired,
  // moved, recovered.
  EXPECT_THAT(lengths(record.rto_parts()), ElementsAre(1050ms, 0s, 0s, 3950ms, 0s, 0s, 0s, 10s));
  EXPECT_EQ(sum(record.rto_parts()), Duration(record.measures().rto()));
}

// ---- availability

// Deadlines are 2 s after arrival: of those in [10 s, 20 s) eight are decided. Those of 11.5 s and
// 12.5 s are answered with errors at 12.5 s and 13.5 s.
TEST(Definitions, AvailabilityIsGoodOverDecidedRequestsAfterTheWarmUp) {
  const auto record =
      record_of(queue("open: {deterministic: 1/s}, timeout: 2s",
                      "horizon: 20s, warm_up: 10s, faults: [" + failing("12s", "2s") + "]", "1s"));
  EXPECT_EQ(record.measures().requests_decided(), 8u);
  EXPECT_EQ(record.measures().requests_undecided(), 2u);
  EXPECT_EQ(record.measures().requests_good(), 6u);
  EXPECT_EQ(record.measures().availability(), 0.75);
}

// ---- replacement lag

// Stopped at 15 s; seen at 20 s; 1 + 2 + 3 + 4 s of launch.
TEST(Definitions, ReplacementLagIsFromTheLossOfATargetToItsReplacement) {
  const std::string topology = client("web", ten_a_second) +
                               ", web: {ec2_service: {on: asg, service_time: 10ms}}, " +
                               group("size: 2");
  const auto record = record_of(small_experiment(
      topology, "horizon: 1min, faults: [{at: 15s, instance_stop: {target: asg, count: 1}}]"));
  EXPECT_EQ(Duration(record.measures().replacement_lag()), 15s);
  EXPECT_THAT(lengths(record.replacement_lag_parts()), ElementsAre(5s, 0s, 1s, 2s, 3s, 4s, 0s));
  EXPECT_FALSE(record_of(small_experiment(topology, "horizon: 1min"))
                   .measures()
                   .has_replacement_lag());  // none, not 0
}

// ---- RPO

// Ten writes a second; each commit waits 30 ms for storage. The writer crashes at 60.06 s with the
// write of 60.05 s under way: its caller never learns. 5 s + 8 s + 2 s later there is a writer
// again.
TEST(Definitions, AFailoverLosesNoAcknowledgedWriteAndLeavesThoseUnderWayUnknown) {
  const auto record = record_of(small_experiment(
      client("db", "writes: 100%, " + ten_a_second) +
          ", db: {aurora_cluster: {readers: 1, writer_az: us-east-1a, write_time: 1ms, "
          "storage_write: 30ms, failure_detection: 5s, promotion: 8s, endpoint_update: 2s}}",
      "horizon: 5min, faults: [{at: 60060ms, instance_crash: {target: db, az: us-east-1a}}]" +
          level));
  EXPECT_EQ(record.measures().rpo(), 0);
  EXPECT_FALSE(record.measures().rpo_censored());
  EXPECT_EQ(record.measures().writes_lost(), 0u);
  EXPECT_EQ(record.measures().writes_unknown(), 1u);
  EXPECT_EQ(record.measures().writes_acknowledged(), metric(record, "users", "Succeeded"));
  // Bad windows from 60 s to 80 s.
  EXPECT_EQ(Duration(record.measures().rto()), 80s - 60060ms);
  // The write of 60.05 s is given up at 61.05 s; detected at 65.06 s, promoted at 73.06 s, users
  // find the new writer by DNS.
  const auto parts = lengths(record.rto_parts());
  EXPECT_THAT(std::vector(parts.begin(), parts.begin() + 5),
              ElementsAre(990ms, 4010ms, 0s, 0s, 8s));
  EXPECT_EQ(parts[5], 0s);  // no resolver keeps an answer
  EXPECT_EQ(parts[6] + parts[7], 80s - 73060ms);
  EXPECT_GE(parts[6], 2s);  // the endpoint follows 2 s after the promotion
}

// ---- throttling

using ThrottlingRow = std::tuple<std::string, std::string, std::uint64_t, std::uint64_t, Duration>;

// Caller, reason, offered, refused, longest spell at the API; empty: all.
std::vector<ThrottlingRow> throttling(const ReplicationRecord& record) {
  std::vector<ThrottlingRow> rows;
  for (const auto& row : record.throttling()) {
    EXPECT_EQ(row.component(), "api");
    rows.emplace_back(row.caller(), row.reason(), row.offered(), row.refused(),
                      Duration(row.longest_spell()));
  }
  return rows;
}

// `greedy` comes 4 times a second, from 0.125 s on, and may do so once: of each 4 the first passes.
// `modest` comes at 1, 3, 5, 7 and 9 s and has two calls a day.
ReplicationRecord two_callers(const std::string& rest) {
  const std::string caller = ": {client: {target: api, hosts: 1, network: 0s, dns_lookup: 0s, ";
  return record_of(small_experiment(
      "greedy" + caller + "open: {deterministic: 4/s}}}, modest" + caller +
          "open: {deterministic: 0.5/s}}}, api: {api_gateway: {overhead: 0s, routes: [{to: web}], "
          "usage_plans: [{api_keys: [greedy], throttle: {rate: 1/s, burst: 1}}, {api_keys: "
          "[modest], quota: {limit: 2}}]}}, web: {station: {servers: 9, service_time: 0s}}",
      "horizon: 10s" + rest));
}

TEST(Definitions, ThrottlingIsRefusedOverOfferedPerComponentReasonAndCaller) {
  const auto record = two_callers("");
  EXPECT_THAT(throttling(record),
              ElementsAre(ThrottlingRow{"", "", 45, 33, 9500ms},
                          ThrottlingRow{"greedy", "", 40, 30, 9500ms},
                          ThrottlingRow{"greedy", "ThrottledByUsagePlan", 40, 30, 9500ms},
                          ThrottlingRow{"modest", "", 5, 3, 0s},
                          ThrottlingRow{"modest", "ThrottledByQuota", 5, 3, 0s}));
  EXPECT_DOUBLE_EQ(record.measures().throttled_share(), 33.0 / 45);
  EXPECT_FALSE(record_of(queue(ten_a_second, "horizon: 10s")).measures().has_throttled_share());
}

// From the first refusal, at 0.375 s, to the last, at 9.875 s, no second is free of them.
TEST(Definitions, TheLongestThrottledSpellCountsFromTheEndOfTheWarmUp) {
  EXPECT_EQ(Duration(two_callers("").measures().throttled_spell()), 9500ms);
  const auto record = two_callers(", warm_up: 5s");
  EXPECT_EQ(Duration(record.measures().throttled_spell()), 4875ms);
  EXPECT_THAT(throttling(record)[0], (ThrottlingRow{"", "", 23, 18, 4875ms}));
}

}  // namespace
}  // namespace windtunnel::test
