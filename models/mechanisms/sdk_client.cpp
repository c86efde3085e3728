#include "models/mechanisms/sdk_client.hpp"

#include <algorithm>
#include <cmath>

#include "models/mechanisms/sdk_client.pb.h"

namespace windtunnel {

using sim::Duration;
using sim::Outcome;
using sim::Time;

// --- adaptive mode. Constants of botocore retries/throttling.py and bucket.py.

namespace {
constexpr double beta = 0.7, scale = 0.4, smoothing = 0.8, least_rate = 0.5;
constexpr double buckets_a_second = 2;
}  // namespace

Duration AdaptiveRate::wait(Time now) {
  if (!enabled_) return Duration::zero();
  refill(now);
  tokens_ -= 1;  // below zero: others wait already
  return tokens_ >= 0 ? Duration::zero() : sim::from_seconds(-tokens_ / fill_rate_);
}

void AdaptiveRate::on_response(bool throttled, Time now) {
  measure(now);
  double rate;
  if (throttled) {
    highest_ = enabled_ ? std::min(measured_, fill_rate_) : measured_;
    inflection_ = std::cbrt(highest_ * (1 - beta) / scale);
    last_throttle_ = now;
    rate = highest_ * beta;
    if (!enabled_) filled_ = now;
    enabled_ = true;
  } else {
    if (!enabled_) return;
    rate = scale * std::pow(sim::seconds(now - last_throttle_) - inflection_, 3) + highest_;
  }
  set_rate(std::min(rate, 2 * measured_), now);
}

void AdaptiveRate::measure(Time now) {
  counted_ += 1;
  const double bucket = std::floor(sim::seconds(now) * buckets_a_second) / buckets_a_second;
  if (bucket <= bucket_began_) return;
  const double rate = counted_ / (bucket - bucket_began_);
  measured_ = rate * smoothing + measured_ * (1 - smoothing);
  counted_ = 0;
  bucket_began_ = bucket;
}

void AdaptiveRate::refill(Time now) {
  tokens_ = std::min(capacity_, tokens_ + fill_rate_ * sim::seconds(now - filled_));
  filled_ = now;
}

void AdaptiveRate::set_rate(double rate, Time now) {
  refill(now);
  fill_rate_ = std::max(rate, least_rate);
  capacity_ = std::max(rate, 1.0);
  tokens_ = std::min(tokens_, capacity_);
}

// --- modes

RetryRules retry_rules_of(const settings::SdkRetry& s) {
  using S = settings::SdkRetry;
  using std::chrono::milliseconds, std::chrono::seconds;
  const bool dynamodb = s.service() == S::DYNAMODB;
  RetryRules rules;
  if (s.mode() == S::LEGACY) {
    rules.max_attempts = dynamodb ? 10 : 5;
    rules.backoff = {
        .jitter = Backoff::Jitter::full, .base = seconds(1), .cap = sim::horizon_limit};
  } else {
    const bool new_rules = s.new_retries_2026();
    rules.max_attempts = new_rules && dynamodb ? 4 : 3;
    rules.backoff = {.jitter = Backoff::Jitter::full, .base = seconds(1), .cap = seconds(20)};
    rules.tokens.emplace();
    if (new_rules) {
      rules.backoff.base = milliseconds(dynamodb ? 25 : 50);
      rules.backoff.throttled_base = seconds(1);
      rules.tokens->cost = rules.tokens->timeout_cost = 14;
      rules.tokens->throttled_cost = 5;
    }
    rules.adaptive = s.mode() == S::ADAPTIVE;
  }
  if (s.has_max_attempts()) rules.max_attempts = static_cast<std::uint32_t>(s.max_attempts());
  return rules;
}

SdkClient::Verdict SdkClient::after_failure(Outcome outcome, std::uint32_t attempt,
                                            Duration previous, Time now, sim::Stream& chance) {
  const Failure failure = failure_of(outcome);
  if (rules_->adaptive) rate_.on_response(failure == Failure::throttling, now);
  if (attempt >= rules_->max_attempts) return {};
  Verdict verdict;
  if (tokens_) {
    if (!tokens_->take(failure)) return {.retry = false, .denied = true};
    verdict.cost = static_cast<float>(tokens_->cost_after(failure));
  }
  verdict.retry = true;
  verdict.pause = rules_->backoff.pause(attempt, previous, chance, failure);
  return verdict;
}

void SdkClient::on_success(float last_cost, Time now) {
  if (rules_->adaptive) rate_.on_response(false, now);
  if (tokens_) tokens_->on_success(static_cast<double>(last_cost));
}

}  // namespace windtunnel
