#include "models/network/gateway_load_balancer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "models/network/gateway_load_balancer.pb.h"
#include "tests/models/stub_targets.hpp"
#include "tests/support/small_run.hpp"
#include "topologies/load.hpp"

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

// What lies behind: an address in each zone.
class Web final : public sim::Component, public Callable {
 public:
  Web(sim::Simulation& sim, std::string name, std::size_t zones) : Component(sim, std::move(name)) {
    for (std::uint32_t i = 0; i < zones; ++i) {
      const auto zone = static_cast<sim::ZoneId>(i);
      nodes_.push_back({sim.platform().add_host(fmt::format("w{}", i), zone, this, i), 0});
    }
  }
  Resolution resolve(const Query&) override {
    Resolution answer;
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) answer.addresses.push_back(address_of(i));
    answer.ttl = 1min;
    return answer;
  }
  void on_request(sim::Call& call, sim::Handle handle) override {
    requests.push_back(sim().now() - time_zero);
    nodes.push_back(call.callee_node);
    sim().after<&Web::on_served>(service_time, this, handle);
  }
  void on_served(sim::Handle handle) { sim().answer(handle, Outcome::ok); }

  Duration service_time{0};
  std::vector<Duration> requests;
  std::vector<std::uint32_t> nodes;
};

struct GwlbWorld {
  explicit GwlbWorld(const std::string& settings = "", std::uint32_t appliances = 2,
                     std::size_t zones = 1)
      : sim({.horizon = 1h}) {
    for (std::size_t z = 0; z < zones; ++z) {
      sim.network().add_zone(fmt::format("us-east-1{}", static_cast<char>('a' + z)), "us-east-1");
    }
    fw = &add<StubTargets>("fw", spread(appliances, zones));
    web = &add<Web>("web", zones);
    Diagnostics diagnostics;
    const auto read = read_topology(
        fmt::format("{{regions: {{us-east-1: {{availability_zones: {}}}}}, components: {{gwlb: "
                    "{{gateway_load_balancer: {{to: web, targets: fw, target_registration: "
                    "0s{}}}}}, web: {{station: {{service_time: 0s}}}}, fw: {{ec2_service: {{on: "
                    "asg, service_time: 1s}}}}, asg: {{auto_scaling_group: {{size: 1}}}}}}}}",
                    zones, settings),
        "test.yaml", {}, diagnostics);
    if (!read) throw std::runtime_error(diagnostics.print());
    gwlb = &add<GatewayLoadBalancer>(
        "gwlb", static_cast<const settings::GatewayLoadBalancer&>(*read->components[0].settings));
    script = &add_script(sim);
  }

  template <typename T, typename... Arguments>
  T& add(const std::string& name, Arguments&&... arguments) {
    return static_cast<T&>(
        sim.add(std::make_unique<T>(sim, name, std::forward<Arguments>(arguments)...)));
  }
  Machine& machine(std::initializer_list<Duration> dates, Duration timeout = 5s) {
    auto& made = static_cast<Machine&>(sim.add(std::make_unique<Machine>(
        sim, *gwlb, connection, timeout, fmt::format("machine {}", sim.components().size()))));
    for (const Duration date : dates) script->at(date, [&made] { made.call(); });
    return made;
  }
  // Whom the packets met that were sent at `date`, there and back.
  std::vector<std::uint32_t> met_at(Duration date) const {
    std::vector<std::uint32_t> appliances;
    for (const auto& packet : fw->requests) {
      if (packet.at == time_zero + date) appliances.push_back(packet.target);
    }
    return appliances;
  }

  sim::Simulation sim;
  StubTargets* fw;
  Web* web;
  GatewayLoadBalancer* gwlb;
  Script* script;
  Connector::Settings connection{.connect_timeout = 1s, .idle_timeout = sim::horizon_limit};
};

std::vector<Outcome> outcomes(const Machine& machine) {
  std::vector<Outcome> found;
  for (const auto& end : machine.ended) found.push_back(end.outcome);
  return found;
}

// ---- the way

