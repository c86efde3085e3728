#include "models/compute/lambda_queue_source.hpp"

#include <algorithm>

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Outcome;
using std::chrono::seconds;

namespace {
constexpr Duration long_poll{seconds(20)};
constexpr std::uint32_t most_in_a_call = 10;
constexpr std::uint64_t largest_payload = 6 << 20;
}  // namespace

LambdaQueueSource::LambdaQueueSource(sim::Component& mapping, sim::MetricSet& set,
                                     const Settings& settings, Messages& messages)
    : Entity(mapping, "queue pollers"),
      metric(set),
      settings_(settings),
      messages_(messages),
      invoker_(mapping, *this, settings.partial, messages),
      chance_(stream("dispatch")) {}

void LambdaQueueSource::wire(Callable& queue, const QueuePort& port, Callable& function,
                             Duration function_timeout, sim::ZoneId place) {
  queue_ = &queue;
  fifo_ = port.fifo();
  invoker_.wire(function, place);
  set_zone(place);
  lease_ = port.visibility_timeout();
  visibility_ = Batch::default_duration;
  // Lambda guide: with a window that does not fit, Lambda asks for a visibility timeout of its own.
  const Duration needed = settings_.window + function_timeout;
  if (settings_.window > Duration::zero() && needed > lease_) {
    visibility_ = lease_ = needed + seconds(30);
  }
}

void LambdaQueueSource::start() {
  pollers_.resize(settings_.most);
  allow(settings_.initial);
}

void LambdaQueueSource::allow(double pollers) {
  const double least = std::min(settings_.initial, 2u);
  allowed_ = std::clamp(pollers, least, static_cast<double>(settings_.most));
  target_ = static_cast<std::uint32_t>(allowed_);
  metric.pollers.set(sim().now(), target_);
  for (std::uint32_t i = 0; i < target_; ++i) {
    if (pollers_[i].state == State::stopped) poll(i);
  }
}

// --- one poller

void LambdaQueueSource::poll(std::uint32_t number) {
  Poller& poller = pollers_[number];
  if (number >= target_) {
    poller.state = State::stopped;
    return;
  }
  poller.state = State::polling;
  poller.since = sim().now();
  call_receive(number, long_poll);
}

void LambdaQueueSource::call_receive(std::uint32_t number, Duration wait) {
  const Handle handle = sim().open_call(*this, number, sim::Operation::write);
  Call& call = sim().call(handle);
  call.tag = receive;
  Batch& batch = messages_.put_into(call, Batch::Action::receive);
  const std::size_t room = settings_.batch_size - pollers_[number].batch.size();
  batch.most = static_cast<std::uint32_t>(std::min<std::size_t>(most_in_a_call, room));
  batch.wait = wait;
  batch.visibility = visibility_;
  sim().send(
      handle,
      queue_->resolve({.operation = sim::Operation::write, .chance = chance_}).addresses.front());
}

void LambdaQueueSource::on_answer(Call& call, Handle) {
  const std::uint32_t number = call.caller_node;
  const Batch& batch = *messages_.find(call);
  if (call.tag == receive) {
    if (call.outcome == Outcome::ok) return on_received(number, batch);
    if (pollers_[number].state == State::gathering) return gathered(number);
    return sim().after<&LambdaQueueSource::on_poll_again>(seconds(1), this, number);
  }
  if (--pollers_[number].removals == 0) next_batch(number);
}

void LambdaQueueSource::on_received(std::uint32_t number, const Batch& received) {
  Poller& poller = pollers_[number];
  if (poller.state == State::polling) {
    if (received.messages.empty()) return poll(number);
    poller.state = State::gathering;
    poller.since = sim().now();
  }
  metric.received.add(received.messages.size());
  poller.batch.insert(poller.batch.end(), received.messages.begin(), received.messages.end());
  arm_scaling();
  std::uint64_t bytes = 0;
  for (const Message& message : poller.batch) bytes += message.bytes;
  const Duration left = settings_.window - (sim().now() - poller.since);
  if (poller.batch.size() >= settings_.batch_size || bytes >= largest_payload ||
      left <= Duration::zero()) {
    return gathered(number);
  }
  call_receive(number, std::min(left, long_poll));
}

// What does not fit into 6 MB waits for the next batch.
void LambdaQueueSource::gathered(std::uint32_t number) {
  Poller& poller = pollers_[number];
  std::uint64_t bytes = 0;
  std::size_t fit = 0;
  while (fit < poller.batch.size() &&
         (fit == 0 || bytes + poller.batch[fit].bytes <= largest_payload)) {
    bytes += poller.batch[fit++].bytes;
  }
  const auto rest = poller.batch.begin() + static_cast<std::ptrdiff_t>(fit);
  poller.surplus.assign(rest, poller.batch.end());
  poller.batch.erase(rest, poller.batch.end());
  poller.state = State::invoking;
  metric.batches.add();
  metric.invoking.add(sim().now(), +1);
  if (settings_.dispatch.is_zero()) return invoker_.invoke(number);
  sim().after<&LambdaQueueSource::on_dispatched>(settings_.dispatch.sample(chance_), this, number);
}

