#include "models/network/network_load_balancer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/models/nlb_world.hpp"
#include "tests/support/small_run.hpp"
#include "topologies/checks.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Outcome;
using sim::time_zero;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAreArray;

const std::string http = ", health_check: {protocol: http}";

std::vector<Outcome> outcomes(const Machine& machine) {
  std::vector<Outcome> found;
  for (const auto& end : machine.ended) found.push_back(end.outcome);
  return found;
}

// ---- rule 7: a target for each connection

// Rule 7
TEST(NetworkLoadBalancer, Rule7ScaleOutNeverRebalancesOldConnections) {
  NlbWorld world("", 4);
  world.web->registered_at_start = 2;
  std::vector<Machine*> old;
  for (int i = 0; i < 40; ++i) old.push_back(&world.machine({10s, 900s}));
  for (const std::uint32_t target : {2u, 3u}) {
    world.script->at(100s, [&world, target] { world.web->enter(target); });
  }
  for (int i = 0; i < 40; ++i) world.machine({800s});
  // Keeps the old connections from idling out.
  for (Machine* machine : old) {
    for (const Duration date : {300s, 600s}) world.script->at(date, [machine] { machine->call(); });
  }
  world.sim.run();
  EXPECT_EQ(world.chosen_at(900s), world.chosen_at(10s));
  EXPECT_THAT(world.chosen_at(900s), Each(testing::Lt(2u)));
  EXPECT_THAT(world.chosen_at(800s), testing::IsSupersetOf({0u, 1u, 2u, 3u}));
  EXPECT_EQ(world.nlb->metric.opened.value(), 80u);
}

// Rule 7
TEST(NetworkLoadBalancer, Rule7CrossZoneIsOffByDefault) {
  for (const bool on : {false, true}) {
    NlbWorld world(on ? ", cross_zone: true" : "", 2, 2);
    Callable& zone_a = world.zonal(0);
    for (int i = 0; i < 40; ++i) world.machine(zone_a, {10s});
    world.sim.run();
    EXPECT_THAT(world.web->chosen(), Contains(0u));
    EXPECT_EQ(std::ranges::count(world.web->chosen(), 1u) > 0, on);
  }
}

// Rule 7
TEST(NetworkLoadBalancer, Rule7IdleExpiryIsSilentAndTheNextPacketGetsAReset) {
  NlbWorld world;
  Machine& late = world.machine({10s, 360s, 361s});
  Machine& in_time = world.machine({10s, 360s - 1ns, 710s - 2ns});
  world.sim.run();
  EXPECT_THAT(outcomes(late), ElementsAre(Outcome::ok, Outcome::connection_reset, Outcome::ok));
  EXPECT_THAT(outcomes(in_time), Each(Outcome::ok));
  EXPECT_EQ(late.ended[1].at, 360s);  // and nothing before
  EXPECT_EQ(world.nlb->metric.own_resets.value(), 1u);
}

TEST(NetworkLoadBalancer, TheIdleTimeoutIsTheListeners) {
  NlbWorld world(", tcp_idle_timeout: 60s");
  Machine& client = world.machine({10s, 69s, 129s});
  world.sim.run();
  EXPECT_THAT(outcomes(client), ElementsAre(Outcome::ok, Outcome::ok, Outcome::connection_reset));
}

// ---- rule 8: who loses its connections

// Checks every 30 s; the second failure comes 30 to 60 s after the fault. One client waits for an
// answer and is reset; one that is idle hears of it, and its next request goes elsewhere.
TEST(NetworkLoadBalancer, Rule8ConnectionsToAnUnhealthyTargetAreReset) {
  NlbWorld world(http);
  std::vector<Machine*> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(&world.machine({10s, 400s - 100s}));
  Machine& waiting = world.machine({});
  world.script->at(99s, [&] {
    world.web->passes[0] = false;
    world.web->silent = true;
  });
  for (int i = 0; i < 8; ++i) world.machine({100s});
  world.script->at(100s, [&] { waiting.call(); });
  world.script->at(101s, [&] { world.web->silent = false; });
  world.sim.run();
  ASSERT_EQ(world.web->reports.size(), 1u);
  const Duration told = world.web->reports[0].at - time_zero;
  EXPECT_GE(told, 129s);
  EXPECT_LE(told, 159s);
  int reset = 0;
  for (const auto& component : world.sim.components()) {
    const auto* machine = dynamic_cast<const Machine*>(component.get());
    if (machine == nullptr) continue;
    for (const auto& end : machine->ended) {
      if (end.outcome != Outcome::connection_reset) continue;
      EXPECT_EQ(end.at, told);
      ++reset;
    }
  }
  const auto asked_in_vain = world.chosen_at(100s);
  EXPECT_EQ(reset, std::ranges::count(asked_in_vain, 0u));
  EXPECT_GT(reset, 0);
  for (const Machine* client : clients) EXPECT_THAT(outcomes(*client), Each(Outcome::ok));
  EXPECT_THAT(world.chosen_at(300s), Each(1u));
}

