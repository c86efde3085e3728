// What queues are made of: slots, keys, memory, the retries of deliveries.
#include "models/mechanisms/leased_queue.hpp"

#include <gtest/gtest.h>

#include <map>

#include "models/integration/sqs_queue.hpp"
#include "models/mechanisms/deduplication.hpp"
#include "models/mechanisms/delivery_retry.hpp"
#include "models/mechanisms/pusher.hpp"
#include "tests/support/messenger.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;

TEST(KeyTable, FindsWhatIsThereWhateverCameAndWent) {
  KeyTable table;
  std::map<std::uint64_t, std::uint32_t> truth;
  sim::Stream chance(7);
  for (std::uint32_t i = 0; i < 20000; ++i) {
    const std::uint64_t key = chance.below(500);
    const auto known = truth.find(key);
    ASSERT_EQ(table.find(key) != nullptr, known != truth.end());
    if (known == truth.end()) {
      table.insert(key, i);
      truth[key] = i;
    } else {
      ASSERT_EQ(*table.find(key), known->second);
      table.erase(key);
      truth.erase(known);
    }
  }
  EXPECT_EQ(table.size(), truth.size());
}

TEST(Deduplication, AnIdCountsFromWhenItWasFirstSaid) {
  Deduplication said(5min);
  EXPECT_TRUE(said.is_new(1, sim::time_zero));
  EXPECT_FALSE(said.is_new(1, sim::time_zero + 299s));
  EXPECT_TRUE(said.is_new(1, sim::time_zero + 300s));
  EXPECT_FALSE(said.is_new(1, sim::time_zero + 599s));
}

// The queue and the ledger together. Ten million: tests/bench/sqs_bench.
TEST(LeasedQueue, AWaitingMessageTakesAtMost100Bytes) {
  test::MessengerRun run(test::queue("jobs"), "10s");
  auto& queue = run.find<SqsQueue>("jobs");
  constexpr std::size_t waiting = 1'000'000;
  for (std::size_t i = 0; i < waiting; ++i) {
    Message message{.content = i, .bytes = 1024};
    queue.take_redriven(message);
  }
  const std::size_t bytes = queue.queue().bytes() + Messages::of(run.sim).ledger().bytes();
  EXPECT_LE(bytes, waiting * 100);
  EXPECT_GE(bytes, waiting * 50);  // it has them
  run.sim.run();
  EXPECT_EQ(run.metric("jobs", "MessagesLeft"), waiting);
}

TEST(DeliveryRetry, PhasesFollowEachOtherAndAgeEndsThem) {
  const DeliveryRetry retry{.immediate = 1,
                            .at_least = 1,
                            .backoff = 3,
                            .at_most = 1,
                            .least = 10s,
                            .largest = 30s,
                            .growth = DeliveryRetry::Growth::linear,
                            .jitter = false,
                            .max_age = 100s};
  const sim::Duration pauses[] = {0s, 10s, 10s, 20s, 30s, 30s};
  sim::Stream chance(1);
  for (std::uint32_t i = 0; i < 6; ++i) EXPECT_EQ(retry.pause(i + 1, 0s, chance), pauses[i]);
  EXPECT_FALSE(retry.pause(7, 0s, chance));   // there are six
  EXPECT_FALSE(retry.pause(6, 71s, chance));  // it would begin after 101 s
  EXPECT_TRUE(retry.pause(6, 70s, chance));
}

TEST(Pacer, WhatIsOverItsRateWaitsForItsTurn) {
  Pacer pacer(10);
  EXPECT_EQ(pacer.delay(sim::time_zero), 0s);
  EXPECT_EQ(pacer.delay(sim::time_zero), 100ms);
  EXPECT_EQ(pacer.delay(sim::time_zero + 50ms), 150ms);
  EXPECT_EQ(pacer.delay(sim::time_zero + 10s), 0s);
}

}  // namespace
}  // namespace windtunnel
