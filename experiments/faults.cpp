#include "experiments/faults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "analysis/text.hpp"
#include "models/mechanisms/control_plane.hpp"
#include "models/mechanisms/geography.hpp"

namespace windtunnel::experiments {

using settings::Fault;
using sim::HostId;
using sim::HostLoss;
using sim::Milestone;
using sim::Turn;
using sim::ZoneId;

FaultInjector::FaultInjector(sim::Simulation& sim, const settings::Experiment& experiment)
    : Component(sim, "(faults)"),  // no user's component can have this name
      faults_(experiment.faults().begin(), experiment.faults().end()),
      in_force_(faults_.size()),
      hit_(faults_.size()),
      chance_(stream("targets")) {
  for (const Fault& fault : faults_) {
    if (fault.has_control_plane()) control_planes_ = &ControlPlanes::of(sim);
    if (fault.has_edge_loss()) {
      edge_zone(sim.network(), *find_location(fault.edge_loss().target()));
    }
  }
}

void FaultInjector::start() {
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    const sim::Duration at(faults_[i].at());
    sim().after<&FaultInjector::on_strike_due>(at, this, i, Turn::fault);
    if (faults_[i].has_lasting()) {
      sim().after<&FaultInjector::on_repair_due>(at + sim::Duration(faults_[i].lasting()), this, i,
                                                 Turn::fault);
    }
  }
}

void FaultInjector::on_strike_due(std::uint64_t fault) {
  sim().operate<&FaultInjector::strike>(this, fault);
}
void FaultInjector::on_repair_due(std::uint64_t fault) {
  sim().operate<&FaultInjector::repair>(this, fault);
}

namespace {

ControlPlanes::Service service_of(const Fault& fault) {
  return static_cast<ControlPlanes::Service>(fault.control_plane().service());
}

std::string target_of(const Fault& fault) {
  switch (fault.kind_case()) {
    case Fault::kAzPowerLoss:
      return fault.az_power_loss().target();
    case Fault::kRegionPowerLoss:
      return fault.region_power_loss().target();
    case Fault::kInstanceStop:
      return fault.instance_stop().target();
    case Fault::kInstanceCrash:
      return fault.instance_crash().target();
    case Fault::kNetworkPartition:
      return fault.network_partition().target();
    case Fault::kSlow:
      return fault.slow().target();
    case Fault::kErrors:
      return fault.errors().target();
    case Fault::kPacketLoss:
      return fault.packet_loss().target();
    case Fault::kEdgeLoss:
      return fault.edge_loss().target();
    case Fault::kControlPlane:
      return fmt::format("the control plane of {}", ControlPlanes::name_of(service_of(fault)));
    case Fault::KIND_NOT_SET:
      break;
  }
  return "";
}

std::string instances(const settings::FaultTarget& target) {
  std::string which = "instances";
  if (target.has_count())
    which = fmt::format("{} instance{}", target.count(), target.count() == 1 ? "" : "s");
  if (target.has_share()) which = fmt::format("{:g} % of the instances", target.share() * 100);
  return target.az().empty() ? which : which + " in " + target.az();
}

// From everything else.
bool cuts_off(const Fault& fault) {
  return fault.has_network_partition() && fault.network_partition().from().empty();
}

bool cuts_power(const Fault& fault) {
  return fault.has_az_power_loss() || fault.has_region_power_loss();
}

// What happens, without "for how long".
std::string effect(const Fault& fault) {
  switch (fault.kind_case()) {
    case Fault::kAzPowerLoss:
    case Fault::kRegionPowerLoss:
      return "loses power";
    case Fault::kInstanceStop:
      return "has " + instances(fault.instance_stop()) + " stopped";
    case Fault::kInstanceCrash:
      return "has " + instances(fault.instance_crash()) + " crash";
    case Fault::kNetworkPartition:
      if (fault.network_partition().from().empty()) return "is cut off from the network";
      return fmt::format("is cut off from {}", fmt::join(fault.network_partition().from(), ", "));
    case Fault::kSlow:
      return fmt::format("is {:g} times slower", fault.slow().factor());
    case Fault::kErrors:
      return fmt::format("answers {:g} % of requests with errors", fault.errors().share() * 100);
    case Fault::kPacketLoss:
      return fmt::format("loses {:g} % of packets", fault.packet_loss().share() * 100);
    case Fault::kEdgeLoss:
      return "loses its edges";
    case Fault::kControlPlane:
      return "takes no changes";
    case Fault::KIND_NOT_SET:
      break;
  }
  return "nothing";
}

std::string effect_and_length(const Fault& fault) {
  if (!fault.has_lasting()) return effect(fault);
  return effect(fault) + " for " +
         analysis::duration_text(static_cast<double>(fault.lasting()) * 1e-9);
}

}  // namespace

