#include "sim/distribution.hpp"

#include <boost/random/exponential_distribution.hpp>
#include <boost/random/gamma_distribution.hpp>
#include <boost/random/normal_distribution.hpp>
#include <cmath>
#include <limits>

namespace windtunnel::sim {

namespace {
constexpr double z99 = 2.3263478740408408;  // 99 % quantile of the standard normal
}

Distribution Distribution::constant(Duration value) {
  Distribution d;
  d.constant_ = value;
  return d;
}
Distribution Distribution::uniform(double min, double max) {
  return {Shape::uniform, min, max - min};
}
Distribution Distribution::exponential(double mean) { return {Shape::exponential, mean, 0}; }
Distribution Distribution::lognormal(double p50, double p99) {
  return {Shape::lognormal, std::log(p50), std::log(p99 / p50) / z99};
}
Distribution Distribution::lognormal_mean_cv(double mean, double cv) {
  const double variance = std::log1p(cv * cv);
  return {Shape::lognormal, std::log(mean) - variance / 2, std::sqrt(variance)};
}
Distribution Distribution::gamma(double mean, double cv) {
  return {Shape::gamma, 1 / (cv * cv), mean * cv * cv};
}
Distribution Distribution::pareto(double min, double alpha) { return {Shape::pareto, min, alpha}; }

Duration Distribution::draw(Stream& chance) const {
  switch (shape_) {
    case Shape::constant:
      return constant_;
    case Shape::uniform:
      return from_seconds(a_ + b_ * chance.uniform());
    case Shape::exponential:
      return from_seconds(a_ * boost::random::exponential_distribution<double>()(chance));
    case Shape::lognormal:
      return from_seconds(std::exp(a_ + b_ * boost::random::normal_distribution<double>()(chance)));
    case Shape::gamma:
      return from_seconds(boost::random::gamma_distribution<double>(a_, b_)(chance));
    case Shape::pareto:
      return from_seconds(a_ * std::pow(chance.uniform(), -1 / b_));
  }
  return {};
}

double Distribution::mean() const {
  switch (shape_) {
    case Shape::constant:
      return seconds(constant_);
    case Shape::uniform:
      return a_ + b_ / 2;
    case Shape::exponential:
      return a_;
    case Shape::lognormal:
      return std::exp(a_ + b_ * b_ / 2);
    case Shape::gamma:
      return a_ * b_;
    case Shape::pareto:
      return b_ > 1 ? a_ * b_ / (b_ - 1) : std::numeric_limits<double>::infinity();
  }
  return 0;
}

}  // namespace windtunnel::sim
