#include "analysis/summary.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/analysis/samples.hpp"

namespace windtunnel::analysis {
namespace {

using namespace samples;
using Records = std::vector<ReplicationRecord>;

Records records_with_rto(const std::vector<Duration>& rtos) {
  Records records;
  for (const Duration rto : rtos) {
    records.push_back(record(static_cast<std::uint32_t>(records.size()), rto));
  }
  return records;
}

void censor(ReplicationRecord& record, Duration at_least) {
  record.mutable_measures()->clear_rto();
  record.mutable_measures()->set_rto_censored(true);
  record.mutable_measures()->set_rto_at_least(at_least.count());
}

Summary summary_for(const Records& records, const char* measure, const char* statistic,
                    double limit) {
  ExperimentHeader header;
  auto& objective = *header.add_objectives();
  objective.set_measure(measure);
  objective.set_statistic(statistic);
  objective.set_limit(limit);
  return summarise(header, records);
}

Verdict verdict(const Records& records, const char* measure, const char* statistic, double limit) {
  return summary_for(records, measure, statistic, limit).objectives.front().verdict;
}

TEST(Summary, HasMeanIntervalAndQuantiles) {
  const auto summary = summarise(header(), records_with_rto({100s, 200s, 300s, 400s, 500s}));
  const auto& rto = summary.measure("rto");
  EXPECT_DOUBLE_EQ(*rto.mean, 300);
  EXPECT_NEAR(rto.ci95->low, 300 - 196.324, 1e-2);  // statistics_test has the calculation
  EXPECT_DOUBLE_EQ(*rto.p50, 300);
  EXPECT_DOUBLE_EQ(*rto.p95, 500);
  EXPECT_DOUBLE_EQ(*rto.worst, 500);
  EXPECT_EQ(rto.n, 5u);
}

TEST(Summary, MeansOfPartsSumToTheMean) {
  const auto summary = summarise(header(), records_with_rto({100s, 250s, 300s}));
  const auto& rto = summary.measure("rto");
  ASSERT_EQ(rto.parts.size(), 7u);
  const double sum = std::accumulate(rto.parts.begin(), rto.parts.end(), 0.0,
                                     [](double s, const PartSummary& p) { return s + p.mean; });
  EXPECT_NEAR(sum, *rto.mean, 1e-9);
}

TEST(Summary, WithACensoredReplicationThereIsNoMean) {
  auto records = records_with_rto({100s, 200s, 300s, 400s});
  censor(records[0], 50min);
  const auto summary = summarise(header(), records);
  const auto& rto = summary.measure("rto");
  EXPECT_FALSE(rto.mean);
  EXPECT_FALSE(rto.ci95);
  EXPECT_FALSE(rto.worst);
  EXPECT_TRUE(rto.parts.empty());
  EXPECT_EQ(rto.censored, 1u);
  EXPECT_EQ(rto.n, 4u);
  EXPECT_DOUBLE_EQ(*rto.p50, 300);  // 200, 300, 400, censored: the second is 300
  EXPECT_TRUE(std::isnan(rto.values[0]));
}

TEST(Summary, SharesAreWorstWhenLow) {
  auto records = records_with_rto({100s, 100s});
  records[1].mutable_measures()->set_availability(0.9);
  const auto summary = summarise(header(), records);
  const auto& availability = summary.measure("availability");
  EXPECT_DOUBLE_EQ(*availability.worst, 0.9);
  EXPECT_DOUBLE_EQ(*availability.p5, 0.9);
  EXPECT_LE(availability.ci95->high, 1);
}

TEST(Summary, OfSharesOfUsersHitTheLargestIsTheWorst) {
  auto records = records_with_rto({100s, 100s});
  records[1].mutable_measures()->set_users_hit(0.9);
  const auto summary = summarise(header(), records);
  const auto& hit = summary.measure("users_hit");
  EXPECT_DOUBLE_EQ(*hit.worst, 0.9);
  EXPECT_DOUBLE_EQ(*hit.p95, 0.9);
  EXPECT_FALSE(hit.p5);
  EXPECT_LE(hit.ci95->high, 1);
}

TEST(Summary, MedianAndWorstAreThoseByRto) {
  auto records = records_with_rto({400s, 100s, 300s, 200s});
  EXPECT_EQ(summarise(header(), records).median, 3u);  // 100, 200: the second of four
  EXPECT_EQ(summarise(header(), records).worst, 0u);
  censor(records[1], 50min);
  EXPECT_EQ(summarise(header(), records).worst, 1u);
}

TEST(Summary, WithoutAFaultMedianAndWorstAreThoseByScalingLag) {
  std::vector<ReplicationRecord> records(3);
  records[0].mutable_measures()->set_scaling_lag(Duration(200s).count());
  records[1].mutable_measures()->set_scaling_lag(Duration(300s).count());
  records[2].mutable_measures()->set_scaling_lag(Duration(100s).count());
  EXPECT_EQ(summarise(header(), records).median, 0u);
  EXPECT_EQ(summarise(header(), records).worst, 1u);
}

TEST(Summary, ReplicationsWithoutTheMeasureDoNotCount) {
  auto records = records_with_rto({100s, 100s});
  records[1].mutable_measures()->set_replacement_lag(Duration(60s).count());
  const auto summary = summarise(header(), records);
  const auto& lag = summary.measure("replacement_lag");
  EXPECT_EQ(lag.n, 1u);
  EXPECT_DOUBLE_EQ(*lag.mean, 60);
  EXPECT_FALSE(lag.ci95);
}

TEST(Objectives, OnTheMeanAreJudgedByItsInterval) {
  const auto records = records_with_rto({100s, 200s, 300s, 400s, 500s});  // [103.7, 496.3]
  EXPECT_EQ(verdict(records, "rto", "mean", 497), Verdict::holds);
  EXPECT_EQ(verdict(records, "rto", "mean", 300), Verdict::undecided);
  EXPECT_EQ(verdict(records, "rto", "mean", 103), Verdict::fails);
}

TEST(Objectives, ExactlyAtTheLimitHold) {
  EXPECT_EQ(verdict(records_with_rto({300s, 300s}), "rto", "mean", 300), Verdict::holds);
  EXPECT_EQ(verdict(records_with_rto({300s, 300s}), "rto", "worst", 300), Verdict::holds);
}

TEST(Objectives, OnSharesAskForAtLeastTheLimit) {
  auto records = records_with_rto({100s, 100s, 100s});
  double availability = 0.990;
  for (auto& record : records) record.mutable_measures()->set_availability(availability += 0.001);
  // mean 0.992, s = 0.001, half width 4.303 x 0.001 / sqrt(3) = 0.00248
  EXPECT_EQ(verdict(records, "availability", "mean", 0.989), Verdict::holds);
  EXPECT_EQ(verdict(records, "availability", "mean", 0.992), Verdict::undecided);
  EXPECT_EQ(verdict(records, "availability", "mean", 0.995), Verdict::fails);
  EXPECT_EQ(verdict(records, "availability", "worst", 0.991), Verdict::holds);
  EXPECT_EQ(verdict(records, "availability", "worst", 0.9911), Verdict::fails);
}

TEST(Objectives, OneReplicationDecidesNothingOfTheMean) {
  EXPECT_EQ(verdict(records_with_rto({1s}), "rto", "mean", 300), Verdict::undecided);
}

TEST(Objectives, OnAQuantileAreJudgedByTheShareWithinTheLimit) {
  // 72 of 72 within: at least 0.025^(1/72) = 0.95008 of all are.
  EXPECT_EQ(verdict(records_with_rto(std::vector<Duration>(72, 60s)), "rto", "p95", 60),
            Verdict::holds);
  EXPECT_EQ(verdict(records_with_rto(std::vector<Duration>(71, 60s)), "rto", "p95", 60),
            Verdict::undecided);
  // 16 of 20 within: at most 0.943 are.
  std::vector<Duration> rtos(20, 60s);
  for (std::size_t i = 0; i < 4; ++i) rtos[i] = 600s;
  EXPECT_EQ(verdict(records_with_rto(rtos), "rto", "p95", 300), Verdict::fails);
  const auto summary = summary_for(records_with_rto(rtos), "rto", "p95", 300);
  EXPECT_DOUBLE_EQ(*summary.objectives.front().share_within, 0.8);
  EXPECT_DOUBLE_EQ(*summary.objectives.front().value, 600);
}

TEST(Objectives, WithCensoredReplicationsAreJudgedByTheShareWithinTheLimit) {
  auto records = records_with_rto(std::vector<Duration>(20, 60s));
  censor(records[7], 50min);
  EXPECT_EQ(verdict(records, "rto", "mean", 300), Verdict::undecided);  // 19 of 20: [0.75, 0.999]
  for (std::size_t i = 0; i < 10; ++i) censor(records[i], 50min);
  EXPECT_EQ(verdict(records, "rto", "mean", 300), Verdict::fails);  // 10 of 20: [0.27, 0.73]
  // Beyond an hour nothing is known of them.
  EXPECT_EQ(verdict(records, "rto", "mean", 7200), Verdict::undecided);
  EXPECT_EQ(verdict(records, "rto", "worst", 300), Verdict::fails);
  EXPECT_EQ(verdict(records, "rto", "worst", 7200), Verdict::undecided);
}

TEST(Objectives, OnWhatWasNotMeasuredAreUndecided) {
  EXPECT_EQ(verdict(records_with_rto({1s, 2s}), "replacement_lag", "mean", 300),
            Verdict::undecided);
}

TEST(Objectives, OneFailureDecidesTheExitCode) {
  Summary summary;
  EXPECT_EQ(summary.exit_code(), 0);
  summary.objectives.resize(2);
  summary.objectives[0].verdict = Verdict::holds;
  EXPECT_EQ(summary.exit_code(), 3);
  summary.objectives[0].verdict = Verdict::fails;
  EXPECT_EQ(summary.exit_code(), 1);
  for (auto& objective : summary.objectives) objective.verdict = Verdict::holds;
  EXPECT_EQ(summary.exit_code(), 0);
}

// Of two replications one throttles 10 of 100 for 4 s, one nothing.
Records throttled() {
  Records records = records_with_rto({100s, 100s});
  for (const bool some : {true, false}) {
    ReplicationRecord& record = records[some ? 0 : 1];
    record.mutable_measures()->set_throttled_share(some ? 0.1 : 0);
    record.mutable_measures()->set_throttled_spell(some ? Duration(4s).count() : 0);
    for (const char* reason : {"", "RateExceeded"}) {
      if (!some && *reason != 0) continue;  // it did not occur
      auto& row = *record.add_throttling();
      row.set_component("api");
      row.set_caller("users");
      row.set_reason(reason);
      row.set_offered(100);
      row.set_refused(some ? 10 : 0);
      row.set_longest_spell(some ? Duration(4s).count() : 0);
    }
  }
  return records;
}

TEST(Summary, OfAThrottledShareLessIsBetter) {
  EXPECT_EQ(verdict(throttled(), "throttled_share", "worst", 0.1), Verdict::holds);
  EXPECT_EQ(verdict(throttled(), "throttled_share", "worst", 0.09), Verdict::fails);
  EXPECT_EQ(verdict(throttled(), "throttled_spell", "worst", 4), Verdict::holds);
  EXPECT_EQ(verdict(throttled(), "throttled_spell", "worst", 3.9), Verdict::fails);
  EXPECT_DOUBLE_EQ(*summarise(header(), throttled()).measure("throttled_share").mean, 0.05);
}

TEST(Summary, AReasonsShareIsOfAllThatItsCallerOfferedInAllReplications) {
  const auto rows = summarise(header(), throttled()).throttling;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].reason, "RateExceeded");
  EXPECT_EQ(rows[1].offered, 200u);
  EXPECT_DOUBLE_EQ(rows[1].share(), 0.05);
  EXPECT_DOUBLE_EQ(rows[1].longest_spell, 4);
}

}  // namespace
}  // namespace windtunnel::analysis
