// What a load balancer's settings may not say, and where the message stands.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "topologies/checks.hpp"
#include "topologies/load.hpp"

namespace windtunnel::test {
namespace {

using testing::HasSubstr;

constexpr auto head = R"(regions: {us-east-1: {availability_zones: 3}}
components:
  users: {client: {target: alb, open: {poisson: 1/s}}}
  web: {ec2_service: {on: asg, service_time: 1s}}
  api: {ec2_service: {on: asg, service_time: 1s}}
  fn: {lambda_function: {runtime: rust}}
  asg: {auto_scaling_group: {size: 6}}
  alb: {application_load_balancer: {)";

std::string complaints(const std::string& settings) {
  Diagnostics diagnostics;
  read_topology(head + settings + "}}\n", "t.yaml", {}, diagnostics);
  return diagnostics.print();
}

constexpr auto two = "target_groups: [{targets: web}, {targets: api}], default_action: [web, api]";

TEST(LoadBalancerSettings, OneGroupMayBeWrittenInTheLoadBalancerItself) {
  EXPECT_EQ(complaints("targets: web, slow_start: 30s"), "");
  EXPECT_EQ(complaints("target_groups: [{targets: web, slow_start: 30s}]"), "");
  EXPECT_EQ(complaints(two), "");
}

TEST(LoadBalancerSettings, OneWayOfWritingExcludesTheOther) {
  EXPECT_THAT(complaints(fmt::format("targets: web, {}", two)),
              HasSubstr("t.yaml:8:37: alb.targets: belongs to a target group"));
  EXPECT_THAT(complaints(fmt::format("algorithm: weighted_random, {}", two)),
              HasSubstr("alb.algorithm: belongs to a target group"));
}

TEST(LoadBalancerSettings, AGroupHasTargetsOrAFunction) {
  EXPECT_THAT(complaints("idle_timeout: 60s"), HasSubstr("alb: targets is missing"));
  EXPECT_THAT(complaints("target_groups: [{name: a}]"),
              HasSubstr("alb.target_groups.0: targets is missing"));
  EXPECT_THAT(complaints("targets: web, lambda: fn"), HasSubstr("exclude each other"));
  EXPECT_EQ(complaints("lambda: fn"), "");
}

TEST(LoadBalancerSettings, ARuleNamesAGroupThatIsThere) {
  EXPECT_THAT(complaints(fmt::format("{}, rules: [{{path: [/a], forward: [apu]}}]", two)),
              HasSubstr("alb.rules.0.forward.0.target_group: no target group 'apu', "
                        "did you mean 'api'?"));
}

TEST(LoadBalancerSettings, AnActionForwardsToOneToFiveGroupsWithAWeight) {
  const auto rule = [](const std::string& forward) {
    return complaints(fmt::format("{}, rules: [{{path: [/a], forward: {}}}]", two, forward));
  };
  EXPECT_THAT(rule("[]"), HasSubstr("alb.rules.0.forward: is missing"));
  EXPECT_THAT(rule("[{target_group: web, weight: 0}]"), HasSubstr("all weights are 0"));
  EXPECT_THAT(rule("[web, web]"), HasSubstr("'web' stands twice"));
  EXPECT_THAT(rule("[web, api, web, api, web, api]"),
              HasSubstr("6 target groups are above 5 (ALB guide, Quotas)"));
}

TEST(LoadBalancerSettings, ARuleHasAConditionAndNotTooManyValues) {
  EXPECT_THAT(complaints(fmt::format("{}, rules: [{{forward: [web]}}]", two)),
              HasSubstr("alb.rules.0: has no condition"));
  EXPECT_THAT(complaints(fmt::format(
                  "{}{}", two, ", rules: [{path: [/1, /2, /3, /4, /5, /6], forward: [web]}]")),
              HasSubstr("6 condition values are above 5"));
}

TEST(LoadBalancerSettings, SeveralGroupsNeedADefaultActionAndNamesOfTheirOwn) {
  EXPECT_THAT(complaints("target_groups: [{targets: web}, {targets: api}]"),
              HasSubstr("alb: default_action is missing"));
  EXPECT_THAT(complaints("target_groups: [{targets: web}, {targets: web}], default_action: [web]"),
              HasSubstr("alb.target_groups.1.name: two target groups are named 'web'"));
  EXPECT_THAT(complaints("target_groups: [{targets: web}, {targets: api}], default_action: [web]"),
              HasSubstr("no action forwards to 'api'"));
}

TEST(LoadBalancerSettings, SlowStartIsForRoundRobinAndAtLeast30Seconds) {
  EXPECT_THAT(complaints("targets: web, slow_start: 29s"),
              HasSubstr("alb.slow_start: is below 30s (ELB API reference"));
  for (const std::string algorithm : {"least_outstanding_requests", "weighted_random"}) {
    EXPECT_THAT(complaints("targets: web, slow_start: 60s, algorithm: " + algorithm),
                HasSubstr("alb.slow_start: works with algorithm round_robin only (ALB guide"));
  }
}

TEST(LoadBalancerSettings, WeightedRandomExcludesStickinessAndMitigationNeedsIt) {
  EXPECT_THAT(complaints("targets: web, algorithm: weighted_random, stickiness: {}"),
              HasSubstr("alb.stickiness: does not go with algorithm weighted_random"));
  EXPECT_THAT(complaints("targets: web, anomaly_mitigation: {}"),
              HasSubstr("alb.anomaly_mitigation: works with algorithm weighted_random only"));
}

TEST(LoadBalancerSettings, CrossZoneOffExcludesStickinessAndFunctions) {
  EXPECT_THAT(complaints("targets: web, cross_zone: false, stickiness: {}"),
              HasSubstr("alb.stickiness: does not go with cross_zone: false"));
  EXPECT_THAT(complaints("lambda: fn, cross_zone: false"),
              HasSubstr("alb.lambda: does not go with cross_zone: false"));
}

TEST(LoadBalancerSettings, DnsFailoverMayNotComeAfterRoutingFailover) {
  EXPECT_THAT(
      complaints("targets: web, unhealthy_state_routing: {minimum_healthy_targets_count: 3}, "
                 "dns_failover: {minimum_healthy_targets_count: 2}"),
      HasSubstr("is below unhealthy_state_routing.minimum_healthy_targets_count, 3"));
  EXPECT_THAT(
      complaints("targets: web, "
                 "unhealthy_state_routing: {minimum_healthy_targets_percentage: 50%}, "
                 "dns_failover: {minimum_healthy_targets_percentage: 40%}"),
      HasSubstr("is below unhealthy_state_routing.minimum_healthy_targets_percentage, 50%"));
  EXPECT_EQ(complaints("targets: web, unhealthy_state_routing: {minimum_healthy_targets_count: 3}, "
                       "dns_failover: {minimum_healthy_targets_count: 0}"),
            "");
}

TEST(ClientSettings, AClassOfRequestsAtLeastHasAWeight) {
  Diagnostics diagnostics;
  read_topology(
      "components:\n  users: {client: {target: q, open: {poisson: 1/s}, requests: [{path: /a, "
      "weight: 0}]}}\n  q: {station: {service_time: 1s}}\n",
      "t.yaml", {}, diagnostics);
  EXPECT_THAT(diagnostics.print(), HasSubstr("users.requests: all weights are 0"));
}

// Rule 1
TEST(LoadBalancerSettings, Rule1CheckTellsTheLoadOfHealthChecks) {
  Diagnostics diagnostics;
  const auto topology =
      read_topology(std::string(head) + "targets: web}}\n", "t.yaml", {}, diagnostics);
  ASSERT_TRUE(topology.has_value());
  check_models(*topology, Sayings::NOTES, diagnostics);
  EXPECT_THAT(diagnostics.print(),
              HasSubstr("alb.health_check: 3 nodes x 6 targets / 30 s = 0.6 health checks/s; a "
                        "target gets one every 10 s"));
}

}  // namespace
}  // namespace windtunnel::test
