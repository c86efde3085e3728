#include "experiments/faults.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/database/aurora_cluster.hpp"
#include "tests/support/small_run.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::HostId;
using sim::Outcome;
using sim::time_zero;
using testing::ElementsAre;

// An instance in each of three zones, a second of work for each request.
std::string world(const std::string& faults, const std::string& more = "") {
  return small_experiment(
      more + "web: {ec2_service: {on: asg, service_time: 1s, workers: 100, vcpus: 100}}, " +
          group("size: 3"),
      "horizon: 100s, faults: [" + faults + "]");
}
// A textbook queue that answers after 10 ms.
std::string queue(const std::string& load, const std::string& faults) {
  return small_experiment(
      client("queue", load) + ", queue: {station: {servers: 1000, service_time: 10ms}}",
      "horizon: 100s, faults: [" + faults + "]");
}

std::vector<Duration> latencies(const Machine& machine, std::vector<Duration> called) {
  for (std::size_t i = 0; i < called.size(); ++i) called[i] = machine.ended.at(i).at - called[i];
  return called;
}

// Hears of power in zones.
struct Listener final : sim::Component {
  using Component::Component;
  void on_zone_lost(sim::ZoneId zone) override { heard.emplace_back(sim().now(), zone, false); }
  void on_zone_restored(sim::ZoneId zone) override { heard.emplace_back(sim().now(), zone, true); }
  std::vector<std::tuple<sim::Time, sim::ZoneId, bool>> heard;
};

// ---- az_power_loss

// Whoever hears first sees all of it: one fault is one operation.
TEST(AzPowerLoss, AllHostsAndLinksOfTheZoneGoOffInOneOperation) {
  SmallRun run(world("{at: 10s, az_power_loss: us-east-1a}"));
  sim::Platform& platform = run.sim.platform();
  platform.add_host("probe", 0, &run.script, 0);
  std::size_t heard = 0;
  run.script.host_lost = [&](std::uint32_t, sim::HostLoss loss) {
    ++heard;
    EXPECT_EQ(run.sim.now(), time_zero + 10s);
    EXPECT_EQ(loss, sim::HostLoss::silence);
    EXPECT_TRUE(run.sim.network().cut_off(0));
    for (HostId id = 0; id < platform.hosts(); ++id) {
      EXPECT_EQ(platform.up(id), platform.host(id).zone != 0) << platform.host(id).name;
    }
  };
  run.sim.run();
  EXPECT_EQ(heard, 1u);
}

// The request of 5 s is in work at 8 s: nobody says so, the caller's timeout tells.
TEST(AzPowerLoss, CallsTheyWereServingVanishInSilence) {
  SmallRun run(small_experiment(client("web", "open: {deterministic: 0.1/s}, timeout: 5s") +
                                    ", web: {ec2_service: {on: asg, service_time: 6s}}, " +
                                    group("size: 1, availability_zones: [us-east-1a]"),
                                "horizon: 14s, faults: [{at: 8s, az_power_loss: us-east-1a}]"));
  run.sim.run();  // it comes at 5 s
  EXPECT_EQ(run.metric("web", "LostRequests"), 1);
  EXPECT_EQ(run.metric("users", "Timeouts"), 1);
  EXPECT_NEAR(run.metric("users", "RequestLatency", "mean"), 5, 0.05);
}

// Half of the machines hold a connection to the dead node or would begin with its address: one
// request of theirs waits for the connect timeout. All targets are in the other zone.
TEST(AzPowerLoss, ClientsTryTheLoadBalancersNextAddressWithinTheSameAttempt) {
  SmallRun run(small_experiment(
      "users: {client: {target: alb, hosts: 20, network: 0s, dns_lookup: 0s, idle_timeout: 0s, "
      "timeout: 5s, open: {deterministic: 10/s}}}, "
      "alb: {application_load_balancer: {targets: web}}, "
      "web: {ec2_service: {on: asg, service_time: 10ms}}, " +
          group("size: 2, availability_zones: [us-east-1b]"),
      "horizon: 100s, faults: [{at: 10s, az_power_loss: us-east-1a}]", 2));
  run.sim.run();
  EXPECT_EQ(run.metric("users", "Attempts"), run.metric("users", "Requests"));
  EXPECT_EQ(run.metric("users", "Failed"), 0);
  // Waiting for the first address and 10 ms of work.
  EXPECT_NEAR(run.metric("users", "RequestLatency", "max"), 1.11, 1e-6);
  EXPECT_THAT(run.noted("the address in us-east-1a leaves DNS"), ElementsAre(40s));
}