TEST(GatewayLoadBalancer, EveryPacketMakesADetourThereAndBack) {
  GwlbWorld world;
  world.fw->service_time = 10ms;
  world.web->service_time = 100ms;
  Machine& client = world.machine({10s});
  world.sim.run();
  ASSERT_EQ(world.fw->requests.size(), 2u);
  EXPECT_EQ(world.fw->requests[0].target, world.fw->requests[1].target);
  EXPECT_THAT(world.web->requests, ElementsAre(10s + 10ms));
  ASSERT_EQ(client.ended.size(), 1u);
  EXPECT_EQ(client.ended[0].at, 10s + 120ms);
  EXPECT_EQ(world.gwlb->metric.opened.value(), 1u);
}

// One worker, 10 ms a packet: the second request waits for the first one, the answers do not.
TEST(GatewayLoadBalancer, PacketsWaitForABusyAppliance) {
  SmallRun run(small_experiment(
      "web: {ec2_service: {on: web-asg, workers: 8, vcpus: 8, service_time: 100ms}}, web-asg: "
      "{auto_scaling_group: {size: 1}}, fw: {ec2_service: {on: fw-asg, workers: 1, service_time: "
      "10ms}}, fw-asg: {auto_scaling_group: {size: 1}}, gwlb: {gateway_load_balancer: {to: web, "
      "targets: fw}}",
      "horizon: 1min", 1));
  Machine& first = run.machine("gwlb", {10s});
  Machine& second = run.machine("gwlb", {10s});
  run.sim.run();
  ASSERT_EQ(first.ended.size() + second.ended.size(), 2u);
  EXPECT_EQ(first.ended[0].at, 10s + 120ms);
  EXPECT_EQ(second.ended[0].at, 10s + 130ms);
}

TEST(GatewayLoadBalancer, AFlowKeepsToItsApplianceAndFlowsSpread) {
  GwlbWorld world("", 4);
  for (int i = 0; i < 40; ++i) world.machine({10s, 300s});
  world.sim.run();
  EXPECT_EQ(world.met_at(300s), world.met_at(10s));
  EXPECT_THAT(world.met_at(10s), testing::IsSupersetOf({0u, 1u, 2u, 3u}));
}

// The way leads past the endpoint in the zone of the address, and its appliances.
TEST(GatewayLoadBalancer, CrossZoneIsOffByDefault) {
  for (const bool on : {false, true}) {
    GwlbWorld world(on ? ", cross_zone: true" : "", 2, 2);
    for (int i = 0; i < 40; ++i) world.machine({10s});
    world.sim.run();
    EXPECT_THAT(world.web->nodes, Each(0u));
    EXPECT_EQ(std::ranges::count(world.met_at(10s), 1u) > 0, on);
  }
}

// No reset tells the client: it tries the next address when its time is over.
TEST(GatewayLoadBalancer, AZoneWithoutAppliancesDropsPackets) {
  GwlbWorld world("", 2, 2);
  world.script->at(5s, [&] { world.fw->leave(0); });
  Machine& client = world.machine({10s});
  world.sim.run();
  ASSERT_THAT(outcomes(client), ElementsAre(Outcome::ok));
  EXPECT_EQ(client.ended[0].at, 11s);
  EXPECT_THAT(world.web->nodes, ElementsAre(1u));
}

TEST(GatewayLoadBalancer, WhatAnApplianceRefusesIsLostInSilence) {
  GwlbWorld world;
  world.fw->outcome = Outcome::overloaded;
  Machine& client = world.machine({10s});
  world.sim.run();
  EXPECT_THAT(outcomes(client), ElementsAre(Outcome::timeout));
  EXPECT_TRUE(world.web->requests.empty());
}

// ---- appliances that fail or leave

