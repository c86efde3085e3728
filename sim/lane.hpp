// Timeouts of one length. Calls that wait for the same time end in the order they began, so a list
// in the calls themselves does it: O(1) removal on the answer, and one calendar event, for the
// head. With an event a call, 60 s timeouts would keep thousands of stale events in the calendar.
#pragma once

#include "sim/entity.hpp"

namespace windtunnel::sim {

class Lane final : public Entity {
 public:
  // `owner` hears on_timeout(). A timeout of `forever` or 0 never ends.
  Lane(Entity& owner, Duration timeout);

  // From now on; the call must be in no lane.
  void enter(Call& call, Handle handle);
  void leave(Call& call);
  Duration timeout() const { return timeout_; }

 private:
  void on_head_due();
  void arm();

  Entity& owner_;
  Duration timeout_;
  std::uint32_t head_ = Call::none, tail_ = Call::none;
  bool armed_ = false;
};

}  // namespace windtunnel::sim
