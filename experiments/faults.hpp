// Breaks things at their dates and mends them. Every fault is one operation on the platform: nobody
// sees half of it.
#pragma once

#include <vector>

#include "experiments/experiment.pb.h"
#include "sim/simulation.hpp"

namespace windtunnel {
class ControlPlanes;
}

namespace windtunnel::experiments {

class FaultInjector final : public sim::Component {
 public:
  FaultInjector(sim::Simulation& sim, const settings::Experiment& experiment);

  void start() override;

  // "us-east-1a loses power for 30 min", for verdicts.
  static std::string describe(const settings::Fault& fault);

 private:
  void on_strike_due(std::uint64_t fault);
  void on_repair_due(std::uint64_t fault);
  void strike(std::uint64_t fault);
  void repair(std::uint64_t fault);

  void set_in_force(std::size_t fault, bool in_force);
  std::vector<sim::HostId> instances_hit(const settings::FaultTarget& target);
  std::vector<sim::HostId> hosts_in(const std::vector<sim::ZoneId>& zones) const;
  std::vector<sim::ZoneId> zones_named(const std::string& target) const;
  std::vector<sim::ZoneId> zones_at(const std::string& place) const;
  void lose_edge(const std::string& city, bool in_force);
  void tell_of_zone(sim::ZoneId zone, bool lost);
  void sever();
  void isolate(const settings::Fault& fault, std::size_t i, bool in_force);
  // Zones are isolated one by one: by a loss of power, or a partition of the zone itself.
  bool isolates_zones(const settings::Fault& fault) const;
  // Faults in force that isolate the zone.
  std::ptrdiff_t isolations(sim::ZoneId zone) const;
  void refresh_effects();

  std::vector<settings::Fault> faults_;
  std::vector<bool> in_force_;
  std::vector<std::vector<sim::HostId>> hit_;  // hosts that the fault holds down
  sim::Stream chance_;
  ControlPlanes* control_planes_ = nullptr;  // if a fault hits one
};

}  // namespace windtunnel::experiments
