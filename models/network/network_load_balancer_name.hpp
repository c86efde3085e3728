// A DNS name of a Network Load Balancer: of a listener, of a zone. A zonal name has one address,
// and keeps it when the zone is unwell.
#pragma once

#include <optional>
#include <string>

#include "models/mechanisms/listener_names.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class NetworkLoadBalancerName;
}

class NetworkLoadBalancerName final : public sim::Component, public Callable {
 public:
  NetworkLoadBalancerName(sim::Simulation& sim, const std::string& name,
                          const settings::NetworkLoadBalancerName& settings);
  static void check(const settings::NetworkLoadBalancerName& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  Resolution resolve(const Query& query) override;
  bool healthy() const override { return whole_->healthy(); }

 private:
  std::string of_, listener_;
  std::optional<sim::ZoneId> zone_;
  ListenerNames* names_ = nullptr;
  Callable* whole_ = nullptr;
};

}  // namespace windtunnel
