// What a stream's settings may not say beyond the schema: the limits of resharding.
#include <fmt/format.h>

#include <algorithm>

#include "models/analytics/kinesis_data_stream.hpp"
#include "models/analytics/kinesis_data_stream.pb.h"
#include "models/analytics/kinesis_stream_change.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {
using namespace std::chrono_literals;

constexpr std::size_t updates_a_day = 10;
constexpr const char* update_source = "Kinesis API, UpdateShardCount";
}  // namespace

void KinesisDataStream::check(const settings::KinesisDataStream& settings, SettingsCheck& check) {
  const std::vector<StreamChange> changes = changes_of(settings);
  if (settings.stream_mode() == settings::KinesisDataStream::ON_DEMAND && !changes.empty()) {
    check.error("reshard", "an on-demand stream reshards itself (Kinesis API, UpdateShardCount)");
    return;
  }
  if (settings.record_size() > settings.max_record_size()) {
    check.error("record_size",
                fmt::format("records of {} bytes are above max_record_size, {}: all are refused "
                            "(Kinesis API, PutRecord)",
                            settings.record_size(), settings.max_record_size()));
  }
  std::int64_t open = settings.shards();
  std::vector<sim::Duration> updates;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const StreamChange& change = changes[i];
    const std::string path = fmt::format("reshard.{}.at", i);
    if (i > 0 && change.at < changes[i - 1].at) {
      check.error(path, "comes before the call above it");
      return;
    }
    if (change.kind != StreamChange::Kind::update_shard_count) {
      open += change.kind == StreamChange::Kind::split ? 1 : -1;
      continue;
    }
    const std::string count = fmt::format("reshard.{}.update_shard_count", i);
    if (change.count > 2 * open || 2 * std::int64_t{change.count} < open) {
      check.error(count, fmt::format("{} shards from {}: one call at most doubles or halves them "
                                     "({})",
                                     change.count, open, update_source));
    }
    open = change.count;
    updates.push_back(change.at);
    const auto recent = std::count_if(updates.begin(), updates.end(),
                                      [&](sim::Duration at) { return at > change.at - 24h; });
    if (static_cast<std::size_t>(recent) > updates_a_day) {
      check.error(path, fmt::format("the {}th UpdateShardCount within 24 hours; {} are allowed "
                                    "({})",
                                    recent, updates_a_day, update_source));
    }
  }
}

}  // namespace windtunnel
