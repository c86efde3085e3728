// Calls and the lanes of their timeouts. Two zones, 1 ms apart; a client in the first, a server's
// hosts in the second.
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "sim/lane.hpp"
#include "sim/simulation.hpp"
#include "tests/support/scripted.hpp"

namespace windtunnel::sim {
namespace {

using namespace std::chrono_literals;
using test::ns;

// Answers after `service`, or keeps quiet without one.
class Server final : public Entity {
 public:
  Server(Simulation& sim, ZoneId zone) : Entity(sim, "server") { set_zone(zone); }
  void on_request(Call& call, Handle handle) override {
    EXPECT_EQ(call.arrived, sim().now());
    requests.push_back(ns(sim().now()));
    handles.push_back(handle);
    if (service == 0ns) sim().answer(handle, outcome);
    if (service && *service > 0ns) sim().after<&Server::on_served>(*service, this, handle);
  }
  void on_served(Handle handle) { sim().answer(handle, outcome); }
  void add_node(HostId host) { nodes_.push_back({host, 0}); }
  void replace(std::uint32_t node) { ++nodes_[node].life; }

  std::optional<Duration> service = 0ns;
  Outcome outcome = Outcome::ok;
  std::vector<std::int64_t> requests;
  std::vector<Handle> handles;
};

class Client final : public Entity {
 public:
  Client(Simulation& sim, ZoneId zone, Duration timeout)
      : Entity(sim, "client"), lane(*this, timeout) {
    set_zone(zone);
  }
  Handle call(const Address& to, Operation operation = Operation::read, Handle context = {}) {
    const Handle handle = sim().open_call(*this, 0, operation, context);
    lane.enter(sim().call(handle), handle);
    sim().send(handle, to);
    return handle;
  }
  void on_answer(Call& call, Handle) override {
    answers.push_back(ns(sim().now()));
    outcomes.push_back(call.outcome);
    contexts.push_back(call.context);
  }
  void on_timeout(Call& call, Handle handle) override {
    EXPECT_EQ(call.outcome, Outcome::timeout);
    EXPECT_TRUE(call.caller_done);
    timeouts.push_back(ns(sim().now()));
    timed_out.push_back(handle);
  }
  void on_late_answer(const Call&) override { late.push_back(ns(sim().now())); }

  Lane lane;
  std::vector<std::int64_t> answers, timeouts, late;
  std::vector<Handle> timed_out, contexts;
  std::vector<Outcome> outcomes;
};

class CallTest : public testing::Test {
 protected:
  CallTest() { sim.network().set_one_way(near, far, 1ms); }
  void run() { sim.run(); }

