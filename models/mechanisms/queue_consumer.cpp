#include "models/mechanisms/queue_consumer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/mechanisms/queue_consumer.pb.h"
#include "models/mechanisms/settings.hpp"
#include "models/settings_check.hpp"
#include "sim/hash.hpp"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Operation;
using sim::Outcome;

namespace {
constexpr std::uint32_t attempts_to_delete = 3;  // AWS SDK reference, retry behavior: standard
}  // namespace

QueueConsumer::QueueConsumer(sim::Component& program, sim::MetricSet& set, const Polls& polls)
    : Entity(program, "queue consumer"),
      metric{set},
      program_(program),
      messages_(Messages::of(program.sim())),
      // A pool keeps its connections; the SDK waits 60 s for an answer.
      connection_{.operation = Operation::read, .idle_timeout = sim::horizon_limit},
      lane_(*this, std::chrono::seconds(60)),
      retry_chance_(program.stream("queue retries")) {
  for (const auto& p : polls) {
    polls_.push_back({.queue = p.queue(),
                      .loops = static_cast<std::uint32_t>(p.loops()),
                      .most = static_cast<std::uint32_t>(p.max_number_of_messages()),
                      .wait = to_duration(p.wait_time()),
                      .pause_when_empty = to_duration(p.pause_when_empty()),
                      .visibility = p.has_visibility_timeout() ? to_duration(p.visibility_timeout())
                                                               : Batch::default_duration,
                      .heartbeat = to_duration(p.heartbeat()),
                      .poison = p.poison(),
                      .backoff = {.base = to_duration(p.retry_pause())}});
    loops_each_ += polls_.back().loops;
  }
}

QueueConsumer::~QueueConsumer() = default;

void QueueConsumer::check(const Polls& polls, const std::string& path, SettingsCheck& check) {
  for (int i = 0; i < polls.size(); ++i) {
    const settings::QueuePoll& poll = polls[i];
    const std::string place = fmt::format("{}.{}.", path, i);
    const auto* queue = check.settings_of(poll.queue());
    if (queue == nullptr) continue;
    const auto* redrive = queue->GetDescriptor()->FindFieldByName("redrive_policy");
    const bool has_redrive =
        redrive != nullptr && queue->GetReflection()->HasField(*queue, redrive);
    if (poll.poison() > 0 && !has_redrive) {
      check.warning(place + "poison",
                    fmt::format("'{}' has no dead-letter queue: what fails is received again until "
                                "its retention ends (SQS, Dead-letter queues)",
                                poll.queue()));
    }
    if (poll.wait_time() == 0 && poll.pause_when_empty() == 0) {
      check.error(place + "pause_when_empty",
                  "short polls without a pause would ask the queue in every instant");
    }
    if (poll.heartbeat() > 0 && poll.has_visibility_timeout() &&
        poll.heartbeat() >= poll.visibility_timeout()) {
      check.error(place + "heartbeat", "comes after the visibility timeout");
    }
  }
}

void QueueConsumer::wire(sim::Wiring& wiring, const std::vector<Node>& nodes) {
  nodes_ = nodes;
  for (Poll& poll : polls_) {
    poll.port = &wiring.find<QueuePort>(poll.queue);
    poll.target = &wiring.find<Callable>(poll.queue);
    if (poll.visibility < Duration::zero()) poll.visibility = poll.port->visibility_timeout();
  }
  for (std::uint32_t instance = 0; instance < nodes.size(); ++instance) {
    for (std::uint32_t p = 0; p < polls_.size(); ++p) {
      for (std::uint32_t i = 0; i < polls_[p].loops; ++i) {
        loops_.push_back({.instance = instance, .poll = p});
      }
    }
  }
}

// Lives of instances -----------------------------------------------------------------------------

