#include "models/mechanisms/predictive_scaling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/mechanisms/scaling_metrics.hpp"
#include "models/mechanisms/scaling_policies.pb.h"
#include "models/mechanisms/settings.hpp"
#include "models/mechanisms/target_tracking.hpp"

namespace windtunnel {

namespace {

constexpr sim::Duration hour_length{std::chrono::hours(1)};
constexpr sim::Duration data_delay{std::chrono::minutes(5)};
constexpr std::int64_t refresh_hours = 6;

sim::Time start_of(std::int64_t hour) { return sim::time_zero + hour * hour_length; }

}  // namespace

void ForecastError::record(double forecast, double actual) {
  if (actual <= 0) return;
  const double percent = 100 * std::abs(forecast - actual) / actual;
  sum_ += percent;
  worst_ = std::max(worst_, percent);
  ++hours_;
}

std::vector<std::pair<std::string, double>> ForecastError::summary(sim::Time) const {
  return {{"mean", mean()}, {"max", worst_}, {"hours", static_cast<double>(hours_)}};
}

void ForecastError::restart(sim::Time) {
  sum_ = worst_ = 0;
  hours_ = 0;
}

PredictiveScaling::PredictiveScaling(ScalingPolicies& policies, sim::MetricSet& metrics,
                                     std::string name, const settings::PredictiveScaling& settings)
    : Entity(policies, "predictive scaling"),
      policies_(policies),
      name_(std::move(name)),
      target_(settings.target_value()),
      max_buffer_(static_cast<double>(settings.max_capacity_buffer()) / 100),
      buffer_(to_duration(settings.scheduling_buffer_time())),
      history_(settings.hourly_history().begin(), settings.hourly_history().end()),
      metric_(metrics) {
  scales_ = settings.mode() == settings::PredictiveScaling::ForecastAndScale;
  raises_max_ =
      settings.max_capacity_breach_behavior() == settings::PredictiveScaling::IncreaseMaxCapacity;
  const auto& pair = settings.predefined_metric_pair();
  cpu_ = settings.has_predefined_metric_pair() &&
         pair.type() == settings::PredictiveScaling::ASGCPUUtilization;
  labelled_ = !cpu_;
  label_ = settings.has_predefined_metric_pair() ? pair.resource_label()
                                                 : settings.customized_load_metric().component();
  metric_name_ = cpu_ ? "CPUUtilization"
                 : settings.has_predefined_metric_pair()
                     ? "RequestCount"
                     : settings.customized_load_metric().metric_name();
}

void PredictiveScaling::attach(CloudWatch& cloudwatch, const std::string& component) {
  cloudwatch_ = &cloudwatch;
  load_metric_ = labelled_metric(cloudwatch, labelled_ ? label_ : component, metric_name_);
  cloudwatch.watch(load_metric_, hour_length + 2 * data_delay);
}

void PredictiveScaling::start() {
  make_forecast(0);
  on_buffer(0);
  on_hour(0);
}

// CPUUtilization has a sample for each instance and period, so that its sum is the group's total;
// counts are taken for a minute, as target values are.
double PredictiveScaling::load_of_hour(std::int64_t hour) const {
  const sim::Duration resolution = cloudwatch_->publication(load_metric_).period;
  const sim::Duration unit = cpu_ ? resolution : sim::Duration(std::chrono::minutes(1));
  const sim::Time end = cloudwatch_->start_of_period(start_of(hour + 1), resolution);
  const auto sums =
      cloudwatch_->read_until(load_metric_, {.kind = Statistic::Kind::sum}, hour_length, 1, end);
  return sums.empty() ? 0 : sums.back().value * sim::seconds(unit) / sim::seconds(hour_length);
}

std::optional<double> PredictiveScaling::load_forecast(std::int64_t hour) const {
  const std::int64_t ahead = hour - forecast_from_;
  if (ahead < 0 || ahead >= static_cast<std::int64_t>(forecast_.size())) return std::nullopt;
  return forecast_[static_cast<std::size_t>(ahead)];
}

std::int64_t PredictiveScaling::capacity_for(std::int64_t hour) const {
  const auto load = load_forecast(hour);
  return load ? proportional_capacity(1, *load, target_) : 0;
}

void PredictiveScaling::make_forecast(std::int64_t first_hour) {
  forecast_ = forecast(history_);
  forecast_from_ = first_hour;
}

// An hour begins: what is forecast for it stands in the metrics.
void PredictiveScaling::on_hour(std::uint64_t number) {
  const auto hour = static_cast<std::int64_t>(number);
  metric_.load.set(sim().now(), std::llround(load_forecast(hour).value_or(0)));
  metric_.capacity.set(sim().now(), capacity_for(hour));
  sim().at<&PredictiveScaling::on_buffer>(start_of(hour + 1) - buffer_, this, hour + 1,
                                          sim::Turn::control);
  sim().at<&PredictiveScaling::on_history>(start_of(hour + 1) + data_delay, this, hour,
                                           sim::Turn::control);
  sim().at<&PredictiveScaling::on_hour>(start_of(hour + 1), this, hour + 1, sim::Turn::control);
}

// The buffer before an hour begins.
void PredictiveScaling::on_buffer(std::uint64_t hour) {
  if (!scales_) return;
  const std::int64_t capacity = capacity_for(static_cast<std::int64_t>(hour));
  if (capacity > 0) policies_.forecast_capacity(name_, capacity, raises_max_, max_buffer_);
}

// The metrics of an hour that is over can be read.
void PredictiveScaling::on_history(std::uint64_t number) {
  const auto hour = static_cast<std::int64_t>(number);
  const double load = load_of_hour(hour);
  if (const auto expected = load_forecast(hour)) metric_.error.record(*expected, load);
  history_.push_back(load);
  if (history_.size() > forecast_most_history) history_.erase(history_.begin());
  const bool first = forecast_.empty() && history_.size() >= forecast_least_history;
  if (first || (hour + 1) % refresh_hours == 0) make_forecast(hour + 1);
}

std::int64_t PredictiveScaling::least_capacity() const {
  if (!scales_) return 0;
  const sim::Time now = sim().now();
  const auto hour_at = [](sim::Time date) { return (date - sim::time_zero) / hour_length; };
  return std::max(capacity_for(hour_at(now)), capacity_for(hour_at(now + buffer_)));
}

}  // namespace windtunnel
