// Scheduled actions: at their time they set minimum, maximum and desired capacity. They are carried
// out within seconds, at most two minutes late, one after another in the order of their times, and
// ask no cooldown. One that would put a limit beyond the other, or the desired capacity
// beyond a limit, fails. Times count from the start of the run: it has no calendar.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/scaling_policies.hpp"
#include "sim/distribution.hpp"

namespace windtunnel {

class ScheduledActions final : public sim::Entity {
 public:
  ScheduledActions(ScalingPolicies& policies,
                   const google::protobuf::RepeatedPtrField<settings::ScheduledAction>& actions);
  void start();

 private:
  struct Action {
    std::string name;
    sim::Duration first{0};
    std::optional<sim::Duration> every;  // none: once
    std::optional<std::int64_t> min, max, desired;
    sim::Distribution delay;
  };
  void on_time(std::uint32_t action);
  void on_carried_out(std::uint32_t action);

  ScalingPolicies& policies_;
  std::vector<Action> actions_;
  sim::Time last_{};  // when the newest one is carried out: order is kept
  sim::Stream chance_;
};

}  // namespace windtunnel
