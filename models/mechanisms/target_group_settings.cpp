#include "models/mechanisms/target_group_settings.hpp"

#include "models/mechanisms/settings.hpp"
#include "models/mechanisms/target_group.pb.h"

namespace windtunnel {

std::string name_of(const settings::TargetGroup& group) {
  if (!group.name().empty()) return group.name();
  return group.lambda().empty() ? group.targets() : group.lambda();
}

TargetGroup::Settings to_target_group(const settings::TargetGroup& group) {
  using A = TargetSelection::Algorithm;
  static constexpr A algorithms[] = {A::round_robin, A::least_outstanding_requests, A::random};
  TargetGroup::Settings to;
  to.name = name_of(group);
  to.targets = group.targets();
  to.function = group.lambda();
  to.algorithm = algorithms[group.algorithm()];
  if (group.cross_zone() != settings::TargetGroup::USE_LOAD_BALANCER_CONFIGURATION) {
    to.cross_zone = group.cross_zone() == settings::TargetGroup::TRUE;
  }
  if (group.has_stickiness()) to.stickiness = to_duration(group.stickiness().duration());
  to.app_cookie = group.stickiness().type() == settings::TargetGroup::Stickiness::APP_COOKIE;
  to.slow_start = to_duration(group.slow_start());
  if (group.has_target_keep_alive()) to.keep_alive = to_duration(group.target_keep_alive());
  to.deregistration_delay = to_duration(group.deregistration_delay());
  const auto& check = group.health_check();
  to.interval = to_duration(check.interval());
  to.timeout = to_duration(check.timeout());
  to.healthy_threshold = static_cast<std::uint32_t>(check.healthy_threshold());
  to.unhealthy_threshold = static_cast<std::uint32_t>(check.unhealthy_threshold());
  to.dns = {static_cast<std::uint32_t>(group.dns_failover().minimum_healthy_targets_count()),
            group.dns_failover().minimum_healthy_targets_percentage()};
  const auto& routing = group.unhealthy_state_routing();
  to.routing = {static_cast<std::uint32_t>(routing.minimum_healthy_targets_count()),
                routing.minimum_healthy_targets_percentage()};
  if (group.has_anomaly_mitigation()) {
    const auto& a = group.anomaly_mitigation();
    to.mitigation = {to_duration(a.period()), a.excess(),
                     a.least_weight(),        a.step(),
                     to_duration(a.memory()), static_cast<double>(a.requests())};
  }
  return to;
}

}  // namespace windtunnel