void LambdaQueueSource::on_dispatched(std::uint64_t number) {
  invoker_.invoke(static_cast<std::uint32_t>(number));
}

bool LambdaQueueSource::on_throttled(std::uint32_t number, Duration pause) {
  if (sim().now() + pause - pollers_[number].since < lease_) return true;
  metric.given_up.add();
  metric.invoking.add(sim().now(), -1);
  next_batch(number);
  return false;
}

void LambdaQueueSource::on_invoked(std::uint32_t number, bool ok) {
  Poller& poller = pollers_[number];
  metric.invoking.add(sim().now(), -1);
  bool failed = !ok;
  for (Message& message : poller.batch) {
    // In order: what comes after a failure comes again.
    if (fifo_ && failed) message.result = Entry::failed;
    failed = failed || message.result != Entry::accepted;
  }
  if (failed) metric.failed.add();
  if (!ok) errors_this_minute_ = true;
  remove_done(number);
}

void LambdaQueueSource::remove_done(std::uint32_t number) {
  Poller& poller = pollers_[number];
  poller.removals = 1;  // until all are sent
  std::size_t next = 0;
  while (next < poller.batch.size()) {
    const Handle handle = sim().open_call(*this, number, sim::Operation::write);
    Call& call = sim().call(handle);
    call.tag = remove;
    Batch& batch = messages_.put_into(call, Batch::Action::remove);
    for (; next < poller.batch.size() && batch.messages.size() < most_in_a_call; ++next) {
      if (poller.batch[next].result != Entry::accepted) continue;
      batch.messages.push_back(poller.batch[next]);
      batch.messages.back().result = Entry::none;
    }
    ++poller.removals;
    sim().send(
        handle,
        queue_->resolve({.operation = sim::Operation::write, .chance = chance_}).addresses.front());
  }
  if (--poller.removals == 0) next_batch(number);
}

void LambdaQueueSource::next_batch(std::uint32_t number) {
  Poller& poller = pollers_[number];
  poller.batch.swap(poller.surplus);
  poller.surplus.clear();
  if (poller.batch.empty()) {
    // By an event: where nothing takes time, a call within a call would never end.
    return sim().after<&LambdaQueueSource::on_poll_again>(Duration::zero(), this, number);
  }
  poller.state = State::gathering;
  gathered(number);
}

// --- how many

void LambdaQueueSource::arm_scaling() {
  if (scaling_) return;
  scaling_ = true;
  seconds_ = 0;
  sim().after<&LambdaQueueSource::on_scale>(seconds(1), this, 0, sim::Turn::control);
}

// Messages are left if all pollers have found some within the last second.
void LambdaQueueSource::on_scale() {
  const bool found = metric.received.total() > received_before_;
  received_before_ = metric.received.total();
  const sim::Time now = sim().now();
  const auto waits = [&](const Poller& poller) {
    return poller.state == State::polling && now - poller.since >= seconds(1);
  };
  const auto end = pollers_.begin() + target_;
  const bool busy = std::all_of(
      pollers_.begin(), end, [](const Poller& poller) { return poller.state == State::invoking; });
  const bool backlog = (found || busy) && std::none_of(pollers_.begin(), end, waits);
  backlog_this_minute_ = backlog_this_minute_ || backlog;
  if (backlog && !errors_this_minute_) allow(allowed_ + settings_.growth);
  if (++seconds_ % 60 == 0) on_minute_over();
  if (quiet_minutes_ >= 2 && !found) {  // it begins again with the next message
    scaling_ = false;
    return;
  }
  sim().after<&LambdaQueueSource::on_scale>(seconds(1), this, 0, sim::Turn::control);
}

// How fast concurrency falls is not documented: by half a minute.
void LambdaQueueSource::on_minute_over() {
  if (errors_this_minute_ && !settings_.partial) {
    allow(allowed_ * (1 - settings_.reduction_on_errors));
  }
  quiet_minutes_ = backlog_this_minute_ ? 0 : quiet_minutes_ + 1;
  if (quiet_minutes_ > 0) {
    const double floor =
        settings_.goes_below_initial && quiet_minutes_ > 1 && allowed_ <= settings_.initial
            ? 2
            : settings_.initial;
    allow(std::max(std::min<double>(floor, allowed_), allowed_ / 2));
  }
  errors_this_minute_ = backlog_this_minute_ = false;
}

}  // namespace windtunnel
