// Shuffle sharding: every customer is served by a few of all workers, drawn by a hash of who it is,
// so that a customer that brings its workers down takes only those customers along whose shards lie
// within its own. Rendezvous hashing: worker by worker a hash of (customer, worker), the largest
// are the shard; workers that come or go move no other choice. Source: AWS Builders' Library,
// Workload isolation using shuffle-sharding.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/hash.hpp"

namespace windtunnel {

// The workers of `customer`, in rising order.
inline std::vector<std::uint32_t> shuffle_shard(std::uint64_t customer, std::uint32_t workers,
                                                std::uint32_t shard) {
  struct Ranked {
    std::uint64_t rank;
    std::uint32_t worker;
  };
  std::vector<Ranked> all(workers);
  for (std::uint32_t i = 0; i < workers; ++i) {
    all[i] = {sim::mix(sim::mix(customer + 0x9e3779b97f4a7c15u) ^ (std::uint64_t{i} + 1)), i};
  }
  const auto end = all.begin() + std::min(shard, workers);
  std::partial_sort(all.begin(), end, all.end(),
                    [](const Ranked& a, const Ranked& b) { return a.rank > b.rank; });
  std::vector<std::uint32_t> chosen;
  for (auto it = all.begin(); it != end; ++it) chosen.push_back(it->worker);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace windtunnel
