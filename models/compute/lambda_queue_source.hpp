// The SQS side of an event source mapping: pollers that receive with long polls, gather a batch by
// size, window or 6 MB, have the function invoked and delete what it has done. What failed stays
// where it is until its visibility timeout ends. Pollers are added while messages are left (rule
// 23), fewer after function errors; a maximum concurrency stops them without spending receives.
// Left out: provisioned mode; messages of a batch that are deleted while others are still worked
// on; the filter of a mapping.
#pragma once

#include <vector>

#include "models/mechanisms/batch_invoker.hpp"
#include "models/mechanisms/ports_messaging.hpp"
#include "sim/distribution.hpp"

namespace windtunnel {

class LambdaQueueSource final : public sim::Entity, private BatchInvoker::Source {
 public:
  struct Settings {
    std::uint32_t batch_size;
    sim::Duration window;
    bool partial;
    std::uint32_t initial, most;
    bool goes_below_initial;
    double growth;  // pollers a second
    double reduction_on_errors;
    sim::Distribution dispatch;
  };
  LambdaQueueSource(sim::Component& mapping, sim::MetricSet& set, const Settings& settings,
                    Messages& messages);
  void wire(Callable& queue, const QueuePort& port, Callable& function,
            sim::Duration function_timeout, sim::ZoneId place);
  void start();
  void on_answer(sim::Call& call, sim::Handle handle) override;

  struct Metrics {
    explicit Metrics(sim::MetricSet& set) : set(set) {}
    sim::MetricSet& set;
    sim::Counter received{set, "PolledMessages", "messages that the pollers received"};
    sim::Counter batches{set, "Batches", "batches that the function was invoked with"};
    sim::Counter failed{set, "FailedBatches", "batches on which the function failed, or in part"};
    sim::Counter given_up{set, "ThrottledBatches",
                          "batches given back to the queue because the function was throttled"};
    sim::Level pollers{set, "Pollers", "Count", "batches that may be under way at once"};
    sim::Level invoking{set, "ConcurrentBatches", "Count", "batches with the function"};
  };
  Metrics metric;

 private:
  enum class State : std::uint8_t { stopped, polling, gathering, invoking };
  enum Purpose : std::uint32_t { receive, remove };
  struct Poller {
    State state = State::stopped;
    sim::Time since{};                    // of polling; of gathering, its first message
    std::uint32_t removals = 0;           // deletions without an answer yet
    std::vector<Message> batch, surplus;  // surplus: did not fit
  };

  std::vector<Message>& batch(std::uint32_t number) override { return pollers_[number].batch; }
  void on_invoked(std::uint32_t number, bool ok) override;
  bool on_throttled(std::uint32_t number, sim::Duration pause) override;

  void poll(std::uint32_t number);
  void call_receive(std::uint32_t number, sim::Duration wait);
  void on_poll_again(std::uint64_t number) { poll(static_cast<std::uint32_t>(number)); }
  void on_received(std::uint32_t number, const Batch& batch);
  void gathered(std::uint32_t number);
  void on_dispatched(std::uint64_t number);
  void remove_done(std::uint32_t number);
  void next_batch(std::uint32_t number);
  void allow(double pollers);
  void arm_scaling();
  void on_scale();
  void on_minute_over();

  Settings settings_;
  Messages& messages_;
  BatchInvoker invoker_;
  Callable* queue_ = nullptr;
  sim::Duration visibility_{0};  // Batch::default_duration: the queue's
  sim::Duration lease_{0};
  bool fifo_ = false;
  std::vector<Poller> pollers_;
  double allowed_ = 0;
  std::uint32_t target_ = 0;
  bool scaling_ = false;
  std::uint64_t received_before_ = 0;
  std::uint32_t seconds_ = 0, quiet_minutes_ = 0;
  bool backlog_this_minute_ = false, errors_this_minute_ = false;
  sim::Stream chance_;
};

}  // namespace windtunnel
