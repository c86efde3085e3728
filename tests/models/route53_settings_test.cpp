// What Route 53 and ARC refuse, and what they take though it is hardly meant; with place and
// source.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "topologies/checks.hpp"
#include "topologies/load.hpp"

namespace windtunnel::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr auto head =
    R"(regions: {us-east-1: {availability_zones: 3}, eu-west-1: {availability_zones: 3}}
components:
  users: {client: {target: www, open: {poisson: 1/s}}}
  east: {application_load_balancer: {targets: web, region: us-east-1}}
  west: {application_load_balancer: {targets: web, region: us-east-1}}
  web: {ec2_service: {on: asg, service_time: 1s}}
  asg: {auto_scaling_group: {size: 6, region: us-east-1}}
  db: {aurora_cluster: {region: us-east-1}}
)";

// Errors alone, or with what `windtunnel check` warns of.
std::string said_of(const std::string& components, bool warnings) {
  Diagnostics diagnostics;
  const std::string text = head + components;
  if (warnings) {
    const auto topology = read_topology(text, "t.yaml", {}, diagnostics);
    if (topology) check_models(*topology, Sayings::NOTES, diagnostics);
  } else {
    read_topology(text, "t.yaml", {}, diagnostics);
  }
  return diagnostics.print();
}
std::string record(const std::string& settings, bool warnings = false) {
  return said_of("  www: {route53_record: {" + settings + "}}\n", warnings);
}

TEST(Route53Settings, OneNameHasOnePolicy) {
  EXPECT_THAT(
      record("weighted: [{value: east, weight: 1}], latency: [{value: west, region: us-east-1}]"),
      AllOf(HasSubstr("t.yaml:9:"), HasSubstr("weighted"), HasSubstr("latency"),
            HasSubstr("records of one name and type have one policy")));
  EXPECT_THAT(record("ttl: 60s"), HasSubstr("www: needs alias, simple, failover"));
}

TEST(Route53Settings, WithoutADefaultLocationSomeGetNoAnswer) {
  EXPECT_THAT(
      record("geolocation: [{continent: EU, alias: east}]", true),
      AllOf(HasSubstr("t.yaml:9:"), HasSubstr("note: www.geolocation"), HasSubstr("no default")));
  EXPECT_THAT(
      record("geolocation: [{continent: EU, alias: east}, {country: '*', alias: west}]", true),
      Not(HasSubstr("no default")));
}

TEST(Route53Settings, WeightsThatAreAllZeroAreToldOf) {
  EXPECT_THAT(record("weighted: [{alias: east, weight: 0}, {alias: west, weight: 0}]", true),
              HasSubstr("www.weighted: all weights are 0"));
  EXPECT_THAT(record("weighted: [{alias: east, weight: 256}]"), HasSubstr("255"));
}

TEST(Route53Settings, AnAliasPointsAtWhatCanBeAliased) {
  EXPECT_THAT(record("alias: web"),
              HasSubstr("www.alias: web (ec2_service) is nothing an alias can point at"));
  EXPECT_THAT(record("weighted: [{alias: db, weight: 1}]"),
              HasSubstr("www.weighted.0.alias: db (aurora_cluster) is nothing an alias"));
  EXPECT_EQ(record("alias: east"), "");
}

TEST(Route53Settings, NoCnameStandsAtTheApexOfAHostedZone) {
  EXPECT_THAT(record("simple: east, apex: true"),
              AllOf(HasSubstr("www.simple: east has a name"), HasSubstr("apex")));
  EXPECT_THAT(record("failover: {primary: east, secondary: web}, apex: true"),
              HasSubstr("www.failover.primary.value: east has a name"));
  EXPECT_EQ(record("simple: web, apex: true"), "");
  EXPECT_EQ(record("alias: east, apex: true"), "");
}

TEST(Route53Settings, AnAliasHasNoTtlOfItsOwn) {
  EXPECT_THAT(record("alias: east, ttl: 60s"),
              HasSubstr("www.ttl: an alias has its target's TTL, none of its own"));
  EXPECT_THAT(record("weighted: [{alias: east, weight: 1}], ttl: 60s"), HasSubstr("www.ttl"));
  EXPECT_EQ(record("simple: web, ttl: 60s"), "");
}

