#include "models/mechanisms/flows.hpp"

#include <algorithm>

namespace windtunnel {

using sim::Call;
using sim::Handle;
using sim::Operation;
using sim::Outcome;

namespace {
// A target answers a new connection within this, or its packets are dropped (NLB guide, Target
// groups: client IP preservation, return path).
constexpr sim::Duration connect_limit{std::chrono::seconds(30)};
}  // namespace

Flows::Flows(sim::Entity& owner, std::string_view purpose, Owner& policy, const Settings& settings,
             const Metrics& metrics)
    : Entity(owner, purpose),
      policy_(policy),
      settings_(settings),
      metric_(metrics),
      connect_lane_(*this, connect_limit),
      idle_lane_(*this, settings.idle_timeout),
      way_chance_(stream(std::string(purpose) + " resets")),
      in_hand_(std::max<std::size_t>(owner.nodes().size(), 1)) {
  nodes_ = owner.nodes();
  set_zone(owner.zone_of(0));
}

Flows::Flow* Flows::find(Handle connection) {
  if (!connection || connection.slot() >= flows_.size()) return nullptr;
  Flow& flow = flows_[connection.slot()];
  return flow.opener != nullptr && flow.life >= connection.life() ? &flow : nullptr;
}

void Flows::enter(const Call& opening, const Route& route) {
  const Handle connection = opening.connection;
  if (!connection) return;
  if (connection.slot() >= flows_.size()) flows_.resize(connection.slot() + 1);
  flows_[connection.slot()] = {.opener = opening.caller,
                               .to = route.to,
                               .used = sim().now(),
                               .opener_node = opening.caller_node,
                               .node = opening.callee_node,
                               .life = connection.life(),
                               .destination = route.destination};
}

void Flows::erase(Handle connection) {
  Flow* flow = find(connection);
  if (flow != nullptr && flow->life == connection.life()) *flow = {};
}

void Flows::connect(Call& call, Handle handle) {
  const auto route = policy_.route(call.callee_node, call);
  if (!route) return refuse(handle, metric_.refused);
  enter(call, *route);
  if (!settings_.datagrams) return pass(call, handle, *route);
  metric_.opened.add();
  sim().answer(handle, Outcome::ok);
}

void Flows::request(Call& call, Handle handle) {
  Flow* flow = find(call.connection);
  if (flow != nullptr && (alive(*flow) || policy_.keeps(flow->node, flow->destination))) {
    flow->used = sim().now();
    return pass(call, handle, {flow->to, flow->destination});
  }
  if (call.connection && !settings_.datagrams && !settings_.transparent) {
    erase(call.connection);
    return refuse(handle, metric_.own_resets);
  }
  const auto route = policy_.route(call.callee_node, call);
  if (!route) return refuse(handle, metric_.refused);
  enter(call, *route);
  metric_.opened.add();
  pass(call, handle, *route);
}

void Flows::pass(Call& call, Handle handle, const Route& route) {
  in_hand_of(call).take(call, handle);
  call.work_as<Passing>().destination = route.destination;
  const sim::Address detour = policy_.detour(route.destination);
  detour ? hop(call, handle, Leg::detour, detour) : hop(call, handle, Leg::onward, route.to);
}

// After its detour.
void Flows::go_on(Call& call, Handle handle) {
  if (const Flow* flow = find(call.connection)) return hop(call, handle, Leg::onward, flow->to);
  const auto route = policy_.route(call.callee_node, call);
  route ? hop(call, handle, Leg::onward, route->to) : lose(call, handle);
}

void Flows::hop(Call& call, Handle handle, Leg leg, const sim::Address& to) {
  const auto node = static_cast<std::uint32_t>(call.callee_node % in_hand_.size());
  const bool opens = call.operation == Operation::connect;
  const Operation operation = leg == Leg::onward || opens ? call.operation : Operation::read;
  const Handle child = sim().open_call(*this, node, operation, handle);
  Call& next = sim().call(child);
  next.tag = leg;
  if (leg == Leg::onward) {
    next.request_class = call.request_class;
    next.service_time = call.service_time;
    next.payload = call.payload;
    next.connection = call.connection;
  }
  (opens ? connect_lane_ : idle_lane_).enter(next, child);
  sim().send(child, to);
}

void Flows::refuse(Handle handle, sim::Counter& why) {
  why.add();
  settings_.transparent ? sim().drop(handle) : sim().answer(handle, Outcome::connection_reset);
}

void Flows::finish(Call& call, Handle handle, Outcome outcome) {
  in_hand_of(call).forget(sim(), call);
  sim().answer(handle, outcome);
}

// Nobody hears of it.
void Flows::lose(Call& call, Handle handle) {
  in_hand_of(call).forget(sim(), call);
  sim().drop(handle);
}

void Flows::on_answer(Call& next, Handle) {
  const Handle handle = next.context;
  Call* call = sim().find_call(handle);
  if (call == nullptr || !in_hand_of(*call).holds(*call, handle)) return;
  Passing& passing = call->work_as<Passing>();
  if (next.tag == Leg::onward) {
    answered(*call, next);
    const sim::Address detour = policy_.detour(passing.destination);
    if (!detour) return finish(*call, handle, next.outcome);
    passing.outcome = next.outcome;
    return hop(*call, handle, Leg::detour_back, detour);
  }
  if (next.outcome != Outcome::ok) return lose(*call, handle);
  next.tag == Leg::detour ? go_on(*call, handle) : finish(*call, handle, passing.outcome);
}

void Flows::answered(Call& call, const Call& next) {
  const bool opens = next.operation == Operation::connect;
  if (next.outcome == Outcome::connection_reset) {
    (opens ? metric_.refused : metric_.far_resets).add();
    erase(next.connection);
  } else if (Flow* flow = find(next.connection); flow != nullptr) {
    flow->used = sim().now();
  }
  if (opens && next.outcome == Outcome::ok) metric_.opened.add();
  call.payload = next.payload;
}

// No word from the target: none to the opener.
void Flows::on_timeout(Call& next, Handle) {
  const Handle handle = next.context;
  Call* call = sim().find_call(handle);
  if (call == nullptr || !in_hand_of(*call).holds(*call, handle)) return;
  const Flow* flow = find(call->connection);
  if (next.operation == Operation::connect) {
    metric_.refused.add();
    erase(call->connection);
  } else if (flow != nullptr && !alive(*flow)) {
    erase(call->connection);
  }
  lose(*call, handle);
}

void Flows::tell_opener(const Flow& flow, std::uint32_t number) {
  const auto node = static_cast<std::uint32_t>(flow.node % in_hand_.size());
  const sim::Duration way = sim().network().travel(
      zone_of(node), flow.opener->zone_of(flow.opener_node), Operation::read, way_chance_);
  sim().after<&Entity::on_connection_reset>(way, flow.opener, Handle(number, flow.life));
}

void Flows::reset(std::uint32_t destination, Told told) {
  for (std::uint32_t number = 0; number < flows_.size(); ++number) {
    Flow& flow = flows_[number];
    if (flow.opener == nullptr || flow.destination != destination) continue;
    if (told == Told::at_once && alive(flow) && !settings_.datagrams) {
      metric_.own_resets.add();
      tell_opener(flow, number);
    }
    flow = {};
  }
  for (InHand<Passing>& in_hand : in_hand_) {
    in_hand.reset_if(
        sim(), [&](Call& call) { return call.work_as<Passing>().destination == destination; });
  }
}

void Flows::forget(std::uint32_t destination) {
  for (Flow& flow : flows_) {
    if (flow.opener != nullptr && flow.destination == destination) flow = {};
  }
}

// The other end of a connection that came through here is a hop like this one.
void Flows::on_connection_reset(Handle connection) {
  Flow* flow = find(connection);
  if (flow == nullptr || flow->life != connection.life()) return;
  metric_.far_resets.add();
  tell_opener(*flow, connection.slot());
  *flow = {};
}

void Flows::forget_node(std::uint32_t node) {
  for (Flow& flow : flows_) {
    if (flow.opener != nullptr && flow.node % in_hand_.size() == node) flow = {};
  }
  in_hand_[node].lose(sim(), sim::HostLoss::silence, [](const Call&) {});
}

std::uint32_t Flows::active() const {
  std::uint32_t count = 0;
  for (const Flow& flow : flows_) count += alive(flow);
  return count;
}

}  // namespace windtunnel
