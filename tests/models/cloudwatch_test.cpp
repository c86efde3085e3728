#include "models/mechanisms/cloudwatch.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "tests/support/metric_feed.hpp"
#include "tests/support/scripted.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Time;
using test::MetricFeed;
using testing::DoubleNear;
using testing::ElementsAre;

std::vector<double> values_of(const std::vector<CloudWatch::Datapoint>& datapoints) {
  std::vector<double> values;
  for (const auto& datapoint : datapoints) values.push_back(datapoint.value);
  return values;
}

constexpr Statistic average{}, sum{.kind = Statistic::Kind::sum},
    maximum{.kind = Statistic::Kind::maximum}, count{.kind = Statistic::Kind::sample_count};

// A run with a script that can ask CloudWatch.
struct OneRun {
  explicit OneRun(Duration horizon = 1h, Duration warm_up = 0s, std::uint64_t replication = 1)
      : sim({.seed = 1, .replication = replication, .horizon = horizon, .warm_up = warm_up}) {}

  Time first_end(Duration period) const {
    return cloudwatch.start_of_period(sim::time_zero, period) + period;
  }
  CloudWatch::Publication named(std::string name, Duration period = 1min) {
    return {.component = "web",
            .space = "Custom",
            .name = std::move(name),
            .dimensions = {},
            .period = period,
            .delay = {}};
  }
  // What can be read a moment after the k-th period of a minute has ended.
  std::vector<CloudWatch::Datapoint>& read_after(int k, MetricIndex metric, Statistic statistic,
                                                 Duration period = 1min, Duration range = 1h) {
    cloudwatch.watch(metric, range);
    auto& into = results.emplace_back();
    script.at(first_end(1min) + 1min * k - sim::time_zero + 1ns,
              [&into, this, metric, statistic, period, range] {
                into = cloudwatch.read(metric, statistic, period, range);
              });
    return into;
  }

  sim::Simulation sim;
  CloudWatch& cloudwatch = CloudWatch::of(sim);
  test::Script& script = test::add_script(sim);
  sim::MetricSet set;
  std::deque<std::vector<CloudWatch::Datapoint>> results;
};

// Periods ------------------------------------------------------------------------------------

TEST(CloudWatch, EveryPeriodIsCollectedOnceAndInOrderFromTheOneThatTheRunBeginsIn) {
  OneRun run(10min);
  MetricFeed& feed = test::add_feed(run.sim, MetricFeed::Values{});
  run.cloudwatch.watch(feed.metric);
  run.sim.run();
  ASSERT_GE(feed.asked.size(), 9u);
  EXPECT_LE(feed.asked.front().first, sim::time_zero);
  EXPECT_GT(feed.asked.front().second, sim::time_zero);
  for (std::size_t k = 0; k < feed.asked.size(); ++k) {
    EXPECT_EQ(feed.asked[k].second - feed.asked[k].first, 1min);
    if (k > 0) {
      EXPECT_EQ(feed.asked[k].first, feed.asked[k - 1].second);
    }
  }
}

TEST(CloudWatch, PeriodsOfAMinuteAndOfFiveMinutesAreThoseOfOneClock) {
  OneRun run(1h);
  const Time minute = run.first_end(1min), five = run.first_end(5min);
  EXPECT_EQ((five - minute) % 1min, 0s);
  EXPECT_EQ((five - run.first_end(1s)) % 1s, 0s);
}

TEST(CloudWatch, TheRunBeginsAtAnyMomentOfAFiveMinutePeriod) {
  double mean = 0;
  Duration least = 5min, largest = 0s;
  for (std::uint64_t replication = 1; replication <= 400; ++replication) {
    const OneRun run(1h, 0s, replication);
    const Duration left = run.first_end(5min) - sim::time_zero;
    mean += sim::seconds(left) / 400;
    least = std::min(least, left);
    largest = std::max(largest, left);
  }
  EXPECT_NEAR(mean, 150, 4 * 86.6 / 20);  // uniform over 300 s: deviation 86.6 s
  EXPECT_LT(least, 5s);
  EXPECT_GT(largest, 295s);
  EXPECT_LE(largest, 5min);
}

TEST(CloudWatch, AMetricThatNobodyWatchesCostsNothing) {
  OneRun run;
  MetricFeed& feed = test::add_feed(run.sim, MetricFeed::Values{1, 2});
  run.sim.run();
  EXPECT_TRUE(feed.asked.empty());
  EXPECT_EQ(run.sim.events_handled(), 1u);  // the horizon
}

