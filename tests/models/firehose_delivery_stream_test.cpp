// Firehose: buffers, quotas, retries, what is lost and what is backed up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/stream_world.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using test::client;
using test::records;
using test::small_experiment;
using test::SmallRun;
using ::testing::HasSubstr;

std::string firehose(const std::string& settings = "") {
  return ", firehose: {firehose_delivery_stream: {put_time: 0s, delivery_time: 1s" +
         (settings.empty() ? "" : ", " + settings) + "}}";
}

TEST(Firehose, ABufferIsDeliveredWhenItsIntervalIsOver) {
  SmallRun run(small_experiment(client("firehose", "open: {deterministic: 1/s}, idle_timeout: 1h") +
                                    firehose("buffering_interval: 60s"),
                                "horizon: 10min"));
  run.sim.run();
  // Each opens with the first record behind the last delivery: every 61 s.
  EXPECT_EQ(run.metric("firehose", "DeliveryToS3.Success"), 9);
  EXPECT_NEAR(run.metric("firehose", "DeliveryToS3.DataFreshness", "mean"), 61, 0.5);
}

TEST(Firehose, ABufferIsDeliveredWhenItIsFull) {
  SmallRun run(small_experiment(
      client("firehose", "open: {deterministic: 100/s}, idle_timeout: 1h") +
          firehose("record_size: 10KiB, buffering_size: 1MiB, buffering_interval: 900s"),
      "horizon: 60s"));
  run.sim.run();
  EXPECT_EQ(run.metric("firehose", "DeliveryToS3.Success"), 57);  // every 1.03 s, a second each
}

TEST(Firehose, PutsAboveTheQuotaAreThrottled) {
  SmallRun run(
      small_experiment(client("firehose", "open: {deterministic: 1500/s}, idle_timeout: 1h") +
                           firehose("quota: other_region, record_size: 100B"),
                       "horizon: 60s, warm_up: 5s"));
  run.sim.run();
  EXPECT_NEAR(run.metric("users", "Failed") / run.metric("users", "Requests"), 1.0 / 3, 0.01);
  EXPECT_NEAR(run.metric("firehose", "ThrottledRecords") / 55, 500, 5);
}

TEST(Firehose, DeliveriesToS3AreTriedFor24HoursThenLost) {
  SmallRun run(small_experiment(
      client("firehose", "open: {deterministic: 0.01/s}, idle_timeout: 1h") + firehose(),
      "horizon: 30h, faults: [{at: 1h, lasting: 25h, errors: {target: firehose, share: 100%}}]"));
  run.sim.run();
  // Those of the outage's first hour have been tried for 24 hours before it ends.
  EXPECT_NEAR(run.metric("firehose", "MessagesLost"), 36, 4);
  EXPECT_NEAR(run.metric("firehose", "MessagesDelivered"), 1080 - 36, 10);
}

TEST(Firehose, AnHttpEndpointsFailuresGoToTheBackupBucket) {
  SmallRun run(small_experiment(
      client("firehose", "open: {deterministic: 1/s}, idle_timeout: 1h") +
          firehose("destination: http_endpoint, to: endpoint, retry_duration: 5min, "
                   "buffering_interval: 60s") +
          ", endpoint: {station: {service_time: 10ms}}",
      "horizon: 60min, faults: [{at: 10min, lasting: 20min, errors: {target: endpoint, share: "
      "100%}}]"));
  run.sim.run();
  EXPECT_NEAR(run.metric("firehose", "BackupToS3.Records"), 15 * 60, 2.5 * 61);
  EXPECT_EQ(run.metric("firehose", "MessagesLost"), 0);
  EXPECT_EQ(run.metric("firehose", "MessagesForwarded"),
            run.metric("firehose", "BackupToS3.Records"));
}

TEST(Firehose, AStreamIsItsSourceAndPassesItsRecordsOn) {
  test::StreamRun run(
      test::plain_stream("shards: 2, reshard: [{at: 2min, update_shard_count: 4}]") +
          ", producer: {kinesis_producer: {stream: stream, load: {deterministic: 300/s}}}" +
          firehose("stream: stream, buffering_interval: 30s"),
      "horizon: 15min");
  run.sim.run();
  const double in = run.metric("stream", "IncomingRecords");
  EXPECT_NEAR(run.metric("firehose", "IncomingRecords"), in, 600);
  EXPECT_GT(run.metric("firehose", "MessagesDelivered"), in - 300 * 35);
  EXPECT_EQ(run.metric("stream", "ReadProvisionedThroughputExceeded"), 0);
}

TEST(Firehose, SettingsThatDoNotFitItsSourceOrDestinationAreRefused) {
  const auto refusal = [](const std::string& settings) -> std::string {
    try {
      test::StreamRun run(test::plain_stream() + firehose(settings));
      return "accepted";
    } catch (const std::exception& error) {
      return error.what();
    }
  };
  EXPECT_THAT(refusal("retry_duration: 10min"),
              HasSubstr("deliveries to S3 are tried for 24 hours"));
  EXPECT_THAT(refusal("stream: stream, quota: other_region"), HasSubstr("is of direct PUT"));
  EXPECT_THAT(refusal("buffering_size: 129MiB"), HasSubstr("BufferingHints: 1 to 128 MiB"));
  EXPECT_THAT(refusal("buffering_interval: 901s"), HasSubstr("0 to 900 s"));
  EXPECT_THAT(refusal("destination: http_endpoint, retry_duration: 7201s"),
              HasSubstr("0 to 7,200 s"));
}

}  // namespace
}  // namespace windtunnel
