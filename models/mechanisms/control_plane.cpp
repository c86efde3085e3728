#include "models/mechanisms/control_plane.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace windtunnel {

namespace {

constexpr const char* component_name = "(control planes)";  // no user's component can have it

struct Plane {
  std::string_view name, home;
};
// AWS Fault Isolation Boundaries whitepaper, Global services.
constexpr std::array<Plane, ControlPlanes::services> planes{{{"Route 53", "us-east-1"},
                                                             {"CloudFront", "us-east-1"},
                                                             {"IAM", "us-east-1"},
                                                             {"ARC", "us-west-2"},
                                                             {"Global Accelerator", "us-west-2"}}};

}  // namespace

std::string_view ControlPlanes::name_of(Service service) {
  return planes[static_cast<std::size_t>(service)].name;
}
std::string_view ControlPlanes::home_of(Service service) {
  return planes[static_cast<std::size_t>(service)].home;
}

ControlPlanes& ControlPlanes::of(sim::Simulation& sim) {
  sim::Component* found = sim.find_component(component_name);
  if (found == nullptr) found = &sim.add(std::make_unique<ControlPlanes>(sim));
  return static_cast<ControlPlanes&>(*found);
}

ControlPlanes::ControlPlanes(sim::Simulation& sim) : Component(sim, component_name) {}

bool ControlPlanes::available(Service service) const {
  return !impaired_[static_cast<std::size_t>(service)] && !region_lost(sim(), home_of(service));
}

std::optional<std::string> ControlPlanes::refusal(Service service,
                                                  std::string_view operation) const {
  if (available(service)) return std::nullopt;
  return fmt::format("{} fails: the control plane of {}, in {}, is gone", operation,
                     name_of(service), home_of(service));
}

bool region_lost(sim::Simulation& sim, std::string_view region) {
  const auto zones = sim.network().zones_of(region);
  return !zones.empty() && std::all_of(zones.begin(), zones.end(), [&](sim::ZoneId zone) {
    return sim.network().cut_off(zone);
  });
}

}  // namespace windtunnel
