// Checks of our own guarantees. They stay on in release builds: a wrong number costs more than a
// compare.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace windtunnel::sim {

[[noreturn]] inline void check_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: internal error: %s\n", file, line, what);
  std::abort();
}

}  // namespace windtunnel::sim

// `what` is a sentence that says which guarantee broke.
#define WT_CHECK(condition, what) \
  ((condition) ? static_cast<void>(0) : ::windtunnel::sim::check_failed(what, __FILE__, __LINE__))
