// Where ECS places a task, and which it takes away: strategies narrow the candidates one after the
// other, each within what the one before has left; chance takes one of the rest.
// Source: ECS developer guide, Task placement strategies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/mechanisms/container_instances.hpp"
#include "sim/random.hpp"

namespace windtunnel {

enum class PlacementStrategy : std::uint8_t {
  spread_zones,      // attribute:ecs.availability-zone
  spread_instances,  // instanceId
  binpack_cpu,
  binpack_memory,
  random,
};

// A container instance, or a task on one, as strategies see it.
struct PlacementCandidate {
  std::int64_t tasks_in_zone = 0;      // of the service
  std::int64_t tasks_on_instance = 0;  // of the service
  TaskSize room;                       // that is left on the instance
};

// Where a task goes: fewest tasks, least room. `candidates` is not empty.
std::size_t place(const std::vector<PlacementCandidate>& candidates,
                  const std::vector<PlacementStrategy>& strategies, sim::Stream& chance);
// Which task goes: where there are most tasks, or most room.
std::size_t remove(const std::vector<PlacementCandidate>& candidates,
                   const std::vector<PlacementStrategy>& strategies, sim::Stream& chance);

}  // namespace windtunnel
