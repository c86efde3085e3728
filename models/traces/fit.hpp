// Laws of durations fitted to observed ones by maximum likelihood, from sums alone: the data are
// not kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/distribution.hpp"

namespace windtunnel::traces {

// What the likelihoods need of durations in seconds, all above 0.
struct Sums {
  std::uint64_t n = 0;
  double sum = 0, squares = 0, logs = 0, square_logs = 0;
  double least = 0, largest = 0;

  void add(double x);
  double mean() const { return sum / static_cast<double>(n); }
  double cv() const;
};

struct Parameter {
  std::string name;                     // as a distribution's setting: p50
  double value = 0, low = 0, high = 0;  // with its 95 % interval
};

struct Fit {
  std::string law;                    // as a distribution's setting: lognormal
  std::vector<Parameter> parameters;  // durations in seconds, but for cv and alpha
  double log_likelihood = 0;
  sim::Distribution distribution;
};

// Constant, exponential, lognormal, gamma, uniform and Pareto, the likeliest first, a parameter
// more being worth its price (Akaike 1974).
std::vector<Fit> fits(const Sums& sums);

double digamma(double x);
double trigamma(double x);

}  // namespace windtunnel::traces
