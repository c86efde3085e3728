// Both platforms run one model alike; what a large world costs.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "tests/support/forked.hpp"
#include "tests/support/scripted.hpp"

namespace windtunnel::sim {
namespace {

using namespace std::chrono_literals;
using test::in_child;
using test::Script;
using test::Steps;
using Times = std::vector<std::int64_t>;

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
      : Component(sim, "clients"),
        server_(server),
        lane_(*this, 200ms),
        gaps_(stream("arrivals")) {}
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
          static_cast<std::int64_t>(sim.events_handled()),
          clients.good,
          clients.bad,
          repairs,
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
