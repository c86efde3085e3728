// From messages to the engine's own types. Models copy what they need at construction; no message
// is on the hot path.
#pragma once

#include <cstdint>

#include "sim/distribution.hpp"
#include "sim/time.hpp"

namespace windtunnel {

namespace settings {
class Distribution;
}

// Durations stand in messages as int64 nanoseconds.
inline sim::Duration to_duration(std::int64_t ns) { return sim::Duration(ns); }

// An unset shape is always 0.
sim::Distribution to_distribution(const settings::Distribution& message);

}  // namespace windtunnel
