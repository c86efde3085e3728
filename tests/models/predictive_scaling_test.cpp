#include "models/mechanisms/predictive_scaling.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/models/scaling_world.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using test::metric_value;
using test::ScalingWorld;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Forecast, NeedsADayOfHistory) {
  EXPECT_THAT(forecast(std::vector<double>(23, 5)), IsEmpty());
  EXPECT_THAT(forecast(std::vector<double>(24, 5)), testing::SizeIs(48));
}

TEST(Forecast, RepeatsADay) {
  std::vector<double> day(24);
  std::iota(day.begin(), day.end(), 0);
  const auto expected = forecast(day);
  for (std::size_t hour = 0; hour < 48; ++hour) EXPECT_EQ(expected[hour], day[hour % 24]);
}

TEST(Forecast, IsTheMeanOfTheSameHourOfThePastDays) {
  std::vector<double> history(48, 10);
  std::fill(history.begin() + 24, history.end(), 30);
  EXPECT_THAT(forecast(history), Each(20));
}

TEST(Forecast, GivesHalfItsWeightToTheSameWeekday) {
  // A week of working days with 70, but the first day, a Sunday, with 0; the next day is a Sunday.
  std::vector<double> history(7 * 24, 70);
  std::fill(history.begin(), history.begin() + 24, 0);
  const auto expected = forecast(history);
  EXPECT_DOUBLE_EQ(expected[0], 30);   // (0 + mean of 7 days, 60) / 2
  EXPECT_DOUBLE_EQ(expected[24], 65);  // Monday: (70 + 60) / 2
}

TEST(Forecast, ForgetsWhatIsOlderThanFourteenDays) {
  std::vector<double> history(15 * 24, 10);
  std::fill(history.begin(), history.begin() + 24, 1e6);
  EXPECT_THAT(forecast(history), Each(10));
}

TEST(ForecastError, IsTheMeanOfTheAbsoluteErrorsInPercent) {
  sim::MetricSet set;
  ForecastError error(set);
  error.record(110, 100);
  error.record(70, 100);
  error.record(5, 0);  // no load, no percentage
  EXPECT_THAT(error.summary({}), ElementsAre(testing::Pair("mean", testing::DoubleNear(20, 1e-9)),
                                             testing::Pair("max", testing::DoubleNear(30, 1e-9)),
                                             testing::Pair("hours", 2)));
}

// Total CPU of a day: 100 % for 12 hours, then 400 %. Two of them.
std::string history() {
  std::string hours;
  for (int hour = 0; hour < 48; ++hour) {
    hours += fmt::format("{}{}", hour > 0 ? ", " : "", hour % 24 < 12 ? 100 : 400);
  }
  return "[" + hours + "]";
}
std::string predictive(const std::string& more) {
  return "scaling_policies: [{name: forecast, predictive_scaling: {predefined_metric_pair: "
         "ASGCPUUtilization, target_value: 50, hourly_history: " +
         history() + ", " + more + "}}]";
}

TEST(PredictiveScaling, AsksForCapacityBeforeTheHourItIsFor) {
  ScalingWorld world(predictive("mode: ForecastAndScale"), {.desired = 2}, 20h);
  world.metric_is(10);
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(8));  // 400 / 50
  EXPECT_DOUBLE_EQ(world.decided(0), 12 * 3600 - 300);
  EXPECT_EQ(world.notes().front(),
            "a predictive scaling policy forecast changing the desired capacity from 2 to 8");
}

TEST(PredictiveScaling, HasASchedulingBuffer) {
  ScalingWorld world(predictive("mode: ForecastAndScale, scheduling_buffer_time: 20min"),
                     {.desired = 2}, 20h);
  world.metric_is(10);
  world.sim.run();
  EXPECT_DOUBLE_EQ(world.decided(0), 12 * 3600 - 1200);
}

