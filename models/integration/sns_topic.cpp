#include "models/integration/sns_topic.hpp"

#include <fmt/format.h>

#include "models/integration/sns_topic.pb.h"
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

constexpr std::uint32_t largest = 256 * 1024;  // SNS developer guide: a message, and a batch
constexpr std::size_t most_entries = 10;

DeliveryRetry retry_of(const settings::SnsTopic::DeliveryPolicy& policy) {
  const auto count = [](std::int64_t n) { return static_cast<std::uint32_t>(n); };
  const std::int64_t others = policy.num_no_delay_retries() + policy.num_min_delay_retries() +
                              policy.num_max_delay_retries();
  return {.immediate = count(policy.num_no_delay_retries()),
          .at_least = count(policy.num_min_delay_retries()),
          .backoff = count(policy.num_retries() - others),
          .at_most = count(policy.num_max_delay_retries()),
          .least = to_duration(policy.min_delay_target()),
          .largest = to_duration(policy.max_delay_target()),
          .growth = policy.backoff_function() == settings::SnsTopic::DeliveryPolicy::LINEAR
                        ? DeliveryRetry::Growth::linear
                        : DeliveryRetry::Growth::exponential,
          .jitter = false};
}

}  // namespace

SnsTopic::SnsTopic(sim::Simulation& sim, const std::string& name,
                   const settings::SnsTopic& settings)
    : Component(sim, name),
      messages_(Messages::of(sim)),
      quota_(settings.has_fifo() ? settings.fifo().publish_quota() : settings.publish_quota(),
             settings.has_fifo() ? settings.fifo().publish_quota() : settings.publish_quota()),
      default_bytes_(static_cast<std::uint32_t>(settings.message_size())),
      request_time_(to_distribution(settings.request_time())),
      delivery_time_(to_distribution(settings.delivery_time())),
      time_chance_(stream("times")),
      error_chance_(stream("errors")),
      pusher_(*this, metric.messages,
              {metric.delivered, metric.failed, metric.dead_lettered, metric.retried}) {
  set_zone(regional_place(sim, settings.region()));
  if (settings.has_fifo()) said_.emplace(to_duration(settings.fifo().deduplication_interval()));
  for (const auto& s : settings.subscriptions()) {
    pusher_.add(
        {.target = s.has_http() ? s.http() : s.endpoint(),
         .dead_letter_queue = s.dead_letter_queue(),
         .retry = s.has_http() ? retry_of(s.delivery_policy()) : DeliveryRetry::aws_managed(),
         .rate = s.has_http() ? s.delivery_policy().max_receives_per_second() : 0,
         .ordered = settings.has_fifo()});
    filters_.push_back(s.has_filter_policy()
                           ? Filter{s.filter_policy().host(), s.filter_policy().path()}
                           : Filter{});
  }
  publish_metrics(settings);
}

void SnsTopic::check(const settings::SnsTopic& settings, SettingsCheck& check) {
  for (int i = 0; i < settings.subscriptions_size(); ++i) {
    const auto& s = settings.subscriptions(i);
    const std::string place = fmt::format("subscriptions.{}", i);
    const auto& policy = s.delivery_policy();
    if (policy.num_no_delay_retries() + policy.num_min_delay_retries() +
            policy.num_max_delay_retries() >
        policy.num_retries()) {
      check.error(place + ".delivery_policy",
                  "its phases have more retries than num_retries (SNS, Message delivery retries)");
    }
    if (check.given(place + ".delivery_policy") && !s.has_http()) {
      check.error(
          place + ".delivery_policy",
          "only HTTP and HTTPS have one that can be changed (SNS, Message delivery retries)");
    }
    if (s.has_http() && s.dead_letter_queue().empty()) {
      check.note(place, "what all retries fail for is lost: it has no dead-letter queue");
    }
    if (!settings.has_fifo() || !s.has_endpoint()) continue;
    const auto* target = check.settings_of(s.endpoint());
    const auto* fifo =
        target == nullptr ? nullptr : target->GetDescriptor()->FindFieldByName("fifo");
    if (fifo == nullptr || !target->GetReflection()->HasField(*target, fifo)) {
      check.note(place,
                 "a FIFO topic's order and deduplication end at an endpoint that is not FIFO");
    }
  }
}

