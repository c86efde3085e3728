// Health checks of all kinds, as components that records share, and the control plane.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/mechanisms/route53_health_check.hpp"
#include "tests/models/route53_world.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using testing::ElementsAre;
using testing::Pair;
using testing::SizeIs;

constexpr auto checked_failover =
    "www: {route53_record: {failover: {primary: {value: east, health_check_id: check}, "
    "secondary: west}}}, ";
constexpr auto at_once = "propagation: 0s";
constexpr auto east_fails =
    "faults: [{at: 100s, lasting: 100s, errors: {target: east, share: 100%}}]";

std::string endpoint(const std::string& target, const std::string& more = "") {
  return "{route53_health_check: {endpoint: {target: " + target +
         ", interval: 10s, network: 0s, propagation: 0s" + more + "}}}";
}
SmallRun run_of(const std::string& components, const std::string& rest = east_fails) {
  return SmallRun(two_services(components, "horizon: 400s, " + rest));
}
void expect_between(const Answers& found, std::size_t i, const std::string& who, Duration after,
                    Duration until) {
  ASSERT_GT(found.size(), i);
  EXPECT_EQ(found[i].second, who);
  EXPECT_GT(found[i].first, after) << who;
  EXPECT_LE(found[i].first, until) << who;
}

TEST(Route53HealthChecks, OfAnEndpointMovesTheRecordsThatShareIt) {
  SmallRun run = run_of(std::string(checked_failover) +
                        "api: {route53_record: {failover: {primary: {value: east, "
                        "health_check_id: check}, secondary: west}}}, check: " +
                        endpoint("east"));
  const Answers www = answers(run, "www");
  ASSERT_THAT(www, SizeIs(3));
  expect_between(www, 1, "west", 120s, 131s);
  expect_between(www, 2, "east", 220s, 231s);
  EXPECT_THAT(run.noted("answers with the secondary, west"), SizeIs(2));
}

TEST(Route53HealthChecks, Rule38_InvertedOnesCountWhatTheyFindUnhealthyAsHealthy) {
  SmallRun run =
      run_of(std::string(checked_failover) + "check: " + endpoint("east", ", inverted: true"));
  const Answers www = answers(run, "www");
  ASSERT_THAT(www, SizeIs(3));
  EXPECT_EQ(www[0], (std::pair{Duration(0s), std::string("west")}));  // unhealthy from the start
  expect_between(www, 1, "east", 120s, 131s);
  expect_between(www, 2, "west", 220s, 231s);
}

TEST(Route53HealthChecks, Rule38_DisabledOnesCountAsHealthyAndInvertedAsUnhealthy) {
  SmallRun run =
      run_of(std::string(checked_failover) + "check: " + endpoint("east", ", disabled: true"));
  EXPECT_THAT(answers(run, "www"), ElementsAre(Pair(0s, "east")));
  SmallRun inverted = run_of(std::string(checked_failover) +
                             "check: " + endpoint("east", ", disabled: true, inverted: true"));
  EXPECT_THAT(answers(inverted, "www"), ElementsAre(Pair(0s, "west")));
}

TEST(Route53HealthChecks, OfTcpAreWellWhileConnectionsAreAccepted) {
  SmallRun run =
      run_of(std::string(checked_failover) + "check: " + endpoint("east", ", type: tcp"));
  EXPECT_THAT(answers(run, "www"), ElementsAre(Pair(0s, "east")));  // it answers with errors
}

TEST(Route53HealthChecks, WithStringMatchingNeedTheTextWithinTwoSecondsOfTheStatus) {
  SmallRun in_time = run_of(std::string(checked_failover) + "check: " +
                                endpoint("east", ", search_string: ok, search_time: 1999ms"),
                            "seed: 1");
  EXPECT_THAT(answers(in_time, "www"), ElementsAre(Pair(0s, "east")));
  SmallRun late = run_of(std::string(checked_failover) + "check: " +
                             endpoint("east", ", search_string: ok, search_time: 2001ms"),
                         "seed: 1");
  const Answers www = answers(late, "www");
  ASSERT_THAT(www, SizeIs(2));
  expect_between(www, 1, "west", 20s, 40s);
}

TEST(Route53HealthChecks, CalculatedOnesAreHealthyWhileEnoughChildrenAre) {
  const auto check = [](const std::string& threshold) {
    return std::string(checked_failover) + "one: " + endpoint("east") +
           ", two: " + endpoint("west") +
           ", check: {route53_health_check: {calculated: {children: [one, two], "
           "health_threshold: " +
           threshold + ", propagation: 0s}}}";
  };
  SmallRun both = run_of(check("2")), either = run_of(check("1")), always = run_of(check("0")),
           never = run_of(check("3"));
  EXPECT_THAT(answers(both, "www"), SizeIs(3));
  EXPECT_THAT(both.noted("health check of 2 others: unhealthy (1 of 2 healthy, 2 needed)"),
              SizeIs(1));
  EXPECT_THAT(answers(either, "www"), ElementsAre(Pair(0s, "east")));
  EXPECT_THAT(answers(always, "www"), ElementsAre(Pair(0s, "east")));
  EXPECT_THAT(answers(never, "www"), ElementsAre(Pair(0s, "west")));
}

