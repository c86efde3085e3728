// The ledger by hand, with an asynchronous replica such as other services have; and against theory
// (T271).
#include "models/mechanisms/write_ledger.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sim/distribution.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::time_zero;

// definitions.md: from the oldest lost write's acknowledgement to the later of the fault and the
// last acknowledgement.
Duration rpo(const sim::WriteOutcome& outcome, sim::Time fault) {
  if (!outcome.oldest_lost) return 0s;
  return std::max(fault, *outcome.last_acknowledged) - *outcome.oldest_lost;
}

// Writes at 200/s from 5 ms on, the last one at `until`.
void write_200_a_second(WriteLedger& ledger, Duration until) {
  for (Duration t = 5ms; t <= until; t += 5ms) ledger.acknowledge(time_zero + t);
}

TEST(WriteLedger, WritesAreNumberedInTheOrderOfTheirAcknowledgement) {
  WriteLedger ledger(1);
  EXPECT_EQ(ledger.acknowledge(time_zero + 1s), 1u);
  EXPECT_EQ(ledger.acknowledge(time_zero + 2s), 2u);
  EXPECT_EQ(ledger.applied(0), 0u);
  ledger.apply_until(0, time_zero + 1s);
  EXPECT_EQ(ledger.applied(0), 1u);
  ledger.apply_until(0, time_zero);  // it never goes back
  EXPECT_EQ(ledger.applied(0), 1u);
}

TEST(WriteLedger, AReplicaOneSecondBehindLosesOneSecondOfWrites) {
  WriteLedger ledger(1);
  write_200_a_second(ledger, 10s);
  ledger.fail(time_zero + 10s);
  ledger.apply_until(0, time_zero + 9s);
  EXPECT_EQ(ledger.recover(ledger.applied(0)), 200u);
  const auto outcome = ledger.outcome("db", true);
  EXPECT_EQ(outcome.acknowledged, 2000u);
  EXPECT_EQ(outcome.lost, 200u);
  EXPECT_EQ(*outcome.oldest_lost, time_zero + 9005ms);
  EXPECT_EQ(*outcome.last_acknowledged, time_zero + 10s);
  EXPECT_EQ(*outcome.failed, time_zero + 10s);
  EXPECT_EQ(rpo(outcome, time_zero + 10s), 995ms);
}

TEST(WriteLedger, RpoEndsAtTheLaterOfTheFaultAndTheLastAcknowledgement) {
  WriteLedger ledger(1);
  write_200_a_second(ledger, 10s);
  ledger.fail(time_zero + 12s);
  ledger.apply_until(0, time_zero + 9s);
  ledger.recover(ledger.applied(0));
  const auto outcome = ledger.outcome("db", true);
  EXPECT_EQ(rpo(outcome, time_zero + 12s), 2995ms);  // the store was idle when it failed
  EXPECT_EQ(rpo(outcome, time_zero + 7s), 995ms);    // the fault took three seconds to stop it
}

TEST(WriteLedger, NothingIsLostWhenTheStorageSurvives) {
  WriteLedger ledger(1);
  write_200_a_second(ledger, 10s);
  ledger.fail(time_zero + 10s);
  EXPECT_EQ(ledger.applied(0), 0u);  // the replica that takes over had applied nothing
  EXPECT_EQ(ledger.recover(ledger.last()), 0u);
  const auto outcome = ledger.outcome("db", true);
  EXPECT_EQ(outcome.lost, 0u);
  EXPECT_FALSE(outcome.oldest_lost);
  EXPECT_EQ(rpo(outcome, time_zero + 10s), 0s);
}

TEST(WriteLedger, HistoryGoesOnBehindTheLastWriteThatSurvived) {
  WriteLedger ledger(2);
  write_200_a_second(ledger, 1s);
  ledger.apply_until(0, time_zero + 500ms);
  ledger.apply_until(1, time_zero + 900ms);  // ahead of the one that is promoted
  ledger.fail(time_zero + 1s);
  EXPECT_EQ(ledger.recover(ledger.applied(0)), 100u);
  EXPECT_EQ(ledger.applied(1), 100u);
  EXPECT_EQ(ledger.acknowledge(time_zero + 5s), 101u);
  EXPECT_EQ(ledger.outcome("db", true).acknowledged, 201u);
}

TEST(WriteLedger, OfSeveralFailuresTheOneWithTheLongestLossIsTold) {
  WriteLedger ledger(1);
  write_200_a_second(ledger, 10s);
  ledger.apply_until(0, time_zero + 8s);
  ledger.fail(time_zero + 10s);
  ledger.recover(ledger.applied(0));
  ledger.acknowledge(time_zero + 20s);
  ledger.acknowledge(time_zero + 21s);
  ledger.apply_until(0, time_zero + 20s);
  ledger.fail(time_zero + 21s);
  ledger.recover(ledger.applied(0));
  const auto outcome = ledger.outcome("db", true);
  EXPECT_EQ(outcome.lost, 401u);
  EXPECT_EQ(*outcome.oldest_lost, time_zero + 8005ms);
  EXPECT_EQ(*outcome.failed, time_zero + 10s);
}

TEST(WriteLedger, UnknownWritesAreNeitherAcknowledgedNorLost) {
  WriteLedger ledger(1);
  ledger.count_unknown();
  ledger.fail(time_zero + 1s);
  const auto outcome = ledger.outcome("db", false);
  EXPECT_EQ(outcome.unknown, 1u);
  EXPECT_EQ(outcome.acknowledged, 0u);
  EXPECT_EQ(outcome.lost, 0u);
  EXPECT_FALSE(outcome.recovered);
  EXPECT_EQ(*outcome.failed, time_zero + 1s);
}

TEST(WriteLedger, ForgetsWhatEveryReplicaHasApplied) {
  WriteLedger ledger(2);
  for (int i = 1; i <= 1'000'000; ++i) {
    const sim::Time now = time_zero + i * 1ms;
    ledger.acknowledge(now);
    ledger.apply_until(0, now - 20ms);
    if (i % 500 == 0) ledger.apply_until(1, now - 100ms);
  }
  EXPECT_LE(ledger.dates_kept(), 2048u);
}

// T271: 200 writes/s and an exponential lag of mean 1 s lose 200 writes a failover on average.
TEST(WriteLedger, LossesOfAnAsynchronousReplicaAgreeWithTheory) {
  sim::Stream chance(271);
  const auto lag = sim::Distribution::exponential(1),
             gap = sim::Distribution::exponential(1.0 / 200);
  constexpr int trials = 2000;
  double sum = 0, squares = 0;
  for (int i = 0; i < trials; ++i) {
    WriteLedger ledger(1);
    const sim::Time end = time_zero + 20s;
    for (sim::Time t = time_zero + gap.sample(chance); t < end; t += gap.sample(chance)) {
      ledger.acknowledge(t);
    }
    ledger.fail(end);
    ledger.apply_until(0, end - lag.sample(chance));
    const auto lost = static_cast<double>(ledger.recover(ledger.applied(0)));
    sum += lost;
    squares += lost * lost;
  }
  const double mean = sum / trials;
  const double error = std::sqrt((squares / trials - mean * mean) / trials);
  EXPECT_NEAR(mean, 200, 4 * error);
}

}  // namespace
}  // namespace windtunnel
