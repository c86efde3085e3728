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
  EXPECT_THAT(refusal("destination: http_endpoint, to: stream, dynamic_partitioning: {}"),
              HasSubstr("is of S3 as the destination"));
  EXPECT_THAT(refusal("buffering_size: 10MiB, dynamic_partitioning: {}"),
              HasSubstr("64 MiB that dynamic partitioning needs"));
  EXPECT_THAT(refusal("dynamic_partitioning: {active_partition_quota: 5001}"),
              HasSubstr("500, up to 5,000 on request"));
  EXPECT_THAT(refusal("processing: {function: fn, buffering_size: 4MB}"),
              HasSubstr("BufferSizeInMBs, 0.2 to 3"));
  EXPECT_THAT(refusal("processing: fn}}, fn: {lambda_function: {runtime: rust, timeout: 301s"),
              HasSubstr("more than the 5 minutes that Firehose waits"));
  EXPECT_THAT(refusal("destination: http_endpoint, retry_duration: 7201s"),
              HasSubstr("0 to 7,200 s"));
}

// --- transformation

std::string transformed(const std::string& function, const std::string& processing = "",
                        const std::string& more = "") {
  return client("firehose", "open: {deterministic: 10/s}, idle_timeout: 1h") +
         firehose("processing: {function: fn" + (processing.empty() ? "" : ", " + processing) +
                  "}, buffering_interval: 60s" + more) +
         ", fn: {lambda_function: {runtime: rust, sandbox: 0s, " + function + "}}";
}

TEST(Firehose, AFunctionTransformsRecordsInBatchesOfItsOwnHints) {
  SmallRun run(small_experiment(transformed("service_time: 1s"), "horizon: 10min"));
  run.sim.run();
  EXPECT_EQ(run.metric("fn", "Invocations"), 9);  // 600 records in 60 s; 1 MB is never reached
  SmallRun large(small_experiment(transformed("service_time: 1s", "", ", record_size: 100KB"),
                                  "horizon: 10min"));
  large.sim.run();
  EXPECT_NEAR(large.metric("fn", "Invocations"), 600, 1);  // ten of them are 1 MB, every second
  EXPECT_EQ(run.metric("firehose", "ErrorOutput.Records"), 0);
  EXPECT_GT(run.metric("firehose", "MessagesDelivered"), 4000);
}

TEST(Firehose, AFunctionsAnswerAbove6MBIsAFailure) {
  SmallRun run(
      small_experiment(transformed("service_time: 1s", "output_ratio: 7", ", record_size: 100KB"),
                       "horizon: 10min"));
  run.sim.run();
  EXPECT_EQ(run.metric("firehose", "SucceedProcessing.Records"), 0);
  EXPECT_GT(run.metric("firehose", "ErrorOutput.Records"), 1500);
}

TEST(Firehose, AfterThreeRetriesABatchGoesToTheErrorOutput) {
  SmallRun run(small_experiment(transformed("service_time: 1s, errors: 100%"), "horizon: 10min"));
  run.sim.run();
  const double given_up = run.metric("firehose", "ErrorOutput.Records");
  EXPECT_NEAR(given_up, 9 * 600, 10);
  EXPECT_EQ(run.metric("fn", "Invocations"), 9 * 4);
  EXPECT_EQ(run.metric("firehose", "MessagesLost"), 0);
  EXPECT_EQ(run.metric("firehose", "MessagesForwarded"), given_up);
}

TEST(Firehose, RecordsThatTheFunctionCannotProcessGoToTheErrorOutputAlone) {
  SmallRun run(small_experiment(
      transformed("service_time: 1s, poison: 10%, report_batch_item_failures: true"),
      "horizon: 10min"));
  run.sim.run();
  EXPECT_EQ(run.metric("fn", "Invocations"), 9);
  EXPECT_NEAR(run.metric("firehose", "ErrorOutput.Records"), 540, 70);
  EXPECT_NEAR(run.metric("firehose", "ErrorOutput.Records") +
                  run.metric("firehose", "SucceedProcessing.Records"),
              5400, 10);
}

TEST(Firehose, NoMoreThanFiveInvocationsAreUnderWayAtOnce) {
  SmallRun run(small_experiment(
      transformed("service_time: 20s, timeout: 60s", "", ", record_size: 100KB"), "horizon: 5min"));
  run.sim.run();
  EXPECT_EQ(run.metric("fn", "ConcurrentExecutions", "max"), 5);
  EXPECT_NEAR(run.metric("fn", "Invocations"), 5 * 300 / 20, 5);
}

// --- dynamic partitioning

std::string partitioned(const std::string& settings) {
  return client("firehose", "open: {deterministic: 100/s}, idle_timeout: 1h") +
         firehose("buffering_interval: 60s, dynamic_partitioning: {" + settings + "}");
}

TEST(Firehose, EveryPartitionHasABufferOfItsOwnAndIsDeliveredHalfAnIntervalLater) {
  SmallRun run(small_experiment(partitioned("keys: 20"), "horizon: 10min"));
  run.sim.run();
  EXPECT_EQ(run.metric("firehose", "PartitionCount", "max"), 20);
  EXPECT_EQ(run.metric("firehose", "ErrorOutput.Records"), 0);
  // 90 s from its first record, and the delivery's second.
  EXPECT_NEAR(run.metric("firehose", "DeliveryToS3.DataFreshness", "max"), 91, 1);
  EXPECT_NEAR(run.metric("firehose", "DeliveryToS3.Success"), 20 * 6, 21);
}

TEST(Firehose, RecordsOfMorePartitionsThanTheQuotaGoToTheErrorOutput) {
  SmallRun run(
      small_experiment(partitioned("keys: 1000, active_partition_quota: 500"), "horizon: 10min"));
  run.sim.run();
  EXPECT_EQ(run.metric("firehose", "PartitionCount", "max"), 500);
  EXPECT_GT(run.metric("firehose", "ErrorOutput.Records"), 10'000);
  EXPECT_EQ(run.metric("firehose", "MessagesAccepted"),
            run.metric("firehose", "MessagesDelivered") +
                run.metric("firehose", "MessagesForwarded") +
                run.metric("firehose", "MessagesLeft"));
}

}  // namespace
}  // namespace windtunnel
