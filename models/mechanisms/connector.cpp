#include "models/mechanisms/connector.hpp"

#include <algorithm>
#include <utility>

namespace windtunnel {

using sim::Duration;
using sim::Handle;
using sim::Time;

Connector::Connector(sim::Component& owner, std::uint32_t node, Callable& target,
                     const Settings& settings, std::string_view purpose)
    : Entity(owner, std::string(purpose) + " " + std::to_string(node)),
      owner_(owner),
      node_(node),
      target_(target),
      settings_(settings),
      chance_(stream("dns of " + std::string(purpose) + " " + std::to_string(node))),
      direct_(target.direct()),
      connection_(direct_ ? sim::Handle() : sim::Handle(sim().add_socket(), 0)),
      lane_(*this, settings.connect_timeout) {
  set_zone(owner.zone_of(node));
}

Connector::~Connector() = default;

void Connector::connect_first(Handle call) {
  if (direct_) {
    answer_ = target_.resolve({settings_.operation, chance_});
    address_ = answer_.addresses.at(0);
    connected_ = true;
    return sim().send(call, address_);
  }
  connected_ = false;
  waiting_.push_back(call);
  if (connecting_) return;
  connecting_ = true;
  asked_for_ = sim().now();
  ++attempt_;
  tried_ = 0;
  look_up();
}

void Connector::look_up() {
  if (answer_expires_ > sim().now()) return try_next_address();
  const Duration time = settings_.dns_lookup.sample(chance_);
  if (time == Duration::zero()) return on_looked_up(attempt_);
  sim().after<&Connector::on_looked_up>(time, this, attempt_);
}

void Connector::on_looked_up(std::uint64_t attempt) {
  if (attempt != attempt_ || !connecting_) return;
  answer_ = target_.resolve({settings_.operation, chance_});
  const Duration ttl =
      answer_.addresses.empty() ? Duration::zero() : std::max(answer_.ttl, settings_.least_dns_ttl);
  answer_expires_ = ttl < Time::max() - sim().now() ? sim().now() + ttl : Time::max();
  next_address_ = 0;
  try_next_address();
}

void Connector::try_next_address() {
  if (tried_ >= answer_.addresses.size()) return fail_waiting();
  const sim::Address& address = answer_.addresses[next_address_ % answer_.addresses.size()];
  ++tried_;
  connect_call_ = sim().open_call(*this, 0, sim::Operation::connect);
  connection_ = sim::Handle(connection_.slot(), connection_.life() + 1);
  sim().call(connect_call_).connection = connection_;
  lane_.enter(sim().call(connect_call_), connect_call_);
  sim().send(connect_call_, address);
}

void Connector::on_answer(sim::Call& call, Handle handle) {
  if (handle != connect_call_ || !connecting_) return;
  if (call.outcome != sim::Outcome::ok) return on_timeout(call, handle);
  address_ = {call.callee, call.callee_node, call.callee_life};
  connected_now();
}

void Connector::on_timeout(sim::Call&, Handle handle) {
  if (handle != connect_call_ || !connecting_) return;
  connect_call_ = {};
  ++next_address_;
  try_next_address();
}

void Connector::connected_now() {
  connect_call_ = {};
  connecting_ = false;
  connected_ = true;
  const Time now = sim().now();
  last_used_ = now;
  idle_timeout_ = std::min(settings_.idle_timeout, answer_.connection_idle);
  closes_ = answer_.connection_lifetime < Time::max() - now ? now + answer_.connection_lifetime
                                                            : Time::max();
  const sim::Address address = address_;
  const Handle connection = connection_;
  std::vector<Handle> calls = take_waiting();
  for (const Handle call : calls) {
    if (!still_wanted(call)) continue;
    sim().call(call).connection = connection;
    sim().send(call, address);
  }
  done_with(std::move(calls));
}

std::vector<Handle> Connector::take_waiting() {
  std::vector<Handle> calls;
  calls.swap(waiting_);
  waiting_.swap(released_);
  return calls;
}

void Connector::done_with(std::vector<Handle> calls) {
  calls.clear();
  released_.swap(calls);
}

void Connector::fail_waiting() {
  connecting_ = false;
  connect_call_ = {};
  // No address answered: the answer is asked for anew next time, if its TTL allows.
  std::vector<Handle> calls = take_waiting();
  for (const Handle call : calls) {
    if (still_wanted(call)) sim().fail(call, sim::Outcome::connect_timeout);
  }
  done_with(std::move(calls));
}

void Connector::reset() {
  connected_ = connecting_ = false;
  ++attempt_;
  sim().give_up(connect_call_);
  connect_call_ = {};
  answer_expires_ = sim::time_zero;
  for (const Handle call : waiting_) sim().give_up(call);
  waiting_.clear();
}

}  // namespace windtunnel
