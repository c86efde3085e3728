// Chance. One stream for each (component, purpose), so that adding a part leaves the others' draws
// alone and two variants of a topology see the same traffic (common random numbers).
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <string_view>

#include "sim/hash.hpp"

namespace windtunnel::sim {

// xoshiro256++ (Blackman, Vigna 2019), seeded from a hash. Satisfies UniformRandomBitGenerator, for
// Boost.Random.
class Stream {
 public:
  using result_type = std::uint64_t;

  explicit Stream(std::uint64_t key = 0) {
    for (auto& word : state_) word = mix(key += 0x9e3779b97f4a7c15u);
  }

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }

  result_type operator()() {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // Uniform in (0, 1), 52 bits, never an end.
  double uniform() { return (static_cast<double>((*this)() >> 12) + 0.5) * 0x1.0p-52; }

  // Uniform in [0, n), n in 1 .. 2^32; Lemire's multiplication, bias below n / 2^64.
  std::uint32_t below(std::uint32_t n) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint32_t>((static_cast<Wide>((*this)()) * n) >> 64);
  }

  // True with probability p.
  bool chance(double p) { return p > 0 && uniform() < p; }

 private:
  std::uint64_t state_[4];
};

// The key of a component's stream (by hash_name() of its name) for one purpose.
constexpr std::uint64_t stream_key(std::uint64_t seed, std::uint64_t replication,
                                   std::uint64_t component, std::string_view purpose) {
  return mix(mix(mix(seed + 0x9e3779b97f4a7c15u) ^ replication) ^ component) ^ hash_name(purpose);
}

}  // namespace windtunnel::sim
