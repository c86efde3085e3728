#include "models/mechanisms/zonal_dns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace windtunnel {

ZonalDns::ZonalDns(sim::Component& owner, Owner& policy, sim::Duration removal, bool zonal_shift)
    : Entity(owner, "dns of zones"),
      owner_(owner),
      policy_(policy),
      removal_(removal),
      coming_(removal),
      shift_(owner, *this, zonal_shift),
      zones_(owner.nodes().size()) {
  nodes_ = owner.nodes();
}

std::vector<sim::Address> ZonalDns::addresses(sim::Stream& chance) const {
  std::vector<sim::Address> found;
  for (std::uint32_t node = 0; node < zones_.size(); ++node) {
    if (zones_[node].in_dns) found.push_back(owner_.address_of(node));
  }
  for (auto n = static_cast<std::uint32_t>(found.size()); n > 1; --n) {
    std::swap(found[n - 1], found[chance.below(n)]);
  }
  return found;
}

bool ZonalDns::reachable(std::uint32_t node) const {
  return sim().platform().up(nodes_[node].host) && !zones_[node].cut_off;
}

void ZonalDns::update() {
  const auto good = [&](std::uint32_t n) { return reachable(n) && policy_.good_for_dns(n); };
  bool any_good = false, any_good_left = false, any_reachable = false;
  for (std::uint32_t n = 0; n < zones_.size(); ++n) {
    any_reachable |= reachable(n);
    any_good |= good(n);
    any_good_left |= good(n) && !shift_.away_from(zone_of(n));
  }
  for (std::uint32_t n = 0; n < zones_.size(); ++n) {
    Zone& zone = zones_[n];
    const bool allowed = !any_good || !shift_.away_from(zone_of(n));
    const bool wanted = allowed && (any_good_left ? good(n) : !any_reachable || reachable(n));
    if (wanted == zone.wanted) continue;
    zone.wanted = wanted;
    const std::uint64_t decision = ++zone.decision;
    if (wanted == zone.in_dns) continue;
    sim().after<&ZonalDns::on_due>(wanted ? coming_ : removal_, this, (decision << 32) | n,
                                   sim::Turn::control);
  }
}

void ZonalDns::on_due(std::uint64_t decision_and_node) {
  const auto n = static_cast<std::uint32_t>(decision_and_node);
  Zone& zone = zones_[n];
  if (zone.decision != decision_and_node >> 32 || zone.in_dns == zone.wanted) return;
  zone.in_dns = zone.wanted;
  const std::string& name = sim().network().name(zone_of(n));
  if (zone.in_dns) {
    sim().note(sim::Milestone::none, owner_, fmt::format("an address in {} is back in DNS", name));
  } else {
    sim().note(sim::Milestone::action_finished, owner_,
               fmt::format("the address in {} leaves DNS", name));
  }
}

void ZonalDns::on_zonal_shift_changed() {
  policy_.on_shifted(shift_.zone());
  update();
}

void ZonalDns::on_new_address(std::uint32_t node) {
  Zone& zone = zones_[node];
  zone.in_dns = zone.wanted = false;
  ++zone.decision;
}

void ZonalDns::set_cut_off(sim::ZoneId zone, bool cut_off) {
  for (std::uint32_t n = 0; n < zones_.size(); ++n) {
    if (zone_of(n) == zone) zones_[n].cut_off = cut_off;
  }
  update();
}

}  // namespace windtunnel
