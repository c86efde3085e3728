// Whether and when a failed attempt is tried again: attempts, backoff with jitter, a quota of retry
// tokens, a breaker. Sources: AWS Architecture Blog, Exponential Backoff And Jitter (2015); AWS SDK
// reference, retry behavior.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/call.hpp"
#include "sim/random.hpp"
#include "sim/time.hpp"

namespace windtunnel {

// What SDKs tell failures apart by.
enum class Failure : std::uint8_t { transient, timeout, throttling };
Failure failure_of(sim::Outcome outcome);

struct Backoff {
  enum class Jitter : std::uint8_t { none, exponential, full, equal, decorrelated };
  Jitter jitter = Jitter::full;
  sim::Duration base{std::chrono::seconds(1)}, cap{std::chrono::seconds(20)};
  std::optional<sim::Duration> throttled_base{};  // after a throttle, where it is not `base`

  // Pause before attempt `attempt` + 1, attempts counted from 1; `previous` is the pause before
  // (decorrelated jitter builds on it; zero: none yet).
  sim::Duration pause(std::uint32_t attempt, sim::Duration previous, sim::Stream& chance,
                      Failure failure = Failure::transient) const;
  // The longest that pause() can give.
  sim::Duration longest(std::uint32_t attempt) const;

 private:
  sim::Duration exponential(std::uint32_t attempt, sim::Duration first) const;
};

// A retry quota. First attempts are never blocked (rule 30).
struct RetryTokenBucket {
  double capacity = 500, cost = 5, timeout_cost = 10, deposit_on_success = 1,
         deposit_on_first_attempt = 0, reserve = 0;
  std::optional<double> throttled_cost{};  // where it is not `cost`
  bool returns_cost = true;  // a success after retries gives back what the last retry took
  double tokens = 500;

  void on_first_attempt();
  double cost_after(Failure failure) const;
  // Takes the tokens of a retry; false if there are too few, and the request fails at once.
  bool take(Failure failure);
  // `last_cost`: what the last retry of this request took, 0 without retries.
  void on_success(double last_cost);
};

// Failed tries over first tries. Above the share retries stop; optionally first attempts fail too,
// until one trial request succeeds after `open_for` (a trial that stays without a result for as
// long again is followed by another). Counts fade: over a window, each half window forgets the one
// before the last.
class CircuitBreaker {
 public:
  struct Settings {
    double failure_share = 0.1;
    bool blocks_first_attempts = false;
    sim::Duration window{0};  // 0: all since the start
    sim::Duration open_for{std::chrono::seconds(5)};
  };
  explicit CircuitBreaker(const Settings& settings) : settings_(settings) {}

  bool allows_first_attempt(sim::Time now);
  bool allows_retry(sim::Time now);
  void on_first_attempt(sim::Time now);
  // Changes when it opens and when it closes. A request that was let through in an earlier era says
  // nothing about this one: only trials are of the era in which it is open.
  std::uint32_t era() const { return era_; }
  void on_result(bool success, sim::Time now, std::uint32_t era);
  void on_result(bool success, sim::Time now) { on_result(success, now, era_); }

 private:
  void fade(sim::Time now);
  void close();
  bool above() const {
    return static_cast<double>(failed_ + failed_before_) >
           settings_.failure_share * static_cast<double>(first_ + first_before_);
  }

  Settings settings_;
  std::uint64_t first_ = 0, failed_ = 0, first_before_ = 0, failed_before_ = 0;
  sim::Time half_began_{};
  std::optional<sim::Time> open_since_;  // or since the last trial
  std::uint32_t era_ = 0;
};

}  // namespace windtunnel
