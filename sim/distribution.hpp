// Distributions of durations. Draws round to nanoseconds. Ziggurats of Boost.Random, never std's
// distributions, whose algorithms differ from one library to the next.
#pragma once

#include <cstdint>

#include "sim/random.hpp"
#include "sim/time.hpp"

namespace windtunnel::sim {

class Distribution {
 public:
  // All parameters in seconds; preconditions are the reader's (positive means, min <= max, p50 <
  // p99).
  static Distribution constant(Duration value);
  static Distribution uniform(double min, double max);
  static Distribution exponential(double mean);
  static Distribution lognormal(double p50, double p99);
  static Distribution lognormal_mean_cv(double mean, double cv);
  static Distribution gamma(double mean, double cv);
  static Distribution pareto(double min, double alpha);

  Distribution() = default;  // always 0

  // Never negative; a draw beyond int64 nanoseconds becomes the largest duration.
  Duration sample(Stream& chance) const {
    return shape_ == Shape::constant ? constant_ : draw(chance);
  }
  // Seconds; infinite for a Pareto tail index of 1 or less.
  double mean() const;
  bool is_zero() const { return shape_ == Shape::constant && constant_ == Duration::zero(); }

 private:
  enum class Shape : std::uint8_t { constant, uniform, exponential, lognormal, gamma, pareto };
  Distribution(Shape shape, double a, double b) : shape_(shape), a_(a), b_(b) {}
  Duration draw(Stream& chance) const;

  Shape shape_ = Shape::constant;
  Duration constant_{0};
  double a_ = 0, b_ = 0;
};

}  // namespace windtunnel::sim
