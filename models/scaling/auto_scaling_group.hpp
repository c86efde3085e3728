// An EC2 Auto Scaling group. It keeps as many instances as its desired capacity says, spread over
// its zones, and policies change that. Its work stands in files of its own:
//   auto_scaling_group.cpp         desired capacity, ports, metrics
//   auto_scaling_launches.cpp      zones and types, the stages of a launch, hooks, the warm pool
//   auto_scaling_terminations.cpp  scale-in, draining, hooks
//   auto_scaling_health.cpp        losses, health checks, replacement of the unhealthy
//   auto_scaling_replacement.cpp   launch before terminate: rebalancing, refresh, Spot
//
// Documented rules it obeys: an instance that is not running is replaced at once; others at most
// 10 % of the group at a time (at least one), and one at a time while the load balancer reports all
// unhealthy (rule 16); the replacement is launched alongside the termination, unless a maintenance
// policy says otherwise; the load balancer's word counts only with ELB health checks and after the
// grace period; InService waits for EC2 to run the instance and for hooks, not for boot, user data
// or the load balancer (rule 15), so that a grace period below boot and user data ends in a loop of
// replacements; a launch that fails in a zone goes to another; every termination policy takes the
// zone with the most instances first.
//
// Left out: standby, detaching, maximum instance lifetime, zonal shift, zones by reservation,
// weights of instance types, custom health checks, administrative suspension, roll-back and skip
// matching of a refresh, which replaces no instances of the warm pool. Replacements that launch
// first, and every step of a refresh, wait for the group's next look at its health. An instance
// that boots uses no CPU; one started from a warm pool is InService when its program serves.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/cpu_utilization.hpp"
#include "models/mechanisms/lifecycle_hooks.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/scalable.hpp"
#include "models/mechanisms/scaling_policies.hpp"
#include "models/mechanisms/termination_policy.hpp"
#include "models/scaling/auto_scaling_instance.hpp"
#include "models/scaling/auto_scaling_lag.hpp"
#include "models/scaling/auto_scaling_settings.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class SettingsCheck;

