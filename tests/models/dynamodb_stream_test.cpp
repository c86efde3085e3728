// DynamoDB Streams: one record for each write that changes its item, in order, for 24 hours; who
// reads, and Lambda's mapping.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/stream_world.hpp"
#include "tests/support/checked.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Outcome;
using test::StreamRun;
using ::testing::HasSubstr;
using ::testing::Not;

std::string table(const std::string& more = "") {
  return "stream: {dynamodb_stream: {write_time: 0s, get_time: 0s" +
         (more.empty() ? "" : ", " + more) + "}}";
}
Message write_of(std::uint32_t item, std::uint64_t says) {
  return {.content = says, .bytes = 500, .key = item};
}
std::string reader(const std::string& name, const std::string& settings = "",
                   const std::string& function = "service_time: 10ms") {
  return ", " + name + ": {lambda_event_source_mapping: {stream: stream, function: fn-" + name +
         (settings.empty() ? "" : ", " + settings) + "}}, fn-" + name +
         ": {lambda_function: {runtime: rust, sandbox: 0s, " + function + "}}";
}
std::string writers(const std::string& rate) {
  return "users: {client: {target: stream, writes: 100%, network: 0s, dns_lookup: 0s, open: "
         "{deterministic: " +
         rate + "}}}, ";
}

TEST(DynamodbStream, AWriteThatChangesItsItemIsOneRecordAndSayingItAgainIsNone) {
  StreamRun run(table("partitions: 1"));
  auto& user = run.user();
  run.at(1s, [&] { user.put({write_of(1, 10), write_of(2, 10), write_of(1, 11)}); });
  run.at(2s, [&] { user.put({write_of(1, 11)}); });  // a retry
  run.at(3s, [&] { user.put({write_of(1, 10)}); });  // back to what it was: a change
  run.at(4s, [&] { user.get(0, 0); });
  run.sim.run();
  std::vector<std::uint64_t> of_item_1;
  for (const Message& it : user.answers.back().messages) {
    if (it.key == 1) of_item_1.push_back(it.content);
  }
  EXPECT_EQ(of_item_1, (std::vector<std::uint64_t>{10, 11, 10}));
  EXPECT_EQ(run.metric("stream", "StreamRecords"), 4);
  EXPECT_EQ(run.metric("stream", "UnchangedWrites"), 1);
}

// Every answer comes after the client's patience, so that each write is made three times.
TEST(DynamodbStream, AClientThatTriesAgainWritesOneRecord) {
  StreamRun run(
      "users: {client: {target: stream, writes: 100%, network: 0s, dns_lookup: 0s, open: "
      "{deterministic: 1/s}, timeout: 100ms, retry: {max_attempts: 3, backoff: none}}}, "
      "stream: {dynamodb_stream: {write_time: 200ms}}");
  run.sim.run();
  EXPECT_EQ(run.metric("users", "Requests"), 60);
  EXPECT_EQ(run.metric("stream", "StreamRecords"), 60);
  EXPECT_EQ(run.metric("stream", "UnchangedWrites"), 120);
}

TEST(DynamodbStream, RecordsAreKeptFor24Hours) {
  StreamRun run(table("partitions: 1, shard_lifetime: 24h"), "horizon: 26h");
  auto& user = run.user();
  run.at(10min, [&] { user.put({write_of(1, 1)}); });
  run.at(24h + 9min, [&] { user.get(0, 0); });
  run.at(24h + 11min, [&] { user.get(0, 0); });
  run.sim.run();
  EXPECT_EQ(user.answers[1].records(), 1u);
  EXPECT_EQ(user.answers[2].records(), 0u);
  EXPECT_EQ(run.metric("stream", "MessagesExpired"), 1);
}

TEST(DynamodbStream, ShardsRollOverAndAChildTakesItsParentsRange) {
  StreamRun run(table("partitions: 2, shard_lifetime: 4h"), "horizon: 12h");
  run.sim.run();
  const auto shards = run.port.shards();
  EXPECT_EQ(shards.size(), 2u + 2 * 3);  // each once in its first 4 hours, then every 4 hours
  for (const auto& shard : shards) EXPECT_EQ(shard.parents.size(), shard.number < 2 ? 0u : 1u);
  EXPECT_EQ(std::ranges::count(shards, false, &StreamPort::Shard::closed), 2);
}

