#include "models/analytics/kinesis_data_stream.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/analytics/kinesis_data_stream.pb.h"
#include "models/analytics/kinesis_stream_change.hpp"
#include "models/mechanisms/regional_place.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"

namespace windtunnel {

using namespace std::chrono_literals;
using sim::Call;
using sim::Handle;
using sim::Outcome;
using sim::Time;

namespace {

// Kinesis Data Streams guide, Quotas and limits.
constexpr double mebibyte = 1 << 20;
constexpr double write_records = 1000, write_bytes = mebibyte;  // a second and shard
constexpr double read_calls = 5, read_bytes = 2 * mebibyte;     // a second and shard
constexpr std::uint32_t most_records_read = 10'000;             // GetRecords
constexpr auto most_bytes_read = static_cast<std::uint64_t>(10 * mebibyte);
constexpr std::uint32_t most_records_put = 500;  // PutRecords
constexpr auto most_bytes_put = static_cast<std::uint64_t>(10 * mebibyte);

std::uint32_t records_in(const Message& message) { return message.aggregated ? 1 : message.count; }

}  // namespace

KinesisDataStream::KinesisDataStream(sim::Simulation& sim, const std::string& name,
                                     const settings::KinesisDataStream& settings)
    : Component(sim, name),
      RecordStream(*this, metric_set_, to_duration(settings.retention_period())),
      on_demand_(settings.stream_mode() == settings::KinesisDataStream::ON_DEMAND),
      propagation_(to_duration(settings.propagation())),
      reshard_time_(to_duration(settings.reshard_time())),
      update_time_(to_duration(settings.update_shard_count_time())),
      max_record_size_(static_cast<std::uint32_t>(settings.max_record_size())),
      record_size_(static_cast<std::uint32_t>(settings.record_size())),
      empty_reads_(settings.empty_reads()),
      put_time_(to_distribution(settings.put_time())),
      get_time_(to_distribution(settings.get_time())),
      split_time_(to_distribution(settings.on_demand_split_time())),
      put_chance_(stream("put")),
      get_chance_(stream("get")),
      key_chance_(stream("partition key")),
      error_chance_(stream("failure")),
      split_chance_(stream("on demand")),
      keys_(settings.partition_keys()),
      changes_(changes_of(settings)) {
  set_zone(regional_place(sim, settings.region()));
  const auto shards = static_cast<std::uint32_t>(settings.shards());
  for (std::uint32_t i = 0; i < shards; ++i) open_shard(HashRange::even(i, shards), {});
  shards_opened();
  publish_metrics(settings);
}

KinesisDataStream::~KinesisDataStream() = default;

void KinesisDataStream::publish_metrics(const settings::KinesisDataStream& settings) {
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  const auto named = [&](const char* metric, double scale = 1) {
    return CloudWatch::Publication{.component = name(),
                                   .space = "AWS/Kinesis",
                                   .name = metric,
                                   .dimensions = {{"StreamName", name()}},
                                   .delay = to_distribution(settings.metric_delay()),
                                   .scale = scale};
  };
  cloudwatch.publish_growth(named("IncomingRecords"), metric.incoming_records);
  cloudwatch.publish_growth(named("IncomingBytes"), metric.incoming_bytes);
  cloudwatch.publish_growth(named("WriteProvisionedThroughputExceeded"), metric.write_throttled,
                            true);
  cloudwatch.publish_growth(named("ReadProvisionedThroughputExceeded"), metric.read_throttled,
                            true);
  cloudwatch.publish_growth(named("GetRecords.Records"), metric.get_records);
  cloudwatch.publish_growth(named("GetRecords.Bytes"), metric.get_bytes);
  cloudwatch.publish_growth(named("SubscribeToShardEvent.Records"), metric.pushed);
  cloudwatch.publish_records(named("GetRecords.IteratorAgeMilliseconds", 1000),
                             metric.iterator_age);
  cloudwatch.publish_records(named("SubscribeToShardEvent.MillisBehindLatest", 1000),
                             metric.behind);
}

void KinesisDataStream::start() {
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    sim().at<&KinesisDataStream::on_change_due>(sim::time_zero + changes_[i].at, this, i,
                                                sim::Turn::control);
  }
  sim().after<&KinesisDataStream::on_minute_over>(1min, this);
}

bool KinesisDataStream::set_slow(double factor) {
  slow_ = factor;
  return true;
}
bool KinesisDataStream::set_errors(double share) {
  errors_ = share;
  return true;
}

// Puts ------------------------------------------------------------------------------------------

