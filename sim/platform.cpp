#include "sim/platform.hpp"

#include <algorithm>

#include "sim/simulation.hpp"

namespace windtunnel::sim {

HostId Platform::add_host(std::string name, ZoneId zone, Component* owner, std::uint32_t node,
                          double bandwidth) {
  hosts_.push_back({.name = std::move(name),
                    .zone = zone,
                    .owner = owner,
                    .node = node,
                    .bandwidth = bandwidth});
  hot_.push_back({zone, true});
  return static_cast<HostId>(hosts_.size() - 1);
}

void Platform::lose_hosts(const std::vector<HostId>& hosts, HostLoss loss) {
  WT_CHECK(sim_.in_operation(), "a platform call outside an operation");
  std::vector<HostId> lost;
  for (const HostId id : hosts) {
    if (++hosts_[id].causes_down == 1) lost.push_back(id);
  }
  // All are off before anyone hears, so that nobody sees half a fault.
  for (const HostId id : lost) {
    hot_[id].up = false;
    switch_host(id, false);
  }
  kill_procedures_of_lost_hosts();
  for (const HostId id : lost) {
    if (hosts_[id].owner != nullptr) hosts_[id].owner->on_host_lost(hosts_[id].node, loss);
  }
}

void Platform::restore_hosts(const std::vector<HostId>& hosts) {
  WT_CHECK(sim_.in_operation(), "a platform call outside an operation");
  std::vector<HostId> back;
  for (const HostId id : hosts) {
    WT_CHECK(hosts_[id].causes_down > 0, "a host is restored that was not lost");
    if (--hosts_[id].causes_down == 0) back.push_back(id);
  }
  for (const HostId id : back) {
    hot_[id].up = true;
    switch_host(id, true);
  }
  for (const HostId id : back) {
    if (hosts_[id].owner != nullptr) hosts_[id].owner->on_host_restored(hosts_[id].node);
  }
}

void Platform::spawn(Procedure& procedure, HostId host) {
  WT_CHECK(sim_.in_operation(), "a platform call outside an operation");
  WT_CHECK(procedure.state_ != Procedure::State::running, "a procedure is started twice");
  WT_CHECK(&procedure != current_, "a procedure is started anew by its own code");
  procedure.host_ = host;
  ++procedure.waits_;  // what an earlier run of it waited for is stale
  if (host != Procedure::anywhere && !up(host)) {
    procedure.state_ = Procedure::State::killed;
    procedure.on_killed();
    return;
  }
  procedure.state_ = Procedure::State::running;
  procedure.fresh_ = true;
  living_.push_back(&procedure);
  ready_.push_back({&procedure, procedure.waits_});
}

void Platform::resume(Procedure& procedure) {
  WT_CHECK(sim_.in_operation(), "a platform call outside an operation");
  if (procedure.state_ != Procedure::State::running) return;
  ready_.push_back({&procedure, procedure.waits_});
}

void Platform::reachability_changed(ZoneId zone) {
  WT_CHECK(sim_.in_operation(), "a platform call outside an operation");
  switch_uplink(zone);
}

Procedure* Platform::next_ready() {
  while (!ready_.empty()) {
    const Ready next = ready_.front();
    ready_.pop_front();
    if (next.procedure->state_ == Procedure::State::running &&
        next.procedure->waits_ == next.wait) {
      return next.procedure;
    }
  }
  return nullptr;
}

void Platform::enter(Procedure& procedure) {
  current_ = &procedure;
  sim_.set_in_operation(true);
}

void Platform::leave() {
  current_ = nullptr;
  sim_.set_in_operation(false);
}

void Platform::finished(Procedure& procedure) {
  if (procedure.state_ != Procedure::State::running) return;  // it lost its own host on the way
  procedure.state_ = Procedure::State::finished;
  std::erase(living_, &procedure);
}

void Platform::kill_procedures_of_lost_hosts() {
  std::vector<Procedure*> killed;
  for (Procedure* procedure : living_) {
    if (procedure->host_ != Procedure::anywhere && !up(procedure->host_))
      killed.push_back(procedure);
  }
  for (Procedure* procedure : killed) {
    std::erase(living_, procedure);
    procedure->state_ = Procedure::State::killed;
    unwind(*procedure);
  }
  for (Procedure* procedure : killed) procedure->on_killed();
}

}  // namespace windtunnel::sim
