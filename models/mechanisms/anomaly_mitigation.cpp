#include "models/mechanisms/anomaly_mitigation.hpp"

#include <algorithm>
#include <cmath>

namespace windtunnel {

namespace {
constexpr std::size_t least_peers = 3;  // ALB guide, Automatic Target Weights
}

AnomalyMitigation::AnomalyMitigation(const Settings& settings, std::uint32_t targets)
    : settings_(settings),
      keeps_(std::exp2(-sim::seconds(settings.period) / sim::seconds(settings.memory))),
      targets_(targets) {}

double AnomalyMitigation::median_share(const std::vector<std::uint32_t>& healthy) {
  shares_.clear();
  for (const std::uint32_t target : healthy) {
    if (judged(target)) shares_.push_back(targets_[target].errors / targets_[target].requests);
  }
  if (shares_.empty()) return 0;
  const auto middle = shares_.begin() + static_cast<std::ptrdiff_t>((shares_.size() - 1) / 2);
  std::nth_element(shares_.begin(), middle, shares_.end());
  return *middle;
}

void AnomalyMitigation::adjust(const std::vector<std::uint32_t>& healthy) {
  const bool peers = healthy.size() >= least_peers;
  const double median = median_share(healthy);
  anomalous_ = 0;
  for (const std::uint32_t target : healthy) {
    Target& it = targets_[target];
    it.anomalous = peers && judged(target) && it.errors / it.requests > median + settings_.excess;
    anomalous_ += it.anomalous;
    it.weight = it.anomalous ? std::max(it.weight / settings_.step, settings_.least_weight)
                             : std::min(it.weight * settings_.step, 1.0);
  }
  for (Target& it : targets_) {
    it.requests *= keeps_;
    it.errors *= keeps_;
  }
}

}  // namespace windtunnel
