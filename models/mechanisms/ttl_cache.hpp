// What is kept for a time and then asked for anew: answers of DNS at resolvers and in runtimes,
// objects at the edges of a CDN. Entries past their time stay until they are replaced or make room,
// so that a stale one can still be served. Full, it forgets the least recently used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "sim/hash.hpp"
#include "sim/time.hpp"

namespace windtunnel {

// Good until a date. A cache of one name is one of these.
template <typename Value>
struct Perishable {
  sim::Time expires{};
  Value value{};
  bool fresh(sim::Time now) const { return now < expires; }
};

template <typename Value>
class TtlCache {
 public:
  static constexpr std::size_t unlimited = std::numeric_limits<std::uint32_t>::max() - 1;
  // For `capacity` entries, one at least.
  explicit TtlCache(std::size_t capacity = unlimited) : capacity_(capacity) {}

  struct Entry : Perishable<Value> {
    std::uint64_t key;

   private:
    friend class TtlCache;
    std::uint32_t newer = none, older = none;
    Entry(std::uint64_t k, sim::Time e, Value v) : Perishable<Value>{e, std::move(v)}, key(k) {}
  };

  // Fresh or stale, now the most recently used; nullptr: not there. Valid until the next put().
  Entry* find(std::uint64_t key) {
    const std::size_t at = seek(key);
    if (index_.empty() || index_[at] == none) return nullptr;
    touch(index_[at]);
    return &entries_[index_[at]];
  }

  // Stores or replaces. `evicted` is called with the entry that had to make room, if one had to.
  template <typename Evicted>
  Entry& put(std::uint64_t key, Value value, sim::Time expires, Evicted&& evicted) {
    if (Entry* known = find(key)) {
      known->value = std::move(value);
      known->expires = expires;
      return *known;
    }
    if (entries_.size() >= capacity_) {
      evicted(entries_[oldest_]);
      erase(entries_[oldest_].key);
    }
    if (2 * (entries_.size() + 1) > index_.size()) grow();
    const auto slot = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back(Entry(key, expires, std::move(value)));
    index_[seek(key)] = slot;
    link(slot);
    return entries_.back();
  }
  Entry& put(std::uint64_t key, Value value, sim::Time expires) {
    return put(key, std::move(value), expires, [](Entry&) {});
  }

  void erase(std::uint64_t key) {
    std::size_t at = seek(key);
    if (index_.empty() || index_[at] == none) return;
    const std::uint32_t slot = index_[at];
    unlink(slot);
    close_gap(at);
    move_last_to(slot);
  }
  void clear() { *this = TtlCache(capacity_); }

  // The least recently used; nullptr: empty.
  const Entry* oldest() const { return oldest_ == none ? nullptr : &entries_[oldest_]; }
  std::size_t size() const { return entries_.size(); }
  std::size_t capacity() const { return capacity_; }
  std::size_t bytes() const {
    return entries_.capacity() * sizeof(Entry) + index_.capacity() * sizeof(std::uint32_t);
  }

 private:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  std::size_t home(std::uint64_t key) const { return sim::mix(key) & (index_.size() - 1); }
  // Where the key stands in the index, or would.
  std::size_t seek(std::uint64_t key) const {
    if (index_.empty()) return 0;
    std::size_t at = home(key);
    while (index_[at] != none && entries_[index_[at]].key != key) {
      at = (at + 1) & (index_.size() - 1);
    }
    return at;
  }
  void grow() {
    index_.assign(index_.empty() ? 8 : 2 * index_.size(), none);
    for (std::uint32_t slot = 0; slot < entries_.size(); ++slot) {
      index_[seek(entries_[slot].key)] = slot;
    }
  }
  // Linear probing without tombstones: what a gap would hide moves into it.
  void close_gap(std::size_t gap) {
    const std::size_t mask = index_.size() - 1;
    for (std::size_t at = (gap + 1) & mask; index_[at] != none; at = (at + 1) & mask) {
      const std::size_t wanted = home(entries_[index_[at]].key);
      if (((at - wanted) & mask) >= ((at - gap) & mask)) {
        index_[gap] = index_[at];
        gap = at;
      }
    }
    index_[gap] = none;
  }
  void move_last_to(std::uint32_t slot) {
    const auto last = static_cast<std::uint32_t>(entries_.size() - 1);
    if (slot != last) {
      index_[seek(entries_[last].key)] = slot;
      entries_[slot] = std::move(entries_[last]);
      const Entry& moved = entries_[slot];
      (moved.newer == none ? newest_ : entries_[moved.newer].older) = slot;
      (moved.older == none ? oldest_ : entries_[moved.older].newer) = slot;
    }
    entries_.pop_back();
  }
  void link(std::uint32_t slot) {
    entries_[slot].newer = none;
    entries_[slot].older = newest_;
    (newest_ == none ? oldest_ : entries_[newest_].newer) = slot;
    newest_ = slot;
  }
  void unlink(std::uint32_t slot) {
    const Entry& entry = entries_[slot];
    (entry.newer == none ? newest_ : entries_[entry.newer].older) = entry.older;
    (entry.older == none ? oldest_ : entries_[entry.older].newer) = entry.newer;
  }
  void touch(std::uint32_t slot) {
    if (slot == newest_) return;
    unlink(slot);
    link(slot);
  }

  std::size_t capacity_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> index_;  // slots of entries_; its size is a power of two
  std::uint32_t newest_ = none, oldest_ = none;
};

}  // namespace windtunnel
