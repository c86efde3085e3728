// Pushes messages that its owner has in custody to subscribers, targets, destinations: an attempt,
// retries by the endpoint's policy, then the dead-letter queue, or the message is lost. Of an
// ordered endpoint a message waits while an earlier one of its group is under way.
//
// A success hands custody on (the ledger says so even where the answer is lost on its way), or is
// the effect itself where the endpoint is no messaging service.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/mechanisms/connector.hpp"
#include "models/mechanisms/delivery_retry.hpp"
#include "models/mechanisms/key_table.hpp"
#include "models/mechanisms/ports_messaging.hpp"
#include "models/mechanisms/slab.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

// Lets so many pass a second and has the others wait: a quota that delays.
class Pacer {
 public:
  explicit Pacer(double rate)
      : interval_(rate > 0 ? sim::from_seconds(1 / rate) : sim::Duration{}) {}
  // When the next one may go, from now; it is taken.
  sim::Duration delay(sim::Time now) {
    const sim::Time at = std::max(now, next_);
    next_ = at + interval_;
    return at - now;
  }

 private:
  sim::Duration interval_;
  sim::Time next_{};
};

class Pusher final : public sim::Entity, public LossLedger::Holder {
 public:
  struct Endpoint {
    std::string target;             // a component
    std::string dead_letter_queue;  // empty: none
    DeliveryRetry retry;
    sim::Duration timeout{std::chrono::seconds(15)};
    double rate = 0;  // attempts a second, more wait; 0: no limit
    bool ordered = false;
  };
  struct Metrics {
    sim::Counter &delivered, &failed, &dead_lettered, &retried;
  };

  // Opens the owner's account: what it holds is what is under way here.
  Pusher(sim::Component& owner, MessageAccount& account, const Metrics& metrics);
  ~Pusher() override;

  // Its number. In the owner's constructor.
  std::uint32_t add(Endpoint endpoint);
  void wire(sim::Wiring& wiring);
  MessageTarget::Kind kind_of(std::uint32_t endpoint) const;

  // The owner has the message in custody; the first attempt begins after `delay`.
  void push(std::uint32_t endpoint, const Message& message, sim::Duration delay);

  LossLedger::Account account() const { return account_; }
  std::uint64_t under_way() const { return deliveries_.size(); }
  std::uint64_t messages_held() const override;

  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;
  void on_late_answer(const sim::Call&) override {}

 private:
  struct Delivery {
    Message message{};
    sim::Time first{};  // attempt; Time::max(): none yet
    std::uint32_t next = no_slot, endpoint = 0, attempts = 0, behind = no_slot;
    bool used = false, dead = false;  // on its way to the dead-letter queue
  };
  struct Place {
    Endpoint settings;
    Callable* target = nullptr;
    bool is_function = false, is_messaging = false;
    MessageTarget::Kind kind = MessageTarget::Kind::queue;
    Callable* dead_letters = nullptr;
    std::unique_ptr<sim::Lane> lane;
    std::unique_ptr<Connector> connector, to_dead_letters;
    Pacer pacer;
    KeyTable last_of_group;  // ordered: the last delivery under way
  };

  void on_attempt_due(std::uint32_t delivery);
  void attempted(const sim::Call& call);
  void succeeded(std::uint32_t delivery);
  void give_up(std::uint32_t delivery);
  void finish(std::uint32_t delivery);

  sim::Component& owner_;
  Messages& messages_;
  LossLedger::Account account_;
  Metrics metric_;
  std::vector<std::unique_ptr<Place>> places_;
  Slab<Delivery> deliveries_;
  Connector::Settings connection_;
  sim::Stream retry_chance_;
};

}  // namespace windtunnel
