// An SQS queue, standard or FIFO. Calls that write send messages (a batch, or one of the default
// size); calls that carry a batch receive, remove or change the visibility of messages.
//
// Standard: best-effort order, at least once, fair between tenants; a short poll asks some of the
// servers only and may miss messages; at the in-flight limit it gets OverLimit while long polls
// wait on (rule 20). FIFO: in order within a message group, one receive at a time a group, said
// twice is delivered once, a receipt ends with its lease, 300 calls a second of each action in a
// partition (rule 21). Dead letters keep their date in a standard queue and get a new one in a FIFO
// queue (rule 19).
//
// Left out: PurgeQueue, policies and encryption, receive request attempt IDs, the time until high
// throughput has its partitions, the metrics' delay of a queue that was inactive for six hours,
// 500 MB of a message move task's own state; a redrive goes to the queue that names this one first.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/deduplication.hpp"
#include "models/mechanisms/leased_queue.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/ports_messaging.hpp"
#include "models/mechanisms/token_bucket.hpp"
#include "sim/simulation.hpp"
#include "sim/throttling.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class SqsQueue;
}

class SqsQueue final : public sim::Component,
                       public Callable,
                       public MessageTarget,
                       public QueuePort,
                       private LeasedQueue::Owner,
                       private MetricPublisher {
 public:
  SqsQueue(sim::Simulation& sim, const std::string& name, const settings::SqsQueue& settings);
  ~SqsQueue() override;
  static void check(const settings::SqsQueue& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void start() override;
  void on_request(sim::Call& call, sim::Handle handle) override;
  bool set_slow(double factor) override;
  bool set_errors(double share) override;

  Resolution resolve(const Query&) override {
    return {.addresses = {address_of(0)}, .ttl = std::chrono::seconds(60)};
  }
  Kind kind() const override { return fifo() ? Kind::fifo_queue : Kind::queue; }
  bool fifo() const override { return limits_ != nullptr; }
  sim::Duration visibility_timeout() const override { return visibility_; }
  std::int64_t in_flight_limit() const override { return queue_->in_flight_limit(); }
  std::optional<std::uint32_t> max_receive_count() const override;
  void serve_as_dead_letter_queue_of(QueuePort& source) override { sources_.push_back(&source); }
  void take_dead_letter(Message& message, sim::Time enqueued) override;
  void take_redriven(Message& message) override;

  const LeasedQueue& queue() const { return *queue_; }

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter sent{set, "NumberOfMessagesSent", "messages added by producers"};
    sim::Counter received{set, "NumberOfMessagesReceived", "messages handed to consumers"};
    sim::Counter deleted{set, "NumberOfMessagesDeleted", "messages deleted by consumers"};
    sim::Counter empty{set, "NumberOfEmptyReceives", "receives that returned nothing"};
    sim::Counter known{set, "NumberOfDeduplicatedSentMessages", "sent messages known already"};
    sim::Counter throttled{set, "ThrottledRequests", "calls or entries over a FIFO queue's quota"};
    sim::Counter over_limit{set, "OverLimit", "short polls refused at the in-flight limit"};
    sim::Counter refused{set, "RefusedMessages", "too large, or in a batch that is"};
    sim::Counter stale{set, "StaleReceipts", "deletions by receipt handles that had expired"};
    sim::Level visible{set, "ApproximateNumberOfMessagesVisible", "Count", "can be received"};
    sim::Level in_flight{set, "ApproximateNumberOfMessagesNotVisible", "Count", "in flight"};
    sim::Level delayed{set, "ApproximateNumberOfMessagesDelayed", "Count", "delay not over"};
    sim::Level age{set, "ApproximateAgeOfOldestMessage", "Seconds",
                   "age of the oldest message not deleted, once a minute"};
    sim::Histogram drain{set, "TimeToDrain",
                         "from the largest backlog to none, of backlogs older than a minute"};
    sim::Level noisy{set, "ApproximateNumberOfNoisyGroups", "Count", "noisy tenants"};
    MessageAccount messages{set};
  };
  Metrics metric{metric_set_};
  // By what a call or an entry of a batch was refused.
  enum Limit : std::size_t { quota, in_flight };
  sim::Throttling throttling{*this,
                             metric_set_,
                             "Throttling",
                             "receives, entries sent and deleted",
                             {"RequestThrottled", "OverLimit"}};

 private:
  class FifoLimits;
  struct MoveTask {
    sim::Time at;
    sim::Duration interval;
  };
  // What it keeps in a call.
  struct Work {
    sim::Outcome outcome;
    bool waiting;  // a long poll without a message
  };

  void serve(sim::Call& call, sim::Handle handle, Batch& batch);
  void send(const sim::Call& call, Batch& batch);
  void send_one(Message& message, const Batch& batch);
  std::uint32_t group_of(const Message& message);
  void remove(const sim::Call& call, Batch& batch);
  void change_visibility(Batch& batch);
  void receive(sim::Call& call, sim::Handle handle, Batch& batch);
  void hand_out(Batch& batch, std::uint32_t servers);
  std::uint32_t some_servers();
  void reply(sim::Call& call, sim::Handle handle, sim::Outcome outcome);
  void on_reply_due(sim::Handle handle);
  void on_wait_over(sim::Handle handle);
  void on_receivable() override;
  void on_dead_letter(Message& message, sim::Time enqueued) override;
  void on_minute_over();
  void on_move_one(std::uint64_t task);
  void count_levels();
  void publish_metrics(const settings::SqsQueue& settings);
  void collect(std::uint32_t which, sim::Time from, sim::Time to, StatisticSet& out) override;

  Messages& messages_;
  LossLedger::Account account_;
  std::string dead_letter_name_;
  QueuePort* dead_letters_ = nullptr;
  std::vector<QueuePort*> sources_;
  std::unique_ptr<FifoLimits> limits_;  // FIFO only
  std::unique_ptr<LeasedQueue> queue_;
  sim::Duration visibility_, delay_, wait_;
  std::uint32_t largest_, default_bytes_, default_groups_, max_receive_count_ = 0;
  bool group_by_class_;
  std::uint32_t servers_, sampled_;
  sim::Distribution request_time_;
  std::vector<sim::Handle> waiting_;  // long polls, from next_waiting_ on; some have ended
  std::size_t next_waiting_ = 0;
  bool serving_ = false;
  std::vector<MoveTask> move_tasks_;
  std::optional<sim::Time> backlog_since_;  // its largest extent so far
  std::int64_t largest_backlog_ = 0;
  double slow_ = 1, errors_ = 0;
  sim::Stream time_chance_, poll_chance_, group_chance_, error_chance_;
};

}  // namespace windtunnel
