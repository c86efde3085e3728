#include "models/mechanisms/connector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/machine.hpp"
#include "tests/support/scripted.hpp"
#include "tests/support/stub_service.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Outcome;
using sim::Time;
using sim::time_zero;
using test::Machine;
using testing::ElementsAre;

class ConnectorTest : public testing::Test {
 protected:
  ConnectorTest() { sim.network().add_zone("us-east-1a", "us-east-1"); }

  test::StubService& service(std::uint32_t hosts) {
    return static_cast<test::StubService&>(
        sim.add(std::make_unique<test::StubService>(sim, "web", hosts)));
  }
  Machine& machine(Callable& target, Duration timeout = 5s) {
    return static_cast<Machine&>(
        sim.add(std::make_unique<Machine>(sim, target, settings, timeout)));
  }
  void call_at(Machine& machine, std::initializer_list<Duration> dates) {
    for (const Duration date : dates) script.at(date, [&machine] { machine.call(); });
  }
  static std::vector<Duration> dates(const std::vector<Time>& times) {
    std::vector<Duration> since;
    for (const Time time : times) since.push_back(time - time_zero);
    return since;
  }

  sim::Simulation sim{{.horizon = 1h}};
  test::Script& script = test::add_script(sim);
  Connector::Settings settings{.connect_timeout = 1s, .idle_timeout = 1h};
};

TEST_F(ConnectorTest, AsksDnsOncePerTtlAndOnlyForNewConnections) {
  auto& web = service(1);
  web.ttl = 60s;
  settings.idle_timeout = 0s;  // each call opens its own
  auto& client = machine(web);
  call_at(client, {0s, 30s, 59s, 60s, 61s, 119s, 120s});
  sim.run();
  EXPECT_THAT(dates(web.lookups), ElementsAre(0s, 60s, 120s));
}

TEST_F(ConnectorTest, AnOpenConnectionOutlivesTheTtl) {
  auto& web = service(1);
  web.ttl = 5s;
  auto& client = machine(web);
  for (int i = 0; i < 100; ++i) call_at(client, {i * 10s});
  sim.run();
  EXPECT_EQ(web.lookups.size(), 1u);
  EXPECT_EQ(client.ended.size(), 100u);
}

TEST_F(ConnectorTest, ATtlOfZeroAsksForEveryConnection) {
  auto& web = service(1);
  web.ttl = 0s;
  settings.idle_timeout = 0s;
  auto& client = machine(web);
  call_at(client, {0s, 1s, 2s});
  sim.run();
  EXPECT_EQ(web.lookups.size(), 3u);
}

TEST_F(ConnectorTest, ACacheThatKeepsAnswersLongerThanTheirTtlIsHonouredToo) {
  auto& web = service(1);
  web.ttl = 5s;
  settings.idle_timeout = 0s;
  settings.least_dns_ttl = 30s;  // a JVM
  auto& client = machine(web);
  call_at(client, {0s, 10s, 29s, 30s, 59s, 60s});
  sim.run();
  EXPECT_THAT(dates(web.lookups), ElementsAre(0s, 30s, 60s));
}

TEST_F(ConnectorTest, TheLookupTakesItsTime) {
  auto& web = service(1);
  web.ttl = 60s;
  settings.dns_lookup = sim::Distribution::constant(20ms);
  settings.idle_timeout = 0s;
  auto& client = machine(web);
  call_at(client, {0s, 1s, 60s});
  sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{20ms, Outcome::ok, 0},
                                        Machine::End{1s, Outcome::ok, 0},  // cached until 60.02 s
                                        Machine::End{60s, Outcome::ok, 0}));
}

TEST_F(ConnectorTest, TriesTheNextAddressAfterTheConnectTimeoutWithinTheSameAttempt) {
  auto& web = service(3);
  auto& client = machine(web);
  script.operate_at(0s, [&] { web.lose_host(0), web.lose_host(1); });
  call_at(client, {1s, 10s});
  sim.run();
  EXPECT_THAT(client.ended,
              ElementsAre(Machine::End{3s, Outcome::ok, 2}, Machine::End{10s, Outcome::ok, 2}));
}

TEST_F(ConnectorTest, FailsWhenNoAddressAnswered) {
  auto& web = service(2);
  auto& client = machine(web);
  script.operate_at(0s, [&] { web.lose_host(0), web.lose_host(1); });
  call_at(client, {1s, 1500ms});
  sim.run();
  // The second joins the connecting that is under way.
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{3s, Outcome::connect_timeout, 0},
                                        Machine::End{3s, Outcome::connect_timeout, 0}));
}

