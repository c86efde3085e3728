// Who sends and receives. A Component is a named part of the topology; other entities (a connection
// pool, a lane of timeouts) belong to one and share its name in the fingerprint.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/call.hpp"
#include "sim/metrics.hpp"
#include "sim/random.hpp"

namespace windtunnel::sim {

class Simulation;
class Wiring;
struct RunLog;
using HostId = std::uint32_t;

class Entity {
 public:
  Entity(Simulation& sim, std::string_view name);
  // A part of `owner`: its events carry the owner's name, its chance is its own.
  Entity(Entity& owner, std::string_view purpose);
  Entity(const Entity&) = delete;
  Entity& operator=(const Entity&) = delete;
  virtual ~Entity() = default;

  // A call arrives at one of its nodes. Whoever overrides it must answer() or drop() the call, now
  // or later.
  virtual void on_request(Call& call, Handle handle);
  // A connection is asked for; by default the operating system accepts it. Same rules.
  virtual void on_connect(Call& call, Handle handle);
  // A connection that it opened was reset by the other end (RST).
  virtual void on_connection_reset(Handle /*connection*/) {}
  // The answer of a call it made. The call ends when this returns.
  virtual void on_answer(Call& call, Handle handle);
  // A call it made was not answered in its lane's time; it has been given up already.
  virtual void on_timeout(Call& call, Handle handle);
  // An answer came after the timeout, or for a caller that is gone: the callee's work was wasted.
  virtual void on_late_answer(const Call&) {}

  Simulation& sim() const { return *sim_; }
  std::uint64_t name_hash() const { return name_hash_; }

  // Its nodes: the hosts behind addresses, with the life each address has. An entity without nodes
  // is always up.
  struct Node {
    HostId host;
    std::uint32_t life;
  };
  const std::vector<Node>& nodes() const { return nodes_; }
  Address address_of(std::uint32_t node) {
    return {this, node, nodes_.empty() ? 0 : nodes_[node].life};
  }
  ZoneId zone_of(std::uint32_t node) const;
  // Its stream of chance for one purpose.
  Stream stream(std::string_view purpose) const;

 protected:
  // Without nodes: the zone it lives in.
  void set_zone(ZoneId zone) { zone_ = zone; }
  std::vector<Node> nodes_;

 private:
  friend class Simulation;
  Simulation* sim_;
  std::uint64_t name_hash_;
  Stream network_chance_;
  ZoneId zone_ = 0;
};

// What a loss does to the calls in a host's hands.
enum class HostLoss : std::uint8_t {
  silence,  // power or crash: nothing is said any more
  reset,    // orderly stop: connections are reset
};

class Component : public Entity {
 public:
  Component(Simulation& sim, std::string name);

  const std::string& name() const { return name_; }
  const MetricSet& metrics() const { return metric_set_; }

  // Once, after all components exist: finds the others by the names in its settings.
  virtual void wire(Wiring&) {}
  // Once, after all are wired: now the others can be asked.
  virtual void attach() {}
  // Once, before the first event.
  virtual void start() {}
  // At the horizon: adds to the log what only it knows.
  virtual void report(RunLog&) {}

  // Called inside operations, after the platform has switched the host.
  virtual void on_host_lost(std::uint32_t /*node*/, HostLoss) {}
  virtual void on_host_restored(std::uint32_t /*node*/) {}
  // Its zone's power is gone, or back: for what is not a host of its own (Aurora's storage nodes).
  virtual void on_zone_lost(ZoneId) {}
  virtual void on_zone_restored(ZoneId) {}
  // Faults `slow` (product of all factors now in force) and `errors` (share of answers). False: not
  // a thing it can do, which the builder tells the user before the run.
  virtual bool set_slow(double /*factor*/) { return false; }
  virtual bool set_errors(double /*share*/) { return false; }
  // Nodes a fault `instance_stop` or `instance_crash` can hit now.
  virtual std::vector<std::uint32_t> running_nodes() const { return {}; }

 protected:
  MetricSet metric_set_;

 private:
  std::string name_;
};

}  // namespace windtunnel::sim
