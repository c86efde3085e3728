#include "models/network/elastic_ip.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/small_run.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Outcome;
using testing::ElementsAre;
using testing::HasSubstr;

std::string pair(const std::string& settings, const std::string& standby_zone = "us-east-1b") {
  const auto instance = [](const std::string& name, const std::string& zone) {
    return fmt::format(
        "{0}: {{ec2_service: {{on: {0}-asg, service_time: 0s}}}}, {0}-asg: {{auto_scaling_group: "
        "{{size: 1, availability_zones: [{1}]}}}}, ",
        name, zone);
  };
  return instance("a", "us-east-1a") + instance("b", standby_zone) +
         "eip: {elastic_ip: {primary: a, standby: b" + settings + "}}";
}

const std::string crash = "horizon: 10min, faults: [{at: 65s, instance_crash: {target: a}}]";

// Checks at 70, 80 and 90 s get no answer within 2 s.
TEST(ElasticIp, MovesToTheStandbyAfterDetectionDecisionAndRemap) {
  SmallRun run(small_experiment(pair(", decision: 60s, remap_time: 5s"), crash));
  run.sim.run();
  EXPECT_THAT(run.noted("a is unhealthy"), ElementsAre(92s));
  EXPECT_THAT(run.noted("is detached from a"), ElementsAre(152s));
  EXPECT_THAT(run.noted("is attached to b"), ElementsAre(157s));
  EXPECT_EQ(run.metric("eip", "Remaps"), 1);
}

// The address is the same all the time; only who has a connection must open a new one.
TEST(ElasticIp, OldConnectionsAreResetByTheStandbyAndNewOnesReachIt) {
  SmallRun run(small_experiment(pair(", remap_time: 5s"), crash));
  Machine& idle = run.machine("eip", {10s, 200s, 201s});
  Machine& fresh = run.machine("eip", {150s});
  Machine& early = run.machine("eip", {80s}, 10s);
  run.sim.run();
  const auto outcomes = [](const Machine& machine) {
    std::vector<Outcome> found;
    for (const auto& end : machine.ended) found.push_back(end.outcome);
    return found;
  };
  EXPECT_THAT(outcomes(idle), ElementsAre(Outcome::ok, Outcome::connection_reset, Outcome::ok));
  EXPECT_THAT(outcomes(fresh), ElementsAre(Outcome::ok));
  EXPECT_THAT(outcomes(early), ElementsAre(Outcome::connect_timeout));
  EXPECT_EQ(run.metric("b", "RequestCount"), 2);
}

// The packets that are sent again find the standby, which knows nothing of their connection.
TEST(ElasticIp, ARequestThatWaitsForTheDeadInstanceIsResetByTheMove) {
  SmallRun run(small_experiment(pair(", remap_time: 5s"), crash));
  Machine& waiting = run.machine("eip", {10s, 66s});
  run.sim.run();
  ASSERT_EQ(waiting.ended.size(), 2u);
  EXPECT_EQ(waiting.ended[1].outcome, Outcome::connection_reset);
  EXPECT_EQ(waiting.ended[1].at, 97s);
}

TEST(ElasticIp, StaysWhereItIsWhenTheFirstInstanceIsBack) {
  SmallRun run(small_experiment(
      pair(", remap_time: 5s"),
      "horizon: 20min, faults: [{at: 65s, lasting: 2min, instance_crash: {target: a}}]"));
  run.sim.run();
  EXPECT_EQ(run.metric("eip", "Remaps"), 1);
  EXPECT_EQ(run.noted("a is healthy").size(), 1u);
}

TEST(ElasticIp, WithBothDownItStays) {
  SmallRun run(
      small_experiment(pair(""),
                       "horizon: 3min, faults: [{at: 65s, instance_crash: {target: a}}, {at: 65s, "
                       "instance_crash: {target: b}}]"));
  run.sim.run();
  EXPECT_EQ(run.metric("eip", "Remaps"), 0);
}

TEST(ElasticIpSettings, AnEniStaysInItsZoneAndAnAddressBelongsToOneInstance) {
  const auto complaints = [](const std::string& components) -> std::string {
    try {
      simulation_of(small_experiment(components, "horizon: 1s"));
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(
      complaints(pair(", moves: eni")),
      HasSubstr("eip.standby: lives in us-east-1b, the primary in us-east-1a: an ENI cannot "
                "leave its availability zone (EC2 user guide"));
  EXPECT_EQ(complaints(pair(", moves: eni", "us-east-1a")), "");
  EXPECT_THAT(complaints("a: {ec2_service: {on: a-asg, service_time: 0s}}, a-asg: "
                         "{auto_scaling_group: {size: 2}}, b: {ec2_service: {on: b-asg, "
                         "service_time: 0s}}, b-asg: {auto_scaling_group: {size: 1}}, eip: "
                         "{elastic_ip: {primary: a, standby: b}}"),
              HasSubstr("eip.primary: a has 2 instances; an address belongs to one"));
  EXPECT_THAT(complaints("a: {station: {service_time: 0s}}, eip: {elastic_ip: {primary: a, "
                         "standby: a}}"),
              HasSubstr("eip.standby: a is the primary too"));
}

}  // namespace
}  // namespace windtunnel::test
