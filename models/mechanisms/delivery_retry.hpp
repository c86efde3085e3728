// The pauses of a push service between attempts at a delivery, in phases, and when it gives up:
// SNS's policies by protocol, EventBridge's 24 hours and 185 attempts. Sources: SNS developer
// guide, Message delivery retries; EventBridge user guide, Retry policy and using dead-letter
// queues.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/random.hpp"
#include "sim/time.hpp"

namespace windtunnel {

struct DeliveryRetry {
  // Phases in their order; 0 retries: none of that phase.
  std::uint32_t immediate = 0;
  std::uint32_t at_least = 0;  // retries at the least pause
  std::uint32_t backoff = 0;   // retries that go from the least to the largest pause
  std::uint32_t at_most = 0;   // retries at the largest pause
  sim::Duration least{std::chrono::seconds(1)}, largest{std::chrono::seconds(20)};
  enum class Growth : std::uint8_t { linear, exponential };
  Growth growth = Growth::exponential;
  bool jitter = true;                    // a pause is drawn from its half to itself
  sim::Duration max_age = sim::forever;  // no attempt begins later after the first one

  // 3 retries at once, 2 after 1 s, 10 from 1 s to 20 s, 100,000 after 20 s: 23 days.
  static DeliveryRetry aws_managed() { return {3, 2, 10, 100'000}; }
  // EventBridge: up to 185 retries within 24 hours, with exponential backoff. UNSOURCED: the shape,
  // 1 s doubling to 10 min, which spreads the 185 over the 24 hours.
  static DeliveryRetry event_bridge(std::uint32_t retries, sim::Duration max_age) {
    return {.backoff = retries < 10 ? retries : 10,
            .at_most = retries < 10 ? 0 : retries - 10,
            .largest = std::chrono::minutes(10),
            .max_age = max_age};
  }

  std::uint32_t retries() const { return immediate + at_least + backoff + at_most; }
  // The pause before retry `number`, counted from 1; nothing: it is given up. `age`: since the
  // first attempt.
  std::optional<sim::Duration> pause(std::uint32_t number, sim::Duration age,
                                     sim::Stream& chance) const;
  // The same without jitter and age.
  sim::Duration plain_pause(std::uint32_t number) const;
};

}  // namespace windtunnel
