// Metrics whose values a test writes down, and a listener that remembers what an alarm said.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/mechanisms/alarm.hpp"
#include "models/mechanisms/cloudwatch.hpp"

namespace windtunnel::test {

// Publishes one metric, "Load". The k-th period of the run, from 0, has the k-th value; the run
// begins within period 0.
class MetricFeed final : public sim::Component, public MetricPublisher {
 public:
  using Values = std::vector<std::optional<double>>;

  MetricFeed(sim::Simulation& sim, Values given, std::string name = "web",
             sim::Duration period = std::chrono::minutes(1), sim::Distribution delay = {})
      : Component(sim, std::move(name)), values(std::move(given)) {
    metric = CloudWatch::of(sim).publish({.component = this->name(),
                                          .space = "Custom",
                                          .name = "Load",
                                          .dimensions = {{"Service", this->name()}},
                                          .period = period,
                                          .delay = delay},
                                         *this);
  }

  void collect(std::uint32_t, sim::Time from, sim::Time to, StatisticSet& out) override {
    asked.emplace_back(from, to);
    const std::size_t k = asked.size() - 1;
    const auto value = k < values.size() ? values[k] : beyond;
    if (value) out.add(*value, samples);
  }

  Values values;
  std::optional<double> beyond;  // after the last of the values
  double samples = 1;            // each value stands for so many
  MetricIndex metric = 0;
  std::vector<std::pair<sim::Time, sim::Time>> asked;  // from, to
};

template <typename... Arguments>
MetricFeed& add_feed(sim::Simulation& sim, Arguments&&... arguments) {
  return static_cast<MetricFeed&>(
      sim.add(std::make_unique<MetricFeed>(sim, std::forward<Arguments>(arguments)...)));
}

class AlarmDiary final : public AlarmListener {
 public:
  struct Entry {
    sim::Time at;
    AlarmState state;
    bool operator==(const Entry&) const = default;
  };
  void on_alarm_state(Alarm& alarm, AlarmState) override {
    states.push_back({alarm.sim().now(), alarm.state()});
    evidence.push_back(alarm.evidence());
  }
  void on_alarm_action(Alarm& alarm) override { actions.push_back(alarm.sim().now()); }

  // When it first went to a state.
  std::optional<sim::Time> first(AlarmState state) const {
    for (const Entry& entry : states) {
      if (entry.state == state) return entry.at;
    }
    return std::nullopt;
  }

  std::vector<Entry> states;
  std::vector<AlarmEvidence> evidence;  // at each change
  std::vector<sim::Time> actions;
};

// A run with one alarm on one feed: what most tests of alarms need.
struct AlarmRun {
  explicit AlarmRun(MetricFeed::Values values, AlarmSettings settings = {},
                    sim::Duration horizon = std::chrono::hours(1),
                    sim::Duration period = std::chrono::minutes(1), sim::Distribution delay = {},
                    std::uint64_t replication = 1)
      : sim({.seed = 1, .replication = replication, .horizon = horizon}),
        cloudwatch(CloudWatch::of(sim)),
        feed(add_feed(sim, std::move(values), "web", period, delay)),
        alarm(put(std::move(settings))) {}

  // When the k-th period ends.
  sim::Time end_of(int k) const {
    const auto period = cloudwatch.publication(feed.metric).period;
    return cloudwatch.start_of_period(sim::time_zero, period) + period * (k + 1);
  }

  sim::Simulation sim;
  CloudWatch& cloudwatch;
  MetricFeed& feed;
  AlarmDiary diary;
  Alarm& alarm;

 private:
  Alarm& put(AlarmSettings settings) {
    settings.name = "high";
    settings.metrics = {{.id = "m1", .metric = feed.metric, .statistic = statistic}};
    return cloudwatch.put_alarm(std::move(settings), &diary);
  }
  static constexpr Statistic statistic{};
};

}  // namespace windtunnel::test
