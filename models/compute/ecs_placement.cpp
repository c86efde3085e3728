#include "models/compute/ecs_placement.hpp"

#include <algorithm>
#include <numeric>

namespace windtunnel {

namespace {

// What a strategy wants small where it places and large where it removes.
std::int64_t measure(const PlacementCandidate& candidate, PlacementStrategy strategy) {
  switch (strategy) {
    case PlacementStrategy::spread_zones:
      return candidate.tasks_in_zone;
    case PlacementStrategy::spread_instances:
      return candidate.tasks_on_instance;
    case PlacementStrategy::binpack_cpu:
      return candidate.room.cpu;
    case PlacementStrategy::binpack_memory:
      return candidate.room.memory;
    case PlacementStrategy::random:
      break;
  }
  return 0;
}

std::size_t narrow(const std::vector<PlacementCandidate>& candidates,
                   const std::vector<PlacementStrategy>& strategies, std::int64_t sign,
                   sim::Stream& chance) {
  std::vector<std::size_t> left(candidates.size());
  std::iota(left.begin(), left.end(), std::size_t{0});
  for (const PlacementStrategy strategy : strategies) {
    const auto value = [&](std::size_t i) { return sign * measure(candidates[i], strategy); };
    const std::size_t best =
        *std::min_element(left.begin(), left.end(),
                          [&](std::size_t a, std::size_t b) { return value(a) < value(b); });
    const std::int64_t least = value(best);
    std::erase_if(left, [&](std::size_t i) { return value(i) > least; });
  }
  if (left.size() == 1) return left.front();
  return left[chance.below(static_cast<std::uint32_t>(left.size()))];
}

}  // namespace

std::size_t place(const std::vector<PlacementCandidate>& candidates,
                  const std::vector<PlacementStrategy>& strategies, sim::Stream& chance) {
  return narrow(candidates, strategies, +1, chance);
}

std::size_t remove(const std::vector<PlacementCandidate>& candidates,
                   const std::vector<PlacementStrategy>& strategies, sim::Stream& chance) {
  return narrow(candidates, strategies, -1, chance);
}

}  // namespace windtunnel
