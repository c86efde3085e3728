// Where a component's nodes live.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <vector>

#include "models/mechanisms/geography.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

// The zones named, or all zones of `region`, or all of the only region. Empty only for a topology
// without regions.
template <typename Settings>
std::vector<sim::ZoneId> zones_of(sim::Simulation& sim, const Settings& settings) {
  std::vector<sim::ZoneId> zones;
  sim::Network& network = sim.network();
  for (const std::string& name : settings.availability_zones()) {
    const auto zone = network.find(name);
    WT_CHECK(zone.has_value(), "a zone that the reader accepted does not exist");
    zones.push_back(*zone);
  }
  if (!zones.empty()) return zones;
  for (std::size_t i = 0; i < network.zones(); ++i) {
    const auto zone = static_cast<sim::ZoneId>(i);
    const std::string& region = network.region(zone);
    const Location* place = find_location(region);
    const bool outside = place == nullptr || !is_region(*place);
    if (network.kind(zone) == sim::Network::Kind::zone && !outside &&
        (settings.region().empty() || settings.region() == region)) {
      zones.push_back(zone);
    }
  }
  return zones;
}

}  // namespace windtunnel
