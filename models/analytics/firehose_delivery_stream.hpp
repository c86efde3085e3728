// Amazon Data Firehose. Records come by PutRecord(Batch), within quotas a second, or are read from
// a Kinesis stream, once a second and shard, as one of those who share its reads. They gather in a
// buffer that is delivered when it is large or old enough, whichever comes first. A delivery that
// fails is tried again: to S3 for 24 hours, then its records are lost; to an HTTP endpoint for the
// retry duration, then they go to the backup bucket. Records may be transformed by a function first
// (firehose_transform), and have a buffer for each partition (firehose_partitions); what fails
// there goes to the error output at once.
//
// Left out: conversion of formats, deaggregation, base64's third more of an invocation; buffers
// that grow when delivery falls behind; other destinations; the order of deliveries; a delivery
// that timed out and arrived nevertheless.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "models/analytics/firehose_partitions.hpp"
#include "models/analytics/firehose_transform.hpp"
#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/connector.hpp"
#include "models/mechanisms/flush_buffer.hpp"
#include "models/mechanisms/key_popularity.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/ports_messaging.hpp"
#include "models/mechanisms/retry.hpp"
#include "models/mechanisms/token_bucket.hpp"
#include "sim/throttling.hpp"

namespace windtunnel {

namespace settings {
class FirehoseDeliveryStream;
}
class SettingsCheck;

class FirehoseDeliveryStream final : public sim::Component,
                                     public Callable,
                                     public MessageTarget,
                                     public MetricPublisher,
                                     public LossLedger::Holder,
                                     public FlushBuffer::Owner,
                                     public FirehoseTransform::Next {
 public:
  FirehoseDeliveryStream(sim::Simulation& sim, const std::string& name,
                         const settings::FirehoseDeliveryStream& settings);
  ~FirehoseDeliveryStream() override;
  static void check(const settings::FirehoseDeliveryStream& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void start() override;
  void on_request(sim::Call& call, sim::Handle handle) override;
  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;
  bool set_errors(double share) override;

  Resolution resolve(const Query&) override { return {{address_of(0)}}; }
  Kind kind() const override { return Kind::delivery_stream; }
  void collect(std::uint32_t which, sim::Time from, sim::Time to, StatisticSet& out) override;
  std::uint64_t messages_held() const override;
  void on_flush(std::vector<Message>& messages, sim::Time opened) override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter incoming_records{set, "IncomingRecords", "records taken"};
    sim::Counter incoming_bytes{set, "IncomingBytes", "their bytes"};
    sim::Counter throttled{set, "ThrottledRecords", "records refused by a quota"};
    sim::Counter deliveries{set, "DeliveryToS3.Success", "deliveries that succeeded"};
    sim::Counter failures{set, "DeliveryFailures", "deliveries that failed, each try"};
    sim::Counter delivered{set, "DeliveryToS3.Records", "records delivered"};
    sim::Counter backed_up{set, "BackupToS3.Records", "records that went to the backup bucket"};
    sim::Counter errors{set, "ErrorOutput.Records", "records that went to the error output"};
    sim::Level partitions{set, "PartitionCount", "Count", "partitions with records in buffers"};
    sim::Histogram freshness{set, "DeliveryToS3.DataFreshness",
                             "age of the oldest record of a delivery"};
  };
  Metrics metric{metric_set_};
  sim::Throttling throttling{
      *this, metric_set_, "Throttling", "records put", {"ServiceUnavailable"}};

 private:
  struct Delivery {
    std::vector<Message> messages{};
    sim::Time oldest{}, first_try{};
    std::uint32_t attempt = 0;  // 0: not in use
  };

  void publish_metrics(const settings::FirehoseDeliveryStream& settings);
  void put(sim::Call& call, Batch& batch, bool plain);
  void take(Message message);
  void on_processed(const Message& message) override;
  void on_processing_failed(const Message& message) override;
  void on_put_done(sim::Handle handle);
  void read(std::uint32_t shard);
  void on_read_due(std::uint64_t shard);
  void find_shards();
  void got_records(sim::Call& call, Batch& batch);
  void deliver(std::uint64_t delivery);
  void on_delivery_done(std::uint64_t delivery);
  void delivery_ended(std::uint32_t delivery, bool success);
  void end(Delivery& delivery, std::uint32_t number);

  std::string stream_name_, destination_name_, function_name_;
  bool http_;
  std::uint32_t record_size_;
  sim::Duration retry_duration_;
  sim::Distribution put_time_, delivery_time_;
  Backoff backoff_;
  sim::Stream put_chance_, delivery_chance_, error_chance_, backoff_chance_, partition_chance_;
  double errors_ = 0;
  TokenBucket records_, requests_, bytes_;
  Messages& batches_;
  MessageAccount messages_{metric_set_};
  LossLedger::Account account_;
  // As a reader of its stream it has an account of its own; the metrics show what it took.
  sim::MetricSet source_metrics_;
  std::unique_ptr<MessageAccount> source_account_;
  std::unique_ptr<StreamConsumer> reader_;
  FlushBuffer buffer_;
  std::unique_ptr<FirehoseTransform> transform_;
  std::unique_ptr<FirehosePartitions> partitions_;
  std::optional<KeyPopularity> partition_keys_;
  sim::Lane delivery_lane_, read_lane_;
  Connector::Settings connection_;
  std::unique_ptr<Connector> destination_, stream_;
  StreamPort* stream_port_ = nullptr;
  struct ShardState {
    bool reading = false, finished = false;
    std::uint64_t position = 0;
  };
  std::vector<ShardState> shards_;
  std::vector<Delivery> deliveries_;
  std::vector<std::uint32_t> free_;
};

}  // namespace windtunnel
