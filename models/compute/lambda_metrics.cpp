// What CloudWatch learns of a function: AWS/Lambda, by FunctionName.
#include "models/compute/lambda_function.hpp"

namespace windtunnel {

namespace {
enum Which : std::uint32_t { concurrent_executions, provisioned_utilization };
}

void LambdaFunction::publish_metrics() {
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  const auto as = [&](const char* metric_name, double scale = 1) {
    return CloudWatch::Publication{.component = name(),
                                   .space = "AWS/Lambda",
                                   .name = metric_name,
                                   .dimensions = {{"FunctionName", name()}},
                                   .delay = {},
                                   .scale = scale};
  };
  const std::pair<const char*, const sim::Counter*> counts[] = {
      {"Invocations", &metric.invocations},
      {"Errors", &metric.errors},
      {"Throttles", &throttles.all},
      {"ProvisionedConcurrencyInvocations", &metric.on_provisioned},
      {"ProvisionedConcurrencySpilloverInvocations", &metric.spillover},
      {"AsyncEventsReceived", &events_.metric.received},
      {"AsyncEventsDropped", &events_.metric.dropped},
      {"DeadLetterErrors", &events_.metric.dead_letter_errors},
      {"DestinationDeliveryFailures", &events_.metric.destination_failures}};
  for (const auto& [metric_name, counter] : counts) {
    cloudwatch.publish_growth(as(metric_name), *counter);
  }
  cloudwatch.publish_records(as("Duration", 1000), metric.duration);
  cloudwatch.publish_records(as("AsyncEventAge", 1000), events_.metric.age);
  cloudwatch.publish(as("ConcurrentExecutions"), *this, concurrent_executions);
  cloudwatch.publish(as("ProvisionedConcurrencyUtilization"), *this, provisioned_utilization);
}

void LambdaFunction::count_concurrent(std::int64_t change) {
  const sim::Time now = sim().now();
  metric.concurrent.add(now, change);
  metric.environments.set(now, environments_.alive());
  quotas_->metric.concurrent.add(now, change);
  quotas_->lambda_changed();
  peaks_.concurrent = std::max(peaks_.concurrent, metric.concurrent.value());
  // A sample at each change; none while nothing is invoked, so that nothing is scaled in then.
  const std::int64_t ready = metric.provisioned.value();
  if (ready == 0) return;
  peaks_.utilization.add(static_cast<double>(environments_.provisioned_in_use()) /
                         static_cast<double>(ready));
}

void LambdaFunction::collect(std::uint32_t which, sim::Time, sim::Time, StatisticSet& out) {
  if (which == provisioned_utilization) {
    out = std::exchange(peaks_.utilization, {});
    return;
  }
  const std::int64_t now = metric.concurrent.value();
  const std::int64_t peak = std::exchange(peaks_.concurrent, now);
  if (peak > 0) out.add(static_cast<double>(peak));
}

}  // namespace windtunnel
