// Objects of different sizes in limited room: a TTL cache that counts bytes. Those not asked for
// the longest make room for new ones (LRU). An expired object stays until then, since it may be
// answered stale. An object that was never asked for takes no memory, one that is here about 56
// bytes, whatever its size.
#pragma once

#include <cstddef>
#include <cstdint>

#include "models/mechanisms/ttl_cache.hpp"
#include "sim/call.hpp"
#include "sim/time.hpp"

namespace windtunnel {

class ObjectCache {
 public:
  using Key = std::uint32_t;
  struct Copy {
    sim::Time good_until;  // answered without asking: its expiry, or later while the origin fails
    sim::Outcome outcome = sim::Outcome::ok;  // else an error that is kept
    float size = 0;                           // bytes
  };
  using Entry = TtlCache<Copy>::Entry;

  // `room` in bytes.
  explicit ObjectCache(double room) : room_(room) {}

  // Nothing: not here. What is found has just been asked for. Valid until the next put().
  Entry* find(Key key) { return cache_.find(key); }

  // In the place of what was here under this key. What is larger than all the room is not kept.
  void put(Key key, const Copy& copy, sim::Time expires) {
    if (const Entry* known = cache_.find(key)) forget(*known);
    const auto size = static_cast<double>(copy.size);
    if (size > room_) return;
    while (used_ + size > room_) {
      forget(*cache_.oldest());
      ++evictions_;
    }
    cache_.put(key, copy, expires);
    used_ += size;
  }

  std::size_t objects() const { return cache_.size(); }
  double used() const { return cache_.size() == 0 ? 0 : used_; }  // bytes
  std::uint64_t evictions() const { return evictions_; }
  std::size_t memory() const { return cache_.bytes(); }

 private:
  void forget(const Entry& entry) {
    used_ -= static_cast<double>(entry.value.size);
    cache_.erase(entry.key);
    if (cache_.size() == 0) used_ = 0;
  }

  double room_, used_ = 0;
  TtlCache<Copy> cache_;
  std::uint64_t evictions_ = 0;
};

}  // namespace windtunnel
