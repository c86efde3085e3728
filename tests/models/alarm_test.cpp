#include "models/mechanisms/alarm.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/metric_feed.hpp"
#include "tests/support/scripted.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Time;
using test::AlarmRun;
using test::MetricFeed;
using testing::ElementsAre;

AlarmSettings above_fifty(std::uint32_t m, std::uint32_t n, Duration period = 1min) {
  return {.name = {},
          .metrics = {},
          .expression = {},
          .period = period,
          .threshold = 50,
          .evaluation_periods = n,
          .datapoints_to_alarm = m};
}

// `low` values, then `high` ones to the end.
MetricFeed::Values step(std::size_t low, std::size_t high) {
  MetricFeed::Values values(low, 10.0);
  values.insert(values.end(), high, 90.0);
  return values;
}

// When and what -----------------------------------------------------------------------------------

TEST(Alarm, ThreeOfThreeGoesToAlarmWithinAMinuteOfTheThirdBreachingDatapoint) {
  AlarmRun run(step(5, 100), above_fifty(3, 3));
  run.sim.run();
  const auto alarm = run.diary.first(AlarmState::alarm);
  ASSERT_TRUE(alarm);
  EXPECT_GE(*alarm, run.end_of(7));
  EXPECT_LE(*alarm, run.end_of(7) + 1min);
}

TEST(Alarm, ThreeOfThreeGoesBackWithTheFirstDatapointInBounds) {
  MetricFeed::Values values = step(5, 4);
  values.insert(values.end(), 50, 10.0);
  AlarmRun run(values, above_fifty(3, 3));
  run.sim.run();
  ASSERT_EQ(run.diary.states.size(), 3u);
  EXPECT_EQ(run.diary.states[2].state, AlarmState::ok);
  EXPECT_GE(run.diary.states[2].at, run.end_of(9));
  EXPECT_LE(run.diary.states[2].at, run.end_of(9) + 1min);
}

TEST(Alarm, FifteenOfFifteenNeedsThemAllInARow) {
  MetricFeed::Values values = step(3, 14);
  values.push_back(10);
  values.insert(values.end(), 15, 90.0);
  AlarmRun run(values, above_fifty(15, 15));
  run.feed.beyond = 10;
  run.sim.run();
  const auto alarm = run.diary.first(AlarmState::alarm);
  ASSERT_TRUE(alarm);
  EXPECT_GE(*alarm, run.end_of(3 + 14 + 15));
  EXPECT_LE(*alarm, run.end_of(3 + 14 + 15) + 1min);
}

TEST(Alarm, MOfNNeedNotBeConsecutive) {
  AlarmRun run({10, 10, 10, 90, 10, 90, 10, 10, 90, 10, 90, 90}, above_fifty(3, 5));
  run.feed.beyond = 10;
  run.sim.run();
  const auto alarm = run.diary.first(AlarmState::alarm);
  ASSERT_TRUE(alarm);
  EXPECT_GE(*alarm, run.end_of(11));
}

struct Compared {
  Comparison comparison;
  bool below, at, above;  // the threshold: breaching?
};
class Comparisons : public testing::TestWithParam<Compared> {};
TEST_P(Comparisons, BreachOnTheirSideOfTheThreshold) {
  for (const double value : {49.0, 50.0, 51.0}) {
    AlarmSettings settings = above_fifty(1, 1);
    settings.comparison = GetParam().comparison;
    AlarmRun run(MetricFeed::Values(10, value), settings, 9min);
    run.sim.run();
    const bool breaches = value < 50    ? GetParam().below
                          : value == 50 ? GetParam().at
                                        : GetParam().above;
    EXPECT_EQ(run.alarm.state(), breaches ? AlarmState::alarm : AlarmState::ok) << value;
  }
}
INSTANTIATE_TEST_SUITE_P(
    All, Comparisons,
    testing::Values(Compared{Comparison::greater_than, false, false, true},
                    Compared{Comparison::greater_than_or_equal, false, true, true},
                    Compared{Comparison::less_than, true, false, false},
                    Compared{Comparison::less_than_or_equal, true, true, false}));

