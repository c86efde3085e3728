// What an SQS queue says of its settings before anything runs, and what CloudWatch learns of it.
#include <fmt/format.h>

#include "models/integration/sqs_queue.hpp"
#include "models/integration/sqs_queue.pb.h"
#include "models/mechanisms/settings.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

using Settings = settings::SqsQueue;

const Settings* queue_of(const SettingsCheck& check, const std::string& component) {
  return dynamic_cast<const Settings*>(check.settings_of(component));
}

void check_redrive_policy(const Settings& settings, SettingsCheck& check) {
  const std::string& target = settings.redrive_policy().dead_letter_queue();
  const Settings* dead_letters = queue_of(check, target);
  if (dead_letters == nullptr) return;
  const auto kind = [](const Settings& queue) { return queue.has_fifo() ? "FIFO" : "standard"; };
  if (dead_letters->has_fifo() != settings.has_fifo()) {
    return check.error("redrive_policy.dead_letter_queue",
                       fmt::format("'{}' is a {} queue, this one is {}: the dead-letter queue of a "
                                   "FIFO queue is FIFO, that of a standard queue standard (SQS, "
                                   "Using dead-letter queues)",
                                   target, kind(*dead_letters), kind(settings)));
  }
  if (dead_letters == &settings) {
    return check.error("redrive_policy.dead_letter_queue", "a queue is not its own");
  }
  if (!settings.has_fifo() &&
      dead_letters->message_retention_period() <= settings.message_retention_period()) {
    check.note(
        "redrive_policy.dead_letter_queue",
        "a dead letter keeps the date it was sent, so it has the rest of its retention only; "
        "give '" +
            target + "' a longer one (SQS, Using dead-letter queues)");
  }
}

bool is_dead_letter_queue(const Settings& settings, const SettingsCheck& check) {
  for (const std::string& name : check.components()) {
    const Settings* source = queue_of(check, name);
    if (source == nullptr || !source->has_redrive_policy()) continue;
    if (queue_of(check, source->redrive_policy().dead_letter_queue()) == &settings) return true;
  }
  return false;
}

}  // namespace

void SqsQueue::check(const Settings& settings, SettingsCheck& check) {
  if (settings.has_redrive_policy()) check_redrive_policy(settings, check);
  if (!settings.message_move_tasks().empty() && !is_dead_letter_queue(settings, check)) {
    check.error(
        "message_move_tasks",
        "no queue names this one as its dead-letter queue (SQS, Dead-letter queue redrive)");
  }
  if (settings.message_size() > settings.maximum_message_size()) {
    check.error("message_size", "is above maximum_message_size: every message would be refused");
  }
  if (settings.group_by_request_class() && settings.message_groups() > 0) {
    check.error("message_groups", "with group_by_request_class the request says the group");
  }
  if (settings.has_fifo() && settings.message_groups() == 0 && !settings.group_by_request_class() &&
      settings.fifo().high_throughput()) {
    check.note("fifo.high_throughput",
               "messages that say no group are of one group, and that of one partition");
  }
}

void SqsQueue::publish_metrics(const Settings& settings) {
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  const auto named = [&](std::string_view metric_name) {
    return CloudWatch::Publication{.component = name(),
                                   .space = "AWS/SQS",
                                   .name = std::string(metric_name),
                                   .dimensions = {{"QueueName", name()}},
                                   .delay = to_distribution(settings.metric_delay())};
  };
  for (const sim::Counter* counter :
       {&metric.sent, &metric.received, &metric.deleted, &metric.empty, &metric.known}) {
    cloudwatch.publish_growth(named(counter->name()), *counter, true);
  }
  for (const sim::Level* level : {&metric.visible, &metric.in_flight, &metric.delayed}) {
    cloudwatch.publish_sample(named(level->name()), *level);
  }
  MetricPublisher& publisher = *this;
  cloudwatch.publish(named(metric.age.name()), publisher, 0);
  cloudwatch.publish(named(metric.noisy.name()), publisher, 1);
}

void SqsQueue::collect(std::uint32_t which, sim::Time, sim::Time, StatisticSet& out) {
  out.add(which == 0 ? sim::seconds(queue_->age_of_oldest())
                     : static_cast<double>(queue_->noisy_tenants()));
}

void SqsQueue::on_minute_over() {
  const sim::Time now = sim().now();
  metric.age.set(now, static_cast<std::int64_t>(sim::seconds(queue_->age_of_oldest())));
  metric.noisy.set(now, static_cast<std::int64_t>(queue_->noisy_tenants()));
  count_levels();
  sim().after<&SqsQueue::on_minute_over>(std::chrono::minutes(1), this, 0, sim::Turn::sample);
}

}  // namespace windtunnel
