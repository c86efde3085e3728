// Kinesis Data Streams: where records go, what a shard takes and gives, what is kept, what is
// refused before the run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "models/mechanisms/hash_key.hpp"
#include "tests/models/stream_world.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Outcome;
using test::plain_stream;
using test::records;
using test::StreamRun;
using ::testing::HasSubstr;

TEST(KinesisHashKeys, AreTheMd5OfThePartitionKey) {
  // RFC 1321: MD5("a") = 0cc175b9c0f1b6a831c399e269772661
  EXPECT_EQ(hash_key_of("a"), 0x0cc175b9c0f1b6a8u);
  // MD5("message digest") = f96b697d7cb7938d525a2f31aaf161d0
  EXPECT_EQ(hash_key_of("message digest"), 0xf96b697d7cb7938du);
}

TEST(KinesisHashKeys, RangesOfShardsTileTheSpace) {
  for (const std::uint32_t shards : {1u, 3u, 4u, 500u}) {
    EXPECT_EQ(HashRange::even(0, shards).from, 0u);
    for (std::uint32_t i = 1; i < shards; ++i) {
      EXPECT_EQ(HashRange::even(i - 1, shards).to + 1, HashRange::even(i, shards).from);
    }
    EXPECT_EQ(HashRange::even(shards - 1, shards).to, ~HashKey{0});
  }
}

TEST(KinesisDataStream, RecordsOfOneKeyAreInOneShardInTheirOrder) {
  StreamRun run(plain_stream("shards: 8"));
  auto& user = run.user();
  run.at(1s, [&] {
    for (std::uint32_t i = 0; i < 5; ++i) user.put({records(7, 1, 100 + i), records(8, 1)});
  });
  run.at(2s, [&] { user.get(run.port.shard_of(7), 0); });
  run.sim.run();
  std::vector<std::uint32_t> sizes;
  for (const Message& it : user.answers.back().messages) {
    if (it.key == 7) sizes.push_back(it.bytes);
  }
  EXPECT_EQ(sizes, (std::vector<std::uint32_t>{100, 101, 102, 103, 104}));
}

TEST(KinesisDataStream, AShardTakesAThousandRecordsOrOneMebibyteASecondWhicheverIsLess) {
  StreamRun run(plain_stream("shards: 1"));
  auto& user = run.user();
  run.at(1s, [&] {
    for (int i = 0; i < 3; ++i) user.put({records(1, 500, 100)});
  });
  run.at(3s, [&] {
    for (int i = 0; i < 3; ++i) user.put({records(1, 500, 2048)});
  });
  run.at(3500ms, [&] { user.put({records(1, 500, 2048)}); });  // half of a second's bytes are back
  run.sim.run();
  std::vector<std::uint64_t> taken;
  for (const auto& it : user.answers) taken.push_back(it.records(Entry::accepted));
  EXPECT_EQ(taken, (std::vector<std::uint64_t>{500, 500, 0, 500, 12, 0, 256}));
  EXPECT_EQ(run.metric("stream", "WriteProvisionedThroughputExceeded"), 500 + 488 + 500 + 244);
}

// Rule 32
TEST(KinesisDataStream, Rule32_PutRecordsFailsPerRecordInsideASuccessSoRetriesReorder) {
  StreamRun run(plain_stream("shards: 1"));
  auto& user = run.user();
  std::vector<Message> refused;
  run.at(1s, [&] {
    user.put({records(1, 400), records(2, 100)});
    user.put({records(1, 400), records(2, 100)});
    user.put({records(1, 300), records(2, 100)});  // 1,000 records and no more
  });
  run.at(1500ms, [&] {
    ASSERT_EQ(user.answers.size(), 3u);
    EXPECT_EQ(user.answers[2].outcome, Outcome::ok);  // HTTP 200
    EXPECT_EQ(user.answers[2].records(Entry::throttled), 400u);
    refused = user.answers[2].messages;
  });
  run.at(2s, [&] { user.put({records(1, 50)}); });  // newer ones of key 1
  run.at(3s, [&] { user.put(refused); });
  run.sim.run();
  // The 300 of key 1 stand behind the 50 that were sent after them; those of key 2 behind none.
  EXPECT_EQ(user.answers.back().records(Entry::accepted), 400u);
  EXPECT_EQ(run.metric("stream", "MessagesReordered"), 300);
}