std::string FaultInjector::describe(const Fault& fault) {
  return target_of(fault) + " " + effect_and_length(fault);
}

void FaultInjector::strike(std::uint64_t i) {
  const Fault& fault = faults_[i];
  sim().log().note(sim().now(), Milestone::fault, target_of(fault), effect_and_length(fault));
  set_in_force(i, true);
}

void FaultInjector::repair(std::uint64_t i) {
  const Fault& fault = faults_[i];
  sim().log().note(sim().now(), Milestone::repair, target_of(fault), "no longer " + effect(fault));
  set_in_force(i, false);
}

void FaultInjector::set_in_force(std::size_t i, bool in_force) {
  const Fault& fault = faults_[i];
  in_force_[i] = in_force;
  refresh_effects();
  const bool instances_lost = fault.has_instance_stop() || fault.has_instance_crash();
  if (cuts_power(fault) || fault.has_network_partition()) isolate(fault, i, in_force);
  if (fault.has_edge_loss()) lose_edge(target_of(fault), in_force);
  if (instances_lost && in_force) {
    hit_[i] =
        instances_hit(fault.has_instance_stop() ? fault.instance_stop() : fault.instance_crash());
    sim().platform().lose_hosts(hit_[i],
                                fault.has_instance_stop() ? HostLoss::reset : HostLoss::silence);
  } else if (instances_lost) {
    sim().platform().restore_hosts(hit_[i]);
  }
}

// Power is lost, or nobody outside reaches the zone. A region that is cut off as a whole works on
// inside.
void FaultInjector::isolate(const Fault& fault, std::size_t i, bool in_force) {
  const std::vector<ZoneId> zones = zones_named(target_of(fault));
  if (cuts_power(fault) && in_force) {
    hit_[i] = hosts_in(zones);
    sim().platform().lose_hosts(hit_[i], HostLoss::silence);
  } else if (cuts_power(fault)) {
    sim().platform().restore_hosts(hit_[i]);
  }
  for (const ZoneId zone : zones) {
    if (!isolates_zones(fault) || isolations(zone) != (in_force ? 1 : 0)) continue;
    tell_of_zone(zone, in_force);
  }
}

// Faults may overlap: the first one tells, and the end of the last.
void FaultInjector::lose_edge(const std::string& city, bool in_force) {
  std::size_t losses = 0;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    losses += in_force_[i] && faults_[i].has_edge_loss() && target_of(faults_[i]) == city;
  }
  if (losses != (in_force ? 1u : 0u)) return;
  tell_of_zone(edge_zone(sim().network(), *find_location(city)), in_force);
}

void FaultInjector::tell_of_zone(ZoneId zone, bool lost) {
  for (const auto& component : sim().components()) {
    lost ? component->on_zone_lost(zone) : component->on_zone_restored(zone);
  }
}

bool FaultInjector::isolates_zones(const Fault& fault) const {
  return cuts_power(fault) ||
         (cuts_off(fault) && sim().network().find(target_of(fault)).has_value());
}

std::ptrdiff_t FaultInjector::isolations(ZoneId zone) const {
  std::ptrdiff_t count = 0;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    if (!in_force_[i] || !isolates_zones(faults_[i])) continue;
    const std::vector<ZoneId> zones = zones_named(target_of(faults_[i]));
    count += std::count(zones.begin(), zones.end(), zone);
  }
  return count;
}

