// The lives of requests, call by call.
#include <algorithm>

#include "analysis/recorder.hpp"

namespace windtunnel::analysis {

using sim::Call;
using sim::CallStep;
using sim::Handle;

namespace {

// Whoever measures RequestLatency sends requests.
bool is_client(const sim::Component& component) {
  const auto& all = component.metrics().all();
  return std::any_of(all.begin(), all.end(),
                     [](const sim::Metric* metric) { return metric->name() == "RequestLatency"; });
}

}  // namespace

RequestFollower::RequestFollower(sim::Simulation& sim, std::uint32_t one_request_in)
    : sim_(sim), one_request_in_(one_request_in) {}

void RequestFollower::follow_only(std::string client, std::uint64_t request) {
  only_client_ = std::move(client);
  only_request_ = request;
}

bool RequestFollower::is_wanted(const Client& client, std::uint64_t request) const {
  if (only_request_ == 0) return request % one_request_in_ == 0;
  return request == only_request_ && (only_client_.empty() || client.name == only_client_);
}

void RequestFollower::begin() {
  for (const auto& component : sim_.components()) {
    names_.emplace(component->name_hash(), component->name());
    if (is_client(*component)) clients_[component->name_hash()].name = component->name();
  }
}

void RequestFollower::open(Handle handle, const Call& call) {
  if (span_of_.size() <= handle.slot()) span_of_.resize(handle.slot() + 1);
  span_of_[handle.slot()] = 0;
  if (!call.context) return;  // of no request: a health check, the opening of a connection
  if (names_.empty()) begin();
  const auto client = clients_.find(call.caller->name_hash());
  if (client != clients_.end()) return open_attempt(client->second, handle, call);
  if (sim_.find_call(call.context) == nullptr || span_of_[call.context.slot()] == 0) return;
  const std::uint32_t served = span_of_[call.context.slot()] - 1;
  add_span(of_request_[served], spans_[served].call(), handle, call);
}

void RequestFollower::open_attempt(Client& client, Handle handle, const Call& call) {
  const std::uint32_t slot = call.context.slot();
  if (client.by_slot.size() <= slot) client.by_slot.resize(slot + 1);
  Life& life = client.by_slot[slot];
  if (life.request == 0 || life.life != call.context.life()) {
    life = {call.context.life(), ++client.requests, 0};
    if (is_wanted(client, life.request)) {
      followed_.push_back({client.name, life.request, 0});
      life.followed = static_cast<std::uint32_t>(followed_.size());
    }
  }
  if (life.followed > 0) add_span(life.followed - 1, 0, handle, call);
}

void RequestFollower::add_span(std::uint32_t followed, std::uint32_t parent, Handle handle,
                               const Call& call) {
  Followed& request = followed_[followed];
  Span& span = spans_.emplace_back();
  of_request_.push_back(followed);
  span_of_[handle.slot()] = static_cast<std::uint32_t>(spans_.size());
  span.set_client(request.client);
  span.set_request(request.request);
  span.set_call(++request.calls);
  span.set_parent(parent);
  span.set_caller(names_[call.caller->name_hash()]);
  span.set_operation(sim::to_string(call.operation));
  span.set_opened(sim_.now().time_since_epoch().count());
}

void RequestFollower::on_call(CallStep step, Handle handle, Call& call) {
  if (step == CallStep::opened) return open(handle, call);
  const std::uint32_t place = span_of_[handle.slot()];
  if (place == 0) return;
  Span& span = spans_[place - 1];
  const std::int64_t now = sim_.now().time_since_epoch().count();
  const auto end = [&](const char* outcome) {
    if (!span.has_ended()) span.set_ended(now);
    if (span.outcome().empty()) span.set_outcome(outcome);
  };
  switch (step) {
    case CallStep::sent:
      span.set_sent(now);
      span.set_callee(names_[call.callee->name_hash()]);
      span.set_node(call.callee_node);
      span.set_zone(sim_.network().name(call.to));
      break;
    case CallStep::arrived:
      span.set_arrived(now);
      break;
    case CallStep::answered:
      span.set_answered(now);
      break;
    case CallStep::ended:
      end(sim::to_string(call.outcome));
      break;
    case CallStep::timed_out:
      end("timeout");
      break;
    case CallStep::given_up:
      end("given up");
      break;
    case CallStep::opened:
    case CallStep::late:
    case CallStep::dropped:
      break;
  }
}

}  // namespace windtunnel::analysis
