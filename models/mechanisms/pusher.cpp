#include "models/mechanisms/pusher.hpp"

#include <algorithm>

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Outcome;
using sim::Time;

Pusher::Pusher(sim::Component& owner, MessageAccount& account, const Metrics& metrics)
    : Entity(owner, "deliveries"),
      owner_(owner),
      messages_(Messages::of(owner.sim())),
      account_(messages_.ledger().open(owner, account, *this)),
      metric_(metrics),
      connection_{.operation = sim::Operation::write, .idle_timeout = sim::horizon_limit},
      retry_chance_(owner.stream("delivery retries")) {}

Pusher::~Pusher() = default;

std::uint32_t Pusher::add(Endpoint endpoint) {
  const double rate = endpoint.rate;
  places_.push_back(std::unique_ptr<Place>(new Place{.settings = std::move(endpoint),
                                                     .lane = nullptr,
                                                     .connector = nullptr,
                                                     .to_dead_letters = nullptr,
                                                     .pacer = Pacer(rate),
                                                     .last_of_group = {}}));
  return static_cast<std::uint32_t>(places_.size() - 1);
}

void Pusher::wire(sim::Wiring& wiring) {
  set_zone(owner_.zone_of(0));
  for (std::size_t i = 0; i < places_.size(); ++i) {
    Place& place = *places_[i];
    const Endpoint& endpoint = place.settings;
    place.target = &wiring.find<Callable>(endpoint.target);
    if (auto* target = dynamic_cast<MessageTarget*>(sim().find_component(endpoint.target))) {
      place.is_messaging = true;
      place.kind = target->kind();
      place.is_function = place.kind == MessageTarget::Kind::function;
    }
    const std::string purpose = endpoint.target + " " + std::to_string(i);
    place.lane = std::make_unique<sim::Lane>(*this, endpoint.timeout);
    place.connector = std::make_unique<Connector>(owner_, 0, *place.target, connection_, purpose);
    if (endpoint.dead_letter_queue.empty()) continue;
    place.dead_letters = &wiring.find<Callable>(endpoint.dead_letter_queue);
    place.to_dead_letters = std::make_unique<Connector>(owner_, 0, *place.dead_letters, connection_,
                                                        purpose + " dead letters");
  }
}

MessageTarget::Kind Pusher::kind_of(std::uint32_t endpoint) const {
  return places_[endpoint]->kind;
}

void Pusher::push(std::uint32_t endpoint, const Message& message, Duration delay) {
  Place& place = *places_[endpoint];
  const std::uint32_t number = deliveries_.take();
  Delivery& delivery = deliveries_[number];
  delivery = {.message = message, .first = Time::max(), .endpoint = endpoint, .used = true};
  delivery.message.account = account_;
  if (place.settings.ordered) {
    std::uint32_t* last = place.last_of_group.find(message.key);
    if (last != nullptr) {
      deliveries_[*last].behind = number;
      *last = number;
      return;
    }
    place.last_of_group.insert(message.key, number);
  }
  sim().after<&Pusher::on_attempt_due>(delay + place.pacer.delay(sim().now()), this, number);
}

void Pusher::on_attempt_due(std::uint32_t number) {
  Delivery& delivery = deliveries_[number];
  Place& place = *places_[delivery.endpoint];
  ++delivery.attempts;
  if (delivery.first == Time::max()) delivery.first = sim().now();
  const Handle handle = sim().open_call(*this, 0, sim::Operation::write, Handle(number, 0));
  Call& call = sim().call(handle);
  call.request_class = delivery.message.request_class;
  if (place.is_messaging || delivery.dead) {
    const bool invokes = place.is_function && !delivery.dead;
    Batch& batch =
        messages_.put_into(call, invokes ? Batch::Action::invoke_async : Batch::Action::send);
    batch.dead_letters = delivery.dead;
    batch.messages.push_back(delivery.message);
  }
  place.lane->enter(call, handle);
  (delivery.dead ? place.to_dead_letters : place.connector)->dispatch(handle);
}

void Pusher::on_answer(Call& call, Handle) { attempted(call); }
void Pusher::on_timeout(Call& call, Handle) { attempted(call); }

void Pusher::attempted(const Call& call) {
  const std::uint32_t number = call.context.slot();
  Delivery& delivery = deliveries_[number];
  Place& place = *places_[delivery.endpoint];
  if (call.outcome == Outcome::ok) return succeeded(number);
  if (call.outcome == Outcome::timeout || call.outcome == Outcome::connection_reset) {
    (delivery.dead ? place.to_dead_letters : place.connector)->on_call_failed(call);
  }
  const Batch* batch = messages_.find(call);
  const bool for_good =
      batch != nullptr && !batch->messages.empty() && batch->messages[0].result == Entry::refused;
  const auto pause = for_good ? std::nullopt
                              : place.settings.retry.pause(
                                    delivery.attempts, sim().now() - delivery.first, retry_chance_);
  if (!pause) return give_up(number);
  metric_.retried.add();
  sim().after<&Pusher::on_attempt_due>(*pause, this, number);
}

void Pusher::succeeded(std::uint32_t number) {
  const Delivery& delivery = deliveries_[number];
  const Place& place = *places_[delivery.endpoint];
  (delivery.dead ? metric_.dead_lettered : metric_.delivered).add();
  LossLedger& ledger = messages_.ledger();
  // Still here: it was known to the receiver already, or the receiver keeps no messages.
  if (ledger.has(account_, delivery.message.number)) {
    if (!place.is_messaging) ledger.effect(delivery.message);
    ledger.end(delivery.message.number, place.is_messaging ? Fate::discarded : Fate::delivered);
  }
  finish(number);
}

void Pusher::give_up(std::uint32_t number) {
  Delivery& delivery = deliveries_[number];
  if (!delivery.dead) metric_.failed.add();
  const bool here = messages_.ledger().has(account_, delivery.message.number);
  if (here && !delivery.dead && places_[delivery.endpoint]->dead_letters != nullptr) {
    delivery.dead = true;
    delivery.attempts = 0;
    delivery.first = Time::max();
    return on_attempt_due(number);
  }
  if (here) messages_.ledger().end(delivery.message.number, Fate::lost);
  finish(number);
}

void Pusher::finish(std::uint32_t number) {
  Delivery& delivery = deliveries_[number];
  Place& place = *places_[delivery.endpoint];
  if (delivery.behind != no_slot) {
    sim().after<&Pusher::on_attempt_due>(place.pacer.delay(sim().now()), this, delivery.behind);
  } else if (place.settings.ordered) {
    place.last_of_group.erase(delivery.message.key);
  }
  delivery.used = false;
  deliveries_.give_back(number);
}

std::uint64_t Pusher::messages_held() const {
  std::uint64_t held = 0;
  for (std::uint32_t i = 0; i < deliveries_.slots(); ++i) {
    const Delivery& delivery = deliveries_[i];
    held += delivery.used && messages_.ledger().has(account_, delivery.message.number);
  }
  return held;
}

}  // namespace windtunnel
