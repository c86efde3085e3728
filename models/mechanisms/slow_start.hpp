// Slow start: a target that has just become healthy gets a share that rises linearly from 0 to what
// the others get. The algorithm proposes a target, slow start turns some proposals down: of a
// target's turns it takes as many as its share, evenly spread.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/time.hpp"

namespace windtunnel {

class SlowStart {
 public:
  // A duration of 0: no slow start.
  SlowStart(sim::Duration duration, std::uint32_t targets)
      : duration_(duration), targets_(duration > sim::Duration::zero() ? targets : 0) {}

  bool on() const { return duration_ > sim::Duration::zero(); }
  void begin(std::uint32_t target, sim::Time now) {
    if (!on() || targets_[target].starting) return;
    targets_[target] = {now, 0, true};
    ++starting_;
  }
  void end(std::uint32_t target) {
    if (!on() || !targets_[target].starting) return;
    targets_[target].starting = false;
    --starting_;
  }
  std::uint32_t starting() const { return starting_; }

  // A turn of the target has come.
  bool takes(std::uint32_t target, sim::Time now) {
    Target& it = targets_[target];
    if (!it.starting) return true;
    if (now - it.since >= duration_) {
      end(target);
      return true;
    }
    it.turns += sim::seconds(now - it.since) / sim::seconds(duration_);
    if (it.turns < 1) return false;
    it.turns -= 1;
    return true;
  }

 private:
  struct Target {
    sim::Time since{};
    double turns = 0;  // that it should have taken
    bool starting = false;
  };
  sim::Duration duration_;
  std::vector<Target> targets_;
  std::uint32_t starting_ = 0;
};

}  // namespace windtunnel
