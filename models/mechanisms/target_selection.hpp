// Picks one of several targets. Each load balancer node has its own: counters are not shared
// between nodes (rule 1). Every pick is O(1), whatever the number of targets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/check.hpp"
#include "sim/random.hpp"

namespace windtunnel {

class TargetSelection {
 public:
  enum class Algorithm : std::uint8_t {
    round_robin,
    least_outstanding_requests,  // ties at random
    random,
    random_choices,  // the least loaded of d distinct targets drawn at random, ties to the first
                     // drawn
    random_choices_with_replacement,
  };

  // Targets are numbered 0 .. targets-1; none is eligible yet.
  TargetSelection(Algorithm algorithm, std::uint32_t targets, std::uint32_t choices = 2)
      : algorithm_(algorithm), choices_(choices), place_(targets, none), outstanding_(targets, 0) {}

  // Makes a target eligible or not; keeps the order of the others.
  void set_eligible(std::uint32_t target, bool eligible) {
    if (eligible == (place_[target] != none)) return;
    if (eligible) {
      insert_in_order(target);
    } else {
      eligible_.erase(eligible_.begin() + place_[target]);
      if (place_[target] < next_) --next_;  // whose turn it is stays
      place_[target] = none;
      by_load_leave(target);
    }
    renumber();
    if (eligible) by_load_enter(target);
  }
  bool is_eligible(std::uint32_t target) const { return place_[target] != none; }
  const std::vector<std::uint32_t>& eligible() const { return eligible_; }

  // There must be an eligible target.
  std::uint32_t pick(sim::Stream& chance);

  // Keeps count of requests under way at a target.
  void began(std::uint32_t target) { change_load(target, +1); }
  void ended(std::uint32_t target) {
    WT_CHECK(outstanding_[target] > 0, "a request ended that had not begun");
    change_load(target, -1);
  }
  std::uint32_t outstanding(std::uint32_t target) const { return outstanding_[target]; }
  // Its requests are gone (the target was replaced).
  void forget(std::uint32_t target) {
    while (outstanding_[target] > 0) change_load(target, -1);
  }

 private:
  static constexpr std::uint32_t none = 0xffffffff;

  void insert_in_order(std::uint32_t target) {
    auto at = eligible_.begin();
    while (at != eligible_.end() && *at < target) ++at;
    if (at - eligible_.begin() < static_cast<std::ptrdiff_t>(next_)) ++next_;
    eligible_.insert(at, target);
  }
  void renumber() {
    for (std::uint32_t i = 0; i < eligible_.size(); ++i) place_[eligible_[i]] = i;
  }

  // Targets by load, for least outstanding requests only: by_load_[n] holds the eligible ones with
  // n requests.
  bool keeps_loads() const { return algorithm_ == Algorithm::least_outstanding_requests; }
  void by_load_enter(std::uint32_t target);
  void by_load_leave(std::uint32_t target);
  void change_load(std::uint32_t target, int change) {
    const bool listed = keeps_loads() && place_[target] != none;
    if (listed) by_load_leave(target);
    outstanding_[target] += static_cast<std::uint32_t>(change);
    if (listed) by_load_enter(target);
  }
  std::uint32_t pick_of_choices(sim::Stream& chance);

  Algorithm algorithm_;
  std::uint32_t choices_;
  std::vector<std::uint32_t> eligible_;  // ascending
  std::vector<std::uint32_t> place_;     // target -> place in eligible_, or none
  std::vector<std::uint32_t> outstanding_;
  std::uint32_t next_ = 0;  // round robin
  std::vector<std::vector<std::uint32_t>> by_load_;
  std::vector<std::uint32_t> place_in_load_;
  std::uint32_t least_ = 0;           // no eligible target has fewer
  std::vector<std::uint32_t> drawn_;  // of one pick of choices
};

}  // namespace windtunnel
