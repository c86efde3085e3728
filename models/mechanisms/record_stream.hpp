// A stream of records, whatever its service and its limits: shards with parents and children,
// retention, the applications that read it, and the account of what came and went.
#pragma once

#include <vector>

#include "models/mechanisms/partitioned_log.hpp"
#include "models/mechanisms/ports_messaging.hpp"

namespace windtunnel {

class RecordStream : public StreamPort, public LossLedger::Holder {
 public:
  std::vector<Shard> shards() const override;
  Shard shard(std::uint32_t number) const override;
  std::uint64_t position_at(std::uint32_t shard, sim::Time date) const override {
    return log_.position_at(shard, date);
  }
  std::uint32_t shard_of(std::uint32_t key) override { return log_.at(position_of(key)); }
  void add_consumer(StreamConsumer& consumer) override { consumers_.push_back(&consumer); }
  std::uint64_t messages_held() const override;

 protected:
  RecordStream(sim::Component& owner, sim::MetricSet& set, sim::Duration retention);

  HashKey position_of(std::uint32_t key);
  // A record, or a group of them, that the service took.
  void append(std::uint32_t shard, Message& message);
  PartitionedLog::ReadResult read(Batch& batch, const PartitionedLog::Limits& limits);
  void expire(std::uint32_t shard);
  void expire_all();
  // What all applications are done with is kept no longer than one of them may want to go back.
  void forget_what_is_done();

  sim::Component& owner_;
  sim::Duration retention_;
  Messages& batches_;
  MessageAccount messages_;
  LossLedger::Account account_;
  PartitionedLog log_;
  std::vector<StreamConsumer*> consumers_;
  std::vector<HashKey> positions_;  // by key
  std::vector<sim::Time> newest_;   // by key: when the newest record that was taken was sent
};

}  // namespace windtunnel
