#include "models/mechanisms/stream_consumer.hpp"

#include <algorithm>

namespace windtunnel {

StreamConsumer::StreamConsumer(sim::Component& owner, MessageAccount& account, sim::Duration rewind)
    : ledger_(Messages::of(owner.sim()).ledger()),
      metrics_(account),
      account_(ledger_.open(owner, account, *this)),
      rewind_(rewind) {}

StreamConsumer::Shard& StreamConsumer::shard_of(std::uint32_t shard) {
  if (shard >= shards_.size()) shards_.resize(shard + 1);
  return shards_[shard];
}

std::uint64_t StreamConsumer::end(Shard& shard, std::uint64_t from, std::uint64_t to) {
  from = std::max(from, shard.mark);
  if (from >= to) return 0;
  auto& ahead = shard.ahead;
  // The intervals that touch [from, to) become one with it.
  const auto first =
      std::find_if(ahead.begin(), ahead.end(), [&](const Interval& it) { return it.to >= from; });
  std::uint64_t fresh = to - from;
  auto last = first;
  for (; last != ahead.end() && last->from <= to; ++last) {
    fresh -= std::min(to, last->to) - std::max(from, last->from);
  }
  if (first != last) {
    from = std::min(from, first->from);
    to = std::max(to, (last - 1)->to);
  }
  const auto at = ahead.erase(first, last);
  if (from == shard.mark) {
    shard.mark = to;
  } else {
    ahead.insert(at, {from, to});
  }
  return fresh;
}

void StreamConsumer::effect(std::uint32_t shard, const Message& message) {
  const std::uint64_t fresh =
      end(shard_of(shard), message.receipt, message.receipt + message.count);
  if (fresh > 0) {
    check_order(shard, message, fresh);
    ledger_.effect_many(account_, fresh, message.sent, false);
    ledger_.end_many(account_, fresh, Fate::delivered);
  }
  if (fresh < message.count) {
    ledger_.effect_many(account_, message.count - fresh, message.sent, true);
  }
}

// A key's records are in one shard, and after it in the children's, whose numbers are higher. Of
// several keys in an aggregated record nothing is known.
void StreamConsumer::check_order(std::uint32_t shard, const Message& message, std::uint64_t fresh) {
  if (message.key == 0 || message.aggregated) return;
  if (message.key >= newest_.size()) newest_.resize(message.key + std::size_t{message.key} / 2 + 1);
  constexpr int position_bits = 44;
  const std::uint64_t place =
      std::uint64_t{shard} << position_bits | (message.receipt + message.count);
  std::uint64_t& newest = newest_[message.key];
  if (place < newest) metrics_.reordered.add(fresh);
  newest = std::max(newest, place);
}

void StreamConsumer::skip(std::uint32_t shard, const Message& message) {
  const std::uint64_t fresh =
      end(shard_of(shard), message.receipt, message.receipt + message.count);
  if (fresh > 0) ledger_.end_many(account_, fresh, Fate::lost);
}

void StreamConsumer::forward(std::uint32_t shard, const Message& message) {
  const std::uint64_t fresh =
      end(shard_of(shard), message.receipt, message.receipt + message.count);
  if (fresh > 0) ledger_.forward_many(account_, fresh);
}

void StreamConsumer::checkpoint(std::uint32_t shard, std::uint64_t position) {
  Shard& it = shard_of(shard);
  it.checkpoint = std::max(it.checkpoint, position);
}

void StreamConsumer::appended(std::uint32_t shard, Message message) {
  message.number = {};
  ledger_.accept_many(message, account_);
  shard_of(shard).next += message.count;
}

void StreamConsumer::trimmed(std::uint32_t shard, std::uint64_t first) {
  Shard& it = shard_of(shard);
  const std::uint64_t fresh = end(it, it.mark, first);
  if (fresh > 0) ledger_.end_many(account_, fresh, Fate::expired);
}

std::uint64_t StreamConsumer::messages_held() const {
  std::uint64_t held = 0;
  for (const Shard& shard : shards_) {
    held += shard.next - shard.mark;
    for (const Interval& it : shard.ahead) held -= it.to - it.from;
  }
  return held;
}

}  // namespace windtunnel
