#include "models/mechanisms/termination_policy.hpp"

#include <algorithm>
#include <map>

namespace windtunnel {

namespace {

using Candidates = std::vector<TerminationCandidate>;

// Keeps the candidates whose key is the least.
template <typename Key>
void keep_least(Candidates& candidates, Key key) {
  auto least = key(candidates.front());
  for (const TerminationCandidate& candidate : candidates) least = std::min(least, key(candidate));
  std::erase_if(candidates, [&](const TerminationCandidate& c) { return least < key(c); });
}

void keep_fullest_zones(Candidates& candidates) {
  std::map<sim::ZoneId, std::int64_t> instances;
  for (const TerminationCandidate& candidate : candidates) ++instances[candidate.zone];
  std::erase_if(candidates, [](const auto& c) { return c.protected_from_scale_in; });
  if (candidates.empty()) return;
  keep_least(candidates, [&](const TerminationCandidate& c) { return -instances[c.zone]; });
}

sim::Duration until_next_hour(const TerminationCandidate& candidate, sim::Time now) {
  const sim::Duration hour = std::chrono::hours(1);
  return hour - (now - candidate.launched) % hour;
}

void apply(TerminationPolicy policy, Candidates& candidates, sim::Time now) {
  switch (policy) {
    case TerminationPolicy::default_policy:
      apply(TerminationPolicy::allocation_strategy, candidates, now);
      apply(TerminationPolicy::oldest_launch_template, candidates, now);
      return apply(TerminationPolicy::closest_to_next_instance_hour, candidates, now);
    case TerminationPolicy::allocation_strategy:
      return keep_least(candidates, [](const auto& c) { return -std::int64_t{c.misfit}; });
    case TerminationPolicy::oldest_instance:
      return keep_least(candidates, [](const auto& c) { return c.launched; });
    case TerminationPolicy::newest_instance:
      return keep_least(candidates, [](const auto& c) { return -c.launched.time_since_epoch(); });
    case TerminationPolicy::oldest_launch_template:
      return keep_least(candidates, [](const auto& c) { return c.launch_template; });
    case TerminationPolicy::closest_to_next_instance_hour:
      return keep_least(candidates, [&](const auto& c) { return until_next_hour(c, now); });
  }
}

}  // namespace

std::optional<std::uint32_t> choose_to_terminate(Candidates candidates,
                                                 const std::vector<TerminationPolicy>& policies,
                                                 sim::Time now, sim::Stream& chance) {
  keep_fullest_zones(candidates);
  if (candidates.empty()) return std::nullopt;
  for (const TerminationPolicy policy : policies) apply(policy, candidates, now);
  return candidates[chance.below(static_cast<std::uint32_t>(candidates.size()))].instance;
}

}  // namespace windtunnel
