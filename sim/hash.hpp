// Hashes that are the same on every machine: of names (streams, fingerprints) and of a run's
// events.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace windtunnel::sim {

// FNV-1a.
constexpr std::uint64_t hash_name(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return h;
}

// splitmix64's finaliser (Steele, Lea, Flood 2014): every input bit reaches every output bit.
constexpr std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// The running hash of all events of a run, in order. Two runs with one fingerprint did the same
// things.
class Fingerprint {
 public:
  void add(std::uint64_t key, std::uint64_t name, std::uint64_t argument) {
    value_ = (std::rotl(value_, 23) ^ key) * 0x9e3779b97f4a7c15u + (name ^ std::rotl(argument, 32));
  }
  std::uint64_t value() const { return mix(value_); }

 private:
  std::uint64_t value_ = 0x57494e4454554e4eu;
};

}  // namespace windtunnel::sim
