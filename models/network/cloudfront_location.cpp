#include "models/network/cloudfront_location.hpp"

#include <algorithm>

#include "models/network/cloudfront_distribution.hpp"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Operation;
using sim::Outcome;
using sim::Time;

using Key = ObjectCache::Key;

namespace {

// What a location keeps in a request it was sent: who waits next for the same fetch, later the
// dates of the answer, for the location that asked.
struct Waiting {
  Handle next;
};
struct Dates {
  Time expires, good_until;
};

// A location asks another for the object that the call's tag names; the answer came out of a cache
// if it bears this mark.
constexpr std::uint32_t out_of_cache_mark = 1u << 31;

constexpr int behavior_shift = 24;
constexpr float error_size = 1000;  // bytes (UNSOURCED)

Time later(Time date, Duration by) { return by < Time::max() - date ? date + by : Time::max(); }

// The HTTP status that an outcome stands for.
int status_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return 200;
    case Outcome::throttled:
      return 429;
    case Outcome::bad_gateway:
    case Outcome::connection_reset:
      return 502;
    case Outcome::overloaded:
    case Outcome::unavailable:
    case Outcome::abandoned:
    case Outcome::connect_timeout:
      return 503;
    case Outcome::gateway_timeout:
    case Outcome::timeout:
      return 504;
    case Outcome::error:
    case Outcome::read_only:
    case Outcome::breaker_open:
      break;
  }
  return 500;
}

}  // namespace

CloudFrontLocation::CloudFrontLocation(CloudFrontDistribution& distribution,
                                       const std::string& place, sim::ZoneId zone, double capacity,
                                       CloudFrontLocation* parent)
    : Entity(distribution, place),
      distribution_(distribution),
      place_(place),
      parent_(parent),
      cache_(capacity),
      object_chance_(stream("object")),
      function_chance_(stream("function")) {
  set_zone(zone);
}

void CloudFrontLocation::wire() {
  for (const CloudFrontOrigin& origin : distribution_.origins()) {
    links_.push_back(std::make_unique<CloudFrontOriginLink>(*this, origin));
  }
  for (const CloudFrontBehavior& behavior : distribution_.behaviors()) {
    targets_.push_back(behavior.target);
    nearest_.push_back(CloudFrontTarget::none);
    const double rate = behavior.function ? behavior.function->requests_per_second : 1;
    functions_.push_back({.rate = TokenBucket(rate, rate)});
  }
}

const CloudFrontBehavior& CloudFrontLocation::behavior_of(Key key) const {
  return distribution_.behaviors()[key >> behavior_shift];
}

// --- requests

void CloudFrontLocation::on_connect(Call& call, Handle handle) {
  lost_ ? sim().drop(handle) : Entity::on_connect(call, handle);
}

void CloudFrontLocation::on_request(Call& call, Handle handle) {
  if (lost_) return sim().drop(handle);
  if (is_edge()) return on_viewer_request(call, handle);
  serve(call.tag, call, handle);
}

void CloudFrontLocation::on_viewer_request(Call& call, Handle handle) {
  distribution_.metric.requests.add();
  const std::uint32_t b = distribution_.behavior_of(call.request_class);
  const CloudFrontBehavior& behavior = distribution_.behaviors()[b];
  const bool write = call.operation == Operation::write;
  if (write && !behavior.writes_allowed) {
    distribution_.metric.errors_4xx.add();
    return sim().answer(handle, Outcome::error);
  }
  const Key key = (b << behavior_shift) | (behavior.popularity.draw(object_chance_) - 1);
  if (write || !behavior.cached()) return begin_fetch(key, call, handle, false);
  serve(key, call, handle);
}

void CloudFrontLocation::serve(Key key, Call& call, Handle handle) {
  const Time now = sim().now();
  const ObjectCache::Entry* copy = cache_.find(key);
  if (copy != nullptr && now < copy->value.good_until) {
    if (is_edge() && copy->value.outcome == Outcome::ok) distribution_.metric.edge_hits.add();
    return reply(handle, answer_of(*copy));
  }
  const auto* fetch = in_flight_.find(key);
  const bool revalidates = copy != nullptr && copy->value.outcome == Outcome::ok &&
                           now < later(copy->expires, behavior_of(key).stale_while_revalidate);
  if (revalidates) {
    const Answer stale = answer_of(*copy);
    if (fetch == nullptr) begin_fetch(key, call, {}, true);
    return reply(handle, stale);
  }
  if (fetch == nullptr) return begin_fetch(key, call, handle, true);
  distribution_.metric.collapsed.add();
  wait_for(fetches_[fetch->value], handle);
}

CloudFrontLocation::Answer CloudFrontLocation::answer_of(const ObjectCache::Entry& copy) {
  return {.outcome = copy.value.outcome,
          .out_of_cache = true,
          .dated = true,
          .expires = copy.expires,
          .good_until = copy.value.good_until};
}

