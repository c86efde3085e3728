// The models cloudwatch_alarm and composite_alarm, on a database that answers two queries a second
// from the fifth minute on.
#include <gtest/gtest.h>

#include "models/mechanisms/alarm.hpp"
#include "tests/support/metric_feed.hpp"
#include "tests/support/small_run.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;

const std::string busy_database =
    "users: {client: {target: db, hosts: 1, network: 0s, dns_lookup: 0s, "
    "open: {profile: {points: {of: [{at: 300s, rate: 0/s}, {at: 301s, rate: 2/s}, {at: 1500s, "
    "rate: 2/s}, {at: 1501s, rate: 0/s}]}}}}}, "
    "db: {aurora_cluster: {metric_delay: 0s}}, ";

// "NAME: {cloudwatch_alarm: ...}" on the queries of the database, three of three.
std::string alarm(const std::string& name, const std::string& comparison) {
  return fmt::format(
      "{}: {{cloudwatch_alarm: {{metrics: [{{component: db, metric_name: Queries}}], "
      "comparison_operator: {}, threshold: 1, evaluation_periods: 3}}}}, ",
      name, comparison);
}

struct Listened : test::SmallRun {
  explicit Listened(const std::string& alarms, const std::string& heard)
      : SmallRun(test::small_experiment(busy_database + alarms, "horizon: 40min")) {
    find<AlarmPort>(heard).add_listener(diary);
    sim.run();
  }
  test::AlarmDiary diary;
};

TEST(CloudWatchAlarm, TellsItsListenersOfItsStatesAndActions) {
  Listened run(alarm("busy", "GreaterThanThreshold"), "busy");
  const auto rung = run.diary.first(AlarmState::alarm);
  ASSERT_TRUE(rung);
  const Duration at = *rung - sim::time_zero;
  EXPECT_GE(at, 5min + 2min);  // two full minutes and most of a third
  EXPECT_LE(at, 5min + 5min);
  EXPECT_NEAR(static_cast<double>(run.diary.actions.size()), 20, 3);
  EXPECT_EQ(run.find<AlarmPort>("busy").state(), AlarmState::ok);  // it is over
}

TEST(CloudWatchAlarm, ItsTransitionsStandInTheEventTable) {
  Listened run(alarm("busy", "GreaterThanThreshold"), "busy");
  EXPECT_EQ(run.noted("Alarm \"busy\" updated from OK to ALARM").size(), 1u);
  EXPECT_EQ(run.noted("Alarm \"busy\" updated from ALARM to OK").size(), 1u);
}

TEST(CompositeAlarm, FollowsItsRuleAsSoonAsAnAlarmChanges) {
  const std::string alarms =
      alarm("busy", "GreaterThanThreshold") + alarm("quiet", "LessThanThreshold") +
      "both: {composite_alarm: {alarm_rule: 'ALARM(busy) AND NOT ALARM(\"quiet\")'}}";
  Listened busy(alarms, "busy"), both(alarms, "both");
  EXPECT_EQ(both.diary.first(AlarmState::alarm), busy.diary.first(AlarmState::alarm));
  EXPECT_EQ(both.find<AlarmPort>("both").state(), AlarmState::ok);
  EXPECT_EQ(both.noted("Alarm \"both\" updated from OK to ALARM: Alarm \"busy\" transitioned to "
                       "ALARM")
                .size(),
            1u);
}

TEST(CompositeAlarm, ActsOnceAndIsNoActionOfAutoScaling) {
  const std::string alarms =
      alarm("busy", "GreaterThanThreshold") + "any: {composite_alarm: {alarm_rule: ALARM(busy)}}";
  EXPECT_EQ(Listened(alarms, "any").diary.actions.size(), 1u);
}

TEST(CompositeAlarm, MayStandOnCompositeAlarmsAndInAnyOrder) {
  const std::string alarms =
      "top: {composite_alarm: {alarm_rule: NOT ALARM(any)}}, "
      "any: {composite_alarm: {alarm_rule: ALARM(busy)}}, " +
      alarm("busy", "GreaterThanThreshold");
  Listened run(alarms, "top");
  ASSERT_FALSE(run.diary.states.empty());
  EXPECT_EQ(run.diary.states[0].state, AlarmState::alarm);  // from the start
  EXPECT_EQ(run.diary.states[0].at, sim::time_zero);
  EXPECT_TRUE(run.diary.first(AlarmState::ok));
}

}  // namespace
}  // namespace windtunnel
