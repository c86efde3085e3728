#include "models/mechanisms/arrivals.hpp"

namespace windtunnel {

using sim::Duration;
using sim::Time;

Arrivals Arrivals::poisson(double rate, sim::Stream chance) {
  return {Kind::poisson, rate, chance};
}
Arrivals Arrivals::evenly(double rate, sim::Stream chance) { return {Kind::evenly, rate, chance}; }
Arrivals Arrivals::planned(std::shared_ptr<const ArrivalPlan> plan, sim::Stream chance) {
  Arrivals arrivals(Kind::planned, 1, chance);
  arrivals.plan_ = std::move(plan);
  return arrivals;
}

Arrivals::Arrivals(const Arrivals& other)
    : kind_(other.kind_),
      rate_(other.rate_),
      chance_(other.chance_),
      gap_(other.gap_),
      plan_(other.plan_) {}

Arrival Arrivals::next(Time now) {
  Arrival arrival{Time::max(), -1, sim::Duration(0)};
  switch (kind_) {
    case Kind::poisson: {
      const sim::Duration gap = gap_.sample(chance_);
      if (gap < Time::max() - now) arrival.at = now + gap;
      break;
    }
    case Kind::evenly:
      // The n-th arrival is at (n - 1/2) / rate: no error adds up.
      ++count_;
      arrival.at = sim::time_zero + sim::from_seconds((static_cast<double>(count_) - 0.5) / rate_);
      break;
    case Kind::planned:
      if (source_ == nullptr) source_ = plan_->open(chance_);
      if (!source_->next(arrival)) arrival.at = Time::max();
      break;
  }
  return arrival;
}

std::vector<std::string> Arrivals::paths() const {
  return plan_ == nullptr ? std::vector<std::string>() : plan_->paths();
}

}  // namespace windtunnel
