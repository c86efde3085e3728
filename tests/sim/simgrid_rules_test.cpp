// The rules of the hook into SimGrid (sim/README.md). Every run is in a child.
#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "tests/support/forked.hpp"
#include "tests/support/world.hpp"

namespace windtunnel::sim {
namespace {

using namespace std::chrono_literals;
using test::gigabit_ten;
using test::in_child;
using test::ns;
using test::Steps;
using test::Times;
using test::World;

// Rule 1: the horizon is an operation.

TEST(SimgridRules, ARunWithoutActorsReachesItsHorizonExactly) {
  EXPECT_EQ(in_child([] {
              Simulation sim({.horizon = 10s + 1ns, .simgrid = true});
              sim.run();
              return ns(sim.now());
            }),
            10'000'000'001);
}

TEST(SimgridRules, TheHorizonEndsProceduresAndTransfersUnderWay) {
  EXPECT_EQ(in_child([] {
              World w;
              w.send(1s, 0, 2, 1e15);
              Steps waits(w.sim, "waits", [](Steps& me) { me.wait(10h); });
              w.spawn_at(1s, waits, 1);
              w.run();
              w.log.push_back(ns(w.sim.now()));
              return w.log;
            }),
            Times{100'000'000'000});
}

// Rule 2: int64 nanoseconds are the only time.

TEST(SimgridRules, OperationsAndWaitsKeepExactDatesOverThirtyDays) {
  const auto [asked, got] = [] {
    Times asked_dates;
    for (int i = 0; i < 500; ++i) {
      asked_dates.push_back(Duration(720h - 500s + i * 999'999'937ns).count());
    }
    return std::pair(asked_dates, in_child([asked_dates] {
                       World w(721h);
                       std::vector<std::unique_ptr<Steps>> all;
                       for (const std::int64_t date : asked_dates) {
                         all.push_back(std::make_unique<Steps>(w.sim, "s", [&w](Steps& me) {
                           w.log.push_back(ns(w.sim.now()));
                           me.wait(7ns);
                           if (ns(w.sim.now()) != w.log.back() + 7) w.log.push_back(-1);
                         }));
                         w.spawn_at(Duration(date), *all.back());
                       }
                       return w.run();
                     }));
  }();
  EXPECT_EQ(got, asked);
}

TEST(SimgridRules, ATransferEndsAtItsDateWhenAnOperationComesMicrosecondsBefore) {
  // SimGrid's default precision of 1e-5 s would end it with the operation, 5 us early.
  EXPECT_EQ(in_child([] {
              World w;
              w.send(1s, 0, 1, gigabit_ten);
              w.script.operate_at(2s - 5us, [] {});
              w.script.operate_at(2s - 2ns, [] {});
              return w.run();
            }),
            Times{2'000'000'000});
}

TEST(SimgridRules, ATransferEndsAtItsNanosecondAlsoAfterThirtyDays) {
  const Times got = in_child([] {
    World w(721h);
    for (int i = 0; i < 100; ++i) w.send(720h + i * 3s + 1ns, 0, 1, gigabit_ten);
    return w.run();
  });
  ASSERT_EQ(got.size(), 100u);
  for (int i = 0; i < 100; ++i) {  // SimGrid's clock is a double: half a nanosecond there
    EXPECT_NEAR(static_cast<double>(got[static_cast<std::size_t>(i)] -
                                    Duration(720h + i * 3s + 1s + 1ns).count()),
                0, 1.0);
  }
}

// Rule 3: procedures wait through the calendar only. See procedure_test.cpp for the order of their
// wakes.

TEST(SimgridRules, AProcedureThatComesBackFromATransferPostsEventsThatRunAtTheirDates) {
  // The transfer ends at 2 s, between two events; what it posts must not find the calendar beyond
  // it.
  EXPECT_EQ(in_child([] {
              World w;
              Steps copy(w.sim, "copy", [&](Steps& me) {
                me.transfer(0, 1, gigabit_ten);
                w.log.push_back(ns(w.sim.now()));
                w.script.at(2s + 1ns, [&] { w.log.push_back(ns(w.sim.now())); });
                me.wait(5ns);
                w.log.push_back(ns(w.sim.now()));
              });
              w.spawn_at(1s, copy);
              w.script.at(2s + 2ns, [&] { w.log.push_back(ns(w.sim.now())); });
              w.script.at(50s, [&] { w.log.push_back(ns(w.sim.now())); });
              return w.run();
            }),
            (Times{2'000'000'000, 2'000'000'001, 2'000'000'002, 2'000'000'005, 50'000'000'000}));
}

TEST(SimgridRules, ATransferIsHeardAfterTheTrafficOfItsInstantAndBeforeItsSamples) {
  EXPECT_EQ(in_child([] {
              World w;
              std::string seen;
              Steps copy(w.sim, "copy", [&](Steps& me) {
                me.transfer(0, 1, gigabit_ten);
                seen += "copied ";
              });
              w.spawn_at(1s, copy);
              w.script.at(
                  2s, [&] { seen += "sample "; }, Turn::sample);
              w.script.at(2s, [&] { seen += "traffic "; });
              w.script.at(
                  2s, [&] { seen += "fault "; }, Turn::fault);
              w.run();
              return seen;
            }),
            "fault traffic copied sample ");
}

// Rule 4: one fault is one operation, seen whole.

TEST(SimgridRules, TransfersThatFailInOneFaultSeeAllOfIt) {
  EXPECT_EQ(in_child([] {
              World w;
              std::string seen;
              const auto body = [&](HostId from, HostId to) {
                return [&, from, to](Steps& me) {
                  seen += me.transfer(from, to, 1e12) ? "done:" : "failed:";
                  for (HostId id = 0; id < 5; ++id) seen += w.sim.platform().up(id) ? "u" : "d";
                  seen.append("@").append(std::to_string(ns(w.sim.now()))).append(" ");
                };
              };
              Steps one(w.sim, "one", body(0, 4)), two(w.sim, "two", body(1, 2));
              w.spawn_at(1s, one, 4);
              w.spawn_at(1s, two);
              w.lose_at(3s, {0, 1, 2});
              w.run();
              return seen;
            }),
            "failed:ddduu@3000000000 failed:ddduu@3000000000 ");
}

// Rule 5: transfers start in one place.

TEST(SimgridRules, ATransferFromOrToADeadHostIsFalseAtOnce) {
  EXPECT_EQ(in_child([] {
              World w;
              w.lose_at(1s, {1});
              w.send(2s, 0, 1, 1e9);
              w.send(3s, 1, 0, 1e9);
              return w.run();
            }),
            (Times{-2'000'000'000, -3'000'000'000}));
}

TEST(SimgridRules, ATransferToAHostSwitchedOffInTheSameOperationIsFalse) {
  EXPECT_EQ(in_child([] {
              World w;
              Steps steps(w.sim, "steps", [&](Steps& me) {
                me.wait(1s);
                w.sim.platform().lose_hosts({1}, HostLoss::silence);
                w.log.push_back(me.transfer(0, 1, gigabit_ten));
                w.sim.platform().restore_hosts({1});
                w.log.push_back(me.transfer(0, 1, gigabit_ten));  // SimGrid must know by now
                w.log.push_back(ns(w.sim.now()));
              });
              w.spawn_at(1s, steps);
              return w.run();
            }),
            (Times{0, 1, 3'000'000'000}));
}

TEST(SimgridRules, ATransferFailsWhenEitherEndFails) {
  EXPECT_EQ(in_child([] {
              World w;
              w.send(1s, 0, 2, 1e12);
              w.send(1s, 3, 1, 1e12);
              w.lose_at(2s, {0});
              w.lose_at(3s, {1});
              return w.run();
            }),
            (Times{-2'000'000'000, -3'000'000'000}));
}

TEST(SimgridRules, TheSurvivingEndLearnsOfALossAfterItsTimeout) {
  EXPECT_EQ(in_child([] {
              World w;
              w.send(1s, 0, 2, 1e12, 30s);
              w.lose_at(2s, {0});
              return w.run();
            }),
            Times{-32'000'000'000});
}

TEST(SimgridRules, AProcedureThatDiesInItsTransferLeavesTheOthersTheLink) {
  // Two copies out of host 0, half the interface each; at 2 s the first one's procedure dies with
  // host 4.
  EXPECT_EQ(in_child([] {
              World w;
              Steps dies(w.sim, "dies", [&](Steps& me) {
                me.transfer(0, 1, 1e12);
                w.log.push_back(0);
              });
              w.spawn_at(1s, dies, 4);
              w.send(1s, 0, 2, gigabit_ten);  // half of it until 2 s, the rest alone: 2.5 s
              w.lose_at(2s, {4});
              return w.run();
            }),
            Times{2'500'500'000});
}

TEST(SimgridRules, AZoneCutOffFailsWhatCrossesItsUplinkAndNothingElse) {
  EXPECT_EQ(in_child([] {
              World w;
              w.send(1s, 0, 2, 1e12);  // across
              w.send(1s, 0, 1,
                     2 * gigabit_ten);  // inside: shares host 0 until 2 s, then alone: 3.5 s
              w.send(1s, 3, 4, 3 * gigabit_ten);  // elsewhere: 4 s + 35 ms
              w.script.operate_at(2s, [&] { w.sim.network().set_cut_off(w.a, true); });
              w.send(5s, 2, 0, gigabit_ten);
              w.script.operate_at(6s, [&] { w.sim.network().set_cut_off(w.a, false); });
              w.send(7s, 2, 0, gigabit_ten);
              return w.run();
            }),
            (Times{-2'000'000'000, 3'500'000'000, 4'035'000'000, -5'000'000'000, 8'000'500'000}));
}

// Rule 6: the engine keeps to itself.

void handler(int) {}

TEST(SimgridRules, TheProgramsSignalHandlersStay) {
  EXPECT_TRUE(in_child([] {
    std::signal(SIGINT, handler);
    std::signal(SIGSEGV, handler);
    World w;
    bool same = true;
    w.script.operate_at(1s, [&] {
      struct sigaction interrupt {
      }, fault{};
      sigaction(SIGINT, nullptr, &interrupt);
      sigaction(SIGSEGV, nullptr, &fault);
      same = interrupt.sa_handler == handler && fault.sa_handler == handler;
    });
    Steps steps(w.sim, "steps", [](Steps& me) { me.wait(1s); });
    w.spawn_at(500ms, steps);
    w.run();
    return same;
  }));
}

TEST(SimgridRules, ASecondSimulationInAProcessAborts) {
  const auto end = test::end_of_child([] {
    Simulation first({.horizon = 1s, .simgrid = true});
    first.run();
    Simulation second({.horizon = 1s, .simgrid = true});
    second.run();
  });
  EXPECT_TRUE(end.aborted_with("one simulation a process")) << end.messages;
}

TEST(SimgridRules, ARunSaysNothingAndItsDestructorsAreClean) {
  const auto end = test::end_of_child([] {
    World w;
    w.send(1s, 0, 1, 1e9);
    w.lose_at(30s, {0, 1, 2, 3, 4});
    w.run();
  });
  EXPECT_TRUE(end.well());
  EXPECT_EQ(end.messages, "");
}

}  // namespace
}  // namespace windtunnel::sim
