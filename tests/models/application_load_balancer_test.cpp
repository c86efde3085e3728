#include "models/network/application_load_balancer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/models/alb_world.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Outcome;
using sim::time_zero;
using testing::Each;
using testing::ElementsAre;
using testing::Field;

// ---- rule 1: nodes share nothing

TEST(ApplicationLoadBalancer, Rule1EachNodeHasItsOwnRoundRobin) {
  AlbWorld world("", 3, 2);
  NodeName a(*world.alb, 0), b(*world.alb, 1);
  Machine &via_a = world.machine(a), &via_b = world.machine(b);
  for (int i = 0; i < 3; ++i) {
    world.call_at(via_a, {i * 1s + 1s});
    world.call_at(via_b, {i * 1s + 1s + 1ms});
  }
  world.sim.run();
  EXPECT_THAT(world.web->chosen(), ElementsAre(0, 0, 1, 1, 2, 2));
}

TEST(ApplicationLoadBalancer, Rule1EachNodeCountsItsOwnOutstandingRequests) {
  AlbWorld world(", algorithm: least_outstanding_requests", 2, 2);
  world.web->service_time = 1min;
  NodeName a(*world.alb, 0), b(*world.alb, 1);
  Machine &via_a = world.machine(a), &via_b = world.machine(b);
  world.call_at(via_a, {1s, 2s, 3s, 4s});  // two on each target, as this node sees it
  world.call_at(via_b, {5s, 6s});          // and one on each as this one does
  world.sim.run();
  const auto chosen = world.web->chosen();
  EXPECT_NE(chosen[0], chosen[1]);
  EXPECT_NE(chosen[2], chosen[3]);
  EXPECT_NE(chosen[4], chosen[5]);
}

// Checks = nodes x targets / interval: 2 x 3 x 7200 s / 30 s.
TEST(ApplicationLoadBalancer, Rule1EachNodeChecksEveryTarget) {
  AlbWorld world("", 3, 2);
  world.sim.run();
  EXPECT_EQ(world.alb->checks.sent.value(), 1440u);
  for (std::uint32_t node = 0; node < 2; ++node) {
    for (std::uint32_t target = 0; target < 3; ++target) {
      EXPECT_EQ(std::count_if(world.web->checks.begin(), world.web->checks.end(),
                              [&](const auto& check) {
                                return check.node == node && check.target == target;
                              }),
                240);
    }
  }
}

// ---- rule 2: how long health takes (interval 30 s, timeout 5 s, 2 failures, 5 passes)

// A target that changes just after or just before its third check.
struct HealthDates {
  Duration lost{}, told{}, restored{}, healed{};
};
HealthDates health_dates(bool after_check) {
  AlbWorld world;
  HealthDates dates;
  StubTargets& web = *world.web;
  const auto strike = [&] {
    dates.lost = world.sim.now() - time_zero;
    web.lose(0);
  };
  // 9 checks fall into the outage of 270 s; the next comes 30 s after the last of them.
  const auto mend = [&] {
    dates.restored = world.sim.now() - time_zero;
    web.restore(0);
  };
  web.checked = [&] {
    if (web.checks.size() != 3) return;
    const Duration check = world.sim.now() - time_zero;
    const Duration offset = after_check ? 1ns : 30s - 1ns;
    world.script->operate_at(check + offset, strike);
    world.script->operate_at(check + offset + 270s, mend);
  };
  world.sim.run();
  EXPECT_EQ(web.reports.size(), 2u);
  dates.told = web.reports.at(0).at - time_zero;
  dates.healed = web.reports.at(1).at - time_zero;
  return dates;
}

// Just after a check: the next at +30 s fails at +35 s, the second at +65 s.
TEST(ApplicationLoadBalancer, Rule2DetectionTakesAtMost65Seconds) {
  const HealthDates dates = health_dates(true);
  EXPECT_EQ(dates.told - dates.lost, 65s - 1ns);
}

