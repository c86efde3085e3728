// The calls in an instance's hands: taken and not answered yet. When its host is lost all of them
// go at once.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/simulation.hpp"

namespace windtunnel {

// `Work` is what the callee keeps in a call (sim::Call::work_as); one of its members is
// `std::uint32_t place`.
template <typename Work>
class InHand {
 public:
  void take(sim::Call& call, sim::Handle handle) {
    call.work_as<Work>().place = static_cast<std::uint32_t>(calls_.size());
    calls_.push_back(handle);
  }

  void forget(sim::Simulation& sim, sim::Call& call) {
    const std::uint32_t place = call.work_as<Work>().place;
    calls_[place] = calls_.back();
    sim.call(calls_[place]).work_as<Work>().place = place;
    calls_.pop_back();
  }

  // Whether a live call of this callee is still here, and not lost with an earlier life of the
  // instance.
  bool holds(sim::Call& call, sim::Handle handle) const {
    const std::uint32_t place = call.work_as<Work>().place;
    return place < calls_.size() && calls_[place] == handle;
  }

  // Forgets all of them without a word, or with a reset; `each(call)` is told first.
  template <typename Each>
  void lose(sim::Simulation& sim, sim::HostLoss loss, Each&& each) {
    lost_.swap(calls_);  // a caller that is reset may call again at once
    for (const sim::Handle handle : lost_) {
      each(sim.call(handle));
      if (loss == sim::HostLoss::reset) {
        sim.answer(handle, sim::Outcome::connection_reset);
      } else {
        sim.drop(handle);
      }
    }
    lost_.clear();
  }

  // Those that `which(call)` chooses, with a reset.
  template <typename Which>
  void reset_if(sim::Simulation& sim, Which&& which) {
    for (std::size_t i = calls_.size(); i-- > 0;) {
      sim::Call& call = sim.call(calls_[i]);
      if (!which(call)) continue;
      lost_.push_back(calls_[i]);
      forget(sim, call);
    }
    std::vector<sim::Handle> lost;
    lost.swap(lost_);
    for (const sim::Handle handle : lost) sim.answer(handle, sim::Outcome::connection_reset);
    lost.clear();
    lost_.swap(lost);
  }

  std::int64_t size() const { return static_cast<std::int64_t>(calls_.size()); }

 private:
  std::vector<sim::Handle> calls_, lost_;
};

}  // namespace windtunnel
