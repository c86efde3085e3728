#include "models/compute/lambda_stream_source.hpp"

#include <algorithm>

#include "sim/hash.hpp"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Outcome;
using std::chrono::seconds;

namespace {
constexpr std::uint32_t most_in_a_call = 10'000;
constexpr std::uint64_t largest_payload = 6 << 20;
// Five reads a second and shard; who finds more reads on at this pace.
constexpr Duration between_reads{std::chrono::milliseconds(200)};
// UNSOURCED: failed batches are tried again with backoff.
constexpr Duration first_pause{seconds(1)}, longest_pause{seconds(60)};
}  // namespace

LambdaStreamSource::LambdaStreamSource(sim::Component& mapping, sim::MetricSet& set,
                                       const Settings& settings, Messages& messages)
    : Entity(mapping, "stream pollers"),
      metric(set),
      settings_(settings),
      messages_(messages),
      invoker_(mapping, *this, settings.partial, messages),
      ledger_metrics_{set},
      consumer_(mapping, ledger_metrics_),
      chance_(stream("addresses")) {}

void LambdaStreamSource::wire(Callable& stream, StreamPort& port, Callable& function,
                              Callable* on_failure, sim::ZoneId place) {
  stream_ = &stream;
  port_ = &port;
  polling_interval_ = settings_.polling_interval.value_or(port.lambda_polling_interval());
  on_failure_ = on_failure;
  port.add_consumer(consumer_);
  invoker_.wire(function, place);
  set_zone(place);
}

void LambdaStreamSource::start() {
  for (const StreamPort::Shard& shard : port_->shards()) {
    if (shard.parents.empty()) open(shard, settings_.from_latest);
  }
}

void LambdaStreamSource::open(const StreamPort::Shard& shard, bool latest) {
  shards_.push_back({.number = shard.number, .position = latest ? shard.next : shard.first});
  for (std::uint32_t i = 0; i < settings_.lanes; ++i) lanes_.emplace_back();
  read_more(static_cast<std::uint32_t>(shards_.size() - 1));
}

// --- reading

void LambdaStreamSource::read_more(std::uint32_t index) {
  Shard& shard = shards_[index];
  const std::uint64_t room = std::uint64_t{settings_.batch_size} * settings_.lanes;
  if (shard.reading || shard.poll_due || shard.drained || shard.buffered >= room) return;
  shard.reading = true;
  const Handle handle = sim().open_call(*this, index, sim::Operation::read);
  Call& call = sim().call(handle);
  call.tag = read;
  Batch& batch = messages_.put_into(call, Batch::Action::read_records);
  batch.most =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(most_in_a_call, room - shard.buffered));
  batch.shard = shard.number;
  batch.position = shard.position;
  batch.account = consumer_.account();
  sim().send(
      handle,
      stream_->resolve({.operation = sim::Operation::read, .chance = chance_}).addresses.front());
}

void LambdaStreamSource::on_poll_due(std::uint64_t index) {
  shards_[index].poll_due = false;
  read_more(static_cast<std::uint32_t>(index));
}

void LambdaStreamSource::on_answer(Call& call, Handle) {
  if (call.tag != read) return;
  const std::uint32_t index = call.caller_node;
  Shard& shard = shards_[index];
  shard.reading = false;
  const Batch& batch = *messages_.find(call);
  const bool found = call.outcome == Outcome::ok && !batch.messages.empty();
  if (call.outcome == Outcome::ok) on_records(index, batch);
  if (shard.drained) return;
  shard.poll_due = true;
  sim().after<&LambdaStreamSource::on_poll_due>(found ? between_reads : polling_interval_, this,
                                                index);
}

void LambdaStreamSource::on_records(std::uint32_t index, const Batch& batch) {
  Shard& shard = shards_[index];
  shard.position = batch.position;
  for (const Message& message : batch.messages) {
    const std::uint32_t lane =
        index * settings_.lanes +
        (settings_.lanes == 1
             ? 0
             : static_cast<std::uint32_t>(sim::mix(message.key) % settings_.lanes));
    Lane& it = lanes_[lane];
    if (it.waiting.empty()) it.since = sim().now();
    it.waiting.push_back(message);
    shard.buffered += message.count;
    metric.received.add(message.count);
  }
  for (std::uint32_t i = 0; i < settings_.lanes; ++i) fill(index * settings_.lanes + i);
  drained(index);
}

// --- a lane

void LambdaStreamSource::fill(std::uint32_t lane) {
  Lane& it = lanes_[lane];
  if (it.state != State::waiting || it.waiting.empty()) return;
  std::uint64_t records = 0;
  for (const Message& message : it.waiting) {
    records += message.count;
    if (records >= settings_.batch_size) break;
  }
  const Duration left = settings_.window - (sim().now() - it.since);
  if (records < settings_.batch_size && left > Duration::zero()) {
    if (it.window_armed) return;
    it.window_armed = true;
    return sim().after<&LambdaStreamSource::on_window_over>(left, this, lane);
  }
  records = 0;
  std::uint64_t bytes = 0;
  while (!it.waiting.empty()) {
    const Message& next = it.waiting.front();
    const bool fits =
        records + next.count <= settings_.batch_size && bytes + next.bytes <= largest_payload;
    if (!it.batch.empty() && !fits) break;
    records += next.count;
    bytes += next.bytes;
    it.batch.push_back(next);
    it.waiting.pop_front();
  }
  it.since = sim().now();
  it.retries = 0;
  forget_old(lane);
  if (it.batch.empty()) return fill(lane);
  invoke(lane);
}

