// A client object of an AWS SDK, as far as retries go: its retry mode, its quota of retry tokens,
// and in adaptive mode the rate at which it lets attempts out. State is per client object (a
// machine, an instance, an execution environment). The modes: legacy (5 attempts, no quota: still
// boto3's default), standard (3 attempts, 500 tokens), adaptive (standard, and after the first
// throttle a send rate by CUBIC that first attempts wait for too: rule 30); for standard and
// adaptive the rules of 2026 are opt-in (rule 29). Sources: botocore retries/standard.py,
// retries/adaptive.py, retries/throttling.py, retries/bucket.py; AWS SDKs and Tools reference,
// Retry behavior. Left out: x-amz-retry-after, clock skew, long-poll operations' sleep on an empty
// quota; a wait for the send rate is not shortened when the rate rises meanwhile.
#pragma once

#include <cstdint>
#include <optional>

#include "models/mechanisms/retry.hpp"

namespace windtunnel {

namespace settings {
class SdkRetry;
}

// Adaptive mode's send rate: nothing until the first throttle, then a token bucket whose rate
// CUBIC lowers at a throttle and raises at a success.
class AdaptiveRate {
 public:
  // How long an attempt waits before it is sent.
  sim::Duration wait(sim::Time now);
  void on_response(bool throttled, sim::Time now);
  bool enabled() const { return enabled_; }
  double rate() const { return fill_rate_; }

 private:
  void measure(sim::Time now);
  void refill(sim::Time now);
  void set_rate(double rate, sim::Time now);

  bool enabled_ = false;
  double tokens_ = 0, capacity_ = 0, fill_rate_ = 0;
  sim::Time filled_{};
  double measured_ = 0, counted_ = 0;  // responses a second, smoothed; in the present half second
  double bucket_began_ = 0;            // seconds
  double highest_ = 0.5, inflection_ = 0;  // CUBIC's w_max, and K in seconds
  sim::Time last_throttle_{};
};

struct RetryRules {
  std::uint32_t max_attempts = 1;
  Backoff backoff;
  std::optional<RetryTokenBucket> tokens;
  bool adaptive = false;
};
// Of an SDK's retry mode.
RetryRules retry_rules_of(const settings::SdkRetry& settings);

class SdkClient {
 public:
  explicit SdkClient(const RetryRules& rules) : rules_(&rules), tokens_(rules.tokens) {}

  void on_first_attempt() {
    if (tokens_) tokens_->on_first_attempt();
  }
  // How long this attempt, the first or another, waits for the send rate.
  sim::Duration before_attempt(sim::Time now) {
    return rules_->adaptive ? rate_.wait(now) : sim::Duration::zero();
  }
  // What a failed attempt leads to.
  struct Verdict {
    bool retry = false, denied = false;  // denied: by the quota
    sim::Duration pause{0};
    float cost = 0;  // tokens taken
  };
  // After attempt `attempt`, counted from 1; `previous`: the pause before it.
  Verdict after_failure(sim::Outcome outcome, std::uint32_t attempt, sim::Duration previous,
                        sim::Time now, sim::Stream& chance);
  // `last_cost`: what this request's last retry took, 0 without retries.
  void on_success(float last_cost, sim::Time now);
  const std::optional<RetryTokenBucket>& tokens() const { return tokens_; }

 private:
  const RetryRules* rules_;  // shared by the clients of one kind
  std::optional<RetryTokenBucket> tokens_;
  AdaptiveRate rate_;
};

}  // namespace windtunnel
