// The stages of an EC2 instance's start, each a distribution of its own (rule 18). A cold start
// goes through API, pending, boot and user data; an instance of a warm pool through API and a
// start that depends on the state it was kept in. A share of launches is slow as a whole: the long
// tail that benchmarks report.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/distribution.hpp"

namespace windtunnel {

enum class LaunchStage : std::uint8_t { api, pending, boot, user_data, start };
const char* to_string(LaunchStage stage);

// What a launch begins from.
enum class LaunchOrigin : std::uint8_t { cold, stopped, running, hibernated };

class LaunchStages {
 public:
  struct Times {
    sim::Distribution api, pending, boot, user_data;
    sim::Distribution from_stopped, from_running, from_hibernated;
    double slow_share = 0, slow_factor = 1;
  };
  explicit LaunchStages(const Times& times) : times_(times) {}

  // What the times of one launch are multiplied with; user data is the program's own affair.
  double slowness(sim::Stream& chance) const {
    return chance_of_slow(chance) ? times_.slow_factor : 1;
  }
  sim::Duration sample(LaunchStage stage, LaunchOrigin origin, double slowness,
                       sim::Stream& chance) const;
  // Boot and user data once more: an instance that has its power back.
  sim::Duration sample_reboot(sim::Stream& chance) const;

  static std::optional<LaunchStage> next(LaunchStage stage, LaunchOrigin origin);

 private:
  bool chance_of_slow(sim::Stream& chance) const {
    return times_.slow_share > 0 && chance.chance(times_.slow_share);
  }
  const sim::Distribution& distribution(LaunchStage stage, LaunchOrigin origin) const;

  Times times_;
};

}  // namespace windtunnel