// Just before a check: it fails after 5 s, the second 30 s later.
TEST(ApplicationLoadBalancer, Rule2DetectionTakesAtLeast35Seconds) {
  const HealthDates dates = health_dates(false);
  EXPECT_EQ(dates.told - dates.lost, 35s + 1ns);
}

TEST(ApplicationLoadBalancer, Rule2RecoveryTakesFourToFiveIntervals) {
  const HealthDates just_after = health_dates(true), just_before = health_dates(false);
  EXPECT_EQ(just_after.healed - just_after.restored, 150s - 1ns);
  EXPECT_EQ(just_before.healed - just_before.restored, 120s + 1ns);
}

TEST(ApplicationLoadBalancer, Rule2ANewTargetNeedsOnePass) {
  AlbWorld world(", target_registration: 2s");
  world.web->registered_at_start = 0;
  world.script->at(100s, [&] { world.web->enter(0); });
  world.sim.run();
  ASSERT_EQ(world.web->reports.size(), 1u);
  EXPECT_TRUE(world.web->reports[0].healthy);
  EXPECT_EQ(world.web->reports[0].at, world.web->checks.at(0).at);
  const Duration first_check = world.web->checks[0].at - time_zero - 100s;
  EXPECT_GE(first_check, 2s);
  EXPECT_LE(first_check, 32s);
}

TEST(ApplicationLoadBalancer, AnErrorFailsACheckAtOnceAndNotAtTheTimeout) {
  AlbWorld world;
  world.web->passes[0] = false;
  world.sim.run();
  ASSERT_EQ(world.web->reports.size(), 1u);
  EXPECT_EQ(world.web->reports[0].at, world.web->checks.at(1).at);
}

TEST(ApplicationLoadBalancer, ATargetThatLeftIsCheckedNoMore) {
  AlbWorld world;
  world.script->at(100s, [&] { world.web->leave(0); });
  world.sim.run();
  for (const auto& check : world.web->checks) EXPECT_LT(check.at, time_zero + 100s);
}

// ---- rule 3: fail open

TEST(ApplicationLoadBalancer, Rule3AnUnhealthyTargetGetsNoTrafficWhileAnotherIsHealthy) {
  AlbWorld world("", 2);
  world.web->passes[0] = false;
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {100s, 101s, 102s});
  world.sim.run();
  EXPECT_THAT(world.web->chosen(), Each(1u));
}

TEST(ApplicationLoadBalancer, Rule3AllUnhealthyTargetsGetTrafficAndNot503) {
  AlbWorld world("", 2);
  world.web->passes = {false, false};
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {100s, 101s, 102s, 103s});
  world.sim.run();
  EXPECT_THAT(world.web->chosen(), testing::UnorderedElementsAre(0, 1, 0, 1));
  EXPECT_THAT(client.ended, Each(Field(&Machine::End::outcome, Outcome::ok)));
  EXPECT_EQ(world.alb->metric.fail_open.value(), 4u);
  EXPECT_EQ(world.alb->metric.elb_503.value(), 0u);
}

TEST(ApplicationLoadBalancer, Rule3OnlyWithoutRegisteredTargetsItAnswers503) {
  AlbWorld world;
  world.script->at(10s, [&] { world.web->leave(0); });
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {20s});
  world.sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{20s, Outcome::unavailable, 0}));
  EXPECT_EQ(world.alb->metric.elb_503.value(), 1u);
  EXPECT_EQ(world.alb->metric.requests.value(), 0u);  // no target was chosen
}

// ---- rule 4: DNS moves new clients only

