#include "models/scaling/auto_scaling_settings.hpp"

#include <algorithm>
#include <cmath>

#include "models/mechanisms/settings.hpp"
#include "models/scaling/auto_scaling_group.pb.h"

namespace windtunnel {

using sim::Time;

SuspendedProcesses::SuspendedProcesses(const settings::AutoScalingGroup& settings) {
  for (const auto& process : settings.suspended_processes()) {
    suspensions_.push_back(
        {static_cast<Process>(process.process()), sim::time_zero + to_duration(process.from()),
         process.has_until() ? sim::time_zero + to_duration(process.until()) : Time::max()});
  }
}

bool SuspendedProcesses::at(Process process, Time date) const {
  return std::any_of(suspensions_.begin(), suspensions_.end(), [&](const Suspension& s) {
    return s.process == process && s.from <= date && date < s.until;
  });
}

std::vector<Time> SuspendedProcesses::changes() const {
  std::vector<Time> dates;
  for (const Suspension& suspension : suspensions_) {
    dates.push_back(suspension.from);
    if (suspension.until != Time::max()) dates.push_back(suspension.until);
  }
  return dates;
}

std::int64_t HealthyRange::below(std::int64_t desired) const {
  const double least = std::ceil(static_cast<double>(desired) * min - 1e-9);
  return std::max<std::int64_t>(1, desired - static_cast<std::int64_t>(least));
}

std::int64_t HealthyRange::above(std::int64_t desired) const {
  if (!launches_first()) return 0;
  const double most = std::floor(static_cast<double>(desired) * max + 1e-9);
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(most) - desired);
}

namespace {

RefreshPlan plan_of(const settings::InstanceRefresh& refresh,
                    const settings::AutoScalingGroup& settings) {
  HealthyRange range;
  if (settings.has_instance_maintenance_policy()) {
    const auto& policy = settings.instance_maintenance_policy();
    range = {policy.min_healthy_percentage(), policy.max_healthy_percentage()};
  }
  if (refresh.has_min_healthy_percentage()) range.min = refresh.min_healthy_percentage();
  if (refresh.has_max_healthy_percentage()) range.max = refresh.max_healthy_percentage();
  const std::int64_t warmup = refresh.has_instance_warmup() ? refresh.instance_warmup()
                              : settings.has_default_instance_warmup()
                                  ? settings.default_instance_warmup()
                                  : settings.health_check_grace_period();
  return {sim::time_zero + to_duration(refresh.at()),
          range,
          to_duration(warmup),
          {refresh.checkpoint_percentages().begin(), refresh.checkpoint_percentages().end()},
          to_duration(refresh.checkpoint_delay())};
}

WarmPoolPlan plan_of(const settings::WarmPool& pool) {
  WarmPoolPlan plan{.state = static_cast<WarmPoolPlan::State>(pool.pool_state()),
                    .min_size = pool.min_size(),
                    .prepared = std::nullopt,
                    .reuse = pool.reuse_on_scale_in(),
                    .stop = to_distribution(pool.stop())};
  if (pool.has_max_group_prepared_capacity()) plan.prepared = pool.max_group_prepared_capacity();
  return plan;
}

}  // namespace

AutoScalingSettings::AutoScalingSettings(const settings::AutoScalingGroup& settings)
    : elb_checks(settings.health_check_type() == settings::AutoScalingGroup::ELB),
      best_effort(settings.availability_zone_distribution() ==
                  settings::AutoScalingGroup::BALANCED_BEST_EFFORT),
      protect(settings.new_instances_protected_from_scale_in()),
      capacity_rebalance(settings.capacity_rebalance()),
      grace(to_duration(settings.health_check_grace_period())),
      status_interval(to_duration(settings.status_check_interval())),
      launch_retry(to_duration(settings.launch_retry())),
      health_period(to_distribution(settings.health_check_period())),
      impaired_tolerance(to_distribution(settings.impaired_tolerance())),
      suspended(settings) {
  if (settings.has_default_instance_warmup()) {
    default_warmup = to_duration(settings.default_instance_warmup());
  }
  for (const int policy : settings.termination_policies()) {
    termination_policies.push_back(static_cast<TerminationPolicy>(policy));
  }
  if (termination_policies.empty()) {
    termination_policies.push_back(TerminationPolicy::default_policy);
  }
  if (settings.has_instance_maintenance_policy()) {
    const auto& policy = settings.instance_maintenance_policy();
    maintenance = HealthyRange{policy.min_healthy_percentage(), policy.max_healthy_percentage()};
  }
  for (const auto& refresh : settings.instance_refresh()) {
    refreshes.push_back(plan_of(refresh, settings));
  }
  if (settings.has_warm_pool()) warm_pool = plan_of(settings.warm_pool());
}

}  // namespace windtunnel
