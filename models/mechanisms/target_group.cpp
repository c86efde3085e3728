#include "models/mechanisms/target_group.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/mechanisms/settings.hpp"
#include "models/mechanisms/target_group.pb.h"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Milestone;
using sim::Outcome;

namespace {

TargetSelection::Algorithm algorithm_of(const settings::TargetGroup& settings) {
  using A = TargetSelection::Algorithm;
  static constexpr A algorithms[] = {A::round_robin, A::least_outstanding_requests, A::random};
  return algorithms[settings.algorithm()];
}

bool crosses_zones(const settings::TargetGroup& settings, bool balancer) {
  using S = settings::TargetGroup;
  return settings.cross_zone() == S::USE_LOAD_BALANCER_CONFIGURATION
             ? balancer
             : settings.cross_zone() == S::TRUE;
}

std::optional<AnomalyMitigation::Settings> mitigation_of(const settings::TargetGroup& settings) {
  if (!settings.has_anomaly_mitigation()) return std::nullopt;
  const auto& a = settings.anomaly_mitigation();
  return AnomalyMitigation::Settings{to_duration(a.period()), a.excess(),
                                     a.least_weight(),        a.step(),
                                     to_duration(a.memory()), static_cast<double>(a.requests())};
}

std::string purpose(std::string_view what, const std::string& group, bool only) {
  return only ? std::string(what) : fmt::format("{} of {}", what, group);
}

}  // namespace

std::string TargetGroup::name_of(const settings::TargetGroup& settings) {
  if (!settings.name().empty()) return settings.name();
  return settings.lambda().empty() ? settings.targets() : settings.lambda();
}

TargetGroup::TargetGroup(sim::Component& owner, Balancer& balancer,
                         const settings::TargetGroup& settings, const Surroundings& around)
    : Entity(owner, purpose("target group", name_of(settings), around.only)),
      metric(around.only ? nullptr : &around.metrics, name_of(settings)),
      owner_(owner),
      balancer_(balancer),
      name_(name_of(settings)),
      in_group_(around.only ? "" : " in " + name_),
      targets_name_(settings.targets()),
      function_name_(settings.lambda()),
      algorithm_(algorithm_of(settings)),
      cross_zone_(crosses_zones(settings, around.cross_zone)),
      app_cookie_(settings.stickiness().type() == settings::TargetGroup::Stickiness::APP_COOKIE),
      slow_start_(to_duration(settings.slow_start())),
      idle_timeout_(around.idle_timeout),
      keep_alive_(settings.has_target_keep_alive() ? to_duration(settings.target_keep_alive())
                                                   : sim::forever),
      deregistration_delay_(to_duration(settings.deregistration_delay())),
      healthy_threshold_(static_cast<std::uint32_t>(settings.health_check().healthy_threshold())),
      unhealthy_threshold_(
          static_cast<std::uint32_t>(settings.health_check().unhealthy_threshold())),
      dns_{static_cast<std::uint32_t>(settings.dns_failover().minimum_healthy_targets_count()),
           settings.dns_failover().minimum_healthy_targets_percentage()},
      routing_{static_cast<std::uint32_t>(
                   settings.unhealthy_state_routing().minimum_healthy_targets_count()),
               settings.unhealthy_state_routing().minimum_healthy_targets_percentage()},
      registration_(around.registration),
      mitigation_(mitigation_of(settings)),
      pick_chance_(stream(purpose("pick", name_, around.only))),
      registration_chance_(stream(purpose("registration", name_, around.only))),
      checks_(owner, purpose("health check", name_, around.only),
              to_duration(settings.health_check().interval()),
              to_duration(settings.health_check().timeout()), around.checks, *this) {
  nodes_ = owner.nodes();
  if (settings.has_stickiness()) {
    cookies_.emplace(to_duration(settings.stickiness().duration()));
  }
}

void TargetGroup::wire(sim::Wiring& wiring) {
  if (function_name_.empty()) {
    service_ = &wiring.find<Targets>(targets_name_);
  } else {
    function_ = &wiring.find<Callable>(function_name_);
  }
}

