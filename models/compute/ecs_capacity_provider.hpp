// An Auto Scaling group capacity provider of ECS. The group's instances in service are container
// instances, each with the CPU units and the memory of its type; services place tasks on them.
//
// Managed scaling: every minute ECS publishes CapacityProviderReservation = M / N x 100. N are the
// container instances; M is N and as many as the tasks that wait in PROVISIONING need (bin packing
// on the group's instance type, within the step sizes), or N less the instances without tasks. With
// N = 0 it is 100 without and 200 with tasks that wait, and the policy asks for two. A target
// tracking policy holds it at the target capacity: one minute above scales out, 15 below scale in.
// Managed draining: an instance that terminates takes no task any more, and ends when its tasks
// have moved.
//
// Left out: network interfaces, ports and GPUs as limits; several clusters; mixed instances are
// counted as the largest type; the memory that the kernel takes; the agent's start is part of the
// group's user_data; a warm pool's instances do not register; CPU credits of T instances; the limit
// of 48 hours for draining.
// Source: ECS developer guide, Cluster auto scaling and Managed scaling behavior; AWS containers
// blog, Deep dive on Amazon ECS cluster auto scaling.
#pragma once

#include <memory>
#include <vector>

#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/container_instances.hpp"
#include "models/mechanisms/scalable.hpp"
#include "models/mechanisms/scaling_policies.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class SettingsCheck;
namespace settings {
class EcsCapacityProvider;
}

class EcsCapacityProvider final : public sim::Component,
                                  public ContainerInstances,
                                  public FleetObserver,
                                  public TerminationGuard,
                                  public MetricPublisher,
                                  public Scalable {
 public:
  EcsCapacityProvider(sim::Simulation& sim, const std::string& name,
                      const settings::EcsCapacityProvider& settings);
  ~EcsCapacityProvider() override;
  static void check(const settings::EcsCapacityProvider& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void attach() override;
  void start() override;

  const Fleet& fleet() const override { return group_fleet(); }
  void add_placer(TaskPlacer& placer) override { placers_.push_back(&placer); }
  TaskSize largest() const override;
  bool takes_tasks(std::uint32_t instance) const override;
  TaskSize room(std::uint32_t instance) const override { return instances_[instance].room; }
  void take(std::uint32_t instance, const TaskSize& size) override;
  void give_back(std::uint32_t instance, const TaskSize& size) override;
  void add_cpu_meter(const CpuMeter& meter) override { group_fleet().add_cpu_meter(meter); }

  void on_instance_in_service(std::uint32_t instance) override;
  void on_instance_terminating(std::uint32_t instance) override;
  void on_instance_terminated(std::uint32_t instance) override;
  void on_instance_lost(std::uint32_t instance, sim::HostLoss loss) override;
  void on_instance_resumed(std::uint32_t instance) override;
  bool may_terminate(std::uint32_t instance) override;

  // The group as managed scaling sees it.
  std::string scalable_dimension() const override { return group_->scalable_dimension(); }
  Capacity capacity() const override;
  void set_desired_capacity(std::int64_t desired, const ScalingCause& cause) override {
    group_->set_desired_capacity(desired, cause);
  }
  bool scaling_in_progress() const override { return group_->scaling_in_progress(); }
  std::optional<sim::Time> last_activity_end() const override {
    return group_->last_activity_end();
  }

  void collect(std::uint32_t which, sim::Time from, sim::Time to, StatisticSet& out) override;
  // CapacityProviderReservation now.
  double reservation() const;

  struct Metrics {
    sim::MetricSet& set;
    sim::Level instances{set, "RegisteredContainerInstances", "Count",
                         "container instances, ACTIVE and DRAINING"};
    sim::Level waiting{set, "ProvisioningTasks", "Count",
                       "tasks in PROVISIONING, all services, as they were each minute"};
    sim::Histogram draining{set, "DrainingTime", "from DRAINING until no task was left"};
  };
  Metrics metric{metric_set_};

 private:
  enum class State : std::uint8_t { none, active, draining };
  struct Instance {
    State state = State::none;
    bool alive = false;
    TaskSize size, room;
    sim::Time draining_since{};
  };

  Fleet& group_fleet() const;
  std::int64_t tasks_on(std::uint32_t instance) const;
  std::int64_t instances_for_waiting_tasks() const;
  TaskSize size_of(const InstanceType& type) const;
  void tell_room();
  void look_at_draining(std::uint32_t instance);
  void protect(std::uint32_t instance);
  void count();

  std::unique_ptr<settings::EcsCapacityProvider> settings_;
  Fleet* fleet_ = nullptr;
  Scalable* group_ = nullptr;
  std::unique_ptr<ScalingPolicies> policies_;  // with managed scaling
  std::vector<Instance> instances_;
  std::vector<TaskPlacer*> placers_;
};

}  // namespace windtunnel
