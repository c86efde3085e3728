#include "models/mechanisms/target_group.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Milestone;
using sim::Outcome;

namespace {
std::string purpose(std::string_view what, const std::string& group, bool only) {
  return only ? std::string(what) : fmt::format("{} of {}", what, group);
}
}  // namespace

TargetGroup::TargetGroup(sim::Component& owner, Balancer& balancer, Settings settings,
                         const Surroundings& around)
    : Entity(owner, purpose("target group", settings.name, around.only)),
      metric(around.metrics, settings.name),
      owner_(owner),
      balancer_(balancer),
      settings_(std::move(settings)),
      in_group_(around.only ? "" : " in " + settings_.name),
      cross_zone_(settings_.cross_zone.value_or(around.cross_zone)),
      idle_timeout_(around.idle_timeout),
      registration_(around.registration),
      pick_chance_(stream(purpose("pick", settings_.name, around.only))),
      registration_chance_(stream(purpose("registration", settings_.name, around.only))),
      checks_(owner, purpose("health check", settings_.name, around.only), settings_.interval,
              settings_.timeout, around.checks, *this) {
  nodes_ = owner.nodes();
  if (settings_.tcp_checks) checks_.check_connections_only();
  if (settings_.stickiness) cookies_.emplace(*settings_.stickiness);
}

void TargetGroup::wire(sim::Wiring& wiring) {
  if (settings_.function.empty()) {
    service_ = &wiring.find<Targets>(settings_.targets);
  } else {
    function_ = &wiring.find<Callable>(settings_.function);
  }
}

void TargetGroup::attach() {
  const std::uint32_t targets = is_lambda() ? 1 : service_->max_targets();
  targets_.resize(targets);
  checks_.set_targets(targets);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node node{TargetSelection(settings_.algorithm, targets),
              SlowStart(settings_.slow_start, targets),
              std::nullopt,
              std::vector<HealthState>(targets, fresh()),
              std::vector<HealthState::State>(targets, HealthState::State::initial),
              std::vector<IdleConnections>(targets),
              {},
              {}};
    if (settings_.mitigation) node.mitigation.emplace(*settings_.mitigation, targets);
    if (is_lambda()) node.selection.set_eligible(0, true);
    balancers_.push_back(std::move(node));
  }
  if (is_lambda()) return;
  service_->observe_targets(*this);
  if (settings_.mitigation)
    sim().after<&TargetGroup::on_weights_due>(settings_.mitigation->period, this);
}

