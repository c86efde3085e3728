// Shards that come and go: UpdateShardCount, SplitShard, MergeShards, and growth on demand.
#include <fmt/format.h>

#include <algorithm>

#include "models/analytics/kinesis_data_stream.hpp"
#include "models/analytics/kinesis_data_stream.pb.h"
#include "models/mechanisms/settings.hpp"

namespace windtunnel {

namespace {

// Kinesis Data Streams guide, Choosing the capacity mode: 500 KB/s, over a minute here.
constexpr double on_demand_threshold = 500.0 * 1024 * 60;
// Kinesis API, UpdateShardCount: no more; the growth on demand ends there too.
constexpr std::size_t most_shards = 10'000;

}  // namespace

std::vector<StreamChange> changes_of(const settings::KinesisDataStream& settings) {
  using Reshard = settings::KinesisDataStream::Reshard;
  std::vector<StreamChange> changes;
  for (const Reshard& call : settings.reshard()) {
    StreamChange change{.at = to_duration(call.at())};
    switch (call.call_case()) {
      case Reshard::kUpdateShardCount:
        change.kind = StreamChange::Kind::update_shard_count;
        change.count = static_cast<std::uint32_t>(call.update_shard_count());
        break;
      case Reshard::kMergeShards:
        change.kind = StreamChange::Kind::merge;
        change.shard = static_cast<std::uint32_t>(call.merge_shards().shard());
        change.adjacent = static_cast<std::uint32_t>(call.merge_shards().adjacent());
        break;
      default:
        change.shard = static_cast<std::uint32_t>(call.split_shard().shard());
    }
    changes.push_back(change);
  }
  return changes;
}

void KinesisDataStream::open_shard(HashRange range, std::vector<std::uint32_t> parents) {
  log_.open(range, std::move(parents));
  limits_.emplace_back();
}

void KinesisDataStream::shards_opened() {
  log_.opened();
  metric.open_shards.set(sim().now(), static_cast<std::int64_t>(log_.open_partitions().size()));
  // Who waits for a record of a parent is told of its end.
  for (std::uint32_t shard = 0; shard < limits_.size(); ++shard) {
    if (log_.closed(shard) && !limits_[shard].subscribers.empty()) {
      schedule_push(shard, sim().now() + propagation_);
    }
  }
}

void KinesisDataStream::on_change_due(std::uint64_t number) {
  const StreamChange& change = changes_[number];
  const char* refusal = updating_ ? "ResourceInUseException: the stream is being updated" : nullptr;
  const auto open = [this](std::uint32_t shard) {
    return shard < log_.partitions() && !log_.closed(shard);
  };
  using Kind = StreamChange::Kind;
  if (change.kind != Kind::update_shard_count && !open(change.shard)) {
    refusal = "ResourceNotFoundException: no such open shard";
  } else if (change.kind == Kind::merge) {
    const bool adjacent = open(change.adjacent) &&
                          (log_.range(change.shard).to + 1 == log_.range(change.adjacent).from ||
                           log_.range(change.adjacent).to + 1 == log_.range(change.shard).from);
    if (!adjacent) refusal = "InvalidArgumentException: the shards are not adjacent";
  }
  if (refusal != nullptr) return sim().note(sim::Milestone::none, *this, refusal);
  updating_ = true;
  sim().note(sim::Milestone::action_started, *this, "is being resharded");
  const bool update = change.kind == Kind::update_shard_count;
  sim().after<&KinesisDataStream::on_change_done>(update ? update_time_ : reshard_time_, this,
                                                  number);
}

void KinesisDataStream::on_change_done(std::uint64_t number) {
  const StreamChange& change = changes_[number];
  updating_ = false;
  switch (change.kind) {
    case StreamChange::Kind::update_shard_count:
      update_shard_count(change.count);
      break;
    case StreamChange::Kind::split:
      split(change.shard);
      break;
    case StreamChange::Kind::merge: {
      const HashRange a = log_.range(change.shard), b = log_.range(change.adjacent);
      open_shard({std::min(a.from, b.from), std::max(a.to, b.to)}, {change.shard, change.adjacent});
      shards_opened();
    }
  }
  sim().note(sim::Milestone::action_finished, *this,
             fmt::format("has {} open shards", log_.open_partitions().size()));
}

// The new shards are as even as can be; each one's parents are those it takes its range from.
void KinesisDataStream::update_shard_count(std::uint32_t count) {
  const std::vector<std::uint32_t> before = log_.open_partitions();
  if (count == before.size()) return;
  for (std::uint32_t i = 0; i < count; ++i) {
    const HashRange range = HashRange::even(i, count);
    std::vector<std::uint32_t> parents;
    for (const std::uint32_t old : before) {
      const HashRange of = log_.range(old);
      if (of.from <= range.to && range.from <= of.to) parents.push_back(old);
    }
    open_shard(range, std::move(parents));
  }
  shards_opened();
}

void KinesisDataStream::split(std::uint32_t shard) {
  const HashRange range = log_.range(shard);
  open_shard({range.from, range.middle()}, {shard});
  open_shard({range.middle() + 1, range.to}, {shard});
  shards_opened();
}

// Every minute: shards that took more than they should are split a while later.
void KinesisDataStream::grow() {
  for (const std::uint32_t shard : log_.open_partitions()) {
    Limits& limits = limits_[shard];
    const bool above = static_cast<double>(limits.bytes_this_minute) > on_demand_threshold;
    limits.bytes_this_minute = 0;
    if (!above || limits.splitting) continue;
    limits.splitting = true;
    sim().after<&KinesisDataStream::on_demand_split>(split_time_.sample(split_chance_), this,
                                                     shard);
  }
}

void KinesisDataStream::on_demand_split(std::uint64_t number) {
  const auto shard = static_cast<std::uint32_t>(number);
  const HashRange range = log_.range(shard);
  if (log_.open_partitions().size() >= most_shards || range.from == range.to) return;
  split(shard);
  sim().note(sim::Milestone::action_finished, *this,
             fmt::format("shard {} is split, {} are open", shard, log_.open_partitions().size()));
}

}  // namespace windtunnel
