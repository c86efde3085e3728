// Behaviour by hand; tests/theory compares the station with closed forms.
#include "models/compute/station.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/machine.hpp"
#include "tests/support/scripted.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Distribution;
using sim::Duration;
using sim::Outcome;
using testing::ElementsAre;

class StationTest : public testing::Test {
 protected:
  StationTest() {
    sim.network().add_zone("us-east-1a", "us-east-1");
    shape.service_time = Distribution::constant(1s);
  }
  Station& station(const std::string& name = "queue") {
    return static_cast<Station&>(sim.add(std::make_unique<Station>(sim, name, shape)));
  }
  Machine& callers(Callable& target, std::initializer_list<Duration> dates, Duration timeout = 1h) {
    auto& made = static_cast<Machine&>(
        sim.add(std::make_unique<Machine>(sim, target, Connector::Settings{}, timeout)));
    for (const Duration date : dates) script.at(date, [&made] { made.call(); });
    return made;
  }
  static Machine::End end(Duration at, Outcome outcome = Outcome::ok) { return {at, outcome, 0}; }

  sim::Simulation sim{{.horizon = 1h}};
  Script& script = add_script(sim);
  Station::Shape shape;
};

TEST_F(StationTest, ServesFirstComeFirstServed) {
  auto& queue = station();
  const auto& client = callers(queue, {0s, 100ms, 200ms, 5s});
  sim.run();
  EXPECT_THAT(client.ended, ElementsAre(end(1s), end(2s), end(3s), end(6s)));
  EXPECT_EQ(queue.metric.waited.value(), 2u);
  EXPECT_NEAR(queue.metric.waiting.mean(), (0 + 0.9 + 1.8 + 0) / 4, 1e-9);
}

TEST_F(StationTest, ServersWorkSideBySide) {
  shape.servers = 2;
  const auto& client = callers(station(), {0s, 0s, 0s});
  sim.run();
  EXPECT_THAT(client.ended, ElementsAre(end(1s), end(1s), end(2s)));
}

TEST_F(StationTest, RefusesWhenAllPlacesAreTaken) {
  shape.queue = 1;
  auto& queue = station();
  const auto& client = callers(queue, {0s, 0s, 0s});
  sim.run();
  EXPECT_THAT(client.ended, ElementsAre(end(0s, Outcome::overloaded), end(1s), end(2s)));
  EXPECT_EQ(queue.metric.refused.value(), 1u);
}

TEST_F(StationTest, CallersLeaveTheQueueWhenTheirPatienceEndsButNotTheServer) {
  shape.patience = Distribution::constant(500ms);
  auto& queue = station();
  const auto& client = callers(queue, {0s, 0s, 600ms});
  sim.run();
  EXPECT_THAT(client.ended, ElementsAre(end(500ms, Outcome::abandoned), end(1s), end(2s)));
  EXPECT_EQ(queue.metric.abandoned.value(), 1u);
  EXPECT_EQ(queue.metric.in_system.value(), 0);
}

// Two share one server from 0.5 s on: the first has half a second of work left and takes one.
TEST_F(StationTest, SharedProcessorsServeAllAtOnce) {
  shape.processor_sharing = true;
  const auto& client = callers(station(), {0s, 500ms});
  sim.run();
  EXPECT_THAT(client.ended, ElementsAre(end(1500ms), end(2s)));
}

TEST_F(StationTest, FailuresAreAnsweredAfterTheService) {
  shape.failure_share = 1;
  const auto& client = callers(station(), {0s});
  sim.run();
  EXPECT_THAT(client.ended, ElementsAre(end(1s, Outcome::error)));
}

TEST_F(StationTest, ItsServerIsFreeWhileTheNextStationWorks) {
  station("second");
  shape.next = "second";
  auto& first = station("first");
  const auto& client = callers(first, {0s, 0s});
  sim.run();
  EXPECT_THAT(client.ended, ElementsAre(end(2s), end(3s)));
  EXPECT_EQ(first.metric.in_system.value(), 0);
}

TEST_F(StationTest, TheNextStationsFailureIsItsOwn) {
  shape.failure_share = 1;
  station("second");
  shape.failure_share = 0;
  shape.next = "second";
  const auto& client = callers(station("first"), {0s});
  sim.run();
  EXPECT_THAT(client.ended, ElementsAre(end(2s, Outcome::error)));
}

TEST_F(StationTest, ACallersTimeoutDoesNotStopItsWork) {
  auto& queue = station();
  const auto& client = callers(queue, {0s}, 300ms);
  sim.run();
  EXPECT_THAT(client.ended, ElementsAre(end(300ms, Outcome::timeout)));
  EXPECT_EQ(queue.metric.served.value(), 1u);
}

TEST_F(StationTest, SlowAndErrorsHoldForServicesThatBegin) {
  auto& queue = station();
  script.at(100ms, [&] { queue.set_slow(4); });
  script.at(2s, [&] { queue.set_errors(1); });
  const auto& client = callers(queue, {0s, 1s});
  sim.run();
  EXPECT_THAT(client.ended, ElementsAre(end(1s), end(5s, Outcome::error)));
}

}  // namespace
}  // namespace windtunnel::test
