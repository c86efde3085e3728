// The order in which a queue's visible messages are received: of a standard queue (best effort,
// fair between tenants), or of message groups. The lines hold slots of the queue's slab.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/mechanisms/key_table.hpp"
#include "models/mechanisms/loss_ledger.hpp"
#include "models/mechanisms/slab.hpp"
#include "sim/time.hpp"

namespace windtunnel {

// 56 bytes, and 24 in the ledger.
struct WaitingMessage {
  sim::Time sent{}, enqueued{};
  LossLedger::Number number{};  // empty: it was removed while it stood in a line
  std::uint64_t content = 0;
  std::uint32_t bytes = 0, key = 0;
  std::uint32_t next = no_slot;
  std::uint32_t serial = 0;       // of its last receipt; goes on when the slot is used again
  std::uint32_t lease = no_slot;  // none: visible, or delayed
  std::uint16_t request_class = 0, receives = 0;
};
static_assert(sizeof(WaitingMessage) == 56);

class MessageLines {
 public:
  using Messages = Slab<WaitingMessage>;
  virtual ~MessageLines() = default;

  // Becomes visible for the first time.
  virtual void add(std::uint32_t slot) = 0;
  // Moves up to `most` visible messages out of the lines; those on servers that are not in
  // `servers` (a bit each) are passed by. Messages that were removed meanwhile are given back to
  // the slab.
  virtual void take(std::uint32_t most, std::uint32_t servers, sim::Time now,
                    std::vector<std::uint32_t>& taken) = 0;
  // What was taken is in flight from now on.
  virtual void leased(std::uint32_t slot) = 0;
  // What was in flight, received at that date, is visible again.
  virtual void visible_again(std::uint32_t slot, sim::Time received, sim::Time now) = 0;
  // It is gone for good. False: it stands in a line still, its slot is given back by take().
  enum class From : std::uint8_t { line, taken, flight };
  virtual bool gone(std::uint32_t slot, From from, sim::Time received, sim::Time now) = 0;
  // Enqueued date of the oldest visible message; Time::max(): none.
  virtual sim::Time oldest() const = 0;
  // The order that a message belongs to.
  virtual LossLedger::Line line_of(std::uint32_t slot) const = 0;
};

}  // namespace windtunnel
