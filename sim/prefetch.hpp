// What will be needed soon, on its way from memory.
#pragma once

namespace windtunnel::sim {

inline void prefetch(const void* what) {
  __builtin_prefetch(what, 1);
  // GCC takes functions that only prefetch for such as do nothing, and leaves out their calls.
  asm volatile("" : : "r"(what));
}

}  // namespace windtunnel::sim
