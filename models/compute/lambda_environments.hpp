// The execution environments of one function: made, used, idle, given up. The one that was used
// last is used next (UNSOURCED: AWS does not tell), so that a smaller load lets the others go.
// Provisioned ones stay as long as they are wanted.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "models/mechanisms/dependencies.hpp"
#include "models/mechanisms/timed_list.hpp"

namespace windtunnel {

class LambdaEnvironments final : private TimedList::Owner {
 public:
  using Number = std::uint32_t;
  struct Environment {
    sim::Time born{}, began{};  // began: the Invoke phase of its invocation
    sim::Handle invocation;     // under way
    std::uint8_t version = 0;   // 1: the alias's additional one
    bool provisioned = false;
    bool reset = false;  // its next invocation pays for a hidden init
    std::optional<Dependencies::Connections> connections;
  };

  LambdaEnvironments(sim::Component& owner, sim::Duration idle_lifetime, sim::Duration lifetime);

  Environment& operator[](Number number) { return environments_[number]; }

  // An idle one, not idle any more.
  std::optional<Number> take(bool provisioned, std::uint8_t version);
  // A new one, in use.
  Number make(bool provisioned, std::uint8_t version);
  // Not in use any more: idle, or given up.
  void give_back(Number number);

  // As many are kept initialised; those too many go when they are idle.
  void set_provisioned(std::int64_t wanted);
  std::int64_t provisioned() const { return provisioned_; }
  std::int64_t provisioned_in_use() const { return provisioned_in_use_; }
  std::int64_t alive() const { return alive_; }

 private:
  void on_time_over(const TimedList&, Number number) override { end(number); }
  void end(Number number);

  sim::Simulation& sim_;
  sim::Duration lifetime_;
  std::deque<Environment> environments_;  // references stay valid
  std::vector<Number> free_;
  std::array<TimedList, 2> idle_;  // by version
  TimedList idle_provisioned_;
  std::int64_t wanted_ = 0, provisioned_ = 0, provisioned_in_use_ = 0, alive_ = 0;
};

}  // namespace windtunnel
