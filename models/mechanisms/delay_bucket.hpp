// A bucket of tokens, refilled continuously, at which nothing is refused: what finds none waits its
// turn, in the order of asking.
#pragma once

#include <algorithm>

#include "sim/time.hpp"

namespace windtunnel {

class DelayBucket {
 public:
  // Tokens a second, and tokens when full; full at the start.
  DelayBucket(double rate, double depth) : rate_(rate), depth_(depth), tokens_(depth) {}

  // Takes one; how long until it is there.
  sim::Duration take(sim::Time now) {
    tokens_ = std::min(depth_, tokens_ + rate_ * sim::seconds(now - last_)) - 1;
    last_ = now;
    return tokens_ >= 0 ? sim::Duration::zero() : sim::from_seconds(-tokens_ / rate_);
  }

 private:
  double rate_, depth_, tokens_;  // below zero: owed to those who wait
  sim::Time last_{};
};

}  // namespace windtunnel
