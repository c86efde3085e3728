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

class ShuffleSharding {
 public:
  ShuffleSharding(std::uint32_t workers, std::uint32_t shard)
      : ranked_(workers), shard_(std::min(shard, workers)) {}

  // The workers of `customer`, in rising order; valid until the next one is asked for.
  const std::vector<std::uint32_t>& of(std::uint64_t customer) {
    for (std::uint32_t i = 0; i < ranked_.size(); ++i) {
      ranked_[i] = {sim::mix(sim::mix(customer + 0x9e3779b97f4a7c15u) ^ (std::uint64_t{i} + 1)), i};
    }
    const auto end = ranked_.begin() + shard_;
    std::partial_sort(ranked_.begin(), end, ranked_.end(),
                      [](const Ranked& a, const Ranked& b) { return a.rank > b.rank; });
    chosen_.clear();
    for (auto it = ranked_.begin(); it != end; ++it) chosen_.push_back(it->worker);
    std::sort(chosen_.begin(), chosen_.end());
    return chosen_;
  }

 private:
  struct Ranked {
    std::uint64_t rank;
    std::uint32_t worker;
  };
  std::vector<Ranked> ranked_;
  std::uint32_t shard_;
  std::vector<std::uint32_t> chosen_;
};

}  // namespace windtunnel
