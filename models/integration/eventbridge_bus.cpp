#include "models/integration/eventbridge_bus.hpp"

#include <fmt/format.h>

#include "models/integration/eventbridge_bus.pb.h"
#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/regional_place.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/mechanisms/wildcard.hpp"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Outcome;

namespace {
// EventBridge API, PutEvents: less than 256 KB.
constexpr RequestLimits limits{.bytes = 256 * 1024 - 1, .entries = 10};
constexpr int most_rules = 300, most_targets = 5;
constexpr sim::Duration api_destination_timeout{std::chrono::seconds(5)};
}  // namespace

EventbridgeBus::EventbridgeBus(sim::Simulation& sim, const std::string& name,
                               const settings::EventbridgeBus& settings)
    : EntryService(sim, name,
                   {.limits = limits,
                    .default_bytes = static_cast<std::uint32_t>(settings.message_size()),
                    .request_time = to_distribution(settings.request_time()),
                    .entries = "entries put",
                    .quotas = {"ThrottlingException"}}),
      put_quota_(settings.put_events_quota(), settings.put_events_quota()),
      invocations_(settings.invocations_quota()),
      has_archive_(settings.has_archive()),
      retention_(to_duration(settings.archive().retention())),
      delivery_time_(to_distribution(settings.delivery_time())),
      pusher_(*this, metric.messages,
              {metric.delivered, metric.failed, metric.dead_lettered, metric.retried}) {
  set_zone(regional_place(sim, settings.region()));
  for (const auto& r : settings.rules()) {
    rules_.push_back({r.host(), r.path(), {}});
    for (const auto& t : r.targets()) {
      const bool http = t.has_api_destination();
      rules_.back().targets.push_back(
          pusher_.add({.target = http ? t.api_destination() : t.to(),
                       .dead_letter_queue = t.dead_letter_queue(),
                       .retry = DeliveryRetry::event_bridge(
                           static_cast<std::uint32_t>(t.retry_policy().maximum_retry_attempts()),
                           to_duration(t.retry_policy().maximum_event_age())),
                       .timeout = http ? api_destination_timeout : Pusher::Endpoint{}.timeout,
                       .rate = http ? t.invocation_rate_limit() : 0}));
    }
  }
  for (const auto& r : settings.replays()) {
    replays_.push_back(
        {sim::time_zero + to_duration(r.at()), sim::time_zero + to_duration(r.event_start_time()),
         sim::time_zero + to_duration(r.event_end_time()), sim::from_seconds(1 / r.rate())});
  }
  publish_metrics(settings);
}

void EventbridgeBus::check(const settings::EventbridgeBus& settings, SettingsCheck& check) {
  if (settings.rules_size() > most_rules) {
    check.error("rules", fmt::format("{} rules, at most {} (EventBridge, Quotas)",
                                     settings.rules_size(), most_rules));
  }
  for (int i = 0; i < settings.rules_size(); ++i) {
    const auto& rule = settings.rules(i);
    if (rule.targets_size() > most_targets) {
      check.error(fmt::format("rules.{}.targets", i),
                  fmt::format("{} targets, at most {} (EventBridge, Quotas)", rule.targets_size(),
                              most_targets));
    }
    for (int t = 0; t < rule.targets_size(); ++t) {
      const auto& dead_letters = rule.targets(t).dead_letter_queue();
      const auto* queue = dead_letters.empty() ? nullptr : check.settings_of(dead_letters);
      const auto* fifo =
          queue == nullptr ? nullptr : queue->GetDescriptor()->FindFieldByName("fifo");
      if (fifo != nullptr && queue->GetReflection()->HasField(*queue, fifo)) {
        check.error(fmt::format("rules.{}.targets.{}.dead_letter_queue", i, t),
                    fmt::format("'{}' is a FIFO queue; EventBridge takes standard queues only "
                                "(EventBridge, Using dead-letter queues)",
                                dead_letters));
      }
    }
  }
  if (!settings.replays().empty() && !settings.has_archive()) {
    check.error("replays", "there is no archive to replay from");
  }
  for (int i = 0; i < settings.replays_size(); ++i) {
    if (settings.replays(i).event_start_time() >= settings.replays(i).at()) {
      check.error(fmt::format("replays.{}.at", i), "is before the events it should replay");
    }
  }
}

void EventbridgeBus::start() {
  for (std::size_t replay = 0; replay < replays_.size(); ++replay) {
    sim().at<&EventbridgeBus::on_replay>(replays_[replay].at, this, replay);
  }
}

std::optional<std::size_t> EventbridgeBus::take(Message& event) {
  if (!put_quota_.take(sim().now())) {
    metric.throttled.add();
    return 0;
  }
  metric.put.add();
  if (has_archive_) archive(event);
  route(event);
  return std::nullopt;
}

bool EventbridgeBus::matches(const Rule& rule, const Message& event) const {
  if (rule.host == "*" && rule.path == "*") return true;
  const sim::RequestClass& what = sim().request_class(event.request_class);
  return matches_wildcard(rule.path, what.path) && matches_wildcard(rule.host, what.host);
}

// The event itself goes to one target, copies to the others.
void EventbridgeBus::route(Message& event) {
  messages_.ledger().accept(event, pusher_.account());
  bool sent = false;
  for (const Rule& rule : rules_) {
    if (!matches(rule, event)) continue;
    for (const std::uint32_t target : rule.targets) {
      const Duration wait = invocations_.delay(sim().now());
      metric.invocations.add();
      metric.delayed.record(wait);
      pusher_.push(target, sent ? messages_.ledger().copy(event) : event,
                   wait + delivery_time_.sample(time_chance_));
      sent = true;
    }
  }
  if (sent) {
    metric.matched.add();
  } else {
    messages_.ledger().end(event.number, Fate::discarded);
  }
}

// Archive and replay ------------------------------------------------------------------------------

void EventbridgeBus::archive(const Message& event) {
  while (!archived_.empty() && archived_.front().sent + retention_ < sim().now()) {
    archived_.pop_front();
    ++forgotten_;
  }
  archived_.push_back(event);
  archived_.back().number = {};
  archived_.back().sent = sim().now();
}

// One event; the order of the archive is that of their dates, which is finer than by minutes.
void EventbridgeBus::on_replay(std::uint64_t number) {
  Replay& replay = replays_[number];
  replay.next = std::max(replay.next, forgotten_);
  const auto in_archive = [&] { return replay.next - forgotten_ < archived_.size(); };
  while (in_archive() && archived_[replay.next - forgotten_].sent < replay.from) ++replay.next;
  if (!in_archive() || archived_[replay.next - forgotten_].sent >= replay.to) return;
  Message event = archived_[replay.next++ - forgotten_];
  metric.replayed.add();
  route(event);
  sim().after<&EventbridgeBus::on_replay>(replay.interval, this, number);
}

void EventbridgeBus::publish_metrics(const settings::EventbridgeBus& settings) {
  for (const sim::Counter* counter : {&metric.put, &metric.throttled, &metric.matched,
                                      &metric.invocations, &metric.failed, &metric.dead_lettered}) {
    CloudWatch::of(sim()).publish_growth({.component = name(),
                                          .space = "AWS/Events",
                                          .name = std::string(counter->name()),
                                          .dimensions = {{"EventBusName", name()}},
                                          .delay = to_distribution(settings.metric_delay())},
                                         *counter);
  }
}

REGISTER_MODEL(EventbridgeBus, settings::EventbridgeBus);

}  // namespace windtunnel
