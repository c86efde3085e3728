// Follows every message that a service has accepted to its end. A message is at any time in the
// custody of one holder (a queue, a topic's delivery, a bus, a stream), who accepts it, hands it on
// or ends it:
//
//   accepted + copied = delivered + discarded + expired + lost      it has ended,
//                     + forwarded + dead_lettered                   another holder has it,
//                     + held                                        or it is here at the horizon
//
// holds for every holder at the end of every run, and `held` is what the holder itself then says it
// has; an internal error else. Delivered: its effect has happened at least once, whatever became of
// it afterwards. Every further effect of it is `duplicated`; a first effect that comes after that
// of a message of the same line (a queue, a message group) accepted later is `reordered`.
//
// Holders of single messages (queues) give each a number, 32 bytes; holders whose messages are
// counted only (shards) do without numbers: `..._many`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/entity.hpp"
#include "sim/pool.hpp"

namespace windtunnel {

struct Message;

// How a message's time in the ledger ends.
enum class Fate : std::uint8_t {
  delivered,  // its effect has happened
  discarded,  // by design nobody gets it: no subscriber's filter, no rule fits
  expired,    // retention was over before
  lost,       // given up without a dead-letter queue, or taken away without an effect
};

// Of one holder. Metrics of the component, so that they stand in the results.
struct MessageAccount {
  sim::MetricSet& set;
  sim::Counter accepted{set, "MessagesAccepted", "messages that came into its custody"};
  sim::Counter copied{set, "MessagesCopied", "more of them, made for each further subscriber"};
  sim::Counter delivered{set, "MessagesDelivered", "ended with their effect done"};
  sim::Counter forwarded{set, "MessagesForwarded", "handed on to another service"};
  sim::Counter dead_lettered{set, "MessagesDeadLettered", "handed on to a dead-letter queue"};
  sim::Counter discarded{set, "MessagesDiscarded", "wanted by no subscriber or rule"};
  sim::Counter expired{set, "MessagesExpired", "ended by retention without an effect"};
  sim::Counter lost{set, "MessagesLost", "ended without an effect"};
  sim::Counter duplicated{set, "DuplicateEffects", "effects of a message after its first"};
  sim::Counter reordered{set, "MessagesReordered",
                         "their effect came after that of one accepted later"};
  sim::Level held{set, "MessagesHeld", "Count", "in its custody"};
  sim::Histogram to_effect{set, "ProducerToEffect", "from the producer's sending to the effect"};
};

class LossLedger {
 public:
  using Number = sim::Handle;
  using Account = std::uint16_t;

  class Holder {
   public:
    virtual ~Holder() = default;
    // What it really has: counted, not remembered.
    virtual std::uint64_t messages_held() const = 0;
  };
  // A line whose order counts: a queue, a message group.
  using Line = std::uint32_t;
  static constexpr Line no_line = 0xffffffff;
  Line open_line();
  void close_line(Line line) { free_lines_.push_back(line); }

  explicit LossLedger(sim::Simulation& sim) : sim_(sim) {}

  Account open(const sim::Component& component, MessageAccount& account, const Holder& holder);

  // The holder has the message now. It comes from its producer (no number yet), or from the holder
  // that had it: handed on; or it was handed on before (a delivery that seemed to fail is tried
  // again), then this is one more message. Gives it its number.
  void accept(Message& message, Account by, bool as_dead_letter = false);
  // One more of a message in somebody's custody, for another subscriber; for the same holder.
  Message copy(const Message& message);
  // It leaves the ledger. Where its effect has happened it is `delivered`, whatever `fate` says.
  void end(Number number, Fate fate);
  // A consumer's work on it is done. A message that is not in the ledger any more had its effect,
  // or its end, before: one more effect.
  void effect(const Message& message);
  // Is in the custody of `holder`.
  bool has(Account holder, Number number) {
    const Record* record = records_.find(number);
    return record != nullptr && record->account == holder;
  }

  Account account_of(Number number) { return static_cast<Account>(records_[number].account); }

  // For holders whose messages are counted only. accept() of a message that may be several records
  // and gets no number; each application that reads a stream accepts it for itself.
  void accept_many(Message& message, Account by);
  // Effects of messages sent at `sent`; `again`: not their first.
  void effect_many(Account of, std::uint64_t messages, sim::Time sent, bool again);
  void end_many(Account of, std::uint64_t messages, Fate fate);
  void forward_many(Account of, std::uint64_t messages);

  // At the horizon: every account closes, or the run ends with an internal error.
  void close();
  std::uint64_t live() const { return records_.size(); }
  std::size_t bytes() const { return records_.bytes(); }
  const MessageAccount& account(Account number) const { return *holders_[number].account; }

 private:
  struct Record {
    std::uint64_t accepted : 48;  // its place in the order of all acceptances
    std::uint64_t account : 15;
    std::uint64_t effect : 1;
  };
  struct HolderRecord {
    const sim::Component* component;
    MessageAccount* account;
    const Holder* holder;
    std::uint64_t numbered = 0;  // those of its messages that have a record
  };

  Record* hand_on(const Message& message, Account by, bool as_dead_letter);
  void count_end(HolderRecord& from, std::uint64_t messages, Fate fate);
  HolderRecord& holder_of(const Record& record) { return holders_[record.account]; }
  void hold(HolderRecord& holder, std::int64_t change);

  sim::Simulation& sim_;
  std::vector<HolderRecord> holders_;
  sim::Pool<Record> records_;
  std::vector<std::uint64_t> lines_;  // the newest message whose effect has happened
  std::vector<Line> free_lines_;
  std::uint64_t acceptances_ = 0;
};

}  // namespace windtunnel
