// The lifecycle hooks of an Auto Scaling group: how long an instance waits in Pending:Wait or
// Terminating:Wait, and what comes of it. All hooks of a transition wait at the same time. CONTINUE
// waits for the others; ABANDON ends the wait at once. Left out: who is told, and how.
// Source: EC2 Auto Scaling guide, Lifecycle hooks.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sim/distribution.hpp"
#include "sim/entity.hpp"

namespace windtunnel {

namespace settings {
class LifecycleHook;
}

class LifecycleHooks {
 public:
  enum class Transition : std::uint8_t { launching, terminating };
  struct Wait {
    sim::Duration time{0};
    bool abandon = false;
    bool timed_out = false;  // the hook that decided was completed by nobody
  };

  LifecycleHooks(const sim::Entity& owner,
                 const google::protobuf::RepeatedPtrField<settings::LifecycleHook>& hooks);

  bool any(Transition transition) const;
  // Draws the wait of one instance.
  Wait wait(Transition transition);

 private:
  struct Hook {
    Transition transition;
    sim::Duration limit;
    bool abandon_by_default;
    bool completed;  // by somebody, after `completion`
    sim::Distribution completion;
    double abandoned;
  };
  Wait wait_of(const Hook& hook);

  std::vector<Hook> hooks_;
  sim::Stream chance_;
};

}  // namespace windtunnel
