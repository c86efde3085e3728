// A service that does what a test tells it.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "models/mechanisms/ports.hpp"
#include "sim/simulation.hpp"

namespace windtunnel::test {

class StubService final : public sim::Component, public Callable {
 public:
  // With so many hosts in one zone; without hosts it has one node that is always up.
  explicit StubService(sim::Simulation& sim, std::string name, std::uint32_t hosts = 0,
                       sim::ZoneId zone = 0)
      : Component(sim, std::move(name)) {
    for (std::uint32_t i = 0; i < hosts; ++i) {
      nodes_.push_back(
          {sim.platform().add_host(this->name() + std::to_string(i), zone, this, i), 0});
    }
  }

  Resolution resolve(const Query&) override {
    lookups.push_back(sim().now());
    Resolution answer;
    for (std::uint32_t i = 0; in_dns && i < std::max<std::size_t>(nodes_.size(), 1); ++i) {
      answer.addresses.push_back(address_of(i));
    }
    answer.ttl = ttl;
    answer.connection_lifetime = connection_lifetime;
    return answer;
  }
  bool direct() const override { return is_direct; }
  bool healthy() const override { return is_healthy; }

  void on_request(sim::Call& call, sim::Handle handle) override {
    requests.push_back({sim().now(), call.operation, call.caller_node, call.callee_node});
    if (silent) return sim().drop(handle);
    const sim::Outcome said = script ? script(call) : outcome;
    if (service_time == sim::Duration::zero()) return sim().answer(handle, said);
    served_.push_back({handle, said});
    sim().after<&StubService::on_done>(service_time, this, served_.size() - 1);
  }

  void lose_host(std::uint32_t node) {
    sim().platform().lose_hosts({nodes_[node].host}, sim::HostLoss::silence);
  }
  void restore_host(std::uint32_t node) { sim().platform().restore_hosts({nodes_[node].host}); }
  // A new tenant has the address: the old life's callers reach nobody.
  void replace(std::uint32_t node) { ++nodes_[node].life; }

  void place(sim::ZoneId zone) { set_zone(zone); }

  bool in_dns = true, is_direct = false, is_healthy = true, silent = false;
  sim::Duration ttl = sim::forever, connection_lifetime = sim::forever, service_time{0};
  sim::Outcome outcome = sim::Outcome::ok;
  std::function<sim::Outcome(const sim::Call&)> script;  // rules over `outcome`

  struct Request {
    sim::Time at;
    sim::Operation operation;
    std::uint32_t caller_node, node;
  };
  std::vector<sim::Time> lookups;
  std::vector<Request> requests;

 private:
  void on_done(std::uint64_t served) {
    sim().answer(served_[served].first, served_[served].second);
  }
  std::vector<std::pair<sim::Handle, sim::Outcome>> served_;
};

}  // namespace windtunnel::test
