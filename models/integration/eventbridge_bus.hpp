// An EventBridge event bus: an event goes to every target of every rule that it matches. PutEvents
// over its quota is rejected, invocations over theirs are delayed, not dropped (rule 25). A target
// that fails is tried again for 24 hours or 185 times, then the event goes to the target's
// dead-letter queue or is lost. The archive keeps all events; a replay sends those of a stretch of
// time to the rules again, as new events, minute by minute of their dates.
//
// Left out: patterns on an event's content, schedules, pipes, schemas, other accounts' buses, the
// custom event bus of 2026 (5 attempts, 300 s: a retry policy says it), input transformers; a
// replay goes to all rules; the delay of ten minutes before an event can be replayed.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/pusher.hpp"
#include "models/mechanisms/token_bucket.hpp"
#include "sim/simulation.hpp"
#include "sim/throttling.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class EventbridgeBus;
}

class EventbridgeBus final : public sim::Component, public Callable, public MessageTarget {
 public:
  EventbridgeBus(sim::Simulation& sim, const std::string& name,
                 const settings::EventbridgeBus& settings);
  static void check(const settings::EventbridgeBus& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override { pusher_.wire(wiring); }
  void start() override;
  void on_request(sim::Call& call, sim::Handle handle) override;
  bool set_slow(double factor) override;
  bool set_errors(double share) override;
  Resolution resolve(const Query&) override {
    return {.addresses = {address_of(0)}, .ttl = std::chrono::seconds(60)};
  }
  Kind kind() const override { return Kind::bus; }

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter put{set, "PutEventsEntriesCount", "entries accepted"};
    sim::Counter throttled{set, "PutEventsThrottledEntriesCount", "entries over the quota"};
    sim::Counter refused{set, "RefusedEvents", "too large, or in a batch that is"};
    sim::Counter matched{set, "MatchedEvents", "events that matched any rule"};
    sim::Counter invocations{set, "Invocations", "targets invoked"};
    sim::Counter delivered{set, "SuccessfulInvocations", "invocations that succeeded"};
    sim::Counter failed{set, "FailedInvocations", "invocations given up"};
    sim::Counter dead_lettered{set, "InvocationsSentToDlq", "moved to a dead-letter queue"};
    sim::Counter retried{set, "RetryInvocationAttempts", "attempts after the first"};
    sim::Counter replayed{set, "ReplayedEvents", "events sent to the rules again"};
    sim::Histogram delayed{set, "QuotaDelay", "wait of invocations over their quota"};
    MessageAccount messages{set};
  };
  Metrics metric{metric_set_};
  sim::Throttling throttling{
      *this, metric_set_, "Throttling", "entries put", {"ThrottlingException"}};

 private:
  struct Rule {
    std::string host, path;
    std::vector<std::uint32_t> targets;  // endpoints of the pusher
  };
  struct Replay {
    sim::Time at, from, to;
    sim::Duration interval;
    std::size_t next = 0;  // in the archive, counted from the first event of the run
  };

  bool matches(const Rule& rule, const Message& event) const;
  void take(Message& event, const sim::Entity& caller);
  void route(Message& event);
  void archive(const Message& event);
  void on_replay(std::uint64_t replay);
  void on_reply_due(sim::Handle handle);
  void publish_metrics(const settings::EventbridgeBus& settings);

  Messages& messages_;
  std::vector<Rule> rules_;
  TokenBucket put_quota_;
  Pacer invocations_;
  std::uint32_t default_bytes_;
  bool has_archive_;
  sim::Duration retention_;
  std::deque<Message> archived_;
  std::size_t forgotten_ = 0;  // archived before archived_.front()
  std::vector<Replay> replays_;
  sim::Distribution request_time_, delivery_time_;
  double slow_ = 1, errors_ = 0;
  sim::Stream time_chance_, error_chance_;
  Pusher pusher_;
};

}  // namespace windtunnel
