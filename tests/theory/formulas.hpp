// Closed forms of queueing theory, recomputed here so that a figure in a table is never taken on
// trust.
#pragma once

#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

namespace windtunnel::theory {

// Erlang B: blocking of c servers offered `a` erlang, B(0) = 1, B(i) = a B / (i + a B).
inline double erlang_b(int c, double a) {
  double b = 1;
  for (int i = 1; i <= c; ++i) b = a * b / (i + a * b);
  return b;
}
// Erlang C: probability of waiting, C = B / (1 - rho (1 - B)).
inline double erlang_c(int c, double a) {
  const double b = erlang_b(c, a);
  return b / (1 - a / c * (1 - b));
}
// M/M/c, mu = 1: mean wait C / (c - lambda).
inline double mmc_wait(int c, double lambda) { return erlang_c(c, lambda) / (c - lambda); }

// Pollaczek-Khinchine: lambda E[S^2] / (2 (1 - rho)), E[S] = 1.
inline double pk_wait(double lambda, double second_moment) {
  return lambda * second_moment / (2 * (1 - lambda));
}

// Stationary probabilities of a birth-death chain on 0 .. n.
inline std::vector<double> birth_death(int n, const std::function<double(int)>& birth,
                                       const std::function<double(int)>& death) {
  std::vector<double> p{1};
  for (int i = 1; i <= n; ++i) p.push_back(p.back() * birth(i - 1) / death(i));
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& x : p) x /= sum;
  return p;
}

// M/M/c/K, mu = 1: blocking and mean response of the accepted.
struct Mmck {
  double blocking, response;
};
inline Mmck mmck(int c, int k, double lambda) {
  const auto p = birth_death(
      k, [&](int) { return lambda; }, [&](int n) { return std::min(n, c); });
  double in_system = 0;
  for (int n = 0; n <= k; ++n) in_system += n * p[static_cast<std::size_t>(n)];
  return {p.back(), in_system / (lambda * (1 - p.back()))};
}

// M/M/c+M (Erlang A), mu = 1, patience rate theta.
struct ErlangA {
  double abandon, wait_probability, wait;
};
inline ErlangA erlang_a(int c, double lambda, double theta) {
  const int most = 40 * c;
  const auto p = birth_death(
      most, [&](int) { return lambda; },
      [&](int n) { return std::min(n, c) + std::max(n - c, 0) * theta; });
  double waits = 0, queue = 0;
  for (int n = c; n <= most; ++n) {
    waits += p[static_cast<std::size_t>(n)];
    queue += (n - c) * p[static_cast<std::size_t>(n)];
  }
  return {theta * queue / lambda, waits, queue / lambda};
}

// Root of x = f(x) in (0, 1) below 1, by bisection of f(x) - x.
inline double fixed_point(const std::function<double(double)>& f) {
  double low = 0, high = 1 - 1e-9;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (f(middle) > middle ? low : high) = middle;
  }
  return low;
}

// Exact mean value analysis of a closed network: stations' demands, think time, N users.
struct Mva {
  double throughput, response;
};
inline Mva mva(const std::vector<double>& demands, double think, int users) {
  std::vector<double> queue(demands.size());
  Mva result{};
  for (int n = 1; n <= users; ++n) {
    std::vector<double> time;
    for (std::size_t i = 0; i < demands.size(); ++i) time.push_back(demands[i] * (1 + queue[i]));
    result.response = std::accumulate(time.begin(), time.end(), 0.0);
    result.throughput = n / (think + result.response);
    for (std::size_t i = 0; i < demands.size(); ++i) queue[i] = result.throughput * time[i];
  }
  return result;
}

// Root of F(x) = 0 for a growing F on [low, high].
inline double root(const std::function<double(double)>& f, double low, double high) {
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (f(middle) < 0 ? low : high) = middle;
  }
  return low;
}

}  // namespace windtunnel::theory
