#include "models/mechanisms/target_selection.hpp"

#include <algorithm>

namespace windtunnel {

void TargetSelection::by_load_enter(std::uint32_t target) {
  if (!keeps_loads()) return;
  const std::uint32_t load = outstanding_[target];
  if (by_load_.size() <= load) by_load_.resize(load + 1);
  if (place_in_load_.empty()) place_in_load_.resize(place_.size());
  place_in_load_[target] = static_cast<std::uint32_t>(by_load_[load].size());
  by_load_[load].push_back(target);
  least_ = std::min(least_, load);
}

void TargetSelection::by_load_leave(std::uint32_t target) {
  if (!keeps_loads()) return;
  auto& list = by_load_[outstanding_[target]];
  const std::uint32_t last = list.back();
  list[place_in_load_[target]] = last;
  place_in_load_[last] = place_in_load_[target];
  list.pop_back();
}

std::uint32_t TargetSelection::pick(sim::Stream& chance) {
  WT_CHECK(!eligible_.empty(), "a target is picked from none");
  const auto n = static_cast<std::uint32_t>(eligible_.size());
  switch (algorithm_) {
    case Algorithm::round_robin:
      if (next_ >= n) next_ = 0;
      return eligible_[next_++];
    case Algorithm::random:
      return eligible_[chance.below(n)];
    case Algorithm::least_outstanding_requests: {
      while (by_load_[least_].empty()) ++least_;
      const auto& list = by_load_[least_];
      return list[list.size() == 1 ? 0 : chance.below(static_cast<std::uint32_t>(list.size()))];
    }
    case Algorithm::random_choices:
    case Algorithm::random_choices_with_replacement:
      return pick_of_choices(chance);
  }
  return eligible_[0];
}

std::uint32_t TargetSelection::pick_of_choices(sim::Stream& chance) {
  const auto n = static_cast<std::uint32_t>(eligible_.size());
  const bool distinct = algorithm_ == Algorithm::random_choices;
  drawn_.clear();
  std::uint32_t best = none;
  for (std::uint32_t i = 0; i < (distinct ? std::min(choices_, n) : choices_); ++i) {
    // The i-th distinct draw is uniform over the n - i left: skip those drawn, in ascending order.
    std::uint32_t at = chance.below(distinct ? n - i : n);
    if (distinct) {
      for (const std::uint32_t taken : drawn_) at += at >= taken;
      drawn_.insert(std::upper_bound(drawn_.begin(), drawn_.end(), at), at);
    }
    const std::uint32_t target = eligible_[at];
    if (best == none || outstanding_[target] < outstanding_[best]) best = target;
  }
  return best;
}

}  // namespace windtunnel
