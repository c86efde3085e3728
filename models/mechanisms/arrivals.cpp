#include "models/mechanisms/arrivals.hpp"

#include <algorithm>
#include <boost/random/exponential_distribution.hpp>

namespace windtunnel {

using sim::Time;

Arrivals Arrivals::poisson(double rate, sim::Stream chance) {
  return {Kind::poisson, rate, chance};
}
Arrivals Arrivals::evenly(double rate, sim::Stream chance) { return {Kind::evenly, rate, chance}; }
Arrivals Arrivals::series(std::shared_ptr<const RateSeries> rates, sim::Stream chance) {
  Arrivals arrivals(Kind::series, 1, chance);
  arrivals.rates_ = std::move(rates);
  return arrivals;
}

Time Arrivals::next(Time now) {
  switch (kind_) {
    case Kind::poisson: {
      const sim::Duration gap = gap_.sample(chance_);
      return gap < Time::max() - now ? now + gap : Time::max();
    }
    case Kind::evenly:
      return next_evenly(now);
    case Kind::series:
      return next_of_series(now);
  }
  return Time::max();
}

// The n-th arrival is at (n - 1/2) / rate: no error adds up.
Time Arrivals::next_evenly(Time) {
  ++count_;
  return sim::time_zero + sim::from_seconds((static_cast<double>(count_) - 0.5) / rate_);
}

// A unit exponential is used up by the integral of the rate.
Time Arrivals::next_of_series(Time now) {
  double left = boost::random::exponential_distribution<double>()(chance_);
  const auto& bins = rates_->bins;
  for (; bin_ < bins.size(); ++bin_) {
    const RateSeries::Bin& bin = bins[bin_];
    const Time from = std::max(now, bin.start);
    if (from >= bin.end || bin.rate <= 0) continue;
    const double fits = bin.rate * sim::seconds(bin.end - from);
    if (left < fits)
      return std::min(from + sim::from_seconds(left / bin.rate), bin.end - sim::Duration(1));
    left -= fits;
  }
  return Time::max();
}

}  // namespace windtunnel
