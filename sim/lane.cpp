#include "sim/lane.hpp"

#include "sim/simulation.hpp"

namespace windtunnel::sim {

Lane::Lane(Entity& owner, Duration timeout)
    : Entity(owner, "lane"), owner_(owner), timeout_(timeout) {}

void Lane::enter(Call& call, Handle handle) {
  if (timeout_ == forever || timeout_ == Duration::zero()) return;
  WT_CHECK(call.lane == nullptr, "a call rides one lane at a time");
  // The list is in order of entering; dates come from `opened`, so a call enters when it is opened.
  call.lane = this;
  call.lane_previous = tail_;
  call.lane_next = Call::none;
  if (tail_ != Call::none) {
    sim().call_at_slot(tail_).lane_next = handle.slot();
  } else {
    head_ = handle.slot();
  }
  tail_ = handle.slot();
  if (!armed_) arm();
}

void Lane::leave(Call& call) {
  (call.lane_previous != Call::none ? sim().call_at_slot(call.lane_previous).lane_next : head_) =
      call.lane_next;
  (call.lane_next != Call::none ? sim().call_at_slot(call.lane_next).lane_previous : tail_) =
      call.lane_previous;
  call.lane = nullptr;
}

void Lane::arm() {
  armed_ = true;
  sim().at<&Lane::on_head_due>(sim().call_at_slot(head_).opened + timeout_, this, 0);
}

void Lane::on_head_due() {
  armed_ = false;
  while (head_ != Call::none && sim().call_at_slot(head_).opened + timeout_ <= sim().now()) {
    const Handle handle = sim().call_in_slot(head_);
    Call& call = sim().call_at_slot(handle.slot());
    leave(call);
    call.caller_done = true;
    call.outcome = Outcome::timeout;
    sim().tell_watcher(CallStep::timed_out, handle, call);
    owner_.on_timeout(call, handle);
    sim().release_if_done(handle, call);
  }
  if (head_ != Call::none && !armed_) arm();
}

}  // namespace windtunnel::sim
