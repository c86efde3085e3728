// "capacity_provider": container instances of a group, and the services that place tasks on them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "models/mechanisms/ports.hpp"

namespace windtunnel {

// What a task takes of its instance, or an instance has.
struct TaskSize {
  std::int64_t cpu = 0;     // CPU units, 1,024 a vCPU
  std::int64_t memory = 0;  // MiB

  bool fits_in(const TaskSize& room) const { return cpu <= room.cpu && memory <= room.memory; }
  // How many such tasks there is room for.
  std::int64_t times_in(const TaskSize& room) const {
    const std::int64_t by_cpu = cpu > 0 ? room.cpu / cpu : room.memory / memory;
    return memory > 0 ? std::min(by_cpu, room.memory / memory) : by_cpu;
  }
};

class ContainerInstances;

// A service, as its container instances know it.
class TaskPlacer {
 public:
  virtual ~TaskPlacer() = default;
  virtual TaskSize task_size() const = 0;
  // Tasks in PROVISIONING that wait for an instance of `of`, whether each needs one of its own.
  virtual std::int64_t tasks_waiting(const ContainerInstances& of) const = 0;
  virtual bool one_task_an_instance() const = 0;
  virtual std::int64_t tasks_on(const ContainerInstances& of, std::uint32_t instance) const = 0;

  // There is more room than before.
  virtual void on_room(ContainerInstances& where) = 0;
  // DRAINING: it takes no task any more, those on it go elsewhere.
  virtual void on_draining(ContainerInstances& where, std::uint32_t instance) = 0;
  virtual void on_container_instance_lost(ContainerInstances& where, std::uint32_t instance,
                                          sim::HostLoss loss) = 0;
  virtual void on_deregistered(ContainerInstances& where, std::uint32_t instance) = 0;
};

class ContainerInstances {
 public:
  virtual ~ContainerInstances() = default;
  // All of these may be called in wire().
  virtual const Fleet& fleet() const = 0;
  virtual void add_placer(TaskPlacer& placer) = 0;
  // Tells what a service's tasks compute on each instance.
  virtual void add_cpu_meter(const CpuMeter& meter) = 0;
  // The most that an instance of the group may have.
  virtual TaskSize largest() const = 0;
  // Registered and ACTIVE.
  virtual bool takes_tasks(std::uint32_t instance) const = 0;
  virtual TaskSize room(std::uint32_t instance) const = 0;
  virtual void take(std::uint32_t instance, const TaskSize& size) = 0;
  virtual void give_back(std::uint32_t instance, const TaskSize& size) = 0;
};

}  // namespace windtunnel
