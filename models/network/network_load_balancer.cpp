#include "models/network/network_load_balancer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/mechanisms/placement.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/network/network_load_balancer.pb.h"
#include "models/network/network_load_balancer_settings.hpp"
#include "models/registry.hpp"

namespace windtunnel {

using sim::Call;
using sim::Handle;
using std::chrono::seconds;

namespace {

using Setting = settings::NetworkLoadBalancer::Listener;

TargetGroup::Settings group_of(const Setting& listener) {
  const auto& check = listener.health_check();
  TargetGroup::Settings to;
  to.name = name_of(listener);
  to.targets = listener.targets().empty() ? listener.alb() : listener.targets();
  to.algorithm = TargetSelection::Algorithm::random;
  if (listener.target_group_cross_zone() !=
      settings::TargetGroup::USE_LOAD_BALANCER_CONFIGURATION) {
    to.cross_zone = listener.target_group_cross_zone() == settings::TargetGroup::TRUE;
  }
  to.deregistration_delay = to_duration(listener.deregistration_delay());
  to.interval = to_duration(check.interval());
  to.timeout = check_timeout_of(listener);
  to.healthy_threshold = static_cast<std::uint32_t>(check.healthy_threshold());
  to.unhealthy_threshold = static_cast<std::uint32_t>(check.unhealthy_threshold());
  to.tcp_checks = check_protocol_of(listener) == settings::NetworkLoadBalancer::HealthCheck::TCP;
  to.consensus = true;
  const auto minimum = [](const auto& m) {
    return TargetGroup::Minimum{static_cast<std::uint32_t>(m.minimum_healthy_targets_count()),
                                m.minimum_healthy_targets_percentage()};
  };
  to.dns = minimum(listener.dns_failover());
  to.routing = minimum(listener.unhealthy_state_routing());
  return to;
}

}  // namespace

std::string name_of(const Setting& listener) {
  if (!listener.name().empty()) return listener.name();
  return listener.targets().empty() ? listener.alb() : listener.targets();
}

settings::NetworkLoadBalancer::HealthCheck::Protocol check_protocol_of(const Setting& listener) {
  using Check = settings::NetworkLoadBalancer::HealthCheck;
  if (listener.health_check().has_protocol()) return listener.health_check().protocol();
  return listener.alb().empty() ? Check::TCP : Check::HTTP;
}

sim::Duration check_timeout_of(const Setting& listener) {
  const auto& check = listener.health_check();
  if (check.has_timeout()) return to_duration(check.timeout());
  const bool http = check_protocol_of(listener) == settings::NetworkLoadBalancer::HealthCheck::HTTP;
  const sim::Duration usual = http ? seconds(6) : seconds(10);
  return std::min(usual, to_duration(check.interval()));
}

sim::Duration idle_timeout_of(const Setting& listener) {
  if (listener.has_tcp_idle_timeout()) return to_duration(listener.tcp_idle_timeout());
  return listener.protocol() == Setting::UDP ? seconds(120) : seconds(350);
}

// A port, and what it remembers of the connections to it.
class NetworkLoadBalancer::Listener final : public Flows::Owner {
 public:
  Listener(NetworkLoadBalancer& nlb, TargetGroup& group, const Setting& settings)
      : flows(nlb, "flows of " + group.name(), *this,
              {.idle_timeout = idle_timeout_of(settings),
               .datagrams = settings.protocol() == Setting::UDP},
              nlb.flow_counts()),
        resets_unhealthy(settings.unhealthy_connection_termination()),
        resets_drained(settings.deregistration_connection_termination()),
        nlb_(nlb),
        group_(group) {}

  std::optional<Flows::Route> route(std::uint32_t address, const Call& opening) override {
    const std::uint32_t node = address % nlb_.zones_;
    if (group_.empty(node)) return std::nullopt;
    if (group_.routes_to_all(node)) nlb_.metric.fail_open.add();
    const std::uint32_t target = group_.pick(node, opening);
    return Flows::Route{group_.target_address(target), target};
  }