TEST(NetworkLoadBalancer, Rule8ResetsOnUnhealthyTargetsCanBeTurnedOff) {
  NlbWorld world(http + ", unhealthy_connection_termination: false");
  for (int i = 0; i < 20; ++i) world.machine({10s, 300s});
  world.script->at(99s, [&] { world.web->passes[0] = false; });
  world.sim.run();
  EXPECT_EQ(world.chosen_at(300s), world.chosen_at(10s));
  EXPECT_EQ(world.nlb->metric.own_resets.value(), 0u);
}

// The delay of 300 s is over at 400 s.
TEST(NetworkLoadBalancer, Rule8DeregistrationDoesNotCloseFlowsUnlessConfigured) {
  for (const bool terminates : {false, true}) {
    NlbWorld world(terminates ? ", deregistration_connection_termination: true" : "");
    for (int i = 0; i < 20; ++i) world.machine({10s, 150s, 390s, 500s});
    for (int i = 0; i < 20; ++i) world.machine({120s});
    world.script->at(100s, [&] { world.web->leave(0); });
    world.sim.run();
    EXPECT_THAT(world.chosen_at(120s), Each(1u));  // no new flows
    EXPECT_EQ(world.chosen_at(390s), world.chosen_at(10s));
    if (terminates) {
      EXPECT_THAT(world.chosen_at(500s), Each(1u));
    } else {
      EXPECT_EQ(world.chosen_at(500s), world.chosen_at(10s));
    }
  }
}

TEST(NetworkLoadBalancer, ATargetThatIsBackBeforeItsDelayIsOverKeepsItsFlows) {
  NlbWorld world(", deregistration_connection_termination: true", 1);
  Machine& client = world.machine({10s, 300s, 500s});
  world.script->at(100s, [&] { world.web->leave(0); });
  world.script->at(200s, [&] { world.web->enter(0); });
  world.sim.run();
  EXPECT_THAT(outcomes(client), Each(Outcome::ok));
  EXPECT_EQ(world.nlb->metric.opened.value(), 1u);
}

// ---- health

// A target is unhealthy for all nodes when most of them found it so.
TEST(NetworkLoadBalancer, NodesAgreeOnATargetsHealthByMajority) {
  NlbWorld world(http, 1, 3);
  world.script->at(100s, [&] { world.web->passes[0] = false; });
  world.sim.run();
  std::vector<std::vector<sim::Time>> failed(3);
  for (const auto& check : world.web->checks) {
    if (check.at >= time_zero + 100s) failed[check.node].push_back(check.at);
  }
  std::vector<sim::Time> second;
  for (const auto& dates : failed) second.push_back(dates.at(1));
  std::ranges::sort(second);
  ASSERT_EQ(world.web->reports.size(), 1u);
  EXPECT_EQ(world.web->reports[0].at, second[1]);
}

// The program answers nothing, but the port is open.
TEST(NetworkLoadBalancer, ATcpCheckPassesOnAProgramThatIsTooBusyToAnswer) {
  NlbWorld busy(""), asked(http);
  for (NlbWorld* world : {&busy, &asked}) {
    world->web->passes = {false, false};
    world->sim.run();
  }
  EXPECT_TRUE(busy.web->reports.empty());
  EXPECT_EQ(asked.web->reports.size(), 2u);
}

TEST(NetworkLoadBalancer, ATcpCheckFailsOnAClosedPort) {
  NlbWorld world;
  world.web->accepts[0] = false;
  world.sim.run();
  ASSERT_EQ(world.web->reports.size(), 1u);
  EXPECT_EQ(world.web->reports[0].target, 0u);
}

TEST(NetworkLoadBalancer, WithoutAHealthyTargetAllGetFlows) {
  NlbWorld world(http);
  world.web->passes = {false, false};
  for (int i = 0; i < 20; ++i) world.machine({200s});
  world.sim.run();
  EXPECT_THAT(world.web->chosen(), testing::IsSupersetOf({0u, 1u}));
  EXPECT_EQ(world.nlb->metric.fail_open.value(), 20u);
}

