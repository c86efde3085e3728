// What CloudWatch learns of flows, whoever passes them on: how many were opened and reset, under
// their owner's names, and how many are open.
#pragma once

#include <vector>

#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/flows.hpp"

namespace windtunnel {

class FlowMetrics final : public MetricPublisher {
 public:
  // Publishes; in the owner's constructor. `whole`: what the metrics have in common.
  FlowMetrics(sim::Simulation& sim, const CloudWatch::Publication& whole,
              const Flows::Metrics& counts);
  // One of the owner's tables, which lives as long as the run.
  void add(const Flows& flows) { tables_.push_back(&flows); }

  void collect(std::uint32_t which, sim::Time from, sim::Time to, StatisticSet& out) override;

 private:
  std::vector<const Flows*> tables_;
};

}  // namespace windtunnel
