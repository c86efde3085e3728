#include "models/compute/lambda_events.hpp"

#include <algorithm>

#include "models/mechanisms/ports.hpp"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Outcome;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {
// Lambda API, Invoke: an event's payload (256 KB before 2025).
constexpr std::uint32_t largest_event = 1 << 20;
constexpr Duration longest_throttle_pause{minutes(5)};
}  // namespace

LambdaEvents::LambdaEvents(sim::Component& function, sim::MetricSet& set, const Settings& settings,
                           Messages& messages)
    : Entity(function, "events"),
      metric(set),
      function_(function),
      settings_(settings),
      messages_(messages),
      ledger_metrics_{set},
      account_(messages.ledger().open(function, ledger_metrics_, *this)),
      chance_(stream("dispatch")) {}

void LambdaEvents::wire(sim::Wiring& wiring) {
  set_zone(function_.zone_of(0));
  const auto find = [&](const std::string& name) {
    return name.empty() ? nullptr : &wiring.find<Callable>(name);
  };
  on_success_ = find(settings_.on_success);
  on_failure_ = find(settings_.on_failure);
  dead_letter_queue_ = find(settings_.dead_letter_queue);
  off_ = dynamic_cast<FunctionPort&>(function_).reserved_concurrency() == 0u;
}

void LambdaEvents::take(Call& call, Handle handle) {
  Batch& batch = *messages_.find(call);
  for (Message& message : batch.messages) {
    if (message.bytes > largest_event) {
      metric.too_large.add();
      message.result = Entry::refused;
      continue;
    }
    messages_.ledger().accept(message, account_);
    message.result = Entry::accepted;
    metric.received.add();
    const Handle event = events_.create();
    events_[event].message = message;
    events_[event].message.account = account_;
    events_[event].taken = sim().now();
    if (off_) {
      give_up(event);
    } else {
      sim().after<&LambdaEvents::on_due>(settings_.dispatch.sample(chance_), this, event);
    }
  }
  sim().answer(handle, Outcome::ok);
}

void LambdaEvents::on_due(Handle handle) {
  const Event& event = events_[handle];
  const Duration age = sim().now() - event.taken;
  if (age > settings_.maximum_event_age) return give_up(handle);
  metric.age.record(age);
  if (event.retries + event.throttles > 0) metric.retries.add();
  send(function_.address_of(0), event.message, invocation, handle);
}

void LambdaEvents::send(const sim::Address& to, Message message, Purpose purpose, Handle event) {
  const Handle child = sim().open_call(*this, 0, sim::Operation::write, event);
  Call& call = sim().call(child);
  call.tag = purpose;
  call.request_class = message.request_class;
  const auto action = purpose == invocation ? Batch::Action::invoke : Batch::Action::send;
  Batch& batch = messages_.put_into(call, action);
  batch.dead_letters = purpose == dead_letter;
  batch.messages.push_back(message);
  sim().send(child, to);
}

// To another service; false: there is nobody.
bool LambdaEvents::send_to(Callable* target, const Message& message, Purpose purpose,
                           Handle event) {
  if (target == nullptr) return false;
  const Resolution where = target->resolve({.operation = sim::Operation::write, .chance = chance_});
  if (where.addresses.empty()) return false;
  send(where.addresses.front(), message, purpose, event);
  return true;
}

void LambdaEvents::on_answer(Call& call, Handle) {
  const auto purpose = static_cast<Purpose>(call.tag);
  const Batch& batch = *messages_.find(call);
  const bool taken =
      call.outcome == Outcome::ok && batch.messages.front().result == Entry::accepted;
  if (purpose == invocation) return invocation_ended(call.context, call.outcome, taken);
  if (purpose == success_record || purpose == failure_record) {
    if (!taken) metric.destination_failures.add();
  } else if (taken) {
    events_.destroy(call.context);  // another holder has it
  } else {
    metric.dead_letter_errors.add();
    end(call.context, Fate::lost);
  }
}

void LambdaEvents::invocation_ended(Handle handle, Outcome outcome, bool done) {
  Event& event = events_[handle];
  if (outcome == Outcome::ok) return succeeded(handle, done);
  if (outcome == Outcome::throttled) {
    const Duration pause = std::min(longest_throttle_pause,
                                    Duration(seconds(1)) * (1 << std::min(event.throttles, 9u)));
    ++event.throttles;
    return sim().after<&LambdaEvents::on_due>(pause, this, handle);
  }
  event.throttles = 0;
  if (event.retries >= settings_.maximum_retry_attempts) return give_up(handle);
  ++event.retries;
  sim().after<&LambdaEvents::on_due>(minutes(event.retries), this, handle);
}

// A function that reports its failures (report_batch_item_failures) does so to a mapping; of an
// event nobody reads the answer, and what was not done is lost.
void LambdaEvents::succeeded(Handle handle, bool done) {
  send_record(on_success_, events_[handle].message, success_record);
  end(handle, done ? Fate::delivered : Fate::lost);
}

// A record of the event is a message of its own.
void LambdaEvents::send_record(Callable* target, const Message& event, Purpose purpose) {
  if (target == nullptr) return;
  Message record = event;
  record.number = {};
  record.sent = sim().now();
  if (!send_to(target, record, purpose, {})) metric.destination_failures.add();
}

void LambdaEvents::give_up(Handle handle) {
  metric.dropped.add();
  if (send_to(dead_letter_queue_, events_[handle].message, dead_letter, handle)) return;
  send_record(on_failure_, events_[handle].message, failure_record);
  end(handle, Fate::lost);
}

void LambdaEvents::end(Handle handle, Fate fate) {
  messages_.ledger().end(events_[handle].message.number, fate);
  events_.destroy(handle);
}

}  // namespace windtunnel