TEST(Alarm, ThePublishDelayIsPartOfTheLag) {
  AlarmRun run(step(5, 100), above_fifty(3, 3), 1h, 1min, sim::Distribution::constant(100s));
  run.sim.run();
  const auto alarm = run.diary.first(AlarmState::alarm);
  ASSERT_TRUE(alarm);
  EXPECT_GE(*alarm, run.end_of(7) + 100s);
  EXPECT_LE(*alarm, run.end_of(7) + 160s);
}

// Rule 17.
TEST(Alarm, BasicMonitoringMakesScaleOutFifteenMinutesAndScaleInSeventyFive) {
  for (const auto& [n, least] : {std::pair{3u, 15min}, std::pair{15u, 75min}}) {
    AlarmRun run(step(4, 100), above_fifty(n, n, 5min), 3h, 5min);
    run.sim.run();
    const auto alarm = run.diary.first(AlarmState::alarm);
    ASSERT_TRUE(alarm);
    const Time begin = run.end_of(3);  // the load rises at the start of a period
    EXPECT_GE(*alarm - begin, least);
    EXPECT_LE(*alarm - begin, least + 1min);
  }
}

TEST(Alarm, APeriodOfFiveMinutesIsEvaluatedEveryMinuteOnTheLastFive) {
  // The mean of five minutes passes 50 with the third high one: (2 x 10 + 3 x 90) / 5 = 58.
  for (int low = 5; low < 10; ++low) {
    AlarmRun run(step(static_cast<std::size_t>(low), 100), above_fifty(1, 1, 5min));
    run.sim.run();
    const auto alarm = run.diary.first(AlarmState::alarm);
    ASSERT_TRUE(alarm);
    EXPECT_GE(*alarm, run.end_of(low + 2));
    EXPECT_LE(*alarm, run.end_of(low + 2) + 1min);
  }
}

TEST(Alarm, AHighResolutionAlarmIsEvaluatedEveryTenSeconds) {
  for (const Duration period : {10s, 20s, 30s}) {
    AlarmRun run(step(60, 1000), above_fifty(3, 3, period), 20min, 10s);
    run.sim.run();
    const auto alarm = run.diary.first(AlarmState::alarm);
    ASSERT_TRUE(alarm);
    // Windows slide by the metric's 10 s; the mean of a window breaches with its last half high.
    const Duration needed = 2 * period + (period == 10s ? 10s : period == 20s ? 20s : 20s);
    EXPECT_GE(*alarm, run.end_of(59) + needed) << sim::seconds(period);
    EXPECT_LE(*alarm, run.end_of(59) + needed + 10s) << sim::seconds(period);
  }
}

TEST(Alarm, AWindowBeyondADayIsEvaluatedHourly) {
  AlarmRun run(MetricFeed::Values(200, 10.0), above_fifty(3, 30, 1h), 80h, 1h);
  for (int k = 40; k < 48; ++k) run.feed.values[static_cast<std::size_t>(k)] = 90;
  run.sim.run();
  const auto alarm = run.diary.first(AlarmState::alarm);
  ASSERT_TRUE(alarm);
  EXPECT_GE(*alarm, run.end_of(42));
  EXPECT_LE(*alarm, run.end_of(42) + 1h);
  EXPECT_LT(run.sim.events_handled(), 80u + 80 * 60 + 10);
}

TEST(Alarm, EachAlarmIsEvaluatedAtAMomentOfItsOwn) {
  double mean = 0;
  Duration least = 1min, largest = 0s;
  for (std::uint64_t replication = 1; replication <= 200; ++replication) {
    AlarmRun run(step(5, 100), above_fifty(3, 3), 15min, 1min, {}, replication);
    run.sim.run();
    const Duration wait = *run.diary.first(AlarmState::alarm) - run.end_of(7);
    mean += sim::seconds(wait) / 200;
    least = std::min(least, wait);
    largest = std::max(largest, wait);
  }
  EXPECT_NEAR(mean, 30, 4 * 17.3 / std::sqrt(200));  // uniform over 60 s: deviation 17.3 s
  EXPECT_LT(least, 2s);
  EXPECT_GT(largest, 58s);
}

// Actions
// -------------------------------------------------------------------------------------------

