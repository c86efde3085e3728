// What messaging services and functions know of each other, beside models/mechanisms/ports.hpp. All
// of them are reached by calls that carry a batch (models/mechanisms/messages.hpp), to the address
// that Callable::resolve() gives; these ports tell what a caller has to know before.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "models/mechanisms/messages.hpp"
#include "models/mechanisms/stream_consumer.hpp"

namespace windtunnel {

// "message_target": takes messages by calls of Batch::Action::send (a function: invoke_async), so
// that topics, buses, destinations and dead-letter settings may name it. Every one is "callable".
class MessageTarget {
 public:
  enum class Kind : std::uint8_t {
    queue,
    fifo_queue,
    topic,
    fifo_topic,
    bus,
    stream,
    delivery_stream,
    function,
  };
  virtual ~MessageTarget() = default;
  virtual Kind kind() const = 0;
};

// "queue": polled by workers and mappings: calls of Batch::Action receive, remove,
// change_visibility.
class QueuePort {
 public:
  virtual ~QueuePort() = default;
  virtual bool fifo() const = 0;
  virtual sim::Duration visibility_timeout() const = 0;
  virtual std::int64_t in_flight_limit() const = 0;
  virtual std::optional<std::uint32_t> max_receive_count() const = 0;  // absent: no redrive policy
  // That queue names it as its dead-letter queue. In wire().
  virtual void serve_as_dead_letter_queue_of(QueuePort& source) = 0;
  // From a queue that names it, without the network: `enqueued` is the date in the queue before.
  virtual void take_dead_letter(Message& message, sim::Time enqueued) = 0;
  // Back from the dead-letter queue: a redrive task.
  virtual void take_redriven(Message& message) = 0;
};

// "stream": shards that are read by calls of Batch::Action::read_records. A shard's number is its
// place in the order of creation and is never used again.
class StreamPort {
 public:
  virtual ~StreamPort() = default;
  struct Shard {
    std::uint32_t number = 0;
    bool closed = false;      // a parent: readable to its end
    std::uint64_t first = 0;  // its oldest record still kept (TRIM_HORIZON), and
    std::uint64_t next = 0;   // where the next one goes (LATEST)
    // Records of one key are in order only for who reads its parents to their end before it.
    std::vector<std::uint32_t> parents{};
  };
  // All that can be read, by their numbers.
  virtual std::vector<Shard> shards() const = 0;
  virtual Shard shard(std::uint32_t number) const = 0;
  // AT_TIMESTAMP: the first record that came at `date` or later.
  virtual std::uint64_t position_at(std::uint32_t shard, sim::Time date) const = 0;
  // Where records of this partition key go now (ListShards and the hash of the key).
  virtual std::uint32_t shard_of(std::uint32_t key) = 0;
  // The base rate at which Lambda polls a shard: Kinesis once a second.
  virtual sim::Duration lambda_polling_interval() const { return std::chrono::seconds(1); }
  // Every application reads all records from now on; what it owes is its own account. In wire().
  virtual void add_consumer(StreamConsumer& consumer) = 0;
};

// "function": invoked by calls of Batch::Action::invoke (its answer is the call's outcome) or
// invoke_async (its own queue takes the event, then the call is answered).
class FunctionPort {
 public:
  virtual ~FunctionPort() = default;
  virtual sim::Duration timeout() const = 0;
  virtual std::optional<std::uint32_t> reserved_concurrency() const = 0;
  // Of the batch of an invocation: which of its messages the function failed on, marked in each
  // Message::result by the answer, where the mapping asked for partial batch responses.
  virtual bool reports_batch_item_failures() const = 0;
};

}  // namespace windtunnel