// Rule 32
TEST(KinesisDataStream, Rule32_GetRecordsCanReturnEmptyAlthoughDataExists) {
  StreamRun run(plain_stream("shards: 1")
                    .replace(plain_stream().find("empty_reads: 0%"), 15, "empty_reads: 30%"),
                "horizon: 200min");
  auto& user = run.user();
  run.at(1s, [&] { user.put({records(1, 10)}); });
  for (int i = 0; i < 2000; ++i) run.at(2s + i * 5s, [&] { user.get(0, 0); });
  run.sim.run();
  int empty = 0;
  for (std::size_t i = 1; i < user.answers.size(); ++i) {
    EXPECT_EQ(user.answers[i].outcome, Outcome::ok);
    empty += user.answers[i].messages.empty();
    if (user.answers[i].messages.empty()) {
      EXPECT_EQ(user.answers[i].position, 0u);
    }
  }
  EXPECT_NEAR(empty / 2000.0, 0.3, 3.5 * std::sqrt(0.3 * 0.7 / 2000));
}

// Rule 31
TEST(KinesisDataStream, Rule31_OneTenMegabyteReadBlocksTheNextFiveSeconds) {
  StreamRun run(plain_stream("shards: 1"));
  auto& user = run.user();
  for (int i = 0; i < 11; ++i) {
    run.at(1s + i * 1s, [&] { user.put({records(1, 16, 65536)}); });  // a mebibyte each
  }
  run.at(20s, [&] { user.get(0, 0); });
  for (int i = 1; i <= 7; ++i) run.at(20s + i * 800ms, [&] { user.get(0, 160); });
  run.sim.run();
  const auto reads = std::vector(user.answers.begin() + 11, user.answers.end());
  EXPECT_EQ(reads[0].records(), 160u);  // 10 MiB
  for (int i = 1; i <= 6; ++i) EXPECT_EQ(reads[i].outcome, Outcome::throttled) << i;
  EXPECT_EQ(reads[7].outcome, Outcome::ok);  // 5.6 s later
  EXPECT_EQ(reads[7].records(), 16u);
  EXPECT_EQ(run.metric("stream", "ReadProvisionedThroughputExceeded"), 6);
}

// Rule 31
TEST(KinesisDataStream, Rule31_FiveReadsASecondAreSharedByAllWhoReadAShard) {
  StreamRun run(plain_stream("shards: 2"));
  auto& a = run.user("a");
  auto& b = run.user("b");
  run.at(1s, [&] {
    for (int i = 0; i < 4; ++i) a.get(0, 0);
    for (int i = 0; i < 4; ++i) b.get(0, 0);
    b.get(1, 0);  // another shard
  });
  run.sim.run();
  const auto refused = [](const test::StreamUser& user) {
    return std::count_if(user.answers.begin(), user.answers.end(),
                         [](const auto& it) { return it.outcome == Outcome::throttled; });
  };
  EXPECT_EQ(refused(a), 0);
  EXPECT_EQ(refused(b), 3);
}

TEST(KinesisDataStream, EnhancedFanOutGivesEachConsumerTwoMebibytesASecondOfItsOwn) {
  StreamRun run(plain_stream("shards: 1, propagation: 70ms"));
  auto& a = run.user("a");
  auto& b = run.user("b");
  a.account = 101;
  b.account = 102;
  auto& producer = run.user("producer");
  for (int i = 0; i < 5; ++i) run.at(1s + i * 1s, [&] { producer.put({records(1, 16, 65536)}); });
  run.at(10s, [&] {
    a.subscribe(0, 0);  // all of it, 5 MiB: 2.5 s of its throughput
    b.subscribe(0, 64);
  });
  run.at(10500ms, [&] { a.subscribe(0, 80); });
  run.at(11s, [&] { producer.put({records(1, 1)}); });
  run.sim.run();
  EXPECT_EQ(a.answers[0].records(), 80u);
  EXPECT_EQ(a.answers[0].at, 10s);
  EXPECT_EQ(b.answers[0].at, 10s);
  EXPECT_EQ(b.answers[0].records(), 16u);
  EXPECT_NEAR(sim::seconds(a.answers[1].at), 12.5, 1e-6);  // it owes until then
}

TEST(KinesisDataStream, APushComesThePropagationDelayAfterTheRecord) {
  StreamRun run(plain_stream("shards: 1, propagation: 70ms"));
  auto& user = run.user();
  run.at(1s, [&] { user.subscribe(0, 0); });
  run.at(2s, [&] { user.put({records(1, 3)}); });
  run.sim.run();
  EXPECT_EQ(user.answers[1].at, 2070ms);
  EXPECT_EQ(user.answers[1].records(), 3u);
}

