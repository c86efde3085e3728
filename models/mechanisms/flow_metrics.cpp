#include "models/mechanisms/flow_metrics.hpp"

namespace windtunnel {

FlowMetrics::FlowMetrics(sim::Simulation& sim, const CloudWatch::Publication& whole,
                         const Flows::Metrics& counts) {
  CloudWatch& cloudwatch = CloudWatch::of(sim);
  for (const sim::Counter* counter : {&counts.opened, &counts.own_resets, &counts.far_resets}) {
    cloudwatch.publish_growth(whole.named(counter->name()), *counter);
  }
  cloudwatch.publish(whole.named("ActiveFlowCount"), *this);
}

void FlowMetrics::collect(std::uint32_t, sim::Time, sim::Time, StatisticSet& out) {
  std::uint32_t active = 0;
  for (const Flows* flows : tables_) active += flows->active();
  out.add(active);
}

}  // namespace windtunnel
