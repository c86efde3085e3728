// A bucket of tokens, refilled continuously (not by ticks: that moves the loss by a fifth). The
// refusal is the service's.
#pragma once

#include <algorithm>
#include <cstdint>

#include "sim/time.hpp"

namespace windtunnel {

class TokenBucket {
 public:
  // Tokens a second, and tokens when full; full at the start.
  TokenBucket(double rate, double depth) : rate_(rate), depth_(depth), tokens_(depth) {}

  // Takes `tokens` if there are as many.
  bool take(sim::Time now, double tokens = 1) {
    tokens_ = available(now);
    last_ = now;
    if (tokens_ < tokens) return false;
    tokens_ -= tokens;
    return true;
  }
  double available(sim::Time now) const {
    return std::min(depth_, tokens_ + rate_ * sim::seconds(now - last_));
  }
  // How many that cost `each` could be taken, up to a rounding error; and takes them.
  std::uint64_t room(sim::Time now, double each = 1) const {
    return static_cast<std::uint64_t>(std::max(0.0, available(now) / each + 1e-9));
  }
  void spend(sim::Time now, double tokens) {
    tokens_ = std::max(0.0, available(now) - tokens);
    last_ = now;
  }
  // For what shows its size only when it is done: it is let in while there are tokens. If it takes
  // more than are left it owes all of it, and nothing is let in until that is repaid.
  bool take_or_owe(sim::Time now, double tokens) {
    tokens_ = available(now);
    last_ = now;
    if (tokens_ <= 0) return false;
    tokens_ = tokens <= tokens_ ? tokens_ - tokens : -tokens;
    return true;
  }
  // When there will be more than no tokens.
  sim::Time repaid(sim::Time now) const {
    const double owed = -available(now);
    return owed < 0 ? now : now + sim::from_seconds(owed / rate_) + sim::Duration(1);
  }

 private:
  double rate_, depth_, tokens_;
  sim::Time last_{};
};

}  // namespace windtunnel
