// A call that changes a stream's shards, as its settings say it.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/time.hpp"

namespace windtunnel {

namespace settings {
class KinesisDataStream;
}

struct StreamChange {
  enum class Kind : std::uint8_t { update_shard_count, split, merge };
  sim::Duration at{0};
  Kind kind = Kind::split;
  std::uint32_t shard = 0, adjacent = 0, count = 0;
};

std::vector<StreamChange> changes_of(const settings::KinesisDataStream& settings);

}  // namespace windtunnel