TEST(CloudWatch, MetricsOfOnePeriodShareOneEvent) {
  OneRun run(10min);
  for (const char* name : {"a", "b", "c"}) {
    run.cloudwatch.watch(test::add_feed(run.sim, MetricFeed::Values{}, name).metric);
  }
  run.sim.run();
  EXPECT_LE(run.sim.events_handled(), 12u);
}

TEST(CloudWatch, AHighResolutionMetricIsCollectedEverySecond) {
  OneRun run(1min);
  MetricFeed& feed = test::add_feed(run.sim, MetricFeed::Values{}, "web", 1s);
  run.cloudwatch.watch(feed.metric);
  run.sim.run();
  EXPECT_EQ(feed.asked.size(), 60u);
}

// Reading ------------------------------------------------------------------------------------

TEST(CloudWatch, ADatapointBearsTheStartOfItsPeriod) {
  OneRun run;
  MetricFeed& feed = test::add_feed(run.sim, MetricFeed::Values{10, 20, 30});
  const auto& seen = run.read_after(2, feed.metric, average);
  run.sim.run();
  ASSERT_THAT(values_of(seen), ElementsAre(10, 20, 30));
  EXPECT_EQ(seen[0].start, run.first_end(1min) - 1min);
  EXPECT_EQ(seen[2].start, run.first_end(1min) + 1min);
}

TEST(CloudWatch, ADatapointCanBeReadAfterThePublishDelay) {
  OneRun run;
  MetricFeed& feed = test::add_feed(run.sim, MetricFeed::Values{10, 20, 30}, "web", 1min,
                                    sim::Distribution::constant(90s));
  const auto& early = run.read_after(1, feed.metric, average);
  const auto& later = run.read_after(2, feed.metric, average);
  run.sim.run();
  EXPECT_THAT(values_of(early), ElementsAre());
  ASSERT_THAT(values_of(later), ElementsAre(10));
  EXPECT_EQ(later[0].readable, run.first_end(1min) + 90s);
}

TEST(CloudWatch, EachDatapointDrawsItsOwnDelay) {
  OneRun run;
  MetricFeed& feed = test::add_feed(run.sim, MetricFeed::Values(20, 1.0), "web", 1min,
                                    sim::Distribution::uniform(30, 120));
  const auto& seen = run.read_after(30, feed.metric, average);
  run.sim.run();
  ASSERT_EQ(seen.size(), 20u);
  for (const auto& datapoint : seen) {
    EXPECT_GE(datapoint.readable - datapoint.start, 1min + 30s);
    EXPECT_LE(datapoint.readable - datapoint.start, 1min + 120s);
  }
  EXPECT_NE(seen[0].readable - seen[0].start, seen[1].readable - seen[1].start);
}

TEST(CloudWatch, APeriodWithoutValuesIsAbsent) {
  OneRun run;
  MetricFeed& feed = test::add_feed(run.sim, MetricFeed::Values{10, std::nullopt, 30});
  const auto& seen = run.read_after(2, feed.metric, average);
  run.sim.run();
  EXPECT_THAT(values_of(seen), ElementsAre(10, 30));
}

