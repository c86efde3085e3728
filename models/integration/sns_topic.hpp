// An SNS topic: a message published goes to every subscription whose filter lets it through, each
// with its own attempts. Queues, functions and delivery streams: 3 retries at once, 2 after 1 s, 10
// from 1 to 20 s, 100,000 every 20 s, 23 days in all (rule 24); HTTP: the subscription's policy. A
// function has the message when its own asynchronous queue has it: its own retries follow. What
// cannot be delivered goes to the subscription's dead-letter queue, or is lost.
//
// FIFO: in order within a message group for each subscription, published twice is delivered once;
// each group has a quota of its own within the topic's, or the region's (FifoThroughputScope).
//
// Left out: SMS, e-mail and mobile push, confirmation of subscriptions, filters on attributes, the
// account's other topics in its quota, archiving and replay of FIFO topics.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/deduplication.hpp"
#include "models/mechanisms/entry_service.hpp"
#include "models/mechanisms/pusher.hpp"
#include "models/mechanisms/token_bucket.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class SnsTopic;
}

class SnsTopic final : public EntryService {
 public:
  SnsTopic(sim::Simulation& sim, const std::string& name, const settings::SnsTopic& settings);
  static void check(const settings::SnsTopic& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override { pusher_.wire(wiring); }
  Kind kind() const override { return said_ ? Kind::fifo_topic : Kind::topic; }

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter published{set, "NumberOfMessagesPublished", "messages published"};
    sim::Counter delivered{set, "NumberOfNotificationsDelivered", "delivered to subscriptions"};
    sim::Counter failed{set, "NumberOfNotificationsFailed", "given up after all retries"};
    sim::Counter filtered{set, "NumberOfNotificationsFilteredOut", "refused by filter policies"};
    sim::Counter dead_lettered{set, "NumberOfNotificationsRedrivenToDlq", "moved to a queue"};
    sim::Counter retried{set, "DeliveryRetries", "attempts after the first"};
    sim::Counter throttled{set, "ThrottledRequests", "messages over a quota"};
    sim::Counter known{set, "DeduplicatedMessages", "published before, FIFO"};
    MessageAccount messages{set};
  };
  Metrics metric{metric_set_};

 private:
  struct Filter {
    std::string host = "*", path = "*";
  };

  std::optional<std::size_t> take(Message& message) override;
  bool within_group_quota(std::uint32_t group);
  void publish(Message& message);
  bool wanted(std::uint32_t subscription, const Message& message) const;
  void publish_metrics(const settings::SnsTopic& settings);

  std::vector<Filter> filters_;        // of each subscription
  std::optional<Deduplication> said_;  // FIFO
  TokenBucket quota_, bytes_quota_;
  double group_quota_;
  bool by_group_;  // FifoThroughputScope MessageGroup: deduplication too
  KeyTable group_numbers_;
  std::vector<TokenBucket> groups_;
  sim::Distribution delivery_time_;
  std::uint32_t message_groups_;
  std::uint64_t group_seed_;
  Pusher pusher_;
};

}  // namespace windtunnel
