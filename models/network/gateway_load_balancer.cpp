#include "models/network/gateway_load_balancer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/mechanisms/placement.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/network/gateway_load_balancer.pb.h"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

using sim::Address;
using std::chrono::seconds;

namespace {

using Settings = settings::GatewayLoadBalancer;

TargetGroup::Settings group_of(const Settings& settings) {
  const auto& check = settings.health_check();
  TargetGroup::Settings to;
  to.name = to.targets = settings.targets();
  to.algorithm = TargetSelection::Algorithm::random;
  to.deregistration_delay = to_duration(settings.deregistration_delay());
  to.interval = to_duration(check.interval());
  to.timeout = to_duration(check.timeout());
  to.healthy_threshold = static_cast<std::uint32_t>(check.healthy_threshold());
  to.unhealthy_threshold = static_cast<std::uint32_t>(check.unhealthy_threshold());
  to.tcp_checks = check.protocol() == Settings::HealthCheck::TCP;
  to.consensus = true;
  return to;
}

sim::Duration idle_timeout_of(const Settings& settings) {
  if (settings.has_tcp_idle_timeout()) return to_duration(settings.tcp_idle_timeout());
  return settings.protocol() == Settings::UDP ? seconds(120) : seconds(350);
}

}  // namespace

GatewayLoadBalancer::GatewayLoadBalancer(sim::Simulation& sim, const std::string& name,
                                         const Settings& settings)
    : Component(sim, name),
      rebalances_(settings.target_failover() == Settings::REBALANCE),
      to_(settings.to()),
      dns_chance_(stream("addresses behind")) {
  for (const sim::ZoneId zone : zones_of(sim, settings)) {
    const auto node = static_cast<std::uint32_t>(nodes_.size());
    const std::string host = fmt::format("{}-node-{}", name, sim.network().name(zone));
    nodes_.push_back({sim.platform().add_host(host, zone, this, node), 0});
  }
  behind_at_.resize(nodes_.size());
  const TargetGroup::Surroundings around{
      .cross_zone = settings.cross_zone(),
      .idle_timeout = idle_timeout_of(settings),
      .registration = to_distribution(settings.target_registration()),
      .only = true,
      .metrics = nullptr,
      .checks = checks};
  group_ = std::make_unique<TargetGroup>(*this, *this, group_of(settings), around);
  flows_ = std::make_unique<Flows>(
      *this, "flows", *this,
      Flows::Settings{.idle_timeout = idle_timeout_of(settings), .transparent = true},
      Flows::Metrics{metric.opened, metric.refused, metric.refused, metric.far_resets});
  publish_metrics(settings);
}

void GatewayLoadBalancer::check(const Settings& settings, SettingsCheck& check) {
  if (settings.has_tcp_idle_timeout() && settings.protocol() == Settings::UDP) {
    check.error("tcp_idle_timeout",
                "can be set for protocol tcp only; it is 120 s for udp (GWLB guide, Idle timeout)");
  }
  const auto appliances = check.instances(settings.targets());
  if (!settings.cross_zone() && appliances && *appliances < check.zones()) {
    check.note("targets",
               fmt::format("{} appliances in {} zones with cross_zone off: what passes in a zone "
                           "without appliances is dropped (GWLB guide, Cross-zone load balancing)",
                           *appliances, check.zones()));
  }
}

void GatewayLoadBalancer::wire(sim::Wiring& wiring) {
  behind_ = &wiring.find<Callable>(to_);
  group_->wire(wiring);
}

void GatewayLoadBalancer::attach() {
  group_->attach();
  group_->service()->set_deregistration_delay(group_->deregistration_delay());
}

// --- the way

// The endpoint in the zone of the address; where there is none, any: the packets cross zones.
std::uint32_t GatewayLoadBalancer::node_towards(const Address& behind) const {
  const sim::ZoneId zone = behind.entity->zone_of(behind.node);
  const auto nodes = static_cast<std::uint32_t>(nodes_.size());
  for (std::uint32_t node = 0; node < nodes; ++node) {
    if (zone_of(node) == zone) return node;
  }
  return behind.node % nodes;
}

