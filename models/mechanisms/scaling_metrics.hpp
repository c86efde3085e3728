// Which of CloudWatch's metrics a policy means.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/mechanisms/alarm.hpp"

namespace windtunnel {

// The metric of a component, or of a resource_label: "LOAD_BALANCER", "LOAD_BALANCER/TARGET_GROUP".
// A load balancer publishes for a target group under the label or, if it has only one, under its
// own name. Aborts where nobody publishes the metric: check_scaling() has refused that.
MetricIndex labelled_metric(const CloudWatch& cloudwatch, std::string_view label,
                            std::string_view metric);

// An alarm's period: `wanted`, or the longest resolution of its metrics where that is longer.
sim::Duration served_period(const CloudWatch& cloudwatch, const std::vector<MetricQuery>& metrics,
                            sim::Duration wanted);

}  // namespace windtunnel
