// How much a service refuses: by reason, and the longest spell of it. A spell goes on as long as
// the next refusal comes within a second. The share is refusals / requests offered; who was refused
// counts for itself.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "sim/metrics.hpp"

namespace windtunnel {

template <std::size_t reasons>
class ThrottleMeter {
 public:
  // A name and a sentence for each reason, literals.
  using Names = std::array<std::pair<std::string_view, std::string_view>, reasons>;

  ThrottleMeter(sim::MetricSet& set, const Names& names)
      : ThrottleMeter(set, names, std::make_index_sequence<reasons>{}) {}

  void refuse(sim::Time now, std::size_t reason) {
    all.add();
    by_reason[reason].add();
    if (spell_ends_ <= now) spell_began_ = now;
    spell_ends_ = now + std::chrono::seconds(1);
    longest.set(now,
                std::max(longest.value(), (now - spell_began_) / std::chrono::milliseconds(1)));
  }

  sim::Counter all;
  sim::Level longest;
  std::array<sim::Counter, reasons> by_reason;

 private:
  template <std::size_t... i>
  ThrottleMeter(sim::MetricSet& set, const Names& names, std::index_sequence<i...>)
      : all(set, "Throttles", "requests refused because a quota was used up"),
        longest(set, "LongestThrottledSpell", "Milliseconds",
                "longest time without a second free of refusals"),
        by_reason{sim::Counter(set, names[i].first, names[i].second)...} {}

  sim::Time spell_began_{}, spell_ends_{};
};

}  // namespace windtunnel