void QueueConsumer::begin(std::uint32_t instance) {
  for (std::uint32_t i = instance * loops_each_; i < (instance + 1) * loops_each_; ++i) {
    Loop& loop = loops_[i];
    if (loop.connector == nullptr) {
      const Poll& poll = polls_[loop.poll];
      loop.connector = std::make_unique<Connector>(program_, instance, *poll.target, connection_,
                                                   fmt::format("{} loop {}", poll.queue, i));
    }
    loop.running = true;
    loop.stopping = false;
    loop.failures = 0;
    if (polls_[loop.poll].heartbeat > Duration::zero()) {
      sim().after<&QueueConsumer::on_heartbeat>(polls_[loop.poll].heartbeat, this,
                                                context_of(loop));
    }
    sim().after<&QueueConsumer::on_receive_due>(Duration::zero(), this, context_of(loop));
  }
}

void QueueConsumer::stop(std::uint32_t instance) {
  for (std::uint32_t i = instance * loops_each_; i < (instance + 1) * loops_each_; ++i) {
    loops_[i].stopping = true;
  }
}

void QueueConsumer::lose(std::uint32_t instance) {
  for (std::uint32_t i = instance * loops_each_; i < (instance + 1) * loops_each_; ++i) {
    Loop& loop = loops_[i];
    if (!loop.running) continue;
    metric.abandoned.add(loop.messages.size() - loop.next);
    drop_rest(loop);
    loop.running = false;
    ++loop.life;
    loop.connector->reset();
  }
}

// A loop ----------------------------------------------------------------------------------------

Handle QueueConsumer::context_of(const Loop& loop) const {
  return {static_cast<std::uint32_t>(&loop - loops_.data()), loop.life};
}

// nullptr: its instance has been lost since.
QueueConsumer::Loop* QueueConsumer::loop_of(Handle context) {
  Loop& loop = loops_[context.slot()];
  return loop.running && loop.life == context.life() ? &loop : nullptr;
}

Handle QueueConsumer::open(Loop& loop, Step step, Operation operation) {
  const Handle handle = sim().open_call(*this, loop.instance, operation, context_of(loop));
  sim().call(handle).tag = static_cast<std::uint32_t>(step);
  return handle;
}

void QueueConsumer::receive(Loop& loop) {
  if (loop.stopping) {
    loop.running = false;
    return;
  }
  const Poll& poll = polls_[loop.poll];
  const Handle handle = open(loop, Step::receive, Operation::read);
  Call& call = sim().call(handle);
  Batch& batch = messages_.put_into(call, Batch::Action::receive);
  batch.most = poll.most;
  batch.wait = poll.wait;
  batch.visibility = poll.visibility;
  lane_.enter(call, handle);
  loop.connector->dispatch(handle);
}

void QueueConsumer::on_receive_due(Handle context) {
  if (Loop* loop = loop_of(context)) receive(*loop);
}

void QueueConsumer::wait_before_next(Loop& loop, Duration pause) {
  if (pause == Duration::zero()) return receive(loop);
  sim().after<&QueueConsumer::on_receive_due>(pause, this, context_of(loop));
}

void QueueConsumer::received(Loop& loop, const Call& call) {
  const Poll& poll = polls_[loop.poll];
  if (call.outcome != Outcome::ok) {
    if (call.outcome == Outcome::timeout) loop.connector->on_call_failed(call);
    return wait_before_next(loop, std::max(poll.backoff.pause(++loop.failures, {}, retry_chance_),
                                           Duration(std::chrono::milliseconds(1))));
  }
  loop.failures = 0;
  const Batch& batch = *messages_.find(call);
  if (batch.messages.empty()) return wait_before_next(loop, poll.pause_when_empty);
  loop.messages = batch.messages;
  loop.next = 0;
  metric.in_hand.add(sim().now(), static_cast<std::int64_t>(loop.messages.size()));
  work_on_next(loop);
}

void QueueConsumer::work_on_next(Loop& loop) {
  if (loop.next == loop.messages.size()) return receive(loop);
  const Message& message = loop.messages[loop.next];
  const Handle handle = open(loop, Step::work, Operation::write);
  sim().call(handle).request_class = message.request_class;
  sim().send(handle, program_.address_of(loop.instance));
}

