// The queue that a function's asynchronous invocations go through: SNS, EventBridge, S3, another
// function that does not wait. The caller is answered when the event is taken. A function error is
// retried after one minute, then after two; a throttle after 1 s, doubling up to 5 min, without
// counting as a retry, until the event is too old (6 h). Given-up events go to the dead-letter
// queue or to the destination on failure, or are lost. With reserved concurrency 0 that happens at
// once. Left out: the same event twice (at-least-once by AWS's own doing); records of destinations
// are a kilobyte longer than the event.
#pragma once

#include <string>

#include "models/mechanisms/messages.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/ports_messaging.hpp"
#include "sim/distribution.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class LambdaEvents final : public sim::Entity, private LossLedger::Holder {
 public:
  struct Settings {
    std::uint32_t maximum_retry_attempts;
    sim::Duration maximum_event_age;
    sim::Distribution dispatch;
    std::string on_success, on_failure, dead_letter_queue;
  };

  LambdaEvents(sim::Component& function, sim::MetricSet& set, const Settings& settings,
               Messages& messages);
  void wire(sim::Wiring& wiring);

  // A call with events: they are in the queue, and the caller is answered.
  void take(sim::Call& call, sim::Handle handle);

  void on_answer(sim::Call& call, sim::Handle handle) override;

  struct Metrics {
    explicit Metrics(sim::MetricSet& set) : set(set) {}
    sim::MetricSet& set;
    sim::Counter received{set, "AsyncEventsReceived", "events that the queue took"};
    sim::Counter dropped{set, "AsyncEventsDropped", "events given up"};
    sim::Counter retries{set, "AsyncEventRetries", "invocations of an event after its first"};
    sim::Counter too_large{set, "EventsTooLarge", "events above the limit of their size"};
    sim::Counter dead_letter_errors{set, "DeadLetterErrors",
                                    "events that the dead-letter queue did not take"};
    sim::Counter destination_failures{set, "DestinationDeliveryFailures",
                                      "records that a destination did not take"};
    sim::Histogram age{set, "AsyncEventAge", "from taking an event to its invocation"};
  };
  Metrics metric;

 private:
  // What a call of its own is for (sim::Call::tag).
  enum Purpose : std::uint32_t { invocation, dead_letter, failure_record, success_record };
  struct Event {
    Message message;
    sim::Time taken{};
    std::uint32_t retries = 0;    // after function errors
    std::uint32_t throttles = 0;  // in a row
  };

  std::uint64_t messages_held() const override { return events_.size(); }
  void on_due(sim::Handle event);
  void invocation_ended(sim::Handle event, sim::Outcome outcome, bool done);
  void succeeded(sim::Handle event, bool done);
  void give_up(sim::Handle event);
  void end(sim::Handle event, Fate fate);
  void send(const sim::Address& to, Message message, Purpose purpose, sim::Handle event);
  bool send_to(Callable* target, const Message& message, Purpose purpose, sim::Handle event);
  void send_record(Callable* target, const Message& event, Purpose purpose);

  sim::Component& function_;
  Settings settings_;
  Messages& messages_;
  MessageAccount ledger_metrics_;
  LossLedger::Account account_;
  sim::Pool<Event> events_;
  Callable *on_success_ = nullptr, *on_failure_ = nullptr, *dead_letter_queue_ = nullptr;
  bool off_ = false;  // reserved concurrency 0
  sim::Stream chance_;
};

}  // namespace windtunnel
