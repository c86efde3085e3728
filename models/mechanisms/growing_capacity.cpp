#include "models/mechanisms/growing_capacity.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace windtunnel {

namespace {
constexpr sim::Duration minute{std::chrono::minutes(1)};
}

GrowingCapacity::GrowingCapacity(sim::Component& owner, const Settings& settings, std::size_t nodes)
    : Entity(owner, "capacity"),
      owner_(owner),
      settings_(settings),
      least_(std::max(settings.initial, settings.reserved)),
      nodes_left_(nodes, TokenBucket(0, 0)) {
  set_capacity(least_);
}

void GrowingCapacity::start() { sim().after<&GrowingCapacity::on_minute_over>(minute, this); }

// A node may take a second's worth at once.
void GrowingCapacity::set_capacity(double capacity) {
  capacity_ = capacity;
  needed_ = sim().now();
  const double rate = capacity / static_cast<double>(std::max<std::size_t>(nodes_left_.size(), 1));
  for (TokenBucket& node : nodes_left_) node = TokenBucket(rate, std::max(rate, 1.0));
}

void GrowingCapacity::on_minute_over() {
  sim().after<&GrowingCapacity::on_minute_over>(minute, this);
  const double rate = static_cast<double>(offered_) / sim::seconds(minute);
  offered_ = 0;
  if (rate > capacity_ * settings_.utilization && !growing_) {
    growing_ = true;
    sim().after<&GrowingCapacity::on_grown>(settings_.growth_time, this);
  }
  if (rate > capacity_ / settings_.growth * settings_.utilization) needed_ = sim().now();
  if (growing_ || capacity_ <= least_ || sim().now() - needed_ < settings_.shrink_after) return;
  set_capacity(std::max(capacity_ / settings_.growth, least_));
  sim().note(sim::Milestone::none, owner_,
             fmt::format("capacity shrinks to {:.0f} requests/s", capacity_));
}

void GrowingCapacity::on_grown() {
  growing_ = false;
  set_capacity(capacity_ * settings_.growth);
  sim().note(sim::Milestone::none, owner_,
             fmt::format("capacity has grown to {:.0f} requests/s", capacity_));
}

}  // namespace windtunnel
