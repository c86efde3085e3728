// ARC: routing controls that an operator switches, zonal shift and autoshift.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/mechanisms/routing_controls.hpp"
#include "models/mechanisms/zonal_shift.hpp"
#include "tests/models/route53_world.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::time_zero;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;

// --- safety rules

const std::vector<RoutingControlState> both_on{{"east", true}, {"west", true}};

SafetyRule one_is_on() {
  return {.name = "one is on", .asked = {"east", "west"}, .targets = {"east", "west"}};
}

TEST(RoutingControls, AnAssertionRuleMustHoldAfterTheChange) {
  RoutingControls controls(both_on, {one_is_on()});
  EXPECT_THAT(controls.update({{"east", false}, {"west", false}}, {}, time_zero).value(),
              HasSubstr("one is on would not hold"));
  EXPECT_TRUE(controls.find("east")->on);  // all of them or none
  EXPECT_FALSE(controls.update({{"east", false}}, {}, time_zero));
  EXPECT_FALSE(controls.find("east")->on);
}

TEST(RoutingControls, InTheWaitPeriodFurtherChangesFail) {
  RoutingControls controls(both_on, {one_is_on()});
  EXPECT_FALSE(controls.update({{"east", false}}, {}, time_zero));
  EXPECT_THAT(controls.update({{"east", true}}, {}, time_zero + 4999ms).value(),
              HasSubstr("the wait period of one is on is not over"));
  EXPECT_FALSE(controls.update({{"east", true}}, {}, time_zero + 5s));
}

TEST(RoutingControls, AGatingRuleLetsItsTargetsChangeOnlyWhileItsGateIsOpen) {
  SafetyRule gate{.name = "maintenance",
                  .kind = SafetyRule::Kind::gating,
                  .asked = {"gate"},
                  .targets = {"east"}};
  RoutingControls controls({{"east", true}, {"gate", false}}, {gate});
  EXPECT_THAT(controls.update({{"east", false}}, {}, time_zero).value(),
              HasSubstr("the gating rule maintenance does not let it pass"));
  EXPECT_FALSE(controls.update({{"gate", true}}, {}, time_zero));
  EXPECT_FALSE(controls.update({{"east", false}}, {}, time_zero + 10s));
}

TEST(RoutingControls, BreakingGlassOverridesARule) {
  RoutingControls controls(both_on, {one_is_on()});
  EXPECT_FALSE(controls.update({{"east", false}, {"west", false}}, {"one is on"}, time_zero));
  EXPECT_FALSE(controls.find("west")->on);
}

TEST(RoutingControls, AThresholdAnAndAndAnInversionAreCounted) {
  SafetyRule rule = one_is_on();
  rule.type = SafetyRule::Type::all;
  EXPECT_TRUE(RoutingControls(both_on, {rule}).update({{"east", false}}, {}, time_zero));
  rule.type = SafetyRule::Type::at_least;
  rule.threshold = 2;
  EXPECT_TRUE(RoutingControls(both_on, {rule}).update({{"east", false}}, {}, time_zero));
  rule.inverted = true;  // at most one is on
  EXPECT_FALSE(RoutingControls(both_on, {rule}).update({{"east", false}}, {}, time_zero));
}

// --- an operator behind an alarm

constexpr auto cells =
    "www: {route53_record: {failover: {primary: {value: east, health_check_id: east-on}, "
    "secondary: {value: west, health_check_id: west-on}}}}, "
    "east-on: {route53_health_check: {recovery_control: {cluster: arc, control: east, "
    "propagation: 5s}}}, "
    "west-on: {route53_health_check: {recovery_control: {cluster: arc, control: west, "
    "propagation: 5s}}}, "
    "arc: {arc_cluster: {routing_controls: [east, west], safety_rules: [{name: one, "
    "asserted_controls: [east, west]}]}}, ";
constexpr auto planned =
    "op: {operator: {at: 100s, retry: 10s, steps: [{update_routing_controls: {cluster: arc, "
    "endpoint_timeout: 3s, states: [{control: east, state: 'off'}]}}]}}";