// Overlapping faults compose: factors multiply, the stronger state wins. So the effects are derived
// anew each time.
void FaultInjector::refresh_effects() {
  struct Effect {
    std::uint32_t island = 0;
    double slow = 1, pass = 1;
  };
  std::map<ZoneId, Effect> zones;
  std::map<std::string, Effect> components;
  std::map<ControlPlanes::Service, bool> planes;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    const Fault& fault = faults_[i];
    // A component that a finished fault named goes back to normal, so it is listed too.
    const bool on = in_force_[i];
    const std::string target = target_of(fault);
    if (fault.has_control_plane()) planes[service_of(fault)] |= on;
    for (const ZoneId zone : zones_named(target)) {
      Effect& effect = zones[zone];
      if (on && isolates_zones(fault)) effect.island = 1u + zone;  // the stronger state
      if (on && cuts_off(fault) && effect.island == 0) {
        effect.island = 0x10000u + zones_named(target).front();  // the region stays together
      }
      if (on && fault.has_slow()) effect.slow *= fault.slow().factor();
      if (on && fault.has_packet_loss()) effect.pass *= 1 - fault.packet_loss().share();
    }
    if (!fault.has_slow() && !fault.has_errors()) continue;
    if (sim().find_component(target) == nullptr) continue;
    Effect& effect = components[target];
    if (on && fault.has_slow()) effect.slow *= fault.slow().factor();
    if (on && fault.has_errors()) effect.pass *= 1 - fault.errors().share();
  }
  for (const auto& [zone, effect] : zones) {
    sim().network().set_island(zone, effect.island);
    sim().network().set_slow(zone, effect.slow);
    sim().network().set_loss(zone, 1 - effect.pass);
  }
  sever();
  for (const auto& [service, impaired] : planes) {
    control_planes_->set_impaired(service, impaired);
  }
  for (const auto& [name, effect] : components) {
    sim::Component* component = sim().find_component(name);
    component->set_slow(effect.slow);
    component->set_errors(1 - effect.pass);
  }
}

// What some zones are cut off from, while they reach the rest.
void FaultInjector::sever() {
  std::map<std::pair<ZoneId, ZoneId>, bool> paths;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    for (const std::string& place : faults_[i].network_partition().from()) {
      for (const ZoneId a : zones_named(target_of(faults_[i]))) {
        for (const ZoneId b : zones_at(place)) {
          if (a != b) paths[std::minmax(a, b)] |= in_force_[i];
        }
      }
    }
  }
  for (const auto& [path, severed] : paths) {
    sim().network().set_severed(path.first, path.second, severed);
  }
}

// Those of AWS, and what else is there.
std::vector<ZoneId> FaultInjector::zones_at(const std::string& place) const {
  std::vector<ZoneId> zones;
  for (ZoneId zone = 0; zone < sim().network().zones(); ++zone) {
    const Location* there = location_of(sim().network(), zone);
    if (sim().network().name(zone) == place || (there != nullptr && there->code == place)) {
      zones.push_back(zone);
    }
  }
  return zones;
}

std::vector<ZoneId> FaultInjector::zones_named(const std::string& target) const {
  if (const auto zone = sim().network().find(target)) return {*zone};
  return target.empty() ? std::vector<ZoneId>{} : sim().network().zones_of(target);
}

std::vector<HostId> FaultInjector::hosts_in(const std::vector<ZoneId>& zones) const {
  std::vector<HostId> hosts;
  for (HostId id = 0; id < sim().platform().hosts(); ++id) {
    if (std::find(zones.begin(), zones.end(), sim().platform().host(id).zone) != zones.end())
      hosts.push_back(id);
  }
  return hosts;
}

// Running instances of the component in the zone asked for; a share (at least one) or a count is
// drawn at random.
std::vector<HostId> FaultInjector::instances_hit(const settings::FaultTarget& target) {
  const sim::Component& component = *sim().find_component(target.target());
  std::vector<HostId> hosts;
  for (const std::uint32_t node : component.running_nodes()) {
    const HostId host = component.nodes()[node].host;
    if (target.az().empty() ||
        sim().network().name(sim().platform().host(host).zone) == target.az()) {
      hosts.push_back(host);
    }
  }
  std::size_t wanted = hosts.size();
  if (target.has_count()) wanted = std::min(wanted, static_cast<std::size_t>(target.count()));
  if (target.has_share() && !hosts.empty()) {
    const auto share =
        static_cast<std::size_t>(target.share() * static_cast<double>(hosts.size()) + 0.5);
    wanted = std::clamp<std::size_t>(share, 1, wanted);
  }
  for (std::size_t i = 0; i < wanted; ++i) {  // the first `wanted` of a random order
    std::swap(hosts[i], hosts[i + chance_.below(static_cast<std::uint32_t>(hosts.size() - i))]);
  }
  hosts.resize(wanted);
  std::sort(hosts.begin(), hosts.end());
  return hosts;
}

}  // namespace windtunnel::experiments
