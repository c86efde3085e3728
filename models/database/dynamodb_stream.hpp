// DynamoDB Streams: the change log of a table. A call that writes to it is a write to the table;
// one that changes its item appends exactly one record. Saying the same again (a retry whose answer
// was lost) changes nothing and appends none. Records of an item are in order: its shard is that of
// its partition, and after some hours a child shard takes over, which Lambda reads when the parent
// is done. Records are kept for 24 hours. Few may read a shard: all share its calls a second.
//
// Left out: the table itself, with its items, its capacity and whom it throttles; partitions that
// split; DescribeStream's quota; expiry of iterators; global tables, Kinesis Data Streams for
// DynamoDB; deletions by TTL.
#pragma once

#include <vector>

#include "models/mechanisms/key_popularity.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/record_stream.hpp"
#include "models/mechanisms/token_bucket.hpp"
#include "sim/throttling.hpp"

namespace windtunnel {

namespace settings {
class DynamodbStream;
}
class SettingsCheck;

class DynamodbStream final : public sim::Component, public Callable, public RecordStream {
 public:
  DynamodbStream(sim::Simulation& sim, const std::string& name,
                 const settings::DynamodbStream& settings);
  static void check(const settings::DynamodbStream& settings, SettingsCheck& check);

  void start() override;
  void report(sim::RunLog&) override { expire_all(); }
  void on_request(sim::Call& call, sim::Handle handle) override;
  bool set_slow(double factor) override;
  bool set_errors(double share) override;
  Resolution resolve(const Query&) override { return {{address_of(0)}}; }
  sim::Duration lambda_polling_interval() const override { return std::chrono::milliseconds(250); }

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter records{set, "StreamRecords", "records, one for each write that changed an item"};
    sim::Counter unchanged{set, "UnchangedWrites", "writes that changed nothing: no record"};
    sim::Counter returned{set, "ReturnedRecordsCount", "records read by GetRecords"};
    sim::Counter returned_bytes{set, "ReturnedBytes", "their bytes"};
    sim::Level open_shards{set, "OpenShardCount", "Count", "shards that take records"};
  };
  Metrics metric{metric_set_};
  sim::Throttling throttling{
      *this, metric_set_, "Throttling", "GetRecords", {"LimitExceededException"}};

 private:
  void write(Batch& batch);
  sim::Outcome get(sim::Call& call, Batch& batch);
  void answer_after(sim::Handle handle, sim::Duration time, sim::Outcome outcome);
  void on_answer_due(sim::Handle handle);
  std::uint32_t open(HashRange range, std::vector<std::uint32_t> parents);
  void on_shard_old(std::uint64_t shard);
  void on_minute_over();

  sim::Duration shard_lifetime_;
  double read_rate_, slow_ = 1, errors_ = 0;
  KeyPopularity items_;
  std::uint32_t record_size_;
  sim::Distribution write_time_, get_time_;
  std::uint64_t item_seed_;
  sim::Stream write_chance_, get_chance_, error_chance_, age_chance_;
  std::vector<TokenBucket> reads_;         // by shard
  std::vector<std::uint64_t> last_write_;  // by item: what it said
};

}  // namespace windtunnel