TEST(Arc, ARoutingControlMovesTheAnswersWithoutPolling) {
  SmallRun run(two_services(std::string(cells) + planned, "horizon: 300s"));
  EXPECT_THAT(answers(run, "www"), ElementsAre(Pair(0s, "east"), Pair(105s, "west")));
}

TEST(Arc, AnOperatorActsMinutesAfterTheAlarm) {
  SmallRun run(small_experiment(
      std::string(cells) +
          "op: {operator: {on_alarm: {alarm: errors, notice: 2min, decision: 3min}, steps: "
          "[{update_routing_controls: {cluster: arc, states: [{control: east, state: 'off'}]}}]}}, "
          "errors: {cloudwatch_alarm: {metrics: [{component: east, metric_name: "
          "HTTPCode_Target_5XX_Count, stat: Sum}], comparison_operator: GreaterThanThreshold, "
          "threshold: 0, treat_missing_data: notBreaching}}, "
          "users: {client: {target: east, open: {poisson: 5/s}}}, "
          "east: {application_load_balancer: {targets: web}}, west: {station: {service_time: "
          "1ms}}, "
          "web: {ec2_service: {on: group, service_time: 1ms}}, group: {auto_scaling_group: {size: "
          "3}}",
      "horizon: 15min, faults: [{at: 100s, errors: {target: web, share: 100%}}]"));
  run.sim.run();
  const auto alarm = run.noted("updated from OK to ALARM");
  const auto seen = run.noted("has seen that errors is ALARM");
  const auto moved = run.noted("answers with the secondary, west");
  ASSERT_THAT(seen, SizeIs(1));
  ASSERT_THAT(moved, SizeIs(1));
  EXPECT_EQ(moved[0] - seen[0], 3min + 5s);
  ASSERT_THAT(alarm, SizeIs(1));
  EXPECT_EQ(seen[0] - alarm[0], 2min);
  EXPECT_GT(seen[0], 100s + 2min);
}

// A topology with the five regions of the cluster's endpoints, some of them cut off.
std::vector<Duration> moves_with_lost(const std::vector<std::string>& lost) {
  std::string faults;
  for (const std::string& region : lost) {
    faults += fmt::format("{{at: 50s, network_partition: {}}}, ", region);
  }
  const std::string yaml = fmt::format(
      "{{experiment: small, question: what, topology: {{regions: {{us-east-1: {{}}, us-west-2: "
      "{{}}, "
      "eu-west-1: {{}}, ap-northeast-1: {{}}, ap-southeast-2: {{}}}}, components: {{{}{}, {}east: "
      "{{station: {{service_time: 1ms}}}}, west: {{station: {{service_time: 1ms}}}}}}}}, "
      "horizon: 300s, faults: [{}]}}",
      cells, planned, idle_client, faults);
  SmallRun run(yaml);
  run.sim.run();
  return run.noted("answers with the secondary");
}

TEST(Arc, Rule42_TheDataPlaneSurvivesTheLossOfTwoOfFiveRegions) {
  const auto none = moves_with_lost({}), two = moves_with_lost({"us-west-2", "eu-west-1"});
  EXPECT_THAT(none, ElementsAre(105s));
  ASSERT_THAT(two, SizeIs(1));
  // Endpoints that do not answer cost 3 s each.
  EXPECT_GE(two[0], 105s);
  EXPECT_LE(two[0], 111s);
  EXPECT_THAT(moves_with_lost({"us-west-2", "eu-west-1", "us-east-1"}), SizeIs(0));
}

// --- zonal shift

