#include "models/compute/ecs_tasks.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace windtunnel {

using sim::Duration;
using sim::Time;
using sim::Turn;

namespace {
// From the notice of a Spot interruption until the task is stopped: ECS developer guide, Fargate
// capacity providers.
constexpr Duration spot_notice{std::chrono::seconds(120)};
// How often a stopping task is looked at for requests under way.
constexpr Duration stopping_look{std::chrono::seconds(1)};
}  // namespace

EcsTasks::EcsTasks(sim::Component& component, Owner& owner, Settings settings)
    : Entity(component, "tasks"),
      owner_(owner),
      component_(component),
      settings_(std::move(settings)),
      place_chance_(component.stream("placement")),
      start_chance_(component.stream("task start")),
      spot_chance_(component.stream("spot")),
      failure_chance_(component.stream("failure detection")) {}

void EcsTasks::add_pool(Pool pool) {
  if (pool.instances != nullptr) {
    const Fleet& fleet = pool.instances->fleet();
    pool.first = max_instances();
    pool.per_instance =
        settings_.distinct_instance
            ? 1
            : static_cast<std::uint32_t>(settings_.size.times_in(pool.instances->largest()));
    for (std::uint32_t i = 0; i < fleet.max_instances(); ++i) {
      const sim::HostId host = fleet.instance_host(i);
      for (std::uint32_t k = 0; k < pool.per_instance; ++k) {
        slots_.push_back({host, sim().platform().zone(host), i, false});
        tasks_.emplace_back();
      }
    }
  }
  cached_.emplace_back(pool.instances == nullptr ? 0 : pool.instances->fleet().max_instances());
  pools_.push_back(std::move(pool));
}

void EcsTasks::add_fargate_slots(const std::vector<sim::ZoneId>& zones, std::int64_t most) {
  for (const sim::ZoneId zone : zones) zones_.push_back({zone, sim::time_zero});
  for (std::int64_t i = 0; i < most; ++i) {
    for (const sim::ZoneId zone : zones) {
      const auto node = max_instances();
      slots_.push_back({sim().platform().add_host(fmt::format("{}-{}", component_.name(), node),
                                                  zone, &component_, node),
                        zone});
      tasks_.emplace_back();
    }
  }
}

EcsTask* EcsTasks::tenant_of(std::uint64_t task_and_epoch) {
  EcsTask& task = tasks_[static_cast<std::uint32_t>(task_and_epoch)];
  return task.epoch == task_and_epoch >> 32 ? &task : nullptr;
}

std::vector<std::uint32_t> EcsTasks::in_service() const {
  std::vector<std::uint32_t> found;
  for (std::uint32_t i = 0; i < tasks_.size(); ++i) {
    if (tasks_[i].state == TaskState::running) found.push_back(i);
  }
  return found;
}

std::int64_t EcsTasks::count_in(std::uint32_t pool) const {
  return std::count_if(tasks_.begin(), tasks_.end(), [&](const EcsTask& task) {
    return task.state != TaskState::none && !task.ending() && task.pool == pool;
  });
}

std::int64_t EcsTasks::in_zone(sim::ZoneId zone) const {
  std::int64_t count = 0;
  for (std::uint32_t i = 0; i < tasks_.size(); ++i) {
    count += slots_[i].zone == zone && tasks_[i].state != TaskState::none && !tasks_[i].ending();
  }
  return count;
}

bool EcsTasks::on(const ContainerInstances& of, std::uint32_t instance, std::uint32_t task) const {
  return tasks_[task].state != TaskState::none && pool_of(task).instances == &of &&
         slots_[task].instance == instance;
}

std::int64_t EcsTasks::on_instance(const ContainerInstances& of, std::uint32_t instance) const {
  std::int64_t count = 0;
  for (std::uint32_t i = 0; i < tasks_.size(); ++i) count += on(of, instance, i);
  return count;
}

std::vector<std::uint32_t> EcsTasks::slots_of(const ContainerInstances& of,
                                              std::uint32_t instance) const {
  std::vector<std::uint32_t> slots;
  for (const Pool& pool : pools_) {
    if (pool.instances != &of) continue;
    for (std::uint32_t k = 0; k < pool.per_instance; ++k) {
      slots.push_back(pool.first + instance * pool.per_instance + k);
    }
  }
  return slots;
}

