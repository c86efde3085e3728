#include "models/mechanisms/scaling_metrics.hpp"

#include <algorithm>

#include "sim/check.hpp"

namespace windtunnel {

MetricIndex labelled_metric(const CloudWatch& cloudwatch, std::string_view label,
                            std::string_view metric) {
  auto found = cloudwatch.find(label, metric);
  if (!found) found = cloudwatch.find(label.substr(0, label.find('/')), metric);
  WT_CHECK(found.has_value(), "a policy on a metric that nobody publishes");
  return *found;
}

sim::Duration served_period(const CloudWatch& cloudwatch, const std::vector<MetricQuery>& metrics,
                            sim::Duration wanted) {
  for (const MetricQuery& query : metrics) {
    wanted = std::max(wanted, cloudwatch.publication(query.metric).period);
  }
  return wanted;
}

}  // namespace windtunnel
