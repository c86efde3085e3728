// Connections that pass through a component of layer 4 (a Network Load Balancer, an accelerator):
// each is sent somewhere once, when it opens, and stays there (rule 7). A table holds them, by the
// number of who opened them; a request finds its way in it and draws nothing. What comes for a
// connection that is not in the table is reset, after a silent end too: the table forgets a
// connection that was idle for its time without a word to either end. Who opened a connection hears
// of its reset (Entity::on_connection_reset); the way back is told by what happens to its calls.
// Datagrams have no connections to open or reset: an unknown flow is a new one. So it is where the
// ends know nothing of this component (a Gateway Load Balancer); what finds no way there is lost.
// Such a one may send every packet on a detour, there and back, before it goes on.
// Left out: who closes a connection tells nobody, its entry goes with the opener's next connection
// or when it has been idle for long; a request without an answer for the idle timeout is forgotten
// although others may use its connection; the sizes of packets.
#pragma once

#include <optional>
#include <vector>

#include "models/mechanisms/in_hand.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class Flows final : public sim::Entity {
 public:
  // Where a connection goes; the number is the owner's own.
  struct Route {
    sim::Address to;
    std::uint32_t destination = 0;
  };
  class Owner {
   public:
    virtual ~Owner() = default;
    // Of a connection that opens at a node; nothing: it is refused.
    virtual std::optional<Route> route(std::uint32_t node, const sim::Call& opening) = 0;
    // Who looks at the packets of flows to this destination; nobody.
    virtual sim::Address detour(std::uint32_t /*destination*/) { return {}; }
    // A flow that was idle for too long would come to this destination again.
    virtual bool keeps(std::uint32_t /*node*/, std::uint32_t /*destination*/) { return false; }
  };
  struct Settings {
    sim::Duration idle_timeout{std::chrono::seconds(350)};
    bool datagrams = false;
    bool transparent = false;  // the ends do not know of it
  };
  // Under their owner's names.
  struct Metrics {
    sim::Counter& opened;      // flows that a target accepted
    sim::Counter& refused;     // found no target, or none that accepted
    sim::Counter& own_resets;  // of connections, by this component
    sim::Counter& far_resets;  // by targets, passed on
  };

  // `owner` has its nodes already, and hands in what reaches them.
  Flows(sim::Entity& owner, std::string_view purpose, Owner& policy, const Settings& settings,
        const Metrics& metrics);
  void connect(sim::Call& call, sim::Handle handle);
  void request(sim::Call& call, sim::Handle handle);

  // Connections to a destination are reset: at both ends, or as soon as a packet comes.
  enum class Told : std::uint8_t { at_once, with_the_next_packet };
  void reset(std::uint32_t destination, Told told = Told::at_once);
  // Its flows are new ones from now on.
  void forget(std::uint32_t destination);
  // Of an owner without nodes, which may move.
  void set_place(sim::ZoneId zone) { set_zone(zone); }
  // A node has lost power: what it knew is gone without a word.
  void forget_node(std::uint32_t node);
  // Connections that are not idle for too long.
  std::uint32_t active() const;

  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;
  void on_connection_reset(sim::Handle connection) override;

 private:
  struct Flow {
    sim::Entity* opener = nullptr;  // nullptr: there is none
    sim::Address to;
    sim::Time used{};
    std::uint32_t opener_node = 0, node = 0;
    std::uint32_t life = 0;  // which of the opener's connections
    std::uint32_t destination = 0;
  };
  // What it keeps of a call that it passes on.
  struct Passing {
    std::uint32_t place;  // in in_hand_
    std::uint32_t destination;
    sim::Outcome outcome;  // of an answer that is on its detour
  };
  // What a call of its own is: the tag.
  enum Leg : std::uint32_t { onward, detour, detour_back };

  bool alive(const Flow& flow) const {
    return flow.opener != nullptr && sim().now() - flow.used < settings_.idle_timeout;
  }
  // The connection's entry, or that of its opener's next one, which overtook it.
  Flow* find(sim::Handle connection);
  void enter(const sim::Call& opening, const Route& route);
  void erase(sim::Handle connection);
  void pass(sim::Call& call, sim::Handle handle, const Route& route);
  void go_on(sim::Call& call, sim::Handle handle);
  void hop(sim::Call& call, sim::Handle handle, Leg leg, const sim::Address& to);
  void answered(sim::Call& call, const sim::Call& next);
  void finish(sim::Call& call, sim::Handle handle, sim::Outcome outcome);
  void lose(sim::Call& call, sim::Handle handle);
  void refuse(sim::Handle handle, sim::Counter& why);
  void tell_opener(const Flow& flow, std::uint32_t number);
  InHand<Passing>& in_hand_of(const sim::Call& call) {
    return in_hand_[call.callee_node % in_hand_.size()];
  }

  Owner& policy_;
  Settings settings_;
  Metrics metric_;
  sim::Lane connect_lane_, idle_lane_;
  sim::Stream way_chance_;
  std::vector<Flow> flows_;               // by the opener's number
  std::vector<InHand<Passing>> in_hand_;  // by node
};

}  // namespace windtunnel
