#include "models/network/network_load_balancer_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "models/network/network_load_balancer_name.pb.h"
#include "models/network/network_load_balancer_settings.hpp"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

NetworkLoadBalancerName::NetworkLoadBalancerName(sim::Simulation& sim, const std::string& name,
                                                 const settings::NetworkLoadBalancerName& settings)
    : Component(sim, name), of_(settings.network_load_balancer()), listener_(settings.listener()) {
  if (!settings.az().empty()) zone_ = sim.network().find(settings.az());
}

void NetworkLoadBalancerName::check(const settings::NetworkLoadBalancerName& settings,
                                    SettingsCheck& check) {
  const auto* of = check.settings_of(settings.network_load_balancer());
  if (of == nullptr || of->GetDescriptor() != settings::NetworkLoadBalancer::descriptor()) return;
  const auto& nlb = static_cast<const settings::NetworkLoadBalancer&>(*of);
  const auto& zones = nlb.availability_zones();
  if (!settings.az().empty() && !zones.empty() &&
      std::find(zones.begin(), zones.end(), settings.az()) == zones.end()) {
    check.error(
        "az", fmt::format("{} has no node in {}", settings.network_load_balancer(), settings.az()));
  }
  std::vector<std::string> names;
  for (const auto& listener : nlb.listeners()) names.push_back(name_of(listener));
  if (names.empty()) names.push_back(name_of(nlb.listener()));
  if (settings.listener().empty() ||
      std::find(names.begin(), names.end(), settings.listener()) != names.end()) {
    return;
  }
  check.error("listener",
              fmt::format("{} has no listener '{}'{}", settings.network_load_balancer(),
                          settings.listener(), check.did_you_mean(settings.listener(), names)));
}

void NetworkLoadBalancerName::wire(sim::Wiring& wiring) {
  names_ = &wiring.find<ListenerNames>(of_);
  whole_ = &wiring.find<Callable>(of_);
}

Resolution NetworkLoadBalancerName::resolve(const Query& query) {
  return names_->resolve(listener_, zone_, query.chance);
}

REGISTER_MODEL(NetworkLoadBalancerName, settings::NetworkLoadBalancerName);

}  // namespace windtunnel
