// Connections to one target that wait for a request, the one used last taken first. Either end
// closes one that was idle for its time. When the target does it first, a request may set out while
// the word of it is still on its way, and meets a closed connection.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/time.hpp"

namespace windtunnel {

class IdleConnections {
 public:
  enum class Taken : std::uint8_t { none, open, closing };

  // `idle_timeout`: when this end closes. `keep_alive`: when the target does, counted there;
  // `round_trip` is the way to the target and back.
  Taken take(sim::Time now, sim::Duration idle_timeout, sim::Duration keep_alive,
             sim::Duration round_trip) {
    if (since_.empty()) return Taken::none;
    const sim::Duration idle = now - since_.back();
    if (idle >= idle_timeout || idle >= keep_alive) {  // so are all below it
      since_.clear();
      return Taken::none;
    }
    since_.pop_back();
    // The answer left the target half a round trip before it came; the request is there as late.
    return idle > keep_alive - round_trip ? Taken::closing : Taken::open;
  }
  void give_back(sim::Time now) { since_.push_back(now); }
  void clear() { since_.clear(); }

 private:
  std::vector<sim::Time> since_;  // ascending
};

}  // namespace windtunnel
