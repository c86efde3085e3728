#include "models/network/application_load_balancer.hpp"

#include <fmt/format.h>

#include "models/mechanisms/placement.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/mechanisms/target_group_settings.hpp"
#include "models/network/application_load_balancer.pb.h"
#include "models/registry.hpp"

namespace windtunnel {

using sim::Call;
using sim::Handle;
using sim::Operation;
using sim::Outcome;

namespace {

// What a call to a target is for, beside its group's number: it meets a connection that the target
// has just closed.
constexpr std::uint32_t closing = 1u << 16;
// ELB guide, Lambda functions as targets: the body of a request is at most 1 MB.
constexpr std::int64_t largest_body_of_a_function = 1 << 20;
std::uint16_t group_of_tag(std::uint32_t tag) { return static_cast<std::uint16_t>(tag); }

GrowingCapacity::Settings capacity_of(const settings::ApplicationLoadBalancer::Capacity& c) {
  return {c.initial(),
          c.reserved(),
          c.utilization(),
          c.growth(),
          to_duration(c.growth_time()),
          to_duration(c.shrink_after())};
}

}  // namespace

ApplicationLoadBalancer::ApplicationLoadBalancer(sim::Simulation& sim, const std::string& name,
                                                 const settings::ApplicationLoadBalancer& settings)
    : Component(sim, name),
      keep_alive_(to_duration(settings.client_keep_alive())),
      dns_ttl_(to_duration(settings.dns_ttl())),
      idle_timeout_(to_duration(settings.idle_timeout())),
      processing_(to_distribution(settings.processing_time())),
      answer_lane_(*this, idle_timeout_),
      connect_lane_(*this, to_duration(settings.connect_timeout())),
      group_chance_(stream("target group")),
      processing_chance_(stream("processing")) {
  for (const sim::ZoneId zone : zones_of(sim, settings)) {
    const auto node = static_cast<std::uint32_t>(nodes_.size());
    const std::string host = fmt::format("{}-node-{}", name, sim.network().name(zone));
    nodes_.push_back({sim.platform().add_host(host, zone, this, node), 0});
  }
  add_groups(settings);
  dns_ = std::make_unique<ZonalDns>(*this, *this, to_duration(settings.elb_dns_removal()),
                                    settings.zonal_shift());
  for (const auto& group : groups_) dns_->set_coming(group->check_interval());
  add_rules(settings);
  if (settings.has_capacity()) {
    capacity_.emplace(*this, capacity_of(settings.capacity()), nodes_.size());
  }
  publish_metrics(settings);
}

void ApplicationLoadBalancer::add_groups(const settings::ApplicationLoadBalancer& settings) {
  const bool only = settings.target_groups_size() < 2;
  const TargetGroup::Surroundings around{
      .cross_zone = true,  // cannot be turned off here
      .idle_timeout = idle_timeout_,
      .registration = to_distribution(settings.target_registration()),
      .only = only,
      .metrics = only ? nullptr : &metric_set_,
      .checks = checks};
  const auto add = [&](const settings::TargetGroup& group) {
    groups_.push_back(std::make_unique<TargetGroup>(*this, *this, to_target_group(group), around));
  };
  for (const settings::TargetGroup& group : settings.target_groups()) add(group);
  if (groups_.empty()) add(settings.target_group());
}

void ApplicationLoadBalancer::add_rules(const settings::ApplicationLoadBalancer& settings) {
  const auto add = [&](const auto& forwards) -> Action& {
    Action& action = actions_.emplace_back();
    for (const auto& forward : forwards) {
      for (std::uint16_t g = 0; g < groups_.size(); ++g) {
        if (groups_[g]->name() != forward.target_group()) continue;
        action.groups.add(g, static_cast<double>(forward.weight()));
      }
    }
    return action;
  };
  for (const auto& rule : settings.rules()) {
    rules_.add(
        {{rule.host().begin(), rule.host().end()}, {rule.path().begin(), rule.path().end()}});
    Action& action = add(rule.forward());
    if (rule.has_stickiness()) action.cookies.emplace(to_duration(rule.stickiness()));
  }
  Action& otherwise = add(settings.default_action());
  if (settings.default_action().empty()) otherwise.groups.add(0, 1);
}

void ApplicationLoadBalancer::wire(sim::Wiring& wiring) {
  for (const auto& group : groups_) group->wire(wiring);
}

void ApplicationLoadBalancer::attach() {
  for (const auto& group : groups_) group->attach();
  TargetGroup::set_deregistration_delays(groups_);
}

void ApplicationLoadBalancer::start() {
  for (TargetObserver* observer : observers_) {
    for (std::uint32_t n = 0; n < nodes_.size(); ++n) observer->on_target_registered(n);
  }
  if (capacity_) capacity_->start();
}

// --- requests

void ApplicationLoadBalancer::on_request(Call& call, Handle handle) {
  metric.open.add(sim().now(), +1);
  call.work_as<Progress>() = {0, nodes_[call.callee_node].life, 0, 0};
  if (capacity_ && !capacity_->admits(call.callee_node)) {
    metric.rejected.add();
    return refuse(handle, Outcome::unavailable);
  }
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

std::uint16_t ApplicationLoadBalancer::group_of(std::uint16_t action, const Call& request) {
  Action& it = actions_[action];
  if (!it.cookies) return it.groups.draw(group_chance_);
  const auto* cookie = it.cookies->find(request.caller, request.caller_node, sim().now());
  return cookie != nullptr ? static_cast<std::uint16_t>(cookie->target)
                           : it.groups.draw(group_chance_);
}

void ApplicationLoadBalancer::route(Call& request, Handle handle) {
  const std::uint32_t node = request.callee_node;
  Progress& progress = request.work_as<Progress>();
  progress.action = rules_.find(sim(), request.request_class);
  progress.group = group_of(progress.action, request);
  TargetGroup& group = *groups_[progress.group];
  if (group.is_lambda() &&
      sim().request_class(request.request_class).bytes > largest_body_of_a_function) {
    metric.elb_413.add();
    return reply(handle, Outcome::error);
  }
  if (group.empty(node)) return refuse(handle, Outcome::unavailable);
  metric.requests.add();
  if (group.routes_to_all(node)) metric.fail_open.add();
  progress.target = group.choose(node, request);
  const sim::Address to = group.target_address(progress.target);
  switch (group.take_connection(node, progress.target)) {
    case IdleConnections::Taken::open:
      return forward(handle, to, progress.group);
    case IdleConnections::Taken::closing:
      return connect(handle, to, progress.group | closing);
    case IdleConnections::Taken::none:
      metric.new_connections.add();
      return connect(handle, to, progress.group);
  }
}

// A closed connection answers as an open port would: after one round trip, with a reset.
void ApplicationLoadBalancer::connect(Handle handle, const sim::Address& to, std::uint32_t tag) {
  const Handle child =
      sim().open_call(*this, sim().call(handle).callee_node, Operation::connect, handle);
  Call& call = sim().call(child);
  call.tag = tag;
  connect_lane_.enter(call, child);
  sim().send(child, to);
}

void ApplicationLoadBalancer::forward(Handle handle, const sim::Address& to, std::uint32_t tag) {
  const Call& request = sim().call(handle);
  const Handle child = sim().open_call(*this, request.callee_node, request.operation, handle);
  Call& call = sim().call(child);
  call.tag = tag;
  call.request_class = request.request_class;
  call.service_time = request.service_time;
  answer_lane_.enter(call, child);
  sim().send(child, to);
}

void ApplicationLoadBalancer::reply(Handle handle, Outcome outcome) {
  metric.open.add(sim().now(), -1);
  if (sim().call(handle).caller_done) metric.elb_460.add();
  sim().answer(handle, outcome);
}

// With an error of the load balancer's own.
void ApplicationLoadBalancer::refuse(Handle handle, Outcome outcome) {
  metric.elb_5xx.add();
  (outcome == Outcome::unavailable       ? metric.elb_503
   : outcome == Outcome::gateway_timeout ? metric.elb_504
                                         : metric.elb_502)
      .add();
  reply(handle, outcome);
}

void ApplicationLoadBalancer::on_answer(Call& child, Handle) {
  if (child.operation == Operation::connect && child.outcome == Outcome::ok) {
    if (is_gone(sim().call(child.context))) return request_ended(child);
    if ((child.tag & closing) == 0) {
      return forward(child.context, {child.callee, child.callee_node, child.callee_life},
                     child.tag);
    }
    child.outcome = Outcome::connection_reset;
  } else if (child.outcome == Outcome::timeout) {
    child.outcome = Outcome::error;  // a function's own: it has answered
  }
  request_ended(child);
}

void ApplicationLoadBalancer::on_timeout(Call& child, Handle) {
  if (child.operation == Operation::connect) metric.connection_errors.add();
  request_ended(child);
}

void ApplicationLoadBalancer::request_ended(Call& child) {
  Call& request = sim().call(child.context);
  if (is_gone(request)) {
    metric.open.add(sim().now(), -1);
    return sim().drop(child.context);
  }
  TargetGroup& group = *groups_[group_of_tag(child.tag)];
  group.ended(child);
  if (child.outcome == Outcome::timeout) return refuse(child.context, Outcome::gateway_timeout);
  if (child.outcome == Outcome::connection_reset) {
    return refuse(child.context, Outcome::bad_gateway);
  }
  const sim::Duration took = sim().now() - child.opened;
  metric.target_response.record(took);
  if (groups_.size() > 1) group.metric.response.record(took);
  if (group.is_lambda() && child.outcome != Outcome::ok) {
    (child.outcome == Outcome::throttled ? metric.lambda_internal : metric.lambda_user).add();
    return refuse(child.context, Outcome::bad_gateway);
  }
  if (child.outcome != Outcome::ok) {
    metric.target_5xx.add();
    group.metric.target_5xx.add();
  }
  group.answered(request, child);
  const Progress& progress = request.work_as<Progress>();
  auto& cookies = actions_[progress.action].cookies;
  if (cookies && !request.caller_done) {
    cookies->set(request.caller, request.caller_node, progress.group, 0, sim().now());
  }
  reply(child.context, child.outcome);
}

REGISTER_MODEL(ApplicationLoadBalancer, settings::ApplicationLoadBalancer);

}  // namespace windtunnel
