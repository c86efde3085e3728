// Where the readers went: g++ calls these in what it compiles with -fsanitize-coverage=trace-pc,
// trace-cmp. libFuzzer takes the counters for features of an input; it has a
// __sanitizer_cov_trace_pc of its own, which says that it's no longer supported, so that ours must
// be linked before it.
#include <cstdint>

namespace {
constexpr std::uintptr_t counters = 1 << 16;  // more than twice the places that are instrumented
__attribute__((section("__libfuzzer_extra_counters"))) std::uint8_t passed[counters];
}  // namespace

extern "C" {
void __sanitizer_cov_trace_pc() {
  const auto place = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
  // A call takes 5 bytes, so that neighbours differ.
  std::uint8_t& counter = passed[(place ^ (place >> 16)) % counters];
  if (counter < 255) ++counter;
}
void __sanitizer_cov_trace_cmpf(float, float) {}
void __sanitizer_cov_trace_cmpd(double, double) {}
// What these keep until the end is theirs.
const char* __lsan_default_suppressions() { return "leak:libsimgrid\nleak:libhdf5\n"; }
}
