#include "models/mechanisms/arrivals.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "models/mechanisms/rates.hpp"
#include "tests/support/planned.hpp"

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
  for (Time at = arrivals.next(time_zero).at;
       at < time_zero + bin * static_cast<std::int64_t>(bins); at = arrivals.next(at).at) {
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
    const Time next = arrivals.next(last).at;
    ASSERT_GE(next, last);
    last = next;
  }
}

TEST(PoissonArrivals, AtARateOfNextToNothingNeverCome) {
  Arrivals arrivals = Arrivals::poisson(1e-30, sim::Stream{1});
  EXPECT_EQ(arrivals.next(time_zero + 1h).at, Time::max());
}

TEST(PoissonArrivals, OneSeedGivesOneSequence) {
  Arrivals a = Arrivals::poisson(3, sim::Stream{5}), b = Arrivals::poisson(3, sim::Stream{5});
  Time at = time_zero;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(a.next(at).at, b.next(at).at);
    at += 100ms;
  }
}

TEST(EvenArrivals, StandInTheMiddleOfTheirShares) {
  Arrivals arrivals = Arrivals::evenly(4, sim::Stream{});
  EXPECT_EQ(arrivals.next(time_zero).at, time_zero + 125ms);
  EXPECT_EQ(arrivals.next(time_zero).at, time_zero + 375ms);
  EXPECT_EQ(arrivals.next(time_zero).at, time_zero + 625ms);
}

TEST(EvenArrivals, DoNotDriftOverThirtyDays) {
  Arrivals arrivals = Arrivals::evenly(7, sim::Stream{});
  constexpr std::int64_t n = 7LL * 86'400 * 30;
  Time last = time_zero;
  for (std::int64_t i = 0; i < n; ++i) last = arrivals.next(last).at;
  // (n - 1/2) / 7 seconds, rounded to a nanosecond.
  const std::int64_t expected = ((2 * n - 1) * 500'000'000 + 3) / 7;
  EXPECT_EQ(last.time_since_epoch().count(), expected);
}

// What a source gives, to its end.
std::vector<Time> dates_of(ArrivalSource& source) {
  std::vector<Time> dates;
  for (Arrival arrival; source.next(arrival);) dates.push_back(arrival.at);
  return dates;
}
std::vector<Time> poisson_at(std::vector<RatePiece> pieces, std::uint64_t seed) {
  return dates_of(*arrivals_at(given_rates(std::move(pieces)), false, sim::Stream{seed}));
}
std::vector<Time> evenly_at(std::vector<RatePiece> pieces) {
  return dates_of(*arrivals_at(given_rates(std::move(pieces)), true, sim::Stream{1}));
}

TEST(ArrivalsAtRates, KeepOutOfEmptyBinsAndOfThePausesBetween) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (const Time at : poisson_at({{10s, 20s, 50}, {20s, 30s, 0}, {50s, 60s, 1000}}, seed)) {
      const double s = sim::seconds(at);
      ASSERT_TRUE((s >= 10 && s < 20) || (s >= 50 && s < 60)) << s;
    }
  }
}

TEST(ArrivalsAtRates, HaveEachBinsTotalInTheMeanAndItsVariance) {
  constexpr int runs = 2000;
  double hits[3] = {}, squares = 0;
  for (std::uint64_t seed = 0; seed < runs; ++seed) {
    const auto dates = poisson_at({{0s, 10s, 30}, {10s, 11s, 40}, {20s, 120s, 10}}, seed);
    for (const Time at : dates) ++hits[at < time_zero + 10s ? 0 : at < time_zero + 11s ? 1 : 2];
    const double off = static_cast<double>(dates.size()) - 80;
    squares += off * off;
  }
  const double expected[] = {30, 40, 10};
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(hits[i] / runs, expected[i], 4 * std::sqrt(expected[i] / runs)) << i;
  }
  EXPECT_NEAR(squares / runs, 80, 4 * 80 * std::sqrt(2.0 / runs));  // Poisson: variance = mean
}

TEST(ArrivalsAtRates, EvenlySpacedAreExactlyAsManyAsEachBinCounts) {
  const auto dates = evenly_at({{0s, 60s, 3}, {60s, 120s, 0}, {120s, 180s, 1}, {300s, 360s, 6}});
  EXPECT_EQ(dates,
            (std::vector<Time>{time_zero + 10s, time_zero + 30s, time_zero + 50s, time_zero + 150s,
                               time_zero + 305s, time_zero + 315s, time_zero + 325s,
                               time_zero + 335s, time_zero + 345s, time_zero + 355s}));
}

TEST(ArrivalsAtRates, EvenlySpacedCarryFractionsOverTheBins) {
  EXPECT_EQ(evenly_at({{0s, 10s, 0.4}, {10s, 20s, 0.4}, {20s, 30s, 0.4}}).size(), 1u);
  std::vector<RatePiece> thirds;
  for (int i = 0; i < 3000; ++i) thirds.push_back({i * 1s, (i + 1) * 1s, 1.0 / 3});
  EXPECT_EQ(evenly_at(thirds).size(), 1000u);
}

// A rate that rises from 0: half of the arrivals are beyond 1/sqrt(2) of the time.
TEST(ArrivalsAtRates, FollowAStraightLineWithinAPiece) {
  const RatePiece rising{0s, 100s, 20'000, 4};
  EXPECT_DOUBLE_EQ(rising.rate(0), 0);
  EXPECT_DOUBLE_EQ(rising.rate(100), 400);
  const auto dates = evenly_at({rising});
  ASSERT_EQ(dates.size(), 20'000u);
  EXPECT_NEAR(sim::seconds(dates[10'000]), 100 / std::sqrt(2.0), 0.01);
  EXPECT_NEAR(sim::seconds(dates[200]), 10, 0.03);
}

TEST(ArrivalsAtRates, AreTheSameAgainFromACopyOfArrivals) {
  Arrivals first =
      Arrivals::planned(test::planned([](sim::Stream chance) {
                          return arrivals_at(given_rates({{0s, 10s, 50}}), false, chance);
                        }),
                        sim::Stream{3});
  const Time at = first.next(time_zero).at;
  Arrivals copy = first;
  EXPECT_EQ(copy.next(time_zero).at, at);
  EXPECT_GT(first.next(time_zero).at, at);
}

TEST(ArrivalsAtRates, EndWithTheRates) {
  auto source = arrivals_at(given_rates({{0s, 1s, 1e-9}}), false, sim::Stream{1});
  Arrival arrival;
  EXPECT_FALSE(source->next(arrival));
  EXPECT_FALSE(source->next(arrival));
}

}  // namespace
}  // namespace windtunnel
