// Health by consecutive results, as every health check of AWS counts it.
#pragma once

#include <cstdint>

namespace windtunnel {

class HealthState {
 public:
  enum class State : std::uint8_t { initial, healthy, unhealthy };

  // Consecutive passes that heal, consecutive failures that break, passes that a new target needs.
  HealthState(std::uint32_t passes, std::uint32_t failures, std::uint32_t initial_passes,
              State state = State::initial)
      : passes_(passes), failures_(failures), initial_passes_(initial_passes), state_(state) {}

  // True if this result changed the state.
  bool record(bool passed) {
    if (passed != last_passed_) run_ = 0;
    last_passed_ = passed;
    ++run_;
    const std::uint32_t needed = state_ == State::initial && passed ? initial_passes_
                                 : passed                           ? passes_
                                                                    : failures_;
    const State wanted = passed ? State::healthy : State::unhealthy;
    if (state_ == wanted || run_ < needed) return false;
    state_ = wanted;
    return true;
  }

  State state() const { return state_; }
  bool healthy() const { return state_ == State::healthy; }

 private:
  std::uint32_t passes_, failures_, initial_passes_;
  std::uint32_t run_ = 0;
  bool last_passed_ = true;
  State state_;
};

}  // namespace windtunnel
