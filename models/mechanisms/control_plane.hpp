// The control planes of AWS's global services, where things are created and changed. Each lives in
// one region, and is gone with it; the data planes are everywhere and go on without (rule 42). A
// service asks before it takes a change: is my control plane there? A fault takes one away for a
// time, as on 2021-12-07, when no record of Route 53 could be changed for seven hours.
//
// A region that a topology has counts as lost while none of its zones is reached from outside; one
// that it has not is never lost. Left out: control planes that are slow or fail in part; those of
// regional services; accelerated recovery of public zones (an hour after the region was found
// impaired).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/simulation.hpp"

namespace windtunnel {

class ControlPlanes final : public sim::Component {
 public:
  // In the order of the fault's setting.
  enum class Service : std::uint8_t { route53, cloudfront, iam, arc, global_accelerator };
  static constexpr std::size_t services = 5;
  // "Route 53", and the region it is in.
  static std::string_view name_of(Service service);
  static std::string_view home_of(Service service);

  // The one of this run; made when first asked for, before the run.
  static ControlPlanes& of(sim::Simulation& sim);

  bool available(Service service) const;
  // Of a change that its control plane is asked for. Nothing: it is there; else the words.
  std::optional<std::string> refusal(Service service, std::string_view operation) const;
  // By faults that are now in force.
  void set_impaired(Service service, bool impaired) {
    impaired_[static_cast<std::size_t>(service)] = impaired;
  }

  explicit ControlPlanes(sim::Simulation& sim);

 private:
  std::array<bool, services> impaired_{};
};

// None of the region's zones, of which the topology has at least one, is reached from outside.
bool region_lost(sim::Simulation& sim, std::string_view region);

}  // namespace windtunnel