void LambdaStreamSource::on_window_over(std::uint64_t lane) {
  lanes_[lane].window_armed = false;
  fill(static_cast<std::uint32_t>(lane));
}

void LambdaStreamSource::invoke(std::uint32_t lane) {
  Lane& it = lanes_[lane];
  it.state = State::invoking;
  metric.batches.add();
  metric.iterator_age.record(sim().now() - it.batch.back().sent);
  invoker_.invoke(lane);
}

void LambdaStreamSource::on_invoked(std::uint32_t lane, bool ok) {
  Lane& it = lanes_[lane];
  // With partial responses it goes on at the first record that failed.
  std::size_t good = 0;
  while (ok && good < it.batch.size() && it.batch[good].result == Entry::accepted) ++good;
  done(lane, good, true);
  if (it.batch.empty()) return next_batch(lane);
  if (good > 0) it.retries = 0;
  metric.failed.add();
  failed(lane);
}

bool LambdaStreamSource::on_throttled(std::uint32_t lane, Duration) {
  forget_old(lane);
  if (!lanes_[lane].batch.empty()) return true;
  next_batch(lane);
  return false;
}

void LambdaStreamSource::failed(std::uint32_t lane) {
  Lane& it = lanes_[lane];
  if (settings_.bisect && it.batch.size() > 1) {
    metric.bisected.add();
    const auto half = it.batch.begin() + static_cast<std::ptrdiff_t>(it.batch.size() / 2);
    it.waiting.insert(it.waiting.begin(), half, it.batch.end());
    it.batch.erase(half, it.batch.end());
  } else if (settings_.maximum_retry_attempts && it.retries >= *settings_.maximum_retry_attempts) {
    done(lane, it.batch.size(), false);
    return next_batch(lane);
  } else {
    ++it.retries;
  }
  const Duration pause = std::min(longest_pause, first_pause * (1 << std::min(it.retries, 10u)));
  sim().after<&LambdaStreamSource::on_retry>(pause, this, lane);
}

void LambdaStreamSource::on_retry(std::uint64_t number) {
  const auto lane = static_cast<std::uint32_t>(number);
  forget_old(lane);
  if (lanes_[lane].batch.empty()) return next_batch(lane);
  invoke(lane);
}

void LambdaStreamSource::forget_old(std::uint32_t lane) {
  Lane& it = lanes_[lane];
  const std::uint64_t first = port_->shard(shard_of(lane).number).first;
  std::size_t old = 0;
  while (old < it.batch.size() &&
         (it.batch[old].receipt + it.batch[old].count <= first ||
          (settings_.maximum_record_age &&
           sim().now() - it.batch[old].sent > *settings_.maximum_record_age))) {
    ++old;
  }
  done(lane, old, false);
}

// The first so many of the batch are: with their effect, or given up.
void LambdaStreamSource::done(std::uint32_t lane, std::size_t messages, bool with_effect) {
  if (messages == 0) return;
  Lane& it = lanes_[lane];
  Shard& shard = shard_of(lane);
  for (std::size_t i = 0; i < messages; ++i) {
    const Message& message = it.batch[i];
    shard.buffered -= message.count;
    if (with_effect) {
      consumer_.effect(shard.number, message);
    } else {
      metric.discarded.add(message.count);
      consumer_.skip(shard.number, message);
    }
  }
  consumer_.checkpoint(shard.number, consumer_.done_until(shard.number));
  if (!with_effect && on_failure_ != nullptr) {  // what is sent tells of the batch
    const Handle handle = sim().open_call(*this, lane, sim::Operation::write);
    Call& call = sim().call(handle);
    call.tag = failure_record;
    messages_.put_into(call, Batch::Action::send)
        .messages.push_back({.sent = sim().now(), .content = it.batch[0].content, .bytes = 1024});
    sim().send(handle, on_failure_->resolve({.operation = sim::Operation::write, .chance = chance_})
                           .addresses.front());
  }
  it.batch.erase(it.batch.begin(), it.batch.begin() + static_cast<std::ptrdiff_t>(messages));
}

void LambdaStreamSource::next_batch(std::uint32_t lane) {
  lanes_[lane].state = State::waiting;
  lanes_[lane].since = sim().now();
  fill(lane);
  const std::uint32_t shard = lane / settings_.lanes;
  read_more(shard);
  drained(shard);
}

// A closed shard that is read and done with makes way for its children.
void LambdaStreamSource::drained(std::uint32_t index) {
  Shard& shard = shards_[index];
  if (shard.drained || shard.buffered > 0) return;
  const StreamPort::Shard now = port_->shard(shard.number);
  if (!now.closed || shard.position < now.next) return;
  shard.drained = true;
  const auto is_done = [&](std::uint32_t number) {
    return std::any_of(shards_.begin(), shards_.end(),
                       [&](const Shard& it) { return it.number == number && it.drained; });
  };
  for (const StreamPort::Shard& child : port_->shards()) {
    const bool known = std::any_of(shards_.begin(), shards_.end(),
                                   [&](const Shard& it) { return it.number == child.number; });
    const bool ready =
        !child.parents.empty() && std::all_of(child.parents.begin(), child.parents.end(), is_done);
    if (!known && ready) open(child, false);
  }
}

}  // namespace windtunnel