// Nothing is there to alarm on: an alarm on a metric that nobody publishes values of.
TEST(Route53HealthChecks, OfAnAlarmWithoutDataAreAsTheSettingSays) {
  const auto check = [](const std::string& without_data) {
    return std::string(checked_failover) +
           "check: {route53_health_check: {cloudwatch_metric: {alarm: errors, "
           "insufficient_data_health_status: " +
           without_data +
           ", propagation: 0s}}}, "
           "errors: {cloudwatch_alarm: {metrics: [{component: alb, metric_name: "
           "HTTPCode_Target_5XX_Count, stat: Sum}], comparison_operator: GreaterThanThreshold, "
           "threshold: 0}}, alb: {application_load_balancer: {targets: web}}, "
           "web: {ec2_service: {on: group, service_time: 1ms}}, group: {auto_scaling_group: {size: "
           "3}}";
  };
  SmallRun healthy = run_of(check("healthy")), unhealthy = run_of(check("unhealthy")),
           last = run_of(check("last_known_status"));
  EXPECT_THAT(answers(healthy, "www"), ElementsAre(Pair(0s, "east")));
  EXPECT_THAT(answers(unhealthy, "www"), ElementsAre(Pair(0s, "west")));
  EXPECT_THAT(answers(last, "www"), ElementsAre(Pair(0s, "east")));
}

TEST(Route53HealthChecks, OfAnAlarmFollowItForWhatTheCheckersDoNotReach) {
  SmallRun run = run_of(
      "www: {route53_record: {private: true, failover: {primary: {value: alb, health_check_id: "
      "check}, secondary: west}}}, "
      "check: {route53_health_check: {cloudwatch_metric: {alarm: errors, propagation: 0s}}}, "
      "errors: {cloudwatch_alarm: {metrics: [{component: alb, metric_name: "
      "HTTPCode_Target_5XX_Count, stat: Sum}], comparison_operator: GreaterThanThreshold, "
      "threshold: 0, treat_missing_data: notBreaching}}, "
      "users: {client: {target: alb, open: {poisson: 5/s}}}, "
      "alb: {application_load_balancer: {targets: web, metric_delay: 30s}}, "
      "web: {ec2_service: {on: group, service_time: 1ms}}, group: {auto_scaling_group: {size: 3}}",
      "faults: [{at: 100s, errors: {target: web, share: 100%}}]");
  const Answers www = answers(run, "www");
  ASSERT_THAT(www, SizeIs(2));
  // A minute's datapoint that holds the fault, 30 s later, and the alarm's next look.
  EXPECT_EQ(www[1].second, "west");
  EXPECT_GT(www[1].first, 130s);
  EXPECT_LE(www[1].first, 100s + 60s + 30s + 60s);
}

TEST(Route53HealthChecks, ChangesReachTheAnswersAfterTheirPropagation) {
  SmallRun run = run_of(std::string(checked_failover) +
                        "check: {route53_health_check: {endpoint: {target: east, interval: 10s, "
                        "network: 0s, propagation: 7s}}}");
  answers(run, "www");
  const auto found = run.noted("health check of east: unhealthy");
  const auto moved = run.noted("answers with the secondary");
  ASSERT_THAT(found, SizeIs(1));
  ASSERT_THAT(moved, SizeIs(1));
  EXPECT_EQ(moved[0] - found[0], 7s);
}

// --- trees and one-of-many

TEST(Route53Trees, Rule39_AliasTreesBackOutOfADeadBranch) {
  // Latency over regions, weighted within one: when all of Ireland is dead, Germans go to Virginia.
  SmallRun run = run_of(
      "www: {route53_record: {evaluate_target_health: true, latency: [{region: eu-west-1, alias: "
      "eu}, "
      "{region: us-east-1, alias: us}]}}, "
      "eu: {route53_record: {weighted: [{value: east, weight: 1, health_check_id: check}, "
      "{value: east, id: spare, weight: 0, health_check_id: check}]}}, "
      "us: {route53_record: {simple: west}}, check: " +
      endpoint("east"));
  sim::Stream chance(1);
  const Location* germany = find_location("DE");
  std::vector<std::string> seen;
  for (const Duration date : {Duration(50s), Duration(150s), Duration(250s)}) {
    run.script.at(date, [&] { seen.push_back(answer_of(run, "www", chance, germany)); });
  }
  run.sim.run();
  EXPECT_THAT(seen, ElementsAre("east", "west", "east"));
}

// A load balancer in a region that is cut off finds its targets well; nobody outside hears of it.
TEST(Route53Trees, AnAliasLeavesARegionThatIsCutOff) {
  SmallRun run(two_services(
      "www: {route53_record: {failover: {primary: {alias: alb, evaluate_target_health: true}, "
      "secondary: west}}}, alb: {application_load_balancer: {targets: web}}, "
      "web: {ec2_service: {on: group, service_time: 1ms}}, group: {auto_scaling_group: {size: 3}}",
      "horizon: 400s, faults: [{at: 100s, lasting: 100s, network_partition: us-east-1}]"));
  EXPECT_THAT(answers(run, "www"),
              ElementsAre(Pair(0s, "alb"), Pair(100s, "west"), Pair(200s, "alb")));
}

