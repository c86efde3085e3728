#include "models/mechanisms/zipf.hpp"

#include <algorithm>
#include <cmath>

namespace windtunnel {

namespace {

// (e^x - 1) / x and log(1 + x) / x, without loss where x is near 0, that is s near 1.
double expm1_over(double x) {
  return std::abs(x) > 1e-8 ? std::expm1(x) / x : 1 + x * (0.5 + x / 6);
}
double log1p_over(double x) {
  return std::abs(x) > 1e-8 ? std::log1p(x) / x : 1 - x * (0.5 - x / 3);
}

}  // namespace

Zipf::Zipf(std::uint32_t n, double s) : n_(n), s_(s) {
  start_ = integral(1.5) - 1;
  end_ = integral(n + 0.5);
  surely_ = 2 - inverse(integral(2.5) - density(2));
}

double Zipf::density(double x) const { return std::exp(-s_ * std::log(x)); }

double Zipf::integral(double x) const {
  const double log = std::log(x);
  return expm1_over((1 - s_) * log) * log;
}

double Zipf::inverse(double u) const {
  // Rounding may lead below the least argument of the logarithm.
  return std::exp(log1p_over(std::max(u * (1 - s_), -1.0)) * u);
}

}  // namespace windtunnel
