// What was said in the last five minutes: a FIFO queue or topic takes a message whose
// deduplication ID it knows, and delivers it to nobody. An ID counts from when it was first
// accepted, whether or not its message has been deleted since.
#pragma once

#include <boost/circular_buffer.hpp>

#include "models/mechanisms/key_table.hpp"
#include "sim/time.hpp"

namespace windtunnel {

class Deduplication {
 public:
  explicit Deduplication(sim::Duration interval) : interval_(interval) {}

  // False: it was said within the interval. True: it counts from now on.
  bool is_new(std::uint64_t id, sim::Time now) {
    while (!said_.empty() && said_.front().at <= now - interval_) {
      known_.erase(said_.front().id);
      said_.pop_front();
    }
    if (known_.find(id) != nullptr) return false;
    known_.insert(id, 0);
    if (said_.full()) said_.set_capacity(said_.capacity() < 64 ? 128 : said_.capacity() * 2);
    said_.push_back({id, now});
    return true;
  }

 private:
  struct Said {
    std::uint64_t id;
    sim::Time at;
  };
  sim::Duration interval_;
  KeyTable known_;
  boost::circular_buffer<Said> said_;  // oldest first
};

}  // namespace windtunnel
