// What CloudWatch learns of the load balancer and its target groups: AWS/ApplicationELB.
#include <fmt/format.h>

#include <algorithm>

#include "models/mechanisms/settings.hpp"
#include "models/network/application_load_balancer.hpp"
#include "models/network/application_load_balancer.pb.h"

namespace windtunnel {

namespace {
// Of a group, those that no sim metric gives, in the order of their publication.
enum Which : std::uint32_t { requests_per_target, healthy_hosts, unhealthy_hosts, kinds };
}  // namespace

void ApplicationLoadBalancer::publish_metrics(const settings::ApplicationLoadBalancer& settings) {
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  CloudWatch::Publication whole{.component = name(),
                                .space = "AWS/ApplicationELB",
                                .name = {},
                                .dimensions = {{"LoadBalancer", "app/" + name()}},
                                .delay = to_distribution(settings.metric_delay())};
  const std::pair<const char*, const sim::Counter*> counts[] = {
      {"RequestCount", &metric.requests},
      {"HTTPCode_ELB_5XX_Count", &metric.elb_5xx},
      {"HTTPCode_ELB_502_Count", &metric.elb_502},
      {"HTTPCode_ELB_503_Count", &metric.elb_503},
      {"HTTPCode_ELB_504_Count", &metric.elb_504},
      {"HTTPCode_Target_5XX_Count", &metric.target_5xx},
      {"TargetConnectionErrorCount", &metric.connection_errors},
      {"RejectedConnectionCount", &metric.rejected}};
  for (const auto& [metric_name, counter] : counts) {
    cloudwatch.publish_growth(whole.named(metric_name), *counter);
  }
  cloudwatch.publish_records(whole.named("TargetResponseTime"), metric.target_response);

  const bool only = groups_.size() == 1;
  for (std::uint32_t g = 0; g < groups_.size(); ++g) {
    const TargetGroup& group = *groups_[g];
    const auto publish = [&](const CloudWatch::Publication& as) {
      if (group.is_lambda()) return;
      for (const char* metric_name :
           {"RequestCountPerTarget", "HealthyHostCount", "UnHealthyHostCount"}) {
        cloudwatch.publish(as.named(metric_name), *this,
                           static_cast<std::uint32_t>(collected_.size()));
        collected_.push_back({g});
      }
    };
    CloudWatch::Publication part = whole;
    part.component = fmt::format("{}/{}", name(), group.name());
    part.dimensions.emplace_back("TargetGroup", "targetgroup/" + group.name());
    publish(part);
    cloudwatch.publish_growth(part.named("RequestCount"), group.metric.requests);
    cloudwatch.publish_growth(part.named("HTTPCode_Target_5XX_Count"),
                              only ? metric.target_5xx : group.metric.target_5xx);
    cloudwatch.publish_records(part.named("TargetResponseTime"),
                               only ? metric.target_response : group.metric.response);
    if (!only) continue;
    part.component = name();  // the only group's metrics are the load balancer's
    publish(part);
  }
}

void ApplicationLoadBalancer::collect(std::uint32_t which, sim::Time, sim::Time,
                                      StatisticSet& out) {
  Collected& metric_of_group = collected_[which];
  const TargetGroup& group = *groups_[metric_of_group.group];
  if (which % kinds == requests_per_target) {
    const std::uint64_t requests = group.metric.requests.total();
    const auto grown = static_cast<double>(requests - metric_of_group.requests);
    metric_of_group.requests = requests;
    // An average over the healthy targets, real zeros too, so that a group can scale in to its
    // minimum.
    return out.add(grown / std::max<double>(group.least_healthy(), 1));
  }
  // The minimum and the maximum are over the nodes.
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    if (!node_up(node)) continue;
    out.add(which % kinds == healthy_hosts ? group.healthy(node) : group.unhealthy(node));
  }
}

}  // namespace windtunnel
