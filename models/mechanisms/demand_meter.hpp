// Scaling lag: how long a program that can scale has too few workers, and what of the control loop
// the time went to.
//
//   demand    arrivals of the last 10 s x mean time a worker was held in them: workers needed
//   capacity  workers of the targets in service and healthy
//
// A spell opens when demand has been above a share of capacity for a while and closes likewise; its
// start and end are the dates when demand rose above and fell below. Its parts are those of the
// launch that ended it: metric, alarm, action, the launch's stages, health check, then warm-up
// while the instance serves and its warm-up is not over, and settling, the rest, while demand falls
// without another instance. It looks once a second; requests only count.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "models/mechanisms/ports.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

// What requests count. Time held is kept as a sum of dates, of releases less those of takings: the
// sum may overflow on its way, the difference does not.
struct WorkerUse {
  std::uint64_t arrived = 0, released = 0;

  void take(sim::Time now) {
    ++busy_;
    dates_ -= ns(now);
  }
  void release(sim::Time now) {
    ++released;
    lose(now, 1);
  }
  void lose(sim::Time now, std::int64_t workers) {
    busy_ -= workers;
    dates_ += ns(now) * static_cast<std::uint64_t>(workers);
  }
  // Time held by all workers up to now, in ns.
  std::uint64_t held(sim::Time now) const {
    return dates_ + ns(now) * static_cast<std::uint64_t>(busy_);
  }

 private:
  static std::uint64_t ns(sim::Time t) {
    return static_cast<std::uint64_t>(t.time_since_epoch().count());
  }
  std::int64_t busy_ = 0;
  std::uint64_t dates_ = 0;
};

class DemandMeter final : public sim::Entity {
 public:
  struct Settings {
    double share = 0.8;
    sim::Duration held_for{std::chrono::seconds(10)};
    std::int64_t workers = 1;  // of an instance
  };
  // What it reports stands among the owner's metrics. `queued` are requests that wait for workers.
  DemandMeter(sim::Component& owner, sim::MetricSet& metrics, const Settings& settings,
              const WorkerUse& use, const sim::Level& queued, const Fleet& fleet);

  void start();
  // Targets in service and healthy, from now on.
  void set_ready(std::int64_t instances) { ready_ = instances; }
  // One of them has just become so.
  void on_ready(std::uint32_t instance) { last_ready_ = Ready{instance, sim().now()}; }
  // At the horizon.
  void report(sim::RunLog& log) const;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter above{set, "InstanceSecondsAboveNeed",
                       "instances beyond the fewest that demand needs, times seconds"};
    sim::Counter below{set, "InstanceSecondsBelowNeed",
                       "instances short of the fewest that demand needs, times seconds"};
    sim::Histogram drain{set, "DrainTime",
                         "from the end of a spell of scaling lag until no request waits"};
  };

 private:
  static constexpr std::size_t window = 10;  // looks, one a second
  struct Reading {
    std::uint64_t arrived = 0, released = 0, held = 0;
  };
  struct Ready {
    std::uint32_t instance;
    sim::Time at;
  };

  void on_look();
  double demand();  // in workers
  void follow_spell(bool too_much);
  void close_spell();
  void follow_drain();
  std::vector<sim::LagSpell::Part> parts(sim::Time start, sim::Time end) const;

  sim::Component& owner_;
  Settings settings_;
  const WorkerUse& use_;
  const sim::Level& queued_;
  const Fleet& fleet_;
  Metrics metric_;
  std::array<Reading, window> readings_{};  // of the last looks, the oldest at next_
  std::size_t next_ = 0, looks_ = 0;
  std::int64_t ready_ = 0;
  std::optional<Ready> last_ready_;
  bool open_ = false;
  std::optional<sim::Time> start_, end_;    // perhaps: not yet held for long enough
  std::vector<sim::LagSpell::Part> parts_;  // up to end_
  std::optional<sim::Time> drains_since_, drained_;
  std::vector<sim::LagSpell> spells_;
};

}  // namespace windtunnel