void CloudFrontLocation::reply(Handle handle, const Answer& answer) {
  if (lost_) return sim().drop(handle);
  Call& call = sim().call(handle);
  if (!is_edge()) {
    call.work_as<Dates>() = {answer.expires, answer.good_until};
    if (answer.out_of_cache) call.tag |= out_of_cache_mark;
    return sim().answer(handle, answer.outcome);
  }
  auto& metric = distribution_.metric;
  if (answer.outcome != Outcome::ok) {
    metric.errors_5xx.add();
  } else if (answer.dated) {
    metric.cacheable.add();
    if (answer.out_of_cache) metric.hits.add();
    if (answer.expires <= sim().now()) metric.stale.add();
  }
  if (!answer.out_of_cache) metric.origin_latency.record(sim().now() - call.arrived);
  sim().answer(handle, answer.outcome);
}

// --- fetches

void CloudFrontLocation::begin_fetch(Key key, const Call& call, Handle waiting, bool shared) {
  const Handle handle = fetches_.create();
  Fetch& fetch = fetches_[handle];
  fetch.key = key;
  fetch.request_class = call.request_class;
  fetch.target = targets_[key >> behavior_shift];
  fetch.shared = shared;
  fetch.write = call.operation == Operation::write;
  if (shared) in_flight_.put(key, handle, Time::max());
  if (waiting) wait_for(fetch, waiting);
  if (CloudFrontLocation* above = shared ? next_up(fetch) : nullptr) {
    return ask(*above, handle, fetch);
  }
  if (behavior_of(key).function) return run_function(handle, fetch);
  choose_origin(handle, fetch);
}

void CloudFrontLocation::wait_for(Fetch& fetch, Handle waiting) {
  sim().call(waiting).work_as<Waiting>().next = {};
  (fetch.first ? sim().call(fetch.last).work_as<Waiting>().next : fetch.first) = waiting;
  fetch.last = waiting;
}

// The cache to ask before the origin; nullptr: none.
CloudFrontLocation* CloudFrontLocation::next_up(const Fetch& fetch) const {
  if (is_edge()) return parent_;
  const CloudFrontTarget& target = distribution_.targets()[fetch.target];
  const std::string& shield = distribution_.origins()[target.primary].shield;
  if (shield.empty()) return nullptr;
  CloudFrontLocation& there = distribution_.regional_in(shield);
  return &there == this ? nullptr : &there;
}

void CloudFrontLocation::ask(CloudFrontLocation& location, Handle handle, Fetch& fetch) {
  fetch.asks_location = true;
  const Handle child = sim().open_call(*this, 0, Operation::read, handle);
  Call& call = sim().call(child);
  call.tag = fetch.key;
  call.request_class = fetch.request_class;
  sim().send(child, location.address_of(0));
}

void CloudFrontLocation::run_function(Handle handle, Fetch& fetch) {
  const auto& function = *behavior_of(fetch.key).function;
  Functions& here = functions_[fetch.key >> behavior_shift];
  if (here.running >= function.concurrency || !here.rate.take(sim().now())) {
    distribution_.metric.function_throttles.add();
    return finish(handle, {.outcome = Outcome::unavailable});
  }
  ++here.running;
  const Duration time = function.duration.sample(function_chance_);
  if (time > function.timeout) {
    return sim().after<&CloudFrontLocation::on_function_timed_out>(function.timeout, this, handle);
  }
  sim().after<&CloudFrontLocation::on_function_done>(time, this, handle);
}

void CloudFrontLocation::on_function_done(Handle handle) {
  Fetch& fetch = fetches_[handle];
  const std::uint32_t b = fetch.key >> behavior_shift;
  --functions_[b].running;
  const auto& among = distribution_.behaviors()[b].function->nearest_of;
  if (!among.empty()) {
    if (nearest_[b] == CloudFrontTarget::none) nearest_[b] = nearest(among);
    fetch.target = nearest_[b];
  }
  choose_origin(handle, fetch);
}

void CloudFrontLocation::on_function_timed_out(Handle handle) {
  --functions_[fetches_[handle].key >> behavior_shift].running;
  finish(handle, {.outcome = Outcome::unavailable});
}

// Of several targets, the one whose primary is the fewest milliseconds away; the first of equals.
std::uint16_t CloudFrontLocation::nearest(const std::vector<std::uint16_t>& targets) {
  std::uint16_t best = targets.front();
  Duration least = sim::forever;
  for (const std::uint16_t target : targets) {
    const auto address = links_[distribution_.targets()[target].primary]->next_address(sim().now());
    if (!address) continue;
    const Duration way = sim().network().one_way(zone(), address->entity->zone_of(address->node));
    if (way >= least) continue;
    least = way;
    best = target;
  }
  return best;
}

void CloudFrontLocation::choose_origin(Handle handle, Fetch& fetch) {
  fetch.origin = distribution_.targets()[fetch.target].primary;
  fetch.attempts = 0;
  fetch.failed_over = false;
  try_origin(handle, fetch);
}

