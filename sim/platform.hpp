// The world that requests run over: hosts in zones, links, bulk transfers, procedures. Two of a
// kind:
//   FlatPlatform     hosts are flags, procedures are fibers; no transfers. For tests of requests
//   and for benchmarks. SimgridPlatform  netzones, hosts, links and actors of SimGrid; one a
//   process. For experiments.
// Both run the same events in the same order: where no bulk transfer is involved the fingerprints
// are equal.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "sim/entity.hpp"
#include "sim/procedure.hpp"

namespace windtunnel::sim {

class Simulation;

struct Host {
  std::string name;
  ZoneId zone;
  Component* owner;               // hears of its loss
  std::uint32_t node;             // which of the owner's nodes it is
  std::uint32_t causes_down = 0;  // faults that hold it down; it comes back when the last has gone
  double bandwidth = 0;           // bytes a second of its network interface, for transfers
};

class Platform {
 public:
  explicit Platform(Simulation& sim) : sim_(sim) {}
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;
  virtual ~Platform() = default;

  // Hosts exist from the start (SimGrid seals its platform): instances take slots made at build.
  // Bandwidth of the network interface in bytes/s.
  HostId add_host(std::string name, ZoneId zone, Component* owner, std::uint32_t node,
                  double bandwidth = 1.25e9);
  // Bandwidth between two zones of a region, between the regions of two zones, or of a zone's
  // uplink (a == b), each way, bytes/s; before run().
  void set_zone_bandwidth(ZoneId a, ZoneId b, double bandwidth) {
    zone_links_.push_back({a, b, bandwidth});
  }

  const Host& host(HostId id) const { return hosts_[id]; }
  std::size_t hosts() const { return hosts_.size(); }
  bool up(HostId id) const { return hot_[id].up; }
  ZoneId zone(HostId id) const { return hot_[id].zone; }

  // The four below are platform calls: only inside operations (Simulation::operate), checked. A
  // whole fault is one operation, else a procedure runs in between and sees half of it. Power off:
  // its procedures end, its transfers fail, its owner hears.
  void lose_hosts(const std::vector<HostId>& hosts, HostLoss loss);
  // Takes back one cause; hosts without a cause left are up again and their owners hear.
  void restore_hosts(const std::vector<HostId>& hosts);
  // Starts `procedure` on a host, or where nothing can kill it (the control plane of the region).
  // Its code runs when the current operation has returned, as after every wait.
  void spawn(Procedure& procedure, HostId host = Procedure::anywhere);
  void resume(Procedure& procedure);
  // A zone was cut off or is back; Network::set_cut_off() tells.
  void reachability_changed(ZoneId zone);

  // Runs the calendar until the horizon's operation.
  virtual void run() = 0;

 protected:
  friend class Simulation;
  friend class Procedure;
  struct ZoneLink {
    ZoneId a, b;
    double bandwidth;
  };

  virtual void switch_host(HostId id, bool up) = 0;
  virtual void switch_uplink(ZoneId) {}
  // The procedure was killed: its stack goes now, or, if it is the one that runs, at its next wait.
  virtual void unwind(Procedure& procedure) = 0;
  // Blocks the calling procedure until it is woken.
  virtual void block(Procedure& procedure) = 0;
  // Blocks the calling procedure until `bytes` went from host to host; false if either end failed
  // or is down.
  virtual bool transfer(Procedure& procedure, HostId from, HostId to, double bytes) = 0;

  // The next procedure whose code is due, or none. One runs at a time, between two operations,
  // until it waits.
  Procedure* next_ready();
  // Its code begins to run, or stops for a wait or for good. Code of procedures counts as an
  // operation.
  void enter(Procedure& procedure);
  void leave();
  // Its run() has returned.
  void finished(Procedure& procedure);

  Simulation& sim_;
  std::vector<Host> hosts_;
  // What every message asks for, apart from the rest: a host is 72 bytes.
  struct Hot {
    ZoneId zone;
    bool up;
  };
  std::vector<Hot> hot_;
  std::vector<ZoneLink> zone_links_;
  std::vector<Procedure*> living_;  // running ones, in order of their start
  Procedure* current_ = nullptr;    // the one whose code runs

 private:
  struct Ready {
    Procedure* procedure;
    std::uint64_t wait;  // the wait that ended; stale if it is not the procedure's last
  };
  void kill_procedures_of_lost_hosts();
  std::deque<Ready> ready_;
};

std::unique_ptr<Platform> make_flat_platform(Simulation& sim);
std::unique_ptr<Platform> make_simgrid_platform(Simulation& sim);

}  // namespace windtunnel::sim