class AutoScalingGroup final : public sim::Component,
                               public Fleet,
                               public Scalable,
                               public MetricPublisher {
 public:
  AutoScalingGroup(sim::Simulation& sim, const std::string& name,
                   const settings::AutoScalingGroup& settings);

  static void check(const settings::AutoScalingGroup& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void attach() override;
  void start() override;
  void report(sim::RunLog& log) override { lag_.report(log); }
  void on_host_lost(std::uint32_t node, sim::HostLoss loss) override;
  void on_host_restored(std::uint32_t node) override;
  std::vector<std::uint32_t> running_nodes() const override;

  std::uint32_t max_instances() const override { return static_cast<std::uint32_t>(slots_.size()); }
  sim::HostId instance_host(std::uint32_t instance) const override { return nodes_[instance].host; }
  void observe_fleet(FleetObserver& observer) override { observers_.push_back(&observer); }
  void report_elb_health(std::uint32_t instance, bool healthy) override;
  void set_deregistration_delay(sim::Duration delay) override {
    deregistration_delay_ = delay;
    behind_elb_ = true;
  }
  std::vector<std::uint32_t> in_service() const override;
  bool booting(std::uint32_t instance) const override { return slots_[instance].booting; }
  const InstanceType& instance_type(std::uint32_t instance) const override {
    return market_.type(slots_[instance].type);
  }
  void add_cpu_meter(const CpuMeter& meter) override { cpu_.add_meter(meter); }
  const LaunchRecord& launch_record(std::uint32_t instance) const override {
    return slots_[instance].order.record;
  }
  bool scales() const override;
  void guard_terminations(TerminationGuard& guard) override { guard_ = &guard; }
  void termination_may_go_on(std::uint32_t instance) override;
  void protect_from_scale_in(std::uint32_t instance, bool yes) override {
    slots_[instance].protected_from_scale_in = yes;
  }

  std::string scalable_dimension() const override {
    return "autoscaling:autoScalingGroup:DesiredCapacity";
  }
  Capacity capacity() const override;
  void set_desired_capacity(std::int64_t desired, const ScalingCause& cause) override;
  bool scaling_in_progress() const override;
  std::optional<sim::Time> last_activity_end() const override { return last_activity_end_; }
  std::optional<CapacityLimits> limits() const override { return policies_.bounds(); }

  void collect(std::uint32_t which, sim::Time from, sim::Time to, StatisticSet& out) override;

  const AutoScalingInstance& instance(std::uint32_t number) const { return slots_[number]; }

  struct Metrics {
    sim::MetricSet& set;
    sim::Level desired{set, "GroupDesiredCapacity", "Count",
                       "instances that the group tries to keep"};
    sim::Level in_service{set, "GroupInServiceInstances", "Count",
                          "instances in service, dead ones included until they are replaced"};
    sim::Level pending{set, "GroupPendingInstances", "Count", "instances being launched"};
    sim::Level terminating{set, "GroupTerminatingInstances", "Count", "instances being terminated"};
    sim::Level total{set, "GroupTotalInstances", "Count",
                     "instances in service, being launched and being terminated"};
    sim::Level warm_pool{set, "WarmPoolTotalCapacity", "Count",
                         "instances of the warm pool, those on their way into it included"};
    sim::Counter launches{set, "Launches", "launch activities begun"};
    sim::Counter warm_starts{set, "WarmStarts", "of these, from the warm pool"};
    sim::Counter failed_launches{set, "FailedLaunches", "launch attempts that a zone refused"};
    sim::Counter abandoned_launches{set, "AbandonedLaunches",
                                    "launches that a lifecycle hook ended with ABANDON"};
    sim::Counter scale_ins{set, "ScaleIns", "instances terminated because there were too many"};
    sim::Counter replacements{set, "Replacements",
                              "instances terminated because they were unhealthy"};
    sim::Counter interruptions{set, "SpotInterruptions", "Spot instances that EC2 took back"};
    sim::Histogram launch_time{set, "LaunchTime", "from the launch activity to InService"};
  };
  Metrics metric{metric_set_};

 private:
  static constexpr std::uint32_t nobody = LaunchOrder::nobody;
  using Instances = std::vector<std::uint32_t>;

  // --- auto_scaling_group.cpp
  void make_slots(const settings::AutoScalingGroup& settings);
  void publish_metrics(const settings::AutoScalingGroup& settings);
  // Launches or terminates until there are as many as wanted.
  void keep_capacity(const ScalingCause* cause = nullptr);
  std::int64_t actual() const;  // in service or being launched
  std::int64_t wanted() const;
  void count();
  bool suspended(SuspendedProcesses::Process process) const {
    return settings_.suspended.at(process, sim().now());
  }
  void on_suspension_changed();
  void suspend_policies();
  std::string instance_name(std::uint32_t instance) const;
  std::string difference(const char* verb, const char* change, std::int64_t from,
                         std::int64_t to) const;
  std::uint64_t with_epoch(std::uint32_t instance) const {
    return (static_cast<std::uint64_t>(slots_[instance].epoch) << 32) | instance;
  }
  // The slot, if the event was meant for its tenant of now.
  AutoScalingInstance* tenant_of(std::uint64_t instance_and_epoch);

  // --- auto_scaling_launches.cpp
  void launch(LaunchOrder order, const std::string& why);
  bool start_launch(const LaunchOrder& order, const std::string& why);
  void retry_later(LaunchOrder order);
  void on_launch_retry();
  bool next_is_spot() const;
  std::optional<std::uint32_t> pick_slot(const LaunchOrder& order);
  std::int64_t instances_in(sim::ZoneId zone, bool warm_pool) const;
  std::optional<std::uint32_t> pick_warmed(const LaunchOrder& order) const;
  std::optional<std::uint32_t> pick_type(sim::ZoneId zone, const LaunchOrder& order) const;
  bool refused_by_ec2(std::uint32_t instance);
  void begin_stage(std::uint32_t instance, LaunchStage stage);
  void on_stage_over(std::uint64_t instance_and_epoch);
  void launched(std::uint32_t instance);
  void booted(std::uint32_t instance);
  void serves(std::uint32_t instance);
  void on_launch_hook_over(std::uint64_t instance_and_epoch);
  void launch_failed(std::uint32_t instance);
  void launch_abandoned(std::uint32_t instance);
  void in_service_now(std::uint32_t instance);
  void on_warm(std::uint64_t instance_and_epoch);
  void enter_warm_pool(std::uint32_t instance);
  void on_stopped(std::uint64_t instance_and_epoch);
  void keep_warm_pool();
  void fill_warm_pool();
  std::int64_t in_warm_pool() const;
  std::int64_t warm_pool_size() const;

  // --- auto_scaling_terminations.cpp
  void scale_in(std::int64_t instances);
  std::optional<std::uint32_t> choose(const Instances& among);
  void terminate(std::uint32_t instance);
  void on_drained(std::uint64_t instance_and_epoch);
  void on_terminate_hook_over(std::uint64_t instance_and_epoch);
  void terminated(std::uint32_t instance);
  void activity_ended() { last_activity_end_ = sim().now(); }

  // --- auto_scaling_health.cpp
  void lose_warmed(std::uint32_t instance);
  void look_at_health();
  bool unhealthy(const AutoScalingInstance& slot, sim::Time now) const;
  bool ready(const AutoScalingInstance& slot, sim::Duration warmup) const;
  std::int64_t ready() const;
  Instances sick_instances();
  void replace_unhealthy(const Instances& sick);
  void replace(std::uint32_t instance, const char* why);
  void on_booted_again(std::uint64_t instance_and_epoch);
  void target_ready(std::uint32_t instance);

  // --- auto_scaling_replacement.cpp
  void launch_before_terminating(std::uint32_t victim, const std::string& why);
  bool is_being_replaced(std::uint32_t instance) const;
  void settle_replacements();
  void balance();
  void on_refresh_due(std::uint64_t which);
  void refresh();
  bool refresh_waits();
  void end_refresh(const char* status);
  std::int64_t unready_in_refresh() const;
  std::int64_t replaced_at_checkpoint() const;
  void replace_in_refresh(Instances old);
  void expect_interruption(std::uint32_t instance);
  void on_rebalance_recommendation(std::uint64_t instance_and_epoch);
  void on_interruption_notice(std::uint64_t instance_and_epoch);
  void on_interrupted(std::uint64_t instance_and_epoch);

  AutoScalingSettings settings_;
  std::int64_t desired_;
  sim::Duration deregistration_delay_{0};
  bool behind_elb_ = false;
  std::vector<sim::ZoneId> zones_;
  std::vector<AutoScalingInstance> slots_;
  std::vector<LaunchOrder> waiting_;  // wanted, but refused everywhere or suspended: tried again
  std::vector<FleetObserver*> observers_;
  TerminationGuard* guard_ = nullptr;
  std::optional<sim::Time> last_activity_end_;
  LaunchStages stages_;
  LifecycleHooks hooks_;
  InstanceMarket market_;
  CpuUtilization cpu_;
  ReplacementLag lag_;
  ScalingPolicies policies_;
  std::optional<RefreshUnderWay> refresh_;
  std::uint32_t launch_template_ = 0;  // its version
  sim::Stream health_chance_, launch_chance_, slow_chance_, zone_chance_, boot_chance_,
      terminate_chance_;
};

}  // namespace windtunnel
