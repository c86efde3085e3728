// What an alarm makes of missing data: the tables of the CloudWatch guide, "How alarm state is
// evaluated when data is missing", row by row, and the rules below them. X breaches, 0 does not, -
// is missing, the newest on the right.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/metric_feed.hpp"
#include "tests/support/scripted.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using test::AlarmRun;
using test::MetricFeed;

constexpr double threshold = 50;
constexpr AlarmState OK = AlarmState::ok, ALARM = AlarmState::alarm,
                     INSUFFICIENT_DATA = AlarmState::insufficient_data;

MetricFeed::Values values_of(const std::string& datapoints) {
  MetricFeed::Values values;
  for (const char c : datapoints) {
    if (c == ' ') continue;
    values.push_back(c == '-' ? std::nullopt : std::optional(c == 'X' ? 90.0 : 10.0));
  }
  return values;
}

AlarmSettings m_of_three(std::uint32_t m, MissingData treatment) {
  return {.name = {},
          .metrics = {},
          .expression = {},
          .threshold = threshold,
          .evaluation_periods = 3,
          .datapoints_to_alarm = m,
          .missing_data = treatment};
}

// State when the datapoints are the newest and before, when all but the last were.
struct States {
  AlarmState before, then;
};
States states_after(const std::string& datapoints, std::uint32_t m, MissingData treatment) {
  const auto values = values_of(datapoints);
  AlarmRun run(values, m_of_three(m, treatment));
  States states{};
  auto& script = test::add_script(run.sim);
  const int last = static_cast<int>(values.size()) - 1;
  script.at(run.end_of(last) - sim::time_zero, [&] { states.before = run.alarm.state(); });
  script.at(run.end_of(last + 1) - sim::time_zero, [&] { states.then = run.alarm.state(); });
  run.sim.run();
  return states;
}

struct Row {
  std::uint32_t m;
  std::string datapoints;
  std::optional<AlarmState> missing, ignore, breaching, not_breaching;  // none: retains the state

  friend void PrintTo(const Row& row, std::ostream* out) {
    *out << row.m << " of 3: " << row.datapoints;
  }
};
const std::optional<AlarmState> RETAIN;

class MissingDataTable : public testing::TestWithParam<Row> {};

TEST_P(MissingDataTable, HoldsForEveryTreatment) {
  const Row& row = GetParam();
  const auto expect = [&](MissingData treatment, std::optional<AlarmState> expected) {
    const States states = states_after(row.datapoints, row.m, treatment);
    EXPECT_STREQ(to_string(states.then), to_string(expected.value_or(states.before)))
        << "treatment " << static_cast<int>(treatment);
  };
  expect(MissingData::missing, row.missing);
  expect(MissingData::ignore, row.ignore);
  expect(MissingData::breaching, row.breaching);
  expect(MissingData::not_breaching, row.not_breaching);
}

INSTANTIATE_TEST_SUITE_P(ThreeOfThree, MissingDataTable,
                         testing::Values(Row{3, "0 - X - X", OK, OK, OK, OK},
                                         Row{3, "0 - - - -", OK, OK, OK, OK},
                                         Row{3, "- - - - -", INSUFFICIENT_DATA, RETAIN, ALARM, OK},
                                         Row{3, "0 X X - X", ALARM, ALARM, ALARM, ALARM},
                                         Row{3, "- - X - -", ALARM, RETAIN, ALARM, OK}));

INSTANTIATE_TEST_SUITE_P(TwoOfThree, MissingDataTable,
                         testing::Values(Row{2, "0 - X - X", ALARM, ALARM, ALARM, ALARM},
                                         Row{2, "0 0 X 0 X", ALARM, ALARM, ALARM, ALARM},
                                         Row{2, "0 - X - -", OK, OK, ALARM, OK},
                                         Row{2, "- - - - 0", OK, OK, ALARM, OK},
                                         Row{2, "- - - X -", ALARM, RETAIN, ALARM, OK}));

// "Avoiding premature transitions to alarm state", and the row of the guide's first edition.
INSTANTIATE_TEST_SUITE_P(ABreachTooYoung, MissingDataTable,
                         testing::Values(Row{3, "- - - - X", INSUFFICIENT_DATA, RETAIN, ALARM, OK},
                                         Row{3, "- - - X -", INSUFFICIENT_DATA, RETAIN, ALARM, OK},
                                         Row{3, "- - - X 0", OK, OK, OK, OK},
                                         Row{3, "- - X - 0", OK, OK, OK, OK}));

// The same states whatever the state before.
TEST(MissingData, RetainingKeepsAnAlarmInAlarm) {
  const States states = states_after("X X X - - - - -", 3, MissingData::ignore);
  EXPECT_EQ(states.before, ALARM);
  EXPECT_EQ(states.then, ALARM);
}

// Of the second row: "The next time this alarm is evaluated, if the data is still missing it will
// go to ALARM, as that non-breaching data point will no longer be in the evaluation range."
TEST(MissingData, ADatapointInBoundsCountsUntilItLeavesTheEvaluationRange) {
  const States states = states_after("0 - - - - -", 3, MissingData::breaching);
  EXPECT_EQ(states.before, OK);
  EXPECT_EQ(states.then, ALARM);
}

// Rule 17.
TEST(MissingData,
     AlarmsFetchExtraOlderDatapointsAndWithNRealOnesInRangeTheTreatmentOfMissingDataIsNotUsed) {
  for (const auto treatment : {MissingData::missing, MissingData::ignore, MissingData::breaching,
                               MissingData::not_breaching}) {
    EXPECT_EQ(states_after("X X - - X", 3, treatment).then, ALARM);
    EXPECT_EQ(states_after("0 X - - X", 3, treatment).then, OK);
  }
  EXPECT_EQ(states_after("0 X - - - X", 3, MissingData::breaching).then,
            ALARM);  // beyond the range
}

// A metric that is read two minutes late always misses its newest two datapoints.
TEST(MissingData, ALateDatapointSaysNothingOfMissingOnes) {
  const auto two_minutes = sim::Distribution::constant(2min);
  AlarmRun run(values_of("X 0 X X X"), m_of_three(3, MissingData::missing), 15min, 1min,
               two_minutes);
  run.feed.beyond = 90;
  run.sim.run();
  ASSERT_TRUE(run.diary.first(ALARM));
  EXPECT_GE(*run.diary.first(ALARM), run.end_of(4) + 2min);
  EXPECT_LE(*run.diary.first(ALARM), run.end_of(4) + 3min);
}

TEST(MissingData, AnAlarmBeginsInInsufficientData) {
  AlarmRun run(values_of("0"), m_of_three(3, MissingData::missing));
  run.feed.beyond = 10;
  EXPECT_EQ(run.alarm.state(), INSUFFICIENT_DATA);
  run.sim.run();
  ASSERT_EQ(run.diary.states.size(), 1u);
  EXPECT_EQ(run.diary.states[0].state, OK);
  EXPECT_EQ(run.alarm.state_since(), run.diary.states[0].at);
}

}  // namespace
}  // namespace windtunnel
