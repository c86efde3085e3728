#include "models/database/dynamodb_stream.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/database/dynamodb_stream.pb.h"
#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/other_settings.hpp"
#include "models/mechanisms/regional_place.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

using namespace std::chrono_literals;
using S = settings::DynamodbStream;
using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Outcome;

namespace {

constexpr Duration retention{24h};  // DynamoDB developer guide, Change data capture for Streams
// DynamoDB API: GetRecords, BatchWriteItem.
constexpr std::uint32_t most_records_read = 1000;
constexpr std::uint64_t most_bytes_read = 1 << 20;
constexpr RequestLimits batch_write{.bytes = 16 << 20, .entries = 25};
constexpr std::size_t most_readers = 2;

}  // namespace

DynamodbStream::DynamodbStream(sim::Simulation& sim, const std::string& name, const S& settings)
    : Component(sim, name),
      RecordStream(*this, metric_set_, retention),
      shard_lifetime_(to_duration(settings.shard_lifetime())),
      read_rate_(settings.read_calls()),
      items_(settings.items()),
      record_size_(static_cast<std::uint32_t>(settings.record_size())),
      write_time_(to_distribution(settings.write_time())),
      get_time_(to_distribution(settings.get_time())),
      item_seed_(stream("item")()),
      write_chance_(stream("write")),
      get_chance_(stream("get")),
      error_chance_(stream("errors")),
      age_chance_(stream("shard age")) {
  set_zone(regional_place(sim, settings.region()));
  const auto named = [&](const sim::Counter& counter) {
    return CloudWatch::Publication{.component = name,
                                   .space = "AWS/DynamoDB",
                                   .name = std::string(counter.name()),
                                   .dimensions = {{"TableName", name}},
                                   .delay = to_distribution(settings.metric_delay())};
  };
  for (const sim::Counter* counter : {&metric.returned, &metric.returned_bytes}) {
    CloudWatch::of(sim).publish_growth(named(*counter), *counter);
  }
  const auto partitions = static_cast<std::uint32_t>(settings.partitions());
  for (std::uint32_t i = 0; i < partitions; ++i) {
    open(HashRange::even(i, partitions), {});
  }
  log_.opened();
  metric.open_shards.set(sim.now(), partitions);
}

void DynamodbStream::check(const S& settings, SettingsCheck& check) {
  std::vector<std::string> readers;
  for (const std::string& other : check.components()) {
    const std::string stream = text_setting(check.settings_of(other), "stream");
    if (!stream.empty() && check.settings_of(stream) == &settings) readers.push_back(other);
  }
  if (readers.size() <= most_readers) return;
  check.warning("", fmt::format("{} read it: {} and others; more than two processes a shard may be "
                                "throttled (DynamoDB developer guide, Change data capture for "
                                "DynamoDB Streams)",
                                readers.size(), readers.front()));
}

void DynamodbStream::start() {
  for (std::uint32_t shard = 0; shard < log_.partitions(); ++shard) {
    const double left = age_chance_.uniform();
    sim().after<&DynamodbStream::on_shard_old>(
        sim::from_seconds(left * sim::seconds(shard_lifetime_)), this, shard);
  }
  sim().after<&DynamodbStream::on_minute_over>(1min, this);
}

void DynamodbStream::on_minute_over() {
  forget_what_is_done();
  sim().after<&DynamodbStream::on_minute_over>(1min, this);
}

bool DynamodbStream::set_slow(double factor) {
  slow_ = factor;
  return true;
}
bool DynamodbStream::set_errors(double share) {
  errors_ = share;
  return true;
}

// --- shards

std::uint32_t DynamodbStream::open(HashRange range, std::vector<std::uint32_t> parents) {
  reads_.emplace_back(read_rate_, read_rate_);
  return log_.open(range, std::move(parents));
}

void DynamodbStream::on_shard_old(std::uint64_t number) {
  const auto shard = static_cast<std::uint32_t>(number);
  const std::uint32_t child = open(log_.range(shard), {shard});
  log_.opened();
  sim().after<&DynamodbStream::on_shard_old>(shard_lifetime_, this, child);
}

// --- calls

void DynamodbStream::on_request(Call& call, Handle handle) {
  if (call.operation == sim::Operation::health_check) return sim().answer(handle, Outcome::ok);
  const bool plain = batches_.find(call) == nullptr;
  // Reads of the table are no matter of its stream.
  if (plain && call.operation == sim::Operation::read) {
    return answer_after(handle, write_time_.sample(write_chance_), Outcome::ok);
  }
  Batch& batch = batches_.of_call(call, record_size_);
  if (batch.action == Batch::Action::read_records && batch.wait == Duration::zero()) {
    const Outcome outcome = get(call, batch);
    answer_after(handle, get_time_.sample(get_chance_), outcome);
  } else if (batch.action == Batch::Action::send && batch_write.allow(batch)) {
    const bool fails = error_chance_.chance(errors_);
    if (!fails) write(batch);
    answer_after(handle, write_time_.sample(write_chance_), fails ? Outcome::error : Outcome::ok);
  } else {
    sim().answer(handle, Outcome::error);
  }
}

void DynamodbStream::answer_after(Handle handle, Duration time, Outcome outcome) {
  sim().call(handle).work_as<Outcome>() = outcome;
  sim().after<&DynamodbStream::on_answer_due>(
      slow_ == 1 ? time : sim::from_seconds(sim::seconds(time) * slow_), this, handle);
}

void DynamodbStream::on_answer_due(Handle handle) {
  sim().answer(handle, sim().call(handle).work_as<Outcome>());
}

void DynamodbStream::write(Batch& batch) {
  for (Message& message : batch.messages) {
    if (message.count != 1) {  // a write is of one item
      message.result = Entry::refused;
      continue;
    }
    if (message.key == 0) {  // saying it again is about the same item
      sim::Stream chance(item_seed_ ^ message.content);
      message.key = items_.draw(chance);
    }
    if (message.key >= last_write_.size()) last_write_.resize(message.key + std::size_t{1});
    std::uint64_t& last = last_write_[message.key];
    if (message.content != 0 && message.content == last) {
      message.result = Entry::accepted;
      metric.unchanged.add();
      continue;
    }
    last = message.content;
    append(log_.at(position_of(message.key)), message);
    metric.records.add();
  }
}

Outcome DynamodbStream::get(Call& call, Batch& batch) {
  batch.messages.clear();
  throttling.offer(*call.caller);
  if (!reads_[batch.shard].take(sim().now())) {
    throttling.refuse(*call.caller, 0);
    return Outcome::throttled;
  }
  expire(batch.shard);
  const auto found = read(batch, {std::min(batch.most, most_records_read), most_bytes_read});
  metric.returned.add(found.records);
  metric.returned_bytes.add(found.bytes);
  return Outcome::ok;
}

REGISTER_MODEL(DynamodbStream, settings::DynamodbStream);

}  // namespace windtunnel
