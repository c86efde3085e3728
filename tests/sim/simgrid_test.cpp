// The world in SimGrid: the rules of the hook (sim/README.md) and bulk transfers. Every run is in a child.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "sim/simulation.hpp"
#include "tests/support/forked.hpp"
#include "tests/support/scripted.hpp"

namespace windtunnel::sim {
namespace {

using namespace std::chrono_literals;
using test::in_child;
using test::ns;
using test::Script;
using test::Steps;
using Times = std::vector<std::int64_t>;

constexpr double gigabit_ten = 1.25e9;  // bytes/s of a host's interface

// Two zones of one region 0.5 ms apart, a far one 35 ms away; hosts 0, 1 in a, 2, 3 in b, 4 far.
struct World {
  explicit World(Duration horizon = 100s) : sim({.horizon = horizon, .simgrid = true}) {
    sim.network().add_zone("clients", "");
    sim.network().set_one_way(a, b, 500us);
    sim.network().set_one_way(a, far, 35ms);
    sim.network().set_one_way(b, far, 35ms);
    for (const ZoneId zone : {a, a, b, b, far}) {
      sim.platform().add_host("h", zone, &script, 0, gigabit_ten);
    }
  }
  // A procedure that moves `bytes` from host to host at `date` and notes when it ended and how.
  void send(Duration date, HostId from, HostId to, double bytes, Duration timeout_on_loss = 0s) {
    copies.push_back(std::make_unique<Steps>(
        sim, "copy", [this, from, to, bytes, timeout_on_loss](Steps& me) {
          const bool done = me.transfer(from, to, bytes, timeout_on_loss);
          if (!sim.in_operation()) std::abort();
          log.push_back(done ? ns(sim.now()) : -ns(sim.now()));  // negative: it failed then
        }));
    spawn_at(date, *copies.back());
  }
  void spawn_at(Duration date, Steps& steps, HostId host = Procedure::anywhere) {
    script.operate_at(date, [this, &steps, host] { sim.platform().spawn(steps, host); });
  }
  void lose_at(Duration date, std::vector<HostId> hosts) {
    script.operate_at(date, [this, hosts] { sim.platform().lose_hosts(hosts, HostLoss::silence); });
  }
  Times run() {
    sim.run();
    return log;
  }

  Simulation sim;
  ZoneId a = sim.network().add_zone("us-east-1a", "us-east-1");
  ZoneId b = sim.network().add_zone("us-east-1b", "us-east-1");
  ZoneId far = sim.network().add_zone("eu-west-1a", "eu-west-1");
  Script& script = test::add_script(sim);
  std::vector<std::unique_ptr<Steps>> copies;
  Times log;
};

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
                                    Duration(720h + i * 3s + 1s + 1ns).count()), 0, 1.0);
  }
}

// Rule 3: procedures wait through the calendar only. See procedure_test.cpp for the order of their wakes.