// Checks every 10 s with a limit of 5 s: the second failure comes by 125 s.
TEST(GatewayLoadBalancer, FlowsOfADeadApplianceAreLostUnlessRebalanced) {
  for (const bool rebalances : {false, true}) {
    GwlbWorld world(rebalances ? ", target_failover: rebalance" : "");
    std::vector<Machine*> old;
    for (int i = 0; i < 20; ++i) old.push_back(&world.machine({10s, 200s}));
    for (int i = 0; i < 20; ++i) world.machine({200s});
    world.script->operate_at(100s, [&] { world.fw->lose(0); });
    world.sim.run();
    const auto pinned = std::ranges::count(world.met_at(10s), 0u) / 2;
    ASSERT_GT(pinned, 0);
    const auto lost = std::ranges::count_if(
        old, [](const Machine* it) { return outcomes(*it)[1] == Outcome::timeout; });
    EXPECT_EQ(lost, rebalances ? 0 : pinned);
    EXPECT_THAT(world.met_at(200s), Each(1u));
    EXPECT_EQ(world.met_at(200s).size(), 2u * static_cast<std::size_t>(40 - lost));
  }
}

// A delay of 300 s, from 100 s on.
TEST(GatewayLoadBalancer, FlowsOfAnApplianceThatLeavesMoveAfterItsDelayIfRebalanced) {
  for (const bool rebalances : {false, true}) {
    GwlbWorld world(rebalances ? ", target_failover: rebalance" : "");
    for (int i = 0; i < 20; ++i) world.machine({10s, 150s, 390s, 500s});
    for (int i = 0; i < 20; ++i) world.machine({120s});
    world.script->at(100s, [&] { world.fw->leave(0); });
    world.sim.run();
    EXPECT_THAT(world.met_at(120s), Each(1u));  // no new flows
    EXPECT_EQ(world.met_at(390s), world.met_at(10s));
    if (rebalances) {
      EXPECT_THAT(world.met_at(500s), Each(1u));
    } else {
      EXPECT_EQ(world.met_at(500s), world.met_at(10s));
    }
  }
}

// The same hash over the same appliances leads to the same one; one that is unhealthy is left. The
// client knows nothing of all this.
TEST(GatewayLoadBalancer, OnlyAnIdleFlowBeginsAnew) {
  const std::string http = ", health_check: {protocol: http}";
  for (const bool udp : {false, true}) {
    GwlbWorld world(http + (udp ? ", protocol: udp" : ""));
    for (int i = 0; i < 20; ++i) world.machine({10s, 140s});
    for (int i = 0; i < 20; ++i) world.machine({10s + 1ns, 361s});
    world.script->at(50s, [&] { world.fw->passes[0] = false; });
    world.sim.run();
    EXPECT_THAT(world.met_at(10s), Contains(0u));
    if (udp) {
      EXPECT_THAT(world.met_at(140s), Each(1u));
    } else {
      EXPECT_EQ(world.met_at(140s), world.met_at(10s));
    }
    EXPECT_THAT(world.met_at(361s), Each(1u));
    EXPECT_EQ(world.web->requests.size(), 80u);
  }
  GwlbWorld healthy;
  for (int i = 0; i < 20; ++i) healthy.machine({10s, 1000s});
  healthy.sim.run();
  EXPECT_EQ(healthy.met_at(1000s), healthy.met_at(10s));
}

TEST(GatewayLoadBalancer, WithoutAHealthyApplianceNewFlowsGoToAny) {
  GwlbWorld world(", health_check: {protocol: http}");
  world.fw->passes = {false, false};
  for (int i = 0; i < 20; ++i) world.machine({200s});
  world.sim.run();
  EXPECT_EQ(world.gwlb->metric.fail_open.value(), 20u);
  EXPECT_THAT(world.met_at(200s), testing::IsSupersetOf({0u, 1u}));
  EXPECT_FALSE(world.gwlb->healthy());
}

TEST(GatewayLoadBalancerSettings, OnlyTcpHasAnIdleTimeoutToSet) {
  try {
    simulation_of(small_experiment(
        "web: {station: {service_time: 0s}}, fw: {ec2_service: {on: asg, service_time: 1s}}, asg: "
        "{auto_scaling_group: {size: 3}}, gwlb: {gateway_load_balancer: {to: web, targets: fw, "
        "protocol: udp, tcp_idle_timeout: 60s}}",
        "horizon: 1s"));
    FAIL() << "accepted";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("gwlb.tcp_idle_timeout: can be set for protocol tcp only; "
                                        "it is 120 s for udp (GWLB guide"));
  }
}

}  // namespace
}  // namespace windtunnel::test
