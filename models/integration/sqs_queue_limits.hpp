// A FIFO queue's quotas and memory: calls a second of each action in each partition, and what was
// said in the last five minutes.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "models/integration/sqs_queue.hpp"
#include "models/integration/sqs_queue.pb.h"
#include "models/mechanisms/settings.hpp"
#include "sim/hash.hpp"

namespace windtunnel {

// Normal throughput: one partition. High throughput: a group lives in one of as many partitions as
// the region's quota fills; a batch costs a call in each partition its groups live in.
class SqsQueue::FifoLimits {
 public:
  enum class Action : std::uint8_t { send, remove, receive };

  FifoLimits(const settings::SqsQueue::Fifo& settings, const sim::Component& queue)
      : queue_(queue),
        by_group_(settings.high_throughput()),
        said_(to_duration(settings.deduplication_interval())),
        chance_(queue.stream("partition")) {
    const double rate = settings.partition_calls();
    const double partitions = by_group_ ? std::ceil(settings.regional_calls() / rate) : 1;
    for (double i = 0; i < partitions; ++i) partitions_.push_back(Partition(rate));
  }

  // Marks the entries of partitions that have no call left as throttled, the others as not.
  void admit(Batch& batch, Action action) {
    for (std::size_t i = 0; i < batch.messages.size(); ++i) {
      Message& message = batch.messages[i];
      message.result = Entry::none;
      const std::size_t partition = partition_of(message.key);
      std::size_t same = 0;
      while (same < i && partition_of(batch.messages[same].key) != partition) ++same;
      if (same < i) {  // its partition has been asked for this batch
        message.result = batch.messages[same].result;
      } else if (!take(partition, action)) {
        message.result = Entry::throttled;
      }
    }
  }
  bool admit_receive() {
    const auto count = static_cast<std::uint32_t>(partitions_.size());
    return take(count == 1 ? 0 : chance_.below(count), Action::receive);
  }
  // The deduplication scope is the queue, or the group.
  bool is_new(const Message& message, sim::Time now) {
    const std::uint64_t id = by_group_ ? message.content ^ sim::mix(message.key) : message.content;
    return said_.is_new(id, now);
  }

 private:
  struct Partition {
    explicit Partition(double rate) : calls{{rate, rate}, {rate, rate}, {rate, rate}} {}
    TokenBucket calls[3];
  };
  std::size_t partition_of(std::uint32_t group) const {
    return partitions_.size() == 1 ? 0 : sim::mix(group) % partitions_.size();
  }
  bool take(std::size_t partition, Action action) {
    return partitions_[partition].calls[static_cast<std::size_t>(action)].take(queue_.sim().now());
  }

  const sim::Component& queue_;
  bool by_group_;
  Deduplication said_;
  sim::Stream chance_;
  std::vector<Partition> partitions_;
};

}  // namespace windtunnel
