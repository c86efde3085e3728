// Items that all wait for the same time, or for less if they are taken out before: idle execution
// environments, invocations with a timeout. O(1) in and out, one pending event in all. The newest
// is at hand (last in, first out).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/simulation.hpp"

namespace windtunnel {

class TimedList final : public sim::Entity {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // The item's time is over; it is in the list no more.
    virtual void on_time_over(const TimedList& list, std::uint32_t item) = 0;
  };

  TimedList(sim::Entity& entity, std::string_view purpose, Owner& owner, sim::Duration time)
      : Entity(entity, purpose), owner_(owner), time_(time) {}

  void enter(std::uint32_t item) {
    if (items_.size() <= item) items_.resize(item + 1);
    items_[item] = {sim().now(), newest_, none};
    (newest_ != none ? items_[newest_].next : oldest_) = item;
    newest_ = item;
    ++size_;
    if (!armed_) arm();
  }
  void leave(std::uint32_t item) {
    const Item& it = items_[item];
    (it.previous != none ? items_[it.previous].next : oldest_) = it.next;
    (it.next != none ? items_[it.next].previous : newest_) = it.previous;
    --size_;
  }
  std::optional<std::uint32_t> newest() const {
    return newest_ == none ? std::nullopt : std::optional(newest_);
  }
  std::uint32_t size() const { return size_; }

 private:
  static constexpr std::uint32_t none = 0xffffffff;
  struct Item {
    sim::Time since{};
    std::uint32_t previous = none, next = none;
  };

  void arm() {
    if (time_ >= sim::horizon_limit) return;
    armed_ = true;
    sim().at<&TimedList::on_due>(items_[oldest_].since + time_, this, 0);
  }
  void on_due() {
    armed_ = false;
    while (oldest_ != none && items_[oldest_].since + time_ <= sim().now()) {
      const std::uint32_t item = oldest_;
      leave(item);
      owner_.on_time_over(*this, item);
    }
    if (oldest_ != none && !armed_) arm();
  }

  Owner& owner_;
  sim::Duration time_;
  std::vector<Item> items_;  // by item; those in the list are linked
  std::uint32_t oldest_ = none, newest_ = none, size_ = 0;
  bool armed_ = false;
};

}  // namespace windtunnel
