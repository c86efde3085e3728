#include "models/mechanisms/record_stream.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace windtunnel {

using sim::Duration;

RecordStream::RecordStream(sim::Component& owner, sim::MetricSet& set, Duration retention)
    : owner_(owner),
      retention_(retention),
      batches_(Messages::of(owner.sim())),
      messages_{set},
      account_(batches_.ledger().open(owner, messages_, *this)) {}

std::vector<StreamPort::Shard> RecordStream::shards() const {
  std::vector<Shard> all;
  for (std::uint32_t i = 0; i < log_.partitions(); ++i) all.push_back(shard(i));
  return all;
}

StreamPort::Shard RecordStream::shard(std::uint32_t number) const {
  return {number, log_.closed(number), log_.first(number), log_.next(number), log_.parents(number)};
}

std::uint64_t RecordStream::messages_held() const {
  return consumers_.empty() ? log_.records_kept() : 0;
}

HashKey RecordStream::position_of(std::uint32_t key) {
  if (key >= positions_.size()) {
    const std::size_t known = positions_.size();
    positions_.resize(std::max<std::size_t>(key + std::size_t{1}, known + known / 2));
    for (std::size_t i = known; i < positions_.size(); ++i) {
      positions_[i] = hash_key_of(fmt::format_int(i).c_str());
    }
    newest_.resize(positions_.size());
  }
  return positions_[key];
}

void RecordStream::append(std::uint32_t shard, Message& message) {
  message.result = Entry::accepted;
  message.receipt = log_.next(shard);
  log_.append(shard, message, owner_.sim().now());
  if (message.key != 0 && !message.aggregated) {
    sim::Time& newest = newest_[message.key];
    if (message.sent < newest) messages_.reordered.add(message.count);
    newest = std::max(newest, message.sent);
  }
  batches_.ledger().accept_many(message, account_);
  for (StreamConsumer* consumer : consumers_) consumer->appended(shard, message);
  if (!consumers_.empty()) batches_.ledger().forward_many(account_, message.count);
}

PartitionedLog::ReadResult RecordStream::read(Batch& batch, const PartitionedLog::Limits& limits) {
  const auto read = log_.read(batch.shard, batch.position, limits, batch.messages);
  batch.position = read.next;
  for (Message& message : batch.messages) message.account = batch.account;
  return read;
}

void RecordStream::expire(std::uint32_t shard) {
  const std::uint64_t expired = log_.expire(shard, owner_.sim().now() - retention_);
  if (expired == 0) return;
  if (consumers_.empty()) batches_.ledger().end_many(account_, expired, Fate::expired);
  for (StreamConsumer* consumer : consumers_) consumer->trimmed(shard, log_.first(shard));
}

void RecordStream::expire_all() {
  for (std::uint32_t shard = 0; shard < log_.partitions(); ++shard) expire(shard);
}

void RecordStream::forget_what_is_done() {
  Duration rewind{0};
  for (const StreamConsumer* it : consumers_) rewind = std::max(rewind, it->rewind());
  for (std::uint32_t shard = 0; shard < log_.partitions(); ++shard) {
    expire(shard);
    std::uint64_t done = consumers_.empty() ? 0 : log_.next(shard);
    for (const StreamConsumer* it : consumers_) done = std::min(done, it->checkpointed(shard));
    if (done > log_.first(shard)) log_.forget(shard, done, owner_.sim().now() - rewind);
  }
}

}  // namespace windtunnel
