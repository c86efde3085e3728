// A forecast of hourly load. AWS does not publish its algorithm ("machine learning", patterns of
// days and weeks); ours is the plainest that has both: an hour is the mean of the same hour of the
// past days, up to 14; from a week of history on, half of it is the mean of the same hour of the
// same weekday.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace windtunnel {

constexpr std::size_t forecast_least_history = 24;      // hours
constexpr std::size_t forecast_most_history = 14 * 24;  // what is older does not count
constexpr std::size_t forecast_hours = 48;

// The `hours` that follow `history` (newest last); none with less than 24 hours of it.
std::vector<double> forecast(std::span<const double> history, std::size_t hours = forecast_hours);

}  // namespace windtunnel
