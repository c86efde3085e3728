// What contradicts itself in a group's settings, and what `windtunnel check` tells of them.
#include <fmt/format.h>

#include <set>

#include "models/mechanisms/scaling_checks.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/scaling/auto_scaling_group.hpp"
#include "models/scaling/auto_scaling_group.pb.h"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

using settings::MixedInstancesPolicy;
using Group = settings::AutoScalingGroup;

class GroupCheck {
 public:
  GroupCheck(const Group& group, SettingsCheck& check) : group_(group), check_(check) {}

  void run() {
    types();
    if (group_.has_mixed_instances_policy()) {
      overrides(group_.mixed_instances_policy());
    } else if (group_.capacity_rebalance()) {
      check_.note("capacity_rebalance", "the group has no Spot instances");
    }
    shortages();
    termination_policies();
    replacements();
    hooks();
    scaling();
    monitoring();
    grace();
  }

 private:
  void is_type(const std::string& path, const std::string& name) {
    if (name.empty() || find_instance_type(name) != nullptr) return;
    check_.error(path, fmt::format("no instance type '{}'{}", name,
                                   check_.did_you_mean(name, instance_type_names())));
  }

  void types() {
    is_type("instance_type", group_.instance_type());
    for (int i = 0; i < group_.capacity_reservations_size(); ++i) {
      const auto& reservation = group_.capacity_reservations(i);
      is_launched(fmt::format("capacity_reservations.{}.instance_type", i),
                  reservation.instance_type());
    }
  }

  // A type that the group launches; also where it is misspelt.
  void is_launched(const std::string& path, const std::string& name) {
    if (name.empty()) return;
    std::vector<std::string> launched;
    for (const auto& override : group_.mixed_instances_policy().overrides()) {
      launched.push_back(override.instance_type());
    }
    if (launched.empty() && !group_.instance_type().empty()) {
      launched.push_back(group_.instance_type());
    }
    for (const std::string& type : launched) {
      if (type == name) return;
    }
    check_.error(path, fmt::format("the group launches no '{}'{}", name,
                                   check_.did_you_mean(name, launched)));
  }

  void overrides(const MixedInstancesPolicy& policy) {
    std::set<std::string> seen;
    for (int i = 0; i < policy.overrides_size(); ++i) {
      const std::string path = fmt::format("mixed_instances_policy.overrides.{}.instance_type", i);
      const std::string& type = policy.overrides(i).instance_type();
      is_type(path, type);
      if (!seen.insert(type).second) check_.error(path, type + " stands twice");
    }
    if (policy.overrides_size() > 0 && check_.given("instance_type")) {
      check_.error("instance_type", "the overrides of mixed_instances_policy name the types");
    }
    if (group_.capacity_rebalance() && policy.on_demand_percentage_above_base_capacity() == 1) {
      check_.note("capacity_rebalance",
                  "all instances are On-Demand: on_demand_percentage_above_base_capacity is 100 %");
    }
  }

  void shortages() {
    for (int i = 0; i < group_.insufficient_capacity_size(); ++i) {
      const auto& shortage = group_.insufficient_capacity(i);
      const std::string path = fmt::format("insufficient_capacity.{}", i);
      is_launched(path + ".instance_type", shortage.instance_type());
      if (shortage.market() == settings::InsufficientCapacity::SPOT &&
          !group_.has_mixed_instances_policy()) {
        check_.error(path + ".market", "the group has no mixed_instances_policy: all is On-Demand");
      }
    }
  }

  void termination_policies() {
    std::set<int> seen;
    for (int i = 0; i < group_.termination_policies_size(); ++i) {
      const int policy = group_.termination_policies(i);
      const std::string path = fmt::format("termination_policies.{}", i);
      if (!seen.insert(policy).second) {
        check_.error(path, Group::TerminationPolicy_Name(policy) + " stands twice");
      }
      if (policy == Group::Default && i + 1 < group_.termination_policies_size()) {
        check_.error(path,
                     "Default must be the last one (EC2 Auto Scaling guide, Work with "
                     "termination policies)");
      }
    }
  }