// --- placement

// A slot whose host is up, if the zone has one: where all are down the start will fail.
std::optional<std::uint32_t> EcsTasks::place_on_fargate() {
  std::vector<PlacementCandidate> candidates;
  std::vector<std::uint32_t> slots;
  for (const auto& [zone, not_before] : zones_) {
    if (sim().now() < not_before) continue;
    std::optional<std::uint32_t> found;
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
      if (!slots_[i].fargate || slots_[i].zone != zone || tasks_[i].state != TaskState::none)
        continue;
      if (!found || sim().platform().up(slots_[i].host)) found = i;
      if (sim().platform().up(slots_[i].host)) break;
    }
    if (!found) continue;
    candidates.push_back({.tasks_in_zone = in_zone(zone), .tasks_on_instance = 0, .room = {}});
    slots.push_back(*found);
  }
  if (candidates.empty()) return std::nullopt;
  return slots[place(candidates, {PlacementStrategy::spread_zones}, place_chance_)];
}

std::optional<std::uint32_t> EcsTasks::free_slot(const Pool& pool, std::uint32_t instance) const {
  const std::uint32_t first = pool.first + instance * pool.per_instance;
  for (std::uint32_t i = first; i < first + pool.per_instance; ++i) {
    if (tasks_[i].state == TaskState::none) return i;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> EcsTasks::place_on(const Pool& pool) {
  std::vector<PlacementCandidate> candidates;
  std::vector<std::uint32_t> slots;
  for (std::uint32_t i = 0; i < pool.instances->fleet().max_instances(); ++i) {
    if (!pool.instances->takes_tasks(i)) continue;
    const TaskSize room = pool.instances->room(i);
    const auto slot = free_slot(pool, i);
    if (!slot || !settings_.size.fits_in(room)) continue;
    candidates.push_back({.tasks_in_zone = in_zone(slots_[*slot].zone),
                          .tasks_on_instance = on_instance(*pool.instances, i),
                          .room = room});
    slots.push_back(*slot);
  }
  if (candidates.empty()) return std::nullopt;
  return slots[place(candidates, settings_.strategies, place_chance_)];
}

std::uint32_t EcsTasks::least_wanted(const std::vector<std::uint32_t>& tasks) {
  std::vector<PlacementCandidate> candidates;
  for (const std::uint32_t i : tasks) {
    PlacementCandidate candidate;
    candidate.tasks_in_zone = in_zone(slots_[i].zone);
    if (const Pool& pool = pool_of(i); pool.instances != nullptr) {
      candidate.tasks_on_instance = on_instance(*pool.instances, slots_[i].instance);
      candidate.room = pool.instances->room(slots_[i].instance);
    }
    candidates.push_back(candidate);
  }
  return tasks[remove(candidates, settings_.strategies, place_chance_)];
}

// --- start

bool EcsTasks::launch(std::uint32_t pool, std::uint32_t revision, const LaunchRecord& record,
                      bool at_once) {
  const Pool& where = pools_[pool];
  const auto slot = where.instances == nullptr ? place_on_fargate() : place_on(where);
  if (!slot) return false;
  EcsTask& task = tasks_[*slot];
  task = {.state = TaskState::provisioning,
          .pool = pool,
          .revision = revision,
          .epoch = task.epoch + 1,
          .record = record};
  if (where.instances != nullptr) {
    where.instances->take(slots_[*slot].instance, settings_.size);
    record_wait(*slot);
  }
  if (at_once) {
    if (where.instances != nullptr) cached_[pool][slots_[*slot].instance] = {revision};
    now_running(*slot);
  } else if (where.instances == nullptr) {
    sim().after<&EcsTasks::begin_pull>(settings_.provisioning.sample(start_chance_), this,
                                       with_epoch(*slot), Turn::control);
  } else {
    begin_pull(with_epoch(*slot));
  }
  return true;
}

// Its instance was launched while the task waited: the wait went through the group's own control
// loop.
void EcsTasks::record_wait(std::uint32_t number) {
  LaunchRecord& record = tasks_[number].record;
  const LaunchRecord& instance =
      pool_of(number).instances->fleet().launch_record(slots_[number].instance);
  const Time since = record.launched.value_or(sim().now());
  if (instance.in_service && *instance.in_service > since) {
    const auto stage = [&](const char* name, std::optional<Time> end) {
      if (end) record.stages.push_back({name, std::max(*end, since)});
    };
    stage("capacity metric", instance.breached);
    stage("capacity alarm", instance.alarm);
    stage("capacity action", instance.launched);
    for (const auto& s : instance.stages) stage(s.name, s.end);
  }
  if (sim().now() > since) record.stages.push_back({"placement", sim().now()});
}

void EcsTasks::begin_pull(std::uint64_t task_and_epoch) {
  EcsTask* task = tenant_of(task_and_epoch);
  if (task == nullptr) return;
  const auto number = static_cast<std::uint32_t>(task_and_epoch);
  const Slot& slot = slots_[number];
  if (slot.fargate) {
    task->record.stages.push_back({"provisioning", sim().now()});
    if (!sim().platform().up(slot.host)) {  // no capacity in a zone without power
      for (auto& [zone, not_before] : zones_) {
        if (zone == slot.zone) not_before = sim().now() + settings_.launch_retry;
      }
      return end(number, "Capacity is unavailable at this time.");
    }
  }
  task->state = TaskState::pending;
  Duration pull{0};
  if (slot.fargate) {
    pull = settings_.fargate_image_pull.sample(start_chance_);
  } else if (Cached& cached = cached_[task->pool][slot.instance];
             cached.revision != task->revision) {
    cached.revision = task->revision;
    pull = settings_.image_pull.sample(start_chance_);
  }
  sim().after<&EcsTasks::begin_container>(pull, this, task_and_epoch, Turn::control);
}

void EcsTasks::begin_container(std::uint64_t task_and_epoch) {
  EcsTask* task = tenant_of(task_and_epoch);
  if (task == nullptr) return;
  task->record.stages.push_back({"image pull", sim().now()});
  sim().after<&EcsTasks::on_started>(settings_.container_start.sample(start_chance_), this,
                                     task_and_epoch, Turn::control);
}

void EcsTasks::on_started(std::uint64_t task_and_epoch) {
  EcsTask* task = tenant_of(task_and_epoch);
  if (task == nullptr) return;
  task->record.stages.push_back({"container start", sim().now()});
  now_running(static_cast<std::uint32_t>(task_and_epoch));
}

void EcsTasks::now_running(std::uint32_t number) {
  EcsTask& task = tasks_[number];
  task.state = TaskState::running;
  task.alive = true;
  task.elb_healthy = sim().now() == sim::time_zero;
  task.running_since = sim().now();
  task.record.in_service = sim().now();
  if (pool_of(number).spot && settings_.spot_interruptions > 0) {
    const auto life = sim::Distribution::exponential(1 / settings_.spot_interruptions);
    sim().after<&EcsTasks::on_interruption>(life.sample(spot_chance_), this, with_epoch(number),
                                            Turn::control);
  }
  for (FleetObserver* observer : observers_) observer->on_instance_in_service(number);
  owner_.on_task_running(number);
}

// --- health and hosts

void EcsTasks::report_elb_health(std::uint32_t number, bool healthy) {
  tasks_[number].elb_healthy = healthy;
  tasks_[number].elb_unhealthy = !healthy;
  owner_.on_task_health();
}

void EcsTasks::lost(std::uint32_t number, sim::HostLoss loss) {
  EcsTask& task = tasks_[number];
  if (task.state == TaskState::none) return;
  if (task.starting()) return end(number, "Host was lost while the task started.");
  task.alive = false;
  for (FleetObserver* observer : observers_) observer->on_instance_lost(number, loss);
  // An orderly stop is reported by the agent; silence is not.
  if (loss == sim::HostLoss::reset) return end(number, "Task stopped with its host.");
  if (task.ending()) return end(number, "");
  if (slots_[number].fargate) {
    sim().after<&EcsTasks::on_failure_detected>(settings_.failure_detection.sample(failure_chance_),
                                                this, with_epoch(number), Turn::control);
  }
}

void EcsTasks::on_fargate_host_lost(std::uint32_t task, sim::HostLoss loss) { lost(task, loss); }

void EcsTasks::on_failure_detected(std::uint64_t task_and_epoch) {
  const EcsTask* task = tenant_of(task_and_epoch);
  if (task == nullptr || task->state != TaskState::running) return;
  end(static_cast<std::uint32_t>(task_and_epoch), "Task stopped with its host.");
}

void EcsTasks::on_instance_lost(const ContainerInstances& of, std::uint32_t instance,
                                sim::HostLoss loss) {
  for (std::uint32_t i = 0; i < tasks_.size(); ++i) {
    if (on(of, instance, i)) lost(i, loss);
  }
}

void EcsTasks::mark_leaving(const ContainerInstances& of, std::uint32_t instance) {
  for (std::uint32_t i = 0; i < tasks_.size(); ++i) {
    if (on(of, instance, i)) tasks_[i].leaving = true;
  }
}

void EcsTasks::on_deregistered(const ContainerInstances& of, std::uint32_t instance) {
  for (std::uint32_t i = 0; i < tasks_.size(); ++i) {
    if (on(of, instance, i)) end(i, "Host EC2 instance terminated.");
  }
  for (std::size_t p = 0; p < pools_.size(); ++p) {
    if (pools_[p].instances == &of) cached_[p][instance] = {};
  }
}

void EcsTasks::on_interruption(std::uint64_t task_and_epoch) {
  const EcsTask* task = tenant_of(task_and_epoch);
  if (task == nullptr || task->state != TaskState::running) return;
  sim().note(sim::Milestone::none, component_, "Your Spot Task was interrupted.");
  terminate_by(static_cast<std::uint32_t>(task_and_epoch),
               sim().now() + std::min(spot_notice, settings_.stop_timeout));
}

// --- end

void EcsTasks::stop(std::uint32_t number) {
  EcsTask& task = tasks_[number];
  if (task.ending() || task.state == TaskState::none) return;
  if (task.state != TaskState::running || !task.alive) return end(number, "");
  task.state = TaskState::deactivating;
  for (FleetObserver* observer : observers_) observer->on_instance_terminating(number);
  sim().after<&EcsTasks::on_deregistration_over>(deregistration_delay_, this, with_epoch(number),
                                                 Turn::control);
}

void EcsTasks::on_deregistration_over(std::uint64_t task_and_epoch) {
  const EcsTask* task = tenant_of(task_and_epoch);
  if (task == nullptr || task->state != TaskState::deactivating) return;
  terminate_by(static_cast<std::uint32_t>(task_and_epoch), sim().now() + settings_.stop_timeout);
}

// SIGTERM: from now on it only finishes what it has.
void EcsTasks::terminate_by(std::uint32_t number, Time deadline) {
  EcsTask& task = tasks_[number];
  const bool registered = task.state == TaskState::running;
  task.state = TaskState::stopping;
  task.stopping_until = deadline;
  if (registered) {
    for (FleetObserver* observer : observers_) observer->on_instance_terminating(number);
  }
  look_at_stopping(with_epoch(number));
}

void EcsTasks::look_at_stopping(std::uint64_t task_and_epoch) {
  const EcsTask* task = tenant_of(task_and_epoch);
  if (task == nullptr || task->state != TaskState::stopping) return;
  const auto number = static_cast<std::uint32_t>(task_and_epoch);
  const Duration left = task->stopping_until - sim().now();
  if (left <= Duration::zero() || owner_.requests_in(number) == 0) return end(number, "");
  sim().after<&EcsTasks::look_at_stopping>(std::min(left, stopping_look), this, task_and_epoch,
                                           Turn::control);
}

void EcsTasks::end(std::uint32_t number, const char* why) {
  EcsTask& task = tasks_[number];
  const Pool& pool = pool_of(number);
  const bool was_registered = task.state == TaskState::running;
  const bool had_run = was_registered || task.ending();
  task = {.state = TaskState::none, .epoch = task.epoch + 1, .record = {}};
  for (FleetObserver* observer : observers_) {
    if (was_registered) observer->on_instance_terminating(number);
    if (had_run) observer->on_instance_terminated(number);
  }
  if (pool.instances != nullptr) pool.instances->give_back(slots_[number].instance, settings_.size);
  owner_.on_task_stopped(why);
}

}  // namespace windtunnel