// Rule 9.
TEST(Alarm, AutoScalingActionsRepeatEverySixtySecondsWhileInAlarmOtherActionsFireOnlyOnTransition) {
  MetricFeed::Values values = step(5, 10);
  values.insert(values.end(), 40, 10.0);
  AlarmRun run(values, above_fifty(3, 3));
  run.sim.run();
  const Time alarm = *run.diary.first(AlarmState::alarm);
  ASSERT_EQ(run.diary.states.size(), 3u);  // OK, ALARM, OK
  std::vector<Duration> since;
  for (const Time action : run.diary.actions) since.push_back(action - alarm);
  EXPECT_THAT(since, ElementsAre(0min, 1min, 2min, 3min, 4min, 5min, 6min, 7min));
}

TEST(Alarm, AHighResolutionAlarmTooRepeatsItsActionOnceAMinute) {
  AlarmRun run(MetricFeed::Values(500, 90.0), above_fifty(1, 1, 10s), 10min, 10s);
  run.sim.run();
  ASSERT_GE(run.diary.actions.size(), 9u);
  for (std::size_t i = 1; i < run.diary.actions.size(); ++i) {
    EXPECT_EQ(run.diary.actions[i] - run.diary.actions[i - 1], 1min);
  }
}

TEST(Alarm, RepeatsItsActionWhileMissingDataKeepItInAlarm) {
  AlarmSettings settings = above_fifty(1, 1);
  settings.missing_data = MissingData::ignore;
  AlarmRun run({90.0}, settings, 30min);
  run.sim.run();
  EXPECT_EQ(run.diary.states.size(), 1u);
  EXPECT_GE(run.diary.actions.size(), 28u);
}

TEST(Alarm, EveryListenerHears) {
  AlarmRun run(step(5, 100), above_fifty(3, 3));
  test::AlarmDiary second;
  run.alarm.add_listener(second);
  run.sim.run();
  EXPECT_EQ(second.states, run.diary.states);
  EXPECT_EQ(second.actions, run.diary.actions);
}

// What it says
// ----------------------------------------------------------------------------------------

TEST(Alarm, ItsEvidenceIsTheNewestNDatapointsAndWhenTheFirstBreachCouldBeRead) {
  AlarmRun run({10, 10, 60, 70, 80, 90}, above_fifty(3, 3), 1h, 1min,
               sim::Distribution::constant(20s));
  run.feed.beyond = 90;
  run.sim.run();
  ASSERT_GE(run.diary.evidence.size(), 2u);
  const AlarmEvidence& evidence = run.diary.evidence[1];
  std::vector<double> values;
  for (const auto& datapoint : evidence.datapoints) values.push_back(datapoint.value);
  EXPECT_THAT(values, ElementsAre(60, 70, 80));
  EXPECT_EQ(evidence.first_breaching_readable, run.end_of(2) + 20s);
}

std::vector<std::string> notes_of(sim::Simulation& sim) {
  std::vector<std::string> notes;
  for (const auto& event : sim.log().events) {
    EXPECT_EQ(event.component, "(cloudwatch)");
    EXPECT_EQ(event.milestone, sim::Milestone::none);
    notes.push_back(event.text);
  }
  return notes;
}

