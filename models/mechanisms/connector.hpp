// How one caller (a client machine, an instance) reaches a name: it asks DNS, keeps the answer for
// its TTL, opens a connection, keeps using it, and notices that it broke only by what happens to
// its calls. DNS moves new connections only (rule 41). Left out: TLS handshakes; several
// connections in parallel (requests share one, as in HTTP/2 or a small pool); a resolver's cache
// shared by callers (each caller caches for itself); negative caching (no address: DNS is asked
// again by the next attempt).
#pragma once

#include <vector>

#include "models/mechanisms/ports.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class Connector final : public sim::Entity {
 public:
  struct Settings {
    sim::Operation operation = sim::Operation::read;  // whose name is asked for
    sim::Duration connect_timeout{std::chrono::milliseconds(1100)};
    sim::Duration idle_timeout{std::chrono::seconds(60)};  // 0: a connection for each request
    sim::Duration least_dns_ttl{0};
    sim::Distribution dns_lookup{};
  };

  // Calls are made for node `node` of `owner`. `settings` is shared by many connectors and outlives
  // them.
  Connector(sim::Component& owner, std::uint32_t node, Callable& target, const Settings& settings,
            std::string_view purpose);
  ~Connector() override;

  // Sends an open call of the owner's as soon as there is a connection. If no address answers it
  // fails with connect_timeout. The call may have ended when this returns.
  void dispatch(sim::Handle call) {
    const sim::Time now = sim().now();
    if (connected_ && (direct_ || (now - last_used_ < idle_timeout_ && now < closes_))) {
      last_used_ = now;
      sim().call(call).connection = connection_;
      sim().send(call, address_);
    } else {
      connect_first(call);
    }
  }

  // The owner's call timed out or was reset: if it used the present connection, that is closed.
  // Calls opened before this connection was asked for went out on an earlier one.
  void on_call_failed(const sim::Call& call) {
    if (connected_ && !direct_ && call.opened >= asked_for_ && call.callee == address_.entity &&
        call.callee_node == address_.node && call.callee_life == address_.life) {
      close();
    }
  }
  // The owner's machine is gone: forgets everything, waiting calls too.
  void reset();

  const sim::Address& address() const { return address_; }
  bool connected() const { return connected_; }

  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;
  void on_late_answer(const sim::Call&) override {}
  void on_connection_reset(sim::Handle connection) override {
    if (connected_ && connection == connection_) close();
  }

 private:
  void close() {
    connected_ = false;
    ++next_address_;  // the next in the list, as happy eyeballs and SDKs do
  }
  void connect_first(sim::Handle call);
  void look_up();
  void on_looked_up(std::uint64_t attempt);
  void try_next_address();
  void connected_now();
  void fail_waiting();
  // Takes the waiting calls, those that ended meanwhile included; give it back with done_with().
  std::vector<sim::Handle> take_waiting();
  void done_with(std::vector<sim::Handle> calls);
  bool still_wanted(sim::Handle call) {
    const sim::Call* open = sim().find_call(call);
    return open != nullptr && !open->caller_done;
  }

  sim::Component& owner_;
  std::uint32_t node_;
  Callable& target_;
  const Settings& settings_;
  sim::Stream chance_;
  bool direct_;
  bool connected_ = false, connecting_ = false;
  sim::Address address_;
  sim::Handle connection_;                          // the present one, or the last
  sim::Time asked_for_{}, last_used_{}, closes_{};  // used: a call was sent
  sim::Duration idle_timeout_{0};                   // of the present connection: either end's
  Resolution answer_;
  sim::Time answer_expires_{};  // zero: never asked
  std::size_t next_address_ = 0, tried_ = 0;
  std::uint64_t attempt_ = 0;  // a lookup or connect of an earlier attempt is stale
  sim::Handle connect_call_;
  std::vector<sim::Handle> waiting_;
  std::vector<sim::Handle> released_;  // keeps its capacity for the next waiting_
  sim::Lane lane_;
};

}  // namespace windtunnel
