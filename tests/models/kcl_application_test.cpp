// Applications of the Kinesis Client Library: leases, failover, checkpoints, duplicates, replay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "models/mechanisms/ports.hpp"
#include "tests/models/stream_world.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using test::plain_stream;
using test::StreamRun;
using ::testing::HasSubstr;

// Two workers that are not replaced within the run.
const std::string fleet = ", fleet: {auto_scaling_group: {size: 2, boot: 24h}}";

std::string application(const std::string& settings, const std::string& name = "app") {
  return ", " + name + ": {kcl_application: {stream: stream, on: fleet, " + settings + "}}";
}
const std::string steady =
    ", producer: {kinesis_producer: {stream: stream, load: {deterministic: 400/s}, hosts: 2}}";

TEST(KclApplication, EveryRecordIsProcessedOnce) {
  StreamRun run(plain_stream("shards: 5") + fleet + application("record_time: 100us") + steady,
                "horizon: 5min");
  run.sim.run();
  EXPECT_EQ(run.metric("app", "DuplicateEffects"), 0);
  EXPECT_EQ(run.metric("app", "MessagesAccepted"), run.metric("stream", "IncomingRecords"));
  EXPECT_EQ(run.metric("app", "MessagesDelivered"), run.metric("app", "RecordsProcessed"));
  EXPECT_LT(run.last("app", "MessagesHeld"), 400 * 1.5);
}

TEST(KclApplication, EachOfSeveralApplicationsProcessesAllRecords) {
  StreamRun run(plain_stream("shards: 2") + fleet + application("version: kcl_2x", "a") +
                    application("retrieval: enhanced_fan_out", "b") + steady,
                "horizon: 2min");
  run.sim.run();
  const double all = run.metric("stream", "IncomingRecords");
  for (const char* name : {"a", "b"}) {
    EXPECT_EQ(run.metric(name, "MessagesAccepted"), all);
    EXPECT_GT(run.metric(name, "MessagesDelivered"), all - 1000);
  }
}

// The time from a worker's loss until its shards are read again, over several runs.
std::vector<double> failovers(const std::string& version, std::uint32_t victim) {
  std::vector<double> found;
  for (std::uint64_t replication = 1; replication <= 40; ++replication) {
    const auto sim = test::simulation_of(
        test::small_experiment(
            plain_stream("shards: 4") + fleet +
                application("idle_time_between_reads: 200ms, version: " + version),
            "horizon: 10min"),
        1, replication);
    test::Script& script = test::add_script(*sim);
    auto& group = dynamic_cast<Fleet&>(*sim->find_component("fleet"));
    script.operate_at(5min, [&] {
      sim->platform().lose_hosts({group.instance_host(victim)}, sim::HostLoss::silence);
    });
    sim->run();
    found.push_back(test::metric_of(*sim, "app", "LeaseFailoverTime", "mean"));
  }
  return found;
}
double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Rule 34
TEST(KclApplication, Rule34_FailoverIsTheExpiryOf10SecondsPlusAScanEvery20Seconds) {
  const std::vector<double> times = failovers("kcl_2x", 1);
  // The last renewal is up to 3.3 s old, the next look up to 20.05 s away.
  EXPECT_GE(*std::min_element(times.begin(), times.end()), 6.6);
  EXPECT_LE(*std::max_element(times.begin(), times.end()), 30.1);
  EXPECT_NEAR(mean(times), 10 - 1.65 + 10, 3.5 * 5.9 / std::sqrt(40.0));
}

// Rule 34
TEST(KclApplication, Rule34_LosingTheLeaderOfKcl3AddsUpTo120Seconds) {
  const std::vector<double> leader = failovers("kcl_3x", 0), other = failovers("kcl_3x", 1);
  EXPECT_LE(*std::max_element(other.begin(), other.end()), 30.1);
  EXPECT_GE(*std::min_element(leader.begin(), leader.end()), 90);
  EXPECT_LE(*std::max_element(leader.begin(), leader.end()), 120.1);
}

// Rule 34
TEST(KclApplication, Rule34_ExceptionsInProcessRecordsSkipTheBatch) {
  StreamRun run(plain_stream("shards: 4") + fleet + application("processing_errors: 20%") + steady,
                "horizon: 30min");
  run.sim.run();
  const double all = run.metric("app", "MessagesLost") + run.metric("app", "MessagesDelivered");
  EXPECT_NEAR(run.metric("app", "MessagesLost") / all, 0.2, 0.02);
  EXPECT_EQ(run.metric("app", "DuplicateEffects"), 0);
}