void KinesisDataStream::on_request(Call& call, Handle handle) {
  const bool plain = batches_.find(call) == nullptr;
  Batch& batch = batches_.of_call(call, record_size_);
  if (plain) batch.messages.front().key = keys_.draw(key_chance_);
  if (batch.action == Batch::Action::send) {
    put(call, batch, plain);
    answer_after(handle, put_time_, call.outcome);
  } else if (batch.action == Batch::Action::read_records && batch.wait > sim::Duration(0)) {
    subscribe(handle, batch);
  } else if (batch.action == Batch::Action::read_records) {
    get(call, batch);
    answer_after(handle, get_time_, call.outcome);
  } else {
    sim().answer(handle, Outcome::error);
  }
}

void KinesisDataStream::answer_after(Handle handle, const sim::Distribution& law, Outcome outcome) {
  sim::Stream& chance = &law == &put_time_ ? put_chance_ : get_chance_;
  const sim::Duration time = law.sample(chance);
  sim().call(handle).work_as<Outcome>() = outcome;
  sim().after<&KinesisDataStream::on_answer_due>(
      slow_ == 1 ? time : sim::from_seconds(sim::seconds(time) * slow_), this, handle);
}

void KinesisDataStream::on_answer_due(Handle handle) {
  sim().answer(handle, sim().call(handle).work_as<Outcome>());
}

void KinesisDataStream::put(Call& call, Batch& batch, bool plain) {
  std::uint64_t records = 0, bytes = 0;
  for (const Message& message : batch.messages) {
    records += records_in(message);
    bytes += message.bytes;
  }
  if (records > most_records_put || bytes > most_bytes_put) {
    for (Message& message : batch.messages) message.result = Entry::refused;
    call.outcome = Outcome::error;
    return;
  }
  const std::size_t entries = batch.messages.size();
  writes.offer(*call.caller, records);
  for (std::size_t i = 0; i < entries; ++i) put_record(*call.caller, batch, i);
  call.outcome = Outcome::ok;
  if (!plain) return;
  const Entry result = batch.messages.front().result;
  if (result == Entry::throttled) call.outcome = Outcome::throttled;
  if (result == Entry::refused || result == Entry::failed) call.outcome = Outcome::error;
}

// Of a group as many as the shard's buckets take; the rest becomes an entry of its own.
void KinesisDataStream::put_record(const sim::Entity& caller, Batch& batch, std::size_t entry) {
  const Time now = sim().now();
  Message& message = batch.messages[entry];
  const std::uint32_t records = records_in(message);
  const std::uint32_t each = message.bytes / records;
  if (each > max_record_size_) {
    message.result = Entry::refused;
    return;
  }
  if (error_chance_.chance(errors_)) {
    metric.failed.add(records);
    message.result = Entry::failed;
    return;
  }
  const HashKey position = message.key == 0 ? key_chance_() : position_of(message.key);
  const std::uint32_t shard = log_.at(position);
  Limits& limits = limits_[shard];
  std::uint64_t room = limits.write_records.room(now);
  // Above a second's worth it takes burst capacity: the bucket owes.
  const bool large = each > write_bytes;
  room = std::min(room,
                  large ? std::uint64_t{limits.write_bytes.available(now) > 0}
                        : limits.write_bytes.room(now, std::max(1.0, static_cast<double>(each))));
  const auto taken = static_cast<std::uint32_t>(std::min<std::uint64_t>(room, records));
  metric.write_throttled.add(records - taken);
  writes.refuse(caller, 0, records - taken);
  if (taken == 0) {
    message.result = Entry::throttled;
    return;
  }
  limits.write_records.spend(now, taken);
  const double bytes = static_cast<double>(taken) * each;
  if (large) {
    limits.write_bytes.take_or_owe(now, bytes);
  } else {
    limits.write_bytes.spend(now, bytes);
  }
  if (taken == records) return take(message, shard);
  Message rest = message;
  rest.count -= taken;
  rest.bytes -= taken * each;
  rest.result = Entry::throttled;
  message.count = taken;
  message.bytes = taken * each;
  take(message, shard);
  batch.messages.push_back(rest);
}

void KinesisDataStream::take(Message& message, std::uint32_t shard) {
  append(shard, message);
  metric.incoming_records.add(records_in(message));
  metric.incoming_bytes.add(message.bytes);
  limits_[shard].bytes_this_minute += message.bytes;
  if (!limits_[shard].subscribers.empty()) schedule_push(shard, sim().now() + propagation_);
}

// Reads -----------------------------------------------------------------------------------------