TEST(Route53Settings, CheckersDoNotReachAPrivateAddress) {
  constexpr auto why = "Route 53's checkers do not reach a private address";
  EXPECT_THAT(record("simple: web, private: true, health_check: {interval: 10s}"), HasSubstr(why));
  EXPECT_THAT(said_of("  www: {route53_record: {simple: web, private: true, health_check_id: hc}}\n"
                      "  hc: {route53_health_check: {endpoint: {target: web}}}\n",
                      false),
              HasSubstr(why));
  EXPECT_EQ(said_of("  www: {route53_record: {simple: web, private: true, health_check_id: hc}}\n"
                    "  hc: {route53_health_check: {cloudwatch_metric: {alarm: load}}}\n"
                    "  load: {cloudwatch_alarm: {metrics: [{component: east, metric_name: "
                    "RequestCount}], comparison_operator: GreaterThanThreshold, threshold: 1}}\n",
                    false),
            "");
}

TEST(Route53Settings, APrimaryThatCannotFailIsToldOf) {
  constexpr auto why = "the secondary is never answered";
  EXPECT_THAT(record("failover: {primary: web, secondary: east}", true), HasSubstr(why));
  EXPECT_THAT(record("failover: {primary: web, secondary: east}, health_check: {}", true),
              Not(HasSubstr(why)));
  EXPECT_THAT(record("failover: {primary: {alias: west, evaluate_target_health: true}, "
                     "secondary: {alias: east}}",
                     true),
              Not(HasSubstr(why)));
}

TEST(Route53Settings, PlacesAndBlocksMustExistAndStandOnce) {
  EXPECT_THAT(record("latency: [{alias: east, region: us-east-11}]"), HasSubstr("did you mean"));
  EXPECT_THAT(
      record("latency: [{alias: east, region: us-east-1}, {alias: west, region: us-east-1}]"),
      HasSubstr("www.latency.1.region: us-east-1 has a record already, latency.0.region"));
  EXPECT_THAT(record("geolocation: [{country: ZZ, alias: east}]"), HasSubstr("no country 'ZZ'"));
  EXPECT_THAT(record("geolocation: [{country: DE, subdivision: BY, alias: east}]"),
              HasSubstr("only the US"));
  EXPECT_THAT(record("ip_based: [{cidr: [10.0.0.0/25], alias: east}]"),
              HasSubstr("/25 is not in /1 to /24"));
  EXPECT_THAT(record("ip_based: [{cidr: [10.0.0.0/33], alias: east}]"),
              HasSubstr("is no CIDR block"));
  EXPECT_THAT(record("geoproximity: [{alias: east, region: us-east-1, bias: 100}]"),
              HasSubstr("99"));
  EXPECT_THAT(record("geoproximity: [{alias: east, latitude: 1}]"), HasSubstr("longitude"));
}

TEST(Route53Settings, RecordsOfANameAreToldApart) {
  EXPECT_THAT(record("weighted: [{alias: east, weight: 1}, {alias: east, weight: 2}]"),
              HasSubstr("two records have the set identifier 'east'"));
  EXPECT_EQ(record("weighted: [{alias: east, weight: 1}, {alias: east, id: b, weight: 2}]"), "");
  EXPECT_THAT(record("multivalue: [{alias: east}]"),
              HasSubstr("multivalue answers are no aliases"));
  EXPECT_THAT(record("weighted: [{alias: east, value: west, weight: 1}]"),
              HasSubstr("www.weighted.0: alias and value exclude each other"));
  EXPECT_THAT(record("weighted: [{alias: east, weight: 1}], health_check: {}"),
              HasSubstr("www.health_check: belongs to one of the records"));
}

