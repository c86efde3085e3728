// How many datapoints an M-out-of-N alarm takes when each breaches with probability p: points T206,
// T207, T209 of the theory table (group R). Measured on the alarm itself, one trial after the
// other.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "models/mechanisms/alarm.hpp"
#include "tests/theory/point.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using theory::Point;

struct Params {
  std::uint32_t m, n;
  double p;
};

// The chain of the last N - 1 datapoints, from none breaching: mean number of datapoints until M of
// the last N breach.
double expected_datapoints(const Params& params) {
  const std::uint32_t states = 1u << (params.n - 1);
  const auto breaching = [](std::uint32_t bits) {
    return static_cast<std::uint32_t>(std::popcount(bits));
  };
  std::vector<double> mean(states, 0);
  double change = 1;
  while (change > 1e-10) {
    change = 0;
    for (std::uint32_t state = 0; state < states; ++state) {
      const std::uint32_t in_bounds = (state << 1) & (states - 1), breach = in_bounds | 1u;
      const bool alarm = breaching(state) + 1 >= params.m;
      const double value =
          1 + (1 - params.p) * mean[in_bounds] + (alarm ? 0 : params.p * mean[breach]);
      change = std::max(change, value - mean[state]);
      mean[state] = value;
    }
  }
  return mean[0];
}

// A metric of one trial after the other: it breaches by chance until the alarm rings, then not for
// as long as the alarm looks back.
class Trials final : public sim::Component, public MetricPublisher, public AlarmListener {
 public:
  Trials(sim::Simulation& sim, const Params& params)
      : Component(sim, "trials"), params_(params), chance_(stream("breaches")) {
    CloudWatch& cloudwatch = CloudWatch::of(sim);
    const MetricIndex metric = cloudwatch.publish(
        {.component = name(), .space = "Custom", .name = "Load", .dimensions = {}, .delay = {}},
        *this);
    AlarmSettings alarm;
    alarm.name = "trials";
    alarm.metrics = {{.id = "m1", .metric = metric, .statistic = {}}};
    alarm.threshold = 0.5;
    alarm.evaluation_periods = params.n;
    alarm.datapoints_to_alarm = params.m;
    AlarmListener& listener = *this;
    cloudwatch.put_alarm(alarm, &listener);
  }

  void collect(std::uint32_t, sim::Time, sim::Time, StatisticSet& out) override {
    if (resting_ > 0) {
      --resting_;
      return out.add(0);
    }
    ++datapoints_;
    out.add(chance_.chance(params_.p) ? 1 : 0);
  }
  void on_alarm_state(Alarm& alarm, AlarmState) override {
    if (alarm.state() != AlarmState::alarm) return;
    ++trials_;
    resting_ = params_.n + 1;
    counted_ = datapoints_;
  }
  void on_alarm_action(Alarm&) override {}

  double mean() const { return static_cast<double>(counted_) / trials_; }

 private:
  const Params params_;
  sim::Stream chance_;
  std::uint32_t resting_ = 0;
  std::uint64_t datapoints_ = 0, counted_ = 0;
  int trials_ = 0;
};

Point point(const std::string& id, const Params& params, double tabulated, int trials,
            double half_width) {
  const double formula = expected_datapoints(params);
  const double minutes = test::scaled(trials) * (formula + params.n + 1);
  return {.id = id,
          .what = fmt::format("{} of {} datapoints, p = {}", params.m, params.n, params.p),
          .formula = formula,
          .tabulated = tabulated,
          .simulate =
              [params, minutes](std::uint64_t replication) {
                sim::Simulation sim({.seed = 1,
                                     .replication = replication,
                                     .horizon = sim::from_seconds(60 * minutes)});
                auto& trials = static_cast<Trials&>(sim.add(std::make_unique<Trials>(sim, params)));
                sim.run();
                return trials.mean();
              },
          .half_width = half_width};
}

class AlarmTheory : public testing::TestWithParam<Point> {};
TEST_P(AlarmTheory, DatapointsToAlarm) { theory::check(GetParam()); }

// T207 and T209 are as wide as their mean: 0.5 % would take 150,000 trials and some seconds each.
INSTANTIATE_TEST_SUITE_P(MOutOfN, AlarmTheory,
                         testing::Values(point("T206", {3, 5, 0.5}, 7.26769, 5000, 0.005),
                                         point("T207", {3, 5, 0.2}, 44.0337, 2500, 0.01),
                                         point("T209", {15, 15, 0.9}, 38.5694, 2000, 0.01)),
                         theory::id_of);

}  // namespace
}  // namespace windtunnel
