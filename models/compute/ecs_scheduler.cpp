// The service scheduler: it looks at the tasks some time after something has changed, and starts
// and stops what is too few and too many.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/compute/ecs_service.hpp"

namespace windtunnel {

using sim::Duration;
using sim::Milestone;
using sim::Time;
using sim::Turn;

namespace {
// ECS API, DeploymentConfiguration.minimumHealthyPercent: without health checks of its own a task
// counts this long after RUNNING.
constexpr Duration healthy_after{std::chrono::seconds(40)};
}  // namespace

// --- what tasks are worth

bool EcsService::is_healthy(const EcsTask& task) const {
  if (task.state != TaskState::running) return false;
  if (tasks_.behind_elb()) return task.elb_healthy;
  return task.running_since == sim::time_zero || sim().now() >= task.running_since + healthy_after;
}

bool EcsService::is_sick(const EcsTask& task) const {
  return task.state == TaskState::running && task.elb_unhealthy &&
         sim().now() >= task.running_since + grace_;
}

// Its place is filled.
bool EcsService::is_fit(const EcsTask& task) const {
  return task.state != TaskState::none && !task.ending() && task.revision == revision_ &&
         !task.leaving && !is_sick(task);
}

std::int64_t EcsService::fit_tasks() const {
  const auto waiting = std::count_if(waiting_.begin(), waiting_.end(), [this](const Waiting& task) {
    return task.revision == revision_;
  });
  return waiting + std::count_if(tasks_.tasks().begin(), tasks_.tasks().end(),
                                 [this](const EcsTask& task) { return is_fit(task); });
}

std::int64_t EcsService::active_tasks() const {
  return static_cast<std::int64_t>(waiting_.size()) +
         std::count_if(tasks_.tasks().begin(), tasks_.tasks().end(), [](const EcsTask& task) {
           return task.state != TaskState::none && !task.ending();
         });
}

// --- when it looks

void EcsService::schedule() { schedule_after(scheduler_delay_.sample(scheduler_chance_)); }

void EcsService::schedule_after(Duration delay) {
  const Time date = sim().now() + delay;
  if (pass_due_ && *pass_due_ <= date) return;
  pass_due_ = date;
  sim().after<&EcsService::on_pass>(delay, this, 0, Turn::control);
}

// A run starts with everything in service; before any traffic, when all groups have theirs.
void EcsService::on_begin() {
  for (std::int64_t i = 0; i < desired_; ++i) {
    const std::uint32_t pool = next_pool();
    if (tasks_.launch(pool, revision_, {}, true)) continue;
    LaunchRecord record;
    record.launched = sim().now();
    wait_for_place(pool, std::move(record));
  }
  if (!waiting_.empty()) schedule();
  count();
}

void EcsService::on_deployment() {
  ++revision_;
  deploying_since_ = sim().now();
  sim().note(Milestone::none, *this, fmt::format("has begun deployment {}", revision_));
  std::erase_if(waiting_, [this](const Waiting& task) { return task.revision != revision_; });
  schedule();
}

void EcsService::on_pass() {
  if (!pass_due_ || sim().now() < *pass_due_) return;  // an earlier one was asked for meanwhile
  pass_due_.reset();
  place_waiting();
  stop_surplus();
  stop_replaced();
  start_missing();
  follow_deployment();
  count();
}

// --- starts

// Bases first, then where the share is furthest below the weight.
std::uint32_t EcsService::next_pool() const {
  const auto& pools = tasks_.pools();
  std::optional<std::uint32_t> best;
  double least = 0;
  for (std::uint32_t i = 0; i < pools.size(); ++i) {
    const std::int64_t there =
        tasks_.count_in(i) + std::count_if(waiting_.begin(), waiting_.end(),
                                           [i](const Waiting& task) { return task.pool == i; });
    if (there < pools[i].base) return i;
    if (pools[i].weight == 0) continue;
    const double share =
        static_cast<double>(there - pools[i].base + 1) / static_cast<double>(pools[i].weight);
    if (!best || share < least) {
      best = i;
      least = share;
    }
  }
  return best.value_or(0);
}

void EcsService::start_task() {
  const std::uint32_t pool = next_pool();
  LaunchRecord record;
  record.launched = sim().now();
  if (decided_) {
    record.breached = cause_.breached;
    record.alarm = cause_.alarm;
    record.decided = decided_;
  }
  task_metric.started.add();
  if (tasks_.launch(pool, revision_, record, false)) {
    return task_metric.waiting.record(Duration(0));
  }
  wait_for_place(pool, std::move(record));
}

void EcsService::wait_for_place(std::uint32_t pool, LaunchRecord record) {
  task_metric.not_placed.add();
  sim().note(Milestone::none, *this,
             "was unable to place a task because no container instance met all of its "
             "requirements");
  waiting_.push_back({pool, revision_, std::move(record)});
}

void EcsService::place_waiting() {
  std::erase_if(waiting_, [this](const Waiting& task) {
    if (!tasks_.launch(task.pool, task.revision, task.record, false)) return false;
    task_metric.waiting.record(sim().now() - task.record.launched.value_or(sim().now()));
    return true;
  });
  if (!waiting_.empty()) schedule_after(launch_retry_);
}

void EcsService::start_missing() {
  const auto most =
      static_cast<std::int64_t>(std::floor(static_cast<double>(desired_) * max_percent_ + 1e-9));
  const std::int64_t missing = desired_ - fit_tasks();
  const std::int64_t starts = std::min(missing, most - active_tasks());
  if (starts <= 0) return;
  sim().note(Milestone::none, *this, fmt::format("has started {} tasks", starts));
  for (std::int64_t i = 0; i < starts; ++i) start_task();
  if (starts == missing) decided_.reset();  // what starts later has other reasons
  if (!waiting_.empty()) schedule_after(launch_retry_);
}

// --- stops

// Scale-in: those that wait go first, then those that start, then by the placement strategy.
void EcsService::stop_surplus() {
  std::int64_t surplus = fit_tasks() - desired_;
  while (surplus > 0 && !waiting_.empty()) {
    waiting_.pop_back();
    --surplus;
  }
  if (surplus > 0) {
    sim().note(Milestone::none, *this, fmt::format("has stopped {} running tasks", surplus));
  }
  for (; surplus > 0; --surplus) {
    std::vector<std::uint32_t> starting, running;
    for (std::uint32_t i = 0; i < tasks_.tasks().size(); ++i) {
      if (!is_fit(tasks_.tasks()[i])) continue;
      (tasks_.tasks()[i].starting() ? starting : running).push_back(i);
    }
    tasks_.stop(tasks_.least_wanted(starting.empty() ? running : starting));
  }
}

// Tasks of earlier deployments, on instances that drain, and sick ones.
void EcsService::stop_replaced() {
  const auto least =
      static_cast<std::int64_t>(std::ceil(static_cast<double>(desired_) * min_healthy_ - 1e-9));
  const auto most =
      static_cast<std::int64_t>(std::floor(static_cast<double>(desired_) * max_percent_ + 1e-9));
  std::int64_t healthy = 0, fit_and_healthy = 0, stopped = 0;
  for (const EcsTask& task : tasks_.tasks()) {
    healthy += is_healthy(task) && !is_sick(task);
    fit_and_healthy += is_healthy(task) && is_fit(task);
  }
  for (std::uint32_t i = 0; i < tasks_.tasks().size(); ++i) {
    const EcsTask& task = tasks_.tasks()[i];
    if (task.state == TaskState::none || task.ending() || is_fit(task)) continue;
    const bool counts = is_healthy(task) && !is_sick(task);
    const bool room = active_tasks() < most;
    bool may_stop = task.starting() || fit_and_healthy >= desired_;
    if (!may_stop && counts) may_stop = healthy - 1 >= least;
    if (!may_stop && !counts) may_stop = !room && healthy >= least;
    if (!may_stop) continue;
    healthy -= counts;
    ++stopped;
    tasks_.stop(i);
  }
  if (stopped > 0) {
    sim().note(Milestone::none, *this, fmt::format("has stopped {} running tasks", stopped));
  }
}

void EcsService::follow_deployment() {
  const bool steady =
      active_tasks() == desired_ && fit_tasks() == desired_ && waiting_.empty() &&
      std::all_of(tasks_.tasks().begin(), tasks_.tasks().end(), [this](const EcsTask& task) {
        return task.state == TaskState::none || task.ending() || is_healthy(task);
      });
  if (!steady || !deploying_since_) return;
  task_metric.deployment.record(sim().now() - *deploying_since_);
  deploying_since_.reset();
  sim().note(Milestone::none, *this, "has reached a steady state.");
}

// --- what tasks and instances say

void EcsService::on_task_running(std::uint32_t number) {
  const EcsTask& task = tasks_.tasks()[number];
  readings_[number] = {sim().now(), cpu_seconds(number)};
  if (task.record.launched) {
    task_metric.start_time.record(sim().now() - *task.record.launched);
  }
  count();
  if (sim().now() == sim::time_zero) return;
  schedule();
  if (!tasks_.behind_elb()) {
    sim().after<&EcsService::schedule>(healthy_after, this, 0, Turn::control);
  }
  if (grace_ > Duration(0)) {
    sim().after<&EcsService::schedule>(grace_, this, 0, Turn::control);
  }
}

void EcsService::on_task_stopped(const char* why) {
  if (*why != '\0') {
    task_metric.lost.add();
    sim().note(Milestone::none, *this, fmt::format("lost a task: {}", why));
  }
  count();
  schedule();
}

void EcsService::on_room(ContainerInstances& where) {
  const bool any = std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& task) {
    return tasks_.pools()[task.pool].instances == &where;
  });
  if (any) schedule();
}

void EcsService::on_draining(ContainerInstances& where, std::uint32_t instance) {
  tasks_.mark_leaving(where, instance);
  schedule();
}

void EcsService::count() {
  const Time now = sim().now();
  const auto running = static_cast<std::int64_t>(tasks_.in_service().size());
  std::int64_t ending = 0;
  for (const EcsTask& task : tasks_.tasks()) ending += task.ending();
  const std::int64_t pending = active_tasks() - running;
  const bool was_busy = task_metric.pending.value() > 0 || ending_ > 0;
  task_metric.desired.set(now, desired_);
  task_metric.running.set(now, running);
  task_metric.pending.set(now, pending);
  ending_ = ending;
  if (was_busy && pending == 0 && ending == 0) last_activity_end_ = now;
}

}  // namespace windtunnel
