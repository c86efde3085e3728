#include "models/network/application_load_balancer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/mechanisms/placement.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/network/application_load_balancer.pb.h"
#include "models/registry.hpp"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Milestone;
using sim::Operation;
using sim::Outcome;
using sim::Turn;

namespace {
TargetSelection::Algorithm algorithm_of(const settings::ApplicationLoadBalancer& settings) {
  using A = TargetSelection::Algorithm;
  static constexpr A algorithms[] = {A::round_robin, A::least_outstanding_requests, A::random};
  return algorithms[settings.algorithm()];
}
}  // namespace

ApplicationLoadBalancer::ApplicationLoadBalancer(sim::Simulation& sim, const std::string& name,
                                                 const settings::ApplicationLoadBalancer& settings)
    : Component(sim, name),
      targets_name_(settings.targets()),
      algorithm_(algorithm_of(settings)),
      interval_(to_duration(settings.health_check().interval())),
      keep_alive_(to_duration(settings.client_keep_alive())),
      dns_removal_(to_duration(settings.elb_dns_removal())),
      dns_ttl_(to_duration(settings.dns_ttl())),
      deregistration_delay_(to_duration(settings.deregistration_delay())),
      idle_timeout_(to_duration(settings.idle_timeout())),
      healthy_threshold_(static_cast<std::uint32_t>(settings.health_check().healthy_threshold())),
      unhealthy_threshold_(
          static_cast<std::uint32_t>(settings.health_check().unhealthy_threshold())),
      processing_(to_distribution(settings.processing_time())),
      registration_(to_distribution(settings.target_registration())),
      answer_lane_(*this, idle_timeout_),
      connect_lane_(*this, to_duration(settings.connect_timeout())),
      check_lane_(*this, to_duration(settings.health_check().timeout())),
      pick_chance_(stream("pick")),
      check_chance_(stream("health check")),
      processing_chance_(stream("processing")) {
  for (const sim::ZoneId zone : zones_of(sim, settings)) {
    const auto node = static_cast<std::uint32_t>(nodes_.size());
    const std::string host = fmt::format("{}-node-{}", name, sim.network().name(zone));
    nodes_.push_back({sim.platform().add_host(host, zone, this, node), 0});
  }
}

void ApplicationLoadBalancer::wire(sim::Wiring& wiring) {
  service_ = &wiring.find<::windtunnel::Targets>(targets_name_);
}

void ApplicationLoadBalancer::attach() {
  const std::uint32_t targets = service_->max_targets();
  targets_.resize(targets);
  const Backend fresh{.health = {healthy_threshold_, unhealthy_threshold_, 1}};
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    balancers_.push_back(
        {TargetSelection(algorithm_, targets), std::vector<Backend>(targets, fresh)});
  }
  service_->observe_targets(*this);
  service_->set_deregistration_delay(deregistration_delay_);
}

Resolution ApplicationLoadBalancer::resolve(Operation, sim::Stream& chance) {
  Resolution answer{.addresses = {}, .ttl = dns_ttl_, .connection_lifetime = keep_alive_};
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    if (balancers_[node].in_dns) answer.addresses.push_back(address_of(node));
  }
  for (auto n = static_cast<std::uint32_t>(answer.addresses.size()); n > 1; --n) {
    std::swap(answer.addresses[n - 1], answer.addresses[chance.below(n)]);
  }
  return answer;
}

bool ApplicationLoadBalancer::healthy() const {
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    if (node_up(node) && balancers_[node].healthy > 0) return true;
  }
  return false;
}

bool ApplicationLoadBalancer::node_up(std::uint32_t node) const {
  return sim().platform().up(nodes_[node].host);
}

std::string ApplicationLoadBalancer::target_name(std::uint32_t target) {
  return sim().platform().host(service_->target_address(target).entity->nodes()[target].host).name;
}

// --- requests

void ApplicationLoadBalancer::on_request(Call& call, Handle handle) {
  metric.open.add(sim().now(), +1);
  call.work_as<Progress>() = {0, nodes_[call.callee_node].life};
  if (processing_.is_zero()) return route(call, handle);
  sim().after<&ApplicationLoadBalancer::on_processed>(processing_.sample(processing_chance_), this,
                                                      handle);
}

