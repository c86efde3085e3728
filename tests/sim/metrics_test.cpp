#include "sim/metrics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sim/random.hpp"

namespace windtunnel::sim {
namespace {

using namespace std::chrono_literals;

constexpr Time at(Duration d) { return time_zero + d; }

TEST(Counter, CountsAndStartsAnew) {
  MetricSet set;
  Counter requests(set, "RequestCount", "requests");
  requests.add();
  requests.add(41);
  EXPECT_EQ(requests.value(), 42u);
  EXPECT_EQ(requests.reading(), 42);
  requests.restart(at(1s));
  EXPECT_EQ(requests.value(), 0u);
}

TEST(Level, IsWeightedByTime) {
  MetricSet set;
  Level queue(set, "QueueLength", "Count", "waiting");
  queue.set(at(2s), 3);   // 0 for 2 s
  queue.add(at(5s), 4);   // 3 for 3 s
  queue.add(at(6s), -6);  // 7 for 1 s
  // 1 for 4 s: 9 + 7 + 4 = 20 over 10 s.
  EXPECT_DOUBLE_EQ(queue.integral(at(10s)), 20.0);
  EXPECT_DOUBLE_EQ(queue.mean(at(10s)), 2.0);
  EXPECT_EQ(queue.max(), 7);
  EXPECT_EQ(queue.value(), 1);
}

TEST(Level, StartsAnewWithTheValueItHas) {
  MetricSet set;
  Level queue(set, "QueueLength", "Count", "waiting");
  queue.set(at(0s), 10);
  queue.set(at(1s), 4);
  queue.restart(at(5s));
  EXPECT_EQ(queue.max(), 4);
  queue.set(at(7s), 0);
  EXPECT_DOUBLE_EQ(queue.mean(at(9s)), 2.0);  // 4 for 2 s, 0 for 2 s
}

TEST(Histogram, HasQuantilesWithinEightTenthsOfAPercent) {
  MetricSet set;
  Stream chance(3);
  for (const double scale : {1e2, 1e4, 1e6, 1e9, 1e12}) {
    Histogram latency(set, "Latency", "seconds");
    std::vector<std::int64_t> all;
    for (int i = 0; i < 20'000; ++i) {
      all.push_back(static_cast<std::int64_t>(-scale * std::log(chance.uniform())));
      latency.record(Duration(all.back()));
    }
    std::sort(all.begin(), all.end());
    for (const double q : {0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto rank = static_cast<std::size_t>(std::ceil(q * 20'000)) - 1;
      const double exact = static_cast<double>(all[rank]) * 1e-9;
      EXPECT_NEAR(latency.quantile(q), exact, 0.008 * exact + 1e-18) << "scale " << scale;
    }
  }
}

TEST(Histogram, TakesTheExtremes) {
  MetricSet set;
  Histogram latency(set, "Latency", "seconds");
  EXPECT_EQ(latency.quantile(0.5), 0);
  EXPECT_EQ(latency.mean(), 0);
  latency.record(0ns);
  latency.record(forever);
  EXPECT_EQ(latency.quantile(0), 0);
  EXPECT_NEAR(latency.quantile(1), 9.2e9, 0.008 * 9.2e9 + 0.1e9);
}

TEST(Histogram, MergesAsIfOneHadSeenAll) {
  MetricSet set;
  Histogram a(set, "A", "a"), b(set, "B", "b"), all(set, "All", "all");
  Stream chance(4);
  for (int i = 0; i < 10'000; ++i) {
    const Duration d(static_cast<std::int64_t>(chance() >> 30));
    (i % 3 == 0 ? a : b).record(d);
    all.record(d);
  }
  a.merge(b);
  EXPECT_EQ(a.count(), all.count());
  for (const double q : {0.0, 0.25, 0.5, 0.99, 1.0}) EXPECT_EQ(a.quantile(q), all.quantile(q));
  EXPECT_NEAR(a.mean(), all.mean(), 1e-12 * all.mean());
}

TEST(Histogram, StartsAnew) {
  MetricSet set;
  Histogram latency(set, "Latency", "seconds");
  latency.record(5s);
  latency.restart(at(10s));
  EXPECT_EQ(latency.count(), 0u);
  EXPECT_EQ(latency.quantile(1), 0);
  latency.record(1ms);
  EXPECT_NEAR(latency.quantile(0.5), 0.001, 8e-6);
}

TEST(Totals, GoOnOverTheEndOfTheWarmUp) {
  MetricSet set;
  Counter requests(set, "Requests", "requests");
  Level busy(set, "Busy", "Count", "workers");
  requests.add(5);
  busy.set(at(2s), 3);
  for (Metric* metric : set.all()) metric->restart(at(10s));
  requests.add(2);
  EXPECT_EQ(requests.value(), 2u);
  EXPECT_EQ(requests.total(), 7u);
  EXPECT_EQ(busy.integral(at(12s)), 6);
  EXPECT_EQ(busy.total(at(12s)), 30);
}

TEST(Histogram, ShowsItsStepsForDifferences) {
  MetricSet set;
  Histogram latency(set, "Latency", "seconds");
  for (int i = 1; i <= 100; ++i) latency.record(i * 1ms);
  std::uint64_t records = 0;
  double sum = 0;
  for (std::size_t step = 0; step < Histogram::size; ++step) {
    records += latency.counts()[step];
    sum += static_cast<double>(latency.counts()[step]) * Histogram::middle_of(step) * 1e-9;
  }
  EXPECT_EQ(records, 100u);
  EXPECT_NEAR(sum, latency.sum(), 0.008 * latency.sum());
  EXPECT_NEAR(latency.sum(), 5.05, 1e-9);
}

TEST(MetricSet, ListsItsMetricsInOrderOfDeclaration) {
  MetricSet set;
  Counter one(set, "One", "first");
  Level two(set, "Two", "Percent", "second");
  ASSERT_EQ(set.all().size(), 2u);
  EXPECT_EQ(set.all()[0]->name(), "One");
  EXPECT_EQ(set.all()[1]->unit(), "Percent");
}

}  // namespace
}  // namespace windtunnel::sim