void TargetGroup::attach() {
  const std::uint32_t targets = is_lambda() ? 1 : service_->max_targets();
  targets_.resize(targets);
  checks_.set_targets(targets);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node node{TargetSelection(algorithm_, targets),
              SlowStart(slow_start_, targets),
              std::nullopt,
              std::vector<HealthState>(targets, fresh()),
              std::vector<IdleConnections>(targets),
              {},
              {}};
    if (mitigation_) node.mitigation.emplace(*mitigation_, targets);
    if (is_lambda()) node.selection.set_eligible(0, true);
    balancers_.push_back(std::move(node));
  }
  if (is_lambda()) return;
  service_->observe_targets(*this);
  if (mitigation_) sim().after<&TargetGroup::on_weights_due>(mitigation_->period, this);
}

bool TargetGroup::node_up(std::uint32_t node) const {
  return sim().platform().up(nodes_[node].host);
}

bool TargetGroup::has_node_in(sim::ZoneId zone) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const sim::Entity::Node& node) {
    return sim().platform().zone(node.host) == zone;
  });
}

std::string TargetGroup::target_name(std::uint32_t target) {
  return sim().platform().host(service_->target_address(target).entity->nodes()[target].host).name;
}

// --- requests

sim::Address TargetGroup::target_address(std::uint32_t target) {
  if (service_ != nullptr) return service_->target_address(target);
  if (sim().now() >= function_answer_expires_) {
    function_answer_ = function_->resolve({sim::Operation::read, pick_chance_});
    function_answer_expires_ = function_answer_.ttl < sim::Time::max() - sim().now()
                                   ? sim().now() + function_answer_.ttl
                                   : sim::Time::max();
  }
  return function_answer_.addresses.empty() ? sim::Address{} : function_answer_.addresses.front();
}

std::uint32_t TargetGroup::choose(std::uint32_t n, const Call& request) {
  Node& node = balancers_[n];
  const auto sticky = cookies_ ? sticky_target(node, request) : std::nullopt;
  const std::uint32_t target = sticky ? *sticky : pick(node);
  node.selection.began(target);
  metric.requests.add();
  return target;
}

std::optional<std::uint32_t> TargetGroup::sticky_target(const Node& node, const Call& request) {
  const auto* cookie = cookies_->find(request.caller, request.caller_node, sim().now());
  if (cookie == nullptr || !node.selection.is_eligible(cookie->target) ||
      target_address(cookie->target).life != cookie->life) {
    return std::nullopt;
  }
  return cookie->target;
}

std::uint32_t TargetGroup::pick(Node& node) {
  std::uint32_t target = node.selection.pick(pick_chance_);
  if (node.mitigation) {
    while (!node.mitigation->takes(target, pick_chance_)) {
      target = node.selection.pick(pick_chance_);
    }
  }
  // Turns are turned down only where somebody is left to take them.
  while (node.slow_start.starting() > 0 &&
         node.slow_start.starting() < node.selection.eligible().size() &&
         !node.slow_start.takes(target, sim().now())) {
    target = node.selection.pick(pick_chance_);
  }
  return target;
}

IdleConnections::Taken TargetGroup::take_connection(std::uint32_t node, std::uint32_t target) {
  if (is_lambda()) return IdleConnections::Taken::open;
  const Duration round_trip =
      keep_alive_ == sim::forever
          ? Duration::zero()
          : 2 * sim().network().one_way(zone_of(node), targets_[target].zone);
  return balancers_[node].connections[target].take(sim().now(), idle_timeout_, keep_alive_,
                                                   round_trip);
}

void TargetGroup::ended(const Call& child) {
  Node& node = balancers_[child.caller_node];
  const std::uint32_t target = is_lambda() ? 0 : child.callee_node;
  if (target_address(target).life != child.callee_life) return;  // replaced meanwhile
  if (node.selection.outstanding(target) > 0) node.selection.ended(target);
  if (node.mitigation) node.mitigation->record(target, child.outcome != Outcome::ok);
  IdleConnections& connections = node.connections[target];
  if (child.outcome == Outcome::connection_reset) connections.clear();  // so are all others
  if (child.operation == sim::Operation::connect || child.outcome == Outcome::connection_reset ||
      child.outcome == Outcome::timeout) {
    return;
  }
  connections.give_back(sim().now());
}