// The node that had the request lost power: it is forgotten without a word.
bool ApplicationLoadBalancer::is_gone(Call& request) {
  const std::uint32_t node = request.callee_node;
  return !node_up(node) || nodes_[node].life != request.work_as<Progress>().node_life;
}

void ApplicationLoadBalancer::on_processed(Handle handle) {
  Call& request = sim().call(handle);
  if (is_gone(request)) {
    metric.open.add(sim().now(), -1);
    return sim().drop(handle);
  }
  route(request, handle);
}

void ApplicationLoadBalancer::route(Call& request, Handle handle) {
  Node& node = balancers_[request.callee_node];
  if (node.selection.eligible().empty()) {
    metric.elb_503.add();
    return reply(handle, Outcome::unavailable);
  }
  metric.requests.add();
  if (node.fail_open) metric.fail_open.add();
  const std::uint32_t target = node.selection.pick(pick_chance_);
  node.selection.began(target);
  request.work_as<Progress>().target = target;
  Backend& backend = node.backends[target];
  if (backend.idle_connections > 0 && sim().now() - backend.last_used < idle_timeout_) {
    --backend.idle_connections;
    return forward(handle, service_->target_address(target));
  }
  backend.idle_connections = 0;  // all older than the idle timeout
  metric.new_connections.add();
  const Handle connect = sim().open_call(*this, request.callee_node, Operation::connect, handle);
  connect_lane_.enter(sim().call(connect), connect);
  sim().send(connect, service_->target_address(target));
}

void ApplicationLoadBalancer::forward(Handle handle, const sim::Address& to) {
  const Call& request = sim().call(handle);
  const Handle child = sim().open_call(*this, request.callee_node, request.operation, handle);
  answer_lane_.enter(sim().call(child), child);
  sim().send(child, to);
}

void ApplicationLoadBalancer::reply(Handle handle, Outcome outcome) {
  metric.open.add(sim().now(), -1);
  if (sim().call(handle).caller_done) metric.elb_460.add();
  sim().answer(handle, outcome);
}

void ApplicationLoadBalancer::ended_at_target(const Call& child) {
  Node& node = balancers_[child.caller_node];
  const std::uint32_t target = child.callee_node;
  if (service_->target_address(target).life != child.callee_life) return;  // replaced meanwhile
  if (node.selection.outstanding(target) > 0) node.selection.ended(target);
  Backend& backend = node.backends[target];
  if (child.outcome == Outcome::connection_reset)
    backend.idle_connections = 0;  // so are all others
  if (child.operation == Operation::connect || child.outcome == Outcome::connection_reset ||
      child.outcome == Outcome::timeout) {
    return;
  }
  ++backend.idle_connections;
  backend.last_used = sim().now();
}

void ApplicationLoadBalancer::on_answer(Call& child, Handle) {
  if (child.operation == Operation::health_check)
    return check_ended(child, child.outcome == Outcome::ok);
  if (child.operation == Operation::connect && child.outcome == Outcome::ok &&
      !is_gone(sim().call(child.context))) {
    return forward(child.context, {child.callee, child.callee_node, child.callee_life});
  }
  request_ended(child);
}

void ApplicationLoadBalancer::on_timeout(Call& child, Handle) {
  if (child.operation == Operation::health_check) return check_ended(child, false);
  if (child.operation == Operation::connect) metric.connection_errors.add();
  request_ended(child);
}

void ApplicationLoadBalancer::request_ended(Call& child) {
  Call& request = sim().call(child.context);
  if (is_gone(request)) {
    metric.open.add(sim().now(), -1);
    return sim().drop(child.context);
  }
  ended_at_target(child);
  if (child.operation != Operation::connect)
    metric.target_response.record(sim().now() - child.opened);
  Outcome outcome = child.outcome;
  if (outcome == Outcome::timeout) {
    outcome = Outcome::gateway_timeout;
    metric.elb_504.add();
  } else if (outcome == Outcome::connection_reset) {
    outcome = Outcome::bad_gateway;
    metric.elb_502.add();
  } else if (outcome != Outcome::ok) {
    metric.target_5xx.add();
  }
  reply(child.context, outcome);
}