// A cross-zone ALB over three zones, its removal from DNS at once.
std::string shifted(const std::string& more, const std::string& rest) {
  return small_experiment(
      "alb: {application_load_balancer: {targets: web, zonal_shift: true, elb_dns_removal: 0s}}, "
      "web: {ec2_service: {on: group, workers: 4, service_time: 1ms}}, "
      "group: {auto_scaling_group: {size: 6}}" +
          more,
      rest);
}
std::size_t addresses(SmallRun& run) {
  sim::Stream chance(1);
  return run.find<Callable>("alb").resolve({sim::Operation::read, chance}).addresses.size();
}
ZonalShift& shift_of(SmallRun& run) { return run.find<ZonallyShiftable>("alb").zonal_shift(); }
using Kind = ZonalShift::Kind;

TEST(ZonalShifts, TakeAZonesAddressAndTargetsAwayUntilTheyExpire) {
  SmallRun run(
      shifted(", users: {client: {target: alb, hosts: 30, open: {poisson: 100/s}}}, "
              "op: {operator: {at: 100s, steps: [{start_zonal_shift: {resource: alb, "
              "away_from: us-east-1a, expires_in: 100s}}]}}",
              "horizon: 400s"));
  std::vector<std::size_t> in_dns;
  for (const Duration date : {99s, 150s, 350s}) {
    run.script.at(date, [&] { in_dns.push_back(addresses(run)); });
  }
  run.sim.run();
  EXPECT_THAT(in_dns, ElementsAre(3u, 2u, 3u));
  EXPECT_THAT(run.noted("zonal shift away from us-east-1a expires"), ElementsAre(200s));
}

// Clients have left the zone's address for good after the TTL and the longest life of a connection;
// the other nodes have left its targets at once. Nothing crosses the slow zone then.
TEST(ZonalShifts, WithCrossZoneOnNoNodeSendsRequestsToTheZonesTargets) {
  const auto timeouts = [](const char* zone) {
    SmallRun run(small_experiment(
        fmt::format(
            "users: {{client: {{target: alb, hosts: 30, network: 0s, timeout: 1s, open: "
            "{{poisson: 50/s}}}}}}, alb: {{application_load_balancer: {{targets: web, "
            "zonal_shift: true, client_keep_alive: 60s}}}}, web: {{ec2_service: {{on: group, "
            "workers: 9, service_time: 1ms}}}}, group: {{auto_scaling_group: {{size: 6}}}}, "
            "op: {{operator: {{at: 10s, steps: [{{start_zonal_shift: {{resource: alb, "
            "away_from: {}, expires_in: 1h}}}}]}}}}",
            zone),
        "horizon: 10min, faults: [{at: 300s, packet_loss: {target: us-east-1a, share: 90%}}]"));
    run.sim.run();
    return run.metric("users", "Timeouts");
  };
  EXPECT_EQ(timeouts("us-east-1a"), 0);
  EXPECT_GT(timeouts("us-east-1b"), 100);
}

TEST(ZonalShifts, AreOneToAResourceAndAnOperatorsComesFirst) {
  SmallRun run(shifted("", "horizon: 100s"));
  run.script.at(10s, [&] {
    ZonalShift& shift = shift_of(run);
    EXPECT_FALSE(shift.start(Kind::practice_run, 0, 30min));
    EXPECT_FALSE(shift.start(Kind::autoshift, 1, sim::forever));
    EXPECT_EQ(shift.zone(), 1);  // the practice run is over
    EXPECT_FALSE(shift.zone_of(Kind::practice_run));
    EXPECT_FALSE(shift.start(Kind::operators, 2, 1h));
    EXPECT_EQ(shift.zone(), 2);
    EXPECT_THAT(shift.start(Kind::operators, 0, 1h).value(), HasSubstr("has one already"));
    shift.cancel(Kind::operators);
    EXPECT_EQ(shift.zone(), 1);  // the autoshift applies again
    shift.cancel(Kind::autoshift);
    EXPECT_EQ(shift.zone(), std::nullopt);
  });
  run.sim.run();
}