  Simulation sim{{.horizon = 10s}};
  ZoneId near = sim.network().add_zone("near", "r"), far = sim.network().add_zone("far", "r");
  test::Script& script = test::add_script(sim);
  Server server{sim, far};
  Client client{sim, near, 100ms};
};

using Times = std::vector<std::int64_t>;

TEST_F(CallTest, AnAnswerTakesBothWaysAndTheService) {
  server.service = 20ms;
  script.at(1s, [&] { client.call(server.address_of(0)); });
  run();
  EXPECT_EQ(server.requests, Times{1'001'000'000});
  EXPECT_EQ(client.answers, Times{1'022'000'000});
  EXPECT_EQ(client.outcomes, std::vector<Outcome>{Outcome::ok});
  EXPECT_TRUE(client.timeouts.empty());
  EXPECT_EQ(sim.calls_in_flight(), 0u);
}

TEST_F(CallTest, CarriesTheCallersContextBack) {
  script.at(1s, [&] { client.call(server.address_of(0), Operation::write, Handle{7, 8}); });
  run();
  EXPECT_EQ(client.contexts, (std::vector<Handle>{{7, 8}}));
}

TEST_F(CallTest, AfterATimeoutTheServerWorksOnAndItsAnswerIsLate) {
  server.service = 300ms;
  script.at(1s, [&] { client.call(server.address_of(0)); });
  script.at(1200ms, [&] { EXPECT_EQ(sim.calls_in_flight(), 1u); });
  run();
  EXPECT_EQ(client.timeouts, Times{1'100'000'000});
  EXPECT_TRUE(client.answers.empty());
  EXPECT_EQ(client.late, Times{1'301'000'000});  // when the server has done the work
  EXPECT_EQ(sim.calls_in_flight(), 0u);
}

TEST_F(CallTest, AnAnswerOnItsWayWhenTheTimeoutEndsIsLate) {
  server.service = 98'500us;  // answered at 99.5 ms, arrives at 100.5 ms
  script.at(0s, [&] { client.call(server.address_of(0)); });
  run();
  EXPECT_EQ(client.timeouts, Times{100'000'000});
  EXPECT_EQ(client.late, Times{100'500'000});
  EXPECT_EQ(sim.calls_in_flight(), 0u);
}

TEST_F(CallTest, ADroppedCallEndsInSilenceWithItsTimeout) {
  server.service = std::nullopt;
  script.at(1s, [&] { client.call(server.address_of(0)); });
  script.at(1050ms, [&] { sim.drop(server.handles[0]); });
  script.at(1060ms, [&] { EXPECT_EQ(sim.calls_in_flight(), 1u); });
  run();
  EXPECT_EQ(client.timeouts, Times{1'100'000'000});
  EXPECT_TRUE(client.late.empty());
  EXPECT_EQ(sim.calls_in_flight(), 0u);
}

TEST_F(CallTest, GivingUpLeavesTheLaneAndMakesTheAnswerLate) {
  server.service = 50ms;
  Handle handle;
  script.at(1s, [&] { handle = client.call(server.address_of(0)); });
  script.at(1010ms, [&] { sim.give_up(handle); });
  run();
  EXPECT_TRUE(client.timeouts.empty());
  EXPECT_EQ(client.late, Times{1'051'000'000});
  EXPECT_EQ(sim.calls_in_flight(), 0u);
}

TEST_F(CallTest, ACallThatWasNeverSentFailsAtItsCaller) {
  script.at(1s, [&] {
    const Handle handle = sim.open_call(client, 0, Operation::read);
    client.lane.enter(sim.call(handle), handle);
    sim.fail(handle, Outcome::unavailable);
  });
  run();
  EXPECT_EQ(client.outcomes, std::vector<Outcome>{Outcome::unavailable});
  EXPECT_TRUE(client.timeouts.empty());
  EXPECT_EQ(sim.calls_in_flight(), 0u);
}

TEST_F(CallTest, AHandleIsStaleAfterTheCallHasEnded) {
  Handle handle;
  script.at(1s, [&] { handle = client.call(server.address_of(0)); });
  script.at(1500ms, [&] {
    EXPECT_EQ(sim.find_call(handle), nullptr);
    const Handle next = client.call(server.address_of(0));
    EXPECT_EQ(next.slot(), handle.slot());  // used again
    EXPECT_EQ(sim.find_call(handle), nullptr);
  });
  run();
  EXPECT_EQ(client.answers.size(), 2u);
}

TEST_F(CallTest, WhereTheNetworkTakesNoTimeAnAnswerComesAtOnce) {
  Server beside(sim, near);
  script.at(1s, [&] {
    client.call(beside.address_of(0));
    EXPECT_EQ(client.answers, Times{1'000'000'000});  // inside the very call of send()
  });
  run();
  EXPECT_EQ(sim.calls_in_flight(), 0u);
}

TEST_F(CallTest, AConnectIsAcceptedByTheOperatingSystem) {
  server.service = std::nullopt;
  script.at(1s, [&] { client.call(server.address_of(0), Operation::connect); });
  run();
  EXPECT_TRUE(server.requests.empty());
  EXPECT_EQ(client.answers, Times{1'002'000'000});
}

TEST_F(CallTest, AHostWithoutPowerIsSilent) {
  server.add_node(sim.platform().add_host("h", far, nullptr, 0));
  script.operate_at(500ms, [&] { sim.platform().lose_hosts({0}, HostLoss::silence); });
  script.at(1s, [&] { client.call(server.address_of(0)); });
  script.operate_at(2s, [&] { sim.platform().restore_hosts({0}); });
  script.at(3s, [&] { client.call(server.address_of(0)); });
  run();
  EXPECT_EQ(client.timeouts, Times{1'100'000'000});
  EXPECT_EQ(client.answers, Times{3'002'000'000});
  EXPECT_EQ(sim.calls_in_flight(), 0u);
}

TEST_F(CallTest, ARequestInFlightWhenItsHostLosesPowerIsLost) {
  server.add_node(sim.platform().add_host("h", far, nullptr, 0));
  script.at(1s, [&] { client.call(server.address_of(0)); });
  script.operate_at(1'000'500us, [&] { sim.platform().lose_hosts({0}, HostLoss::silence); });
  run();
  EXPECT_TRUE(server.requests.empty());
  EXPECT_EQ(client.timeouts, Times{1'100'000'000});
}

TEST_F(CallTest, NobodyAnswersAtTheAddressOfAnInstanceThatWasReplaced) {
  server.add_node(sim.platform().add_host("h", far, nullptr, 0));
  const Address old = server.address_of(0);
  script.at(500ms, [&] { server.replace(0); });
  script.at(1s, [&] { client.call(old); });
  script.at(2s, [&] { client.call(server.address_of(0)); });
  run();
  EXPECT_EQ(client.timeouts, Times{1'100'000'000});
  EXPECT_EQ(client.answers, Times{2'002'000'000});
}

TEST_F(CallTest, ACutStopsWhatIsSentAfterItAndNotWhatIsOnItsWay) {
  server.service = 20ms;
  script.at(1s, [&] { client.call(server.address_of(0)); });  // arrives, its answer does not leave
  script.operate_at(1'000'500us, [&] { sim.network().set_cut_off(far, true); });
  script.at(1050ms, [&] { client.call(server.address_of(0)); });  // never arrives
  script.operate_at(2s, [&] { sim.network().set_cut_off(far, false); });
  script.at(3s, [&] { client.call(server.address_of(0)); });
  run();
  EXPECT_EQ(server.requests, (Times{1'001'000'000, 3'001'000'000}));
  EXPECT_EQ(client.timeouts, (Times{1'100'000'000, 1'150'000'000}));
  EXPECT_EQ(client.answers, Times{3'022'000'000});
  EXPECT_EQ(sim.calls_in_flight(), 0u);
}

TEST_F(CallTest, LanesEndCallsAtExactDatesInTheOrderTheyBegan) {
  server.service = std::nullopt;
  std::vector<Handle> handles;
  for (int i = 0; i < 5; ++i) {
    script.at(1s + i * 10ms + Duration(i),
              [&] { handles.push_back(client.call(server.address_of(0))); });
  }
  run();
  EXPECT_EQ(client.timeouts,
            (Times{1'100'000'000, 1'110'000'001, 1'120'000'002, 1'130'000'003, 1'140'000'004}));
  EXPECT_EQ(client.timed_out, handles);
}

TEST_F(CallTest, CallsOfOneInstantEndAtOneInstantInOrder) {
  server.service = std::nullopt;
  std::vector<Handle> handles;
  script.at(1s, [&] {
    for (int i = 0; i < 3; ++i) handles.push_back(client.call(server.address_of(0)));
  });
  run();
  EXPECT_EQ(client.timeouts, (Times{1'100'000'000, 1'100'000'000, 1'100'000'000}));
  EXPECT_EQ(client.timed_out, handles);
}

TEST_F(CallTest, ALaneCanBeLeftAtItsHeadItsMiddleAndItsTail) {
  server.service = std::nullopt;
  std::vector<Handle> handles;
  script.at(1s, [&] {
    for (int i = 0; i < 5; ++i) handles.push_back(client.call(server.address_of(0)));
  });
  script.at(1050ms, [&] {
    for (const int i : {0, 2, 4}) sim.give_up(handles[static_cast<std::size_t>(i)]);
  });
  run();
  EXPECT_EQ(client.timed_out, (std::vector<Handle>{handles[1], handles[3]}));
}

TEST_F(CallTest, AnsweredCallsLeaveNoTimeoutsInTheCalendar) {
  Client patient(sim, near, 9s);  // 5,000 calls, all answered: their timeouts would be 5,000 events
  for (int i = 0; i < 5'000; ++i) {
    script.at(i * 1ms, [&] { patient.call(server.address_of(0)); });
  }
  run();
  EXPECT_EQ(patient.answers.size(), 5'000u);
  // Script step, request and answer a call, the horizon, and the lane's one event.
  EXPECT_LE(sim.events_handled(), 3u * 5'000 + 2);
}

TEST_F(CallTest, ATimeoutMayCallAgainAtOnce) {
  class Retrying final : public Entity {
   public:
    Retrying(Simulation& s, Server& to) : Entity(s, "retrying"), lane(*this, 100ms), server(to) {}
    void call() {
      const Handle handle = sim().open_call(*this, 0, Operation::read);
      lane.enter(sim().call(handle), handle);
      sim().send(handle, server.address_of(0));
    }
    void on_timeout(Call&, Handle) override {
      times.push_back(ns(sim().now()));
      if (times.size() < 3) call();
    }
    Lane lane;
    Server& server;
    Times times;
  } retrying(sim, server);
  server.service = std::nullopt;
  script.at(1s, [&] { retrying.call(); });
  run();
  EXPECT_EQ(retrying.times, (Times{1'100'000'000, 1'200'000'000, 1'300'000'000}));
}

TEST_F(CallTest, ATimeoutOfZeroOrForeverNeverEnds) {
  server.service = std::nullopt;
  Client never(sim, near, 0ns), always(sim, near, forever);
  script.at(1s, [&] {
    never.call(server.address_of(0));
    always.call(server.address_of(0));
  });
  run();
  EXPECT_TRUE(never.timeouts.empty());
  EXPECT_TRUE(always.timeouts.empty());
  EXPECT_EQ(sim.calls_in_flight(), 2u);
}

}  // namespace
}  // namespace windtunnel::sim