TEST(KclApplication, ACrashRepeatsWhatWasProcessedSinceTheLastCheckpoint) {
  StreamRun run(plain_stream("shards: 4") + fleet +
                    application("checkpoint_interval: 60s, version: kcl_2x") + steady,
                "horizon: 20min, faults: [{at: 10min, instance_crash: {target: fleet, count: 1}}]");
  run.sim.run();
  // Two of four shards, 200/s, up to a minute and a read back.
  const double again = run.metric("app", "DuplicateEffects");
  EXPECT_GT(again, 0);
  EXPECT_LE(again, 200 * 62);
  EXPECT_EQ(run.metric("app", "MessagesLost"), 0);
  EXPECT_LT(run.last("app", "MessagesHeld"), 1000);
}

TEST(KclApplication, ACheckpointAfterEveryBatchRepeatsNone) {
  StreamRun run(plain_stream("shards: 4") + fleet +
                    application("checkpoint_interval: 0s, version: kcl_2x") + steady,
                "horizon: 20min, faults: [{at: 10min, instance_crash: {target: fleet, count: 1}}]");
  run.sim.run();
  EXPECT_EQ(run.metric("app", "DuplicateEffects"), 0);
}

TEST(KclApplication, LeasesAreSpreadOverWorkersThatComeLater) {
  for (const char* version : {"kcl_2x", "kcl_3x"}) {
    StreamRun run(plain_stream("shards: 9") +
                      ", fleet: {auto_scaling_group: {size: 2, max_size: 3, scheduled_actions: "
                      "[{name: more, at: 2min, min_capacity: 3, desired_capacity: 3}]}}" +
                      application(std::string("version: ") + version) + steady,
                  "horizon: 12min");
    run.sim.run();
    EXPECT_EQ(run.last("app", "Workers"), 3) << version;
    EXPECT_GE(run.metric("app", "LeasesTaken"), version == std::string("kcl_2x") ? 3 : 2);
    EXPECT_EQ(run.metric("app", "MessagesLost"), 0);
  }
}

TEST(KclApplication, AConsumerThatIsDownForLongerThanTheRetentionLosesWhatExpired) {
  StreamRun run(
      plain_stream("shards: 2, retention_period: 24h") +
          ", fleet: {auto_scaling_group: {size: 1, boot: 28h}}" + application("version: kcl_2x") +
          ", producer: {kinesis_producer: {stream: stream, load: {deterministic: 2/s}, hosts: 1, "
          "linger: 1s, partition_keys: 1}}",
      "horizon: 30h, faults: [{at: 1h, instance_crash: fleet}]");
  run.sim.run();
  // Down for 28 h and a little: the first four hours of it are gone.
  EXPECT_NEAR(run.metric("app", "MessagesExpired"), 2 * 3600 * 4.0, 2 * 400);
  EXPECT_LT(run.last("app", "MessagesHeld"), 20);
}

TEST(KclApplication, AReplayProcessesOldRecordsOnceMore) {
  StreamRun run(
      plain_stream("shards: 2") + fleet + application("replay: {at: 20min, back: 10min}") + steady,
      "horizon: 30min");
  run.sim.run();
  EXPECT_NEAR(run.metric("app", "DuplicateEffects"), 400 * 600, 400 * 3);
  EXPECT_LT(run.last("app", "MessagesHeld"), 1000);
}

TEST(KclApplication, SevenApplicationsThatPollEachSecondShareFiveReads) {
  const std::string few =
      ", producer: {kinesis_producer: {stream: stream, load: {deterministic: 40/s}, hosts: 2}}";
  std::string apps;
  for (int i = 0; i < 7; ++i) {
    apps += application("idle_time_between_reads: 1s", "app" + std::to_string(i));
  }
  StreamRun run(plain_stream("shards: 1") + fleet + apps + few, "horizon: 5min");
  run.sim.run();
  // Seven reads a second are wanted, five are served.
  const double served = run.metric("stream", "GetRecords.Success");
  const double refused = run.metric("stream", "ReadProvisionedThroughputExceeded");
  EXPECT_NEAR(served / 300, 5, 0.1);
  EXPECT_NEAR(refused / 300, 2, 0.1);
}

TEST(KclApplication, TwentyFanOutConsumersAreTheMost) {
  std::string apps;
  for (int i = 0; i < 21; ++i) {
    apps += application("retrieval: enhanced_fan_out", "app" + std::to_string(i));
  }
  try {
    StreamRun run(plain_stream() + fleet + apps);
    FAIL() << "was accepted";
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), HasSubstr("21 applications have enhanced fan-out on 'stream'; 20 "
                                        "are allowed"));
  }
}

}  // namespace
}  // namespace windtunnel
