#include "models/compute/ecs_service.hpp"

#include <google/protobuf/message.h>

#include <algorithm>
#include <cmath>

#include "models/compute/ecs_service.pb.h"
#include "models/mechanisms/placement.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

using settings::EcsService_Strategy;
using sim::Duration;
using sim::Time;

namespace {

constexpr const char* zone_field = "attribute:ecs.availability-zone";
constexpr std::int64_t mebibyte = 1 << 20;

PlacementStrategy strategy_of(const settings::EcsService::Strategy& s) {
  switch (s.type()) {
    case EcsService_Strategy::spread:
      return s.field() == zone_field ? PlacementStrategy::spread_zones
                                     : PlacementStrategy::spread_instances;
    case EcsService_Strategy::binpack:
      return s.field() == "cpu" ? PlacementStrategy::binpack_cpu
                                : PlacementStrategy::binpack_memory;
    default:
      return PlacementStrategy::random;
  }
}

EcsTasks::Settings task_settings(const settings::EcsService& s) {
  EcsTasks::Settings tasks;
  tasks.size = {s.cpu(), s.memory() / mebibyte};
  for (const auto& strategy : s.placement_strategy()) {
    tasks.strategies.push_back(strategy_of(strategy));
  }
  if (tasks.strategies.empty()) tasks.strategies = {PlacementStrategy::spread_zones};
  tasks.distinct_instance = !s.placement_constraints().empty();
  tasks.stop_timeout = to_duration(s.stop_timeout());
  tasks.launch_retry = to_duration(s.launch_retry());
  tasks.provisioning = to_distribution(s.provisioning());
  tasks.fargate_image_pull = to_distribution(s.fargate_image_pull());
  tasks.image_pull = to_distribution(s.image_pull());
  tasks.container_start = to_distribution(s.container_start());
  tasks.failure_detection = to_distribution(s.failure_detection());
  tasks.spot_interruptions = s.spot_interruptions();
  return tasks;
}

bool on_fargate(const settings::EcsService& s) {
  if (s.capacity_provider_strategy().empty()) {
    return s.launch_type() == settings::EcsService::FARGATE;
  }
  return s.capacity_provider_strategy(0).has_fargate();
}

}  // namespace

EcsService::EcsService(sim::Simulation& sim, const std::string& name,
                       const settings::EcsService& settings)
    : Program(sim, name, settings.program()),
      settings_(std::make_unique<settings::EcsService>(settings)),
      size_{settings.cpu(), settings.memory() / mebibyte},
      distinct_instance_(!settings.placement_constraints().empty()),
      min_healthy_(settings.deployment_configuration().minimum_healthy_percent()),
      max_percent_(settings.deployment_configuration().maximum_percent()),
      grace_(to_duration(settings.health_check_grace_period())),
      launch_retry_(to_duration(settings.launch_retry())),
      scheduler_delay_(to_distribution(settings.scheduler_delay())),
      tasks_(*this, *this, task_settings(settings)),
      desired_(settings.desired_count()),
      scheduler_chance_(stream("scheduler")) {
  for (const auto& deployment : settings.deployments()) {
    deployments_.push_back(sim::time_zero + to_duration(deployment.at()));
  }
}

EcsService::~EcsService() = default;

// --- wiring

void EcsService::add_pools(const settings::EcsService& settings, sim::Wiring& wiring) {
  const auto on_instances = [&](const std::string& provider, EcsTasks::Pool pool) {
    pool.name = provider;
    pool.instances = &wiring.find<ContainerInstances>(provider);
    pool.instances->add_placer(*this);
    meters_.push_back(std::make_unique<InstanceMeter>(*this, *pool.instances));
    pool.instances->add_cpu_meter(*meters_.back());
    tasks_.add_pool(std::move(pool));
  };
  if (settings.capacity_provider_strategy().empty()) {
    if (on_fargate(settings)) return tasks_.add_pool({.name = "FARGATE"});
    return on_instances(settings.container_instances(), {.name = {}, .waits = false});
  }
  for (const auto& item : settings.capacity_provider_strategy()) {
    EcsTasks::Pool pool{.name = {}, .base = item.base(), .weight = item.weight()};
    if (!item.has_fargate()) {
      on_instances(item.capacity_provider(), std::move(pool));
      continue;
    }
    pool.spot = item.fargate() == settings::EcsService::fargate_spot;
    pool.name = pool.spot ? "FARGATE_SPOT" : "FARGATE";
    tasks_.add_pool(std::move(pool));
  }
}

