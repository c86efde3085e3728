// A log in partitions: records are appended in order, kept for their retention, read from any
// position. Partitions tile a space of hash keys; resharding closes parents, which stay readable,
// and opens children. Positions count a partition's records from 0. Records of one key that came
// together are kept as one group of 48 bytes.
#pragma once

#include <boost/circular_buffer.hpp>
#include <cstdint>
#include <vector>

#include "models/mechanisms/hash_key.hpp"
#include "models/mechanisms/messages.hpp"

namespace windtunnel {

class PartitionedLog {
 public:
  struct Limits {
    std::uint32_t records;
    std::uint64_t bytes;
    sim::Time arrived_by = sim::Time::max();  // none that came later
  };
  struct ReadResult {
    std::uint64_t next;  // the position after the last record read
    std::uint64_t records = 0, bytes = 0;
    sim::Time last_arrived{};  // of the last record read
  };

  // A new partition; its parents close. Returns its number. opened() ends a change of partitions,
  // which then tile the space again.
  std::uint32_t open(HashRange range, std::vector<std::uint32_t> parents);
  void opened();
  // Open partitions by their place in the space of keys. Valid until the next change.
  const std::vector<std::uint32_t>& open_partitions() const { return by_key_; }
  std::uint32_t at(HashKey key) const;

  void append(std::uint32_t partition, const Message& message, sim::Time now);
  // From `position` on, each message with its position in `receipt`. An aggregated record is never
  // divided; one record is read whatever its size.
  ReadResult read(std::uint32_t partition, std::uint64_t position, const Limits& limits,
                  std::vector<Message>& out) const;
  // Forgets what came before `date`; how many records that were.
  std::uint64_t expire(std::uint32_t partition, sim::Time date);
  // Forgets what nobody will read any more: before `position` and before `date`.
  void forget(std::uint32_t partition, std::uint64_t position, sim::Time date);

  std::size_t partitions() const { return partitions_.size(); }
  bool closed(std::uint32_t partition) const { return partitions_[partition].closed; }
  std::uint64_t first(std::uint32_t partition) const { return partitions_[partition].first; }
  std::uint64_t next(std::uint32_t partition) const { return partitions_[partition].next; }
  HashRange range(std::uint32_t partition) const { return partitions_[partition].range; }
  const std::vector<std::uint32_t>& parents(std::uint32_t partition) const {
    return partitions_[partition].parents;
  }
  std::uint64_t position_at(std::uint32_t partition, sim::Time date) const;
  // When the record at `position`, which must be there, came.
  sim::Time arrived(std::uint32_t partition, std::uint64_t position) const;
  std::uint64_t records_kept() const;
  std::size_t bytes() const;

 private:
  struct Group {
    sim::Time arrived, sent;
    std::uint64_t first;
    std::uint64_t content;
    std::uint32_t key, count, bytes;  // bytes: of a record, or of the aggregated one
    std::uint16_t request_class;
    bool aggregated;
  };
  static_assert(sizeof(Group) == 48);
  struct Partition {
    HashRange range;
    std::vector<std::uint32_t> parents;
    bool closed = false;
    std::uint64_t first = 0, next = 0;
    boost::circular_buffer<Group> groups{};
  };
  static std::size_t group_at(const Partition& partition, std::uint64_t position);

  std::vector<Partition> partitions_;
  std::vector<std::uint32_t> by_key_;  // open ones, by their ranges
  std::vector<HashKey> starts_;        // where those begin
};

}  // namespace windtunnel
