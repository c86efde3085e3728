// Producers of a stream: PutRecords and its retries, the KPL's aggregation, pace and drop; groups
// against single records.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/stream_world.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using test::plain_stream;
using test::StreamRun;
using ::testing::HasSubstr;

std::string producer(const std::string& settings) {
  return ", producer: {kinesis_producer: {stream: stream, " + settings + "}}";
}

TEST(KinesisProducer, WhatIsPutIsWhatTheStreamHas) {
  StreamRun run(plain_stream("shards: 4") + producer("load: {poisson: 500/s}, hosts: 1"));
  run.sim.run();
  const double put = run.metric("producer", "UserRecordsPut");
  EXPECT_GT(put, 28'000);
  EXPECT_EQ(put, run.metric("stream", "IncomingRecords"));
  EXPECT_EQ(run.metric("producer", "UserRecordsReceived") - put,
            run.last("producer", "UserRecordsPending"));
  EXPECT_EQ(run.metric("stream", "MessagesReordered"), 0);
}

TEST(KinesisProducer, RefusedRecordsAreSentAgainAndThenDropped) {
  StreamRun run(plain_stream("shards: 1") +
                    producer("load: {deterministic: 2000/s}, hosts: 1, partition_keys: 5000"),
                "horizon: 2min");
  run.sim.run();
  const double received = run.metric("producer", "UserRecordsReceived");
  const double refusals = run.metric("producer", "AllErrors");
  const double dropped = run.metric("producer", "UserRecordsDropped");
  EXPECT_NEAR(run.metric("producer", "UserRecordsPut"), 120'000, 1100);  // the shard is kept full
  EXPECT_GT(dropped, 0.45 * received);
  EXPECT_GT(refusals, 2.5 * dropped);  // each was tried three times
  EXPECT_GT(run.metric("stream", "MessagesReordered"), 0);
}

TEST(KinesisProducer, AHotKeyIsRefusedHoweverManyShardsThereAre) {
  for (const int shards : {2, 32}) {
    StreamRun run(plain_stream("shards: " + std::to_string(shards)) +
                      producer("load: {deterministic: 1600/s}, hosts: 4, max_attempts: 1, "
                               "partition_keys: {count: 50000, hot: 80%}, linger: 10ms"),
                  "horizon: 2min, warm_up: 20s");
    run.sim.run();
    const double refused = run.metric("producer", "UserRecordsDropped") /
                           run.metric("producer", "UserRecordsReceived");
    // 1,280/s carry the hot key. Its shard takes 1,000/s, and its part of the other 320/s.
    const double at_its_shard = 1280.0 + 320.0 / shards;
    EXPECT_NEAR(refused, (at_its_shard - 1000) / 1600, 0.01) << shards;
  }
}

// Rule 36
TEST(KinesisProducer, Rule36_TheKplSendsAtUpTo150PercentOfTheShardLimit) {
  StreamRun run(plain_stream("shards: 1") +
                    producer("load: {deterministic: 3000/s}, hosts: 1, library: kpl, aggregation: "
                             "false, record_size: 100B, partition_keys: 50000"),
                "horizon: 2min, warm_up: 20s");
  run.sim.run();
  const double offered = run.metric("stream", "IncomingRecords") +
                         run.metric("stream", "WriteProvisionedThroughputExceeded");
  EXPECT_NEAR(offered / 100, 1500, 20);
  EXPECT_NEAR(run.metric("stream", "IncomingRecords") / 100, 1000, 10);
}

// Rule 36
TEST(KinesisProducer, Rule36_TheKplRetriesWithoutBackoffAndDropsRecordsAt30Seconds) {
  StreamRun run(plain_stream("shards: 1") +
                    producer("load: {deterministic: 1200/s}, hosts: 1, library: kpl, aggregation: "
                             "false, record_size: 100B, partition_keys: 50000"),
                "horizon: 10min, warm_up: 5min");
  run.sim.run();
  const double received = run.metric("producer", "UserRecordsReceived");
  EXPECT_NEAR(run.metric("producer", "UserRecordsDropped") / received, 200.0 / 1200, 0.01);
  // What waits is what the shard takes in 30 s, or will be dropped.
  EXPECT_NEAR(run.metric("producer", "UserRecordsPending", "mean"), 30 * 1100, 30 * 130);
  EXPECT_LE(run.metric("producer", "PutTime", "max"), 30.2);
  EXPECT_GT(run.metric("producer", "PutTime", "p50"), 20);
  EXPECT_NEAR(run.metric("producer", "AllErrors") / 300, 500, 25);  // 1,500/s less 1,000/s
}

TEST(KinesisProducer, AggregationLiftsTheLimitOfRecords) {
  StreamRun run(
      plain_stream("shards: 1") +
      producer("load: {deterministic: 5000/s}, hosts: 2, library: kpl, record_size: 100B, "
               "partition_keys: 50000"));
  run.sim.run();
  EXPECT_EQ(run.metric("stream", "WriteProvisionedThroughputExceeded"), 0);
  EXPECT_EQ(run.metric("producer", "UserRecordsDropped"), 0);
  EXPECT_GT(run.metric("producer", "UserRecordsPut"), 295'000);
  EXPECT_LT(run.metric("producer", "KinesisRecordsPut"), 2000);
  EXPECT_EQ(run.metric("stream", "MessagesAccepted"), run.metric("producer", "UserRecordsPut"));
}

TEST(KinesisProducer, RecordsOfACallThatTimedOutArePutTwice) {
  StreamRun run(
      "stream: {kinesis_data_stream: {shards: 2, put_time: {uniform: {min: 0s, max: "
      "2s}}}}" +
      producer("load: {deterministic: 100/s}, request_timeout: 1s, max_attempts: 10, "
               "backoff_base: 100ms"));
  run.sim.run();
  const double twice = run.metric("producer", "UserRecordsPutTwice");
  EXPECT_GT(twice, 1000);
  EXPECT_NEAR(run.metric("stream", "MessagesAccepted") - run.metric("producer", "UserRecordsPut"),
              twice, 250);  // those in flight at the end
}

// One key's records travel in groups of up to 100, or each by itself: at a shard with too little
// room both ways get the same share through, at the same ages.
TEST(KinesisProducer, GroupsAreRefusedReorderedAndAgedAsSingleRecordsAre) {
  struct Figures {
    double refused, reordered, age, put_time;
  };
  const auto figures = [](const char* keys) {
    StreamRun run(
        plain_stream("shards: 1") +
            producer(std::string("load: {poisson: 1150/s}, hosts: 2, max_attempts: 2, linger: "
                                 "100ms, partition_keys: ") +
                     keys) +
            ", fleet: {auto_scaling_group: {size: 1}}, app: {kcl_application: {stream: stream, "
            "on: fleet}}",
        "horizon: 5min");
    run.sim.run();
    const double all = run.metric("producer", "UserRecordsReceived");
    return Figures{run.metric("producer", "AllErrors") / all,
                   run.metric("stream", "MessagesReordered") / all,
                   run.metric("stream", "GetRecords.IteratorAge", "mean"),
                   run.metric("producer", "PutTime", "mean")};
  };
  // One key, or 200,000: nearly every record alone.
  const Figures groups = figures("1"), singles = figures("200000");
  EXPECT_NEAR(groups.refused, singles.refused, 0.03 * singles.refused);
  EXPECT_NEAR(groups.age, singles.age, 0.05 * singles.age + 0.01);
  EXPECT_NEAR(groups.put_time, singles.put_time, 0.03 * singles.put_time);
  EXPECT_GT(groups.reordered, 0.05);
  EXPECT_LT(singles.reordered, 0.01);  // a key's next record comes after its retry
}

TEST(KinesisProducer, SettingsOfTheOtherLibraryAreRefused) {
  const auto refusal = [](const std::string& settings) -> std::string {
    try {
      StreamRun run(plain_stream() + producer("load: {poisson: 1/s}, " + settings));
      return "accepted";
    } catch (const std::exception& error) {
      return error.what();
    }
  };
  EXPECT_THAT(refusal("record_ttl: 10s"), HasSubstr("is the KPL's (library: kpl)"));
  EXPECT_THAT(refusal("library: kpl, max_attempts: 4"),
              HasSubstr("the KPL retries without backoff until record_ttl is over"));
  EXPECT_THAT(refusal("record_size: 11MiB"), HasSubstr("10MiB"));
}

}  // namespace
}  // namespace windtunnel
