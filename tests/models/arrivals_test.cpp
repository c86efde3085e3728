#include "models/mechanisms/arrivals.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Time;
using sim::time_zero;

struct Counts {
  double mean = 0, dispersion = 0;  // variance over mean of the counts
};
Counts counts_of(Arrivals arrivals, sim::Duration bin, std::size_t bins) {
  std::vector<double> counts(bins, 0);
  for (Time at = arrivals.next(time_zero); at < time_zero + bin * static_cast<std::int64_t>(bins);
       at = arrivals.next(at)) {
    ++counts[static_cast<std::size_t>(at.time_since_epoch() / bin)];
  }
  Counts result;
  for (const double n : counts) result.mean += n / static_cast<double>(bins);
  for (const double n : counts) {
    result.dispersion += (n - result.mean) * (n - result.mean) / static_cast<double>(bins - 1);
  }
  result.dispersion /= result.mean;
  return result;
}

TEST(PoissonArrivals, HaveTheirRateAndAnIndexOfDispersionOfOne) {
  const Counts counts = counts_of(Arrivals::poisson(20, sim::Stream{1}), 1s, 100'000);
  EXPECT_NEAR(counts.mean, 20, 4 * std::sqrt(20.0 / 100'000));
  EXPECT_NEAR(counts.dispersion, 1, 4 * std::sqrt(2.0 / 100'000));
}

TEST(PoissonArrivals, FollowEachOtherInTime) {
  Arrivals arrivals = Arrivals::poisson(1e6, sim::Stream{1});
  Time last = time_zero;
  for (int i = 0; i < 100'000; ++i) {
    const Time next = arrivals.next(last);
    ASSERT_GE(next, last);
    last = next;
  }
}

TEST(PoissonArrivals, AtARateOfNextToNothingNeverCome) {
  Arrivals arrivals = Arrivals::poisson(1e-30, sim::Stream{1});
  EXPECT_EQ(arrivals.next(time_zero + 1h), Time::max());
}

TEST(PoissonArrivals, OneSeedGivesOneSequence) {
  Arrivals a = Arrivals::poisson(3, sim::Stream{5}), b = Arrivals::poisson(3, sim::Stream{5});
  Time at = time_zero;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(a.next(at), b.next(at));
    at += 100ms;
  }
}

TEST(EvenArrivals, StandInTheMiddleOfTheirShares) {
  Arrivals arrivals = Arrivals::evenly(4, sim::Stream{});
  EXPECT_EQ(arrivals.next(time_zero), time_zero + 125ms);
  EXPECT_EQ(arrivals.next(time_zero), time_zero + 375ms);
  EXPECT_EQ(arrivals.next(time_zero), time_zero + 625ms);
}

TEST(EvenArrivals, DoNotDriftOverThirtyDays) {
  Arrivals arrivals = Arrivals::evenly(7, sim::Stream{});
  constexpr std::int64_t n = 7LL * 86'400 * 30;
  Time last = time_zero;
  for (std::int64_t i = 0; i < n; ++i) last = arrivals.next(last);
  // (n - 1/2) / 7 seconds, rounded to a nanosecond.
  const std::int64_t expected = ((2 * n - 1) * 500'000'000 + 3) / 7;
  EXPECT_EQ(last.time_since_epoch().count(), expected);
}

std::shared_ptr<const RateSeries> series(std::vector<RateSeries::Bin> bins) {
  auto made = std::make_shared<RateSeries>();
  made->bins = std::move(bins);
  return made;
}

TEST(SeriesArrivals, KeepOutOfEmptyBinsAndOfThePausesBetween) {
  const auto rates = series({{time_zero + 10s, time_zero + 20s, 5},
                             {time_zero + 20s, time_zero + 30s, 0},
                             {time_zero + 50s, time_zero + 60s, 100}});
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Arrivals arrivals = Arrivals::series(rates, sim::Stream{seed});
    for (Time at = arrivals.next(time_zero); at != Time::max(); at = arrivals.next(at)) {
      const double s = sim::seconds(at);
      ASSERT_TRUE((s >= 10 && s < 20) || (s >= 50 && s < 60)) << s;
    }
  }
}

TEST(SeriesArrivals, HaveEachBinsTotal) {
  constexpr int runs = 2000;
  const auto rates = series({{time_zero, time_zero + 10s, 3},
                             {time_zero + 10s, time_zero + 11s, 40},
                             {time_zero + 20s, time_zero + 120s, 0.1}});
  double hits[3] = {}, squares = 0;
  for (std::uint64_t seed = 0; seed < runs; ++seed) {
    Arrivals arrivals = Arrivals::series(rates, sim::Stream{seed});
    double total = 0;
    for (Time at = arrivals.next(time_zero); at != Time::max(); at = arrivals.next(at), ++total) {
      ++hits[at < time_zero + 10s ? 0 : at < time_zero + 11s ? 1 : 2];
    }
    squares += (total - 80) * (total - 80);
  }
  const double expected[] = {30, 40, 10};
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(hits[i] / runs, expected[i], 4 * std::sqrt(expected[i] / runs)) << i;
  }
  EXPECT_NEAR(squares / runs, 80, 4 * 80 * std::sqrt(2.0 / runs));  // Poisson: variance = mean
}

TEST(SeriesArrivals, OfOneLongBinArePoisson) {
  const auto rates = series({{time_zero, time_zero + 100'000s, 20}});
  const Counts counts = counts_of(Arrivals::series(rates, sim::Stream{1}), 1s, 100'000);
  EXPECT_NEAR(counts.mean, 20, 4 * std::sqrt(20.0 / 100'000));
  EXPECT_NEAR(counts.dispersion, 1, 4 * std::sqrt(2.0 / 100'000));
}

TEST(SeriesArrivals, EndWithTheSeries) {
  Arrivals arrivals = Arrivals::series(series({{time_zero, time_zero + 1s, 1}}), sim::Stream{1});
  EXPECT_EQ(arrivals.next(time_zero + 1s), Time::max());
  EXPECT_EQ(arrivals.next(time_zero + 1s), Time::max());
}

TEST(SeriesArrivals, WithoutBinsNeverCome) {
  Arrivals arrivals = Arrivals::series(series({}), sim::Stream{1});
  EXPECT_EQ(arrivals.next(time_zero), Time::max());
}

TEST(RateProfile, GoesOnStraightLinesFromPointToPoint) {
  const auto rates = rate_profile({{1min, 100}, {2min, 300}}, 1h, 3min);
  ASSERT_EQ(rates->bins.size(), 1u + 60u + 1u);
  EXPECT_EQ(rates->bins.front().rate, 100) << "before the first point";
  EXPECT_EQ(rates->bins.front().end, time_zero + 1min);
  EXPECT_NEAR(rates->bins[1 + 29].rate + rates->bins[1 + 30].rate, 2 * 200, 1e-9);
  EXPECT_EQ(rates->bins.back().rate, 300) << "after the last point";
  EXPECT_EQ(rates->bins.back().end, time_zero + 3min);
  EXPECT_NEAR(rates->total, 60 * (100 + 200 + 300), 1e-6);
}

TEST(RateProfile, TwoPointsOfOneDateAreAJump) {
  const auto rates = rate_profile({{1min, 100}, {1min, 300}}, 1h, 2min);
  ASSERT_EQ(rates->bins.size(), 2u);
  EXPECT_EQ(rates->bins[1].start, time_zero + 1min);
  EXPECT_EQ(rates->bins[1].rate, 300);
}

TEST(RateProfile, BeginsAgainAfterItsPeriod) {
  const auto rates = rate_profile({{0s, 1}, {1h, 1}, {1h, 5}}, 2h, 5h);
  std::vector<double> hourly;
  for (const auto& bin : rates->bins) hourly.push_back(bin.rate);
  EXPECT_EQ(hourly, (std::vector<double>{1, 5, 1, 5, 1}));
  EXPECT_EQ(rates->bins.back().end, time_zero + 5h);
}

}  // namespace
}  // namespace windtunnel
