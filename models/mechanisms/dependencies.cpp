#include "models/mechanisms/dependencies.hpp"

#include "models/mechanisms/dependency.pb.h"
#include "models/mechanisms/settings.hpp"

namespace windtunnel {

using sim::Call;
using sim::Handle;
using sim::Operation;
using sim::Outcome;

void Dependencies::Connections::reset() {
  for (auto& connector : reads_) connector->reset();
  for (auto& connector : writes_) {
    if (connector != nullptr) connector->reset();
  }
}

Dependencies::Dependencies(sim::Component& component, Owner& owner,
                           const google::protobuf::RepeatedPtrField<settings::Dependency>& calls,
                           bool parallel)
    : Entity(component, "dependencies"),
      component_(component),
      owner_(owner),
      parallel_(parallel),
      call_chance_(component.stream("calls")),
      retry_chance_(component.stream("retries of calls")) {
  for (const auto& d : calls) {
    Connector::Settings connection{
        .operation = Operation::read,
        .connect_timeout = to_duration(d.connect_timeout()),
        .idle_timeout = sim::horizon_limit,  // a pool keeps its connections
        .least_dns_ttl = to_duration(d.dns_cache()),
        .dns_lookup = {}};
    Dependency dependency{d.to(),
                          d.writes(),
                          d.probability(),
                          connection,
                          connection,
                          std::make_unique<sim::Lane>(component, to_duration(d.timeout())),
                          d.has_retry() ? retry_rules_of(d.retry()) : RetryRules{}};
    dependency.write.operation = Operation::write;
    calls_.push_back(std::move(dependency));
  }
}

Dependencies::~Dependencies() = default;

void Dependencies::wire(sim::Wiring& wiring) {
  for (Dependency& d : calls_) d.target = &wiring.find<Callable>(d.to);
}

Dependencies::Connections Dependencies::connect(std::uint32_t node) {
  Connections made;
  for (Dependency& d : calls_) {
    made.reads_.push_back(
        std::make_unique<Connector>(component_, node, *d.target, d.read, d.to + " reads"));
    made.writes_.push_back(d.writes > 0 ? std::make_unique<Connector>(component_, node, *d.target,
                                                                      d.write, d.to + " writes")
                                        : nullptr);
    made.sdk_.emplace_back(d.retries);
  }
  return made;
}

bool Dependencies::make_calls(Handle request, std::uint32_t node) {
  for (;;) {
    // Looked up each round: a call in zero time may have ended the request.
    Progress* progress = owner_.progress_of(request);
    if (progress == nullptr) return false;
    if (progress->next >= calls_.size()) return progress->open == 0;
    const std::size_t index = progress->next++;
    const Dependency& d = calls_[index];
    if (d.probability < 1 && !call_chance_.chance(d.probability)) continue;
    ++progress->open;
    begin(index, request, node, call_chance_.chance(d.writes) ? Operation::write : Operation::read);
    if (!parallel_) return false;
  }
}

void Dependencies::begin(std::size_t index, Handle request, std::uint32_t node,
                         Operation operation) {
  const RetryRules& retries = calls_[index].retries;
  const auto tag = static_cast<std::uint32_t>(index);
  if (retries.max_attempts == 1 && !retries.adaptive) {
    return send(index, request, node, operation, tag);
  }
  const Handle handle = attempts_.create();
  attempts_[handle] = {.request = request,
                       .node = node,
                       .dependency = static_cast<std::uint16_t>(index),
                       .operation = operation};
  owner_.connections_of(node).sdk_[index].on_first_attempt();
  on_attempt_due(handle);
}

void Dependencies::on_attempt_due(Handle handle) {
  Attempt& attempt = attempts_[handle];
  if (owner_.progress_of(attempt.request) == nullptr) return attempts_.destroy(handle);
  SdkClient& sdk = owner_.connections_of(attempt.node).sdk_[attempt.dependency];
  // A wait for the send rate is part of the attempt: it is asked for once.
  if (const sim::Duration wait = sdk.before_attempt(sim().now()); wait > sim::Duration::zero()) {
    return sim().after<&Dependencies::on_wait_over>(wait, this, handle);
  }
  on_wait_over(handle);
}

void Dependencies::on_wait_over(Handle handle) {
  Attempt& attempt = attempts_[handle];
  if (owner_.progress_of(attempt.request) == nullptr) return attempts_.destroy(handle);
  ++attempt.number;
  const Attempt it = attempt;
  send(it.dependency, it.request, it.node, it.operation,
       it.dependency | ((handle.slot() + 1) << index_bits));
}

void Dependencies::send(std::size_t index, Handle request, std::uint32_t node, Operation operation,
                        std::uint32_t tag) {
  const std::uint16_t request_class = sim().call(request).request_class;
  const Handle child = sim().open_call(component_, node, operation, request);
  Call& call = sim().call(child);
  call.tag = tag;
  call.request_class = request_class;
  calls_[index].lane->enter(call, child);
  Connections& connections = owner_.connections_of(node);
  (operation == Operation::write ? connections.writes_ : connections.reads_)[index]->dispatch(
      child);
}

void Dependencies::on_answer(Call& call, Handle) { ended(call, call.outcome == Outcome::ok); }

void Dependencies::on_timeout(Call& call, Handle) {
  // The node that asked is gone. Where the answer is still to come it will be counted then.
  if (owner_.progress_of(call.context) == nullptr && !call.callee_done) {
    forget_attempt(call);
    return;
  }
  ended(call, false);
}

void Dependencies::forget_attempt(const Call& call) {
  const std::uint32_t slot = call.tag >> index_bits;
  if (slot > 0) attempts_.destroy(attempts_.handle_of(slot - 1));
}

void Dependencies::ended(Call& call, bool success) {
  const Handle request = call.context;
  if (owner_.progress_of(request) == nullptr) {  // the node that asked is gone
    forget_attempt(call);
    return owner_.on_wasted_work();
  }
  const std::uint32_t index = call.tag & ((1u << index_bits) - 1);
  Connections& connections = owner_.connections_of(call.caller_node);
  if (call.outcome == Outcome::timeout || call.outcome == Outcome::connection_reset ||
      call.outcome == Outcome::read_only) {  // the pool throws the connection away
    (call.operation == Operation::write ? connections.writes_ : connections.reads_)[index]
        ->on_call_failed(call);
  }
  if (tried_again(call, success)) return;
  --owner_.progress_of(request)->open;
  owner_.on_dependency_ended(request, success);
}

// True: another attempt follows.
bool Dependencies::tried_again(const Call& call, bool success) {
  const std::uint32_t slot = call.tag >> index_bits;
  if (slot == 0) return false;
  const Handle handle = attempts_.handle_of(slot - 1);
  Attempt& attempt = attempts_[handle];
  SdkClient& sdk = owner_.connections_of(attempt.node).sdk_[attempt.dependency];
  if (success) {
    sdk.on_success(attempt.last_cost, sim().now());
  } else {
    const auto verdict =
        sdk.after_failure(call.outcome, attempt.number, attempt.pause, sim().now(), retry_chance_);
    if (verdict.retry) {
      attempt.pause = verdict.pause;
      attempt.last_cost = verdict.cost;
      sim().after<&Dependencies::on_attempt_due>(verdict.pause, this, handle);
      return true;
    }
  }
  attempts_.destroy(handle);
  return false;
}

}  // namespace windtunnel
