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

// SNS developer guide: a message, and a batch.
constexpr RequestLimits limits{.bytes = 256 * 1024, .entries = 10};
using S = settings::SnsTopic;

// Throttling's words, in the order of Quota.
enum Quota : std::size_t { messages, bytes, group };

bool scope_is_group(const S& settings) {
  return settings.has_fifo() && settings.fifo().fifo_throughput_scope() == S::Fifo::MESSAGE_GROUP;
}
double quota_of(const S& settings) {
  return settings.has_fifo() && !scope_is_group(settings) ? settings.fifo().publish_quota()
                                                          : settings.publish_quota();
}

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
    : EntryService(sim, name,
                   {.limits = limits,
                    .default_bytes = static_cast<std::uint32_t>(settings.message_size()),
                    .request_time = to_distribution(settings.request_time()),
                    .entries = "messages published",
                    .quotas = {"MessageQuota", "ByteQuota", "MessageGroupQuota"}}),
      quota_(quota_of(settings), quota_of(settings)),
      bytes_quota_(static_cast<double>(settings.fifo().publish_bytes_quota()),
                   static_cast<double>(settings.fifo().publish_bytes_quota())),
      group_quota_(settings.fifo().message_group_quota()),
      by_group_(scope_is_group(settings)),
      delivery_time_(to_distribution(settings.delivery_time())),
      message_groups_(static_cast<std::uint32_t>(settings.message_groups())),
      group_seed_(stream("message groups")()),
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
  for (const char* quota : {"publish_quota", "publish_bytes_quota"}) {
    if (scope_is_group(settings) && check.given(fmt::format("fifo.{}", quota))) {
      check.error(fmt::format("fifo.{}", quota),
                  "is a topic's own; with fifo_throughput_scope message_group the region's "
                  "publish_quota counts (AWS general reference, Amazon SNS quotas)");
    }
  }
  if (check.given("message_groups") && !settings.has_fifo()) {
    check.error("message_groups", "is of FIFO topics (SNS, Message grouping for FIFO topics)");
  }
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

bool SnsTopic::wanted(std::uint32_t subscription, const Message& message) const {
  const Filter& filter = filters_[subscription];
  if (filter.host == "*" && filter.path == "*") return true;
  const sim::RequestClass& what = sim().request_class(message.request_class);
  return matches_wildcard(filter.path, what.path) && matches_wildcard(filter.host, what.host);
}

std::optional<std::size_t> SnsTopic::take(Message& message) {
  const sim::Time now = sim().now();
  if (said_ && message.key == 0) {  // said again, it is of the same group
    message.key =
        1 + static_cast<std::uint32_t>(sim::mix(group_seed_ ^ message.content) % message_groups_);
  }
  std::optional<std::size_t> over;
  if (said_ && !within_group_quota(message.key)) {
    over = Quota::group;
  } else if (!quota_.take(now)) {
    over = Quota::messages;
  } else if (said_ && !by_group_ && !bytes_quota_.take(now, message.bytes)) {
    over = Quota::bytes;
  }
  over ? metric.throttled.add() : publish(message);
  return over;
}

bool SnsTopic::within_group_quota(std::uint32_t group) {
  const std::uint32_t* known = group_numbers_.find(group);
  const auto number = known != nullptr ? *known : static_cast<std::uint32_t>(groups_.size());
  if (known == nullptr) {
    group_numbers_.insert(group, number);
    groups_.emplace_back(group_quota_, group_quota_);
  }
  return groups_[number].take(sim().now());
}

// The message itself goes to one subscription, copies to the others.
void SnsTopic::publish(Message& message) {
  const std::uint64_t id = by_group_ ? message.content ^ sim::mix(message.key) : message.content;
  if (said_ && !said_->is_new(id, sim().now())) return metric.known.add();
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