TEST(ZonalShifts, AreRefusedWhereTheResourceIsNotEnabledOrNotThere) {
  SmallRun run(
      small_experiment("alb: {application_load_balancer: {targets: web, availability_zones: "
                       "[us-east-1a, us-east-1b]}}, "
                       "web: {ec2_service: {on: group, service_time: 1ms}}, "
                       "group: {auto_scaling_group: {size: 6}}",
                       "horizon: 100s"));
  EXPECT_THAT(shift_of(run).start(Kind::operators, 0, 1h).value(), HasSubstr("not enabled"));
  SmallRun other(shifted("", "horizon: 100s"));
  const auto far = other.sim.network().add_zone("eu-west-1a", "eu-west-1");
  EXPECT_THAT(shift_of(other).start(Kind::operators, far, 1h).value(),
              HasSubstr("is not in eu-west-1a"));
}

TEST(ZonalShifts, OfAutoshiftFollowTheTelemetryOfAws) {
  SmallRun run(
      shifted(", auto: {arc_zonal_autoshift: {resources: [alb], detection: 60s, ending: 120s}}",
              "horizon: 20min, faults: [{at: 100s, lasting: 300s, slow: {target: us-east-1b, "
              "factor: 10}}]"));
  run.sim.run();
  EXPECT_THAT(run.noted("zonal autoshift away from us-east-1b begins"), ElementsAre(160s));
  EXPECT_THAT(run.noted("zonal autoshift away from us-east-1b ends"), ElementsAre(520s));
}

TEST(ZonalShifts, PracticeRunsLastHalfAnHourAndAnAlarmEndsThem) {
  const std::string practice =
      ", auto: {arc_zonal_autoshift: {resources: [alb], practice_run: {first: 10min, "
      "outcome_alarm: "
      "errors}}}, users: {client: {target: alb, hosts: 30, open: {poisson: 10/s}}}, "
      "errors: {cloudwatch_alarm: {metrics: [{component: alb, metric_name: "
      "HTTPCode_Target_5XX_Count, stat: Sum}], comparison_operator: GreaterThanThreshold, "
      "threshold: 0, treat_missing_data: notBreaching}}";
  SmallRun well(shifted(practice, "horizon: 1h"));
  well.sim.run();
  EXPECT_THAT(well.noted("practice run away from"), ElementsAre(600s, 2400s));
  SmallRun ill(
      shifted(practice, "horizon: 1h, faults: [{at: 15min, errors: {target: web, share: 100%}}]"));
  ill.sim.run();
  const auto dates = ill.noted("practice run away from");
  ASSERT_THAT(dates, SizeIs(2));
  EXPECT_LT(dates[1], 1200s);
  SmallRun blocked(
      shifted(practice, "horizon: 1h, faults: [{at: 1min, errors: {target: web, share: 100%}}]"));
  blocked.sim.run();
  EXPECT_THAT(blocked.noted("practice run is skipped"), ElementsAre(600s));
}

TEST(Rule40, OneAllUnhealthyOrEmptyTargetGroupMarksTheWholeLoadBalancerUnhealthy) {
  const auto alb = [](const std::string& second) {
    return small_experiment(
        "www: {route53_record: {failover: {primary: {alias: alb, evaluate_target_health: true}, "
        "secondary: {value: west}}}}, west: {station: {service_time: 1ms}}, "
        "alb: {application_load_balancer: {target_groups: [{targets: web}, {targets: api, "
        "health_check: {interval: 10s}}], default_action: [web, api]}}, "
        "web: {ec2_service: {on: group, service_time: 1ms}}, group: {auto_scaling_group: {size: "
        "3}}, "
        "api: {ec2_service: {on: other, service_time: 1ms}}, other: {auto_scaling_group: {" +
            second + "}}",
        "horizon: 200s, faults: [{at: 100s, instance_crash: other}]");
  };
  SmallRun unhealthy(alb("size: 3")), empty(alb("min_size: 0, size: 0, max_size: 3"));
  const Answers found = answers(unhealthy, "www");
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[1].second, "west");
  EXPECT_GT(found[1].first, 100s);
  EXPECT_THAT(answers(empty, "www"), ElementsAre(Pair(0s, "west")));
}

}  // namespace
}  // namespace windtunnel::test