// --- targets and their health

void ApplicationLoadBalancer::on_target_registered(std::uint32_t target) {
  Target& it = targets_[target];
  it.registered = true;
  ++it.epoch;
  // A run starts with everything in service and healthy.
  const bool at_start = sim().now() == sim::time_zero;
  it.reported_healthy = at_start;
  const Duration registering = at_start ? Duration::zero() : registration_.sample(check_chance_);
  for (std::uint32_t n = 0; n < balancers_.size(); ++n) {
    Backend& backend = balancers_[n].backends[target];
    backend = {.health = {healthy_threshold_, unhealthy_threshold_, 1,
                          at_start ? HealthState::State::healthy : HealthState::State::initial}};
    balancers_[n].selection.forget(target);
    balancers_[n].healthy += at_start;
    // Checks of nodes and targets are not coordinated.
    const Duration phase = sim::from_seconds(sim::seconds(interval_) * check_chance_.uniform());
    begin_checks(n, target, registering + phase);
    refresh(n);
  }
}

void ApplicationLoadBalancer::on_target_deregistered(std::uint32_t target) {
  Target& it = targets_[target];
  if (!it.registered) return;
  it.registered = false;
  ++it.epoch;
  for (std::uint32_t n = 0; n < balancers_.size(); ++n) {
    balancers_[n].healthy -= balancers_[n].backends[target].health.healthy();
    refresh(n);
  }
}

void ApplicationLoadBalancer::begin_checks(std::uint32_t node, std::uint32_t target,
                                           Duration first_in) {
  sim().after<&ApplicationLoadBalancer::on_check_due>(first_in, this, pack(node, target),
                                                      Turn::control);
}

void ApplicationLoadBalancer::on_check_due(std::uint64_t packed) {
  const auto target = static_cast<std::uint32_t>(packed & 0xffffff);
  const auto node = static_cast<std::uint32_t>((packed >> 24) & 0xff);
  if (packed != pack(node, target)) return;
  // Each check is independent: a slow answer does not shift the next.
  sim().after<&ApplicationLoadBalancer::on_check_due>(interval_, this, packed, Turn::control);
  if (!node_up(node)) return;
  metric.checks.add();
  const Handle check = sim().open_call(*this, node, Operation::health_check);
  sim().call(check).tag = targets_[target].epoch;
  check_lane_.enter(sim().call(check), check);
  sim().send(check, service_->target_address(target));
}

void ApplicationLoadBalancer::check_ended(const Call& check, bool passed) {
  const std::uint32_t node = check.caller_node, target = check.callee_node;
  if (!passed) metric.failed_checks.add();
  if (check.tag != targets_[target].epoch || !targets_[target].registered || !node_up(node)) return;
  HealthState& health = balancers_[node].backends[target].health;
  const bool was_healthy = health.healthy();
  if (!health.record(passed)) return;
  balancers_[node].healthy += health.healthy();
  balancers_[node].healthy -= was_healthy;
  refresh(node);
  health_changed(node, target);
}

// A node routes to the targets it sees healthy, or to all registered ones if there are none (rule
// 3).
void ApplicationLoadBalancer::refresh(std::uint32_t n) {
  Node& node = balancers_[n];
  node.fail_open = node.healthy == 0;
  for (std::uint32_t t = 0; t < targets_.size(); ++t) {
    node.selection.set_eligible(
        t, targets_[t].registered && (node.fail_open || node.backends[t].health.healthy()));
  }
  std::uint32_t least = 0xffffffff;
  for (std::uint32_t i = 0; i < balancers_.size(); ++i) {
    if (node_up(i)) least = std::min(least, balancers_[i].healthy);
  }
  metric.healthy_hosts.set(sim().now(), least == 0xffffffff ? 0 : least);
}

void ApplicationLoadBalancer::health_changed(std::uint32_t node, std::uint32_t target) {
  const bool healthy = balancers_[node].backends[target].health.healthy();
  std::uint32_t agree = 0;
  for (std::uint32_t n = 0; n < balancers_.size(); ++n) {
    agree += node_up(n) && balancers_[n].backends[target].health.healthy() == healthy;
  }
  if (agree == 1) {  // the first node to see it
    sim().note(
        healthy ? Milestone::action_finished : Milestone::detection, *this,
        fmt::format("target {} is {}", target_name(target), healthy ? "healthy" : "unhealthy"));
  }
  tell_group(target);
}

