// The blocks that streams are made of: the log in partitions, an application's account of it,
// buckets that may owe, buffers, the popularity of keys; and queues that serve the newest.
#include <gtest/gtest.h>

#include <map>

#include "models/mechanisms/flush_buffer.hpp"
#include "models/mechanisms/key_popularity.hpp"
#include "models/mechanisms/partitioned_log.hpp"
#include "models/mechanisms/servers.hpp"
#include "models/mechanisms/stream_consumer.hpp"
#include "models/mechanisms/token_bucket.hpp"
#include "tests/support/small_run.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
constexpr PartitionedLog::Limits all{10'000, 10u << 20};

Message of(std::uint32_t count, std::uint32_t each = 10) {
  return {.bytes = count * each, .key = 1, .count = count};
}
sim::Time at(sim::Duration date) { return sim::time_zero + date; }

PartitionedLog one_partition() {
  PartitionedLog log;
  log.open({}, {});
  log.opened();
  return log;
}

TEST(PartitionedLog, AReadMayEndWithinAGroupAndGoesOnThere) {
  PartitionedLog log = one_partition();
  log.append(0, of(10), at(1s));
  log.append(0, of(5), at(2s));
  std::vector<Message> out;
  const auto first = log.read(0, 0, {7, 1000}, out);
  EXPECT_EQ(first.next, 7u);
  EXPECT_EQ(out.back().count, 7u);
  out.clear();
  const auto second = log.read(0, first.next, all, out);
  EXPECT_EQ(second.records, 8u);
  EXPECT_EQ(out[0].receipt, 7u);
  EXPECT_EQ(out[0].bytes, 30u);
  EXPECT_EQ(out[1].count, 5u);
  EXPECT_EQ(second.last_arrived, at(2s));
}

TEST(PartitionedLog, AnAggregatedRecordIsNeverDividedAndCountsOnce) {
  PartitionedLog log = one_partition();
  Message aggregated = of(50);
  aggregated.aggregated = true;
  log.append(0, aggregated, at(1s));
  log.append(0, aggregated, at(1s));
  std::vector<Message> out;
  const auto read = log.read(0, 0, {1, 1000}, out);
  EXPECT_EQ(read.records, 1u);
  EXPECT_EQ(read.next, 50u);
}

TEST(PartitionedLog, OneRecordIsReadHoweverLarge) {
  PartitionedLog log = one_partition();
  log.append(0, of(3, 1000), at(1s));
  std::vector<Message> out;
  EXPECT_EQ(log.read(0, 0, {100, 500}, out).records, 1u);
}

TEST(PartitionedLog, TimestampsFindPositionsAndExpiryMovesTheFirst) {
  PartitionedLog log = one_partition();
  for (int i = 1; i <= 5; ++i) log.append(0, of(2), at(i * 1s));
  EXPECT_EQ(log.position_at(0, at(3s)), 4u);
  EXPECT_EQ(log.position_at(0, at(9s)), 10u);
  EXPECT_EQ(log.expire(0, at(3s)), 4u);
  EXPECT_EQ(log.first(0), 4u);
  std::vector<Message> out;
  EXPECT_EQ(log.read(0, 0, all, out).records, 6u);  // from its first
}

TEST(PartitionedLog, ClosedParentsLeaveTheirRangesToTheirChildren) {
  PartitionedLog log;
  log.open(HashRange::even(0, 2), {});
  log.open(HashRange::even(1, 2), {});
  log.opened();
  const HashKey low = 5, high = ~HashKey{0} - 5;
  EXPECT_EQ(log.at(low), 0u);
  EXPECT_EQ(log.at(high), 1u);
  log.open({}, {0, 1});
  log.opened();
  EXPECT_EQ(log.at(low), 2u);
  EXPECT_EQ(log.at(high), 2u);
  EXPECT_TRUE(log.closed(0) && log.closed(1));
}

struct Reader final : sim::Component {
  Reader(sim::Simulation& sim, const std::string& name) : Component(sim, name) {}
  void add(std::uint32_t count) { consumer.appended(0, of(count)); }
  void does(std::uint64_t from, std::uint32_t count) {
    Message message = of(count);
    message.receipt = from;
    consumer.effect(0, message);
  }
  MessageAccount account{metric_set_};
  StreamConsumer consumer{*this, account};
};

TEST(StreamConsumer, WhatIsDoneInAnyOrderCountsOnceAndThenAgain) {
  sim::Simulation sim({.horizon = 1s});
  auto& reader = static_cast<Reader&>(sim.add(std::make_unique<Reader>(sim, "reader")));
  reader.add(100);
  reader.does(50, 10);
  reader.does(20, 10);
  reader.does(25, 30);  // 5 of the second, 20 new ones, 5 of the first
  EXPECT_EQ(reader.account.delivered.value(), 40u);
  EXPECT_EQ(reader.account.duplicated.value(), 10u);
  EXPECT_EQ(reader.consumer.done_until(0), 0u);
  reader.does(0, 20);
  EXPECT_EQ(reader.consumer.done_until(0), 60u);
  EXPECT_EQ(reader.consumer.messages_held(), 40u);
  reader.consumer.trimmed(0, 70);
  EXPECT_EQ(reader.account.expired.value(), 10u);
  EXPECT_EQ(reader.consumer.messages_held(), 30u);
  sim.run();  // the ledger closes
}

TEST(StreamConsumer, AFirstEffectAfterThatOfALaterRecordOfItsKeyIsReordered) {
  sim::Simulation sim({.horizon = 1s});
  auto& reader = static_cast<Reader&>(sim.add(std::make_unique<Reader>(sim, "reader")));
  reader.add(100);
  reader.does(0, 10);
  reader.does(20, 10);
  EXPECT_EQ(reader.account.reordered.value(), 0u);
  reader.does(10, 10);
  EXPECT_EQ(reader.account.reordered.value(), 10u);
  reader.does(0, 40);  // 30 again, and 10 that follow
  EXPECT_EQ(reader.account.reordered.value(), 10u);
  sim.run();
}

TEST(TokenBucket, AnOversizedRequestIsTakenOnceAndOwedInFull) {
  TokenBucket bucket(2, 2);
  EXPECT_TRUE(bucket.take_or_owe(at(0s), 10));
  EXPECT_FALSE(bucket.take_or_owe(at(4900ms), 1));
  EXPECT_EQ(bucket.repaid(at(1s)), at(5s) + sim::Duration(1));
  EXPECT_TRUE(bucket.take_or_owe(at(5001ms), 1));
}

TEST(TokenBucket, RoomIsHowManyCouldBeTaken) {
  TokenBucket bucket(10, 10);
  EXPECT_EQ(bucket.room(at(0s), 3), 3u);
  bucket.take(at(0s), 9);
  EXPECT_EQ(bucket.room(at(0s), 3), 0u);
  EXPECT_EQ(bucket.room(at(500ms), 3), 2u);
}

TEST(KeyPopularity, FollowsZipfsLaw) {
  KeyPopularity keys(1000, 1.0);
  sim::Stream chance(1);
  std::map<std::uint32_t, int> seen;
  constexpr int draws = 400'000;
  for (int i = 0; i < draws; ++i) ++seen[keys.draw(chance)];
  double harmonic = 0;
  for (int i = 1; i <= 1000; ++i) harmonic += 1.0 / i;
  for (const std::uint32_t key : {1u, 2u, 10u}) {
    const double p = 1 / (key * harmonic);
    EXPECT_NEAR(seen[key] / double{draws}, p, 3.5 * std::sqrt(p * (1 - p) / draws)) << key;
  }
  EXPECT_EQ(seen.begin()->first, 1u);
  EXPECT_LE(seen.rbegin()->first, 1000u);
}

TEST(KeyPopularity, AHotKeyComesOnTop) {
  KeyPopularity keys(1000, 0, 0.3);
  sim::Stream chance(1);
  int hot = 0;
  for (int i = 0; i < 100'000; ++i) hot += keys.draw(chance) == 1;
  EXPECT_NEAR(hot / 1e5, 0.3 + 0.7 / 1000, 0.006);
}

TEST(Servers, LastComeFirstServedTakesTheNewest) {
  Servers servers(1, 10, Servers::Order::lifo);
  for (std::uint32_t i = 0; i < 4; ++i) servers.enter(sim::Handle(i, 0));
  const auto wait = [](sim::Handle) { return true; };
  EXPECT_EQ(servers.leave(wait), sim::Handle(3, 0));
  EXPECT_EQ(servers.leave(wait), sim::Handle(2, 0));
}

// 4 s of work a second for ten seconds; the queue holds 300.
std::string overloaded(const std::string& more) {
  return test::small_experiment(
      "users: {client: {target: web, hosts: 1, network: 0s, dns_lookup: 0s, timeout: 1s, open: "
      "{profile: {points: {of: [{at: 0s, rate: 5/s}, {at: 10s, rate: 5/s}, {at: 10s, rate: 40/s}, "
      "{at: 20s, rate: 40/s}, {at: 20s, rate: 5/s}]}}}}}, web: {ec2_service: {on: group, workers: "
      "1, queue: 300, service_time: 100ms" +
          more + "}}, group: {auto_scaling_group: {size: 1}}",
      "horizon: 70s");
}
double failed(const std::string& more) {
  test::SmallRun run(overloaded(more));
  run.sim.run();
  return run.metric("users", "Failed");
}

TEST(Ec2ServiceQueue, ABacklogInOrderOutlivesTheOverload) {
  // 300 too many: the queue is 30 s long when the overload ends, and takes 60 s to drain.
  EXPECT_GT(failed(""), 400 + 200);
}
TEST(Ec2ServiceQueue, ServingTheNewestFailsOnlyAsManyAsThereAreTooMany) {
  EXPECT_NEAR(failed(", queue_order: lifo"), 300, 60);
}
TEST(Ec2ServiceQueue, WhatIsTooOldIsAnsweredWithoutWork) {
  EXPECT_NEAR(failed(", queue_expiry: 800ms"), 300, 60);
}

}  // namespace
}  // namespace windtunnel
