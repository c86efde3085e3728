#include "analysis/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace windtunnel::analysis {
namespace {

using Sample = std::vector<double>;

TEST(Statistics, MeanHasStudentsInterval) {
  // 1..5: mean 3, variance 2.5, standard error sqrt(2.5 / 5) = 0.70711, t(4; 0.975) = 2.77645.
  const auto interval = mean_interval(Sample{1, 2, 3, 4, 5});
  ASSERT_TRUE(interval);
  EXPECT_NEAR(interval->low, 3 - 1.96324, 1e-5);
  EXPECT_NEAR(interval->high, 3 + 1.96324, 1e-5);
}

TEST(Statistics, OneValueHasNoInterval) {
  EXPECT_FALSE(mean_interval(Sample{1}));
  EXPECT_FALSE(mean_interval(Sample{}));
}

TEST(Statistics, EqualValuesHaveAnIntervalWithoutWidth) {
  const auto interval = mean_interval(Sample{7, 7, 7});
  ASSERT_TRUE(interval);
  EXPECT_EQ(interval->low, 7);
  EXPECT_EQ(interval->high, 7);
}

TEST(Statistics, QuantileIsTheSmallestValueWithThatShareBelowIt) {
  const Sample four{1, 2, 3, 4};
  EXPECT_EQ(quantile(four, 0.25), 1);
  EXPECT_EQ(quantile(four, 0.5), 2);
  EXPECT_EQ(quantile(four, 0.51), 3);
  EXPECT_EQ(quantile(four, 1), 4);
  EXPECT_EQ(quantile(Sample{7}, 0.01), 7);
}

TEST(Statistics, The95thPercentileOf20IsThe19th) {
  Sample twenty(20);
  for (std::size_t i = 0; i < 20; ++i) twenty[i] = static_cast<double>(i + 1);
  EXPECT_EQ(quantile(twenty, 0.95), 19);
}

TEST(Statistics, ShareHasClopperAndPearsonsInterval) {
  // All of n: low = 0.025^(1/n); none: high = 1 - 0.025^(1/n).
  EXPECT_NEAR(share_interval(20, 20).low, std::pow(0.025, 1.0 / 20), 1e-12);
  EXPECT_EQ(share_interval(20, 20).high, 1);
  EXPECT_NEAR(share_interval(0, 20).high, 1 - std::pow(0.025, 1.0 / 20), 1e-12);
  EXPECT_EQ(share_interval(0, 20).low, 0);
  // 8 of 10, from the tables: [0.4439, 0.9748].
  EXPECT_NEAR(share_interval(8, 10).low, 0.4439, 5e-5);
  EXPECT_NEAR(share_interval(8, 10).high, 0.9748, 5e-5);
}

TEST(Statistics, ShareOfNothingCanBeAnything) {
  EXPECT_EQ(share_interval(0, 0).low, 0);
  EXPECT_EQ(share_interval(0, 0).high, 1);
}

TEST(Statistics, MedianOfTenLiesBetweenTheSecondAndTheNinth) {
  // P(X <= 1) = 11 / 1024 = 0.011 for X ~ Bin(10, 1/2), P(X <= 2) = 0.055: ranks 2 and 9, as in
  // every table.
  Sample ten(10);
  for (std::size_t i = 0; i < 10; ++i) ten[i] = static_cast<double>(i + 1);
  const Interval interval = quantile_interval(ten, 0.5);
  EXPECT_EQ(interval.low, 2);
  EXPECT_EQ(interval.high, 9);
}

TEST(Statistics, TwentyValuesDoNotBoundThe95thPercentile) {
  Sample twenty(20);
  for (std::size_t i = 0; i < 20; ++i) twenty[i] = static_cast<double>(i + 1);
  EXPECT_TRUE(std::isinf(quantile_interval(twenty, 0.95).high));
  EXPECT_EQ(quantile_interval(twenty, 0.95).low, 17);  // 17 of 20 allow 0.968, 16 of 20 only 0.943
}

TEST(Statistics, SeventyTwoValuesBoundThe95thPercentile) {
  // 0.95^72 = 0.0249.
  EXPECT_TRUE(std::isinf(quantile_interval(Sample(71, 1.0), 0.95).high));
  EXPECT_EQ(quantile_interval(Sample(72, 1.0), 0.95).high, 1);
}

}  // namespace
}  // namespace windtunnel::analysis