void CloudFrontLocation::try_origin(Handle handle, Fetch& fetch) {
  ++fetch.attempts;
  CloudFrontOriginLink& link = *links_[fetch.origin];
  if (const auto open = link.take_connection(sim().now())) {
    return send_to_origin(handle, fetch, *open);
  }
  const auto address = link.next_address(sim().now());
  if (!address) return origin_failed(handle, fetch, Outcome::bad_gateway, 502);
  const Handle child = sim().open_call(*this, 0, Operation::connect, handle);
  link.connecting.enter(sim().call(child), child);
  sim().send(child, *address);
}

void CloudFrontLocation::send_to_origin(Handle handle, const Fetch& fetch,
                                        const sim::Address& address) {
  distribution_.metric.origin_requests.add();
  const Handle child =
      sim().open_call(*this, 0, fetch.write ? Operation::write : Operation::read, handle);
  Call& call = sim().call(child);
  call.request_class = fetch.request_class;
  links_[fetch.origin]->answering.enter(call, child);
  sim().send(child, address);
}

void CloudFrontLocation::on_answer(Call& call, Handle) {
  const Handle handle = call.context;
  Fetch& fetch = fetches_[handle];
  if (fetch.asks_location) {
    const Dates dates = call.work_as<Dates>();
    return finish(handle, {.outcome = call.outcome,
                           .out_of_cache = (call.tag & out_of_cache_mark) != 0,
                           .dated = true,
                           .expires = dates.expires,
                           .good_until = dates.good_until});
  }
  const sim::Address from{call.callee, call.callee_node, call.callee_life};
  if (call.outcome == Outcome::connection_reset) return attempt_failed(handle, fetch, call);
  if (call.operation == Operation::connect) return send_to_origin(handle, fetch, from);
  links_[fetch.origin]->give_back(from, sim().now());
  if (call.outcome != Outcome::ok) {
    return origin_failed(handle, fetch, call.outcome, status_of(call.outcome));
  }
  if (!fetch.failed_over) distribution_.on_primary_answered(fetch.target);
  finish(handle, {});
}

void CloudFrontLocation::on_timeout(Call& call, Handle) {
  attempt_failed(call.context, fetches_[call.context], call);
}

// It did not connect, or no answer came, or the connection broke. A write whose answer is missing
// may have been done, so it is not sent twice.
void CloudFrontLocation::attempt_failed(Handle handle, Fetch& fetch, const Call& call) {
  CloudFrontOriginLink& link = *links_[fetch.origin];
  const bool connecting = call.operation == Operation::connect;
  if (connecting) distribution_.metric.connect_failures.add();
  link.discard({call.callee, call.callee_node, call.callee_life});
  if (fetch.attempts < link.origin.attempts && (connecting || !fetch.write)) {
    return try_origin(handle, fetch);
  }
  const bool reset = call.outcome == Outcome::connection_reset;
  origin_failed(handle, fetch, reset ? Outcome::bad_gateway : Outcome::gateway_timeout,
                reset        ? 502
                : connecting ? 503
                             : 504);
}

void CloudFrontLocation::origin_failed(Handle handle, Fetch& fetch, Outcome outcome, int status) {
  const CloudFrontTarget& target = distribution_.targets()[fetch.target];
  if (!fetch.write && !fetch.failed_over && target.fails_over_on(status)) {
    distribution_.on_failover(fetch.target, status);
    fetch.failed_over = true;
    fetch.origin = target.secondary;
    fetch.attempts = 0;
    return try_origin(handle, fetch);
  }
  finish(handle, {.outcome = outcome});
}

// --- answers

void CloudFrontLocation::finish(Handle handle, Answer answer) {
  const Fetch fetch = fetches_[handle];
  fetches_.destroy(handle);
  if (fetch.shared) {
    in_flight_.erase(fetch.key);
    answer = keep(fetch, answer);
  }
  for (Handle waiting = fetch.first; waiting;) {
    const Handle next = sim().call(waiting).work_as<Waiting>().next;
    reply(waiting, answer);
    waiting = next;
  }
}

// The origin's word gets its dates here, another cache's brings them along.
CloudFrontLocation::Answer CloudFrontLocation::keep(const Fetch& fetch, Answer answer) {
  const Time now = sim().now();
  const CloudFrontBehavior& behavior = behavior_of(fetch.key);
  const bool ok = answer.outcome == Outcome::ok;
  if (!answer.dated) {
    answer.expires = answer.good_until = later(now, ok ? behavior.ttl : distribution_.error_ttl());
    answer.dated = true;
  }
  if (!ok) {
    ObjectCache::Entry* copy = cache_.find(fetch.key);
    if (copy != nullptr && copy->value.outcome == Outcome::ok &&
        now < later(copy->expires, behavior.stale_if_error)) {
      copy->value.good_until = answer.good_until;
      return answer_of(*copy);
    }
  }
  const std::uint64_t evictions = cache_.evictions();
  const float size = ok ? behavior.size_of(fetch.key) : error_size;
  cache_.put(fetch.key, {answer.good_until, answer.outcome, size}, answer.expires);
  distribution_.metric.evictions.add(cache_.evictions() - evictions);
  return answer;
}

}  // namespace windtunnel
