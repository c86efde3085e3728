#include "models/analytics/firehose_transform.hpp"

#include <algorithm>

namespace windtunnel {

using namespace std::chrono_literals;
using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Outcome;
using sim::Time;

namespace {
// Amazon Data Firehose guide, Data transformation: 5 minutes; 6 MB for requests and responses.
constexpr Duration longest_invocation = 5min;
constexpr double largest_response = 6 << 20;
}  // namespace

FirehoseTransform::FirehoseTransform(sim::Component& owner, Next& next, sim::MetricSet& set,
                                     const Settings& settings, Messages& messages)
    : Entity(owner, "transform"),
      metric(set),
      next_(next),
      settings_(settings),
      messages_(messages),
      buffer_(owner, *this, settings.buffering_size, settings.buffering_interval),
      lane_(*this, longest_invocation),
      backoff_{.base = 1s, .cap = 1min},
      address_chance_(stream("function")),
      backoff_chance_(stream("transform backoff")) {
  set_zone(owner.zone_of(0));
}

std::uint64_t FirehoseTransform::count() const {
  std::uint64_t count = buffer_.count();
  for (const Invocation& invocation : invocations_) {
    for (const Message& it : invocation.messages) count += it.count;
  }
  return count;
}

Time FirehoseTransform::oldest(Time now) const {
  if (!buffer_.empty()) now = std::min(now, buffer_.opened());
  for (const Invocation& invocation : invocations_) {
    if (!invocation.messages.empty()) now = std::min(now, invocation.opened);
  }
  return now;
}

void FirehoseTransform::on_flush(std::vector<Message>& messages, Time opened) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(invocations_.size()));
    invocations_.emplace_back();
  }
  const std::uint32_t number = free_.back();
  free_.pop_back();
  invocations_[number].messages.swap(messages);
  invocations_[number].opened = opened;
  waiting_.push_back(number);
  begin_waiting();
}

void FirehoseTransform::begin_waiting() {
  while (!waiting_.empty() && under_way_ < settings_.outstanding) {
    const std::uint32_t number = waiting_.front();
    waiting_.erase(waiting_.begin());
    ++under_way_;
    invocations_[number].attempt = 1;
    invoke(number);
  }
}

void FirehoseTransform::invoke(std::uint64_t argument) {
  const auto number = static_cast<std::uint32_t>(argument);
  const Handle handle = sim().open_call(*this, 0, sim::Operation::write);
  Call& call = sim().call(handle);
  call.tag = number;
  Batch& batch = messages_.put_into(call, Batch::Action::invoke);
  const std::vector<Message>& messages = invocations_[number].messages;
  batch.messages.assign(messages.begin(), messages.end());
  lane_.enter(call, handle);
  sim().send(handle,
             function_->resolve({.operation = sim::Operation::write, .chance = address_chance_})
                 .addresses.front());
}

void FirehoseTransform::on_answer(Call& call, Handle) {
  metric.time.record(sim().now() - call.opened);
  Invocation& invocation = invocations_[call.tag];
  double bytes = 0;
  for (const Message& it : invocation.messages) bytes += it.bytes * settings_.output_ratio;
  if (call.outcome != Outcome::ok || bytes > largest_response) return failed(call.tag);
  const Batch& answered = *messages_.find(call);
  for (std::size_t i = 0; i < invocation.messages.size(); ++i) {
    Message message = invocation.messages[i];
    if (answered.messages[i].result != Entry::accepted) {
      metric.failed.add(message.count);
      next_.on_processing_failed(message);
      continue;
    }
    metric.processed.add(message.count);
    message.bytes = static_cast<std::uint32_t>(message.bytes * settings_.output_ratio);
    next_.on_processed(message);
  }
  end(call.tag);
}

void FirehoseTransform::on_timeout(Call& call, Handle) { failed(call.tag); }

void FirehoseTransform::failed(std::uint32_t number) {
  Invocation& invocation = invocations_[number];
  if (invocation.attempt <= settings_.retries) {
    metric.retries.add();
    const Duration pause = backoff_.pause(invocation.attempt++, Duration(0), backoff_chance_);
    return sim().after<&FirehoseTransform::invoke>(pause, this, number);
  }
  for (const Message& message : invocation.messages) {
    metric.failed.add(message.count);
    next_.on_processing_failed(message);
  }
  end(number);
}

void FirehoseTransform::end(std::uint32_t number) {
  invocations_[number].messages.clear();
  invocations_[number].attempt = 0;
  free_.push_back(number);
  --under_way_;
  begin_waiting();
}

}  // namespace windtunnel
