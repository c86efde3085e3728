// An Amazon ECS service. It keeps its desired count of tasks running, on Fargate or on container
// instances, and replaces tasks that stop, that the load balancer finds unhealthy, or that belong
// to an earlier deployment. Tasks run a program (mechanisms/program) on the vCPUs of their task
// definition, no more. Its work stands in files of its own:
//   ecs_service.cpp    settings, ports, metrics
//   ecs_scheduler.cpp  how many tasks start and stop
//   ecs_tasks.*        places and lives of tasks
//   ecs_placement.*    placement strategies
//
// Documented rules it obeys: while tasks are replaced, at least the minimum healthy percent of the
// desired count (rounded up) stays healthy and at most the maximum percent (rounded down) is
// RUNNING or PENDING; replacements of unhealthy tasks start before those stop, where the maximum
// allows; without a load balancer a task counts as healthy 40 s after RUNNING; a task without room
// waits in PROVISIONING where a capacity provider with managed scaling may make room, else the
// scheduler tries again; the agent of a silent instance says nothing, so its tasks are missed by
// the load balancer's checks or when the group replaces the instance.
//
// Left out: deployment circuit breaker, alarms and blue/green deployments; several services' tasks
// bursting into unused CPU of an instance; MemoryUtilization (programs have no memory), so no
// scaling by it; the scheduler's limits of tasks a minute; the restart throttle of tasks that keep
// failing; health checks of containers; standalone and daemon tasks; service discovery; rebalancing
// over zones; availability zones in a capacity provider's choice of instances.
// Source: ECS developer guide and API reference.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/compute/ecs_tasks.hpp"
#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/program.hpp"
#include "models/mechanisms/scalable.hpp"

namespace windtunnel {

class SettingsCheck;
namespace settings {
class EcsService;
}

class EcsService final : public Program,
                         public Scalable,
                         public TaskPlacer,
                         public MetricPublisher,
                         public EcsTasks::Owner {
 public:
  EcsService(sim::Simulation& sim, const std::string& name, const settings::EcsService& settings);
  ~EcsService() override;
  static void check(const settings::EcsService& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void start() override;
  void on_host_lost(std::uint32_t node, sim::HostLoss loss) override {
    tasks_.on_fargate_host_lost(node, loss);
  }

  std::string scalable_dimension() const override { return "ecs:service:DesiredCount"; }
  Capacity capacity() const override;
  void set_desired_capacity(std::int64_t desired, const ScalingCause& cause) override;
  bool scaling_in_progress() const override;
  std::optional<sim::Time> last_activity_end() const override { return last_activity_end_; }

  TaskSize task_size() const override { return size_; }
  std::int64_t tasks_waiting(const ContainerInstances& of) const override;
  bool one_task_an_instance() const override { return distinct_instance_; }
  std::int64_t tasks_on(const ContainerInstances& of, std::uint32_t instance) const override {
    return tasks_.on_instance(of, instance);
  }
  void on_room(ContainerInstances& where) override;
  void on_draining(ContainerInstances& where, std::uint32_t instance) override;
  void on_container_instance_lost(ContainerInstances& where, std::uint32_t instance,
                                  sim::HostLoss loss) override {
    tasks_.on_instance_lost(where, instance, loss);
  }
  void on_deregistered(ContainerInstances& where, std::uint32_t instance) override {
    tasks_.on_deregistered(where, instance);
  }

  void on_task_running(std::uint32_t task) override;
  void on_task_stopped(const char* why) override;
  void on_task_health() override { schedule(); }
  std::int64_t requests_in(std::uint32_t task) const override { return requests_in_hand(task); }

  void collect(std::uint32_t which, sim::Time from, sim::Time to, StatisticSet& out) override;

  const EcsTasks& tasks() const { return tasks_; }

  struct TaskMetrics {
    sim::MetricSet& set;
    sim::Level desired{set, "DesiredTaskCount", "Count", "tasks that the service should run"};
    sim::Level running{set, "RunningTaskCount", "Count", "tasks in RUNNING"};
    sim::Level pending{set, "PendingTaskCount", "Count", "tasks in PROVISIONING and PENDING"};
    sim::Counter started{set, "TasksStarted", "tasks that the scheduler has started"};
    sim::Counter lost{set, "TasksLost", "tasks that stopped though nobody wanted it"};
    sim::Counter not_placed{set, "TasksNotPlaced", "times that a task found no place"};
    sim::Histogram waiting{set, "ProvisioningTime", "from a task's creation to its place"};
    sim::Histogram start_time{set, "TaskStartTime", "from a task's creation to RUNNING"};
    sim::Histogram deployment{set, "DeploymentTime",
                              "from a deployment's start until all tasks are its own"};
  };
  TaskMetrics task_metric{metric_set_};

 private:
  // A task in PROVISIONING that has no place yet.
  struct Waiting {
    std::uint32_t pool, revision;
    LaunchRecord record;
  };
  // What its tasks compute on the instances of one provider.
  class InstanceMeter final : public CpuMeter {
   public:
    InstanceMeter(const EcsService& service, const ContainerInstances& of)
        : service_(service), of_(of) {}
    double cpu_seconds(std::uint32_t instance) const override;

   private:
    const EcsService& service_;
    const ContainerInstances& of_;
  };
  struct CpuReading {
    sim::Time at{};
    double cpu_seconds = 0;
  };

  // --- ecs_service.cpp
  void add_pools(const settings::EcsService& settings, sim::Wiring& wiring);
  void publish_metrics(const settings::EcsService& settings);
  Cpu cpu_of(std::uint32_t) const override { return {.vcpus = vcpus()}; }
  double vcpus() const override { return static_cast<double>(size_.cpu) / 1024; }

  // --- ecs_scheduler.cpp
  void on_begin();
  void on_deployment();
  void schedule();
  void schedule_after(sim::Duration delay);
  void on_pass();
  void place_waiting();
  void start_missing();
  void stop_surplus();
  void stop_replaced();
  void follow_deployment();
  void start_task();
  void wait_for_place(std::uint32_t pool, LaunchRecord record);
  std::uint32_t next_pool() const;
  bool is_healthy(const EcsTask& task) const;
  bool is_sick(const EcsTask& task) const;
  bool is_fit(const EcsTask& task) const;
  std::int64_t fit_tasks() const;
  std::int64_t active_tasks() const;  // RUNNING or PENDING
  void count();

  std::unique_ptr<settings::EcsService> settings_;  // until wire()
  TaskSize size_;
  bool distinct_instance_;
  double min_healthy_, max_percent_;
  sim::Duration grace_, launch_retry_;
  sim::Distribution scheduler_delay_;
  std::vector<sim::Time> deployments_;
  EcsTasks tasks_;
  std::int64_t desired_;
  std::vector<Waiting> waiting_;
  std::uint32_t revision_ = 0;
  std::optional<sim::Time> deploying_since_, last_activity_end_;
  ScalingCause cause_;
  std::optional<sim::Time> decided_;  // when the desired count last rose by a policy
  std::optional<sim::Time> pass_due_;
  std::int64_t ending_ = 0;  // tasks
  std::vector<CpuReading> readings_;
  std::vector<std::unique_ptr<InstanceMeter>> meters_;
  sim::Stream scheduler_chance_;
};

}  // namespace windtunnel
