// The load balancer's nodes and its name in DNS.
#include <fmt/format.h>

#include <algorithm>

#include "models/network/application_load_balancer.hpp"

namespace windtunnel {

using sim::Duration;
using sim::Turn;

Resolution ApplicationLoadBalancer::resolve(const Query& query) {
  Resolution answer{.addresses = {},
                    .ttl = dns_ttl_,
                    .connection_lifetime = keep_alive_,
                    .connection_idle = idle_timeout_};
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    if (balancers_[node].in_dns) answer.addresses.push_back(address_of(node));
  }
  for (auto n = static_cast<std::uint32_t>(answer.addresses.size()); n > 1; --n) {
    std::swap(answer.addresses[n - 1], answer.addresses[query.chance.below(n)]);
  }
  return answer;
}

bool ApplicationLoadBalancer::healthy() const {
  return std::all_of(groups_.begin(), groups_.end(),
                     [](const auto& group) { return group->any_healthy(); });
}

bool ApplicationLoadBalancer::node_up(std::uint32_t node) const {
  return sim().platform().up(nodes_[node].host);
}

bool ApplicationLoadBalancer::reachable(std::uint32_t node) const {
  return node_up(node) && !balancers_[node].cut_off;
}

// One bad target group takes the zone away from all of them (rule 4).
bool ApplicationLoadBalancer::good_for_dns(std::uint32_t node) const {
  return reachable(node) && std::all_of(groups_.begin(), groups_.end(), [&](const auto& group) {
           return group->good_for_dns(node);
         });
}

void ApplicationLoadBalancer::on_health_changed() {
  std::uint32_t healthy = 0;
  for (const auto& group : groups_) healthy += group->is_lambda() ? 0 : group->least_healthy();
  metric.healthy_hosts.set(sim().now(), healthy);
  update_dns();
}

// When no zone is good, all that can be reached stay, a zone that ARC shifted away from too. If
// only that one is good, the others stay: an operator's word is above health.
void ApplicationLoadBalancer::update_dns() {
  bool any_good = false, any_good_left = false;
  for (std::uint32_t n = 0; n < nodes_.size(); ++n) {
    any_good |= good_for_dns(n);
    any_good_left |= good_for_dns(n) && !zonal_shift_.away_from(zone_of(n));
  }
  // A node that comes has checked its targets by then (UNSOURCED, as is the removal).
  Duration coming = dns_removal_;
  for (const auto& group : groups_) coming = std::max(coming, group->check_interval());
  for (std::uint32_t n = 0; n < nodes_.size(); ++n) {
    Balancer& node = balancers_[n];
    const bool allowed = !any_good || !zonal_shift_.away_from(zone_of(n));
    const bool wanted = allowed && (any_good_left ? good_for_dns(n) : reachable(n));
    if (wanted == node.wanted) continue;
    node.wanted = wanted;
    const std::uint64_t decision = ++node.decision;
    if (wanted == node.in_dns) continue;
    sim().after<&ApplicationLoadBalancer::on_dns_due>(wanted ? coming : dns_removal_, this,
                                                      (decision << 32) | n, Turn::control);
  }
}

void ApplicationLoadBalancer::on_dns_due(std::uint64_t decision_and_node) {
  const auto n = static_cast<std::uint32_t>(decision_and_node);
  Balancer& node = balancers_[n];
  if (node.decision != decision_and_node >> 32 || node.in_dns == node.wanted) return;
  node.in_dns = node.wanted;
  const std::string& zone = sim().network().name(zone_of(n));
  if (node.in_dns) {
    sim().note(sim::Milestone::none, *this, fmt::format("an address in {} is back in DNS", zone));
  } else {
    sim().note(sim::Milestone::action_finished, *this,
               fmt::format("the address in {} leaves DNS", zone));
  }
}

void ApplicationLoadBalancer::on_zonal_shift_changed() {
  for (const auto& group : groups_) group->shift_away_from(zonal_shift_.zone());
  update_dns();
}

void ApplicationLoadBalancer::on_host_lost(std::uint32_t node, sim::HostLoss) {
  for (const auto& group : groups_) group->on_node_lost(node);
  update_dns();
}

void ApplicationLoadBalancer::on_host_restored(std::uint32_t node) {
  ++nodes_[node].life;
  Balancer& it = balancers_[node];  // the old address is nobody's now
  it.in_dns = it.wanted = false;
  ++it.decision;
  for (const auto& group : groups_) group->on_node_restored(node);
  update_dns();
}

// A zone that is cut off has living nodes that nobody reaches: ELB takes them for dead.
void ApplicationLoadBalancer::on_zone_lost(sim::ZoneId zone) { set_cut_off(zone, true); }
void ApplicationLoadBalancer::on_zone_restored(sim::ZoneId zone) { set_cut_off(zone, false); }

void ApplicationLoadBalancer::set_cut_off(sim::ZoneId zone, bool cut_off) {
  for (std::uint32_t n = 0; n < nodes_.size(); ++n) {
    if (zone_of(n) == zone) balancers_[n].cut_off = cut_off;
  }
  update_dns();
}

}  // namespace windtunnel
