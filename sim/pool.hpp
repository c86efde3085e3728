// Objects of one type in slots that are used again; a Handle names a slot and its life. Addresses
// never move.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

#include "sim/check.hpp"
#include "sim/event.hpp"
#include "sim/prefetch.hpp"

namespace windtunnel::sim {

// T is plain data, and says itself how its members begin.
template <typename T>
class Pool {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  // A new object, default-initialised.
  Handle create() {
    if (free_ == none) grow();
    const std::uint32_t slot = free_;
    Node& node = at(slot);
    free_ = node.next_free;
    node.next_free = used;
    // Default-initialised: zeroing it before costs a `rep stos`.
    ::new (static_cast<void*>(&node.value)) T;
    ++size_;
    return {slot, node.life};
  }

  // nullptr if the handle is stale or empty.
  T* find(Handle handle) {
    if (!handle) return nullptr;
    Node& node = at(handle.slot());
    return node.life == handle.life() ? &node.value : nullptr;
  }

  // The handle must be live.
  T& operator[](Handle handle) {
    T* found = find(handle);
    WT_CHECK(found != nullptr, "a handle that must be live is stale");
    return *found;
  }

  // The object in a slot known to be live, for intrusive lists.
  T& in_slot(std::uint32_t slot) { return at(slot).value; }
  Handle handle_of(std::uint32_t slot) { return {slot, at(slot).life}; }

  // Soon it will be asked for: it is on its way from memory. Any number will do.
  void prefetch(std::uint32_t slot) const {
    if (slot >> chunk_bits >= chunks_.size()) return;
    const char* node = reinterpret_cast<const char*>(&at(slot));
    for (std::size_t line = 0; line < sizeof(Node); line += 64) sim::prefetch(node + line);
  }

  // Every live object, in order of slots.
  template <typename Each>
  void for_each(Each&& each) {
    for (std::uint32_t slot = 0; slot < chunks_.size() << chunk_bits; ++slot) {
      if (at(slot).next_free == used) each(at(slot).value);
    }
  }

  // The handle must be live; it and its copies are stale afterwards.
  void destroy(Handle handle) {
    Node& node = at(handle.slot());
    WT_CHECK(node.life == handle.life(), "an object is destroyed twice");
    ++node.life;
    node.next_free = free_;
    free_ = handle.slot();
    --size_;
  }

  std::size_t size() const { return size_; }
  std::size_t bytes() const { return chunks_.size() * sizeof(Node) * chunk_size; }

 private:
  static constexpr std::uint32_t none = 0xffffffff, used = 0xfffffffe;
  static constexpr std::uint32_t chunk_bits = 10;
  static constexpr std::uint32_t chunk_size = 1u << chunk_bits;

  // A large object begins a cache line, with its life beside what is read first.
  struct alignas(sizeof(T) > 48 ? 64 : alignof(std::uint64_t)) Node {
    std::uint32_t life = 0;
    std::uint32_t next_free = none;  // or `used`
    T value;
  };

  Node& at(std::uint32_t slot) const {
    return chunks_[slot >> chunk_bits][slot & (chunk_size - 1)];
  }

  void grow() {
    const auto first = static_cast<std::uint32_t>(chunks_.size()) << chunk_bits;
    WT_CHECK(chunks_.size() < (none >> chunk_bits), "a pool holds 2^32 objects");
    chunks_.push_back(std::make_unique<Node[]>(chunk_size));
    for (std::uint32_t i = chunk_size; i-- > 0;) {  // low slots first, so that runs look alike
      at(first + i).next_free = free_;
      free_ = first + i;
    }
  }

  std::vector<std::unique_ptr<Node[]>> chunks_;
  std::uint32_t free_ = none;
  std::size_t size_ = 0;
};

}  // namespace windtunnel::sim
