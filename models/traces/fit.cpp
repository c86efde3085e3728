#include "models/traces/fit.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace windtunnel::traces {

namespace {

using sim::Distribution;

constexpr double z95 = 1.959963984540054, z99 = 2.3263478740408408;

Parameter about(std::string name, double value, double error) {
  return {std::move(name), value, value - z95 * error, value + z95 * error};
}
// On a logarithmic scale.
Parameter about_log(std::string name, double log, double error) {
  return {std::move(name), std::exp(log), std::exp(log - z95 * error), std::exp(log + z95 * error)};
}

Fit exponential(const Sums& s) {
  const double n = static_cast<double>(s.n), mean = s.mean();
  return {"exponential",
          {about_log("mean", std::log(mean), 1 / std::sqrt(n))},
          -n * (std::log(mean) + 1),
          Distribution::exponential(mean)};
}

Fit lognormal(const Sums& s) {
  const double n = static_cast<double>(s.n), mu = s.logs / n;
  const double sigma = std::sqrt(std::max(s.square_logs / n - mu * mu, 1e-18));
  const double p50 = std::exp(mu), p99 = std::exp(mu + z99 * sigma);
  return {"lognormal",
          {about_log("p50", mu, sigma / std::sqrt(n)),
           about_log("p99", mu + z99 * sigma, sigma * std::sqrt((1 + z99 * z99 / 2) / n))},
          -s.logs - n * (std::log(sigma) + 0.5 * std::log(2 * std::numbers::pi) + 0.5),
          Distribution::lognormal(p50, p99)};
}

Fit gamma(const Sums& s) {
  const double n = static_cast<double>(s.n), mean = s.mean();
  const double spread = std::max(std::log(mean) - s.logs / n, 1e-12);
  double k = (3 - spread + std::sqrt((spread - 3) * (spread - 3) + 24 * spread)) / (12 * spread);
  for (int i = 0; i < 20; ++i) {
    const double step = (std::log(k) - digamma(k) - spread) / (1 / k - trigamma(k));
    k = std::max(k - step, k / 10);
    if (std::abs(step) < 1e-10 * k) break;
  }
  const double error = std::sqrt(k / (n * (k * trigamma(k) - 1)));
  const double cv = 1 / std::sqrt(k);
  return {"gamma",
          {about("mean", mean, mean * cv / std::sqrt(n)), about("cv", cv, 0.5 * cv / k * error)},
          (k - 1) * s.logs - n * k - n * (k * std::log(mean / k) + std::lgamma(k)),
          Distribution::gamma(mean, cv)};
}

// The least and the largest of n are off by a share 1/n of the range, one-sided.
Fit uniform(const Sums& s) {
  const double n = static_cast<double>(s.n), range = std::max(s.largest - s.least, 1e-12);
  const double reach = 3 * range / n;
  return {"uniform",
          {{"min", s.least, std::max(0.0, s.least - reach), s.least},
           {"max", s.largest, s.largest, s.largest + reach}},
          -n * std::log(range),
          Distribution::uniform(s.least, s.largest)};
}

Fit pareto(const Sums& s) {
  const double n = static_cast<double>(s.n);
  const double alpha = n / std::max(s.logs - n * std::log(s.least), 1e-12);
  return {"pareto",
          {{"min", s.least, s.least * (1 - 3 / (n * alpha)), s.least},
           about("alpha", alpha, alpha / std::sqrt(n))},
          n * std::log(alpha) + n * alpha * std::log(s.least) - (alpha + 1) * s.logs,
          Distribution::pareto(s.least, alpha)};
}

}  // namespace

void Sums::add(double x) {
  least = n == 0 ? x : std::min(least, x);
  largest = std::max(largest, x);
  ++n;
  sum += x;
  squares += x * x;
  const double log = std::log(x);
  logs += log;
  square_logs += log * log;
}

double Sums::cv() const {
  const double m = mean();
  return std::sqrt(std::max(0.0, squares / static_cast<double>(n) - m * m)) / m;
}

std::vector<Fit> fits(const Sums& sums) {
  if (sums.cv() < 1e-3 || sums.n < 3) {
    // As likely as a normal law so narrow.
    const double mean = sums.mean(), n = static_cast<double>(sums.n);
    const double deviation = std::max(sums.cv() * mean, 1e-8);
    return {{"constant",
             {{"constant", mean, sums.least, sums.largest}},
             -n * (std::log(deviation) + 1.42),
             Distribution::constant(sim::from_seconds(mean))}};
  }
  std::vector<Fit> all = {exponential(sums), lognormal(sums), gamma(sums), uniform(sums)};
  // At 1 and below there is no mean: no service works like that for long.
  if (Fit tail = pareto(sums); tail.parameters[1].value > 1) all.push_back(std::move(tail));
  std::stable_sort(all.begin(), all.end(), [](const Fit& a, const Fit& b) {
    return a.log_likelihood - static_cast<double>(a.parameters.size()) >
           b.log_likelihood - static_cast<double>(b.parameters.size());
  });
  return all;
}

// Up to 6 by recurrence, then the asymptotic series (Abramowitz and Stegun 6.3.18, 6.4.12).
double digamma(double x) {
  double result = 0;
  for (; x < 6; ++x) result -= 1 / x;
  const double f = 1 / (x * x);
  return result + std::log(x) - 0.5 / x -
         f * (1.0 / 12 - f * (1.0 / 120 - f * (1.0 / 252 - f / 240)));
}

double trigamma(double x) {
  double result = 0;
  for (; x < 6; ++x) result += 1 / (x * x);
  const double f = 1 / (x * x);
  return result + 1 / x + f / 2 + f / x * (1.0 / 6 - f * (1.0 / 30 - f * (1.0 / 42 - f / 30)));
}

}  // namespace windtunnel::traces