// The name points elsewhere from 100 s on. Who keeps a connection busy stays for 3,600 s; a new
// client goes elsewhere at once, one that asked before and opens a new connection after its TTL.
TEST(ApplicationLoadBalancer, Rule4ABusyClientStaysForItsKeepAliveAfterDnsHasMoved) {
  AlbWorld world;
  ApplicationLoadBalancer& other = world.balancer("other", "");
  struct Name : Callable {
    Resolution resolve(const Query& query) override { return to->resolve(query); }
    Callable* to = nullptr;
  } name;
  name.to = world.alb;
  world.script->at(100s, [&] { name.to = &other; });
  Machine& busy = world.machine(name);
  for (int i = 0; i < 200; ++i) world.call_at(busy, {i * 30s});
  world.sim.run();
  // Requests at 0, 30, ... 3570 s on the first connection, the other 80 on the next.
  EXPECT_EQ(world.alb->metric.requests.value(), 120u);
  EXPECT_EQ(other.metric.requests.value(), 80u);
}

TEST(ApplicationLoadBalancer, Rule4ItsNameIsKeptForSixtySeconds) {
  AlbWorld world;
  sim::Stream chance;
  Resolution answer;
  world.script->at(1s, [&] { answer = world.alb->resolve({sim::Operation::read, chance}); });
  world.sim.run();
  EXPECT_EQ(answer.ttl, 60s);
  EXPECT_EQ(answer.connection_lifetime, 3600s);
}

// ---- rule 5: errors

TEST(ApplicationLoadBalancer, Rule5ATargetThatDoesNotConnectIn10SecondsIsA504) {
  AlbWorld world;
  world.script->operate_at(1s, [&] { world.web->lose(0); });
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {2s});
  world.sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{12s, Outcome::gateway_timeout, 0}));
  EXPECT_EQ(world.alb->metric.elb_504.value(), 1u);
  EXPECT_EQ(world.alb->metric.connection_errors.value(), 1u);
}

TEST(ApplicationLoadBalancer, Rule5ATargetSilentForTheIdleTimeoutIsA504) {
  AlbWorld world;
  world.web->silent = true;
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {2s});
  world.sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{62s, Outcome::gateway_timeout, 0}));
  EXPECT_EQ(world.alb->metric.connection_errors.value(), 0u);
}

// With a connection from before the loss there is nothing to connect: the idle timeout it is.
TEST(ApplicationLoadBalancer, Rule5ALostTargetOnAnOpenConnectionIsA504AfterTheIdleTimeout) {
  AlbWorld world;
  world.script->operate_at(1s, [&] { world.web->lose(0); });
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {0s, 2s});
  world.sim.run();
  EXPECT_EQ(client.ended.back(), (Machine::End{62s, Outcome::gateway_timeout, 0}));
}

TEST(ApplicationLoadBalancer, Rule5AResetConnectionIsA502) {
  AlbWorld world;
  world.web->outcome = Outcome::connection_reset;
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {2s});
  world.sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{2s, Outcome::bad_gateway, 0}));
  EXPECT_EQ(world.alb->metric.elb_502.value(), 1u);
}

TEST(ApplicationLoadBalancer, Rule5AfterA460TheTargetStillDoesTheWork) {
  AlbWorld world;
  world.web->service_time = 5s;
  Machine& client = world.machine(*world.alb, 1s);
  world.call_at(client, {2s});
  world.sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{3s, Outcome::timeout, 0}));
  EXPECT_EQ(world.web->served, 1u);
  EXPECT_EQ(world.alb->metric.elb_460.value(), 1u);
}

TEST(ApplicationLoadBalancer, ErrorsOfTargetsPassThrough) {
  AlbWorld world;
  world.web->outcome = Outcome::error;
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {2s});
  world.sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{2s, Outcome::error, 0}));
  EXPECT_EQ(world.alb->metric.target_5xx.value(), 1u);
}

// ---- rule 6: no queue

TEST(ApplicationLoadBalancer, Rule6ItPassesEverythingOnAtOnceAndQueuesNothing) {
  AlbWorld world;
  world.web->service_time = 1s;
  Machine& client = world.machine(*world.alb);
  for (int i = 0; i < 2000; ++i) world.call_at(client, {2s});  // a classic one holds 1,024
  world.sim.run();
  ASSERT_EQ(world.web->requests.size(), 2000u);
  for (const auto& request : world.web->requests) EXPECT_EQ(request.at, time_zero + 2s);
  EXPECT_EQ(world.alb->metric.elb_503.value(), 0u);
}

