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
  if (flow != nullptr && alive(*flow)) {
    flow->used = sim().now();
    return pass(call, handle, {flow->to, flow->destination});
  }
  if (call.connection && !settings_.datagrams) {
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
  InHand<Passing>& in_hand = in_hand_of(call);
  in_hand.take(call, handle);
  call.work_as<Passing>().destination = route.destination;
  const auto node = static_cast<std::uint32_t>(call.callee_node % in_hand_.size());
  const Handle onward = sim().open_call(*this, node, call.operation, handle);
  Call& next = sim().call(onward);
  next.request_class = call.request_class;
  next.service_time = call.service_time;
  next.payload = call.payload;
  next.connection = call.connection;
  (call.operation == Operation::connect ? connect_lane_ : idle_lane_).enter(next, onward);
  sim().send(onward, route.to);
}

void Flows::refuse(Handle handle, sim::Counter& why) {
  why.add();
  sim().answer(handle, Outcome::connection_reset);
}

void Flows::on_answer(Call& next, Handle) {
  Call* call = sim().find_call(next.context);
  if (call == nullptr || !in_hand_of(*call).holds(*call, next.context)) return;
  const bool opens = next.operation == Operation::connect;
  if (next.outcome == Outcome::connection_reset) {
    (opens ? metric_.refused : metric_.far_resets).add();
    erase(next.connection);
  } else if (Flow* flow = find(next.connection); flow != nullptr) {
    flow->used = sim().now();
  }
  if (opens && next.outcome == Outcome::ok) metric_.opened.add();
  call->payload = next.payload;
  in_hand_of(*call).forget(sim(), *call);
  sim().answer(next.context, next.outcome);
}

// No word from the target: none to the opener.
void Flows::on_timeout(Call& next, Handle) {
  Call* call = sim().find_call(next.context);
  if (call == nullptr || !in_hand_of(*call).holds(*call, next.context)) return;
  const Flow* flow = find(next.connection);
  if (next.operation == Operation::connect) {
    metric_.refused.add();
    erase(next.connection);
  } else if (flow != nullptr && !alive(*flow)) {
    erase(next.connection);
  }
  in_hand_of(*call).forget(sim(), *call);
  sim().drop(next.context);
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
