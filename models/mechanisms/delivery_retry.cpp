#include "models/mechanisms/delivery_retry.hpp"

#include <cmath>

namespace windtunnel {

using sim::Duration;

Duration DeliveryRetry::plain_pause(std::uint32_t number) const {
  if (number <= immediate) return Duration::zero();
  number -= immediate;
  if (number <= at_least) return least;
  number -= at_least;
  if (number > backoff) return largest;
  const double part =
      backoff == 1 ? 1 : static_cast<double>(number - 1) / static_cast<double>(backoff - 1);
  const double from = sim::seconds(least), to = sim::seconds(largest);
  return sim::from_seconds(growth == Growth::linear || from == 0
                               ? from + (to - from) * part
                               : from * std::pow(to / from, part));
}

std::optional<Duration> DeliveryRetry::pause(std::uint32_t number, Duration age,
                                             sim::Stream& chance) const {
  if (number > retries()) return std::nullopt;
  Duration pause = plain_pause(number);
  if (jitter && pause > Duration::zero()) {
    pause = sim::from_seconds(sim::seconds(pause) * (0.5 + 0.5 * chance.uniform()));
  }
  if (max_age < sim::forever && age + pause > max_age) return std::nullopt;
  return pause;
}

}  // namespace windtunnel
