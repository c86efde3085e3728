// Memory for arrays of many megabytes that are read at random: in pages of 2 MiB where the system
// has them. With pages of 4 KiB the processor finds hardly any page's address in its tables and has
// to fetch that from memory first, which takes as long as what it wanted there.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

namespace windtunnel {

template <typename T>
struct HugePages {
  using value_type = T;
  HugePages() = default;
  template <typename U>
  explicit HugePages(const HugePages<U>&) {}

  T* allocate(std::size_t n) {
    constexpr std::size_t page = std::size_t{2} << 20;
    const bool large = n * sizeof(T) >= page;
    const std::size_t unit = large ? page : alignof(T);
    const std::size_t bytes = (n * sizeof(T) + unit - 1) / unit * unit;
    void* memory = std::aligned_alloc(unit, bytes);
    if (memory == nullptr) throw std::bad_alloc();
    if (large) madvise(memory, bytes, MADV_HUGEPAGE);  // a wish
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t) { std::free(memory); }
  friend bool operator==(HugePages, HugePages) { return true; }
};

template <typename T>
using LargeVector = std::vector<T, HugePages<T>>;

}  // namespace windtunnel
