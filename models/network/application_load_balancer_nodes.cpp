// The load balancer's nodes and its name in DNS.
#include <algorithm>

#include "models/network/application_load_balancer.hpp"

namespace windtunnel {

Resolution ApplicationLoadBalancer::resolve(const Query& query) {
  return {.addresses = dns_->addresses(query.chance),
          .ttl = dns_ttl_,
          .connection_lifetime = keep_alive_,
          .connection_idle = idle_timeout_};
}

bool ApplicationLoadBalancer::healthy() const {
  return std::all_of(groups_.begin(), groups_.end(),
                     [](const auto& group) { return group->any_healthy(); });
}

bool ApplicationLoadBalancer::node_up(std::uint32_t node) const {
  return sim().platform().up(nodes_[node].host);
}

// One bad target group takes the zone away from all of them (rule 4).
bool ApplicationLoadBalancer::good_for_dns(std::uint32_t node) const {
  return std::all_of(groups_.begin(), groups_.end(),
                     [&](const auto& group) { return group->good_for_dns(node); });
}

void ApplicationLoadBalancer::on_health_changed() {
  std::uint32_t healthy = 0;
  for (const auto& group : groups_) healthy += group->is_lambda() ? 0 : group->least_healthy();
  metric.healthy_hosts.set(sim().now(), healthy);
  dns_->update();
}

void ApplicationLoadBalancer::on_shifted(std::optional<sim::ZoneId> away_from) {
  for (const auto& group : groups_) group->shift_away_from(away_from);
}

void ApplicationLoadBalancer::on_host_lost(std::uint32_t node, sim::HostLoss) {
  for (const auto& group : groups_) group->on_node_lost(node);
  dns_->update();
}

void ApplicationLoadBalancer::on_host_restored(std::uint32_t node) {
  ++nodes_[node].life;
  dns_->on_new_address(node);
  for (const auto& group : groups_) group->on_node_restored(node);
  dns_->update();
}

void ApplicationLoadBalancer::on_zone_lost(sim::ZoneId zone) { dns_->set_cut_off(zone, true); }
void ApplicationLoadBalancer::on_zone_restored(sim::ZoneId zone) { dns_->set_cut_off(zone, false); }

}  // namespace windtunnel
