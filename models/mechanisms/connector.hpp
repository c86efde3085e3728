// How callers (client machines, instances) reach a name: they ask DNS, keep the answer for its TTL,
// open a connection, keep using it, and notice that it broke only by what happens to their calls.
// DNS moves new connections only (rule 41). Left out: TLS handshakes; several connections in
// parallel (a machine's requests share one, as in HTTP/2 or a small pool); without resolvers:
// negative caching (no address: DNS is asked again by the next attempt).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/mechanisms/huge_pages.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/resolvers.hpp"
#include "sim/prefetch.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

// Of many machines in one zone, a cache line each; what a machine needs while it connects is
// shared.
class Connections : public sim::Entity {
 public:
  struct Settings {
    sim::Operation operation = sim::Operation::read;  // whose name is asked for
    sim::Duration connect_timeout{std::chrono::milliseconds(1100)};
    sim::Duration idle_timeout{std::chrono::seconds(60)};  // 0: a connection for each request
    sim::Duration least_dns_ttl{0};                        // without resolvers
    sim::Distribution dns_lookup{};
  };
  // Hears what DNS told a machine, and where it goes.
  class Listener {
   public:
    virtual ~Listener() = default;
    // At its resolver, which had to ask the authoritative server, or not.
    virtual void on_looked_up(std::uint32_t machine, bool recursion) = 0;
    // `age`: since the authoritative server said it.
    virtual void on_answer_used(std::uint32_t machine, const Resolution& answer,
                                sim::Duration age) = 0;
    virtual void on_connecting(std::uint32_t machine, const sim::Address& to) = 0;
  };

  // Calls are made for `machines` of `owner`. `settings` is shared by many and outlives it. With
  // `resolvers` machines ask those instead of the authoritative server.
  Connections(sim::Component& owner, const std::string& purpose, std::uint32_t machines,
              sim::ZoneId zone, Callable& target, const Settings& settings,
              const Resolvers::Settings* resolvers = nullptr, Listener* listener = nullptr);

  // Sends an open call of the owner's as soon as there is a connection. If no address answers it
  // fails with connect_timeout. The call may have ended when this returns.
  void dispatch(std::uint32_t machine, sim::Handle call) {
    Link& link = links_[machine];
    const sim::Time now = sim().now();
    if (link.connected && (direct_ || (now - link.last_used < idle_timeouts_[link.idle_timeout] &&
                                       now < link.closes))) {
      link.last_used = now;
      sim().call(call).connection = connection_of(machine);
      sim().send(call, link.address);
    } else {
      connect_first(machine, call);
    }
  }

  // The owner's call timed out or was reset: if it used the present connection, that is closed.
  // Calls opened before this connection was asked for went out on an earlier one.
  void on_call_failed(std::uint32_t machine, const sim::Call& call) {
    Link& link = links_[machine];
    if (link.connected && !direct_ && call.opened >= link.asked_for &&
        call.callee == link.address.entity && call.callee_node == link.address.node &&
        call.callee_life == link.address.life) {
      close(link);
    }
  }
  // The machine will be asked for soon: what is known of it is on its way from memory.
  void prefetch(std::uint32_t machine) const {
    sim::prefetch(&links_[machine]);
    if (resolvers_) resolvers_->prefetch(machine);
  }
  // The machine is gone: forgets everything, waiting calls too.
  void reset(std::uint32_t machine);

  const sim::Address& address(std::uint32_t machine) const { return links_[machine].address; }
  bool connected(std::uint32_t machine) const { return links_[machine].connected; }

  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;
  void on_late_answer(const sim::Call&) override {}
  void on_connection_reset(sim::Handle connection) override {
    const std::uint32_t machine = connection.slot() - first_socket_;
    Link& link = links_[machine];
    if (link.connected && connection == connection_of(machine)) close(link);
  }

 private:
  static constexpr std::uint32_t none = 0xffffffff;
  struct alignas(64) Link {
    sim::Address address;
    sim::Time asked_for{}, last_used{}, closes{};  // used: a call was sent
    sim::Time answer_expires{};                    // zero: never asked
    std::uint32_t answer = none;                   // in the book
    std::uint32_t answer_given = 0;                // ms since the start
    std::uint32_t slot = none;                     // in connecting_, while it connects
    std::uint16_t life = 0;                        // counts connections, from 1 again after 65,535
    std::uint8_t idle_timeout = 0;                 // of the connection: in idle_timeouts_
    std::uint8_t next_address : 7 = 0;             // an answer has few
    bool connected : 1 = false;
  };
  static_assert(sizeof(Link) == 64);
  struct alignas(64) Connecting {
    std::uint32_t machine = 0;
    std::uint32_t attempt = 0;  // a lookup of an earlier attempt is stale; 0: the slot is free
    std::uint32_t tried = 0;
    sim::Handle connect_call;
    sim::Handle waiting;              // mostly one
    std::vector<sim::Handle> joined;  // keeps its capacity
  };

  // The present one, or the last.
  sim::Handle connection_of(std::uint32_t machine) const {
    return direct_ ? sim::Handle() : sim::Handle(first_socket_ + machine, links_[machine].life);
  }
  static void close(Link& link) {
    link.connected = false;
    ++link.next_address;  // the next in the list, as happy eyeballs and SDKs do
  }
  void connect_first(std::uint32_t machine, sim::Handle call);
  std::uint32_t begin(std::uint32_t machine);
  void look_up(std::uint32_t slot);
  void on_looked_up(std::uint64_t slot_and_attempt);
  void ask(std::uint32_t machine);
  void try_next_address(std::uint32_t slot);
  void connected_now(std::uint32_t slot, const sim::Call& call);
  void fail_waiting(std::uint32_t slot);
  template <typename Each>
  void each_waiting(const Connecting& it, Each&& each);
  void free_slot(std::uint32_t slot);
  std::uint8_t number_of(sim::Duration idle_timeout);
  bool still_wanted(sim::Handle call) {
    const sim::Call* open = sim().find_call(call);
    return open != nullptr && !open->caller_done;
  }

  Callable& target_;
  const Settings& settings_;
  sim::Stream chance_;
  bool direct_;
  std::uint32_t first_socket_;  // of its machines, one each
  const Location* from_;        // of the machines, where it is known
  Listener* listener_;
  AnswerBook book_;
  std::optional<Resolvers> resolvers_;
  LargeVector<Link> links_;
  std::vector<sim::Duration> idle_timeouts_;  // different ones are few
  std::vector<std::unique_ptr<Connecting>> connecting_;
  std::vector<std::uint32_t> free_;
  std::uint32_t attempts_ = 0;
  sim::Lane lane_;
};

// Of one machine: node `node` of the owner.
class Connector final : private Connections {
 public:
  using Settings = Connections::Settings;
  Connector(sim::Component& owner, std::uint32_t node, Callable& target, const Settings& settings,
            std::string_view purpose)
      : Connections(owner, std::string(purpose) + " " + std::to_string(node), 1,
                    owner.zone_of(node), target, settings) {}

  void dispatch(sim::Handle call) { Connections::dispatch(0, call); }
  void on_call_failed(const sim::Call& call) { Connections::on_call_failed(0, call); }
  void reset() { Connections::reset(0); }
  const sim::Address& address() const { return Connections::address(0); }
  bool connected() const { return Connections::connected(0); }
};

}  // namespace windtunnel
