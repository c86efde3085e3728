#include "sim/metrics.hpp"

#include <cmath>

namespace windtunnel::sim {

std::vector<std::pair<std::string, double>> Counter::summary(Time) const {
  return {{"sum", static_cast<double>(value_)}};
}
void Counter::restart(Time) {
  before_ += value_;
  value_ = 0;
}

std::vector<std::pair<std::string, double>> Level::summary(Time now) const {
  return {{"mean", mean(now)}, {"max", static_cast<double>(max_)}};
}
void Level::restart(Time now) {
  before_ += integral(now);
  integral_ = 0;
  since_ = start_ = now;
  max_ = value_;
}

std::vector<std::pair<std::string, double>> Ratio::summary(Time now) const {
  const double whole = whole_.integral(now);
  return {{"mean", whole > 0 ? 100 * part_.integral(now) / whole : 0}};
}
double Ratio::reading() const {
  return whole_.value() > 0
             ? 100 * static_cast<double>(part_.value()) / static_cast<double>(whole_.value())
             : 0;
}

double Histogram::middle_of(std::size_t index) {
  if (index < steps) return static_cast<double>(index);
  const std::size_t octave = index / steps;
  const auto low = static_cast<double>(index % steps + steps);
  return std::ldexp(low + 0.5, static_cast<int>(octave) - 1) - 0.5;
}

double Histogram::quantile(double q) const {
  if (count_ == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(
      std::clamp(std::ceil(q * static_cast<double>(count_)), 1.0, static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < size; ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(middle_of(i), static_cast<double>(max_)) * 1e-9;
  }
  return static_cast<double>(max_) * 1e-9;
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < size; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

std::vector<std::pair<std::string, double>> Histogram::summary(Time) const {
  return {{"count", static_cast<double>(count_)},
          {"mean", mean()},
          {"p50", quantile(0.5)},
          {"p95", quantile(0.95)},
          {"p99", quantile(0.99)},
          {"max", static_cast<double>(max_) * 1e-9}};
}

void Histogram::restart(Time) {
  storage_->fill(0);
  count_ = max_ = 0;
  sum_ = 0;
}

}  // namespace windtunnel::sim
