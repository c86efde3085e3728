#include "topologies/builder.hpp"

#include "models/mechanisms/geography.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"

namespace windtunnel {

namespace {

void add_zones(const Topology& topology, sim::Simulation& sim) {
  for (const RegionSettings& region : topology.regions) {
    for (const std::string& zone : region.zones()) sim.network().add_zone(zone, region.name);
  }
}

sim::Duration round_trip_of(const settings::Network& settings, sim::Simulation& sim, sim::ZoneId a,
                            sim::ZoneId b) {
  const sim::Network& network = sim.network();
  if (a == b) return to_duration(settings.intra_az_rtt());
  if (network.region(a) != network.region(b)) {
    return round_trip(*location_of(network, a), *location_of(network, b));
  }
  // Its own stream: another zone leaves this pair's draw alone.
  const std::uint64_t pair = sim::hash_name(network.name(a) + "|" + network.name(b));
  sim::Stream chance(
      sim::stream_key(sim.options().seed, sim.options().replication, pair, "inter-AZ round trip"));
  return to_distribution(settings.inter_az_rtt()).sample(chance);
}

void set_latencies(const settings::Network& settings, sim::Simulation& sim) {
  sim.network().set_jitter(settings.jitter_p90());
  for (sim::ZoneId a = 0; a < sim.network().zones(); ++a) {
    for (sim::ZoneId b = a; b < sim.network().zones(); ++b) {
      sim.network().set_one_way(a, b, round_trip_of(settings, sim, a, b) / 2);
    }
  }
}

}  // namespace

void build(const Topology& topology, sim::Simulation& sim) {
  add_zones(topology, sim);
  set_latencies(topology.network, sim);
  for (const ComponentSettings& component : topology.components) {
    sim.add(models().at(component.model).create(sim, component.name, *component.settings));
  }
}

}  // namespace windtunnel