void TargetGroup::answered(const Call& request, const Call& child) {
  if (!cookies_ || request.caller_done || (app_cookie_ && child.outcome != Outcome::ok)) return;
  cookies_->set(request.caller, request.caller_node, child.callee_node, child.callee_life,
                sim().now());
}

void TargetGroup::on_weights_due() {
  sim().after<&TargetGroup::on_weights_due>(mitigation_->period, this);
  for (Node& node : balancers_) node.mitigation->adjust(node.selection.eligible());
}

// --- targets and their health

void TargetGroup::count(std::uint32_t n, std::uint32_t target, bool in) {
  Node& node = balancers_[n];
  const HealthState::State state = node.health[target].state();
  const auto add = [&](Counts& counts) {
    const std::uint32_t one = in ? 1 : 0xffffffff;  // minus one
    counts.registered += one;
    if (state == HealthState::State::initial) counts.initial += one;
    if (state == HealthState::State::healthy) counts.healthy += one;
  };
  add(node.all);
  if (in_reach(n, target)) add(node.reach);
}

void TargetGroup::forget(Node& node, std::uint32_t target) {
  node.selection.forget(target);
  node.connections[target].clear();
  node.slow_start.end(target);
  if (node.mitigation) node.mitigation->forget(target);
}

void TargetGroup::on_target_registered(std::uint32_t target) {
  if (targets_[target].registered) on_target_deregistered(target);
  Target& it = targets_[target];
  it.zone = service_->target_address(target).entity->zone_of(target);
  if (!has_node_in(it.zone)) return;  // unused
  // A run starts with everything in service and healthy.
  const bool at_start = sim().now() == sim::time_zero;
  it.registered = true;
  it.reported_healthy = at_start ? std::optional(true) : std::nullopt;
  for (std::uint32_t n = 0; n < balancers_.size(); ++n) {
    Node& node = balancers_[n];
    node.health[target] =
        fresh(at_start ? HealthState::State::healthy : HealthState::State::initial);
    forget(node, target);
    count(n, target, true);
    refresh(n, target);
  }
  checks_.begin(target, at_start ? Duration::zero() : registration_.sample(registration_chance_));
  tell_balancer();
}

void TargetGroup::on_target_deregistered(std::uint32_t target) {
  if (!targets_[target].registered) return;
  checks_.end(target);
  targets_[target].registered = false;
  for (std::uint32_t n = 0; n < balancers_.size(); ++n) {
    balancers_[n].slow_start.end(target);
    count(n, target, false);
    refresh(n, target);
  }
  tell_balancer();
}

void TargetGroup::on_checked(std::uint32_t n, std::uint32_t target, bool passed) {
  Node& node = balancers_[n];
  HealthState& health = node.health[target];
  HealthState after = health;
  if (!after.record(passed)) {
    health = after;
    return;
  }
  count(n, target, false);
  health = after;
  if (!health.healthy()) node.slow_start.end(target);
  // Not in a group without a healthy target that has had its slow start.
  if (health.healthy() && node.reach.healthy > node.slow_start.starting()) {
    node.slow_start.begin(target, sim().now());
  }
  count(n, target, true);
  refresh(n, target);
  health_changed(n, target);
}

void TargetGroup::refresh(std::uint32_t n, std::uint32_t target) {
  Node& node = balancers_[n];
  const bool to_all = routing_.too_few(node.reach);
  if (to_all == node.routes_to_all) return place(n, target);
  node.routes_to_all = to_all;
  for (std::uint32_t t = 0; t < targets_.size(); ++t) place(n, t);
}

void TargetGroup::place(std::uint32_t n, std::uint32_t target) {
  Node& node = balancers_[n];
  node.selection.set_eligible(target, targets_[target].registered && in_reach(n, target) &&
                                          (node.routes_to_all || node.health[target].healthy()));
}

