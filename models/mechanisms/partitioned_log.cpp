#include "models/mechanisms/partitioned_log.hpp"

#include <algorithm>

namespace windtunnel {

std::uint32_t PartitionedLog::open(HashRange range, std::vector<std::uint32_t> parents) {
  const auto number = static_cast<std::uint32_t>(partitions_.size());
  for (const std::uint32_t parent : parents) partitions_[parent].closed = true;
  partitions_.push_back({range, std::move(parents)});
  by_key_.push_back(number);
  return number;
}

void PartitionedLog::opened() {
  std::erase_if(by_key_, [this](std::uint32_t it) { return partitions_[it].closed; });
  std::sort(by_key_.begin(), by_key_.end(), [this](std::uint32_t a, std::uint32_t b) {
    return partitions_[a].range.from < partitions_[b].range.from;
  });
  starts_.clear();
  for (const std::uint32_t it : by_key_) starts_.push_back(partitions_[it].range.from);
}

std::uint32_t PartitionedLog::at(HashKey key) const {
  const auto above = std::upper_bound(starts_.begin(), starts_.end(), key);
  return by_key_[static_cast<std::size_t>(above - starts_.begin()) - 1];
}

void PartitionedLog::append(std::uint32_t partition, const Message& message, sim::Time now) {
  Partition& to = partitions_[partition];
  WT_CHECK(!to.closed, "a record is appended to a closed partition");
  if (to.groups.full()) to.groups.set_capacity(std::max<std::size_t>(16, to.groups.size() * 2));
  to.groups.push_back({now, message.sent, to.next, message.content, message.key, message.count,
                       message.aggregated ? message.bytes : message.bytes / message.count,
                       message.request_class, message.aggregated});
  to.next += message.count;
}

// The group that holds `position`, or the number of groups.
std::size_t PartitionedLog::group_at(const Partition& partition, std::uint64_t position) {
  const auto& groups = partition.groups;
  const auto above =
      std::upper_bound(groups.begin(), groups.end(), position,
                       [](std::uint64_t at, const Group& group) { return at < group.first; });
  const auto i = static_cast<std::size_t>(above - groups.begin());
  if (i == 0) return 0;
  return position < groups[i - 1].first + groups[i - 1].count ? i - 1 : i;
}

PartitionedLog::ReadResult PartitionedLog::read(std::uint32_t partition, std::uint64_t position,
                                                const Limits& limits,
                                                std::vector<Message>& out) const {
  const Partition& from = partitions_[partition];
  ReadResult result{.next = std::max(position, from.first)};
  for (std::size_t i = group_at(from, result.next); i < from.groups.size(); ++i) {
    const Group& group = from.groups[i];
    if (group.arrived > limits.arrived_by) break;
    const std::uint64_t room = limits.records - result.records;
    const std::uint64_t fits = (limits.bytes - result.bytes) / std::max(1u, group.bytes);
    const std::uint64_t left = group.first + group.count - result.next;
    std::uint64_t taken = std::min({group.aggregated ? 1 : left, room,
                                    result.records == 0 ? std::max<std::uint64_t>(1, fits) : fits});
    if (taken == 0) break;
    result.records += taken;
    const std::uint64_t size = taken * group.bytes;
    result.bytes += size;
    result.last_arrived = group.arrived;
    if (group.aggregated) taken = left;
    out.push_back({.sent = group.sent,
                   .receipt = result.next,
                   .content = group.content,
                   .bytes = static_cast<std::uint32_t>(size),
                   .key = group.key,
                   .count = static_cast<std::uint32_t>(taken),
                   .request_class = group.request_class,
                   .aggregated = group.aggregated});
    result.next += taken;
    if (taken < left || result.bytes >= limits.bytes) break;
  }
  return result;
}

std::uint64_t PartitionedLog::expire(std::uint32_t partition, sim::Time date) {
  Partition& it = partitions_[partition];
  const std::uint64_t before = it.first;
  while (!it.groups.empty() && it.groups.front().arrived < date) {
    it.first = it.groups.front().first + it.groups.front().count;
    it.groups.pop_front();
  }
  return it.first - before;
}

void PartitionedLog::forget(std::uint32_t partition, std::uint64_t position, sim::Time date) {
  Partition& it = partitions_[partition];
  while (!it.groups.empty() && it.groups.front().arrived < date &&
         it.groups.front().first + it.groups.front().count <= position) {
    it.first = it.groups.front().first + it.groups.front().count;
    it.groups.pop_front();
  }
}

std::uint64_t PartitionedLog::position_at(std::uint32_t partition, sim::Time date) const {
  const Partition& it = partitions_[partition];
  const auto found =
      std::lower_bound(it.groups.begin(), it.groups.end(), date,
                       [](const Group& group, sim::Time at) { return group.arrived < at; });
  return found == it.groups.end() ? it.next : found->first;
}

sim::Time PartitionedLog::arrived(std::uint32_t partition, std::uint64_t position) const {
  const Partition& it = partitions_[partition];
  return it.groups[group_at(it, position)].arrived;
}

std::uint64_t PartitionedLog::records_kept() const {
  std::uint64_t kept = 0;
  for (const Partition& it : partitions_) kept += it.next - it.first;
  return kept;
}

std::size_t PartitionedLog::bytes() const {
  std::size_t bytes = 0;
  for (const Partition& it : partitions_) bytes += it.groups.capacity() * sizeof(Group);
  return bytes;
}

}  // namespace windtunnel
