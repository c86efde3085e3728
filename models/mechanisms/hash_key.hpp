// Where a partition key lies in the hash key space of a stream: MD5 of the key as a 128-bit integer
// (Kinesis API, PutRecord). Left out: its lower 64 bits, which tell 2^-64 of the space apart.
#pragma once

#include <cstdint>
#include <string_view>

namespace windtunnel {

using HashKey = std::uint64_t;  // the upper 64 of 128 bits

HashKey hash_key_of(std::string_view partition_key);

struct HashRange {
  HashKey from = 0, to = ~HashKey{0};  // inclusive

  bool holds(HashKey key) const { return from <= key && key <= to; }
  // Of `parts` ranges as even as can be that tile the whole space, number `part` from 0.
  static HashRange even(std::uint32_t part, std::uint32_t parts);
  HashKey middle() const { return from + (to - from) / 2; }
};

}  // namespace windtunnel
