// Which of a load balancer's nodes, one in each zone, stand in its DNS name: those that can be
// reached and are well (rule 4), or all that can be reached when none is well, or all when none can
// be reached: what would take them out has gone with the region (UNSOURCED). A zone that ARC
// shifts traffic away from is left out, unless none is well; if only that one is well, the others
// stay: an operator's word is above health. A change reaches DNS after a delay.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/zonal_shift.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class ZonalDns final : public sim::Entity, private ZonalShift::Resource {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // The targets behind the node are well enough.
    virtual bool good_for_dns(std::uint32_t node) const = 0;
    // Nothing: the shift is over.
    virtual void on_shifted(std::optional<sim::ZoneId> away_from) = 0;
  };

  // `owner` has its nodes already. `removal`: until an address leaves; `coming`: until one comes
  // back, when its node has checked its targets (UNSOURCED, both).
  ZonalDns(sim::Component& owner, Owner& policy, sim::Duration removal, bool zonal_shift);
  void set_coming(sim::Duration least) { coming_ = std::max(coming_, least); }

  // Addresses in DNS, in random order.
  std::vector<sim::Address> addresses(sim::Stream& chance) const;
  bool in_dns(std::uint32_t node) const { return zones_[node].in_dns; }
  ZonalShift& shift() { return shift_; }
  // To be called when something that counts has changed.
  void update();
  // A zone that is cut off has living nodes that nobody reaches: ELB takes them for dead.
  void set_cut_off(sim::ZoneId zone, bool cut_off);
  // The node's address is nobody's now; it gets another one.
  void on_new_address(std::uint32_t node);

 private:
  struct Zone {
    bool in_dns = true;
    bool wanted = true;  // in DNS, some time later
    bool cut_off = false;
    std::uint32_t decision = 0;  // later ones overrule earlier ones
  };

  void on_zonal_shift_changed() override;
  bool reachable(std::uint32_t node) const;
  void on_due(std::uint64_t decision_and_node);

  sim::Component& owner_;
  Owner& policy_;
  sim::Duration removal_, coming_;
  ZonalShift shift_;
  std::vector<Zone> zones_;  // by node
};

}  // namespace windtunnel
