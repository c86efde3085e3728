#include "models/mechanisms/arrivals.hpp"

#include <algorithm>
#include <boost/random/exponential_distribution.hpp>

namespace windtunnel {

using sim::Duration;
using sim::Time;

std::shared_ptr<const RateSeries> rate_profile(const std::vector<RatePoint>& points, Duration every,
                                               Duration horizon) {
  auto rates = std::make_shared<RateSeries>();
  const auto add = [&](Duration from, Duration to, double first, double last) {
    const std::int64_t steps =
        first == last ? 1 : std::clamp<std::int64_t>((to - from) / std::chrono::seconds(1), 1, 60);
    for (std::int64_t i = 0; i < steps; ++i) {
      const Duration start = from + (to - from) / steps * i;
      const Duration end = std::min(i + 1 == steps ? to : start + (to - from) / steps, horizon);
      if (start >= end) continue;
      const double middle = (static_cast<double>(i) + 0.5) / static_cast<double>(steps);
      const double rate = first + (last - first) * middle;
      rates->bins.push_back({sim::time_zero + start, sim::time_zero + end, rate});
      rates->total += rate * sim::seconds(end - start);
    }
  };
  rates->length = horizon;
  for (Duration begin{0}; begin < horizon; begin += std::min(every, horizon)) {
    const Duration end = begin + std::min(every, horizon - begin);
    RatePoint last{begin, points.front().rate};
    for (const RatePoint& point : points) {
      const Duration at = std::min(begin + point.at, end);
      add(last.at, at, last.rate, point.rate);
      last = {at, point.rate};
    }
    add(last.at, end, last.rate, last.rate);
  }
  return rates;
}

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
