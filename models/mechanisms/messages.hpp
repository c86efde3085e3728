// What calls between messaging services carry: a batch of messages and what is wanted with it. The
// caller makes the batch and puts it into its call (sim::Call::payload); the callee reads it while
// it holds the call, and answers in it, entry by entry; it ends with the call.
//
//   producer: send() ............... on_answer(): each message's `result`
//   consumer: receive() ............ on_answer(): the messages received
//             remove() ............. on_answer(): each message's `result`
//
// A call without a payload that writes to a messaging service sends one message (of_call()), so
// that any client or program is a producer by naming the service as its target. The call's outcome
// is `ok` if the request as a whole was taken, whatever became of the entries.
#pragma once

#include <memory>
#include <vector>

#include "models/mechanisms/loss_ledger.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

// What became of an entry of a batch.
enum class Entry : std::uint8_t {
  none,       // not looked at
  accepted,   // the callee has it; of remove and change_visibility: done
  throttled,  // a quota is used up, trying again later helps
  refused,    // it never will be taken: too large, not a group, ...
  stale,      // its receipt is of a lease that has ended
  failed,     // an error inside the service, trying again helps
};

struct Message {
  sim::Time sent{};             // by its producer: the way to its effect counts from here
  LossLedger::Number number{};  // in the ledger; empty: nobody has accepted it yet
  std::uint64_t receipt = 0;    // of a message received: the lease it is held by; of records of a
                                // stream: the position of the first
  std::uint64_t content = 0;    // what it says: two with one content are the same thing said twice.
                                // Deduplication goes by it, and what a consumer finds poisonous
  std::uint32_t bytes = 0;
  std::uint32_t key = 0;    // message group, partition key; 0: none
  std::uint32_t count = 1;  // records that travel as one, `bytes` are of all of them; only streams
                            // take more than 1
  std::uint16_t request_class = 0;  // what filters and rules look at: see sim::RequestClass
  std::uint16_t receives = 0;       // ApproximateReceiveCount
  LossLedger::Account account = 0;  // whose it was when it was received
  LossLedger::Line line = LossLedger::no_line;  // whose order it belongs to
  bool aggregated = false;  // by the KPL: `count` user records in one record of a stream
  Entry result = Entry::none;
};

struct Batch {
  enum class Action : std::uint8_t {
    send,               // SendMessage(Batch), Publish(Batch), PutEvents, PutRecord(s)
    receive,            // ReceiveMessage
    remove,             // DeleteMessage(Batch)
    change_visibility,  // ChangeMessageVisibility(Batch)
    read_records,       // GetRecords
    invoke,             // Invoke, and the caller waits for the function
    invoke_async,       // Invoke of type Event: the function's queue takes it
  };
  Action action = Action::send;
  std::uint32_t most = 10;                      // receive, read_records: no more than these
  sim::Duration wait{0};                        // receive: WaitTimeSeconds; read_records: above 0
                                                // it is a subscription (enhanced fan-out)
  sim::Duration visibility = default_duration;  // receive, change_visibility; else the queue's
  sim::Duration delay = default_duration;       // send: a message timer; else the queue's
  std::uint32_t shard = 0;                      // read_records
  std::uint64_t position = 0;                   // read_records: the next record, then that after it
  bool dead_letters = false;        // send: to a dead-letter queue, given up by the sender
  LossLedger::Account account = 0;  // read_records: of the application that reads
  std::vector<Message> messages;

  static constexpr sim::Duration default_duration{-1};
};

// What a request may carry.
struct RequestLimits {
  std::uint64_t bytes;  // of all entries together
  std::size_t entries;

  bool allow(const Batch& batch) const;
};
// A request of one entry fails as that does; in a batch each entry has its own result.
sim::Outcome outcome_of(const Batch& batch);

// The batches of this run, used again with their capacity, and the ledger.
class Messages final : public sim::Component, private sim::PayloadKeeper {
 public:
  // The one of this run; made when first asked for. Ask in a constructor.
  static Messages& of(sim::Simulation& sim);

  // An empty batch in the call's hands, which are the caller's: before it is sent.
  Batch& put_into(sim::Call& call, Batch::Action action);
  // What a call carries; nullptr: nothing.
  Batch* find(const sim::Call& call) {
    return call.payload ? batches_[call.payload.slot()].get() : nullptr;
  }
  // The same; a call that carries nothing sends one message of this size from now on. A producer
  // that tries again (a client with retries) says the same content.
  Batch& of_call(sim::Call& call, std::uint32_t bytes);

  LossLedger& ledger() { return ledger_; }
  std::size_t batches_in_use() const { return batches_.size() - free_.size(); }

  explicit Messages(sim::Simulation& sim);
  void report(sim::RunLog& log) override;

 private:
  void on_call_ended(sim::Handle payload) override;

  std::vector<std::unique_ptr<Batch>> batches_;
  std::vector<std::uint32_t> free_;
  std::uint64_t unnamed_ = 0;  // messages whose producers have no request behind them
  LossLedger ledger_;
};

}  // namespace windtunnel
