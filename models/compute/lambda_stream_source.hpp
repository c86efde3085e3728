// The stream side of an event source mapping (Kinesis, DynamoDB): each shard is read in order, its
// records go by their keys to as many lanes as the parallelization factor, and a lane invokes the
// function with a batch at a time. A batch that fails blocks its lane: it is tried again until it
// succeeds, until its retries are used up or until it is too old; halving it costs no retry, and
// throttles ignore the retries (rule 35). Children of a shard wait until it is read to its end and
// done. Left out: enhanced fan-out, tumbling windows, on-failure records carry no data and so do
// not save the records.
#pragma once

#include <boost/circular_buffer.hpp>
#include <deque>
#include <optional>
#include <vector>

#include "models/mechanisms/batch_invoker.hpp"
#include "models/mechanisms/ports_messaging.hpp"
#include "models/mechanisms/stream_consumer.hpp"

namespace windtunnel {

class LambdaStreamSource final : public sim::Entity, private BatchInvoker::Source {
 public:
  struct Settings {
    std::uint32_t batch_size, lanes;
    sim::Duration window;
    std::optional<sim::Duration> polling_interval;  // absent: the stream's
    bool partial, bisect, from_latest;
    std::optional<std::uint32_t> maximum_retry_attempts;
    std::optional<sim::Duration> maximum_record_age;
  };
  LambdaStreamSource(sim::Component& mapping, sim::MetricSet& set, const Settings& settings,
                     Messages& messages);
  void wire(Callable& stream, StreamPort& port, Callable& function, Callable* on_failure,
            sim::ZoneId place);
  void start();
  void on_answer(sim::Call& call, sim::Handle handle) override;

  struct Metrics {
    explicit Metrics(sim::MetricSet& set) : set(set) {}
    sim::MetricSet& set;
    sim::Counter received{set, "PolledRecords", "records that were read"};
    sim::Counter batches{set, "BatchesOfRecords", "invocations with a batch, retries included"};
    sim::Counter failed{set, "FailedBatchesOfRecords", "of them, those that failed"};
    sim::Counter bisected{set, "BisectedBatches", "batches that were halved after an error"};
    sim::Counter discarded{set, "DiscardedRecords", "records given up"};
    sim::Histogram iterator_age{set, "IteratorAge",
                                "age of the last record of a batch when the function gets it"};
  };
  Metrics metric;

 private:
  enum Purpose : std::uint32_t { read, failure_record };
  enum class State : std::uint8_t { waiting, invoking };
  struct Lane {
    State state = State::waiting;
    std::uint32_t retries = 0;
    bool window_armed = false;
    sim::Time since{};  // its oldest waiting record was read
    std::deque<Message> waiting{};
    std::vector<Message> batch{};
  };
  struct Shard {
    std::uint32_t number;
    std::uint64_t position;
    std::uint64_t buffered = 0;  // records read and not done
    bool reading = false, poll_due = false, drained = false;
  };

  std::vector<Message>& batch(std::uint32_t lane) override { return lanes_[lane].batch; }
  void on_invoked(std::uint32_t lane, bool ok) override;
  bool on_throttled(std::uint32_t lane, sim::Duration pause) override;

  void open(const StreamPort::Shard& shard, bool latest);
  void read_more(std::uint32_t shard);
  void on_poll_due(std::uint64_t shard);
  void on_records(std::uint32_t shard, const Batch& batch);
  void fill(std::uint32_t lane);
  void on_window_over(std::uint64_t lane);
  void invoke(std::uint32_t lane);
  void failed(std::uint32_t lane);
  void on_retry(std::uint64_t lane);
  // Records that are not in the stream any more, or too old to be wanted.
  void forget_old(std::uint32_t lane);
  void done(std::uint32_t lane, std::size_t messages, bool with_effect);
  void next_batch(std::uint32_t lane);
  void drained(std::uint32_t shard);
  Shard& shard_of(std::uint32_t lane) { return shards_[lane / settings_.lanes]; }

  Settings settings_;
  sim::Duration polling_interval_{0};
  Messages& messages_;
  BatchInvoker invoker_;
  MessageAccount ledger_metrics_;
  StreamConsumer consumer_;
  Callable *stream_ = nullptr, *on_failure_ = nullptr;
  StreamPort* port_ = nullptr;
  std::deque<Shard> shards_;  // in the order in which they were opened
  std::deque<Lane> lanes_;    // so many of each shard
  sim::Stream chance_;
};

}  // namespace windtunnel
