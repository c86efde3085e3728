// A bucket of tokens, refilled continuously (not by ticks: that moves the loss by a fifth). The
// refusal is the service's.
#pragma once

#include <algorithm>

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

 private:
  double rate_, depth_, tokens_;
  sim::Time last_{};
};

}  // namespace windtunnel
