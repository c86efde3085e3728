// The replacement lag of a group: from the loss of a target until as many are healthy as before.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/scaling/auto_scaling_instance.hpp"
#include "sim/log.hpp"

namespace windtunnel {

class ReplacementLag {
 public:
  explicit ReplacementLag(std::string component) : component_(std::move(component)) {}

  // A target is lost; the spell under way goes on, or one begins that is over when `wanted` are
  // healthy.
  void lost(sim::Time now, std::int64_t wanted);
  // The group has seen it.
  void detected(sim::Time date);
  // `last` is healthy again, now `healthy` are. The parts are its own: it is what the group waited
  // for.
  void healthy(sim::Time now, std::int64_t healthy, std::int64_t desired,
               const AutoScalingInstance& last);
  void report(sim::RunLog& log) const;

 private:
  struct Spell {
    sim::Time start;
    sim::Time detected;
    std::int64_t wanted;
  };
  std::string component_;
  std::optional<Spell> spell_;
  std::vector<sim::LagSpell> spells_;
};

}  // namespace windtunnel
