#include "models/mechanisms/retry.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace windtunnel {

using sim::Duration;

Failure failure_of(sim::Outcome outcome) {
  switch (outcome) {
    case sim::Outcome::throttled:
      return Failure::throttling;
    case sim::Outcome::timeout:
    case sim::Outcome::connect_timeout:
      return Failure::timeout;
    default:
      return Failure::transient;
  }
}

Duration Backoff::exponential(std::uint32_t attempt, Duration first) const {
  const double v = sim::seconds(first) * std::exp2(std::min(attempt, 1000u) - 1.0);
  return std::min(cap, sim::from_seconds(v));
}

Duration Backoff::pause(std::uint32_t attempt, Duration previous, sim::Stream& chance,
                        Failure failure) const {
  const Duration first = failure == Failure::throttling ? throttled_base.value_or(base) : base;
  const auto between = [&](Duration low, Duration high) {
    return low + sim::from_seconds(sim::seconds(high - low) * chance.uniform());
  };
  switch (jitter) {
    case Jitter::none:
      return Duration::zero();
    case Jitter::exponential:
      return exponential(attempt, first);
    case Jitter::full:
      return between(Duration::zero(), exponential(attempt, first));
    case Jitter::equal:
      return between(exponential(attempt, first) / 2, exponential(attempt, first));
    case Jitter::decorrelated: {
      // Three times the longest run still fits.
      const Duration last = std::min({std::max(previous, first), cap, sim::horizon_limit});
      return std::min(cap, between(first, std::max(first, last * 3)));
    }
  }
  return {};
}

Duration Backoff::longest(std::uint32_t attempt) const {
  if (jitter == Jitter::none) return Duration::zero();
  const Duration first = std::max(base, throttled_base.value_or(base));
  if (jitter != Jitter::decorrelated) return exponential(attempt, first);
  return std::min(cap,
                  sim::from_seconds(sim::seconds(first) * std::pow(3.0, std::min(attempt, 600u))));
}

void RetryTokenBucket::on_first_attempt() {
  tokens = std::min(capacity, tokens + deposit_on_first_attempt);
}

double RetryTokenBucket::cost_after(Failure failure) const {
  return failure == Failure::timeout      ? timeout_cost
         : failure == Failure::throttling ? throttled_cost.value_or(cost)
                                          : cost;
}

bool RetryTokenBucket::take(Failure failure) {
  const double needed = cost_after(failure);
  if (tokens < needed + reserve) return false;
  tokens -= needed;
  return true;
}

void RetryTokenBucket::on_success(double last_cost) {
  const bool retried = returns_cost && last_cost > 0;
  tokens = std::min(capacity, tokens + (retried ? last_cost : deposit_on_success));
}

void CircuitBreaker::fade(sim::Time now) {
  const Duration half = settings_.window / 2;
  if (half == Duration::zero()) return;
  while (now - half_began_ >= half) {
    first_before_ = std::exchange(first_, 0);
    failed_before_ = std::exchange(failed_, 0);
    half_began_ += half;
    if (now - half_began_ >= 2 * half) half_began_ = now - half;
  }
}

bool CircuitBreaker::allows_first_attempt(sim::Time now) {
  if (!settings_.blocks_first_attempts || !open_since_) return true;
  if (now - *open_since_ < settings_.open_for) return false;
  open_since_ = now;
  return true;
}

bool CircuitBreaker::allows_retry(sim::Time now) {
  fade(now);
  return !open_since_ && !above();
}

void CircuitBreaker::on_first_attempt(sim::Time now) {
  fade(now);
  ++first_;
}

void CircuitBreaker::on_result(bool success, sim::Time now, std::uint32_t era) {
  if (era != era_) return;
  fade(now);
  if (!success) ++failed_;
  if (!settings_.blocks_first_attempts) return;
  if (open_since_ && success) return close();
  if (open_since_) {
    open_since_ = now;
  } else if (above()) {
    open_since_ = now;
    ++era_;
  }
}

void CircuitBreaker::close() {
  open_since_.reset();
  first_ = failed_ = first_before_ = failed_before_ = 0;
  ++era_;
}

}  // namespace windtunnel