TEST(AzPowerLoss, AWriterInTheZoneFailsOverAndReturnsAsAReader) {
  SmallRun run(small_experiment(
      client("db", "writes: 100%, open: {deterministic: 10/s}, timeout: 1s") +
          ", db: {aurora_cluster: {readers: 1, writer_az: us-east-1a}}",
      "horizon: 10min, faults: [{at: 1min, lasting: 5min, az_power_loss: us-east-1a}]"));
  auto& db = run.find<AuroraCluster>("db");
  const std::uint32_t old_writer = db.writer();
  run.sim.run();
  EXPECT_NE(db.writer(), old_writer);
  EXPECT_TRUE(db.takes_writes());
  EXPECT_EQ(db.running_nodes().size(), 2u);
  EXPECT_EQ(run.sim.log().writes.at(0).lost, 0u);
}

TEST(AzPowerLoss, PowerIsBackWhenTheLastOfTwoLossesEnds) {
  SmallRun run(
      world("{at: 10s, lasting: 20s, az_power_loss: us-east-1a}, "
            "{at: 15s, lasting: 35s, az_power_loss: us-east-1a}"));
  auto& listener =
      static_cast<Listener&>(run.sim.add(std::make_unique<Listener>(run.sim, "listener")));
  const HostId host = run.find<Fleet>("asg").instance_host(0);
  std::vector<bool> up;
  for (const Duration date : {9s, 29s, 49s, 51s}) {
    run.script.at(
        date, [&] { up.push_back(run.sim.platform().up(host) && !run.sim.network().cut_off(0)); });
  }
  run.sim.run();
  EXPECT_THAT(up, ElementsAre(true, false, false, true));
  EXPECT_THAT(listener.heard, ElementsAre(std::tuple(time_zero + 10s, 0, false),
                                          std::tuple(time_zero + 50s, 0, true)));
}

// ---- region_power_loss

TEST(RegionPowerLoss, AllItsZonesGoOffAtOnceAndComeBackTogether) {
  SmallRun run(world("{at: 10s, lasting: 30s, region_power_loss: us-east-1}"));
  auto& listener =
      static_cast<Listener&>(run.sim.add(std::make_unique<Listener>(run.sim, "listener")));
  run.sim.platform().add_host("probe", 0, &run.script, 0);
  std::size_t up = 99;
  run.script.host_lost = [&](std::uint32_t, sim::HostLoss) {
    up = 0;
    for (HostId id = 0; id < run.sim.platform().hosts(); ++id) up += run.sim.platform().up(id);
  };
  run.sim.run();
  EXPECT_EQ(up, 0u);
  const auto at = [](Duration date) { return time_zero + date; };
  EXPECT_THAT(listener.heard,
              ElementsAre(std::tuple{at(10s), 0, false}, std::tuple{at(10s), 1, false},
                          std::tuple{at(10s), 2, false}, std::tuple{at(40s), 0, true},
                          std::tuple{at(40s), 1, true}, std::tuple{at(40s), 2, true}));
}

// Whoever would take them out of DNS is gone, too.
TEST(RegionPowerLoss, ALoadBalancersNameKeepsItsAddresses) {
  SmallRun run(world("{at: 10s, region_power_loss: us-east-1}",
                     "alb: {application_load_balancer: {targets: web}}, "));
  std::size_t addresses = 0;
  run.script.at(99s, [&] {
    sim::Stream chance(1);
    addresses = run.find<Callable>("alb").resolve({sim::Operation::read, chance}).addresses.size();
  });
  run.sim.run();
  EXPECT_EQ(addresses, 3u);
}

// ---- instances

TEST(InstanceStop, ConnectionsAreReset) {
  SmallRun run(world("{at: 10s, instance_stop: asg}"));
  const Machine& caller = run.machine("web", {9500ms});
  run.sim.run();
  ASSERT_EQ(caller.ended.size(), 1u);
  EXPECT_EQ(caller.ended[0].at, 10s);
  EXPECT_EQ(caller.ended[0].outcome, Outcome::connection_reset);
}