  void range(const std::string& path, double min, double max) {
    if (max - min <= 1 + 1e-9) return;
    check_.error(path, fmt::format("max_healthy_percentage, {:g}%, is more than 100% above "
                                   "min_healthy_percentage, {:g}% (EC2 Auto Scaling API, "
                                   "InstanceMaintenancePolicy)",
                                   max * 100, min * 100));
  }

  void replacements() {
    const auto& policy = group_.instance_maintenance_policy();
    if (group_.has_instance_maintenance_policy()) {
      range("instance_maintenance_policy", policy.min_healthy_percentage(),
            policy.max_healthy_percentage());
    }
    for (int i = 0; i < group_.instance_refresh_size(); ++i) {
      const auto& refresh = group_.instance_refresh(i);
      const std::string path = fmt::format("instance_refresh.{}", i);
      if (refresh.has_min_healthy_percentage() && refresh.has_max_healthy_percentage()) {
        range(path, refresh.min_healthy_percentage(), refresh.max_healthy_percentage());
      }
      double before = 0;
      for (int c = 0; c < refresh.checkpoint_percentages_size(); ++c) {
        const double share = refresh.checkpoint_percentages(c);
        if (share <= before) {
          check_.error(
              fmt::format("{}.checkpoint_percentages.{}", path, c),
              fmt::format("{:g}% is not above the one before, {:g}%", share * 100, before * 100));
        }
        before = share;
      }
    }
  }

  void hooks() {
    const int hooks = group_.lifecycle_hooks_size();
    if (hooks <= 50) return;
    check_.error(
        "lifecycle_hooks",
        fmt::format("{} are above the quota of 50 (EC2 Auto Scaling guide, Quotas)", hooks));
  }

  void scaling() {
    const std::int64_t size = group_.size();
    check_scaling(group_.scaling_policies(), group_.scheduled_actions(),
                  {.flavour = ScalingDefaults::Flavour::ec2,
                   .bounds = {group_.has_min_size() ? group_.min_size() : size,
                              group_.has_max_size() ? group_.max_size() : size},
                   .resource = &group_},
                  check_);
  }

  // Rule 17.
  void monitoring() {
    if (group_.monitoring() == Group::DETAILED) return;
    for (int i = 0; i < group_.scaling_policies_size(); ++i) {
      const auto& policy = group_.scaling_policies(i);
      const auto& metric = policy.target_tracking().predefined_metric();
      if (!policy.target_tracking().has_predefined_metric() ||
          metric.type() != settings::TargetTracking::ASGAverageCPUUtilization) {
        continue;
      }
      check_.note(fmt::format("scaling_policies.{}", i),
                  "basic monitoring has a datapoint in five minutes: three of them are 15 min "
                  "before a scale-out, 15 are 75 min before a scale-in (monitoring: detailed)");
    }
  }

  // Rule 15: the grace period runs from InService, and the load balancer's check fails until then.
  void grace() {
    const double up =
        to_distribution(group_.boot()).mean() + to_distribution(group_.user_data()).mean();
    const double grace = sim::seconds(to_duration(group_.health_check_grace_period()));
    if (group_.health_check_type() != Group::ELB || grace >= up) return;
    check_.note("health_check_grace_period",
                fmt::format("{:g}s is below the mean time of boot and user data, {:.0f}s: new "
                            "instances may be replaced before they are up (EC2 Auto Scaling guide, "
                            "Set the health check grace period)",
                            grace, up));
  }

  const Group& group_;
  SettingsCheck& check_;
};

}  // namespace

void AutoScalingGroup::check(const settings::AutoScalingGroup& settings, SettingsCheck& check) {
  GroupCheck(settings, check).run();
}

}  // namespace windtunnel