TEST(KinesisDataStream, RecordsAreKeptForTheRetentionPeriodAndNoLonger) {
  StreamRun run(plain_stream("shards: 1, retention_period: 24h"), "horizon: 26h");
  auto& user = run.user();
  run.at(1h, [&] { user.put({records(1, 5)}); });
  run.at(2h, [&] { user.put({records(1, 7)}); });
  run.at(25h - 1s, [&] { user.get(0, 0); });
  run.at(25h + 1s, [&] { user.get(0, 0); });
  run.sim.run();
  EXPECT_EQ(user.answers[2].records(), 12u);
  EXPECT_EQ(user.answers[3].records(), 7u);
  EXPECT_EQ(run.metric("stream", "MessagesExpired"), 5);  // nobody had an account
  EXPECT_EQ(run.metric("stream", "MessagesAccepted"), 12);
}

TEST(KinesisDataStream, ParentsStayReadableAndChildrenHoldWhatCameAfter) {
  StreamRun run(plain_stream("shards: 1, reshard: [{at: 10s, split_shard: {shard: 0}}]"));
  auto& user = run.user();
  run.at(5s, [&] { user.put({records(1, 3)}); });
  run.at(20s, [&] { user.put({records(1, 4)}); });  // being resharded: writes go on
  run.at(41s, [&] {
    EXPECT_TRUE(run.port.shard(0).closed);
    EXPECT_EQ(run.port.shard(0).next, 7u);
    EXPECT_EQ(run.port.shard(1).parents, std::vector<std::uint32_t>{0});
    EXPECT_EQ(run.port.shard(2).parents, std::vector<std::uint32_t>{0});
    user.put({records(1, 5)});
    user.get(0, 0);
    user.get(run.port.shard_of(1), 0);
  });
  run.sim.run();
  EXPECT_EQ(user.answers[3].records(), 7u);
  EXPECT_EQ(user.answers[4].records(), 5u);
}

TEST(KinesisDataStream, AReshardIsRefusedWhileAnotherIsCarriedOut) {
  StreamRun run(plain_stream("shards: 2, reshard: [{at: 10s, update_shard_count: 4}, "
                             "{at: 20s, split_shard: {shard: 0}}, {at: 5min, merge_shards: "
                             "{shard: 2, adjacent: 4}}, {at: 6min, merge_shards: {shard: 2, "
                             "adjacent: 3}}]"),
                "horizon: 10min");
  run.sim.run();
  EXPECT_EQ(run.noted("ResourceInUseException"), std::vector<sim::Duration>{20s});
  EXPECT_EQ(run.noted("not adjacent"), std::vector<sim::Duration>{5min});
  EXPECT_EQ(run.noted("has 4 open shards"), std::vector<sim::Duration>{3min + 10s});
  EXPECT_EQ(run.noted("has 3 open shards"), std::vector<sim::Duration>{6min + 30s});
}

// Rule 33
TEST(KinesisDataStream, Rule33_OnDemandSplitsAShardAbove500KibibytesASecondWithin15Minutes) {
  StreamRun run(plain_stream("shards: 4, stream_mode: on_demand") +
                    ", producer: {kinesis_producer: {stream: stream, hosts: 4, load: "
                    "{deterministic: 3000/s}, record_size: 800B, partition_keys: 20000}}",
                "horizon: 20min");
  run.sim.run();
  // 586 KiB/s a shard: each is split once, after the first minute and 5 to 15 min more.
  const auto splits = run.noted("is split");
  ASSERT_EQ(splits.size(), 4u);
  for (const sim::Duration at : splits) {
    EXPECT_GE(at, 6min);
    EXPECT_LE(at, 16min);
  }
  EXPECT_EQ(run.last("stream", "OpenShardCount"), 8);
}

// Rule 33
TEST(KinesisDataStream, Rule33_OnDemandNeverIsolatesAHotKey) {
  StreamRun run(plain_stream("shards: 4, stream_mode: on_demand") +
                    ", producer: {kinesis_producer: {stream: stream, hosts: 4, load: "
                    "{deterministic: 1500/s}, record_size: 800B, max_attempts: 1, "
                    "partition_keys: {count: 1}}}",
                "horizon: 2h, warm_up: 105min");
  run.sim.run();
  // After an hour and three quarters of splits it is as at the beginning: a third is refused.
  EXPECT_GE(run.last("stream", "OpenShardCount"), 8);
  const double refused =
      run.metric("producer", "UserRecordsDropped") / run.metric("producer", "UserRecordsReceived");
  EXPECT_NEAR(refused, 1.0 / 3, 0.002);
}

