// Many small objects in chunks, named by 32-bit numbers, with no byte of overhead for each: what
// millions of waiting messages are kept in. Unlike sim::Pool it knows no lives; whoever hands
// numbers out guards them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "sim/check.hpp"

namespace windtunnel {

inline constexpr std::uint32_t no_slot = 0xffffffff;

// T has a member `std::uint32_t next`, which links free places, and keeps its other members when
// its place is given back.
template <typename T>
class Slab {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  // What it holds is what its last owner left, or T{}.
  std::uint32_t take() {
    if (free_ == no_slot) grow();
    const std::uint32_t slot = free_;
    free_ = (*this)[slot].next;
    ++size_;
    return slot;
  }
  void give_back(std::uint32_t slot) {
    (*this)[slot].next = free_;
    free_ = slot;
    --size_;
  }
  T& operator[](std::uint32_t slot) { return chunks_[slot >> bits][slot & (chunk - 1)]; }
  const T& operator[](std::uint32_t slot) const {
    return chunks_[slot >> bits][slot & (chunk - 1)];
  }

  std::size_t size() const { return size_; }
  std::uint32_t slots() const { return static_cast<std::uint32_t>(chunks_.size()) << bits; }
  std::size_t bytes() const { return chunks_.size() * sizeof(T) * chunk; }

 private:
  static constexpr std::uint32_t bits = 10, chunk = 1u << bits;

  void grow() {
    const std::uint32_t first = slots();
    WT_CHECK(first < no_slot - chunk, "a slab holds 2^32 objects");
    chunks_.push_back(std::make_unique<T[]>(chunk));
    for (std::uint32_t i = chunk; i-- > 0;) {  // low slots first, so that runs look alike
      (*this)[first + i].next = free_;
      free_ = first + i;
    }
  }

  std::vector<std::unique_ptr<T[]>> chunks_;
  std::uint32_t free_ = no_slot;
  std::size_t size_ = 0;
};

// First in, first out, through the members `next`.
template <typename T>
class SlabList {
 public:
  explicit SlabList(Slab<T>& slab) : slab_(&slab) {}

  bool empty() const { return head_ == no_slot; }
  std::uint32_t head() const { return head_; }
  void push_back(std::uint32_t slot) {
    (*slab_)[slot].next = no_slot;
    if (empty()) {
      head_ = slot;
    } else {
      (*slab_)[tail_].next = slot;
    }
    tail_ = slot;
  }
  std::uint32_t pop_front() {
    const std::uint32_t slot = head_;
    head_ = (*slab_)[slot].next;
    return slot;
  }
  // The one behind `previous` (no_slot: the head) leaves.
  void unlink_after(std::uint32_t previous) {
    if (previous == no_slot) {
      pop_front();
      return;
    }
    const std::uint32_t slot = (*slab_)[previous].next;
    (*slab_)[previous].next = (*slab_)[slot].next;
    if (tail_ == slot) tail_ = previous;
  }
  // All of `other`, behind what is here.
  void append(SlabList& other) {
    if (other.empty()) return;
    if (empty()) {
      head_ = other.head_;
    } else {
      (*slab_)[tail_].next = other.head_;
    }
    tail_ = other.tail_;
    other.head_ = no_slot;
  }

 private:
  Slab<T>* slab_;
  std::uint32_t head_ = no_slot, tail_ = no_slot;
};

}  // namespace windtunnel
