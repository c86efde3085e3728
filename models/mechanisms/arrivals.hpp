// When requests come: Poisson, evenly spaced, or a Poisson process whose rate follows a recorded
// series or a profile.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/distribution.hpp"
#include "sim/random.hpp"
#include "sim/time.hpp"

namespace windtunnel {

// Piecewise constant rate. Time 0 is the start of the cut; between bins there are no arrivals.
struct RateSeries {
  struct Bin {
    sim::Time start, end;
    double rate;  // per second
  };
  std::vector<Bin> bins;  // in order, not overlapping
  sim::Duration length{0};
  double total = 0;  // expected arrivals
};

// A rate that goes on straight lines from point to point (dates rising, at least one), and begins
// again after `every`. A line becomes steps of a second, at most 60.
struct RatePoint {
  sim::Duration at;
  double rate;  // per second
};
std::shared_ptr<const RateSeries> rate_profile(const std::vector<RatePoint>& points,
                                               sim::Duration every, sim::Duration horizon);

class Arrivals {
 public:
  static Arrivals poisson(double rate, sim::Stream chance);
  static Arrivals evenly(double rate, sim::Stream chance);
  static Arrivals series(std::shared_ptr<const RateSeries> rates, sim::Stream chance);

  // Date of the arrival after `now`, or Time::max() if there is none.
  sim::Time next(sim::Time now);

 private:
  enum class Kind : std::uint8_t { poisson, evenly, series };
  Arrivals(Kind kind, double rate, sim::Stream chance)
      : kind_(kind), rate_(rate), chance_(chance), gap_(sim::Distribution::exponential(1 / rate)) {}
  sim::Time next_evenly(sim::Time now);
  sim::Time next_of_series(sim::Time now);

  Kind kind_;
  double rate_;
  sim::Stream chance_;
  sim::Distribution gap_;
  std::uint64_t count_ = 0;
  std::shared_ptr<const RateSeries> rates_;
  std::size_t bin_ = 0;
};

}  // namespace windtunnel