// Nobody says a word for a target without power; from the reports on nobody is sent there.
TEST(NetworkLoadBalancer, AConnectionToADeadTargetGetsNoAnswer) {
  NlbWorld world("", 1);
  world.script->operate_at(5s, [&] { world.web->lose(0); });
  Machine& client = world.machine({10s});
  world.sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{11100ms, Outcome::connect_timeout, 0}));
}

// ---- zones

TEST(NetworkLoadBalancer, AZoneWithoutAHealthyTargetLeavesDnsUnlessAllAreWithout) {
  NlbWorld world(http, 2, 2);
  world.script->at(99s, [&] { world.web->passes[0] = false; });
  world.script->at(400s, [&] { world.web->passes[1] = false; });
  std::vector<std::size_t> addresses;
  for (const Duration date : {90s, 300s, 700s}) {
    world.script->at(date, [&] {
      sim::Stream chance(1);
      addresses.push_back(world.nlb->resolve({sim::Operation::read, chance}).addresses.size());
    });
  }
  world.sim.run();
  EXPECT_THAT(addresses, ElementsAre(2u, 1u, 2u));
}

TEST(NetworkLoadBalancer, AZoneWithoutTargetsIsNotInDnsAndRefusesConnections) {
  NlbWorld world("", 1, 2);
  Machine& client = world.machine(world.zonal(1), {100s});
  std::size_t addresses = 0;
  world.script->at(100s, [&] {
    sim::Stream chance(1);
    addresses = world.nlb->resolve({sim::Operation::read, chance}).addresses.size();
  });
  world.sim.run();
  EXPECT_EQ(addresses, 1u);
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{100s, Outcome::connect_timeout, 0}));
  EXPECT_EQ(world.nlb->metric.refused.value(), 1u);
}

// Its address is the same when power is back, and knows nothing of old connections.
TEST(NetworkLoadBalancer, AnAddressIsStaticAndForgetsItsConnectionsWithItsPower) {
  NlbWorld world("", 1);
  Machine& client = world.machine({10s, 100s, 130s});
  const sim::HostId node = world.nlb->nodes()[0].host;
  world.script->operate_at(
      50s, [&] { world.sim.platform().lose_hosts({node}, sim::HostLoss::silence); });
  world.script->operate_at(90s, [&] { world.sim.platform().restore_hosts({node}); });
  world.sim.run();
  EXPECT_THAT(outcomes(client), ElementsAre(Outcome::ok, Outcome::connection_reset, Outcome::ok));
}

// ---- protocols, listeners, an ALB behind it

// After 120 s a datagram is a new flow, and finds another target as likely as not.
TEST(NetworkLoadBalancer, UdpFlowsAreNeitherOpenedNorReset) {
  NlbWorld world(", protocol: udp");
  for (int i = 0; i < 20; ++i) world.machine({10s, 100s, 400s});
  world.sim.run();
  EXPECT_EQ(world.chosen_at(100s), world.chosen_at(10s));
  EXPECT_NE(world.chosen_at(400s), world.chosen_at(10s));
  EXPECT_EQ(world.nlb->metric.opened.value(), 40u);
  EXPECT_EQ(world.nlb->metric.own_resets.value(), 0u);
}

const std::string two_groups =
    "web: {ec2_service: {on: web-asg, service_time: 0s, workers: 8}}, web-asg: "
    "{auto_scaling_group: {size: 3}}, db: {ec2_service: {on: db-asg, service_time: 0s}}, db-asg: "
    "{auto_scaling_group: {size: 3}}, ";

TEST(NetworkLoadBalancer, EachListenerHasItsTargetGroupAndItsNames) {
  SmallRun run(small_experiment(
      two_groups +
          "nlb: {network_load_balancer: {listeners: [{targets: web}, {name: mysql, targets: db}]}},"
          "mysql-a: {network_load_balancer_name: {network_load_balancer: nlb, listener: mysql, az: "
          "us-east-1a}}",
      "horizon: 1min"));
  Machine& pages = run.machine("nlb", {10s, 20s});
  Machine& rows = run.machine("mysql-a", {10s, 20s, 30s});
  run.sim.run();
  EXPECT_THAT(outcomes(pages), Each(Outcome::ok));
  EXPECT_THAT(outcomes(rows), Each(Outcome::ok));
  EXPECT_EQ(run.metric("web", "RequestCount"), 2);
  EXPECT_EQ(run.metric("db", "RequestCount"), 3);
  EXPECT_EQ(run.metric("nlb", "NewFlowCount"), 2);
}

