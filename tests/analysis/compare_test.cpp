// Two experiments, pair by pair.
#include "analysis/compare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/analysis/samples.hpp"

namespace windtunnel::analysis {
namespace {

using namespace samples;
using ::testing::HasSubstr;

Results with_rto(const std::vector<Duration>& rto) {
  Results results{header(), {}};
  for (std::uint32_t i = 0; i < rto.size(); ++i) results.records.push_back(record(i, rto[i]));
  return results;
}

MeasureChange change_of(const std::string& name, const Results& a, const Results& b) {
  for (const auto& change : compare(a, b)) {
    if (change.name == name) return change;
  }
  return {};
}

TEST(Compare, ADifferenceThatEveryPairHasIsSeenThroughNoiseThatPairsShare) {
  // The means are 200 s apart within A, but B is 5 s better in every pair.
  const auto a = with_rto({100s, 200s, 300s, 400s}), b = with_rto({95s, 194s, 295s, 396s});
  const auto change = change_of("rto", a, b);
  EXPECT_EQ(change.change, Change::better);
  EXPECT_DOUBLE_EQ(*change.difference, -5);
  // Differences -5, -6, -5, -4: s = 0.816, t(3) = 3.182, half = 3.182 x 0.816 / 2 = 1.299.
  EXPECT_NEAR(change.ci95->low, -6.299, 0.001);
  EXPECT_NEAR(change.ci95->high, -3.701, 0.001);
  EXPECT_EQ(change_of("rto", b, a).change, Change::worse);
}

TEST(Compare, WhatMayBeChanceIsUndecided) {
  EXPECT_EQ(change_of("rto", with_rto({100s, 200s}), with_rto({90s, 205s})).change,
            Change::undecided);
}

TEST(Compare, EqualPairsAreTheSame) {
  const auto a = with_rto({100s, 200s});
  EXPECT_EQ(change_of("rto", a, a).change, Change::same);
  EXPECT_EQ(change_of("availability", a, a).change, Change::same);
}

TEST(Compare, MoreAvailabilityIsBetter) {
  auto b = with_rto({100s, 200s});
  for (auto& record : b.records) record.mutable_measures()->set_availability(0.9999);
  EXPECT_EQ(change_of("availability", with_rto({100s, 200s}), b).change, Change::better);
}

TEST(Compare, WithACensoredPairTheSignsOfThePairsDecide) {
  auto a = with_rto(std::vector<Duration>(8, 100s));
  a.records[0].mutable_measures()->clear_rto();
  a.records[0].mutable_measures()->set_rto_censored(true);
  const auto b = with_rto(std::vector<Duration>(8, 90s));
  const auto change = change_of("rto", a, b);
  EXPECT_FALSE(change.difference);
  EXPECT_EQ(change.b_better, 8u);
  EXPECT_EQ(change.change, Change::better);  // 8 of 8: at least 63 % with 95 %
  EXPECT_EQ(change_of("rto", b, a).change, Change::worse);
}

TEST(Compare, OnlyReplicationsThatBothHaveMakePairs) {
  auto a = with_rto({100s, 200s, 300s});
  a.records.erase(a.records.begin());
  EXPECT_EQ(change_of("rto", a, with_rto({100s, 200s})).pairs, 1u);
}

TEST(Compare, FindsTheFirstPairThatWentAnotherWay) {
  const auto a = with_rto({100s, 200s, 300s});
  auto b = a;
  EXPECT_FALSE(first_parted(a, b));
  b.records[1].set_fingerprint(7);
  EXPECT_EQ(first_parted(a, b)->in_a, 1u);
}

TEST(Compare, TheTableSaysWhatItMeans) {
  const auto a = with_rto({100s, 200s, 300s}), b = with_rto({40s, 141s, 239s});
  const std::string text = compare_text("a.h5", "b.h5", a, b, compare(a, b));
  EXPECT_THAT(text, HasSubstr("seed 1, 3 replications in pairs"));
  EXPECT_THAT(
      text,
      HasSubstr("rto                    3 min 20 s   2 min 20 s   -1 min [-1 min 2 s, -58 s]"));
  EXPECT_THAT(text, HasSubstr("better"));
}

}  // namespace
}  // namespace windtunnel::analysis