bool SnsTopic::set_slow(double factor) {
  slow_ = factor;
  return true;
}
bool SnsTopic::set_errors(double share) {
  errors_ = share;
  return true;
}

void SnsTopic::on_request(Call& call, Handle handle) {
  if (call.operation != sim::Operation::write) {
    const bool check = call.operation == sim::Operation::health_check;
    return sim().answer(handle, check ? Outcome::ok : Outcome::error);
  }
  Outcome outcome = Outcome::ok;
  if (error_chance_.chance(errors_)) {
    outcome = Outcome::error;
  } else {
    Batch& batch = messages_.of_call(call, default_bytes_);
    throttling.offer(*call.caller, batch.messages.size());
    std::uint64_t bytes = 0;
    for (const Message& message : batch.messages) bytes += message.bytes;
    const bool too_much = bytes > largest || batch.messages.size() > most_entries ||
                          batch.action != Batch::Action::send;
    for (Message& message : batch.messages) {
      if (too_much) {
        message.result = Entry::refused;
        metric.refused.add();
      } else if (!quota_.take(sim().now())) {
        message.result = Entry::throttled;
        metric.throttled.add();
        throttling.refuse(*call.caller, 0);
      } else {
        publish(message);
      }
    }
    if (batch.messages.size() == 1 && batch.messages[0].result != Entry::accepted) {
      outcome = batch.messages[0].result == Entry::throttled ? Outcome::throttled : Outcome::error;
    }
  }
  call.work_as<Outcome>() = outcome;
  const Duration time = request_time_.sample(time_chance_);
  sim().after<&SnsTopic::on_reply_due>(
      slow_ == 1 ? time : sim::from_seconds(sim::seconds(time) * slow_), this, handle);
}

void SnsTopic::on_reply_due(Handle handle) {
  sim().answer(handle, sim().call(handle).work_as<Outcome>());
}

bool SnsTopic::wanted(std::uint32_t subscription, const Message& message) const {
  const Filter& filter = filters_[subscription];
  if (filter.host == "*" && filter.path == "*") return true;
  const sim::RequestClass& what = sim().request_class(message.request_class);
  return matches_wildcard(filter.path, what.path) && matches_wildcard(filter.host, what.host);
}

// The message itself goes to one subscription, copies to the others.
void SnsTopic::publish(Message& message) {
  message.result = Entry::accepted;
  if (said_ && message.key == 0) message.key = 1;
  if (said_ && !said_->is_new(message.content, sim().now())) return metric.known.add();
  metric.published.add();
  messages_.ledger().accept(message, pusher_.account());
  bool sent = false;
  const Message original = message;
  for (std::uint32_t s = static_cast<std::uint32_t>(filters_.size()); s-- > 0;) {
    if (!wanted(s, original)) {
      metric.filtered.add();
      continue;
    }
    pusher_.push(s, sent ? messages_.ledger().copy(original) : original,
                 delivery_time_.sample(time_chance_));
    sent = true;
  }
  if (!sent) messages_.ledger().end(original.number, Fate::discarded);
}

void SnsTopic::publish_metrics(const settings::SnsTopic& settings) {
  for (const sim::Counter* counter : {&metric.published, &metric.delivered, &metric.failed,
                                      &metric.filtered, &metric.dead_lettered}) {
    CloudWatch::of(sim()).publish_growth({.component = name(),
                                          .space = "AWS/SNS",
                                          .name = std::string(counter->name()),
                                          .dimensions = {{"TopicName", name()}},
                                          .delay = to_distribution(settings.metric_delay())},
                                         *counter);
  }
}

REGISTER_MODEL(SnsTopic, settings::SnsTopic);

}  // namespace windtunnel
