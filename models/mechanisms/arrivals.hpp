// When requests come: Poisson, evenly spaced, or as a source says that is opened when the run
// begins (recorded load, profiles).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/distribution.hpp"
#include "sim/random.hpp"
#include "sim/time.hpp"

namespace windtunnel {

struct Arrival {
  sim::Time at{};
  std::int32_t path_class = -1;   // which of ArrivalPlan::paths(); -1: none of them
  sim::Duration service_time{0};  // as recorded; 0: not known
};

class ArrivalSource {
 public:
  virtual ~ArrivalSource() = default;
  // The next one, not before the one before; false: there is none.
  virtual bool next(Arrival& arrival) = 0;
  // How long it lasts, once next() was false.
  virtual sim::Duration length() const { return sim::forever; }
};

// What to open: shared by all copies and replications, never changed.
class ArrivalPlan {
 public:
  virtual ~ArrivalPlan() = default;
  virtual std::unique_ptr<ArrivalSource> open(sim::Stream chance) const = 0;
  // Path patterns that its arrivals are classed by.
  virtual std::vector<std::string> paths() const { return {}; }
};

class Arrivals {
 public:
  static Arrivals poisson(double rate, sim::Stream chance);
  static Arrivals evenly(double rate, sim::Stream chance);
  static Arrivals planned(std::shared_ptr<const ArrivalPlan> plan, sim::Stream chance);

  // A copy begins at the beginning.
  Arrivals(const Arrivals& other);
  Arrivals(Arrivals&&) = default;
  Arrivals& operator=(Arrivals&&) = default;

  // The arrival after `now`; its date is Time::max() if there is none.
  Arrival next(sim::Time now);

  std::vector<std::string> paths() const;

 private:
  enum class Kind : std::uint8_t { poisson, evenly, planned };
  Arrivals(Kind kind, double rate, sim::Stream chance)
      : kind_(kind), rate_(rate), chance_(chance), gap_(sim::Distribution::exponential(1 / rate)) {}

  Kind kind_;
  double rate_;
  sim::Stream chance_;
  sim::Distribution gap_;
  std::uint64_t count_ = 0;
  std::shared_ptr<const ArrivalPlan> plan_;
  std::unique_ptr<ArrivalSource> source_;
};

}  // namespace windtunnel