void TargetGroup::health_changed(std::uint32_t node, std::uint32_t target) {
  const bool healthy = balancers_[node].health[target].healthy();
  std::uint32_t agree = 0;
  for (std::uint32_t n = 0; n < balancers_.size(); ++n) {
    agree += node_up(n) && balancers_[n].health[target].healthy() == healthy;
  }
  if (agree == 1) {  // the first node to see it
    sim().note(healthy ? Milestone::action_finished : Milestone::detection, owner_,
               fmt::format("target {} is {}{}", target_name(target),
                           healthy ? "healthy" : "unhealthy", in_group_));
  }
  tell_service(target);
  tell_balancer();
}

// The service hears the load balancer's word: unhealthy when every living node says so, healthy
// when one does. Which of the nodes' opinions counts is not documented (UNSOURCED).
void TargetGroup::tell_service(std::uint32_t target) {
  bool any_healthy = false, any_initial = false;
  for (std::uint32_t n = 0; n < balancers_.size(); ++n) {
    if (!node_up(n)) continue;
    any_healthy |= balancers_[n].health[target].healthy();
    any_initial |= balancers_[n].health[target].state() == HealthState::State::initial;
  }
  if (targets_[target].reported_healthy == any_healthy || (!any_healthy && any_initial)) return;
  targets_[target].reported_healthy = any_healthy;
  service_->report_target_health(target, any_healthy);
}

void TargetGroup::tell_balancer() {
  metric.healthy_hosts.set(sim().now(), least_healthy());
  balancer_.on_health_changed();
}

std::uint32_t TargetGroup::least_healthy() const {
  std::optional<std::uint32_t> least;
  for (std::uint32_t n = 0; n < balancers_.size(); ++n) {
    if (node_up(n)) least = std::min(least.value_or(healthy(n)), healthy(n));
  }
  return least.value_or(0);
}

bool TargetGroup::any_healthy() const {
  if (is_lambda()) return true;
  for (std::uint32_t n = 0; n < balancers_.size(); ++n) {
    if (node_up(n) && healthy(n) > 0) return true;
  }
  return false;
}

bool TargetGroup::good_for_dns(std::uint32_t node) const {
  const Counts& reach = balancers_[node].reach;
  return reach.registered == reach.initial || !dns_.too_few(reach);
}

// A zone that holds all targets is not left: nobody would serve.
void TargetGroup::shift_away_from(std::optional<sim::ZoneId> zone) {
  const auto elsewhere = [&](const Target& target) {
    return target.registered && target.zone != zone;
  };
  if (zone && std::none_of(targets_.begin(), targets_.end(), elsewhere)) zone.reset();
  if (zone == shifted_away_ || is_lambda()) return;
  const auto count_all = [&](bool in) {
    for (std::uint32_t n = 0; n < balancers_.size(); ++n) {
      for (std::uint32_t t = 0; t < targets_.size(); ++t) {
        if (targets_[t].registered) count(n, t, in);
      }
    }
  };
  count_all(false);
  shifted_away_ = zone;
  count_all(true);
  for (std::uint32_t n = 0; n < balancers_.size(); ++n) {
    for (std::uint32_t t = 0; t < targets_.size(); ++t) refresh(n, t);
  }
}

// --- nodes

void TargetGroup::on_node_lost(std::uint32_t) {
  for (std::uint32_t t = 0; t < targets_.size(); ++t) {  // its opinion counts no more
    if (targets_[t].registered) tell_service(t);
  }
  tell_balancer();
}

void TargetGroup::on_node_restored(std::uint32_t n) {
  for (std::uint32_t t = 0; t < targets_.size(); ++t) {
    if (targets_[t].registered) count(n, t, false);
    balancers_[n].health[t] = fresh();
    forget(balancers_[n], t);
    if (targets_[t].registered) count(n, t, true);
    refresh(n, t);
  }
  tell_balancer();
}

}  // namespace windtunnel
