// Units of concurrency that many share: one is taken for as long as work is under way. Some may be
// claimed beforehand, and are then for their owner alone (reserved, provisioned concurrency). There
// is no queue: what finds no unit is refused, with the service's own words.
#pragma once

#include <cstdint>

namespace windtunnel {

class ConcurrencyPool {
 public:
  explicit ConcurrencyPool(std::int64_t limit) : limit_(limit) {}

  bool take() {
    if (in_use_ >= limit_ - claimed_) return false;
    ++in_use_;
    return true;
  }
  void give_back() { --in_use_; }
  // More of it, or (negative) less.
  void claim(std::int64_t units) { claimed_ += units; }

  std::int64_t limit() const { return limit_; }
  std::int64_t claimed() const { return claimed_; }
  std::int64_t in_use() const { return in_use_; }

 private:
  std::int64_t limit_, claimed_ = 0, in_use_ = 0;
};

}  // namespace windtunnel
