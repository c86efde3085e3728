// Estimators over independent replications. They say nothing where nothing can be said: no interval
// from one value.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace windtunnel::analysis {

// Infinite ends: the sample is too small to bound that side.
struct Interval {
  double low = 0, high = 0;
};

inline constexpr double confidence = 0.95;

// Arithmetic mean; the sample isn't empty.
double mean_of(std::span<const double> sample);

// 95 % interval of the mean after Student, n - 1 degrees of freedom; none for fewer than two
// values. Caution: for skewed measures and few replications its true coverage is lower
// (tests/validation measures by how much).
std::optional<Interval> mean_interval(std::span<const double> sample);

// The smallest value with at least a share q in (0, 1] of the sample at or below it (Hyndman and
// Fan's type 1, the inverse of the empirical distribution): always a value of the sample, and fit
// for infinite ones. `sorted` is ascending and not empty.
double quantile(std::span<const double> sorted, double q);

// Exact 95 % interval (Clopper and Pearson 1934) of a share of which `hits` in `n` were seen; n = 0
// gives [0, 1].
Interval share_interval(std::size_t hits, std::size_t n);

// 95 % interval of the q quantile, free of any distribution: the order statistics at which
// share_interval() of the share at or below them begins and ceases to allow q. `sorted` is
// ascending.
Interval quantile_interval(std::span<const double> sorted, double q);

}  // namespace windtunnel::analysis
