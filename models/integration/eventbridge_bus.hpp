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

#include "models/mechanisms/entry_service.hpp"
#include "models/mechanisms/pusher.hpp"
#include "models/mechanisms/token_bucket.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class EventbridgeBus;
}

class EventbridgeBus final : public EntryService {
 public:
  EventbridgeBus(sim::Simulation& sim, const std::string& name,
                 const settings::EventbridgeBus& settings);
  static void check(const settings::EventbridgeBus& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override { pusher_.wire(wiring); }
  void start() override;
  Kind kind() const override { return Kind::bus; }

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter put{set, "PutEventsEntriesCount", "entries accepted"};
    sim::Counter throttled{set, "PutEventsThrottledEntriesCount", "entries over the quota"};
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
  std::optional<std::size_t> take(Message& event) override;
  void route(Message& event);
  void archive(const Message& event);
  void on_replay(std::uint64_t replay);
  void publish_metrics(const settings::EventbridgeBus& settings);

  std::vector<Rule> rules_;
  TokenBucket put_quota_;
  Pacer invocations_;
  bool has_archive_;
  sim::Duration retention_;
  std::deque<Message> archived_;
  std::size_t forgotten_ = 0;  // archived before archived_.front()
  std::vector<Replay> replays_;
  sim::Distribution delivery_time_;
  Pusher pusher_;
};

}  // namespace windtunnel