TEST(SimgridRules, AProcedureThatComesBackFromATransferPostsEventsThatRunAtTheirDates) {
  // The transfer ends at 2 s, between two events; what it posts must not find the calendar beyond it.
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
              w.script.at(2s, [&] { seen += "sample "; }, Turn::sample);
              w.script.at(2s, [&] { seen += "traffic "; });
              w.script.at(2s, [&] { seen += "fault "; }, Turn::fault);
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
                  seen += "@" + std::to_string(ns(w.sim.now())) + " ";
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
  // Two copies out of host 0, half the interface each; at 2 s the first one's procedure dies with host 4.
  EXPECT_EQ(in_child([] {
              World w;
              Steps dies(w.sim, "dies", [&](Steps& me) { me.transfer(0, 1, 1e12); w.log.push_back(0); });
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
              w.send(1s, 0, 2, 1e12);          // across
              w.send(1s, 0, 1, 2 * gigabit_ten);  // inside: shares host 0 until 2 s, then alone: 3.5 s
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
      struct sigaction interrupt {}, fault {};
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

// Rule 7: the network model.

TEST(SimgridTransfers, TakeTheirBytesOverTheBandwidthPlusOneLatency) {
  EXPECT_EQ(in_child([] {
              World w;
              w.send(1s, 0, 1, gigabit_ten);  // 1 s
              w.send(3s, 0, 2, gigabit_ten);  // + 0.5 ms
              w.send(5s, 0, 4, gigabit_ten);  // + 35 ms; SimGrid's defaults would say 13 times as much
              w.send(7s, 0, 0, gigabit_ten);  // nothing travels
              w.send(8s, 0, 4, 0);            // nothing but the latency
              return w.run();
            }),
            (Times{2'000'000'000, 4'000'500'000, 6'035'000'000, 7'000'000'000, 8'035'000'000}));
}

TEST(SimgridTransfers, SharingALinkHaveEqualPartsOfIt) {
  // Host 0's interface, 1 unit/s. Copy 1 of 2 units from 1 s; copy 2 of 1 unit from 2 s. At 2 s copy 1 has 1 left; each
  // gets 1/2, both end at 4 s.
  EXPECT_EQ(in_child([] {
              World w;
              w.send(1s, 0, 1, 2 * gigabit_ten);
              w.send(2s, 0, 2, gigabit_ten);
              return w.run();
            }),
            (Times{4'000'000'000, 4'000'500'000}));
}

TEST(SimgridTransfers, ShareMaxMinWhateverTheirLatencies) {
  // Into host 1 come copies from 0 (0 ms away) and 4 (35 ms), 1 unit each: 1/2 each, both 2 s. By round-trip times the
  // far one would get nearly nothing.
  EXPECT_EQ(in_child([] {
              World w;
              w.send(1s, 0, 1, gigabit_ten);
              w.send(1s, 4, 1, gigabit_ten);
              return w.run();
            }),
            (Times{3'000'000'000, 3'035'000'000}));
}

TEST(SimgridTransfers, LeaveToOthersWhatTheyCannotUse) {
  // Uplink of zone a at 1.5 units/s; copies 0 -> 2, 1 -> 2 share host 2's interface: 1/2 each; 1 -> 3 shares host 1's
  // with the second: it gets the other 1/2. All 1 unit: 2 s. With the uplink at 0.9 units/s each gets 0.3: 3.333 s.
  EXPECT_EQ(in_child([] {
              World w;
              w.sim.platform().set_zone_bandwidth(w.a, w.a, 1.5 * gigabit_ten);
              w.send(1s, 0, 2, gigabit_ten);
              w.send(1s, 1, 2, gigabit_ten);
              w.send(1s, 1, 3, gigabit_ten);
              return w.run();
            }),
            (Times{3'000'500'000, 3'000'500'000, 3'000'500'000}));
  EXPECT_EQ(in_child([] {
              World w;
              w.sim.platform().set_zone_bandwidth(w.a, w.a, 0.9 * gigabit_ten);
              w.send(1s, 0, 2, gigabit_ten);
              w.send(1s, 1, 2, gigabit_ten);
              w.send(1s, 1, 3, gigabit_ten);
              return w.run();
            }),
            (Times{4'333'833'333, 4'333'833'333, 4'333'833'333}));
}

TEST(SimgridTransfers, OfOppositeDirectionsDoNotDisturbEachOther) {
  EXPECT_EQ(in_child([] {
              World w;
              w.send(1s, 0, 2, gigabit_ten);
              w.send(1s, 2, 0, gigabit_ten);
              return w.run();
            }),
            (Times{2'000'500'000, 2'000'500'000}));
}

TEST(SimgridTransfers, AreHeldUpByNarrowPathsBetweenZonesAndRegions) {
  EXPECT_EQ(in_child([] {
              World w;
              w.sim.platform().set_zone_bandwidth(w.b, w.a, gigabit_ten / 2);
              w.sim.platform().set_zone_bandwidth(w.a, w.far, gigabit_ten / 4);
              w.send(1s, 0, 2, gigabit_ten);   // 2 s
              w.send(10s, 4, 2, gigabit_ten);  // 4 s: the path between the regions
              w.send(20s, 2, 3, gigabit_ten);  // 1 s: inside zone b
              return w.run();
            }),
            (Times{3'000'500'000, 14'035'000'000, 21'000'000'000}));
}

TEST(SimgridTransfers, PayTheLatencyOfASlowZone) {
  EXPECT_EQ(in_child([] {
              World w;
              w.script.operate_at(1s, [&] { w.sim.network().set_slow(w.far, 4); });
              w.send(2s, 0, 4, gigabit_ten);
              return w.run();
            }),
            Times{3'140'000'000});
}

// Both platforms.

class Server final : public Component {
 public:
  Server(Simulation& sim, HostId host) : Component(sim, "server"), work_(stream("service")) {
    nodes_.push_back({host, 0});
  }
  void on_request(Call&, Handle handle) override {
    sim().after<&Server::on_served>(service_.sample(work_), this, handle);
  }
  void on_served(Handle handle) {
    if (sim().find_call(handle) == nullptr) return;
    if (sim().platform().up(nodes_[0].host)) {
      sim().answer(handle, Outcome::ok);
    } else {
      sim().drop(handle);
    }
  }

 private:
  Stream work_;
  Distribution service_ = Distribution::lognormal(0.010, 0.080);
};

class Clients final : public Component {
 public:
  Clients(Simulation& sim, Component& server)
      : Component(sim, "clients"), server_(server), lane_(*this, 200ms), gaps_(stream("arrivals")) {}
  void start() override { on_arrival(); }
  void on_arrival() {
    const Handle handle = sim().open_call(*this, 0, Operation::read);
    lane_.enter(sim().call(handle), handle);
    sim().send(handle, server_.address_of(0));
    sim().after<&Clients::on_arrival>(gap_.sample(gaps_), this);
  }
  void on_answer(Call&, Handle) override { ++good; }
  void on_timeout(Call&, Handle) override { ++bad; }
  std::int64_t good = 0, bad = 0;

 private:
  Component& server_;
  Lane lane_;
  Stream gaps_;
  Distribution gap_ = Distribution::exponential(0.005);
};

Times small_model(bool simgrid) {
  Simulation sim({.seed = 3, .horizon = 120s, .simgrid = simgrid});
  const ZoneId a = sim.network().add_zone("a", "r"), b = sim.network().add_zone("b", "r");
  sim.network().set_one_way(a, b, 400us);
  sim.network().set_jitter(1.05);
  Script& script = test::add_script(sim);
  for (std::uint32_t i = 0; i < 4; ++i) {
    sim.platform().add_host("h", i % 2 == 0 ? a : b, &script, i);
  }
  auto& server = sim.add(std::make_unique<Server>(sim, 1));
  auto& clients = static_cast<Clients&>(sim.add(std::make_unique<Clients>(sim, server)));
  int repairs = 0, killed = 0;
  Steps repair(sim, "repair", [&](Steps& me) {
    me.wait(5s);
    sim.platform().restore_hosts({1, 3});
    ++repairs;
    me.wait(10s);
    sim.network().set_cut_off(b, true);
    me.wait(3s);
    sim.network().set_cut_off(b, false);
  });
  Steps patrol(sim, "patrol", [&](Steps& me) {
    for (;;) {
      me.wait(1s);
      script.operate([] {});
    }
  });
  patrol.killed = [&] { ++killed; };
  script.host_lost = [&](std::uint32_t node, HostLoss) {
    if (node == 1) sim.platform().spawn(repair);
  };
  script.host_restored = [&](std::uint32_t node) {
    if (node == 3) sim.platform().spawn(patrol, 3);
  };
  script.operate_at(1s, [&] { sim.platform().spawn(patrol, 3); });
  for (const Duration date : {20s, 60s, 90s}) {
    script.operate_at(date, [&] { sim.platform().lose_hosts({1, 3}, HostLoss::silence); });
  }
  sim.run();
  return {static_cast<std::int64_t>(sim.fingerprint()),
          static_cast<std::int64_t>(sim.events_handled()), clients.good, clients.bad, repairs,
          killed};
}

TEST(Platforms, GiveTheSameFingerprintToTheSameModel) {
  const Times flat = small_model(false);
  const Times simgrid = in_child([] { return small_model(true); });
  EXPECT_EQ(flat, simgrid);
  EXPECT_GT(flat[2], 15'000);  // it did something
  EXPECT_GT(flat[3], 3'000);
  EXPECT_EQ(flat[4], 3);
  EXPECT_EQ(flat[5], 3);
}

TEST(Platforms, GiveTheSameFingerprintInEveryRun) {
  EXPECT_EQ(in_child([] { return small_model(true); }), in_child([] { return small_model(true); }));
}

TEST(Platforms, AWorldOfThreeThousandHostsIsCheap) {
  struct Cost {
    double seconds;
    std::int64_t kilobytes;
  };
  const Cost cost = in_child([] {
    const auto memory = [] {
      rusage usage{};
      getrusage(RUSAGE_SELF, &usage);
      return static_cast<std::int64_t>(usage.ru_maxrss);
    };
    Simulation sim({.horizon = 1s, .simgrid = true});
    for (int i = 0; i < 6; ++i) {
      sim.network().add_zone(std::to_string(i), i < 3 ? "us-east-1" : "eu-west-1");
    }
    for (std::uint32_t i = 0; i < 3000; ++i) {
      sim.platform().add_host("h", static_cast<ZoneId>(i % 6), nullptr, i);
    }
    const std::int64_t before = memory();
    const auto start = std::chrono::steady_clock::now();
    sim.run();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    return Cost{took.count(), memory() - before};
  });
  RecordProperty("milliseconds", std::to_string(cost.seconds * 1e3));
  RecordProperty("megabytes", std::to_string(static_cast<double>(cost.kilobytes) / 1024));
  std::printf("3,000 hosts: %.0f ms, %.1f MB\n", cost.seconds * 1e3,
              static_cast<double>(cost.kilobytes) / 1024);
  EXPECT_LT(cost.seconds, 2.0);  // ten times what was measured: sanitizers are slow
}

}  // namespace
}  // namespace windtunnel::sim
