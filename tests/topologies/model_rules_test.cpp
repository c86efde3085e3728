// What the rules and instance counts of the models' own schema say.
#include <gtest/gtest.h>

#include "tests/topologies/reading.hpp"

namespace windtunnel {
namespace {

std::string service_time(const std::string& distribution) {
  return said_of_topology("components: {q: {station: {service_time: " + distribution + "}}}\n");
}

TEST(Distributions, OfALognormalHaveAMedianAndA99thPercentileOrAMeanAndACv) {
  const std::string at = "web.yaml:1:43: q.service_time.lognormal: ";
  EXPECT_EQ(service_time("{lognormal: {p50: 1ms, p99: 8ms}}"), "");
  EXPECT_EQ(service_time("{lognormal: {mean: 1ms, cv: 2}}"), "");
  EXPECT_EQ(service_time("{lognormal: {}}"), at + "needs p50 or mean\n");
  EXPECT_EQ(service_time("{lognormal: {p50: 1ms}}"), at + "p50 needs p99 beside it\n");
  EXPECT_EQ(service_time("{lognormal: {mean: 1ms}}"), at + "mean needs cv beside it\n");
  EXPECT_EQ(service_time("{lognormal: {p50: 1ms, p99: 8ms, mean: 2ms, cv: 1}}"),
            at + "p50 and mean exclude each other\n");
}

TEST(Distributions, OfALognormalHaveA99thPercentileAboveTheMedian) {
  EXPECT_EQ(service_time("{lognormal: {p50: 8ms, p99: 8ms}}"),
            "web.yaml:1:55: q.service_time.lognormal.p50: 8ms is not below "
            "p99, 8ms\n");
}

TEST(Distributions, OfAUniformHaveAMinimumUpToTheMaximum) {
  EXPECT_EQ(service_time("{uniform: {min: 1s, max: 1s}}"), "");
  EXPECT_EQ(service_time("{uniform: {min: 2s, max: 1s}}"),
            "web.yaml:1:53: q.service_time.uniform.min: 2s is above max, 1s\n");
}

TEST(HealthChecks, OfALoadBalancerTimeOutBeforeTheNextOne) {
  EXPECT_EQ(
      said(experiment_of(web_components()), {"components.web-alb.health_check={interval: 5s}"}),
      "--set components.web-alb.health_check:1:2: "
      "web-alb.health_check.timeout: 5s is not "
      "below interval, 5s (ALB guide, Target group health checks)\n");
}

TEST(Groups, HaveAMaximumFromTheirSizeOn) {
  EXPECT_EQ(said(experiment_of(web_components()), {"components.web-asg.max_size=5"}),
            "web.yaml:10:36: web-asg.size: 6 is above max_size, 5 (EC2 Auto Scaling "
            "API, "
            "MaxSize)\n");
}

TEST(Instances, OfAGroupBoundTheCountOfAFault) {
  EXPECT_EQ(
      said(experiment_of(web_components(), "[{at: 1s, instance_stop: {target: web, count: 7}}]")),
      "web.yaml:3:48: faults.0.instance_stop.count: 7 is above 6, the "
      "instances of web\n");
}

TEST(Instances, OfADatabaseAreTheWriterAndItsReaders) {
  EXPECT_EQ(findings("regions: {us-east-1: {}}\ncomponents:\n"
                     "  users: {client: {target: db, open: {poisson: 1/s}}}\n"
                     "  db: {aurora_cluster: {readers: 0, writer_az: us-east-1b}}\n"),
            "web.yaml:1:11: warning: us-east-1b: single point of failure: without "
            "this zone no "
            "client reaches db (only there: db)\n"
            "web.yaml:4:3: warning: db: single point of failure: the clients depend "
            "on it, and it "
            "is one instance, in us-east-1b\n");
}

TEST(Instances, ThatAreAloneAreSinglePointsOfFailure) {
  EXPECT_EQ(findings("components:\n"
                     "  users: {client: {target: a, open: {poisson: 1/s}}}\n"
                     "  a: {station: {service_time: 1ms, servers: 2, next: b}}\n"
                     "  b: {station: {service_time: 1ms}}\n"),
            "web.yaml:3:3: note: a: every path from the clients to b passes through "
            "it; it is "
            "bound to no zone\n"
            "web.yaml:4:3: warning: b: single point of failure: the clients depend "
            "on it, and it "
            "is one instance\n");
}

}  // namespace
}  // namespace windtunnel