void EcsService::wire(sim::Wiring& wiring) {
  std::int64_t most = std::max(desired_, settings_->max_tasks());
  for (const auto& component : sim().components()) {
    const auto* scaler = dynamic_cast<const Scaler*>(component.get());
    if (scaler == nullptr || scaler->scaled_resource() != name()) continue;
    most = std::max(most, scaler->scaled_limits().max);
    tasks_.set_scales(scaler->scaled_limits().min < scaler->scaled_limits().max);
  }
  add_pools(*settings_, wiring);
  if (on_fargate(*settings_)) {
    // In one zone, if need be: all tasks, those of a deployment, and as many that end.
    const double during_deployments = static_cast<double>(most) * max_percent_;
    tasks_.add_fargate_slots(zones_of(sim(), *settings_),
                             static_cast<std::int64_t>(std::ceil(during_deployments)) + most);
  }
  readings_.resize(tasks_.max_instances());
  run_on(tasks_, wiring);
  publish_metrics(*settings_);
  settings_.reset();
}

void EcsService::publish_metrics(const settings::EcsService& settings) {
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  const auto metric_named = [&](const char* space, const char* metric) {
    return CloudWatch::Publication{
        .component = name(),
        .space = space,
        .name = metric,
        .dimensions = {{"ClusterName", "default"}, {"ServiceName", name()}},
        .period = std::chrono::minutes(1),
        .delay = to_distribution(settings.metric_delay())};
  };
  cloudwatch.publish(metric_named("AWS/ECS", "CPUUtilization"), *this);
  const char* insights = "ECS/ContainerInsights";
  cloudwatch.publish_sample(metric_named(insights, "DesiredTaskCount"), task_metric.desired);
  cloudwatch.publish_sample(metric_named(insights, "RunningTaskCount"), task_metric.running);
  cloudwatch.publish_sample(metric_named(insights, "PendingTaskCount"), task_metric.pending);
}

void EcsService::start() {
  Program::start();
  sim().at<&EcsService::on_begin>(sim::time_zero, this, 0, sim::Turn::fault);
  for (const Time date : deployments_) {
    if (date < sim().horizon()) {
      sim().at<&EcsService::on_deployment>(date, this, 0, sim::Turn::control);
    }
  }
}

// A slot's time grows from task to task.
double EcsService::InstanceMeter::cpu_seconds(std::uint32_t instance) const {
  double sum = 0;
  for (const std::uint32_t slot : service_.tasks_.slots_of(of_, instance)) {
    sum += service_.Program::cpu_seconds(slot);
  }
  return sum;
}

// --- scaling

Capacity EcsService::capacity() const {
  return {.desired = desired_,
          .in_service = task_metric.running.value(),
          .warming = 0,
          .pending = task_metric.pending.value(),
          .terminating = ending_};
}

void EcsService::set_desired_capacity(std::int64_t desired, const ScalingCause& cause) {
  if (desired == desired_) return;
  if (desired > desired_) {
    cause_ = cause;
    decided_ = sim().now();
  }
  desired_ = desired;
  count();
  schedule();
}

bool EcsService::scaling_in_progress() const {
  return task_metric.pending.value() > 0 || ending_ > 0 || task_metric.running.value() != desired_;
}

std::int64_t EcsService::tasks_waiting(const ContainerInstances& of) const {
  return std::count_if(waiting_.begin(), waiting_.end(), [&](const Waiting& task) {
    const EcsTasks::Pool& pool = tasks_.pools()[task.pool];
    return pool.instances == &of && pool.waits;
  });
}

// Of each running task, in percent of what it has reserved.
void EcsService::collect(std::uint32_t, Time, Time to, StatisticSet& out) {
  for (const std::uint32_t i : tasks_.in_service()) {
    CpuReading& since = readings_[i];
    const CpuReading now{to, cpu_seconds(i)};
    if (now.at > since.at) {
      const double available = vcpus() * sim::seconds(now.at - since.at);
      out.add(100 * (now.cpu_seconds - since.cpu_seconds) / available);
    }
    since = now;
  }
}

REGISTER_MODEL(EcsService, settings::EcsService);

}  // namespace windtunnel