TEST(PredictiveScaling, OnlyForecastsByDefault) {
  ScalingWorld world(predictive("scheduling_buffer_time: 300s"), {.desired = 2}, 20h);
  world.metric_is(10);
  world.sim.run();
  EXPECT_THAT(world.capacities(), IsEmpty());
  EXPECT_EQ(metric_value(world.group, "PredictiveScalingCapacityForecast", "max"), 8);
}

TEST(PredictiveScaling, NeverScalesIn) {
  ScalingWorld world(predictive("mode: ForecastAndScale"), {.desired = 20}, 30h);
  world.metric_is(10);
  world.sim.run();
  EXPECT_THAT(world.capacities(), IsEmpty());
}

TEST(PredictiveScaling, KeepsDynamicPoliciesFromGoingBelowTheForecast) {
  std::string both = predictive("mode: ForecastAndScale");
  both.pop_back();
  both +=
      ", {name: cpu50, target_tracking: {predefined_metric: ASGAverageCPUUtilization, "
      "target_value: 50}}]";
  ScalingWorld world(both, {.desired = 2}, 26h);
  world.metric_is(10);
  world.sim.run();
  ASSERT_GE(world.group.decisions.size(), 2u);
  EXPECT_EQ(world.group.decisions[0].to, 8);
  EXPECT_EQ(world.group.decisions[1].to, 2);  // the next day's first hour needs two
  EXPECT_GE(world.decided(1), 24 * 3600);
}

TEST(PredictiveScaling, HonorsTheMaximumUnlessItMayRaiseIt) {
  ScalingWorld honors(predictive("mode: ForecastAndScale"), {.desired = 2, .bounds = {1, 5}}, 20h);
  honors.metric_is(10);
  honors.sim.run();
  EXPECT_THAT(honors.capacities(), ElementsAre(5));
  EXPECT_EQ(honors.group.policies().bounds().max, 5);

  ScalingWorld raises(predictive("mode: ForecastAndScale, max_capacity_breach_behavior: "
                                 "IncreaseMaxCapacity, max_capacity_buffer: 10"),
                      {.desired = 2, .bounds = {1, 5}}, 20h);
  raises.metric_is(10);
  raises.sim.run();
  EXPECT_THAT(raises.capacities(), ElementsAre(8));
  EXPECT_EQ(raises.group.policies().bounds().max, 9);  // 8.8
}

// Without a past: a day is watched, then the next one is foreseen. The load is four instances' at
// 25 % in the first half of the day and at 75 % in the second.
TEST(PredictiveScaling, ForecastsFromWhatItHasSeenAndReportsItsError) {
  ScalingWorld world(
      "scaling_policies: [{name: forecast, predictive_scaling: {predefined_metric_pair: "
      "ASGCPUUtilization, target_value: 50, mode: ForecastAndScale}}]",
      {.desired = 4}, 48h);
  world.group.metric = [](sim::Time from) {
    return std::fmod(sim::seconds(from), 86400) < 43200 ? 25.0 : 75.0;
  };
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(6));  // 300 / 50
  EXPECT_DOUBLE_EQ(world.decided(0), 36 * 3600 - 300);
  // Hours 24 to 35 come as foreseen. From 36 on six instances at 75 % are 450, not 300: the policy
  // changed what it measures. Twelve hours of 33.3 % and 24 of 36 hours known.
  EXPECT_NEAR(metric_value(world.group, "PredictiveScalingForecastError", "max"), 33.3, 1);
  EXPECT_NEAR(metric_value(world.group, "PredictiveScalingForecastError", "hours"), 23, 1);
}

TEST(PredictiveScaling, TakesCountsByTheMinute) {
  ScalingWorld world(
      "scaling_policies: [{name: forecast, predictive_scaling: {customized_load_metric: "
      "{component: group, metric_name: Backlog, stat: Sum}, target_value: 100, mode: "
      "ForecastAndScale}}]",
      {.desired = 2}, 26h);
  world.group.backlog = [](sim::Time) { return 700.0; };
  world.sim.run();
  EXPECT_THAT(world.capacities(), ElementsAre(7));
}

}  // namespace
}  // namespace windtunnel
