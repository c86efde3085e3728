// A small world for tests of Aurora: three zones, a cluster, callers, a script of faults; on the
// flat platform.
#pragma once

#include <functional>
#include <utility>

#include "models/database/aurora_cluster.hpp"
#include "models/mechanisms/connector.hpp"
#include "sim/simulation.hpp"

namespace windtunnel::aurora_test {

using namespace std::chrono_literals;

// Does things at dates, each in an operation of its own.
class Script final : public sim::Component {
 public:
  explicit Script(sim::Simulation& sim) : Component(sim, "script") {}
  void at(sim::Duration date, std::function<void()> what) {
    steps_.emplace_back(date, std::move(what));
  }
  void start() override {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      sim().after<&Script::on_due>(steps_[i].first, this, i, sim::Turn::fault);
    }
  }
  void on_due(std::uint64_t i) { sim().operate<&Script::step>(this, i); }
  void step(std::uint64_t i) { steps_[i].second(); }

 private:
  std::vector<std::pair<sim::Duration, std::function<void()>>> steps_;
};

// Makes one call after the other at a steady pace and remembers how each ended.
class Caller final : public sim::Component {
 public:
  struct Shape {
    sim::Operation operation = sim::Operation::write;
    sim::Duration every = 100ms, from = 100ms, until = sim::horizon_limit, timeout = 1s;
    sim::Duration keep_connection = sim::horizon_limit;  // 0: a connection for each call
    sim::ZoneId zone = 0;
  };
  struct Result {
    sim::Time begun, ended;
    sim::Outcome outcome;
    std::uint32_t node;
  };

  Caller(sim::Simulation& sim, const std::string& name, AuroraCluster& db, const Shape& shape)
      : Component(sim, name),
        shape_(shape),
        connection_{.operation = shape.operation,
                    .connect_timeout = 500ms,
                    .idle_timeout = shape.keep_connection,
                    .least_dns_ttl = 0s,
                    .dns_lookup = {}},
        lane_(*this, shape.timeout),
        db_(db) {
    set_zone(shape.zone);
  }

  void wire(sim::Wiring&) override {
    connector_ = std::make_unique<Connector>(*this, 0, db_, connection_, "calls");
  }
  void start() override { sim().after<&Caller::on_tick>(shape_.from, this); }
  void on_tick() {
    if (sim().now() + shape_.every < sim::time_zero + shape_.until) {
      sim().after<&Caller::on_tick>(shape_.every, this);
    }
    ++begun;
    const sim::Handle call = sim().open_call(*this, 0, shape_.operation);
    lane_.enter(sim().call(call), call);
    connector_->dispatch(call);
  }
  void on_answer(sim::Call& call, sim::Handle) override { ended(call); }
  void on_timeout(sim::Call& call, sim::Handle) override { ended(call); }
  void on_late_answer(const sim::Call&) override { ++late; }

  std::size_t count(sim::Outcome outcome, sim::Duration from = 0s,
                    sim::Duration to = sim::horizon_limit) const {
    std::size_t n = 0;
    for (const Result& r : results) {
      n +=
          r.outcome == outcome && r.begun >= sim::time_zero + from && r.begun < sim::time_zero + to;
    }
    return n;
  }
  // Longest time between two successes in a row.
  sim::Duration outage() const {
    sim::Duration longest{0};
    sim::Time last = sim::time_zero;
    for (const Result& r : results) {
      if (r.outcome != sim::Outcome::ok) continue;
      longest = std::max(longest, r.ended - last);
      last = r.ended;
    }
    return longest;
  }

  std::vector<Result> results;
  std::uint64_t begun = 0, late = 0;

 private:
  void ended(const sim::Call& call) {
    results.push_back({call.opened, sim().now(), call.outcome, call.callee_node});
    if (call.outcome != sim::Outcome::ok) connector_->on_call_failed(call);
  }

  Shape shape_;
  Connector::Settings connection_;
  sim::Lane lane_;
  AuroraCluster& db_;
  std::unique_ptr<Connector> connector_;
};

