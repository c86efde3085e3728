#include "models/mechanisms/connector.hpp"

#include <algorithm>

#include "models/mechanisms/geography.hpp"
#include "sim/check.hpp"

namespace windtunnel {

using sim::Duration;
using sim::Handle;
using sim::Time;

namespace {

Time after(Time now, Duration time) { return time < Time::max() - now ? now + time : Time::max(); }

}  // namespace

Connections::Connections(sim::Component& owner, const std::string& purpose, std::uint32_t machines,
                         sim::ZoneId zone, Callable& target, const Settings& settings,
                         const Resolvers::Settings* resolvers, Listener* listener)
    : Entity(owner, purpose),
      target_(target),
      settings_(settings),
      chance_(stream("dns of " + purpose)),
      direct_(target.direct()),
      first_socket_(direct_ ? 0 : sim().add_sockets(machines)),
      from_(zone < sim().network().zones() ? location_of(sim().network(), zone) : nullptr),
      listener_(listener),
      links_(machines),
      lane_(*this, settings.connect_timeout) {
  set_zone(zone);
  if (resolvers != nullptr) {
    resolvers_.emplace(target, settings.operation, *resolvers, machines, book_, chance_,
                       stream("resolvers of " + purpose)());
  }
}

void Connections::connect_first(std::uint32_t machine, Handle call) {
  Link& link = links_[machine];
  if (direct_) {
    link.address =
        target_.resolve({settings_.operation, chance_, from_, nullptr, from_}).addresses.at(0);
    link.connected = true;
    return sim().send(call, link.address);
  }
  link.connected = false;
  if (link.slot != none) return connecting_[link.slot]->joined.push_back(call);
  const std::uint32_t slot = begin(machine);
  connecting_[slot]->waiting = call;
  look_up(slot);
}

std::uint32_t Connections::begin(std::uint32_t machine) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(connecting_.size()));
    connecting_.push_back(std::make_unique<Connecting>());
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  Connecting& it = *connecting_[slot];
  it.machine = machine;
  it.attempt = ++attempts_;
  it.tried = 0;
  links_[machine].slot = slot;
  links_[machine].asked_for = sim().now();
  return slot;
}

void Connections::look_up(std::uint32_t slot) {
  const Connecting& it = *connecting_[slot];
  if (links_[it.machine].answer_expires > sim().now()) return try_next_address(slot);
  const std::uint64_t argument = std::uint64_t{slot} << 32 | it.attempt;
  Duration time = settings_.dns_lookup.sample(chance_);
  if (resolvers_) time += resolvers_->recursion(it.machine, sim().now(), chance_);
  if (time == Duration::zero()) return on_looked_up(argument);
  sim().after<&Connections::on_looked_up>(time, this, argument);
}

void Connections::on_looked_up(std::uint64_t slot_and_attempt) {
  const auto slot = static_cast<std::uint32_t>(slot_and_attempt >> 32);
  const Connecting& it = *connecting_[slot];
  if (static_cast<std::uint32_t>(slot_and_attempt) != it.attempt) return;
  ask(it.machine);
  try_next_address(slot);
}

// What is asked is kept by the machine as its runtime does, or by the settings.
void Connections::ask(std::uint32_t machine) {
  Link& link = links_[machine];
  const Time now = sim().now();
  const std::uint32_t before = link.answer;
  Duration kept{0};
  if (resolvers_) {
    const Resolvers::Given given = resolvers_->ask(machine, now);
    book_.hold(given.answer);
    link.answer = given.answer;
    link.answer_given = given.given;
    kept = resolvers_->kept_by_runtime(machine, given);
    if (listener_ != nullptr) listener_->on_looked_up(machine, given.recursion);
  } else {
    link.answer =
        book_.enter(target_.resolve({settings_.operation, chance_, from_, nullptr, from_}));
    link.answer_given = Resolvers::in_ms(now);
    const Resolution& answer = book_[link.answer];
    if (!answer.addresses.empty()) kept = std::max(answer.ttl, settings_.least_dns_ttl);
  }
  if (before != none) book_.release(before);
  link.answer_expires = after(now, kept);
  link.next_address = 0;
}

