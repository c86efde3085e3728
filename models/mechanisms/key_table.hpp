// From 64-bit keys to numbers: message groups, deduplication IDs. Open addressing; it is never
// walked, so that no order of it can reach an event.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/hash.hpp"

namespace windtunnel {

class KeyTable {
 public:
  // Where the number of a key stands, or nullptr.
  std::uint32_t* find(std::uint64_t key) {
    if (size_ == 0) return nullptr;
    for (std::size_t i = home(key);; i = (i + 1) & mask()) {
      if (!entries_[i].used) return nullptr;
      if (entries_[i].key == key) return &entries_[i].number;
    }
  }
  // The key must not be there.
  void insert(std::uint64_t key, std::uint32_t number) {
    if ((size_ + 1) * 4 > entries_.size() * 3) grow();
    ++size_;
    place({key, number, true});
  }
  // The key must be there.
  void erase(std::uint64_t key) {
    std::size_t hole = home(key);
    while (entries_[hole].key != key || !entries_[hole].used) hole = (hole + 1) & mask();
    --size_;
    // Those behind move up, unless that would put them before their home.
    for (std::size_t i = (hole + 1) & mask(); entries_[i].used; i = (i + 1) & mask()) {
      const std::size_t from = home(entries_[i].key);
      if (((i - from) & mask()) < ((i - hole) & mask())) continue;
      entries_[hole] = entries_[i];
      hole = i;
    }
    entries_[hole].used = false;
  }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return entries_.capacity() * sizeof(Entry); }

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t number = 0;
    bool used = false;
  };
  std::size_t mask() const { return entries_.size() - 1; }
  std::size_t home(std::uint64_t key) const { return sim::mix(key) & mask(); }
  void place(const Entry& entry) {
    std::size_t i = home(entry.key);
    while (entries_[i].used) i = (i + 1) & mask();
    entries_[i] = entry;
  }
  void grow() {
    std::vector<Entry> before(entries_.empty() ? 16 : entries_.size() * 2);
    before.swap(entries_);
    for (const Entry& entry : before) {
      if (entry.used) place(entry);
    }
  }

  std::vector<Entry> entries_;
  std::size_t size_ = 0;
};

}  // namespace windtunnel