std::string clock(Time date) {
  const auto s = std::chrono::floor<std::chrono::seconds>(date.time_since_epoch()).count();
  return fmt::format("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

TEST(Alarm, EveryTransitionIsNotedInAwssWords) {
  AlarmRun run({10, 10, 10, 80, 85.5, 90, 10}, above_fifty(3, 3), 15min);
  run.sim.run();
  const auto notes = notes_of(run.sim);
  ASSERT_EQ(notes.size(), 4u);
  EXPECT_EQ(notes[1],
            fmt::format("Alarm \"high\" updated from OK to ALARM: Threshold Crossed: 3 out of the "
                        "last 3 datapoints [80.0 ({}), 85.5 ({}), 90.0 ({})] were greater than the "
                        "threshold (50.0) (minimum 3 datapoints for OK -> ALARM transition).",
                        clock(run.end_of(2)), clock(run.end_of(3)), clock(run.end_of(4))));
  EXPECT_EQ(notes[2],
            fmt::format("Alarm \"high\" updated from ALARM to OK: Threshold Crossed: 1 out of the "
                        "last 3 datapoints [10.0 ({})] was not greater than the threshold (50.0) "
                        "(minimum 1 datapoint for ALARM -> OK transition).",
                        clock(run.end_of(5))));
  EXPECT_EQ(notes[3],
            "Alarm \"high\" updated from OK to INSUFFICIENT_DATA: Insufficient Data: 3 datapoints "
            "were unknown.");
}

TEST(Alarm, ANoteSaysHowMissingDataWereTreated) {
  AlarmSettings settings = above_fifty(3, 3);
  settings.missing_data = MissingData::breaching;
  AlarmRun run({10, 10, 10}, settings, 15min);
  run.sim.run();
  const auto notes = notes_of(run.sim);
  ASSERT_FALSE(notes.empty());
  EXPECT_THAT(
      notes.back(),
      testing::EndsWith("Threshold Crossed: no datapoints were received for 3 periods and 3 "
                        "missing datapoints were treated as [Breaching] (minimum 3 "
                        "datapoints for OK -> ALARM transition)."));
}

// Percentiles of few samples
// ----------------------------------------------------------------------------

AlarmState state_with_samples(double samples, double percentile, bool ignore) {
  sim::Simulation sim({.horizon = 10min});
  CloudWatch& cloudwatch = CloudWatch::of(sim);
  MetricFeed& feed = test::add_feed(sim, MetricFeed::Values(20, 90.0));
  feed.samples = samples;
  AlarmSettings settings = above_fifty(1, 1);
  settings.name = "p";
  settings.metrics = {
      {.id = "m1",
       .metric = feed.metric,
       .statistic = {.kind = Statistic::Kind::percentile, .percentile = percentile}}};
  settings.ignore_low_samples = ignore;
  const Alarm& alarm = cloudwatch.put_alarm(settings, nullptr);
  sim.run();
  return alarm.state();
}

TEST(Alarm, APercentileOfFewSamplesIsEvaluatedUnlessTheyAreIgnored) {
  EXPECT_EQ(state_with_samples(999, 99, false), AlarmState::alarm);
  EXPECT_EQ(state_with_samples(999, 99, true), AlarmState::insufficient_data);
  EXPECT_EQ(state_with_samples(1001, 99, true), AlarmState::alarm);  // 10 / (1 - 0.99) = 1,000
  EXPECT_EQ(state_with_samples(99, 10, true), AlarmState::insufficient_data);
  EXPECT_EQ(state_with_samples(101, 10, true), AlarmState::alarm);  // 10 / 0.1 = 100
}

// Expressions
// -------------------------------------------------------------------------------------------

struct Expressed {
  Expressed(MetricFeed::Values a, MetricFeed::Values b, const std::string& expression,
            MissingData treatment = MissingData::missing) {
    MetricFeed& first = test::add_feed(sim, std::move(a), "a");
    MetricFeed& second = test::add_feed(sim, std::move(b), "b");
    AlarmSettings settings = above_fifty(1, 1);
    settings.name = "math";
    settings.metrics = {{.id = "m1", .metric = first.metric, .statistic = {}},
                        {.id = "m2", .metric = second.metric, .statistic = {}}};
    settings.expression = expression;
    settings.missing_data = treatment;
    alarm = &cloudwatch.put_alarm(settings, &diary);
    sim.run();
  }
  sim::Simulation sim{{.horizon = 10min}};
  CloudWatch& cloudwatch = CloudWatch::of(sim);
  test::AlarmDiary diary;
  Alarm* alarm = nullptr;
};

TEST(Alarm, AnExpressionIsTakenPeriodByPeriod) {
  const MetricFeed::Values falling{500, 500, 500, 100, 100, 100, 100, 100, 100, 100},
      fives(10, 5.0);
  const Expressed run(falling, fives, "m1 / m2");
  ASSERT_EQ(run.diary.states.size(), 2u);
  EXPECT_EQ(run.diary.states[0].state, AlarmState::alarm);  // 100
  EXPECT_EQ(run.diary.states[1].state, AlarmState::ok);     // 20
}

TEST(Alarm, AnExpressionWithoutItsMetricsIsMissing) {
  const Expressed run({}, {}, "m1 + m2");
  EXPECT_EQ(run.alarm->state(), AlarmState::insufficient_data);
  EXPECT_TRUE(run.diary.states.empty());
}

TEST(Alarm, FilledPeriodsAreDatapoints) {
  const Expressed run({}, {}, "FILL(m1, 70)");
  EXPECT_EQ(run.alarm->state(), AlarmState::alarm);
}

}  // namespace
}  // namespace windtunnel