void Connections::try_next_address(std::uint32_t slot) {
  Connecting& it = *connecting_[slot];
  Link& link = links_[it.machine];
  const Resolution& answer = book_[link.answer];
  if (listener_ != nullptr && it.tried == 0) {
    listener_->on_answer_used(
        it.machine, answer,
        sim().now() - (sim::time_zero + std::chrono::milliseconds(link.answer_given)));
  }
  if (it.tried >= answer.addresses.size()) return fail_waiting(slot);
  const sim::Address address = answer.addresses[link.next_address % answer.addresses.size()];
  ++it.tried;
  if (listener_ != nullptr) listener_->on_connecting(it.machine, address);
  it.connect_call = sim().open_call(*this, slot, sim::Operation::connect);
  if (++link.life == 0) link.life = 1;
  sim().call(it.connect_call).connection = connection_of(it.machine);
  lane_.enter(sim().call(it.connect_call), it.connect_call);
  sim().send(it.connect_call, address);
}

void Connections::on_answer(sim::Call& call, Handle handle) {
  const std::uint32_t slot = call.caller_node;
  if (handle != connecting_[slot]->connect_call) return;
  if (call.outcome != sim::Outcome::ok) return on_timeout(call, handle);
  connected_now(slot, call);
}

void Connections::on_timeout(sim::Call& call, Handle handle) {
  const std::uint32_t slot = call.caller_node;
  Connecting& it = *connecting_[slot];
  if (handle != it.connect_call) return;
  it.connect_call = {};
  ++links_[it.machine].next_address;
  try_next_address(slot);
}

template <typename Each>
void Connections::each_waiting(const Connecting& it, Each&& each) {
  if (still_wanted(it.waiting)) each(it.waiting);
  for (const Handle joined : it.joined) {
    if (still_wanted(joined)) each(joined);
  }
}

void Connections::connected_now(std::uint32_t slot, const sim::Call& call) {
  Connecting& it = *connecting_[slot];
  Link& link = links_[it.machine];
  const Resolution& answer = book_[link.answer];
  const Time now = sim().now();
  link.address = {call.callee, call.callee_node, call.callee_life};
  link.slot = none;
  link.connected = true;
  link.last_used = now;
  link.idle_timeout = number_of(std::min(settings_.idle_timeout, answer.connection_idle));
  link.closes = after(now, answer.connection_lifetime);
  // Nobody joins those who wait any more.
  const sim::Address address = link.address;
  const Handle connection = connection_of(it.machine);
  each_waiting(it, [&](Handle waiting) {
    sim().call(waiting).connection = connection;
    sim().send(waiting, address);
  });
  free_slot(slot);
}

void Connections::fail_waiting(std::uint32_t slot) {
  Connecting& it = *connecting_[slot];
  links_[it.machine].slot = none;
  // No address answered: the answer is asked for anew next time, if its TTL allows.
  each_waiting(it, [&](Handle waiting) { sim().fail(waiting, sim::Outcome::connect_timeout); });
  free_slot(slot);
}

void Connections::free_slot(std::uint32_t slot) {
  Connecting& it = *connecting_[slot];
  it.attempt = 0;
  it.connect_call = {};
  it.waiting = {};
  it.joined.clear();
  free_.push_back(slot);
}

std::uint8_t Connections::number_of(Duration idle_timeout) {
  const auto known = std::find(idle_timeouts_.begin(), idle_timeouts_.end(), idle_timeout);
  const auto number = static_cast<std::size_t>(known - idle_timeouts_.begin());
  if (known == idle_timeouts_.end()) idle_timeouts_.push_back(idle_timeout);
  WT_CHECK(number < 0xff, "servers keep connections for a few different times");
  return static_cast<std::uint8_t>(number);
}

void Connections::reset(std::uint32_t machine) {
  Link& link = links_[machine];
  link.connected = false;
  link.answer_expires = sim::time_zero;
  ++attempts_;
  if (link.slot == none) return;
  Connecting& it = *connecting_[link.slot];
  sim().give_up(it.connect_call);
  each_waiting(it, [&](Handle call) { sim().give_up(call); });
  free_slot(link.slot);
  link.slot = none;
}

}  // namespace windtunnel
