// A small world in SimGrid: two zones of a region, a far one, five hosts, procedures that copy. For
// runs in a child.
#pragma once

#include <cstdlib>
#include <memory>
#include <vector>

#include "sim/simulation.hpp"
#include "tests/support/scripted.hpp"

namespace windtunnel::test {

using namespace std::chrono_literals;
using sim::Duration;
using sim::HostId;
using sim::HostLoss;
using sim::Procedure;
using sim::Simulation;
using sim::ZoneId;
using Times = std::vector<std::int64_t>;

inline constexpr double gigabit_ten = 1.25e9;  // bytes/s of a host's interface

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
    copies.push_back(
        std::make_unique<Steps>(sim, "copy", [this, from, to, bytes, timeout_on_loss](Steps& me) {
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
  Script& script = add_script(sim);
  std::vector<std::unique_ptr<Steps>> copies;
  Times log;
};

}  // namespace windtunnel::test
