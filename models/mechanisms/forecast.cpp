#include "models/mechanisms/forecast.hpp"

namespace windtunnel {

namespace {

// Mean of the hours that lie 1, 2, ... times `season` before `hour` and in history; nothing: -1.
double seasonal_mean(std::span<const double> history, std::size_t hour, std::size_t season) {
  double sum = 0;
  std::size_t found = 0;
  for (std::size_t back = season; back <= hour; back += season) {
    if (hour - back >= history.size()) continue;  // not yet known
    sum += history[hour - back];
    ++found;
  }
  return found > 0 ? sum / static_cast<double>(found) : -1;
}

}  // namespace

std::vector<double> forecast(std::span<const double> history, std::size_t hours) {
  if (history.size() < forecast_least_history) return {};
  if (history.size() > forecast_most_history) history = history.last(forecast_most_history);
  std::vector<double> expected;
  for (std::size_t i = 0; i < hours; ++i) {
    const std::size_t hour = history.size() + i;
    const double daily = seasonal_mean(history, hour, 24);
    const double weekly = seasonal_mean(history, hour, 7 * 24);
    expected.push_back(weekly < 0 ? daily : (daily + weekly) / 2);
  }
  return expected;
}

}  // namespace windtunnel