// The same message is poison for every instance of this program, whenever it comes.
bool QueueConsumer::is_poison(const Poll& poll, const Message& message) const {
  return poll.poison > 0 &&
         static_cast<double>(sim::mix(message.content ^ name_hash())) < poll.poison * 0x1p64;
}

void QueueConsumer::worked(Loop& loop, bool success) {
  const Poll& poll = polls_[loop.poll];
  const Message& message = loop.messages[loop.next];
  const bool poison = is_poison(poll, message);
  if (success && !poison) {
    metric.done.add();
    messages_.ledger().effect(message);
    return remove(loop);
  }
  metric.failed.add();
  if (poison) metric.poisonous.add();
  const std::uint32_t group = message.key;
  ++loop.next;
  metric.in_hand.add(sim().now(), -1);
  if (poll.port->fifo()) drop_group(loop, group);
  work_on_next(loop);
}

// To keep their order, what follows in the group waits until the one that failed comes back.
void QueueConsumer::drop_group(Loop& loop, std::uint32_t group) {
  const auto begin = loop.messages.begin() + static_cast<std::ptrdiff_t>(loop.next);
  const auto kept = std::remove_if(begin, loop.messages.end(),
                                   [&](const Message& message) { return message.key == group; });
  metric.in_hand.add(sim().now(), -(loop.messages.end() - kept));
  loop.messages.erase(kept, loop.messages.end());
}

void QueueConsumer::remove(Loop& loop) {
  const Handle handle = open(loop, Step::remove, Operation::write);
  Call& call = sim().call(handle);
  messages_.put_into(call, Batch::Action::remove).messages.push_back(loop.messages[loop.next]);
  lane_.enter(call, handle);
  loop.connector->dispatch(handle);
}

void QueueConsumer::on_remove_due(Handle context) {
  if (Loop* loop = loop_of(context)) remove(*loop);
}

void QueueConsumer::removed(Loop& loop, const Call& call) {
  const bool stale = messages_.find(call)->messages.front().result == Entry::stale;
  if (call.outcome != Outcome::ok && !stale && ++loop.failures < attempts_to_delete) {
    if (call.outcome == Outcome::timeout) loop.connector->on_call_failed(call);
    const Duration pause = polls_[loop.poll].backoff.pause(loop.failures, {}, retry_chance_);
    return sim().after<&QueueConsumer::on_remove_due>(pause, this, context_of(loop));
  }
  loop.failures = 0;
  ++loop.next;
  metric.in_hand.add(sim().now(), -1);
  work_on_next(loop);
}

void QueueConsumer::drop_rest(Loop& loop) {
  metric.in_hand.add(sim().now(), -static_cast<std::int64_t>(loop.messages.size() - loop.next));
  loop.messages.clear();
  loop.next = 0;
}

void QueueConsumer::on_heartbeat(Handle context) {
  Loop* loop = loop_of(context);
  if (loop == nullptr) return;
  const Poll& poll = polls_[loop->poll];
  sim().after<&QueueConsumer::on_heartbeat>(poll.heartbeat, this, context);
  if (loop->next == loop->messages.size()) return;
  const Handle handle = open(*loop, Step::extend, Operation::write);
  Call& call = sim().call(handle);
  Batch& batch = messages_.put_into(call, Batch::Action::change_visibility);
  batch.visibility = poll.visibility;
  batch.messages.assign(loop->messages.begin() + static_cast<std::ptrdiff_t>(loop->next),
                        loop->messages.end());
  lane_.enter(call, handle);
  loop->connector->dispatch(handle);
}

void QueueConsumer::on_answer(Call& call, Handle) {
  Loop* loop = loop_of(call.context);
  if (loop == nullptr) return;  // messages received stay invisible until their time is over
  switch (static_cast<Step>(call.tag)) {
    case Step::receive:
      return received(*loop, call);
    case Step::work:
      return worked(*loop, call.outcome == Outcome::ok);
    case Step::remove:
      return removed(*loop, call);
    case Step::extend:
      return;
  }
}

void QueueConsumer::on_timeout(Call& call, Handle handle) { on_answer(call, handle); }

}  // namespace windtunnel