TEST_F(ConnectorTest, FindsTheServiceAgainWhenItIsBack) {
  auto& web = service(2);
  auto& client = machine(web);
  script.operate_at(0s, [&] { web.lose_host(0), web.lose_host(1); });
  script.operate_at(10s, [&] { web.restore_host(1); });
  call_at(client, {1s, 20s});
  sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{3s, Outcome::connect_timeout, 0},
                                        Machine::End{21s, Outcome::ok, 1}));
}

TEST_F(ConnectorTest, TheAttemptsOwnTimeoutRulesWhileConnecting) {
  auto& web = service(3);
  auto& client = machine(web, 1500ms);
  script.operate_at(0s, [&] { web.lose_host(0), web.lose_host(1); });
  call_at(client, {1s, 4s});
  sim.run();
  // Connecting went on for the next call.
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{2500ms, Outcome::timeout, 0},
                                        Machine::End{4s, Outcome::ok, 2}));
}

TEST_F(ConnectorTest, NoAddressFailsAtOnceAndIsAskedForAgain) {
  auto& web = service(1);
  web.in_dns = false;
  auto& client = machine(web);
  script.at(5s, [&] { web.in_dns = true; });
  call_at(client, {1s, 6s});
  sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{1s, Outcome::connect_timeout, 0},
                                        Machine::End{6s, Outcome::ok, 0}));
}

TEST_F(ConnectorTest, AnIdleConnectionIsOpenedAgain) {
  auto& web = service(1);
  web.ttl = 0s;
  settings.idle_timeout = 10s;
  auto& client = machine(web);
  call_at(client, {0s, 9s, 18s, 28s, 37s});
  sim.run();
  EXPECT_THAT(dates(web.lookups), ElementsAre(0s, 28s));
}

TEST_F(ConnectorTest, AnEndlessIdleTimeoutDoesNotOverflow) {
  auto& web = service(1);
  settings.idle_timeout = sim::forever;
  web.ttl = 0s;
  auto& client = machine(web);
  call_at(client, {1s, 2s, 3s});
  sim.run();
  EXPECT_EQ(web.lookups.size(), 1u);
}

TEST_F(ConnectorTest, TheServerEndsAConnectionAtItsLifetime) {
  auto& web = service(1);
  web.ttl = 0s;
  web.connection_lifetime = 100s;
  auto& client = machine(web);
  for (int i = 0; i < 50; ++i) call_at(client, {i * 5s});
  sim.run();
  EXPECT_THAT(dates(web.lookups), ElementsAre(0s, 100s, 200s));
}

TEST_F(ConnectorTest, ABrokenConnectionIsNoticedOnlyByWhatHappensToCalls) {
  auto& web = service(2);
  web.ttl = 60s;
  auto& client = machine(web);
  script.operate_at(10s, [&] { web.lose_host(0); });
  call_at(client, {0s, 20s, 22s, 30s});
  sim.run();
  // Both calls sent into the dead connection wait for their timeouts; the next one takes the next
  // address.
  EXPECT_THAT(
      client.ended,
      ElementsAre(Machine::End{0s, Outcome::ok, 0}, Machine::End{25s, Outcome::timeout, 0},
                  Machine::End{27s, Outcome::timeout, 0}, Machine::End{30s, Outcome::ok, 1}));
  EXPECT_EQ(web.lookups.size(), 1u);
}

TEST_F(ConnectorTest, ALateFailureDoesNotCloseTheNewConnection) {
  auto& web = service(2);
  web.ttl = 0s;
  auto& client = machine(web);
  script.at(0s, [&] { client.call(); });
  script.operate_at(10s, [&] { web.lose_host(0); });
  call_at(client, {20s, 24s, 26s, 30s});  // 20 times out at 25, 24 at 29, after 26 has reconnected
  sim.run();
  EXPECT_EQ(web.lookups.size(), 2u);
  EXPECT_THAT(client.ended.back(), (Machine::End{30s, Outcome::ok, 1}));
}

TEST_F(ConnectorTest, TheAddressOfAReplacedInstanceReachesNobody) {
  auto& web = service(1);
  web.ttl = 0s;
  auto& client = machine(web);
  call_at(client, {0s, 10s, 20s});
  script.at(5s, [&] { web.replace(0); });
  sim.run();
  EXPECT_THAT(client.ended,
              ElementsAre(Machine::End{0s, Outcome::ok, 0}, Machine::End{15s, Outcome::timeout, 0},
                          Machine::End{20s, Outcome::ok, 0}));
}

