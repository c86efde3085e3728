// Who looks on sees what happens and changes nothing.
#include "sim/watcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/scripted.hpp"
#include "tests/support/yaml_run.hpp"

namespace windtunnel::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;

struct Seen final : Watcher {
  explicit Seen(Simulation& simulation) : sim(simulation) {}
  void on_sample(Time date) override {
    dates.push_back((date - time_zero) / 1s);
    if (look) look();
  }
  void on_event(const Event& event) override { handlers.push_back(HandlerName::of(event.handler)); }
  void on_operation(const Event&) override { ++operations; }
  void on_call(CallStep step, Handle, Call& call) override {
    if (call.operation == Operation::read) steps.emplace_back(to_string(step));
  }
  Simulation& sim;
  std::function<void()> look;
  std::vector<std::int64_t> dates;
  std::vector<std::string> handlers, steps;
  int operations = 0;
};

TEST(Watcher, IsShownTheStateBeforeEachDateUpToTheHorizon) {
  Simulation sim({.horizon = 30s});
  auto& script = test::add_script(sim);
  int happened = 0;
  for (const auto date : {4s, 10s, 11s, 20s}) script.at(date, [&] { ++happened; });
  Seen seen(sim);
  std::vector<int> states;
  seen.look = [&] { states.push_back(happened); };
  sim.watch(seen, {.interval = 10s});
  sim.run();
  EXPECT_THAT(seen.dates, ElementsAre(10, 20, 30));
  EXPECT_THAT(states, ElementsAre(1, 3, 4));  // what happens at 10 s is not seen at 10 s
}

TEST(Watcher, LongSilenceIsSampledAsOftenAsAnyOther) {
  Simulation sim({.horizon = 35s});
  Seen seen(sim);
  sim.watch(seen, {.interval = 10s});
  sim.run();
  EXPECT_THAT(seen.dates, ElementsAre(10, 20, 30));
}

const std::string experiment =
    "{experiment: small, question: what, topology: {components: {users: {client: {target: desk, "
    "open: {poisson: 20/s}, timeout: 100ms, retry: {max_attempts: 2}}}, desk: {station: {servers: "
    "1, service_time: {exponential: 40ms}}}}}, faults: [{at: 5s, lasting: 2s, errors: {target: "
    "desk, share: 50%}}], horizon: 20s}";

TEST(Watcher, ChangesNeitherTheFingerprintNorTheCountOfEvents) {
  const auto alone = test::simulation_of(experiment);
  alone->run();
  for (const Watch& watch : {Watch{.interval = 1ms}, Watch{.events = true}, Watch{.calls = true}}) {
    const auto watched = test::simulation_of(experiment);
    Seen seen(*watched);
    watched->watch(seen, watch);
    watched->run();
    EXPECT_EQ(watched->fingerprint(), alone->fingerprint());
    EXPECT_EQ(watched->events_handled(), alone->events_handled());
  }
}

TEST(Watcher, IsToldEveryEventByItsHandlersNameAndEveryStepOfACall) {
  const auto sim = test::simulation_of(experiment);
  Seen seen(*sim);
  sim->watch(seen, {.events = true, .calls = true});
  sim->run();
  EXPECT_EQ(seen.handlers.size(), sim->events_handled());
  EXPECT_GT(seen.operations, 0);
  EXPECT_THAT(seen.handlers, IsSupersetOf({"Client::on_arrival", "a request arrives",
                                           "an answer arrives", "Lane::on_head_due"}));
  EXPECT_THAT(seen.handlers, ::testing::Not(Contains("?")));
  EXPECT_THAT(seen.steps, IsSupersetOf({"opened", "sent", "arrived", "answered", "ended",
                                        "timed_out", "late"}));
}

}  // namespace
}  // namespace windtunnel::sim
