// Laws of load: each has its mean, its shape and its dispersion.
#include "models/mechanisms/profile.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;

// Integral of the rate over [from, to).
double expected(Rates& rates, Duration from, Duration to) {
  double sum = 0;
  for (RatePiece piece; rates.next(piece) && piece.start < to;) {
    sum += piece.within(from, to).expected;
  }
  return sum;
}
double expected(std::unique_ptr<Rates> rates, Duration from, Duration to) {
  return expected(*rates, from, to);
}
// Rate at one date.
double rate_at(std::unique_ptr<Rates> rates, Duration at) {
  RatePiece piece;
  while (rates->next(piece)) {
    if (piece.end > at) return piece.rate(sim::seconds(at - piece.start));
  }
  return -1;
}

TEST(ConstantRate, IsAlwaysTheSame) {
  EXPECT_NEAR(expected(constant_rate(3), 0s, 100h), 3 * 360'000.0, 1e-6);
}

TEST(RampOfRates, IsAStraightLineThatThenHolds) {
  EXPECT_NEAR(expected(ramp(10, 30, 100s), 0s, 100s), 2000, 1e-9);
  EXPECT_NEAR(expected(ramp(10, 30, 100s), 0s, 50s), 750, 1e-9);
  EXPECT_NEAR(rate_at(ramp(10, 30, 100s), 25s), 15, 1e-9);
  EXPECT_NEAR(rate_at(ramp(10, 30, 100s), 200s), 30, 1e-9);
  EXPECT_NEAR(rate_at(ramp(30, 0, 100s), 99s), 0.3, 1e-9);
}

TEST(StepsOfRates, FollowEachOtherAndTheLastHoldsOrTheyBeginAgain) {
  const std::vector<Step> list = {{1, 10s}, {5, 20s}, {2, 10s}};
  EXPECT_NEAR(expected(steps(list, false), 0s, 40s), 130, 1e-9);
  EXPECT_NEAR(rate_at(steps(list, false), 1h), 2, 1e-9);
  EXPECT_NEAR(rate_at(steps(list, true), 45s), 1, 1e-9);
  EXPECT_NEAR(expected(steps(list, true), 0s, 400s), 1300, 1e-9);
}

TEST(LinesOfRates, JoinTheirPointsAndHoldBeforeTheFirstAndAfterTheLast) {
  const std::vector<RatePoint> points = {{1min, 100}, {2min, 300}};
  EXPECT_NEAR(rate_at(lines(points, sim::forever), 30s), 100, 1e-9);
  EXPECT_NEAR(rate_at(lines(points, sim::forever), 90s), 200, 1e-9);
  EXPECT_NEAR(rate_at(lines(points, sim::forever), 1h), 300, 1e-9);
  EXPECT_NEAR(expected(lines(points, sim::forever), 0s, 3min), 60 * (100 + 200 + 300), 1e-6);
}

TEST(LinesOfRates, TwoPointsOfOneDateAreAJump) {
  const std::vector<RatePoint> points = {{1min, 100}, {1min, 300}};
  EXPECT_NEAR(rate_at(lines(points, sim::forever), 59s), 100, 1e-9);
  EXPECT_NEAR(rate_at(lines(points, sim::forever), 60s), 300, 1e-9);
}

TEST(LinesOfRates, BeginAgainAfterTheirPeriod) {
  const std::vector<RatePoint> points = {{0s, 1}, {1h, 1}, {1h, 5}};
  for (int hour = 0; hour < 6; ++hour) {
    EXPECT_NEAR(rate_at(lines(points, 2h), hour * 1h + 30min), hour % 2 == 0 ? 1 : 5, 1e-9);
  }
}

TEST(DiurnalRate, HasItsMeanItsPeakAndItsTrough) {
  const auto law = [] { return diurnal(100, 1.6, 20h, 6h); };
  EXPECT_NEAR(expected(law(), 0s, 48h), 100 * 2 * 86'400.0, 1e-3);
  EXPECT_NEAR(rate_at(law(), 14h), 160, 1e-3);  // 20:00, 14 hours after 6:00
  EXPECT_NEAR(rate_at(law(), 2h), 40, 1e-3);
  EXPECT_NEAR(rate_at(law(), 8h), 100, 1e-3);
  // The exact integral of a cosine over a quarter of a day from the peak on.
  EXPECT_NEAR(expected(law(), 14h, 20h), 100 * (21'600 + 0.6 * 86'400 / (2 * std::numbers::pi)),
              1e-3);
}

TEST(WeeklyRate, MultipliesDaysAndHoursAndKeepsItsMean) {
  const auto law = [](Duration starts_at) {
    return weekly(10, {1, 1, 1, 1, 1, 0.5, 0.5}, {1, 3}, starts_at);
  };
  EXPECT_NEAR(expected(law(0s), 0s, 168h), 10 * 604'800.0, 1e-3);
  const double workday = 10 * 7.0 / 6;
  EXPECT_NEAR(rate_at(law(0s), 1h), workday * 0.5, 1e-9);
  EXPECT_NEAR(rate_at(law(0s), 13h), workday * 1.5, 1e-9);
  EXPECT_NEAR(rate_at(law(120h), 13h), workday * 0.5 * 1.5, 1e-9);  // Saturday
}

TEST(FlashCrowdRate, RisesHoldsAndHalvesAgainAndAgain) {
  const auto law = [] {
    return flash_crowd(
        {.base = 100, .peak = 900, .at = 60s, .rise = 20s, .hold = 40s, .half_life = 30s});
  };
  EXPECT_NEAR(rate_at(law(), 30s), 100, 1e-9);
  EXPECT_NEAR(rate_at(law(), 70s), 500, 1e-9);
  EXPECT_NEAR(rate_at(law(), 100s), 900, 1e-9);
  EXPECT_NEAR(rate_at(law(), 150s), 500, 1);
  EXPECT_NEAR(rate_at(law(), 180s), 300, 1);
  EXPECT_NEAR(rate_at(law(), 2h), 100, 1e-6);
  // All that is above the base: the rise, the hold, and the half-life over ln 2.
  EXPECT_NEAR(expected(law(), 0s, 2h) - 100 * 7200, 800 * (10 + 40 + 30 / std::numbers::ln2), 1e-3);
}

// Index of dispersion for counts of an MMPP(2) in windows of t, with arrival rates a, b and mean
// stays 1/u, 1/v (Heffes and Lucantoni 1986): 1 + 2 (a-b)^2 u v / ((u+v)^2 (a v + b u))
//   - 2 (a-b)^2 u v / ((u+v)^3 (a v + b u) t) (1 - exp(-(u+v) t)).
double mmpp_dispersion(double a, double b, double u, double v, double t) {
  const double k = 2 * (a - b) * (a - b) * u * v / (a * v + b * u), s = u + v;
  return 1 + k / (s * s) - k / (s * s * s * t) * (1 - std::exp(-s * t));
}

TEST(MarkovModulatedRate, HasItsMeanAndItsIndexOfDispersion) {
  const double a = 2, b = 12, u = 1.0 / 50, v = 1.0 / 25;
  for (const double window : {1.0, 10.0, 60.0}) {
    auto source =
        arrivals_at(markov_modulated({{a, 50s}, {b, 25s}}, sim::Stream(1)), false, sim::Stream(2));
    const std::size_t windows = static_cast<std::size_t>(6e6 / std::sqrt(window) / 10);
    std::vector<double> counts(windows, 0);
    for (Arrival arrival; source->next(arrival);) {
      const auto at = static_cast<std::size_t>(sim::seconds(arrival.at) / window);
      if (at >= windows) break;
      ++counts[at];
    }
    double mean = 0, variance = 0;
    for (const double n : counts) mean += n / static_cast<double>(windows);
    for (const double n : counts)
      variance += (n - mean) * (n - mean) / static_cast<double>(windows);
    EXPECT_NEAR(mean / window, (a / u + b / v) / (1 / u + 1 / v), 0.06) << window;
    const double formula = mmpp_dispersion(a, b, u, v, window);
    EXPECT_NEAR(variance / mean, formula, 0.03 * formula) << window;
  }
}

TEST(MarkovModulatedRate, BeginsInAStateByItsShareOfTime) {
  int first = 0;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    RatePiece piece;
    markov_modulated({{1, 30s}, {2, 10s}}, sim::Stream(seed))->next(piece);
    first += piece.rate(0) < 1.5;
  }
  EXPECT_NEAR(first, 3000, 4 * std::sqrt(4000 * 0.75 * 0.25));
}

TEST(ProductsOfRates, MultiplyPieceByPiece) {
  const auto doubled = [] {
    return product(steps({{1, 10s}, {2, 10s}, {0, 1h}}, false), ramp(0, 4, 20s));
  };
  EXPECT_NEAR(expected(doubled(), 0s, 20s), 10 + 2 * 30, 1e-9);  // 1 x (0..2), then 2 x (2..4)
  EXPECT_NEAR(rate_at(doubled(), 15s), 6, 1e-9);
  // Of two lines the integral is exact: t x t from 0 to 1.
  EXPECT_NEAR(expected(product(ramp(0, 1, 1s), ramp(0, 1, 1s)), 0s, 1s), 1.0 / 3, 1e-12);
}

TEST(ProductsOfRates, AreNothingWhereOneHasNoPiece) {
  auto made = product(given_rates({{10s, 20s, 10}}), constant_rate(3));
  RatePiece piece;
  ASSERT_TRUE(made->next(piece));
  EXPECT_EQ(piece.start, 10s);
  EXPECT_NEAR(piece.expected, 30, 1e-9);
  EXPECT_FALSE(made->next(piece));
}

}  // namespace
}  // namespace windtunnel