TEST_F(ConnectorTest, AllCallsThatWaitAreSentInOrderOnceConnected) {
  auto& web = service(1);
  settings.dns_lookup = sim::Distribution::constant(100ms);
  auto& client = machine(web);
  call_at(client, {0s, 10ms, 20ms, 20ms});
  sim.run();
  ASSERT_EQ(client.ended.size(), 4u);
  for (const auto& end : client.ended) EXPECT_EQ(end, (Machine::End{100ms, Outcome::ok, 0}));
  EXPECT_EQ(web.lookups.size(), 1u);
}

TEST_F(ConnectorTest, ACallMadeWhileWaitingOnesAreReleasedIsSentToo) {
  auto& web = service(1);
  settings.idle_timeout = 0s;
  settings.dns_lookup = sim::Distribution::constant(100ms);
  web.ttl = 60s;
  auto& client = machine(web);
  client.then = [&] {
    if (client.ended.size() < 4) client.call();
  };
  call_at(client, {0s, 10ms});
  sim.run();
  EXPECT_EQ(client.ended.size(), 5u);
  EXPECT_EQ(sim.calls_in_flight(), 0u);
}

TEST_F(ConnectorTest, ACallThatTimedOutWhileWaitingIsNotSent) {
  auto& web = service(1);
  settings.dns_lookup = sim::Distribution::constant(2s);
  auto& client = machine(web, 1s);
  call_at(client, {0s, 1500ms});
  sim.run();
  EXPECT_EQ(web.requests.size(), 1u);
  EXPECT_THAT(client.ended,
              ElementsAre(Machine::End{1s, Outcome::timeout, 0}, Machine::End{2s, Outcome::ok, 0}));
}

TEST_F(ConnectorTest, AResetForgetsTheConnectionTheAnswerAndTheWaitingCalls) {
  auto& web = service(2);
  auto& client = machine(web);
  script.operate_at(0s, [&] { web.lose_host(0); });
  call_at(client, {1s});
  script.at(1500ms, [&] { client.connector.reset(); });
  call_at(client, {10s});
  sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{11s, Outcome::ok, 1}));
  EXPECT_EQ(web.lookups.size(), 2u);
  EXPECT_EQ(sim.calls_in_flight(), 0u);
}

TEST_F(ConnectorTest, ALookupUnderWayAtAResetIsForgotten) {
  auto& web = service(1);
  settings.dns_lookup = sim::Distribution::constant(1s);
  auto& client = machine(web);
  call_at(client, {0s});
  script.at(500ms, [&] { client.connector.reset(); });
  call_at(client, {700ms});
  sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{1700ms, Outcome::ok, 0}));
}

TEST_F(ConnectorTest, ADirectTargetTakesCallsWithoutDnsOrConnection) {
  auto& queue = service(0);
  queue.is_direct = true;
  settings.dns_lookup = sim::Distribution::constant(1s);
  settings.idle_timeout = 0s;
  auto& client = machine(queue);
  call_at(client, {0s, 100s});
  sim.run();
  EXPECT_THAT(client.ended,
              ElementsAre(Machine::End{0s, Outcome::ok, 0}, Machine::End{100s, Outcome::ok, 0}));
}

TEST_F(ConnectorTest, ConnectingTakesARoundTripOfTheNetwork) {
  const auto far = sim.network().add_zone("internet", "");
  sim.network().set_one_way(0, far, 15ms);
  auto& web = service(1);
  struct Far : sim::Component {
    Far(sim::Simulation& sim, sim::ZoneId zone) : Component(sim, "far") { set_zone(zone); }
    void on_answer(sim::Call&, sim::Handle) override {
      answered.push_back(sim().now() - time_zero);
    }
    std::vector<Duration> answered;
  } caller(sim, far);
  Connector connector(caller, 0, web, settings, "calls");
  for (const Duration date : {0ms, 100ms}) {
    script.at(date, [&] { connector.dispatch(sim.open_call(caller, 0, sim::Operation::read)); });
  }
  sim.run();
  EXPECT_THAT(caller.answered, ElementsAre(60ms, 130ms));  // two round trips, then one
}

}  // namespace
}  // namespace windtunnel