// Rule 33
TEST(KinesisDataStream, Rule33_ChildrenWaitUntilTheParentIsDrained) {
  StreamRun run(plain_stream("shards: 1, reshard: [{at: 30s, split_shard: {shard: 0}}]") +
                    ", fleet: {auto_scaling_group: {size: 2}}, app: {kcl_application: {stream: "
                    "stream, on: fleet, record_time: 100ms, batch_time: 0s}}",
                "horizon: 10min");
  auto& user = run.user();
  // A thousand records are taken each time: 200 s of work for the parent's only reader.
  run.at(50s, [&] {
    for (int i = 0; i < 10; ++i) user.put({records(1, 500)});
  });
  run.at(52s, [&] {
    for (int i = 0; i < 10; ++i) user.put({records(1, 500, 10)});
  });
  run.at(70s, [&] { user.put({records(1, 1)}); });  // the child's
  std::vector<double> processed;
  for (const auto date : {130s, 200s, 310s, 400s}) {
    run.at(date, [&] { processed.push_back(run.metric("app", "RecordsProcessed")); });
  }
  run.sim.run();
  EXPECT_EQ(run.port.shard(0).next, 2000u);
  EXPECT_EQ(processed, (std::vector<double>{0, 1000, 2001, 2001}));
  EXPECT_EQ(run.metric("app", "DuplicateEffects"), 0);
}

TEST(KinesisDataStream, AClientsRecordIsRefusedWithItsCall) {
  test::SmallRun run(test::small_experiment(
      test::client("stream", "open: {deterministic: 1500/s}, idle_timeout: 1h") + ", " +
          plain_stream("shards: 1, partition_keys: {count: 1}"),
      "horizon: 100s, warm_up: 10s"));
  run.sim.run();
  EXPECT_NEAR(run.metric("users", "Failed") / run.metric("users", "Requests"), 1.0 / 3, 0.001);
}

struct BadStream {
  std::string settings, message;
};
class KinesisBadInput : public ::testing::TestWithParam<BadStream> {};

TEST_P(KinesisBadInput, IsRefusedWithItsPlaceTheLimitAndItsSource) {
  try {
    StreamRun run("stream: {kinesis_data_stream: {" + GetParam().settings + "}}");
    FAIL() << "was accepted";
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), HasSubstr("test.yaml:1:"));
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    , KinesisBadInput,
    ::testing::Values(BadStream{"retention_period: 23h", "Changing the data retention period"},
                      BadStream{"retention_period: 8761h", "8760h"},
                      BadStream{"shards: 20001", "20000"},
                      BadStream{"max_record_size: 11MiB", "UpdateMaxRecordSize"},
                      BadStream{"record_size: 2MiB", "max_record_size, 1048576: all are refused"},
                      BadStream{"shards: 4, reshard: [{at: 1min, update_shard_count: 9}]",
                                "9 shards from 4: one call at most doubles or halves them"},
                      BadStream{"shards: 4, reshard: [{at: 1min, update_shard_count: 1}]",
                                "1 shards from 4: one call at most doubles or halves them"},
                      BadStream{
                          "stream_mode: on_demand, reshard: [{at: 1min, split_shard: {shard: 0}}]",
                          "an on-demand stream reshards itself"},
                      BadStream{"reshard: [{at: 2min, split_shard: 0}, {at: 1min, split_shard: 1}]",
                                "comes before the call above it"}));

TEST(KinesisBadReshard, AnEleventhUpdateOfADayIsRefused) {
  std::string calls;
  for (int hour = 1; hour <= 11; ++hour) {
    calls += "{at: " + std::to_string(hour) +
             "h, update_shard_count: " + (hour % 2 == 1 ? "8" : "4") + "}, ";
  }
  try {
    StreamRun run("stream: {kinesis_data_stream: {shards: 4, reshard: [" + calls + "]}}");
    FAIL() << "was accepted";
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("the 11th UpdateShardCount within 24 hours; 10 are allowed"));
  }
}

}  // namespace
}  // namespace windtunnel
