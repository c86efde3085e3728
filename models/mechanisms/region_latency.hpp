// Round trips between AWS regions, measured.
#pragma once

#include <optional>
#include <string_view>

#include "sim/time.hpp"

namespace windtunnel {

// Median TCP connect time over a year, cloudping.co, captured 2025-05-29; nothing for an unknown
// region or within one.
std::optional<sim::Duration> region_round_trip(std::string_view from, std::string_view to);
bool in_round_trip_matrix(std::string_view region);

}  // namespace windtunnel
