// What is refused of alarms before a run, with place and source.
#include <gtest/gtest.h>

#include "tests/topologies/reading.hpp"

namespace windtunnel {
namespace {

// What is said of an alarm with these settings, beside a database and a group. The settings begin
// at column 31 of line 8; `more` are components below.
std::string said_of_alarm(const std::string& settings, const std::string& more = "") {
  return said(
      experiment_of("    users: {client: {target: db, open: {poisson: 1/s}}}\n"
                    "    high: {cloudwatch_alarm: {" +
                    settings + "}}\n    db: {aurora_cluster: {}}\n" + more));
}
const std::string above = ", comparison_operator: GreaterThanThreshold, threshold: 1";
std::string metric(const std::string& stat) { return "metrics: [{" + stat + "}]"; }
const std::string queries = metric("component: db, metric_name: Queries");

TEST(MetricChecks, AnAlarmOnAPublishedMetricIsFine) {
  EXPECT_EQ(said_of_alarm(queries + above), "");
  EXPECT_EQ(said_of_alarm(queries + above + ", period: 5min, evaluation_periods: 288"), "");
  EXPECT_EQ(said_of_alarm(queries + above + ", period: 1h, evaluation_periods: 168"), "");
}

TEST(MetricChecks, AMetricThatTheComponentDoesNotPublishIsRefused) {
  EXPECT_EQ(said_of_alarm(metric("component: db, metric_name: CommitLatncy") + above),
            "web.yaml:8:57: high.metrics.0.metric_name: db (aurora_cluster) does not publish "
            "'CommitLatncy', did you mean 'CommitLatency'?\n");
  EXPECT_EQ(said_of_alarm(metric("component: users, metric_name: Errors") + above),
            "web.yaml:8:60: high.metrics.0.metric_name: users (client) does not publish 'Errors'; "
            "it publishes no metrics\n");
}

TEST(MetricChecks, AComponentThatIsNotThereIsRefused) {
  EXPECT_EQ(said_of_alarm(metric("component: dv, metric_name: Queries") + above),
            "web.yaml:8:42: high.metrics.0.component: no component 'dv', did you mean 'db'?\n");
}

TEST(MetricChecks, AStatisticIsOneOfCloudWatchs) {
  EXPECT_EQ(said_of_alarm(metric("component: db, metric_name: Queries, stat: p101") + above),
            "web.yaml:8:79: high.metrics.0.stat: 'p101' is not Average, Sum, Minimum, Maximum, "
            "SampleCount or a percentile, as p99 (CloudWatch API, MetricStat.Stat)\n");
}

TEST(MetricChecks, AnAlarmHasAMetricAndSeveralNeedAnExpression) {
  EXPECT_EQ(said_of_alarm("threshold: 1, comparison_operator: GreaterThanThreshold"),
            "web.yaml:8:5: high.metrics: is missing: one metric, or those of an expression\n");
  EXPECT_EQ(said_of_alarm("metrics: [{component: db, metric_name: Queries}, {component: db, "
                          "metric_name: DatabaseConnections}]" +
                          above),
            "web.yaml:8:31: high.metrics: several metrics need an expression\n");
}

TEST(MetricChecks, AnExpressionThatCannotBeReadIsToldWithItsCharacter) {
  EXPECT_EQ(said_of_alarm(queries + above + ", expression: m1 / m2"),
            "web.yaml:8:138: high.expression: 'm1 / m2', character 6: 'm2' is neither an id of "
            "these metrics nor a function\n");
}

TEST(MetricChecks, IdsAreDifferentAndBeginWithASmallLetter) {
  EXPECT_EQ(said_of_alarm("metrics: [{component: db, metric_name: Queries, id: a}, {component: "
                          "db, metric_name: Queries, id: a}, {component: db, metric_name: "
                          "Queries, id: Q}], expression: a" +
                          above),
            "web.yaml:8:125: high.metrics.1.id: 'a' names two metrics\n"
            "web.yaml:8:171: high.metrics.2.id: 'Q' is not a small letter and then letters, "
            "digits or _ (CloudWatch API, MetricDataQuery.Id)\n");
}

TEST(MetricChecks, APeriodIsOneOfCloudWatchs) {
  EXPECT_EQ(said_of_alarm(queries + above + ", period: 45s"),
            "web.yaml:8:138: high.period: 45s is not 10s, 20s, 30s or a multiple of 60s "
            "(CloudWatch API, PutMetricAlarm.Period)\n");
}

TEST(MetricChecks, APeriodThatTheMetricCannotServeIsRefused) {
  EXPECT_EQ(said_of_alarm(queries + above + ", period: 10s"),
            "web.yaml:8:138: high.period: 10s is below 60s, in which db publishes Queries (Aurora "
            "User Guide, Amazon CloudWatch metrics for Aurora)\n");
}

TEST(MetricChecks, APeriodIsHeldAgainstTheMonitoringOfTheGroup) {
  const std::string cpu = metric("component: asg, metric_name: CPUUtilization") + above;
  const std::string basic =
      "    asg: {auto_scaling_group: {size: 1}}\n"
      "    web: {ec2_service: {on: asg, service_time: 1ms}}\n";
  const std::string detailed =
      "    asg: {auto_scaling_group: {size: 1, monitoring: detailed}}\n"
      "    web: {ec2_service: {on: asg, service_time: 1ms}}\n";
  EXPECT_EQ(said_of_alarm(cpu + ", period: 60s", basic),
            "web.yaml:8:146: high.period: 60s is below 300s, in which asg publishes "
            "CPUUtilization (EC2 user guide, CloudWatch metrics for your instances)\n");
  EXPECT_EQ(said_of_alarm(cpu + ", period: 420s", basic),
            "web.yaml:8:146: high.period: 420s is no multiple of 300s, in which asg publishes "
            "CPUUtilization (EC2 user guide, CloudWatch metrics for your instances)\n");
  EXPECT_EQ(said_of_alarm(cpu + ", period: 60s", detailed), "");
}

TEST(MetricChecks, AWindowIsNotLongerThanADayOrSevenWithPeriodsOfAnHour) {
  const std::string why =
      " (CloudWatch API, PutMetricAlarm.EvaluationPeriods: one day, seven with periods of an hour "
      "and more)\n";
  EXPECT_EQ(said_of_alarm(queries + above + ", evaluation_periods: 1441"),
            "web.yaml:8:138: high.evaluation_periods: 1441 periods of 60s are longer than "
            "86400s" +
                why);
  EXPECT_EQ(said_of_alarm(queries + above + ", evaluation_periods: 169, period: 1h"),
            "web.yaml:8:138: high.evaluation_periods: 169 periods of 3600s are longer than "
            "604800s" +
                why);
}

TEST(MetricChecks, MIsNotAboveN) {
  EXPECT_EQ(said_of_alarm(queries + above + ", evaluation_periods: 3, datapoints_to_alarm: 4"),
            "web.yaml:8:161: high.datapoints_to_alarm: 4 is above evaluation_periods, 3 "
            "(CloudWatch API, PutMetricAlarm.DatapointsToAlarm)\n");
}

TEST(MetricChecks, WordsAreAwss) {
  EXPECT_EQ(said_of_alarm(queries + ", threshold: 1, comparison_operator: GreaterThenThreshold"),
            "web.yaml:8:95: high.comparison_operator: 'GreaterThenThreshold' is not "
            "GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanThreshold or "
            "LessThanOrEqualToThreshold, did you mean 'GreaterThanThreshold'?\n");
}

// Composite alarms
// ------------------------------------------------------------------------------------

std::string said_of_rules(const std::string& composites) {
  return said_of_alarm(queries + above, composites);
}

TEST(CompositeAlarmChecks, ARuleOverAlarmsIsFine) {
  EXPECT_EQ(said_of_rules("    both: {composite_alarm: {alarm_rule: ALARM(high) AND NOT OK(any)}}\n"
                          "    any: {composite_alarm: {alarm_rule: 'ALARM(\"high\")'}}\n"),
            "");
}

TEST(CompositeAlarmChecks, ARuleThatCannotBeReadIsToldWithItsCharacter) {
  EXPECT_EQ(said_of_rules("    both: {composite_alarm: {alarm_rule: ALARM(high) AND}}\n"),
            "web.yaml:10:30: both.alarm_rule: 'ALARM(high) AND', character 16: the rule ends too "
            "early (CloudWatch API, PutCompositeAlarm.AlarmRule)\n");
}

TEST(CompositeAlarmChecks, ARuleIsOverAlarms) {
  EXPECT_EQ(said_of_rules("    both: {composite_alarm: {alarm_rule: ALARM(hihg) OR OK(db)}}\n"),
            "web.yaml:10:30: both.alarm_rule: no component 'hihg', did you mean 'high'?\n"
            "web.yaml:10:30: both.alarm_rule: db (aurora_cluster) is no alarm\n");
}

TEST(CompositeAlarmChecks, ARuleIsNotOverItself) {
  EXPECT_EQ(said_of_rules("    a: {composite_alarm: {alarm_rule: ALARM(b)}}\n"
                          "    b: {composite_alarm: {alarm_rule: ALARM(high) OR OK(a)}}\n"),
            "web.yaml:10:27: a.alarm_rule: it depends on itself: b -> a\n"
            "web.yaml:11:27: b.alarm_rule: it depends on itself: a -> b\n");
}

TEST(Alarms, AreNotUnusedThoughNobodyNamesThem) {
  EXPECT_EQ(findings("components:\n"
                     "  users: {client: {target: q, open: {poisson: 1/s}}}\n"
                     "  q: {station: {service_time: 1ms}}\n"
                     "  always: {composite_alarm: {alarm_rule: 'TRUE'}}\n"),
            "web.yaml:3:3: warning: q: single point of failure: the clients depend on it, and it "
            "is one instance\n");
}

}  // namespace
}  // namespace windtunnel