TEST(InstanceCrash, TheInstancesFallSilent) {
  SmallRun run(world("{at: 10s, instance_crash: asg}"));
  const Machine& caller = run.machine("web", {9500ms}, 20s);
  run.sim.run();
  ASSERT_EQ(caller.ended.size(), 1u);
  EXPECT_EQ(caller.ended[0].at, 29500ms);
  EXPECT_EQ(caller.ended[0].outcome, Outcome::timeout);
}

// Of six instances in three zones.
std::size_t instances_hit(const std::string& target) {
  SmallRun run(small_experiment(
      "web: {ec2_service: {on: asg, service_time: 1s}}, " + group("size: 6"),
      "horizon: 12s, faults: [{at: 11s, instance_crash: {target: asg" + target + "}}]"));
  run.sim.run();
  return 6 - run.find<sim::Component>("asg").running_nodes().size();
}

TEST(InstanceFaults, HitAllInstancesOrAShareOrACountOrThoseOfAZone) {
  EXPECT_EQ(instances_hit(""), 6u);
  EXPECT_EQ(instances_hit(", share: 50%"), 3u);
  EXPECT_EQ(instances_hit(", share: 1%"), 1u);  // at least one
  EXPECT_EQ(instances_hit(", count: 4"), 4u);
  EXPECT_EQ(instances_hit(", az: us-east-1c"), 2u);
  EXPECT_EQ(instances_hit(", az: us-east-1c, count: 1"), 1u);
}

// Crashed from 10 s to 30 s, without power from 20 s to 40 s; 7 s of boot.
TEST(InstanceFaults, AnInstanceIsDownUntilTheLastCauseHasGone) {
  SmallRun run(
      world("{at: 10s, lasting: 20s, instance_crash: {target: asg, az: us-east-1a}}, "
            "{at: 20s, lasting: 20s, az_power_loss: us-east-1a}"));
  run.sim.run();
  EXPECT_THAT(run.noted("has booted again"), ElementsAre(47s));
}

// ---- network

// The machine lives in us-east-1a too: it goes on. Users outside don't get through, from 10 s to
// 30 s; nothing has failed in the zone, so nothing is replaced.
TEST(NetworkPartition, TheZoneRunsOnButNothingPassesBetweenItAndTheRest) {
  SmallRun run(small_experiment(
      client("web", "open: {deterministic: 1/s}, timeout: 500ms, idle_timeout: 0s") +
          ", web: {ec2_service: {on: asg, service_time: 10ms}}, " +
          group("size: 1, availability_zones: [us-east-1a]"),
      "horizon: 100s, faults: [{at: 10s, lasting: 20s, network_partition: us-east-1a}]"));
  const Machine& inside = run.machine("web", {9s, 20s, 40s});
  run.sim.run();
  EXPECT_THAT(latencies(inside, {9s, 20s, 40s}), ElementsAre(10ms, 10ms, 10ms));
  EXPECT_EQ(run.metric("users", "Failed"), 20);  // 10.5 ... 29.5 s
  EXPECT_EQ(run.metric("users", "Succeeded"), 80);
  EXPECT_EQ(run.metric("asg", "Replacements"), 0);
}

// 100 ms each way, then 300 ms; the connection is there.
// Rule 38: users reach the primary, 14 of 16 checkers do not; so all are sent to the secondary.
TEST(NetworkPartition, FromSomePlacesIsFeltThereAlone) {
  SmallRun run(small_experiment(
      "users: {client: {target: www, open: {deterministic: 2/s}, hosts: 1, idle_timeout: 0s, "
      "network: 1ms, timeout: 1s}}, east: {ec2_service: {on: asg, service_time: 1ms}}, " +
          group("size: 1") +
          ", west: {station: {service_time: 1ms}}, www: {route53_record: {ttl: 0s, failover: "
          "{primary: {value: east, health_check: {interval: 10s}}, secondary: west}}}",
      "horizon: 300s, faults: [{at: 60s, lasting: 120s, network_partition: {target: us-east-1, "
      "from: [us-west-1, us-west-2, eu-west-1, ap-southeast-1, ap-southeast-2, ap-northeast-1, "
      "sa-east-1]}}]"));
  run.sim.run();
  EXPECT_THAT(run.noted("is cut off from us-west-1, us-west-2, eu-west-1, "),
              ElementsAre(60s, 180s));
  const auto down = run.noted("unhealthy");
  ASSERT_EQ(down.size(), 1u);
  EXPECT_GT(down[0], 80s);
  EXPECT_LT(down[0], 110s);
  EXPECT_GT(run.metric("west", "Completions"), 100);
  EXPECT_EQ(run.metric("users", "Failed"), 0);
}

