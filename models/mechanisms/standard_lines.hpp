// A standard queue's order: best effort, oldest first. What comes back from a lease is received
// next; what came back three times goes to the back of the queue (rule 20).
//
// Fair queues: messages that carry a group ID belong to that tenant. A tenant is noisy while it has
// more than 10 % of the messages in flight and at least 30 of them, or more than 10 % of the recent
// processing time (time in flight until removed); it stops being noisy when its backlog is consumed
// or nothing of it was in flight for 5 minutes. Messages of quiet tenants are received first; among
// noisy ones that with the fewest in flight (rule 22). A message without an ID is a tenant of its
// own. UNSOURCED: "recent" is a mean that fades by half in a minute.
#pragma once

#include "models/mechanisms/message_lines.hpp"

namespace windtunnel {

class StandardLines final : public MessageLines {
 public:
  struct Settings {
    std::uint32_t servers = 1;  // a message is on one of them
    bool to_the_back = true;    // of what came back three times
  };
  StandardLines(Messages& messages, const Settings& settings, LossLedger::Line line);

  void add(std::uint32_t slot) override;
  void take(std::uint32_t most, std::uint32_t servers, sim::Time now,
            std::vector<std::uint32_t>& taken) override;
  void leased(std::uint32_t slot) override;
  void visible_again(std::uint32_t slot, sim::Time received, sim::Time now) override;
  bool gone(std::uint32_t slot, From from, sim::Time received, sim::Time now) override;
  sim::Time oldest() const override;
  LossLedger::Line line_of(std::uint32_t) const override { return line_; }

  std::size_t noisy_tenants() const { return noisy_.size(); }

  static constexpr std::uint16_t receives_to_the_back = 3;

 private:
  using List = SlabList<WaitingMessage>;
  // A sum that fades.
  struct Recent {
    double value = 0;
    sim::Time at{};
    double read(sim::Time now) const;
    void add(double more, sim::Time now);
  };
  struct Tenant {
    explicit Tenant(Messages& messages) : backlog(messages) {}
    std::uint32_t key = 0;
    std::uint64_t visible = 0, in_flight = 0;
    Recent processing;
    sim::Time idle_since{};  // nothing in flight
    bool noisy = false;
    List backlog;  // while it is noisy
  };

  Tenant* tenant_of(std::uint32_t slot);
  Tenant& made_tenant_of(std::uint32_t slot);
  void released(std::uint32_t slot, sim::Time received, sim::Time now);
  bool is_too_much(const Tenant& tenant, sim::Time now) const;
  void quieten(sim::Time now);
  void take_from(List& list, std::uint32_t most, std::uint32_t servers, sim::Time now,
                 std::vector<std::uint32_t>& taken);
  void take_from_noisy(std::uint32_t most, std::uint32_t servers,
                       std::vector<std::uint32_t>& taken);
  bool removed(std::uint32_t slot);
  bool reached(std::uint32_t slot, std::uint32_t servers) const {
    return (servers >> (slot % settings_.servers) & 1) != 0;
  }
  void hand_out(std::uint32_t slot, std::vector<std::uint32_t>& taken);

  Messages& messages_;
  Settings settings_;
  LossLedger::Line line_;
  List returned_, arrived_;
  std::uint64_t in_flight_ = 0;
  Recent processing_;
  KeyTable tenant_numbers_;
  std::vector<std::unique_ptr<Tenant>> tenants_;
  std::vector<Tenant*> noisy_;
};

}  // namespace windtunnel