  Flows flows;
  const bool resets_unhealthy, resets_drained;

 private:
  NetworkLoadBalancer& nlb_;
  TargetGroup& group_;
};

NetworkLoadBalancer::NetworkLoadBalancer(sim::Simulation& sim, const std::string& name,
                                         const settings::NetworkLoadBalancer& settings)
    : Component(sim, name), dns_ttl_(to_duration(settings.dns_ttl())) {
  for (const sim::ZoneId zone : zones_of(sim, settings)) {
    const std::string host = fmt::format("{}-node-{}", name, sim.network().name(zone));
    nodes_.push_back({sim.platform().add_host(host, zone, this, zones_++), 0});
  }
  dns_ = std::make_unique<ZonalDns>(*this, *this, to_duration(settings.dns_removal()),
                                    settings.zonal_shift());
  std::vector<Setting> listeners(settings.listeners().begin(), settings.listeners().end());
  if (listeners.empty()) listeners.push_back(settings.listener());
  for (const Setting& listener : listeners) {
    const TargetGroup::Surroundings around{
        .cross_zone = settings.cross_zone(),
        .idle_timeout = idle_timeout_of(listener),
        .registration = to_distribution(settings.target_registration()),
        .only = listeners.size() == 1,
        .metrics = nullptr,
        .checks = checks};
    groups_.push_back(std::make_unique<TargetGroup>(*this, *this, group_of(listener), around));
    listeners_.push_back(std::make_unique<Listener>(*this, *groups_.back(), listener));
    dns_->set_coming(groups_.back()->check_interval());
  }
  const std::vector<Node> first(nodes_);
  for (std::size_t i = 1; i < listeners.size(); ++i) {
    nodes_.insert(nodes_.end(), first.begin(), first.end());
  }
  publish_metrics(settings);
}

NetworkLoadBalancer::~NetworkLoadBalancer() = default;

void NetworkLoadBalancer::wire(sim::Wiring& wiring) {
  for (const auto& group : groups_) group->wire(wiring);
}

void NetworkLoadBalancer::attach() {
  for (const auto& group : groups_) group->attach();
  TargetGroup::set_deregistration_delays(groups_);
}

void NetworkLoadBalancer::on_connect(Call& call, Handle handle) {
  listeners_[call.callee_node / zones_]->flows.connect(call, handle);
}
void NetworkLoadBalancer::on_request(Call& call, Handle handle) {
  listeners_[call.callee_node / zones_]->flows.request(call, handle);
}

// --- names

Resolution NetworkLoadBalancer::resolve(const Query& query) {
  return resolve("", std::nullopt, query.chance);
}

Resolution NetworkLoadBalancer::resolve(std::string_view listener, std::optional<sim::ZoneId> zone,
                                        sim::Stream& chance) {
  std::uint32_t port = 0;
  while (!listener.empty() && groups_[port]->name() != listener) ++port;
  Resolution answer{.addresses = {}, .ttl = dns_ttl_};
  if (zone) {
    for (std::uint32_t n = 0; n < zones_; ++n) {
      if (zone_of(n) == *zone) answer.addresses.push_back(address_of(n));
    }
  } else {
    answer.addresses = dns_->addresses(chance);
  }
  for (sim::Address& address : answer.addresses) address.node += port * zones_;
  return answer;
}

bool NetworkLoadBalancer::healthy() const {
  return std::all_of(groups_.begin(), groups_.end(),
                     [](const auto& group) { return group->any_healthy(); });
}

bool NetworkLoadBalancer::good_for_dns(std::uint32_t node) const {
  return std::all_of(groups_.begin(), groups_.end(), [&](const auto& group) {
    return group->registered(node) > 0 && group->good_for_dns(node);
  });
}

void NetworkLoadBalancer::on_shifted(std::optional<sim::ZoneId> away_from) {
  for (const auto& group : groups_) group->shift_away_from(away_from);
}

// --- targets and nodes

void NetworkLoadBalancer::on_health_changed() {
  std::uint32_t healthy = 0;
  for (const auto& group : groups_) healthy += group->least_healthy();
  metric.healthy_hosts.set(sim().now(), healthy);
  dns_->update();
}

std::uint32_t NetworkLoadBalancer::listener_of(const TargetGroup& group) const {
  std::uint32_t i = 0;
  while (groups_[i].get() != &group) ++i;
  return i;
}

void NetworkLoadBalancer::on_target_unhealthy(TargetGroup& group, std::uint32_t target) {
  Listener& listener = *listeners_[listener_of(group)];
  if (listener.resets_unhealthy) listener.flows.reset(target);
}

void NetworkLoadBalancer::on_target_left(TargetGroup& group, std::uint32_t target) {
  const std::uint32_t i = listener_of(group);
  if (!listeners_[i]->resets_drained) return;
  departures_.push_back({i, target, group.target_address(target).life});
  sim().after<&NetworkLoadBalancer::on_drained>(group.deregistration_delay(), this,
                                                departures_.size() - 1);
}

void NetworkLoadBalancer::on_drained(std::uint64_t departure) {
  const Departure& it = departures_[departure];
  const TargetGroup& group = *groups_[it.listener];
  if (group.is_registered(it.target)) return;
  listeners_[it.listener]->flows.reset(it.target);
}

void NetworkLoadBalancer::on_host_lost(std::uint32_t node, sim::HostLoss) {
  for (const auto& listener : listeners_) listener->flows.forget_node(node);
  for (const auto& group : groups_) group->on_node_lost(node);
  dns_->update();
}

void NetworkLoadBalancer::on_host_restored(std::uint32_t node) {
  for (const auto& group : groups_) group->on_node_restored(node);
  dns_->update();
}

// --- CloudWatch

namespace {
enum Which : std::uint32_t { healthy_hosts, unhealthy_hosts, kinds };
}  // namespace

void NetworkLoadBalancer::publish_metrics(const settings::NetworkLoadBalancer& settings) {
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  CloudWatch::Publication whole{.component = name(),
                                .space = "AWS/NetworkELB",
                                .name = {},
                                .dimensions = {{"LoadBalancer", "net/" + name()}},
                                .delay = to_distribution(settings.metric_delay())};
  flow_metrics_.emplace(sim(), whole, flow_counts());
  for (const auto& listener : listeners_) flow_metrics_->add(listener->flows);
  cloudwatch.publish_growth(whole.named(metric.fail_open.name()), metric.fail_open);
  for (std::uint32_t g = 0; g < groups_.size(); ++g) {
    CloudWatch::Publication part = whole;
    part.dimensions.emplace_back("TargetGroup", "targetgroup/" + groups_[g]->name());
    const auto publish = [&] {
      cloudwatch.publish(part.named("HealthyHostCount"), *this, g * kinds + healthy_hosts);
      cloudwatch.publish(part.named("UnHealthyHostCount"), *this, g * kinds + unhealthy_hosts);
    };
    if (groups_.size() == 1) publish();  // the only group's metrics are the load balancer's
    part.component = fmt::format("{}/{}", name(), groups_[g]->name());
    publish();
  }
}

void NetworkLoadBalancer::collect(std::uint32_t which, sim::Time, sim::Time, StatisticSet& out) {
  const TargetGroup& group = *groups_[which / kinds];
  for (std::uint32_t node = 0; node < zones_; ++node) {
    if (!sim().platform().up(nodes_[node].host)) continue;
    out.add(which % kinds == healthy_hosts ? group.healthy(node) : group.unhealthy(node));
  }
}

REGISTER_MODEL(NetworkLoadBalancer, settings::NetworkLoadBalancer);

}  // namespace windtunnel