TEST(ApplicationLoadBalancer, Rule6ATargetsRefusalReachesTheClientAtOnce) {
  AlbWorld world;
  world.web->outcome = Outcome::overloaded;
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {2s});
  world.sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{2s, Outcome::overloaded, 0}));
}

// ---- capacity (rule 6: what is too much is refused, not queued)

TEST(ApplicationLoadBalancer, Rule6MoreThanItsCapacityIsA503AtOnce) {
  AlbWorld world(", capacity: {initial: 10/s}");
  Machine& client = world.machine(*world.alb);
  for (int i = 0; i < 25; ++i) world.call_at(client, {2s});
  world.sim.run();
  EXPECT_EQ(world.web->requests.size(), 10u);
  EXPECT_EQ(world.alb->metric.elb_503.value(), 15u);
  EXPECT_EQ(world.alb->metric.rejected.value(), 15u);
  for (const auto& end : client.ended) EXPECT_EQ(end.at, 2s);
}

// ---- rule 40: what evaluate target health sees

TEST(ApplicationLoadBalancer, Rule40AnAllUnhealthyOrEmptyTargetGroupIsUnhealthy) {
  AlbWorld world("", 2);
  std::vector<bool> seen;
  const auto look = [&] { seen.push_back(world.alb->healthy()); };
  const auto look_and_set = [&](Duration date, std::vector<bool> passes) {
    world.script->at(date, [&, passes] {
      look();
      world.web->passes = passes;
    });
  };
  look_and_set(1s, {false, true});
  look_and_set(100s, {false, false});
  look_and_set(200s, {true, false});
  world.script->at(400s, [&] {
    look();
    for (std::uint32_t target : {0, 1}) world.web->leave(target);
    look();
  });
  world.sim.run();
  EXPECT_THAT(seen, ElementsAre(true, true, false, true, false));
}

// ---- connections to targets

// 5 ms each way. The first answer is at the load balancer at 1.035 s; the target closes the
// connection 5 s after it sent it, at 6.030 s, and the load balancer knows at 6.035 s. The second
// request is at the load balancer 5 ms after the client sends it.
Machine::End second_request_at(Duration date) {
  AlbWorld world(", target_keep_alive: 5s");
  world.sim.network().set_one_way(0, 0, 5ms);
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {1s, date});
  world.sim.run();
  EXPECT_EQ(world.alb->metric.elb_502.value(),
            client.ended.at(1).outcome == Outcome::bad_gateway ? 1u : 0u);
  return client.ended.at(1);
}

TEST(ApplicationLoadBalancer, Rule5ATargetKeepAliveShorterThanTheIdleTimeoutRacesInto502) {
  EXPECT_EQ(second_request_at(6021ms), (Machine::End{6041ms, Outcome::bad_gateway, 0}));
  EXPECT_EQ(second_request_at(6029ms), (Machine::End{6049ms, Outcome::bad_gateway, 0}));
}

TEST(ApplicationLoadBalancer, BeforeAndAfterTheRaceTheRequestSucceeds) {
  EXPECT_EQ(second_request_at(6019ms), (Machine::End{6039ms, Outcome::ok, 0}));  // it was there
  EXPECT_EQ(second_request_at(6031ms), (Machine::End{6061ms, Outcome::ok, 0}));  // a new one
}

// The client would keep it for longer.
TEST(ApplicationLoadBalancer, AClientsIdleConnectionIsClosedAfterTheIdleTimeout) {
  for (const bool kept : {true, false}) {
    AlbWorld world("", 2, 2);
    Machine& client = world.machine(*world.alb);
    world.call_at(client, {0s});
    // By the time it asks again the TTL is over too, and the name has one address left.
    const Duration again = kept ? 59s : 61s;
    world.call_at(client, {again});
    std::uint32_t first = 0;
    world.script->operate_at(1s, [&] {
      first = client.ended.at(0).node;
      world.sim.platform().lose_hosts({world.alb->nodes()[first].host}, sim::HostLoss::silence);
    });
    world.sim.run();
    ASSERT_EQ(client.ended.size(), 2u);
    if (kept) {
      EXPECT_EQ(client.ended[1].outcome, Outcome::timeout);  // nobody answers there
    } else {
      EXPECT_EQ(client.ended[1].outcome, Outcome::ok);
      EXPECT_NE(client.ended[1].node, first);
    }
  }
}

