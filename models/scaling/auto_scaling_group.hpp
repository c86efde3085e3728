// An EC2 Auto Scaling group of fixed size. It looks at the health of its instances from time to
// time, replaces the unhealthy ones through the stages of a launch (API, pending, boot, user data),
// and keeps its zones in balance. Documented rules it obeys: an instance that is not running is
// replaced at once; others at most 10 % of the group at a time (at least one), and one at a time
// while the load balancer reports all unhealthy (rule 16); the replacement is launched alongside
// the termination; the load balancer's word counts only with ELB health checks and after the grace
// period; InService does not wait for the load balancer (rule 15); a launch that fails in a zone
// goes to another. Left out (with the issue on scaling): policies, lifecycle hooks, warm pools,
// instance refresh, mixed instances.
#pragma once

#include <optional>
#include <vector>

#include "models/mechanisms/ports.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

namespace settings {
class AutoScalingGroup;
}

class AutoScalingGroup final : public sim::Component, public Fleet {
 public:
  AutoScalingGroup(sim::Simulation& sim, const std::string& name,
                   const settings::AutoScalingGroup& settings);

  void start() override;
  void report(sim::RunLog& log) override;
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

  struct Metrics {
    sim::MetricSet& set;
    sim::Level in_service{set, "GroupInServiceInstances", "Count",
                          "instances in service, dead ones included until they are replaced"};
    sim::Level pending{set, "GroupPendingInstances", "Count", "instances being launched"};
    sim::Level terminating{set, "GroupTerminatingInstances", "Count", "instances being terminated"};
    sim::Counter launches{set, "Launches", "launch activities begun"};
    sim::Counter failed_launches{set, "FailedLaunches", "launch attempts that a zone refused"};
    sim::Counter replacements{set, "Replacements",
                              "instances terminated because they were unhealthy"};
    sim::Histogram launch_time{set, "LaunchTime", "from the launch activity to InService"};
  };
  Metrics metric{metric_set_};

 private:
  // AWS's words for an instance's life.
  enum class Lifecycle : std::uint8_t { none, pending, in_service, terminating };
  enum class Stage : std::uint8_t { api, pending, boot, user_data };
  struct Slot {
    sim::ZoneId zone = 0;
    Lifecycle lifecycle = Lifecycle::none;
    Stage stage = Stage::api;
    bool running = false;  // the machine is up and serves
    bool stopped = false;  // not running in EC2's sense: stopped in order, not just silent
    bool elb_unhealthy =
        false;  // the load balancer's last word, if it has said one since InService
    bool elb_healthy = false;
    std::uint32_t epoch = 0;  // an event of an earlier tenant or boot is stale
    sim::Time in_service_since{}, running_since{}, launched{}, stage_began{};
    std::vector<sim::ZoneId> refused{};         // zones that refused this launch activity
    std::optional<sim::Time> impaired_since{};  // EC2 status checks fail
    sim::Duration tolerance{0};
    std::optional<sim::Time> unhealthy_seen{};  // when the group or the load balancer first saw it
    sim::Duration stages[4]{};                  // how long each took
  };
  // The replacement lag under way: from the loss of a target until as many are healthy as before.
  struct Spell {
    sim::Time start;
    sim::Time detected;
  };

  void look_at_health();
  bool unhealthy(const Slot& slot, sim::Time now) const;
  bool replace_at_once(const Slot& slot) const { return slot.stopped; }
  std::int64_t ready() const;
  void replace(std::uint32_t instance, const char* why);
  void terminate(std::uint32_t instance);
  void on_terminated(std::uint64_t instance_and_epoch);
  void launch();
  void on_launch_retry();
  std::optional<std::uint32_t> pick_slot(const std::vector<sim::ZoneId>& refused);
  void on_stage_over(std::uint64_t instance_and_epoch);
  void begin_stage(std::uint32_t instance, Stage stage);
  void launch_failed(std::uint32_t instance);
  void in_service_now(std::uint32_t instance);
  void on_booted_again(std::uint64_t instance_and_epoch);
  void balance();
  void lose_target();
  void target_ready(std::uint32_t instance);
  void count();
  std::uint64_t with_epoch(std::uint32_t instance) const {
    return (static_cast<std::uint64_t>(slots_[instance].epoch) << 32) | instance;
  }
  std::string instance_name(std::uint32_t instance) const;

  std::int64_t size_;
  bool elb_checks_;
  sim::Duration grace_, status_interval_, launch_retry_, warmup_;
  sim::Duration deregistration_delay_{0};
  sim::Distribution health_period_, tolerance_, stage_times_[4];
  std::vector<sim::ZoneId> zones_;
  std::vector<Slot> slots_;
  std::vector<FleetObserver*> observers_;
  bool behind_elb_ = false;
  std::int64_t missing_launches_ = 0;  // wanted, but every zone refused: tried again later
  std::optional<Spell> spell_;
  std::vector<sim::LagSpell> spells_;
  sim::Stream health_chance_, launch_chance_, zone_chance_, boot_chance_;
};

}  // namespace windtunnel
