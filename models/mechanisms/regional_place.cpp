#include "models/mechanisms/regional_place.hpp"

#include <optional>

namespace windtunnel {

namespace {

using sim::ZoneId;

std::optional<ZoneId> first_zone_of(const sim::Network& network, const std::string& region) {
  for (std::size_t i = 0; i < network.zones(); ++i) {
    const auto zone = static_cast<ZoneId>(i);
    const bool fits =
        region.empty() ? !network.region(zone).empty() : network.region(zone) == region;
    if (fits && network.kind(zone) == sim::Network::Kind::zone) return zone;
  }
  return std::nullopt;
}

}  // namespace

// As near to each of the region's zones as that is to itself, and as far from all others as the
// region's first zone.
ZoneId regional_place(sim::Simulation& sim, std::string region) {
  sim::Network& network = sim.network();
  const std::optional<ZoneId> first = first_zone_of(network, region);
  if (first) region = network.region(*first);
  const std::string name = "regional:" + region;
  if (const auto known = network.find(name)) return *known;
  const ZoneId place = network.add_zone(name, region, sim::Network::Kind::regional);
  for (ZoneId zone = 0; first && zone < place; ++zone) {
    const bool near = network.region(zone) == region;
    network.set_one_way(place, zone, network.one_way(near ? zone : *first, zone));
  }
  return place;
}

}  // namespace windtunnel
