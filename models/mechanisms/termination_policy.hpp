// Which instance of a group goes when it scales in. For every policy the zone with the most
// instances comes first (several such zones are taken together), as long as it has an instance that
// is not protected; then the policies, each breaking the ties of the one before; then chance.
// Left out: OldestLaunchConfiguration, policies by Lambda function.
// Source: EC2 Auto Scaling guide, Work with termination policies.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/call.hpp"
#include "sim/random.hpp"
#include "sim/time.hpp"

namespace windtunnel {

enum class TerminationPolicy : std::uint8_t {
  default_policy,  // allocation strategy, oldest launch template, closest to the next hour
  allocation_strategy,
  oldest_instance,
  newest_instance,
  oldest_launch_template,
  closest_to_next_instance_hour,
};

struct TerminationCandidate {
  std::uint32_t instance = 0;
  sim::ZoneId zone = 0;
  sim::Time launched{};
  std::uint32_t launch_template = 0;  // version
  std::uint32_t misfit = 0;           // the larger, the less its allocation strategy wants its pool
  bool protected_from_scale_in = false;
};

// Nothing: none is left that may go.
std::optional<std::uint32_t> choose_to_terminate(std::vector<TerminationCandidate> candidates,
                                                 const std::vector<TerminationPolicy>& policies,
                                                 sim::Time now, sim::Stream& chance);

}  // namespace windtunnel