TEST(DynamodbStream, LambdaReadsParentsBeforeChildrenSoThatAnItemsChangesStayInOrder) {
  StreamRun run(writers("20/s") + table("partitions: 2, shard_lifetime: 1min, items: 5") +
                    reader("m", "parallelization_factor: 2"),
                "horizon: 10min");
  run.sim.run();
  EXPECT_EQ(run.port.shards().size(), 2u + 2 * 10);
  EXPECT_EQ(run.metric("m", "MessagesReordered"), 0);
  EXPECT_EQ(run.metric("m", "DuplicateEffects"), 0);
  EXPECT_NEAR(run.metric("m", "MessagesDelivered"), 20 * 600, 20);
}

TEST(DynamodbStream, LambdaPollsAShardFourTimesASecond) {
  StreamRun run(writers("0.001/s") + table("partitions: 1") + reader("m"), "horizon: 100s");
  run.sim.run();
  EXPECT_NEAR(run.metric("stream", "Throttling", "offered"), 400, 4);
}

TEST(DynamodbStream, TwoReadersOfAShardAreServedAndAThirdIsThrottled) {
  const auto refused = [](const std::string& more) {
    StreamRun run(writers("100/s") + table("partitions: 1") + reader("a") + reader("b") + more,
                  "horizon: 100s");
    run.sim.run();
    return run.metric("stream", "Throttling", "refused");
  };
  EXPECT_EQ(refused(""), 0);
  EXPECT_GT(refused(reader("c")), 100);
}

TEST(DynamodbStream, APoisonedRecordBlocksItsShardUntilItIsBisectedAway) {
  const auto delivered = [](const std::string& settings) {
    StreamRun run(writers("20/s") + table("partitions: 1") +
                      reader("m", settings, "service_time: 10ms, poison: 1%"),
                  "horizon: 10min");
    run.sim.run();
    return run.metric("m", "MessagesDelivered");
  };
  EXPECT_LT(delivered(""), 1000);
  EXPECT_GT(delivered("bisect_batch_on_function_error: true, maximum_retry_attempts: 0"), 2000);
}

TEST(DynamodbStream, PartialBatchResponsesGoOnAtTheFirstRecordThatFailed) {
  StreamRun run(writers("20/s") + table("partitions: 1") +
                    reader("m", "report_batch_item_failures: true, maximum_retry_attempts: 1",
                           "service_time: 10ms, poison: 1%, report_batch_item_failures: true"),
                "horizon: 10min");
  run.sim.run();
  EXPECT_EQ(run.metric("m", "DuplicateEffects"), 0);
  EXPECT_GT(run.metric("m", "MessagesDelivered"), 1500);
}

std::string said(const std::string& components) {
  return test::checked(test::small_experiment(components, "horizon: 1s"));
}

TEST(DynamodbStream, WhatDoesNotFitItIsRefusedOrWarnedOf) {
  EXPECT_THAT(said(table() + reader("m", "maximum_concurrency: 5")),
              HasSubstr("m.maximum_concurrency: is of queues (Lambda API"));
  EXPECT_THAT(said(table() + reader("m", "maximum_record_age: 25h")),
              HasSubstr("after 24 h a DynamoDB stream has its records no more"));
  EXPECT_THAT(said(table() + ", p: {kinesis_producer: {stream: stream, load: {deterministic: "
                             "1/s}}}"),
              HasSubstr("p.stream"));
  EXPECT_THAT(said(table() + ", f: {firehose_delivery_stream: {stream: stream}}"),
              HasSubstr("f.stream"));
  EXPECT_THAT(said(table() + reader("a") + reader("b") + reader("c")),
              HasSubstr("3 read it: a and others; more than two processes a shard"));
  EXPECT_THAT(said(table() + reader("a") + reader("b")), Not(HasSubstr("processes a shard")));
}

}  // namespace
}  // namespace windtunnel