TEST(Slow, MultipliesAZonesNetworkTimes) {
  SmallRun run(small_experiment(
      "users: {client: {target: web, hosts: 1, network: 100ms, dns_lookup: 0s, open: "
      "{deterministic: 0.05/s}}}, web: {ec2_service: {on: asg, service_time: 10ms}}, " +
          group("size: 1, availability_zones: [us-east-1a]"),
      "horizon: 49s, faults: [{at: 20s, slow: {target: us-east-1a, factor: 3}}]"));
  run.sim.run();  // requests at 10 s (with a round trip for the connection) and at 30 s
  EXPECT_NEAR(run.metric("users", "RequestLatency", "mean"), (0.41 + 0.61) / 2, 0.005);
}

// A message is delayed by at least 200 ms if its first packet is lost: a quarter of the requests
// have both messages through at once.
TEST(PacketLoss, LostPacketsAreSentAgainAfter200Milliseconds) {
  SmallRun run(small_experiment(
      client("web", "open: {deterministic: 50/s}, timeout: 0s") +
          ", web: {ec2_service: {on: asg, service_time: 0s, workers: 100, vcpus: 100}}, " +
          group("size: 1, availability_zones: [us-east-1a]"),
      "horizon: 100s, faults: [{at: 1s, packet_loss: {target: us-east-1a, share: 50%}}]"));
  run.sim.run();
  EXPECT_EQ(run.metric("users", "Failed"), 0);
  EXPECT_GE(run.metric("users", "RequestLatency", "p50"), 0.19);
}

// ---- components

TEST(Slow, FactorsOfOverlappingFaultsMultiply) {
  SmallRun run(
      world("{at: 10s, lasting: 30s, slow: {target: web, factor: 2}}, "
            "{at: 20s, lasting: 40s, slow: {target: web, factor: 3}}"));
  const Machine& caller = run.machine("web", {5s, 15s, 25s, 45s, 65s});
  run.sim.run();
  EXPECT_THAT(latencies(caller, {5s, 15s, 25s, 45s, 65s}), ElementsAre(1s, 2s, 6s, 3s, 1s));
}

// 1 - 0.5 x 0.5 of 10,000 requests.
TEST(Errors, SharesOfOverlappingFaultsMultiply) {
  SmallRun run(queue("open: {deterministic: 100/s}, timeout: 0s",
                     "{at: 0s, errors: {target: queue, share: 50%}}, "
                     "{at: 0s, errors: {target: queue, share: 50%}}"));
  run.sim.run();
  EXPECT_NEAR(run.metric("users", "Failed"), 7500, 4.5 * std::sqrt(10'000 * 0.75 * 0.25));
}

TEST(Errors, AreOverAtTheirEnd) {
  SmallRun run(queue("open: {deterministic: 10/s}",
                     "{at: 10s, lasting: 20s, errors: {target: queue, share: 100%}}"));
  run.sim.run();
  EXPECT_EQ(run.metric("users", "Failed"), 200);
}

// ---- the log

TEST(Faults, AreToldWhenTheyStrikeAndWhenTheyEnd) {
  SmallRun run(world("{at: 10s, lasting: 20s, az_power_loss: us-east-1a}"));
  run.sim.run();
  const auto& events = run.sim.log().events;
  ASSERT_GE(events.size(), 2u);
  EXPECT_EQ(events.front().component, "us-east-1a");
  EXPECT_THAT(events.front().text, testing::StartsWith("loses power"));
  EXPECT_EQ(run.sim.log().first_fault, time_zero + 10s);
  const auto repair = std::find_if(events.begin(), events.end(), [](const auto& event) {
    return event.milestone == sim::Milestone::repair;
  });
  ASSERT_NE(repair, events.end());
  EXPECT_EQ(repair->component, "us-east-1a");
  EXPECT_EQ(repair->at, time_zero + 30s);
}

TEST(Faults, DescribeThemselves) {
  settings::Fault fault;
  fault.mutable_instance_stop()->set_target("asg");
  fault.mutable_instance_stop()->set_count(2);
  fault.mutable_instance_stop()->set_az("us-east-1a");
  EXPECT_EQ(experiments::FaultInjector::describe(fault),
            "asg has 2 instances in us-east-1a stopped");
}

}  // namespace
}  // namespace windtunnel::test
