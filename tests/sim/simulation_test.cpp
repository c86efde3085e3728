// Events, operations, order, the fingerprint, exact dates, the log. On the flat platform.
#include "sim/simulation.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/scripted.hpp"

namespace windtunnel::sim {
namespace {

using namespace std::chrono_literals;
using test::ns;
using test::Script;

using Times = std::vector<std::int64_t>;

TEST(Simulation, RunsEventsOfOneInstantByTurnAndThenByInsertion) {
  Simulation sim({.horizon = 10s});
  Script& script = test::add_script(sim);
  std::string seen;
  script.at(
      1s, [&] { seen += "s1 "; }, Turn::sample);
  script.at(
      1s, [&] { seen += "c1 "; }, Turn::control);
  script.at(1s, [&] { seen += "t1 "; });
  script.at(
      1s, [&] { seen += "f1 "; }, Turn::fault);
  script.at(1s, [&] { seen += "t2 "; });
  script.at(
      1s, [&] { seen += "f2 "; }, Turn::fault);
  script.at(
      1s, [&] { seen += "s2 "; }, Turn::sample);
  sim.run();
  EXPECT_EQ(seen, "f1 f2 t1 t2 c1 s1 s2 ");
}

TEST(Simulation, RunsAnEarlierTurnPostedNowAfterWhatIsDueInTheCurrentTurn) {
  Simulation sim({.horizon = 10s});
  Script& script = test::add_script(sim);
  std::string seen;
  script.at(
      1s,
      [&] {
        seen += "control ";
        script.at(
            1s, [&] { seen.append("traffic@").append(std::to_string(ns(sim.now()))).append(" "); });
      },
      Turn::control);
  script.at(
      1s, [&] { seen += "control2 "; }, Turn::control);
  script.at(
      1s, [&] { seen += "sample "; }, Turn::sample);
  sim.run();
  EXPECT_EQ(seen, "control control2 traffic@1000000000 sample ");
}

TEST(Simulation, RunsAnOperationBeforeAnyOtherEventAtTheSameDate) {
  Simulation sim({.horizon = 10s});
  Script& script = test::add_script(sim);
  std::string seen;
  script.at(1s, [&] {
    script.operate([&] {
      seen += sim.in_operation() ? "first " : "not in operation ";
      script.operate([&] { seen += "third "; });
    });
    script.operate([&] { seen += "second "; });
    seen += sim.in_operation() ? "in operation " : "event ";
  });
  script.at(1s, [&] { seen += "next "; });
  sim.run();
  EXPECT_EQ(seen, "event first second third next ");
}

TEST(Simulation, TakesAnEventOfThePastAsOneOfNow) {
  Simulation sim({.horizon = 10s});
  Script& script = test::add_script(sim);
  Times times;
  script.at(2s, [&] { script.at(1s, [&] { times.push_back(ns(sim.now())); }); });
  sim.run();
  EXPECT_EQ(times, Times{2'000'000'000});
}

TEST(Simulation, EndsBeforeWhatIsDueAtTheHorizon) {
  Simulation sim({.horizon = 10s});
  Script& script = test::add_script(sim);
  std::string seen;
  script.at(10s - 1ns, [&] { seen += "last "; });
  script.at(
      10s, [&] { seen += "fault "; }, Turn::fault);
  script.at(11s, [&] { seen += "beyond "; });
  sim.run();
  EXPECT_EQ(seen, "last ");
  EXPECT_EQ(sim.now(), sim.horizon());
}

TEST(Simulation, KeepsDatesExactToTheNanosecondOverThreeAndThirtyDays) {
  for (const Duration length : {Duration(72h), Duration(720h)}) {
    Simulation sim({.horizon = length + 1h});
    Script& script = test::add_script(sim);
    Times asked, got;
    for (int i = 0; i < 1000; ++i) {
      const Duration date = length - 500s + i * 999'999'937ns;  // a prime, no round double
      asked.push_back(date.count());
      script.at(date, [&] { got.push_back(ns(sim.now())); });
    }
    sim.run();
    EXPECT_EQ(got, asked);
  }
}

class Ticker final : public Entity {
 public:
  using Entity::Entity;
  void on_tick() {
    ++ticks;
    sim().after<&Ticker::on_tick>(step, this);
  }
  Duration step{0};
  std::int64_t ticks = 0;
};

TEST(Simulation, AddsUpMillionsOfStepsWithoutDrift) {
  Simulation sim({.horizon = 72h});
  Script& script = test::add_script(sim);
  Ticker ticker(sim, "ticker");
  ticker.step = 100ms + 1ns;  // 0.1 has no double
  script.at(0s, [&] { ticker.on_tick(); });
  std::int64_t before = 0;
  script.at(71h, [&] { before = ticker.ticks; });
  sim.run();
  // Ticks at k * 100,000,001 ns: up to 71 h there are floor(255.6e12 / 100000001) + 1.
  EXPECT_EQ(before, 255'600'000'000'000 / 100'000'001 + 1);
}

std::uint64_t fingerprint(Duration date, Turn turn, std::string name, bool operation = false) {
  Simulation sim({.horizon = 10s});
  Script& script = test::add_script(sim, std::move(name));
  script.at(1s, [] {});
  script.at(
      date,
      [&] {
        if (operation) script.operate([] {});
      },
      turn);
  sim.run();
  return sim.fingerprint();
}

TEST(Fingerprint, IsTheSameForTheSameRunAndChangesWithAnyEvent) {
  const std::uint64_t one = fingerprint(2s, Turn::traffic, "a");
  EXPECT_EQ(one, fingerprint(2s, Turn::traffic, "a"));
  EXPECT_NE(one, fingerprint(2s + 1ns, Turn::traffic, "a"));
  EXPECT_NE(one, fingerprint(2s, Turn::control, "a"));
  EXPECT_NE(one, fingerprint(2s, Turn::traffic, "b"));
  EXPECT_NE(one, fingerprint(2s, Turn::traffic, "a", true));
}

TEST(Fingerprint, DependsOnTheOrderOfEvents) {
  Fingerprint ab, ba;
  ab.add(1, 2, 3);
  ab.add(4, 5, 6);
  ba.add(4, 5, 6);
  ba.add(1, 2, 3);
  EXPECT_NE(ab.value(), ba.value());
}

TEST(Simulation, ForgetsMetricsOfTheWarmUp) {
  class Counting final : public Component {
   public:
    using Component::Component;
    void start() override {
      for (int i = 0; i < 10; ++i) sim().at<&Counting::on_tick>(time_zero + i * 1s, this, 0);
    }
    void on_tick() { ticks.add(); }
    Counter ticks{metric_set_, "Ticks", "ticks"};
  };
  Simulation sim({.horizon = 10s, .warm_up = 4s});
  auto& counting = static_cast<Counting&>(sim.add(std::make_unique<Counting>(sim, "counting")));
  sim.run();
  EXPECT_EQ(counting.ticks.value(), 6u);  // those at 4 .. 9 s: the warm-up ends in turn `fault`
}

TEST(SimulationDeathTest, AbortsOnTwoComponentsOfOneName) {
  EXPECT_DEATH(
      {
        Simulation sim({.horizon = 1s});
        test::add_script(sim, "web");
        test::add_script(sim, "web");
      },
      "one name");
}

TEST(Platform, AFaultOfSeveralHostsIsWholeBeforeAnybodyHears) {
  Simulation sim({.horizon = 10s});
  Script& script = test::add_script(sim);
  const ZoneId zone = sim.network().add_zone("a", "r");
  for (std::uint32_t i = 0; i < 3; ++i) sim.platform().add_host("h", zone, &script, i);
  std::string seen;
  script.host_lost = [&](std::uint32_t node, HostLoss) {
    seen += std::to_string(node) + ":";
    for (HostId id = 0; id < 3; ++id) seen += sim.platform().up(id) ? "u" : "d";
    seen += " ";
  };
  script.operate_at(1s, [&] { sim.platform().lose_hosts({2, 0}, HostLoss::silence); });
  sim.run();
  EXPECT_EQ(seen, "2:dud 0:dud ");
}

TEST(Platform, AHostComesBackWhenTheLastCauseHasGone) {
  Simulation sim({.horizon = 10s});
  Script& script = test::add_script(sim);
  const ZoneId zone = sim.network().add_zone("a", "r");
  const HostId host = sim.platform().add_host("h", zone, &script, 0);
  Times lost, back;
  script.host_lost = [&](std::uint32_t, HostLoss) { lost.push_back(ns(sim.now())); };
  script.host_restored = [&](std::uint32_t) { back.push_back(ns(sim.now())); };
  script.operate_at(1s, [&] { sim.platform().lose_hosts({host}, HostLoss::silence); });
  script.operate_at(2s, [&] { sim.platform().lose_hosts({host}, HostLoss::reset); });
  script.operate_at(3s, [&] { sim.platform().restore_hosts({host}); });
  script.operate_at(4s, [&] { sim.platform().restore_hosts({host}); });
  sim.run();
  EXPECT_EQ(lost, Times{1'000'000'000});
  EXPECT_EQ(back, Times{4'000'000'000});
}

TEST(PlatformDeathTest, AbortsOnACallOutsideAnOperation) {
  EXPECT_DEATH(
      {
        Simulation sim({.horizon = 10s});
        Script& script = test::add_script(sim);
        sim.platform().add_host("h", sim.network().add_zone("a", "r"), &script, 0);
        script.at(1s, [&] { sim.platform().lose_hosts({0}, HostLoss::silence); });
        sim.run();
      },
      "outside an operation");
}

TEST(RunLog, SortsRequestsIntoWindowsByTheirArrival) {
  RunLog log;
  const auto at = [](Duration d) { return time_zero + d; };
  log.configure(10s, 200ms, at(10s), at(95s));
  ASSERT_EQ(log.windows.size(), 10u);                         // the last one is half
  log.request_ended(at(5s), at(7s), true, 10ms, at(6s));      // warm-up: ignored
  log.request_ended(at(12s), at(14s), true, 200ms, at(13s));  // at the bound
  log.request_ended(at(13s), at(15s), true, 201ms, at(14s));  // slow
  log.request_ended(at(19s), at(21s), false, 50ms, at(20s));  // a fast error
  log.request_ended(at(94s), at(95s), true, 10ms, at(94s));   // its deadline is the horizon
  log.request_open(at(93s));
  EXPECT_EQ(log.windows[0].arrived, 0u);
  EXPECT_EQ(log.windows[1].arrived, 3u);
  EXPECT_EQ(log.windows[1].good, 1u);
  EXPECT_EQ(log.windows[1].fast, 2u);
  EXPECT_EQ(log.windows[9].arrived, 0u);
  EXPECT_EQ(log.windows[9].undecided, 2u);
}

TEST(RunLog, KnowsTheFirstFailedRequestAfterTheFirstFault) {
  RunLog log;
  const auto at = [](Duration d) { return time_zero + d; };
  log.configure(10s, forever, time_zero, at(100s));
  log.request_ended(at(1s), at(3s), false, 1s, at(2s));  // before any fault
  EXPECT_EQ(log.first_failed, Time::max());
  log.note(at(30s), Milestone::fault, "us-east-1a", "lost power");
  log.note(at(40s), Milestone::fault, "us-east-1b", "lost power");
  log.request_ended(at(29s), at(33s), false, 2s, at(31s));
  log.request_ended(at(30s), at(34s), false, 2s, at(32s));
  EXPECT_EQ(log.first_fault, at(30s));
  EXPECT_EQ(log.first_failed, at(31s));
  EXPECT_EQ(log.events.size(), 2u);
}

}  // namespace
}  // namespace windtunnel::sim