TEST(ApplicationLoadBalancer, ConnectionsToTargetsAreUsedAgainUntilTheyHaveIdledTooLong) {
  AlbWorld world;
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {0s, 59s, 118s, 178s});  // the last one after 60 s of silence
  world.sim.run();
  EXPECT_EQ(world.alb->metric.new_connections.value(), 2u);
}

TEST(ApplicationLoadBalancer, AResetOfOneConnectionToATargetEndsTheOthers) {
  AlbWorld world;
  world.web->service_time = 1s;
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {1s, 1s, 3s, 5s});  // two connections; at 4 s one is reset
  world.script->at(3500ms, [&] { world.web->outcome = Outcome::connection_reset; });
  world.script->at(4500ms, [&] { world.web->outcome = Outcome::ok; });
  world.sim.run();
  EXPECT_EQ(world.alb->metric.new_connections.value(), 3u);
}

// ---- nodes

TEST(ApplicationLoadBalancer, ADeadNodesAddressLeavesDnsAndANewOneComesBack) {
  AlbWorld world("", 2, 2);
  const auto at = [&](Duration date, auto what) { world.script->operate_at(date, what); };
  const sim::HostId node = world.alb->nodes()[0].host;
  sim::Stream chance;
  std::vector<std::size_t> addresses;
  const auto look = [&] {
    addresses.push_back(world.alb->resolve({sim::Operation::read, chance}).addresses.size());
  };
  const sim::Address old = world.alb->address_of(0);
  at(100s, [&] { world.sim.platform().lose_hosts({node}, sim::HostLoss::silence); });
  world.script->at(129s, look);  // elb_dns_removal is 30 s
  world.script->at(131s, look);
  at(200s, [&] { world.sim.platform().restore_hosts({node}); });
  world.script->at(229s, look);
  world.script->at(231s, look);
  world.sim.run();
  EXPECT_THAT(addresses, ElementsAre(2, 1, 1, 2));
  EXPECT_NE(world.alb->address_of(0), old);
}

TEST(ApplicationLoadBalancer, RequestsInADeadNodesHandsVanishInSilence) {
  AlbWorld world("", 1, 1);
  world.web->service_time = 5s;
  Machine& client = world.machine(*world.alb, 20s);
  world.call_at(client, {1s});
  world.script->operate_at(2s, [&] {
    world.sim.platform().lose_hosts({world.alb->nodes()[0].host}, sim::HostLoss::silence);
  });
  world.sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{21s, Outcome::timeout, 0}));
  EXPECT_EQ(world.web->served, 1u);
  EXPECT_EQ(world.alb->metric.open.value(), 0);
}

// The group hears "unhealthy" from the last node that lives, whoever it is.
TEST(ApplicationLoadBalancer, ADeadNodesGoodOpinionOfATargetCountsNoMore) {
  AlbWorld world("", 1, 2);
  // Node 1 lives in the zone that is cut off from the target's.
  world.script->operate_at(100s, [&] { world.sim.network().set_cut_off(1, true); });
  world.script->operate_at(200s, [&] {
    world.sim.platform().lose_hosts({world.alb->nodes()[0].host}, sim::HostLoss::silence);
  });
  world.sim.run();
  ASSERT_EQ(world.web->reports.size(), 1u);
  EXPECT_EQ(world.web->reports[0].at, time_zero + 200s);
  EXPECT_FALSE(world.web->reports[0].healthy);
}

}  // namespace
}  // namespace windtunnel::test