// The group hears the load balancer's word: unhealthy when every living node says so, healthy when
// one does. Which of the nodes' opinions counts is not documented (UNSOURCED).
void ApplicationLoadBalancer::tell_group(std::uint32_t target) {
  bool any_healthy = false, any_initial = false;
  for (std::uint32_t n = 0; n < balancers_.size(); ++n) {
    if (!node_up(n)) continue;
    any_healthy |= balancers_[n].backends[target].health.healthy();
    any_initial |= balancers_[n].backends[target].health.state() == HealthState::State::initial;
  }
  if (any_healthy == targets_[target].reported_healthy || (!any_healthy && any_initial)) return;
  targets_[target].reported_healthy = any_healthy;
  service_->report_target_health(target, any_healthy);
}

// --- nodes

void ApplicationLoadBalancer::on_host_lost(std::uint32_t node, sim::HostLoss) {
  refresh(node);
  for (std::uint32_t t = 0; t < targets_.size(); ++t) {  // its opinion counts no more
    if (targets_[t].registered) tell_group(t);
  }
  leave_dns_later(node);
}

// A zone that is cut off has living nodes that nobody reaches: ELB takes them for dead.
void ApplicationLoadBalancer::on_zone_lost(sim::ZoneId zone) {
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    if (zone_of(node) == zone && node_up(node)) leave_dns_later(node);
  }
}

void ApplicationLoadBalancer::on_zone_restored(sim::ZoneId zone) {
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    if (zone_of(node) == zone && node_up(node) && !balancers_[node].in_dns) enter_dns_later(node);
  }
}

bool ApplicationLoadBalancer::reachable(std::uint32_t node) const {
  return node_up(node) && !sim().network().cut_off(zone_of(node));
}

void ApplicationLoadBalancer::leave_dns_later(std::uint32_t node) {
  const std::uint64_t packed = (std::uint64_t{nodes_[node].life} << 32) | node;
  sim().after<&ApplicationLoadBalancer::on_node_leaves_dns>(dns_removal_, this, packed,
                                                            Turn::control);
}

// As long as the removal took (UNSOURCED): by then the node has checked its targets.
void ApplicationLoadBalancer::enter_dns_later(std::uint32_t node) {
  const std::uint64_t packed = (std::uint64_t{nodes_[node].life} << 32) | node;
  sim().after<&ApplicationLoadBalancer::on_node_enters_dns>(std::max(dns_removal_, interval_), this,
                                                            packed, Turn::control);
}

void ApplicationLoadBalancer::on_node_leaves_dns(std::uint64_t packed) {
  const auto node = static_cast<std::uint32_t>(packed);
  if (nodes_[node].life != packed >> 32 || reachable(node) || !balancers_[node].in_dns) return;
  balancers_[node].in_dns = false;
  sim().note(Milestone::action_finished, *this,
             fmt::format("the address in {} leaves DNS", sim().network().name(zone_of(node))));
}

void ApplicationLoadBalancer::on_host_restored(std::uint32_t node) {
  ++nodes_[node].life;
  Node& it = balancers_[node];
  it.in_dns = false;
  it.healthy = 0;
  for (std::uint32_t t = 0; t < targets_.size(); ++t) {
    it.backends[t] = {.health = {healthy_threshold_, unhealthy_threshold_, 1}};
    it.selection.forget(t);
  }
  refresh(node);
  enter_dns_later(node);
}

void ApplicationLoadBalancer::on_node_enters_dns(std::uint64_t packed) {
  const auto node = static_cast<std::uint32_t>(packed);
  if (nodes_[node].life != packed >> 32 || !reachable(node) || balancers_[node].in_dns) return;
  balancers_[node].in_dns = true;
  sim().note(Milestone::none, *this,
             fmt::format("an address in {} is back in DNS", sim().network().name(zone_of(node))));
}

REGISTER_MODEL(ApplicationLoadBalancer, settings::ApplicationLoadBalancer);

}  // namespace windtunnel
