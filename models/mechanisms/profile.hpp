// Laws of load: rates over time that begin at 0. Multiplied with each other and with recorded rates
// (mechanisms/rates) they make what no trace has.
#pragma once

#include <memory>
#include <vector>

#include "models/mechanisms/rates.hpp"

namespace windtunnel {

// Rates are per second.
std::unique_ptr<Rates> constant_rate(double rate);

// From one rate to another in a straight line; the second then holds.
std::unique_ptr<Rates> ramp(double from, double to, sim::Duration over);

struct Step {
  double rate = 0;
  sim::Duration lasting{0};
};
// One after another; the last one holds, or all begin again.
std::unique_ptr<Rates> steps(std::vector<Step> steps, bool repeated);

struct RatePoint {
  sim::Duration at{0};
  double rate = 0;
};
// Straight lines from point to point (dates rising, at least one); before the first and after the
// last the rate is theirs. All begins again after `every`.
std::unique_ptr<Rates> lines(std::vector<RatePoint> points, sim::Duration every);

// mean x (1 + (peak_to_mean - 1) x cos(2 pi (time of day - peak_at) / 24 h)), in minutes, each with
// its exact integral. `starts_at` is the time of day at 0.
std::unique_ptr<Rates> diurnal(double mean, double peak_to_mean, sim::Duration peak_at,
                               sim::Duration starts_at);

// mean x a factor of the day (Monday first) x a factor of the hour, each list scaled to a mean
// of 1.
std::unique_ptr<Rates> weekly(double mean, std::vector<double> days, std::vector<double> hours,
                              sim::Duration starts_at);

struct FlashCrowd {
  double base = 0, peak = 0;
  sim::Duration at{0}, rise{0}, hold{0};
  sim::Duration half_life{0};  // of what is above the base, when it falls
};
std::unique_ptr<Rates> flash_crowd(const FlashCrowd& crowd);

struct MarkovState {
  double rate = 0;
  sim::Duration stay{0};  // mean of an exponential
};
// Goes round its states; the first is drawn by the shares of time that they have.
std::unique_ptr<Rates> markov_modulated(std::vector<MarkovState> states, sim::Stream chance);

}  // namespace windtunnel
