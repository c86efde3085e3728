// How much of its work a statistical test does: all of it, unless the environment says a share.
// Sanitized programs take many times as long, so they are run with WINDTUNNEL_TEST_WORK=0.02: what
// is looked for there is what the sanitizers see, and intervals widen as the work shrinks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace windtunnel::test {

inline double work_share() {
  static const double share = [] {
    const char* said = std::getenv("WINDTUNNEL_TEST_WORK");
    return said == nullptr ? 1.0 : std::clamp(std::atof(said), 0.001, 1.0);
  }();
  return share;
}

// That share of requests, seconds, trials, ..., and at least one.
template <typename T>
T scaled(T work) {
  if (work_share() == 1) return work;
  return std::max<T>(1, static_cast<T>(static_cast<double>(work) * work_share()));
}

// The tolerance that goes with it.
inline double widened(double tolerance) { return tolerance / std::sqrt(work_share()); }

}  // namespace windtunnel::test
