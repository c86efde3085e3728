#include "analysis/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "sim/check.hpp"

namespace windtunnel::analysis {

double mean_of(std::span<const double> sample) {
  WT_CHECK(!sample.empty(), "a mean is taken of something");
  return std::accumulate(sample.begin(), sample.end(), 0.0) / static_cast<double>(sample.size());
}

std::optional<Interval> mean_interval(std::span<const double> sample) {
  if (sample.size() < 2) return std::nullopt;
  const auto n = static_cast<double>(sample.size());
  const double mean = mean_of(sample);
  double squares = 0;
  for (const double x : sample) squares += (x - mean) * (x - mean);
  const boost::math::students_t student(n - 1);
  const double half =
      boost::math::quantile(student, (1 + confidence) / 2) * std::sqrt(squares / (n - 1) / n);
  return Interval{mean - half, mean + half};
}

double quantile(std::span<const double> sorted, double q) {
  WT_CHECK(!sorted.empty() && q > 0 && q <= 1, "a quantile is taken of something");
  // 1e-9: 0.95 x 20 is 19, whatever the rounding of 0.95.
  const double rank = std::ceil(q * static_cast<double>(sorted.size()) - 1e-9);
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

Interval share_interval(std::size_t hits, std::size_t n) {
  if (n == 0) return {0, 1};
  using Binomial = boost::math::binomial_distribution<double>;
  const auto trials = static_cast<double>(n), successes = static_cast<double>(hits);
  constexpr double tail = (1 - confidence) / 2;
  return {Binomial::find_lower_bound_on_p(trials, successes, tail),
          Binomial::find_upper_bound_on_p(trials, successes, tail)};
}

Interval quantile_interval(std::span<const double> sorted, double q) {
  constexpr double unbounded = std::numeric_limits<double>::infinity();
  const std::size_t n = sorted.size();
  // share_interval() grows with the hits, so the first rank that satisfies a condition is found by
  // bisection.
  const auto first_rank = [&](auto satisfied) {
    std::size_t low = 0, high = n + 1;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (satisfied(middle))
        high = middle;
      else
        low = middle + 1;
    }
    return low;
  };
  const std::size_t allows =
      first_rank([&](std::size_t k) { return k > n || share_interval(k, n).high >= q; });
  const std::size_t ceases =
      first_rank([&](std::size_t k) { return k > n || share_interval(k, n).low >= q; });
  Interval interval{-unbounded, unbounded};
  if (allows > 0 && n > 0) interval.low = sorted[std::min(allows, n) - 1];
  if (ceases > 0 && ceases <= n) interval.high = sorted[ceases - 1];
  return interval;
}

}  // namespace windtunnel::analysis