TEST(Route53Trees, ANameWithoutARecordForTheAskerHasNoAnswer) {
  SmallRun run = run_of("www: {route53_record: {geolocation: [{continent: EU, value: east}]}}");
  sim::Stream chance(1);
  std::vector<std::string> seen;
  run.script.at(1s, [&] {
    for (const char* place : {"DE", "JP"}) {
      seen.push_back(answer_of(run, "www", chance, find_location(place)));
    }
  });
  run.sim.run();
  EXPECT_THAT(seen, ElementsAre("east", "nobody"));
}

TEST(Route53Trees, MultivalueGivesTheAddressesOfAllHealthyRecords) {
  SmallRun run = run_of(
      "www: {route53_record: {multivalue: [{value: east, health_check_id: check}, west]}}, "
      "check: " +
      endpoint("east"));
  sim::Stream chance(1);
  std::vector<std::size_t> sizes;
  for (const Duration date : {Duration(50s), Duration(150s), Duration(250s)}) {
    run.script.at(date, [&] {
      sizes.push_back(
          run.find<Callable>("www").resolve({sim::Operation::read, chance}).addresses.size());
    });
  }
  run.sim.run();
  EXPECT_THAT(sizes, ElementsAre(2u, 1u, 2u));
}

// --- the control plane

constexpr auto release =
    "www: {route53_record: {change_propagation: 20s, weighted: [{value: east, weight: 1}, "
    "{value: west, weight: 0}]}}, "
    "release: {operator: {at: 100s, retry: 10s, steps: [{change_records: {name: www, changes: "
    "[{record: east, weight: 0}, {record: west, weight: 1}]}}]}}";

TEST(Route53Changes, AreInSyncWithinAMinute) {
  SmallRun run = run_of(release, "seed: 1");
  EXPECT_THAT(answers(run, "www"), ElementsAre(Pair(0s, "east"), Pair(120s, "west")));
  EXPECT_THAT(run.noted("the change is INSYNC: east weighs 0, west weighs 1"), ElementsAre(120s));
}

TEST(Route53Changes, Rule42_FailWhileTheControlPlaneInUsEast1IsGoneAndAnswersGoOn) {
  SmallRun run = run_of(std::string(release) +
                            ", api: {route53_record: {failover: {primary: {value: east, "
                            "health_check_id: check}, secondary: west}}}, check: " +
                            endpoint("east"),
                        "faults: [{at: 50s, lasting: 200s, control_plane: route53}, "
                        "{at: 110s, errors: {target: east, share: 100%}}]");
  const Answers www = answers(run, "www");
  // Tried every 10 s from 100 s on; 250 s is the first time that it is taken.
  EXPECT_THAT(www, ElementsAre(Pair(0s, "east"), Pair(270s, "west")));
  EXPECT_THAT(
      run.noted("ChangeResourceRecordSets fails: the control plane of Route 53, in us-east-1"),
      ElementsAre(100s));
  EXPECT_EQ(run.metric("release", "RefusedSteps"), 15);
  // A health check fails over meanwhile.
  EXPECT_EQ(run.noted("health check of east: unhealthy").size(), 1u);
  EXPECT_LT(run.noted("health check of east: unhealthy").front(), 145s);
}

TEST(Route53Changes, Rule42_FailWhileUsEast1ItselfIsCutOff) {
  SmallRun run =
      run_of(release, "faults: [{at: 50s, lasting: 200s, network_partition: us-east-1}]");
  EXPECT_THAT(answers(run, "www"), ElementsAre(Pair(0s, "east"), Pair(270s, "west")));
}

TEST(Route53Changes, Rule42_OtherControlPlanesDoNotMatter) {
  SmallRun run = run_of(release, "faults: [{at: 50s, control_plane: arc}]");
  EXPECT_THAT(answers(run, "www"), ElementsAre(Pair(0s, "east"), Pair(120s, "west")));
}

TEST(Route53Changes, Rule42_TheFaultNamesAGlobalService) {
  const auto said = [](const std::string& service) {
    try {
      run_of(release, "faults: [{at: 50s, control_plane: " + service + "}]");
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(said("global_accelerator"), "");
  EXPECT_THAT(said("rout53"), testing::HasSubstr("faults.0.control_plane"));
  EXPECT_THAT(said("rout53"), testing::HasSubstr("did you mean"));
}

TEST(Route53Changes, PointARecordElsewhere) {
  SmallRun run = run_of(
      "www: {route53_record: {simple: east, change_propagation: 0s}}, "
      "move: {operator: {at: 100s, steps: [{change_records: {name: www, changes: [{target: "
      "west}]}}]}}",
      "seed: 1");
  EXPECT_THAT(answers(run, "www"), ElementsAre(Pair(0s, "east"), Pair(100s, "west")));
}

}  // namespace
}  // namespace windtunnel::test
