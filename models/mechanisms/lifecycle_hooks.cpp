#include "models/mechanisms/lifecycle_hooks.hpp"

#include <algorithm>

#include "models/mechanisms/lifecycle_hooks.pb.h"
#include "models/mechanisms/settings.hpp"

namespace windtunnel {

namespace {
// Source: EC2 Auto Scaling API, PutLifecycleHook: 48 hours or 100 times the heartbeat timeout,
// whichever is smaller.
sim::Duration limit_of(const settings::LifecycleHook& hook) {
  const sim::Duration timeout = to_duration(hook.heartbeat_timeout());
  if (!hook.heartbeats()) return timeout;
  return std::min<sim::Duration>(100 * timeout, std::chrono::hours(48));
}
}  // namespace

LifecycleHooks::LifecycleHooks(
    const sim::Entity& owner,
    const google::protobuf::RepeatedPtrField<settings::LifecycleHook>& hooks)
    : chance_(owner.stream("lifecycle hooks")) {
  for (const settings::LifecycleHook& hook : hooks) {
    const bool launching =
        hook.lifecycle_transition() == settings::LifecycleHook::EC2_INSTANCE_LAUNCHING;
    hooks_.push_back(
        {.transition = launching ? Transition::launching : Transition::terminating,
         .limit = limit_of(hook),
         .abandon_by_default = hook.default_result() == settings::LifecycleHook::ABANDON,
         .completed = hook.has_completion(),
         .completion = to_distribution(hook.completion()),
         .abandoned = hook.abandoned()});
  }
}

bool LifecycleHooks::any(Transition transition) const {
  return std::any_of(hooks_.begin(), hooks_.end(),
                     [&](const Hook& hook) { return hook.transition == transition; });
}

LifecycleHooks::Wait LifecycleHooks::wait_of(const Hook& hook) {
  if (hook.completed) {
    const sim::Duration time = hook.completion.sample(chance_);
    if (time <= hook.limit) return {time, chance_.chance(hook.abandoned), false};
  }
  return {hook.limit, hook.abandon_by_default, true};
}

LifecycleHooks::Wait LifecycleHooks::wait(Transition transition) {
  Wait whole;
  for (const Hook& hook : hooks_) {
    if (hook.transition != transition) continue;
    const Wait wait = wait_of(hook);
    const bool decides = wait.abandon ? !whole.abandon || wait.time < whole.time
                                      : !whole.abandon && wait.time >= whole.time;
    if (decides) whole = wait;
  }
  return whole;
}

}  // namespace windtunnel