TEST(Route53Settings, HealthChecksAreAsRoute53TakesThem) {
  EXPECT_THAT(record("simple: web, health_check: {interval: 20s}"),
              HasSubstr("www.health_check.interval: 20s is neither 10s (fast) nor 30s"));
  EXPECT_THAT(record("simple: web, health_check: {type: tcp, search_string: ok}"),
              HasSubstr("a TCP check reads no answer"));
  EXPECT_THAT(record("simple: web, health_check: {search_string: " + std::string(256, 'x') + "}"),
              HasSubstr("256 characters are above 255"));
  const auto check = [](const std::string& settings) {
    return said_of(
        "  www: {route53_record: {simple: web, health_check_id: hc}}\n"
        "  hc: {route53_health_check: " +
            settings +
            "}\n"
            "  other: {route53_health_check: {calculated: {children: [third], health_threshold: "
            "1}}}\n"
            "  third: {route53_health_check: {endpoint: {target: web}}}\n"
            "  alarm: {cloudwatch_alarm: {metrics: [{component: east, metric_name: RequestCount}], "
            "comparison_operator: GreaterThanThreshold, threshold: 1, evaluation_periods: 3, "
            "datapoints_to_alarm: 2}}\n",
        true);
  };
  EXPECT_THAT(check("{calculated: {children: [other], health_threshold: 1}}"),
              HasSubstr("cannot have calculated children"));
  EXPECT_THAT(check("{calculated: {children: [third], health_threshold: 2}}"),
              HasSubstr("never healthy"));
  EXPECT_THAT(check("{cloudwatch_metric: {alarm: alarm}}"),
              HasSubstr("alarm is an M out of N alarm"));
}

TEST(ArcSettings, RunbooksNameWhatIsThere) {
  const auto steps = [](const std::string& step) {
    return said_of(
        "  www: {route53_record: {weighted: [{alias: east, weight: 1}]}}\n"
        "  plain: {route53_record: {alias: east}}\n"
        "  arc: {arc_cluster: {routing_controls: [cell-east]}}\n"
        "  op: {operator: {at: 1min, steps: [{" +
            step + "}]}}\n",
        false);
  };
  EXPECT_THAT(steps("change_records: {name: www, changes: [{record: eats, weight: 1}]}"),
              HasSubstr("no record 'eats', did you mean 'east'?"));
  EXPECT_THAT(steps("change_records: {name: plain, changes: [{weight: 1}]}"),
              HasSubstr("have no weights"));
  EXPECT_THAT(
      steps(
          "update_routing_controls: {cluster: arc, states: [{control: cell-eats, state: 'off'}]}"),
      HasSubstr("did you mean 'cell-east'?"));
  EXPECT_THAT(steps("start_zonal_shift: {resource: east, away_from: us-east-1a, expires_in: 1h}"),
              HasSubstr("east is not enabled for it"));
  EXPECT_THAT(steps("start_zonal_shift: {resource: east, away_from: us-east-1a, expires_in: 73h}"),
              HasSubstr("72h"));
}

TEST(ArcSettings, ReadinessChecksWarnWhereCellsDiffer) {
  const auto check = [](const std::string& size) {
    return said_of(
        "  www: {route53_record: {alias: east}}\n"
        "  standby: {auto_scaling_group: {size: " +
            size +
            ", region: eu-west-1}}\n"
            "  ready: {arc_readiness_check: {resources: [asg, standby]}}\n",
        true);
  };
  EXPECT_THAT(check("2"), AllOf(HasSubstr("not ready: standby.size is 2, asg.size is 6")));
  EXPECT_THAT(check("6"), Not(HasSubstr("not ready")));
}

TEST(ArcSettings, SafetyRulesGuardControlsThatExist) {
  const auto rule = [](const std::string& settings) {
    return said_of(
        "  www: {route53_record: {alias: east}}\n"
        "  arc: {arc_cluster: {routing_controls: [a, b], safety_rules: [{name: r, " +
            settings + "}]}}\n",
        false);
  };
  EXPECT_THAT(rule("asserted_controls: [a, c]"), HasSubstr("no routing control 'c'"));
  EXPECT_THAT(rule("asserted_controls: [a, b], threshold: 3"),
              HasSubstr("3 is above the 2 controls"));
  EXPECT_THAT(rule("gating_controls: [a]"), HasSubstr("target_controls: they are missing"));
  EXPECT_EQ(rule("gating_controls: [a], target_controls: [b]"), "");
}

}  // namespace
}  // namespace windtunnel::test
