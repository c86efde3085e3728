// The tasks of one ECS service: where they are placed, how they start and end. To the service's
// program they are a fleet: a task's number is its slot. On Fargate a slot is a host of its own, on
// container instances a part of an instance, so a slot never changes its zone.
//
//   PROVISIONING   a place (waits are the service's), Fargate: network interface
//   PENDING        image pull (no time where the instance has it), container start
//   RUNNING        registered with the load balancer's target group
//   DEACTIVATING   deregistered, for the target group's delay
//   STOPPING       SIGTERM; SIGKILL after the stop timeout, or none where no request is left
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/compute/ecs_placement.hpp"
#include "models/mechanisms/container_instances.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

enum class TaskState : std::uint8_t {
  none,
  provisioning,
  pending,
  running,
  deactivating,
  stopping
};

struct EcsTask {
  TaskState state = TaskState::none;
  std::uint32_t pool = 0;      // capacity provider of the strategy
  std::uint32_t revision = 0;  // of the task definition
  std::uint32_t epoch = 0;     // an event of an earlier tenant is stale
  bool alive = false;          // its host is
  bool leaving = false;        // to be replaced: its instance drains
  bool elb_healthy = false, elb_unhealthy = false;
  sim::Time running_since{}, stopping_until{};
  LaunchRecord record;

  bool starting() const { return state == TaskState::provisioning || state == TaskState::pending; }
  bool ending() const { return state >= TaskState::deactivating; }
};

class EcsTasks final : public sim::Entity, public Fleet {
 public:
  // The service.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_task_running(std::uint32_t task) = 0;
    // It is no more: stopped, lost or never started. `why` in AWS's words, empty: as it should be.
    virtual void on_task_stopped(const char* why) = 0;
    virtual void on_task_health() = 0;
    virtual std::int64_t requests_in(std::uint32_t task) const = 0;
  };
  // A capacity provider of the service's strategy.
  struct Pool {
    std::string name;
    ContainerInstances* instances = nullptr;  // null: Fargate
    bool spot = false;
    bool waits = true;  // tasks without room wait in PROVISIONING and count for managed scaling
    std::int64_t base = 0, weight = 1;
    std::uint32_t first = 0, per_instance = 0;  // slots on container instances
  };
  struct Settings {
    TaskSize size;
    std::vector<PlacementStrategy> strategies;
    bool distinct_instance = false;
    sim::Duration stop_timeout{0}, launch_retry{0};
    sim::Distribution provisioning, fargate_image_pull, image_pull, container_start;
    sim::Distribution failure_detection;
    double spot_interruptions = 0;  // 1/s
  };

  EcsTasks(sim::Component& component, Owner& owner, Settings settings);

  // In wire(): pools and their slots; `most` tasks at once on Fargate.
  void add_pool(Pool pool);
  void add_fargate_slots(const std::vector<sim::ZoneId>& zones, std::int64_t most);

  // Starts a task if there is a place. `at_once`: the run begins with it.
  bool launch(std::uint32_t pool, std::uint32_t revision, const LaunchRecord& record, bool at_once);
  void stop(std::uint32_t task);
  // The task of those numbered that goes first when there are too many.
  std::uint32_t least_wanted(const std::vector<std::uint32_t>& tasks);

  const std::vector<EcsTask>& tasks() const { return tasks_; }
  const std::vector<Pool>& pools() const { return pools_; }
  std::int64_t count_in(std::uint32_t pool) const;
  std::vector<std::uint32_t> slots_of(const ContainerInstances& of, std::uint32_t instance) const;
  std::int64_t on_instance(const ContainerInstances& of, std::uint32_t instance) const;

  // What happens to its hosts.
  void on_fargate_host_lost(std::uint32_t task, sim::HostLoss loss);
  void mark_leaving(const ContainerInstances& of, std::uint32_t instance);
  void on_instance_lost(const ContainerInstances& of, std::uint32_t instance, sim::HostLoss loss);
  void on_deregistered(const ContainerInstances& of, std::uint32_t instance);

  void set_scales(bool scales) { scales_ = scales; }
  bool behind_elb() const { return behind_elb_; }

  std::uint32_t max_instances() const override { return static_cast<std::uint32_t>(tasks_.size()); }
  sim::HostId instance_host(std::uint32_t task) const override { return slots_[task].host; }
  void observe_fleet(FleetObserver& observer) override { observers_.push_back(&observer); }
  void report_elb_health(std::uint32_t task, bool healthy) override;
  void set_deregistration_delay(sim::Duration delay) override {
    deregistration_delay_ = delay;
    behind_elb_ = true;
  }
  std::vector<std::uint32_t> in_service() const override;
  const LaunchRecord& launch_record(std::uint32_t task) const override {
    return tasks_[task].record;
  }
  bool scales() const override { return scales_; }

 private:
  struct Slot {
    sim::HostId host;
    sim::ZoneId zone;
    std::uint32_t instance = 0;  // of its pool's container instances
    bool fargate = true;
  };
  // The image of this revision is on the container instance.
  struct Cached {
    std::uint32_t revision = ~0u;
  };

  std::optional<std::uint32_t> place_on_fargate();
  std::optional<std::uint32_t> place_on(const Pool& pool);
  std::optional<std::uint32_t> free_slot(const Pool& pool, std::uint32_t instance) const;
  std::int64_t in_zone(sim::ZoneId zone) const;
  bool on(const ContainerInstances& of, std::uint32_t instance, std::uint32_t task) const;
  const Pool& pool_of(std::uint32_t task) const { return pools_[tasks_[task].pool]; }
  void record_wait(std::uint32_t task);
  void begin_pull(std::uint64_t task_and_epoch);
  void begin_container(std::uint64_t task_and_epoch);
  void on_started(std::uint64_t task_and_epoch);
  void now_running(std::uint32_t task);
  void on_interruption(std::uint64_t task_and_epoch);
  void on_deregistration_over(std::uint64_t task_and_epoch);
  void terminate_by(std::uint32_t task, sim::Time deadline);
  void look_at_stopping(std::uint64_t task_and_epoch);
  void on_failure_detected(std::uint64_t task_and_epoch);
  void lost(std::uint32_t task, sim::HostLoss loss);
  void end(std::uint32_t task, const char* why);
  std::uint64_t with_epoch(std::uint32_t task) const {
    return (std::uint64_t{tasks_[task].epoch} << 32) | task;
  }
  // The task, if the event was meant for the slot's tenant of now.
  EcsTask* tenant_of(std::uint64_t task_and_epoch);

  Owner& owner_;
  sim::Component& component_;
  Settings settings_;
  std::vector<Pool> pools_;
  std::vector<Slot> slots_;
  std::vector<EcsTask> tasks_;
  std::vector<std::pair<sim::ZoneId, sim::Time>> zones_;  // of Fargate: not before this date
  std::vector<std::vector<Cached>> cached_;               // by pool and instance
  std::vector<FleetObserver*> observers_;
  sim::Duration deregistration_delay_{0};
  bool behind_elb_ = false, scales_ = false;
  sim::Stream place_chance_, start_chance_, spot_chance_, failure_chance_;
};

}  // namespace windtunnel
