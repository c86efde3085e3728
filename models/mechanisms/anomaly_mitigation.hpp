// Automatic Target Weights: a node sends less to targets that fail more of their requests than
// their peers do. Every period it compares each target's share of errors with the median of all;
// AWS does not publish its statistic, this is ours: the shares are over answers remembered with a
// half-life, and a target is anomalous while its share is more than `excess` above the median. Its
// weight then falls by a factor a period, down to the least, and rises by the same factor when it
// is normal again. With fewer than three healthy targets there are no peers to compare with.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/random.hpp"
#include "sim/time.hpp"

namespace windtunnel {

class AnomalyMitigation {
 public:
  struct Settings {
    sim::Duration period{std::chrono::seconds(5)};
    double excess = 0.1, least_weight = 0.01, step = 2;
    sim::Duration memory{std::chrono::seconds(15)};
    double requests = 5;  // a target with fewer remembered is not judged
  };

  AnomalyMitigation(const Settings& settings, std::uint32_t targets);

  // An answer of the target, or none where there should have been one.
  void record(std::uint32_t target, bool failed) {
    targets_[target].requests += 1;
    targets_[target].errors += failed;
  }
  // Another has its place.
  void forget(std::uint32_t target) { targets_[target] = {}; }
  // A period has passed.
  void adjust(const std::vector<std::uint32_t>& healthy);

  // Whether a proposal of the target, all being equally likely, stands.
  bool takes(std::uint32_t target, sim::Stream& chance) const {
    const double weight = targets_[target].weight;
    return weight >= 1 || chance.chance(weight);
  }
  double weight(std::uint32_t target) const { return targets_[target].weight; }
  bool anomalous(std::uint32_t target) const { return targets_[target].anomalous; }
  std::uint32_t anomalous_targets() const { return anomalous_; }

 private:
  struct Target {
    double requests = 0, errors = 0;  // remembered
    double weight = 1;
    bool anomalous = false;
  };
  bool judged(std::uint32_t target) const {
    return targets_[target].requests >= settings_.requests;
  }
  double median_share(const std::vector<std::uint32_t>& healthy);

  Settings settings_;
  double keeps_;  // of what is remembered, a period
  std::vector<Target> targets_;
  std::vector<double> shares_;
  std::uint32_t anomalous_ = 0;
};

}  // namespace windtunnel