TEST(NetworkLoadBalancer, AnAlbBehindItIsCheckedThroughItsListenerAndHasStaticAddresses) {
  SmallRun run(
      small_experiment(two_groups + "alb: {application_load_balancer: {targets: web}}, "
                                    "nlb: {network_load_balancer: {alb: alb}}",
                       "horizon: 10min, faults: [{at: 100s, instance_stop: {target: web}}]"));
  Machine& client = run.machine("nlb", {10s, 20s});
  run.sim.run();
  EXPECT_THAT(outcomes(client), Each(Outcome::ok));
  EXPECT_EQ(run.metric("alb", "RequestCount") > 2, true);  // checks come as requests
  EXPECT_FALSE(run.noted("target alb-node-us-east-1a is unhealthy").empty());
}

// ---- settings

std::string complaints(const std::string& settings, Sayings sayings = Sayings::ERRORS) {
  Diagnostics diagnostics;
  const auto topology = read_topology(
      "regions: {us-east-1: {availability_zones: 3}}\ncomponents:\n  web: {ec2_service: {on: asg, "
      "service_time: 1s}}\n  asg: {auto_scaling_group: {size: 2}}\n  alb: "
      "{application_load_balancer: {targets: web}}\n  nlb: {network_load_balancer: {" +
          settings + "}}\n",
      "t.yaml", {}, diagnostics);
  if (sayings == Sayings::NOTES && topology) check_models(*topology, sayings, diagnostics);
  return diagnostics.print();
}

TEST(NetworkLoadBalancerSettings, TheIdleTimeoutIsOneOfTcpAndBetween60And6000Seconds) {
  EXPECT_THAT(complaints("targets: web, tcp_idle_timeout: 59s"),
              HasSubstr("t.yaml:6:47: nlb.tcp_idle_timeout: 59s is below 60s (NLB guide, Listener "
                        "attributes: tcp.idle_timeout.seconds)"));
  EXPECT_THAT(complaints("targets: web, tcp_idle_timeout: 6001s"), HasSubstr("above 6000s"));
  for (const std::string protocol : {"tls", "udp"}) {
    EXPECT_THAT(complaints("targets: web, tcp_idle_timeout: 60s, protocol: " + protocol),
                HasSubstr("nlb.tcp_idle_timeout: can be set for protocol tcp only"));
  }
}

TEST(NetworkLoadBalancerSettings, AListenerHasTargetsOrAnAlb) {
  EXPECT_THAT(complaints("cross_zone: true"), HasSubstr("nlb: targets is missing"));
  EXPECT_THAT(complaints("targets: web, alb: alb"), HasSubstr("exclude each other"));
  EXPECT_THAT(complaints("alb: web"), HasSubstr("does not provide 'alb'"));
  EXPECT_THAT(complaints("targets: alb"), HasSubstr("does not provide 'targets'"));
  EXPECT_EQ(complaints("alb: alb"), "");
}

TEST(NetworkLoadBalancerSettings, AnAlbIsReachedByTcpAndCheckedByHttp) {
  EXPECT_THAT(complaints("alb: alb, protocol: tls"), HasSubstr("nlb.protocol: an alb stands"));
  EXPECT_THAT(complaints("alb: alb, health_check: {protocol: tcp}"),
              HasSubstr("nlb.health_check.protocol: of an alb is http or https (NLB guide"));
}

TEST(NetworkLoadBalancerSettings, SeveralListenersAreListedAndNamedApart) {
  EXPECT_THAT(complaints("targets: web, listeners: [{targets: web}]"),
              HasSubstr("nlb.targets: belongs to a listener"));
  EXPECT_THAT(complaints("listeners: [{targets: web}, {targets: web}]"),
              HasSubstr("nlb.listeners.1.name: two listeners are named 'web'"));
  EXPECT_THAT(
      complaints("targets: web}}\n  n: {network_load_balancer_name: {network_load_balancer: nlb, "
                 "listener: wab"),
      HasSubstr("n.listener: nlb has no listener 'wab', did you mean 'web'?"));
}

TEST(NetworkLoadBalancerSettings, CheckTellsOfZonesThatCannotHaveATarget) {
  EXPECT_THAT(complaints("targets: web", Sayings::NOTES),
              HasSubstr("nlb.targets: 2 instances in 3 zones with cross_zone off"));
  EXPECT_THAT(complaints("targets: web, cross_zone: true", Sayings::NOTES),
              testing::Not(HasSubstr("cross_zone off")));
}

}  // namespace
}  // namespace windtunnel::test