void KinesisDataStream::get(Call& call, Batch& batch) {
  const Time now = sim().now();
  Limits& limits = limits_[batch.shard];
  batch.messages.clear();
  reads.offer(*call.caller);
  if (limits.read_bytes.available(now) <= 0 || !limits.read_calls.take(now)) {
    metric.read_throttled.add();
    reads.refuse(*call.caller, 0);
    call.outcome = Outcome::throttled;
    return;
  }
  metric.get_calls.add();
  call.outcome = Outcome::ok;
  expire(batch.shard);
  if (get_chance_.chance(empty_reads_)) return metric.iterator_age.record(sim::Duration(0));
  const auto read =
      RecordStream::read(batch, {std::min(batch.most, most_records_read), most_bytes_read});
  limits.read_bytes.take_or_owe(now, static_cast<double>(read.bytes));
  metric.get_records.add(read.records);
  metric.get_bytes.add(read.bytes);
  metric.iterator_age.record(read.records == 0 ? sim::Duration(0) : now - read.last_arrived);
}

void KinesisDataStream::subscribe(Handle handle, Batch& batch) {
  limits_[batch.shard].subscribers.push_back(handle);
  expire(batch.shard);
  batch.position = std::max(batch.position, log_.first(batch.shard));
  const Time now = sim().now();
  if (batch.position < log_.next(batch.shard)) {
    schedule_push(batch.shard,
                  std::max(now, log_.arrived(batch.shard, batch.position) + propagation_));
  } else if (log_.closed(batch.shard)) {
    schedule_push(batch.shard, now);  // its end is told
  }
}

void KinesisDataStream::schedule_push(std::uint32_t shard, Time at) {
  Limits& limits = limits_[shard];
  if (at >= limits.push_due) return;
  limits.push_due = at;
  sim().at<&KinesisDataStream::on_push_due>(at, this, shard);
}

void KinesisDataStream::on_push_due(std::uint64_t number) {
  const auto shard = static_cast<std::uint32_t>(number);
  Limits& limits = limits_[shard];
  if (limits.push_due != sim().now()) return;  // an earlier date came in between
  limits.push_due = Time::max();
  Time again_at = Time::max();
  std::erase_if(limits.subscribers, [&](Handle handle) { return push(handle, shard, again_at); });
  if (again_at < Time::max()) schedule_push(shard, again_at);
}

// True: it is answered, or nobody waits for it any more.
bool KinesisDataStream::push(Handle handle, std::uint32_t shard, Time& again_at) {
  Call* call = sim().find_call(handle);
  if (call == nullptr) return true;
  if (call->caller_done) {
    sim().drop(handle);
    return true;
  }
  const Time now = sim().now();
  Batch& batch = *batches_.find(*call);
  TokenBucket& limit = push_limit(batch.account, shard);
  if (limit.available(now) <= 0) {
    again_at = std::min(again_at, limit.repaid(now));
    return false;
  }
  batch.messages.clear();
  const auto read = RecordStream::read(
      batch, {std::min(batch.most, most_records_read), most_bytes_read, now - propagation_});
  if (read.records == 0) {
    const bool ended = log_.closed(shard) && batch.position >= log_.next(shard);
    if (ended) sim().answer(handle, Outcome::ok);
    if (batch.position < log_.next(shard)) {
      again_at = std::min(again_at, log_.arrived(shard, batch.position) + propagation_);
    }
    return ended;
  }
  limit.take_or_owe(now, static_cast<double>(read.bytes));
  metric.pushed.add(read.records);
  metric.behind.record(read.next < log_.next(shard) ? now - read.last_arrived : sim::Duration(0));
  sim().answer(handle, Outcome::ok);
  return true;
}

TokenBucket& KinesisDataStream::push_limit(LossLedger::Account account, std::uint32_t shard) {
  const auto before = [](const PushLimit& a,
                         const std::pair<LossLedger::Account, std::uint32_t>& b) {
    return std::pair(a.account, a.shard) < b;
  };
  const auto found =
      std::lower_bound(push_limits_.begin(), push_limits_.end(), std::pair(account, shard), before);
  if (found != push_limits_.end() && found->account == account && found->shard == shard) {
    return found->bytes;
  }
  return push_limits_.insert(found, {account, shard, TokenBucket(read_bytes, read_bytes)})->bytes;
}

// Once a minute ----------------------------------------------------------------------------------

void KinesisDataStream::on_minute_over() {
  forget_what_is_done();
  if (on_demand_) grow();
  sim().after<&KinesisDataStream::on_minute_over>(1min, this);
}

void KinesisDataStream::report(sim::RunLog&) { expire_all(); }

KinesisDataStream::Limits::Limits()
    : write_records(windtunnel::write_records, windtunnel::write_records),
      write_bytes(windtunnel::write_bytes, windtunnel::write_bytes),
      read_calls(windtunnel::read_calls, windtunnel::read_calls),
      read_bytes(windtunnel::read_bytes, windtunnel::read_bytes) {}

REGISTER_MODEL(KinesisDataStream, settings::KinesisDataStream);

}  // namespace windtunnel