TEST(CloudWatch, FiveMinutesOfAMinutesMetricSlideByTheMinute) {
  OneRun run;
  MetricFeed& feed = test::add_feed(run.sim, MetricFeed::Values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const auto& ninth = run.read_after(9, feed.metric, average, 5min, 10min);
  const auto& tenth = run.read_after(10, feed.metric, average, 5min, 10min);
  const auto& total = run.read_after(9, feed.metric, sum, 5min, 5min);
  run.sim.run();
  EXPECT_THAT(values_of(ninth), ElementsAre(3, 8));
  EXPECT_THAT(values_of(tenth), ElementsAre(4, 9));
  EXPECT_THAT(values_of(total), ElementsAre(40));
}

TEST(CloudWatch, StatisticsWeighSamplesNotPeriods) {
  StatisticSet first, second;
  first.add(10, 3);
  second.add(50);
  first.merge(second);
  EXPECT_EQ(average.of(first), 20);
  EXPECT_EQ(sum.of(first), 80);
  EXPECT_EQ(count.of(first), 4);
  EXPECT_EQ(maximum.of(first), 50);
  EXPECT_EQ((Statistic{.kind = Statistic::Kind::minimum}).of(first), 10);
}

TEST(CloudWatch, OnlyWhatTheWidestWatcherReadsIsKept) {
  OneRun run;
  MetricFeed& feed = test::add_feed(run.sim, MetricFeed::Values(60, 1.0));
  const auto& narrow = run.read_after(50, feed.metric, average, 1min, 3min);
  const auto& wide = run.read_after(50, feed.metric, average, 1min, 20min);
  run.sim.run();
  EXPECT_EQ(narrow.size(), 3u);
  EXPECT_EQ(wide.size(), 20u);
}

TEST(CloudWatch, AStatisticIsKnownByAwssWord) {
  for (const char* word : {"Average", "Sum", "Minimum", "Maximum", "SampleCount", "p99", "p99.9"}) {
    const auto statistic = Statistic::of(word);
    ASSERT_TRUE(statistic) << word;
    EXPECT_EQ(statistic->word(), word);
  }
  EXPECT_TRUE(Statistic::of("average"));
  for (const char* word : {"", "Mean", "p", "p0", "p101", "pp9", "p9x", "99"}) {
    EXPECT_FALSE(Statistic::of(word)) << word;
  }
}

TEST(CloudWatch, AMetricIsFoundByItsComponentAndItsName) {
  OneRun run;
  const MetricFeed& feed = test::add_feed(run.sim, MetricFeed::Values{});
  EXPECT_EQ(run.cloudwatch.find("web", "Load"), feed.metric);
  EXPECT_FALSE(run.cloudwatch.find("web", "load"));
  EXPECT_FALSE(run.cloudwatch.find("db", "Load"));
  EXPECT_EQ(run.cloudwatch.full_name(feed.metric), "Custom Load Service=web");
}

// Metrics of the simulation --------------------------------------------------------------------

TEST(CloudWatch, ACounterIsPublishedByItsGrowth) {
  OneRun run;
  sim::Counter requests(run.set, "Requests", "");
  const MetricIndex metric = run.cloudwatch.publish_growth(run.named("Requests"), requests);
  const MetricIndex zeros = run.cloudwatch.publish_growth(run.named("Zeros"), requests, true);
  const Duration first = run.first_end(1min) - sim::time_zero;
  run.script.at(first - 1ns, [&] { requests.add(5); });
  run.script.at(first, [&] { requests.add(2); });  // of the instant a period ends in: still its own
  run.script.at(first + 2min + 1ns, [&] { requests.add(3); });
  const auto& seen = run.read_after(3, metric, sum);
  const auto& with_zeros = run.read_after(3, zeros, sum);
  run.sim.run();
  EXPECT_THAT(values_of(seen), ElementsAre(7, 3));
  EXPECT_THAT(values_of(with_zeros), ElementsAre(7, 0, 0, 3));
}

TEST(CloudWatch, ALevelIsPublishedByItsValueOrByItsMean) {
  OneRun run;
  sim::Level busy(run.set, "Busy", "Count", "");
  const MetricIndex last = run.cloudwatch.publish_sample(run.named("Last"), busy);
  const MetricIndex mean = run.cloudwatch.publish_mean(run.named("Mean"), busy);
  const Duration first = run.first_end(1min) - sim::time_zero;
  run.script.at(first + 15s, [&] { busy.set(run.sim.now(), 8); });
  run.script.at(first + 30s, [&] { busy.set(run.sim.now(), 2); });
  const auto& values = run.read_after(2, last, average);
  const auto& means = run.read_after(2, mean, average);
  run.sim.run();
  EXPECT_THAT(values_of(values), ElementsAre(0, 2, 2));
  EXPECT_THAT(
      values_of(means),
      ElementsAre(0, DoubleNear(3, 1e-9), DoubleNear(2, 1e-9)));  // (15 x 0 + 15 x 8 + 30 x 2) / 60
}

TEST(CloudWatch, PercentilesComeFromTheRecordsOfThePeriod) {
  OneRun run;
  sim::Histogram latency(run.set, "Latency", "");
  auto publication = run.named("Latency");
  publication.scale = 1000;
  const MetricIndex metric = run.cloudwatch.publish_records(publication, latency);
  const Duration first = run.first_end(1min) - sim::time_zero;
  run.script.at(first - 1ns, [&] { latency.record(9s); });
  run.script.at(first + 1s, [&] {
    for (int ms = 1; ms <= 100; ++ms) latency.record(ms * 1ms);
  });
  const auto percentile = [&](double p) -> const auto& {
    return run.read_after(1, metric, {.kind = Statistic::Kind::percentile, .percentile = p}, 1min,
                          1min);
  };
  const auto &p50 = percentile(50), &p99 = percentile(99), &p100 = percentile(100);
  const auto& samples = run.read_after(1, metric, count, 1min, 1min);
  const auto& means = run.read_after(1, metric, average, 1min, 1min);
  run.sim.run();
  ASSERT_EQ(p50.size(), 1u);
  EXPECT_NEAR(p50[0].value, 50, 0.008 * 50);  // a step of the histogram is 1.6 % wide
  EXPECT_NEAR(p99[0].value, 99, 0.008 * 99);
  EXPECT_NEAR(p100[0].value, 100, 0.008 * 100);
  EXPECT_THAT(values_of(samples), ElementsAre(100));
  EXPECT_NEAR(means[0].value, 50.5, 1e-9);
}

TEST(CloudWatch, PercentilesOfFiveMinutesAreOfAllTheirRecords) {
  OneRun run;
  sim::Histogram latency(run.set, "Latency", "");
  const MetricIndex metric = run.cloudwatch.publish_records(run.named("Latency"), latency);
  const Duration first = run.first_end(1min) - sim::time_zero;
  for (int k = 0; k < 5; ++k) {
    run.script.at(first + k * 1min + 1s, [&latency, k] {
      for (int i = 0; i < 20; ++i) latency.record((k + 1) * 1s);
    });
  }
  const auto& seen = run.read_after(
      5, metric, {.kind = Statistic::Kind::percentile, .percentile = 50}, 5min, 5min);
  run.sim.run();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_NEAR(seen[0].value, 3, 0.008 * 3);
}

TEST(CloudWatch, APercentileOfOneValueWithoutHistogramIsThatValueElseThereIsNone) {
  const Statistic p99{.kind = Statistic::Kind::percentile, .percentile = 99};
  StatisticSet one;
  one.add(5, 3);
  EXPECT_EQ(p99.of(one), 5);
  one.add(6);
  EXPECT_FALSE(p99.of(one));
}

TEST(CloudWatch, TheEndOfTheWarmUpIsNoHoleInAMetric) {
  OneRun run(10min, 150s);
  struct Metrics final : sim::Component {
    using Component::Component;
    sim::Counter requests{metric_set_, "Requests", ""};
    sim::Level busy{metric_set_, "Busy", "Count", ""};
    sim::Histogram latency{metric_set_, "Latency", ""};
  };
  auto& metrics = static_cast<Metrics&>(run.sim.add(std::make_unique<Metrics>(run.sim, "metrics")));
  const MetricIndex growth = run.cloudwatch.publish_growth(run.named("Growth"), metrics.requests);
  const MetricIndex mean = run.cloudwatch.publish_mean(run.named("Mean"), metrics.busy);
  const MetricIndex records = run.cloudwatch.publish_records(run.named("Records"), metrics.latency);
  for (Duration at = 500ms; at < 10min; at += 1s) {
    run.script.at(at, [&] {
      metrics.requests.add();
      metrics.busy.set(run.sim.now(), 4);
      metrics.latency.record(10ms);
    });
  }
  const auto& grown = run.read_after(4, growth, sum, 1min, 4min);
  const auto& means = run.read_after(4, mean, average, 1min, 4min);
  const auto& counts = run.read_after(4, records, count, 1min, 4min);
  run.sim.run();
  EXPECT_THAT(values_of(grown), ElementsAre(60, 60, 60, 60));
  EXPECT_THAT(values_of(counts), ElementsAre(60, 60, 60, 60));
  ASSERT_EQ(means.size(), 4u);
  for (const double value : values_of(means)) EXPECT_NEAR(value, 4, 1e-9);
}

TEST(CloudWatch, AskedForInWireOrInAttachItIsThere) {
  struct Late final : sim::Component {
    Late(sim::Simulation& sim, bool in_wire) : Component(sim, "late"), in_wire_(in_wire) {}
    void wire(sim::Wiring&) override {
      if (in_wire_) CloudWatch::of(sim());
    }
    void attach() override { found = &CloudWatch::of(sim()); }
    CloudWatch* found = nullptr;
    bool in_wire_;
  };
  for (const bool in_wire : {true, false}) {
    sim::Simulation sim({.horizon = 1h});
    auto& late = static_cast<Late&>(sim.add(std::make_unique<Late>(sim, in_wire)));
    for (int i = 0; i < 20; ++i)
      sim.add(std::make_unique<test::Script>(sim, fmt::format("s{}", i)));
    sim.run();
    EXPECT_EQ(late.found, sim.find_component("(cloudwatch)"));
  }
}

}  // namespace
}  // namespace windtunnel