// Every time a round number, no chance in it.
inline AuroraCluster::Shape plain_shape() {
  using D = sim::Distribution;
  return {.zones = {0, 1, 2},
          .readers = 1,
          .workers = 4,
          .queue = 100,
          .read_time = D::constant(1ms),
          .write_time = D::constant(2ms),
          .storage_write = D::constant(1ms),
          .storage_repair = D::constant(10s),
          .replica_lag = D::constant(20ms),
          .failure_detection = D::constant(5s),
          .promotion = D::constant(8s),
          .endpoint_update = D::constant(2s),
          .recreate = D::constant(6min),
          .restart = D::constant(10s)};
}

// What aurora_cluster.proto says by default; a test compares the words.
inline AuroraCluster::Shape documented_shape() {
  using D = sim::Distribution;
  return {.zones = {0, 1, 2},
          .readers = 1,
          .workers = 64,
          .queue = 1000,
          .read_time = D::lognormal(0.001, 0.008),
          .write_time = D::lognormal(0.002, 0.012),
          .storage_write = D::lognormal(0.0005, 0.005),
          .storage_repair = D::constant(10s),
          .replica_lag = D::lognormal(0.02, 0.1),
          .failure_detection = D::uniform(3, 10),
          .promotion = D::lognormal(8, 20),
          .endpoint_update = D::uniform(1, 5),
          .recreate = D::lognormal(360, 600),
          .restart = D::lognormal(10, 30)};
}

struct World {
  explicit World(AuroraCluster::Shape shape = plain_shape(), sim::Duration horizon = 2min,
                 std::uint64_t replication = 1)
      : sim({.replication = replication, .horizon = horizon}) {
    for (const char* zone : {"us-east-1a", "us-east-1b", "us-east-1c"}) {
      sim.network().add_zone(zone, "us-east-1");
    }
    for (sim::ZoneId a = 0; a < 3; ++a) {
      for (sim::ZoneId b = 0; b < 3; ++b) sim.network().set_one_way(a, b, a == b ? 100us : 300us);
    }
    db = &add<AuroraCluster>("db", shape);
    script = static_cast<Script*>(&sim.add(std::make_unique<Script>(sim)));
  }

  template <typename T, typename... Arguments>
  T& add(const std::string& name, Arguments&&... arguments) {
    return static_cast<T&>(
        sim.add(std::make_unique<T>(sim, name, std::forward<Arguments>(arguments)...)));
  }
  Caller& caller(const std::string& name, const Caller::Shape& shape) {
    return add<Caller>(name, *db, shape);
  }

  void at(sim::Duration date, std::function<void()> what) { script->at(date, std::move(what)); }
  void lose(sim::Duration date, std::uint32_t node, sim::HostLoss loss = sim::HostLoss::silence) {
    at(date, [this, node, loss] { sim.platform().lose_hosts({db->nodes()[node].host}, loss); });
  }
  void restore(sim::Duration date, std::uint32_t node) {
    at(date, [this, node] { sim.platform().restore_hosts({db->nodes()[node].host}); });
  }
  void lose_zone(sim::Duration date, sim::ZoneId zone) {
    at(date, [this, zone] {
      sim.platform().lose_hosts(hosts_in(zone), sim::HostLoss::silence);
      db->on_zone_lost(zone);
    });
  }
  void restore_zone(sim::Duration date, sim::ZoneId zone) {
    at(date, [this, zone] {
      sim.platform().restore_hosts(hosts_in(zone));
      db->on_zone_restored(zone);
    });
  }
  std::vector<sim::HostId> hosts_in(sim::ZoneId zone) {
    std::vector<sim::HostId> found;
    for (sim::HostId i = 0; i < sim.platform().hosts(); ++i) {
      if (sim.platform().host(i).zone == zone) found.push_back(i);
    }
    return found;
  }

  // Date of the first note that contains `text`, or -1 s.
  sim::Duration noted(const std::string& text) const {
    for (const auto& event : const_cast<sim::Simulation&>(sim).log().events) {
      if (event.text.find(text) != std::string::npos) return event.at - sim::time_zero;
    }
    return -1s;
  }
  const sim::WriteOutcome& writes() { return sim.log().writes.at(0); }

  sim::Simulation sim;
  AuroraCluster* db;
  Script* script;
};

}  // namespace windtunnel::aurora_test
