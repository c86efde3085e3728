// A Kinesis data stream. Its work stands in files of its own:
//   kinesis_data_stream.cpp         puts, reads, retention, metrics
//   kinesis_data_stream_shards.cpp  shards: resharding, growth on demand
//   kinesis_data_stream_check.cpp   what is refused before the run
//
// Documented rules it obeys: a record goes to the open shard whose range holds the MD5 of its
// partition key; a shard takes 1 MiB/s and 1,000 records/s, and each record beyond is refused by
// itself within a call that succeeds, so that retries reorder (rule 32); all who read a shard share
// 2 MiB/s and 5 calls a second, a call may return 10 MiB and then blocks the next 5 s (rule 31);
// GetRecords may find nothing although there is something; enhanced fan-out consumers have 2 MiB/s
// of each shard for themselves and are pushed to; parents stay readable to their end, children hold
// what came after; on demand, a shard above 500 KiB/s is split in the middle, which never isolates
// a hot key (rule 33). A put has its place in the shard when it arrives and is answered later.
//
// Groups: records of one key that come in one call may travel as one message with a count. They
// arrive at one date anyway, are of one size, and the shard's buckets take of them as many as of
// single records (a group is divided there), so quotas, order and age by arrival are exact; the
// date of sending is the group's mean, so times from producer to effect blur by what the producer
// lingers.
//
// Left out: the five minutes after which iterators expire and subscriptions are renewed; the
// intermediate shards of UpdateShardCount; shards merged on demand when traffic falls (after 30
// days); a change of mode or of retention during a run; quotas of the control plane; encryption;
// the cells of the service behind the shards. A burst may use a shard's whole second at once: the
// depth of the write buckets is not documented.
#pragma once

#include <memory>
#include <vector>

#include "models/analytics/kinesis_stream_change.hpp"
#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/key_popularity.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/record_stream.hpp"
#include "models/mechanisms/token_bucket.hpp"
#include "sim/throttling.hpp"

namespace windtunnel {

namespace settings {
class KinesisDataStream;
}
class SettingsCheck;

class KinesisDataStream final : public sim::Component,
                                public Callable,
                                public MessageTarget,
                                public RecordStream {
 public:
  KinesisDataStream(sim::Simulation& sim, const std::string& name,
                    const settings::KinesisDataStream& settings);
  ~KinesisDataStream() override;
  static void check(const settings::KinesisDataStream& settings, SettingsCheck& check);

  void start() override;
  void report(sim::RunLog& log) override;
  void on_request(sim::Call& call, sim::Handle handle) override;
  bool set_slow(double factor) override;
  bool set_errors(double share) override;

  Resolution resolve(const Query&) override { return {{address_of(0)}}; }
  Kind kind() const override { return Kind::stream; }
  std::size_t log_bytes() const { return log_.bytes(); }

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter incoming_records{set, "IncomingRecords", "records put, aggregated ones once"};
    sim::Counter incoming_bytes{set, "IncomingBytes", "their bytes"};
    sim::Counter write_throttled{set, "WriteProvisionedThroughputExceeded",
                                 "records refused by a shard's limits"};
    sim::Counter failed{set, "PutRecords.FailedRecords", "records refused by an internal failure"};
    sim::Counter get_records{set, "GetRecords.Records", "records read by GetRecords"};
    sim::Counter get_bytes{set, "GetRecords.Bytes", "their bytes"};
    sim::Counter get_calls{set, "GetRecords.Success", "GetRecords calls that were served"};
    sim::Counter read_throttled{set, "ReadProvisionedThroughputExceeded",
                                "GetRecords calls refused by a shard's limits"};
    sim::Counter pushed{set, "SubscribeToShardEvent.Records",
                        "records pushed to enhanced fan-out consumers"};
    sim::Level open_shards{set, "OpenShardCount", "Count", "shards that take records"};
    sim::Histogram iterator_age{set, "GetRecords.IteratorAge",
                                "age of the last record of a GetRecords call"};
    sim::Histogram behind{set, "SubscribeToShardEvent.Behind",
                          "how far a pushed event is behind the tip of its shard"};
  };
  Metrics metric{metric_set_};
  static constexpr const char* exceeded = "ProvisionedThroughputExceeded";
  sim::Throttling writes{*this, metric_set_, "WriteThrottling", "records written", {exceeded}};
  sim::Throttling reads{*this, metric_set_, "ReadThrottling", "GetRecords", {exceeded}};

 private:
  // A shard's limits, and who waits for its records.
  struct Limits {
    Limits();
    TokenBucket write_records, write_bytes, read_calls, read_bytes;
    std::uint64_t bytes_this_minute = 0;
    bool splitting = false;  // on demand
    std::vector<sim::Handle> subscribers{};
    sim::Time push_due = sim::Time::max();
  };
  struct PushLimit {  // of one consumer at one shard
    LossLedger::Account account;
    std::uint32_t shard;
    TokenBucket bytes;
  };
  void publish_metrics(const settings::KinesisDataStream& settings);

  void put(sim::Call& call, Batch& batch, bool plain);
  void put_record(const sim::Entity& caller, Batch& batch, std::size_t entry);
  void take(Message& message, std::uint32_t shard);
  void get(sim::Call& call, Batch& batch);
  void answer_after(sim::Handle handle, const sim::Distribution& law, sim::Outcome outcome);
  void on_answer_due(sim::Handle handle);
  void subscribe(sim::Handle handle, Batch& batch);
  void schedule_push(std::uint32_t shard, sim::Time at);
  void on_push_due(std::uint64_t shard);
  bool push(sim::Handle handle, std::uint32_t shard, sim::Time& again_at);
  TokenBucket& push_limit(LossLedger::Account account, std::uint32_t shard);
  void on_minute_over();

  void open_shard(HashRange range, std::vector<std::uint32_t> parents);
  void shards_opened();
  void on_change_due(std::uint64_t change);
  void on_change_done(std::uint64_t change);
  void update_shard_count(std::uint32_t count);
  void split(std::uint32_t shard);
  void grow();
  void on_demand_split(std::uint64_t shard);

  bool on_demand_;
  sim::Duration propagation_, reshard_time_, update_time_;
  std::uint32_t max_record_size_, record_size_;
  double empty_reads_, slow_ = 1, errors_ = 0;
  sim::Distribution put_time_, get_time_, split_time_;
  sim::Stream put_chance_, get_chance_, key_chance_, error_chance_, split_chance_;
  KeyPopularity keys_;
  std::vector<Limits> limits_;  // by shard
  std::vector<PushLimit> push_limits_;
  std::vector<StreamChange> changes_;
  bool updating_ = false;
};

}  // namespace windtunnel