// Whoever has an address keeps it when it has left DNS, and so do the nodes.
Resolution GatewayLoadBalancer::look_behind(const Query& query) {
  Resolution answer = behind_->resolve(query);
  for (auto to = answer.addresses.rbegin(); to != answer.addresses.rend(); ++to) {
    behind_at_[node_towards(*to)] = *to;
  }
  return answer;
}

Resolution GatewayLoadBalancer::resolve(const Query& query) {
  Resolution answer = look_behind(query);
  std::vector<Address> on_the_way;
  for (const Address& to : answer.addresses) {
    const Address node = address_of(node_towards(to));
    const bool known = std::find(on_the_way.begin(), on_the_way.end(), node) != on_the_way.end();
    if (!known) on_the_way.push_back(node);
  }
  answer.addresses = std::move(on_the_way);
  return answer;
}

std::optional<Flows::Route> GatewayLoadBalancer::route(std::uint32_t node,
                                                       const sim::Call& opening) {
  look_behind({.operation = sim::Operation::read, .chance = dns_chance_});
  if (group_->empty(node) || !behind_at_[node]) return std::nullopt;
  if (group_->routes_to_all(node)) metric.fail_open.add();
  const std::uint32_t target = group_->pick(node, opening);
  return Flows::Route{behind_at_[node], number_of(group_->target_address(target))};
}

std::uint32_t GatewayLoadBalancer::number_of(const Address& appliance) {
  const auto known = std::find(appliances_.begin(), appliances_.end(), appliance);
  const auto number = static_cast<std::uint32_t>(known - appliances_.begin());
  if (known == appliances_.end()) appliances_.push_back(appliance);
  return number;
}

bool GatewayLoadBalancer::keeps(std::uint32_t node, std::uint32_t appliance) {
  const Address& it = appliances_[appliance];
  return group_->takes(node, it.node) && group_->target_address(it.node) == it;
}

// --- appliances and nodes

void GatewayLoadBalancer::on_health_changed() {
  metric.healthy_hosts.set(sim().now(), group_->least_healthy());
}

void GatewayLoadBalancer::on_target_unhealthy(TargetGroup& group, std::uint32_t target) {
  if (rebalances_) flows_->forget(number_of(group.target_address(target)));
}

void GatewayLoadBalancer::on_target_left(TargetGroup& group, std::uint32_t target) {
  if (!rebalances_) return;
  sim().after<&GatewayLoadBalancer::on_drained>(group.deregistration_delay(), this,
                                                number_of(group.target_address(target)));
}

void GatewayLoadBalancer::on_drained(std::uint64_t appliance) {
  flows_->forget(static_cast<std::uint32_t>(appliance));
}

void GatewayLoadBalancer::on_host_lost(std::uint32_t node, sim::HostLoss) {
  flows_->forget_node(node);
  group_->on_node_lost(node);
}

// --- CloudWatch

namespace {
enum Which : std::uint32_t { active_flows, healthy_hosts, unhealthy_hosts };
}  // namespace

void GatewayLoadBalancer::publish_metrics(const Settings& settings) {
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  CloudWatch::Publication publication{.component = name(),
                                      .space = "AWS/GatewayELB",
                                      .name = "NewFlowCount",
                                      .dimensions = {{"LoadBalancer", "gwy/" + name()}},
                                      .delay = to_distribution(settings.metric_delay())};
  cloudwatch.publish_growth(publication, metric.opened);
  publication.name = "ActiveFlowCount";
  cloudwatch.publish(publication, *this, active_flows);
  publication.dimensions.emplace_back("TargetGroup", "targetgroup/" + group_->name());
  publication.name = "HealthyHostCount";
  cloudwatch.publish(publication, *this, healthy_hosts);
  publication.name = "UnHealthyHostCount";
  cloudwatch.publish(publication, *this, unhealthy_hosts);
}

void GatewayLoadBalancer::collect(std::uint32_t which, sim::Time, sim::Time, StatisticSet& out) {
  if (which == active_flows) return out.add(flows_->active());
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    if (!sim().platform().up(nodes_[node].host)) continue;
    out.add(which == healthy_hosts ? group_->healthy(node) : group_->unhealthy(node));
  }
}

REGISTER_MODEL(GatewayLoadBalancer, settings::GatewayLoadBalancer);

}  // namespace windtunnel
