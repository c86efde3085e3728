// An SNS topic: a message published goes to every subscription whose filter lets it through, each
// with its own attempts. Queues, functions and delivery streams: 3 retries at once, 2 after 1 s, 10
// from 1 to 20 s, 100,000 every 20 s, 23 days in all (rule 24); HTTP: the subscription's policy. A
// function has the message when its own asynchronous queue has it: its own retries follow. What
// cannot be delivered goes to the subscription's dead-letter queue, or is lost.
//
// FIFO: in order within a message group for each subscription, published twice is delivered once.
//
// Left out: SMS, e-mail and mobile push, confirmation of subscriptions, filters on attributes, the
// account's other topics in its quota, 300 messages/s a group, archiving and replay of FIFO topics.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/deduplication.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/pusher.hpp"
#include "models/mechanisms/token_bucket.hpp"
#include "sim/simulation.hpp"
#include "sim/throttling.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class SnsTopic;
}

class SnsTopic final : public sim::Component, public Callable, public MessageTarget {
 public:
  SnsTopic(sim::Simulation& sim, const std::string& name, const settings::SnsTopic& settings);
  static void check(const settings::SnsTopic& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override { pusher_.wire(wiring); }
  void on_request(sim::Call& call, sim::Handle handle) override;
  bool set_slow(double factor) override;
  bool set_errors(double share) override;
  Resolution resolve(const Query&) override {
    return {.addresses = {address_of(0)}, .ttl = std::chrono::seconds(60)};
  }
  Kind kind() const override { return said_ ? Kind::fifo_topic : Kind::topic; }

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter published{set, "NumberOfMessagesPublished", "messages published"};
    sim::Counter delivered{set, "NumberOfNotificationsDelivered", "delivered to subscriptions"};
    sim::Counter failed{set, "NumberOfNotificationsFailed", "given up after all retries"};
    sim::Counter filtered{set, "NumberOfNotificationsFilteredOut", "refused by filter policies"};
    sim::Counter dead_lettered{set, "NumberOfNotificationsRedrivenToDlq", "moved to a queue"};
    sim::Counter retried{set, "DeliveryRetries", "attempts after the first"};
    sim::Counter throttled{set, "ThrottledRequests", "messages over the quota"};
    sim::Counter known{set, "DeduplicatedMessages", "published before, FIFO"};
    sim::Counter refused{set, "RefusedMessages", "too large, or in a batch that is"};
    MessageAccount messages{set};
  };
  Metrics metric{metric_set_};
  sim::Throttling throttling{*this, metric_set_, "Throttling", "messages published", {"Throttled"}};

 private:
  struct Filter {
    std::string host = "*", path = "*";
  };

  void publish(Message& message);
  bool wanted(std::uint32_t subscription, const Message& message) const;
  void on_reply_due(sim::Handle handle);
  void publish_metrics(const settings::SnsTopic& settings);

  Messages& messages_;
  std::vector<Filter> filters_;        // of each subscription
  std::optional<Deduplication> said_;  // FIFO
  TokenBucket quota_;
  std::uint32_t default_bytes_;
  sim::Distribution request_time_, delivery_time_;
  double slow_ = 1, errors_ = 0;
  sim::Stream time_chance_, error_chance_;
  Pusher pusher_;
};

}  // namespace windtunnel
