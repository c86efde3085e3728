// One application's account of a stream, shard by shard: which records have had their effect, which
// have it again (duplicates), which are skipped or expire before it, which come after a later one
// of their key (reordered). The stream tells what came and what is trimmed, the application what it
// has done. Positions are those of StreamPort.
//
//   StreamConsumer reader_{*this, messages_};     a member, with the MessageAccount beside it
//   wiring.find<StreamPort>(name).add_consumer(reader_);                 in wire()
//   reader_.effect(shard, message);               its records are processed
#pragma once

#include <utility>
#include <vector>

#include "models/mechanisms/messages.hpp"

namespace windtunnel {

class StreamConsumer final : public LossLedger::Holder {
 public:
  // `rewind`: how far back it may want to read what it has done already.
  StreamConsumer(sim::Component& owner, MessageAccount& account,
                 sim::Duration rewind = sim::Duration(0));

  LossLedger::Account account() const { return account_; }
  sim::Duration rewind() const { return rewind_; }

  // By the application. `message` as it was read: count and receipt say which records.
  void effect(std::uint32_t shard, const Message& message);
  // It passes them by and will not come back, after an error say: lost, unless done before.
  void skip(std::uint32_t shard, const Message& message);
  // Another service has them now.
  void forward(std::uint32_t shard, const Message& message);
  // All records before this are done with.
  std::uint64_t done_until(std::uint32_t shard) const {
    return shard < shards_.size() ? shards_[shard].mark : 0;
  }
  // It will come back to no record before this.
  void checkpoint(std::uint32_t shard, std::uint64_t position);
  std::uint64_t checkpointed(std::uint32_t shard) const {
    return shard < shards_.size() ? shards_[shard].checkpoint : 0;
  }

  // By the stream.
  void appended(std::uint32_t shard, Message message);
  void trimmed(std::uint32_t shard, std::uint64_t first);

  std::uint64_t messages_held() const override;

 private:
  struct Interval {
    std::uint64_t from, to;
  };
  struct Shard {
    std::uint64_t mark = 0;  // everything before it has ended
    std::uint64_t next = 0;
    std::uint64_t checkpoint = 0;
    std::vector<Interval> ahead{};  // has ended too, beyond the mark; in order, apart
  };
  Shard& shard_of(std::uint32_t shard);
  // The records of [from, to) end. Returns how many had not before.
  static std::uint64_t end(Shard& shard, std::uint64_t from, std::uint64_t to);
  void check_order(std::uint32_t shard, const Message& message, std::uint64_t fresh);

  LossLedger& ledger_;
  MessageAccount& metrics_;
  LossLedger::Account account_;
  sim::Duration rewind_;
  std::vector<Shard> shards_;
  std::vector<std::uint64_t> newest_;  // by key: the latest record that has had its effect
};

}  // namespace windtunnel
