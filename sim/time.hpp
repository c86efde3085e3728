// Simulated time: int64 nanoseconds since the start of the run (292 years), in std::chrono's types.
// The clock has no now(): sim::Simulation::now() is the only one there is.
#pragma once

#include <chrono>
#include <cstdint>

namespace windtunnel::sim {

struct SimClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<SimClock>;
  static constexpr bool is_steady = true;
};

using Duration = SimClock::duration;
using Time = SimClock::time_point;

inline constexpr Time time_zero{};
inline constexpr Duration forever = Duration::max();
// No run is longer (ten years); sums of a few such durations still fit.
inline constexpr Duration horizon_limit{std::chrono::hours(24 * 3650)};

constexpr double seconds(Duration d) { return static_cast<double>(d.count()) * 1e-9; }
constexpr double seconds(Time t) { return seconds(t.time_since_epoch()); }

// Nearest nanosecond; what does not fit (or is not a number) becomes the largest duration.
constexpr Duration from_seconds(double s) {
  constexpr double largest = 9.2e9;
  return s < largest ? Duration(static_cast<std::int64_t>(s * 1e9 + (s < 0 ? -0.5 : 0.5)))
                     : forever;
}

// Order of events at one instant; then the order of insertion decides.
enum class Turn : std::uint8_t { fault = 0, traffic = 1, control = 2, sample = 3 };

}  // namespace windtunnel::sim
