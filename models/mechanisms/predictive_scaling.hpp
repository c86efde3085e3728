// Predictive scaling: a forecast of the load for each hour of the next two days, made anew every
// six hours from the history of up to 14 days (forecast.hpp: the algorithm is ours), and a capacity
// for it, asked for shortly before the hour. It never scales in; while an hour's capacity is in
// force dynamic policies do not scale below it, because of several policies the largest capacity
// wins.
//
// Hours count from the start of the run. The load of an hour is read five minutes after its end.
// Left out: the scaling metric of a pair (AWS learns from it how capacity follows load; ours is
// proportional), custom capacity metrics, hours without data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/forecast.hpp"
#include "models/mechanisms/scaling_policies.hpp"

namespace windtunnel {

namespace settings {
class PredictiveScaling;
}

// How far forecasts were off: |forecast - actual| / actual in percent, of hours with load.
class ForecastError final : public sim::Metric {
 public:
  explicit ForecastError(sim::MetricSet& set)
      : Metric(set, "PredictiveScalingForecastError", "Percent",
               "the hourly load forecast against the load that came, absolute") {}
  void record(double forecast, double actual);

  std::vector<std::pair<std::string, double>> summary(sim::Time now) const override;
  void restart(sim::Time) override;
  double reading() const override { return mean(); }

 private:
  double mean() const { return hours_ > 0 ? sum_ / static_cast<double>(hours_) : 0; }
  double sum_ = 0, worst_ = 0;
  std::uint64_t hours_ = 0;
};

class PredictiveScaling final : public sim::Entity {
 public:
  PredictiveScaling(ScalingPolicies& policies, sim::MetricSet& metrics, std::string name,
                    const settings::PredictiveScaling& settings);
  void attach(CloudWatch& cloudwatch, const std::string& component);
  void start();

  // The least capacity it wants now: 0 where it does not scale.
  std::int64_t least_capacity() const;
  // Forecast load of an hour of the run; nothing: there is none.
  std::optional<double> load_forecast(std::int64_t hour) const;

 private:
  struct Metrics {
    explicit Metrics(sim::MetricSet& set)
        : load(set, "PredictiveScalingLoadForecast", "None",
               "load forecast for this hour, a minute"),
          capacity(set, "PredictiveScalingCapacityForecast", "Count", "capacity for that load"),
          error(set) {}
    sim::Level load, capacity;
    ForecastError error;
  };

  void on_hour(std::uint64_t hour);
  void on_buffer(std::uint64_t hour);
  void on_history(std::uint64_t hour);
  void make_forecast(std::int64_t first_hour);
  std::int64_t capacity_for(std::int64_t hour) const;
  double load_of_hour(std::int64_t hour) const;

  ScalingPolicies& policies_;
  CloudWatch* cloudwatch_ = nullptr;
  std::string name_, label_, metric_name_;
  bool labelled_, cpu_, scales_, raises_max_;
  double target_, max_buffer_;
  sim::Duration buffer_;
  MetricIndex load_metric_ = 0;
  std::vector<double> history_;   // newest last
  std::vector<double> forecast_;  // from forecast_from_ on
  std::int64_t forecast_from_ = 0;
  Metrics metric_;
};

}  // namespace windtunnel
