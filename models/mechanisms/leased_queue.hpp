// A queue with leases: a message received is invisible for its visibility timeout and comes back
// unless it is removed before; the receive count says how often it was handed out, and one receive
// too many sends it to the dead-letter queue instead (rule 19). Delays, retention, limits on what
// is in flight. What order messages are received in is its lines' business: standard or groups.
//
// A waiting message takes 56 bytes here and 24 in the ledger.
#pragma once

#include <memory>
#include <vector>

#include "models/mechanisms/message_lines.hpp"
#include "models/mechanisms/messages.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class LeasedQueue final : public sim::Entity, public LossLedger::Holder {
 public:
  struct Settings {
    bool groups = false;        // FIFO: message groups, receipts end with their leases
    std::uint32_t servers = 1;  // that messages are spread over; those of a FIFO queue are not
    sim::Duration visibility{std::chrono::seconds(30)};
    sim::Duration retention{std::chrono::hours(96)};
    std::int64_t in_flight_limit = 120'000;
    std::uint32_t max_receive_count = 0;  // 0: no redrive policy
    double comes_back = 0;                // share of removals that miss a replica: received again
  };
  class Owner {
   public:
    virtual ~Owner() = default;
    // There may be something to receive now.
    virtual void on_receivable() = 0;
    // It was received max_receive_count times; it is in this queue's custody still.
    virtual void on_dead_letter(Message& message, sim::Time enqueued) = 0;
  };

  LeasedQueue(sim::Component& component, Owner& owner, const Settings& settings);
  ~LeasedQueue() override;

  // A message that the ledger says this queue has. `enqueued`: from when retention counts.
  void put(const Message& message, sim::Time enqueued, sim::Duration delay);
  // Hands out up to `most`, from the servers in this set of bits; they are in flight from now on.
  void receive(std::uint32_t most, sim::Duration visibility, std::uint32_t servers,
               std::vector<Message>& out);
  bool full() const { return in_flight() >= settings_.in_flight_limit; }
  // By receipt. Entry::stale: not the last one, or (groups) its lease has ended.
  Entry remove(std::uint64_t receipt);
  Entry change_visibility(std::uint64_t receipt, sim::Duration visibility);
  // For a redrive: the next visible message, out of the queue but in its custody still.
  bool take_out(Message& message);

  std::int64_t visible() const { return visible_; }
  std::int64_t in_flight() const { return static_cast<std::int64_t>(leases_.size()); }
  std::int64_t in_flight_limit() const { return settings_.in_flight_limit; }
  std::int64_t delayed() const { return delayed_; }
  std::uint64_t expired() const { return expired_; }
  // Age of the oldest message that is neither removed nor often received (rule 20); 0: none.
  sim::Duration age_of_oldest() const;
  std::size_t noisy_tenants() const;
  // In flight although their leases have ended: none, ever.
  std::int64_t overdue_leases() const;
  std::size_t bytes() const { return messages_.bytes() + leases_.bytes(); }

  std::uint64_t messages_held() const override;

 private:
  struct Lease {
    std::uint32_t slot = no_slot, next = no_slot, previous = no_slot;
    bool in_lane = false;  // of the queue's own visibility timeout; others have an event each
    sim::Time received{}, ends{};
  };
  static constexpr std::uint32_t no_lease = no_slot, is_delayed = no_slot - 1;

  std::uint64_t receipt_of(std::uint32_t slot) const {
    return slot | std::uint64_t{messages_[slot].serial} << 32;
  }
  // The message that this is the last receipt of; no_slot: none.
  std::uint32_t slot_of(std::uint64_t receipt) const;
  Message message_of(std::uint32_t slot) const;
  bool is_expired(const WaitingMessage& message) const {
    return sim().now() - message.enqueued >= settings_.retention;
  }

  void hand_out(std::uint32_t slot, sim::Duration visibility, std::vector<Message>& out);
  void begin_lease(std::uint32_t slot, sim::Duration visibility);
  void set_end(std::uint32_t lease, sim::Duration visibility);
  void leave_lane(std::uint32_t lease);
  void end_lease(std::uint32_t lease);
  void lease_over(std::uint32_t lease);
  void forget(std::uint32_t slot, MessageLines::From from);
  void become_visible(std::uint32_t slot);
  void on_lane_due();
  void on_lease_due(std::uint64_t receipt);
  void on_delay_over(std::uint64_t slot);
  void on_sweep();
  void arm_lane();

  Owner& owner_;
  Settings settings_;
  LossLedger& ledger_;
  Slab<WaitingMessage> messages_;
  Slab<Lease> leases_;
  std::unique_ptr<MessageLines> lines_;
  std::uint32_t lane_head_ = no_slot, lane_tail_ = no_slot;
  bool lane_armed_ = false, sweeping_ = false;
  std::int64_t visible_ = 0, delayed_ = 0;
  std::uint64_t expired_ = 0;
  std::vector<std::uint32_t> taken_;
  sim::Stream chance_;
};

}  // namespace windtunnel
