// The states of a state machine as it runs them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "models/mechanisms/integration.hpp"
#include "sim/distribution.hpp"

namespace windtunnel {

namespace settings {
class StepFunctionsStateMachine;
class StepFunctionsStateMachine_Retry;
}  // namespace settings

// A retrier: the pauses between attempts, and which errors it is for.
struct StepRetry {
  enum class Errors : std::uint8_t { all, task_failed, timeout };
  Errors errors = Errors::all;
  sim::Duration interval{0}, max_delay = sim::horizon_limit;
  std::uint32_t max_attempts = 0;
  double backoff_rate = 2;
  bool full_jitter = false;

  bool is_for(bool timeout) const {
    return errors == Errors::all || timeout == (errors == Errors::timeout);
  }
  // Before retry `retry`, counted from 1.
  sim::Duration pause(std::uint32_t retry, sim::Stream& chance) const;
};

struct StepTask {
  std::unique_ptr<Integration> integration;
  std::optional<StepRetry> retry;
  double writes = 0;
  bool is_last = true;  // of its branch or item; else the next one follows
};

struct StepState {
  enum class Kind : std::uint8_t { tasks, wait, choice };
  static constexpr std::uint16_t none = 0xffff;
  Kind kind = Kind::tasks;
  std::uint16_t next = none, caught = none;  // none: the execution ends, or fails
  std::vector<std::uint16_t> branches;       // the first task of each
  std::uint32_t items = 0;                   // of a map: of its only branch
  std::uint32_t most_at_once = 0;
  bool is_map = false;
  bool has_states = false;  // its tasks are states of their own: a parallel state, a map
  sim::Distribution wait;
  std::vector<std::pair<double, std::uint16_t>> choices;  // shares summed up
};

// The states of the settings, in their order; their tasks go to `tasks`.
std::vector<StepState> step_states_of(sim::Component& owner,
                                      const settings::StepFunctionsStateMachine& settings,
                                      std::vector<StepTask>& tasks);

}  // namespace windtunnel
