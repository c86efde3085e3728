// c servers and a bounded queue, first come first served or last come first served: the newest
// request is the one whose caller still waits. It keeps who waits; what service is, its owner
// knows.
#pragma once

#include <boost/circular_buffer.hpp>
#include <cstdint>
#include <limits>

#include "sim/event.hpp"

namespace windtunnel {

class Servers {
 public:
  static constexpr std::int64_t unbounded = std::numeric_limits<std::int64_t>::max();
  enum class Entry : std::uint8_t { served, queued, refused };
  enum class Order : std::uint8_t { fifo, lifo };

  Servers(std::int64_t servers, std::int64_t places, Order order = Order::fifo)
      : servers_(servers), places_(places), order_(order) {}

  // `served`: the owner begins service now. `refused`: all places are taken.
  Entry enter(sim::Handle call) {
    if (busy_ < servers_) {
      ++busy_;
      return Entry::served;
    }
    if (waiting_ >= places_) return Entry::refused;
    if (queue_.full()) queue_.set_capacity(queue_.capacity() < 8 ? 16 : queue_.capacity() * 2);
    queue_.push_back(call);
    ++waiting_;
    return Entry::queued;
  }

  // A server is free again. The call that takes it, to be begun now, or an empty handle.
  // `still_waits(call)` tells those that left the queue.
  template <typename StillWaits>
  sim::Handle leave(StillWaits&& still_waits) {
    while (!queue_.empty()) {
      const bool last = order_ == Order::lifo;
      const sim::Handle next = last ? queue_.back() : queue_.front();
      last ? queue_.pop_back() : queue_.pop_front();
      if (!still_waits(next)) continue;
      --waiting_;
      return next;
    }
    --busy_;
    return {};
  }
  // A call left the queue before service; `still_waits` is false for it from now on.
  void abandon() { --waiting_; }

  // Forgets all calls, which are handed to `each`: the queued ones (those that left the queue too),
  // not those in service.
  template <typename Each>
  void clear(Each&& each) {
    for (const sim::Handle call : queue_) each(call);
    queue_.clear();
    waiting_ = busy_ = 0;
  }

  std::int64_t busy() const { return busy_; }
  std::int64_t waiting() const { return waiting_; }
  std::int64_t servers() const { return servers_; }

 private:
  std::int64_t servers_, places_;
  Order order_;
  std::int64_t busy_ = 0, waiting_ = 0;
  boost::circular_buffer<sim::Handle> queue_;
};

}  // namespace windtunnel
