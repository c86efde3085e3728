// What a service refuses because a quota was used up: a counter for each reason, and all of it by
// caller.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "sim/throttling.hpp"

namespace windtunnel {

template <std::size_t reasons>
class ThrottleMeter {
 public:
  // A name and a sentence for each reason, literals.
  using Names = std::array<std::pair<std::string_view, std::string_view>, reasons>;

  ThrottleMeter(sim::Component& owner, sim::MetricSet& set, const Names& names)
      : ThrottleMeter(owner, set, names, std::make_index_sequence<reasons>{}) {}

  void offer(const sim::Call& call) { by_caller.offer(*call.caller); }
  void refuse(const sim::Call& call, std::size_t reason) {
    all.add();
    by_reason[reason].add();
    by_caller.refuse(*call.caller, reason);
  }

  sim::Counter all;
  sim::Throttling by_caller;
  std::array<sim::Counter, reasons> by_reason;

 private:
  template <std::size_t... i>
  ThrottleMeter(sim::Component& owner, sim::MetricSet& set, const Names& names,
                std::index_sequence<i...>)
      : all(set, "Throttles", "requests refused because a quota was used up"),
        by_caller(owner, set, "Throttling", "requests", {names[i].first...}),
        by_reason{sim::Counter(set, names[i].first, names[i].second)...} {}
};

}  // namespace windtunnel
