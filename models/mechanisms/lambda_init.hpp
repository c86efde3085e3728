// How long Lambda's Init phase takes, by runtime, package and architecture: measured quantiles of a
// function that says hello world, so without the time that dependencies of one's own take. Memory
// makes no difference (measured, rule 27). Includes neither the making of the sandbox nor the
// download of the code.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/random.hpp"
#include "sim/time.hpp"

namespace windtunnel {

class LambdaInit {
 public:
  enum class Package : std::uint8_t { zip, image };
  enum class Architecture : std::uint8_t { x86_64, arm64 };

  // nullptr: there are no figures of it.
  static const LambdaInit* find(std::string_view runtime, Package package,
                                Architecture architecture);
  // Runtimes of which there are figures.
  static std::vector<std::string> runtimes();

  // By the inverse of the distribution function, linear between the measured quantiles.
  sim::Duration sample(sim::Stream& chance) const;
  // Milliseconds.
  double quantile(double q) const;

  std::string_view runtime;
  Package package;
  Architecture architecture;
  std::array<double, 9> milliseconds;  // p5, p25, p50, p75, p90, p95, p99, p99.9, maximum
};

}  // namespace windtunnel