void TargetGroup::set_deregistration_delays(
    const std::vector<std::unique_ptr<TargetGroup>>& groups) {
  for (const auto& group : groups) {
    if (group->is_lambda()) continue;
    Duration delay{0};
    for (const auto& other : groups) {
      if (other->service_ == group->service_) {
        delay = std::max(delay, other->deregistration_delay());
      }
    }
    group->service_->set_deregistration_delay(delay);
  }
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

std::uint32_t TargetGroup::pick(std::uint32_t n, const Call& request) {
  Node& node = balancers_[n];
  const auto sticky = cookies_ ? sticky_target(node, request) : std::nullopt;
  return sticky ? *sticky : pick_by_algorithm(node);
}

std::uint32_t TargetGroup::choose(std::uint32_t n, const Call& request) {
  const std::uint32_t target = pick(n, request);
  balancers_[n].selection.began(target);
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

std::uint32_t TargetGroup::pick_by_algorithm(Node& node) {
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
      settings_.keep_alive == sim::forever
          ? Duration::zero()
          : 2 * sim().network().one_way(zone_of(node), targets_[target].zone);
  return balancers_[node].connections[target].take(sim().now(), idle_timeout_, settings_.keep_alive,
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
  if (!cookies_ || request.caller_done || (settings_.app_cookie && child.outcome != Outcome::ok))
    return;
  cookies_->set(request.caller, request.caller_node, child.callee_node, child.callee_life,
                sim().now());
}

void TargetGroup::on_weights_due() {
  sim().after<&TargetGroup::on_weights_due>(settings_.mitigation->period, this);
  for (Node& node : balancers_) node.mitigation->adjust(node.selection.eligible());
}

// --- targets and their health

void TargetGroup::count(std::uint32_t n, std::uint32_t target, bool in) {
  Node& node = balancers_[n];
  const HealthState::State state = node.health[target];
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
    node.health[target] = at_start ? HealthState::State::healthy : HealthState::State::initial;
    node.found[target] = fresh(node.health[target]);
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
  balancer_.on_target_left(*this, target);
  tell_balancer();
}

void TargetGroup::on_checked(std::uint32_t n, std::uint32_t target, bool passed) {
  HealthState& found = balancers_[n].found[target];
  if (!found.record(passed)) return;
  if (!settings_.consensus) {
    set_health(n, target, found.state());
    return health_changed(n, target);
  }
  const HealthState::State verdict = consensus(target);
  if (verdict == balancers_[n].health[target]) return;
  for (std::uint32_t i = 0; i < balancers_.size(); ++i) set_health(i, target, verdict);
  health_changed(n, target);
  if (verdict == HealthState::State::unhealthy) balancer_.on_target_unhealthy(*this, target);
}

// What most living nodes find that have a word on it. The first word counts, and a tie leaves
// things as they are (UNSOURCED).
HealthState::State TargetGroup::consensus(std::uint32_t target) const {
  std::uint32_t well = 0, ill = 0;
  for (std::uint32_t n = 0; n < balancers_.size(); ++n) {
    if (!node_up(n)) continue;
    well += balancers_[n].found[target].healthy();
    ill += balancers_[n].found[target].state() == HealthState::State::unhealthy;
  }
  if (well == ill) return balancers_[0].health[target];
  return well > ill ? HealthState::State::healthy : HealthState::State::unhealthy;
}

void TargetGroup::set_health(std::uint32_t n, std::uint32_t target, HealthState::State state) {
  Node& node = balancers_[n];
  count(n, target, false);
  node.health[target] = state;
  if (!is_healthy(n, target)) node.slow_start.end(target);
  // Not in a group without a healthy target that has had its slow start.
  if (is_healthy(n, target) && node.reach.healthy > node.slow_start.starting()) {
    node.slow_start.begin(target, sim().now());
  }
  count(n, target, true);
  refresh(n, target);
}

void TargetGroup::refresh(std::uint32_t n, std::uint32_t target) {
  Node& node = balancers_[n];
  const bool to_all = too_few(settings_.routing, node.reach);
  if (to_all == node.routes_to_all) return place(n, target);
  node.routes_to_all = to_all;
  for (std::uint32_t t = 0; t < targets_.size(); ++t) place(n, t);
}

void TargetGroup::place(std::uint32_t n, std::uint32_t target) {
  Node& node = balancers_[n];
  node.selection.set_eligible(target, targets_[target].registered && in_reach(n, target) &&
                                          (node.routes_to_all || is_healthy(n, target)));
}

void TargetGroup::health_changed(std::uint32_t node, std::uint32_t target) {
  const bool healthy = is_healthy(node, target);
  std::uint32_t agree = 0;
  for (std::uint32_t n = 0; n < balancers_.size(); ++n) {
    agree += node_up(n) && is_healthy(n, target) == healthy;
  }
  if (agree == 1 || settings_.consensus) {  // the first node to see it
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
    any_healthy |= is_healthy(n, target);
    any_initial |= balancers_[n].health[target] == HealthState::State::initial;
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
    if (node_up(n) && !sim().network().cut_off(zone_of(n)) && healthy(n) > 0) return true;
  }
  return false;
}

bool TargetGroup::good_for_dns(std::uint32_t node) const {
  const Counts& reach = balancers_[node].reach;
  return reach.registered == reach.initial || !too_few(settings_.dns, reach);
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
    balancers_[n].found[t] = fresh();
    if (!settings_.consensus) balancers_[n].health[t] = HealthState::State::initial;
    forget(balancers_[n], t);
    if (targets_[t].registered) count(n, t, true);
    refresh(n, t);
  }
  tell_balancer();
}

}  // namespace windtunnel
