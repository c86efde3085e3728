// Procedures, the same on both platforms. SimGrid runs in a child.
#include "sim/procedure.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "sim/simulation.hpp"
#include "tests/support/forked.hpp"
#include "tests/support/scripted.hpp"

namespace windtunnel::sim {
namespace {

using namespace std::chrono_literals;
using test::Script;
using test::Steps;

// Three hosts in two zones, and what a scenario noted: words, each with its date in milliseconds.
struct Stage {
  explicit Stage(bool simgrid) : sim({.horizon = 20s, .simgrid = simgrid}) {
    for (std::uint32_t i = 0; i < 3; ++i) {
      sim.platform().add_host("h", i < 2 ? a : b, &script, i);
    }
  }
  void note(const std::string& word) {
    seen += word + "@" + std::to_string(test::ns(sim.now()) / 1'000'000) + " ";
  }
  void spawn_at(Duration date, Steps& steps, HostId host = Procedure::anywhere) {
    script.operate_at(date, [this, &steps, host] { sim.platform().spawn(steps, host); });
  }
  void lose_at(Duration date, std::vector<HostId> hosts) {
    script.operate_at(date, [this, hosts] { sim.platform().lose_hosts(hosts, HostLoss::silence); });
  }

  Simulation sim;
  ZoneId a = sim.network().add_zone("a", "r"), b = sim.network().add_zone("b", "r");
  Script& script = test::add_script(sim);
  std::string seen;
};

class ProcedureTest : public testing::TestWithParam<bool> {
 protected:
  // What was seen in a run of the scenario on the platform under test.
  static std::string play(const std::function<void(Stage&)>& scenario) {
    return test::in_child([&] {
      Stage stage(GetParam());
      scenario(stage);  // runs it, too: procedures live there
      return stage.seen;
    });
  }
};

INSTANTIATE_TEST_SUITE_P(Platforms, ProcedureTest, testing::Bool(),
                         [](const auto& p) { return p.param ? "SimGrid" : "Flat"; });

TEST_P(ProcedureTest, WaitsInSequence) {
  EXPECT_EQ(play([](Stage& s) {
              Steps steps(s.sim, "steps", [&](Steps& me) {
                s.note("start");
                me.wait(1500ms);
                s.note("then");
                me.wait(0ms);
                s.note("at_once");
                me.wait(3s);
                s.note("end");
              });
              s.spawn_at(2s, steps);
              s.sim.run();
              s.seen += steps.state() == Procedure::State::finished ? "finished" : "?";
            }),
            "start@2000 then@3500 at_once@3500 end@6500 finished");
}

TEST_P(ProcedureTest, ThoseThatWaitForOneInstantWakeInTheOrderOfTheirWaits) {
  EXPECT_EQ(play([](Stage& s) {
              std::vector<std::unique_ptr<Steps>> all;
              for (const char* name : {"a", "b", "c", "d"}) {
                all.push_back(std::make_unique<Steps>(s.sim, name, [&s, name](Steps& me) {
                  me.wait(1s);
                  s.note(name);
                  me.wait(1s);
                  s.note(name);
                }));
                s.spawn_at(1s, *all.back());
              }
              s.sim.run();
            }),
            "a@2000 b@2000 c@2000 d@2000 a@3000 b@3000 c@3000 d@3000 ");
}

TEST_P(ProcedureTest, WakesAfterTheTrafficOfItsInstantAndBeforeItsSamples) {
  EXPECT_EQ(play([](Stage& s) {
              Steps steps(s.sim, "steps", [&](Steps& me) {
                me.wait(1s);
                s.note("woke");
              });
              s.spawn_at(1s, steps);
              s.script.at(
                  2s, [&] { s.note("sample"); }, Turn::sample);
              s.script.at(2s, [&] { s.note("traffic"); });
              s.script.at(
                  2s, [&] { s.note("fault"); }, Turn::fault);
              s.sim.run();
            }),
            "fault@2000 traffic@2000 woke@2000 sample@2000 ");
}

TEST_P(ProcedureTest, RunsAfterTheOperationThatStartedItAndBeforeTheNext) {
  EXPECT_EQ(play([](Stage& s) {
              Steps inner(s.sim, "inner", [&](Steps&) { s.note("inner"); });
              Steps outer(s.sim, "outer", [&](Steps&) {
                s.note("outer");
                s.script.operate([&] { s.note("asked_by_outer"); });
                s.sim.platform().spawn(inner);
                s.note("still_outer");
              });
              s.script.at(1s, [&] {
                s.script.operate([&] {
                  s.note("one");
                  s.sim.platform().spawn(outer);
                  s.note("still_one");
                });
                s.script.operate([&] { s.note("two"); });
              });
              s.script.at(1s, [&] { s.note("event"); });
              s.sim.run();
            }),
            "one@1000 still_one@1000 outer@1000 still_outer@1000 inner@1000 two@1000 "
            "asked_by_outer@1000 event@1000 ");
}

TEST_P(ProcedureTest, DiesWithItsHostAndOthersDoNot) {
  EXPECT_EQ(play([](Stage& s) {
              const auto body = [&s](std::string name) {
                return [&s, name](Steps& me) {
                  me.wait(4s);
                  s.note(name + "_survived");
                };
              };
              Steps on0(s.sim, "0", body("0")), on1(s.sim, "1", body("1")),
                  free(s.sim, "free", body("free"));
              on0.killed = [&] { s.note("0_killed"); };
              on1.killed = [&] { s.note("1_killed"); };
              s.spawn_at(1s, on0, 0);
              s.spawn_at(1s, on1, 1);
              s.spawn_at(1s, free);
              s.lose_at(3s, {0});
              s.sim.run();
              s.seen += on0.state() == Procedure::State::killed ? "killed" : "?";
            }),
            "0_killed@3000 1_survived@5000 free_survived@5000 killed");
}

TEST_P(ProcedureTest, IsKilledAtOnceIfItsHostIsDownWhenItStarts) {
  EXPECT_EQ(play([](Stage& s) {
              Steps steps(s.sim, "steps", [&](Steps&) { s.note("ran"); });
              steps.killed = [&] { s.note("killed"); };
              s.lose_at(1s, {0});
              s.spawn_at(2s, steps, 0);
              s.sim.run();
            }),
            "killed@2000 ");
}

TEST_P(ProcedureTest, IsKilledIfItsHostGoesInTheOperationThatStartsIt) {
  EXPECT_EQ(play([](Stage& s) {
              Steps steps(s.sim, "steps", [&](Steps&) { s.note("ran"); });
              steps.killed = [&] { s.note("killed"); };
              s.script.operate_at(1s, [&] {
                s.sim.platform().spawn(steps, 0);
                s.sim.platform().lose_hosts({0}, HostLoss::silence);
              });
              s.sim.run();
            }),
            "killed@1000 ");
}

TEST_P(ProcedureTest, SeesAFaultOfSeveralHostsWhole) {
  EXPECT_EQ(play([](Stage& s) {
              const auto up = [&s] {
                std::string flags;
                for (HostId id = 0; id < 3; ++id) flags += s.sim.platform().up(id) ? "u" : "d";
                return flags;
              };
              Steps before(s.sim, "before", [&](Steps& me) {
                me.wait(1s);
                s.note("b_" + up());
              });
              Steps after(s.sim, "after", [&](Steps& me) {
                me.wait(800ms);
                s.note("a_" + up());
              });
              Steps victim(s.sim, "victim", [&](Steps& me) { me.wait(9s); });
              victim.killed = [&] { s.note("k_" + up()); };
              s.script.host_lost = [&](std::uint32_t, HostLoss) { s.note("l_" + up()); };
              s.spawn_at(1s, before);
              s.spawn_at(1s, victim, 0);
              s.script.at(1100ms, [&] {  // so that at 2 s it comes between the two wakes
                s.script.operate_at(
                    2s,
                    [&] {
                      s.sim.platform().lose_hosts({0, 2}, HostLoss::silence);
                    },
                    Turn::control);
              });
              s.spawn_at(1200ms, after);
              s.sim.run();
            }),
            "b_uuu@2000 k_dud@2000 l_dud@2000 l_dud@2000 a_dud@2000 ");
}

TEST_P(ProcedureTest, MayCauseAFaultItself) {
  EXPECT_EQ(play([](Stage& s) {
              Steps other(s.sim, "other", [&](Steps& me) {
                me.wait(9s);
                s.note("other");
              });
              other.killed = [&] { s.note("other_killed"); };
              Steps chaos(s.sim, "chaos", [&](Steps& me) {
                me.wait(1s);
                s.sim.platform().lose_hosts({1, 2}, HostLoss::silence);
                s.note("done");
                me.wait(1s);
                s.sim.platform().restore_hosts({1, 2});
                s.sim.platform().spawn(other, 1);
              });
              s.spawn_at(1s, other, 1);
              s.spawn_at(1s, chaos, 0);
              s.sim.run();
            }),
            "other_killed@2000 done@2000 other@12000 ");
}

TEST_P(ProcedureTest, ThatSwitchesOffItsOwnHostRunsOnToItsNextWaitAndEndsThere) {
  EXPECT_EQ(play([](Stage& s) {
              Steps suicide(s.sim, "suicide", [&](Steps& me) {
                me.wait(1s);
                s.sim.platform().lose_hosts({2, 0, 1}, HostLoss::reset);
                s.note(s.sim.platform().up(1) ? "half" : "all_off");
                me.wait(1s);
                s.note("never");
              });
              suicide.killed = [&] { s.note("killed"); };
              s.script.host_lost = [&](std::uint32_t node, HostLoss) {
                s.note("lost" + std::to_string(node));
              };
              s.spawn_at(1s, suicide, 0);
              s.sim.run();
              s.seen += suicide.state() == Procedure::State::killed ? "killed" : "?";
            }),
            "killed@2000 lost2@2000 lost0@2000 lost1@2000 all_off@2000 killed");
}

TEST_P(ProcedureTest, CanBeStartedAgainAfterItWasKilledAndItsOldWaitIsStale) {
  EXPECT_EQ(play([](Stage& s) {
              int runs = 0;
              Steps steps(s.sim, "steps", [&](Steps& me) {
                const std::string run = std::to_string(++runs);
                s.note("start" + run);
                me.wait(3s);
                s.note("end" + run);
              });
              s.spawn_at(1s, steps, 0);  // would wake at 4 s
              s.lose_at(2s, {0});
              s.spawn_at(3s, steps, 1);
              s.sim.run();
            }),
            "start1@1000 start2@3000 end2@6000 ");
}

TEST_P(ProcedureTest, CanBeStartedAgainInTheOperationThatKilledIt) {
  EXPECT_EQ(play([](Stage& s) {
              int runs = 0;
              Steps steps(s.sim, "steps", [&](Steps& me) {
                s.note("start" + std::to_string(++runs));
                me.wait(3s);
                s.note("end");
              });
              s.spawn_at(1s, steps, 0);
              s.script.operate_at(2s, [&] {
                s.sim.platform().lose_hosts({0}, HostLoss::silence);
                s.sim.platform().restore_hosts({0});
                s.sim.platform().spawn(steps, 0);
              });
              s.sim.run();
            }),
            "start1@1000 start2@2000 end@5000 ");
}

TEST_P(ProcedureTest, ThatStillWaitsEndsAtTheHorizonWithoutAWord) {
  EXPECT_EQ(play([](Stage& s) {
              struct Guard {
                int& count;
                ~Guard() { ++count; }
              };
              int unwound = 0;
              Steps steps(s.sim, "steps", [&](Steps& me) {
                const Guard guard{unwound};
                me.wait(1h);
                s.note("never");
              });
              steps.killed = [&] { s.note("killed"); };
              s.spawn_at(1s, steps, 0);
              s.sim.run();
              s.seen += "unwound " + std::to_string(unwound);
            }),
            "unwound 1");
}

TEST_P(ProcedureTest, ManyOfThemOnManyHostsDoNotDisturbEachOther) {
  EXPECT_EQ(play([](Stage& s) {
              int ended = 0, killed = 0;
              std::vector<std::unique_ptr<Steps>> all;
              for (std::uint32_t i = 0; i < 300; ++i) {
                const HostId host = s.sim.platform().add_host("m", s.a, nullptr, i);
                all.push_back(std::make_unique<Steps>(s.sim, "m", [&](Steps& me) {
                  for (int k = 0; k < 10; ++k) me.wait(1s);
                  ++ended;
                }));
                all.back()->killed = [&] { ++killed; };
                s.spawn_at(1s, *all.back(), host);
                if (i % 3 == 0) s.lose_at(5s, {host});
              }
              s.sim.run();
              s.seen = std::to_string(ended) + " " + std::to_string(killed);
            }),
            "200 100");
}

TEST_P(ProcedureTest, APlatformCallOutsideAnOperationAborts) {
  const bool simgrid = GetParam();
  const auto end = test::end_of_child([simgrid] {
    Stage s(simgrid);
    s.script.at(1s, [&] { s.sim.platform().lose_hosts({0}, HostLoss::silence); });
    s.sim.run();
  });
  EXPECT_TRUE(end.aborted_with("a platform call outside an operation")) << end.messages;
}

TEST_P(ProcedureTest, ACutOutsideAnOperationAborts) {
  const bool simgrid = GetParam();
  const auto end = test::end_of_child([simgrid] {
    Stage s(simgrid);
    s.script.at(1s, [&] { s.sim.network().set_cut_off(s.a, true); });
    s.sim.run();
  });
  EXPECT_TRUE(end.aborted_with("a platform call outside an operation")) << end.messages;
}

TEST_P(ProcedureTest, IsNotStartedTwice) {
  const bool simgrid = GetParam();
  const auto end = test::end_of_child([simgrid] {
    Stage s(simgrid);
    Steps steps(s.sim, "steps", [](Steps& me) { me.wait(5s); });
    s.spawn_at(1s, steps);
    s.spawn_at(2s, steps);
    s.sim.run();
  });
  EXPECT_TRUE(end.aborted_with("started twice")) << end.messages;
}

}  // namespace
}  // namespace windtunnel::sim
