// Dynamic partitioning: a buffer for each partition that has records waiting. Those are the active
// ones; a record of one more than the quota finds no buffer.
#pragma once

#include <memory>
#include <vector>

#include "models/mechanisms/flush_buffer.hpp"
#include "models/mechanisms/key_table.hpp"

namespace windtunnel {

class FirehosePartitions {
 public:
  FirehosePartitions(sim::Component& owner, FlushBuffer::Owner& listener, std::uint64_t bytes,
                     sim::Duration longest, std::size_t quota)
      : owner_(owner), listener_(listener), bytes_(bytes), longest_(longest), quota_(quota) {}

  std::size_t active() const { return by_key_.size(); }
  // False: its partition would be one too many.
  bool add(std::uint64_t key, const Message& message) {
    const std::uint32_t* known = by_key_.find(key);
    if (known == nullptr && active() >= quota_) return false;
    const std::uint32_t number = known != nullptr ? *known : open(key);
    partitions_[number]->buffer.add(message);
    return true;
  }
  std::uint64_t count() const {
    std::uint64_t count = 0;
    for (const auto& it : partitions_) count += it->buffer.count();
    return count;
  }
  sim::Time oldest(sim::Time now) const {
    for (const auto& it : partitions_) {
      if (!it->buffer.empty()) now = std::min(now, it->buffer.opened());
    }
    return now;
  }

 private:
  struct Partition final : FlushBuffer::Owner {
    Partition(FirehosePartitions& all_partitions, std::uint32_t own_number)
        : all(all_partitions),
          number(own_number),
          buffer(all.owner_, *this, all.bytes_, all.longest_) {}
    void on_flush(std::vector<Message>& messages, sim::Time opened) override {
      all.by_key_.erase(key);
      all.free_.push_back(number);
      all.listener_.on_flush(messages, opened);
    }
    FirehosePartitions& all;
    std::uint32_t number;
    std::uint64_t key = 0;
    FlushBuffer buffer;
  };

  std::uint32_t open(std::uint64_t key) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(partitions_.size()));
      partitions_.push_back(std::make_unique<Partition>(*this, free_.back()));
    }
    const std::uint32_t number = free_.back();
    free_.pop_back();
    partitions_[number]->key = key;
    by_key_.insert(key, number);
    return number;
  }

  sim::Component& owner_;
  FlushBuffer::Owner& listener_;
  std::uint64_t bytes_;
  sim::Duration longest_;
  std::size_t quota_;
  KeyTable by_key_;
  std::vector<std::unique_ptr<Partition>> partitions_;
  std::vector<std::uint32_t> free_;
};

}  // namespace windtunnel
