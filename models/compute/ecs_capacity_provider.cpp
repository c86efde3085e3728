#include "models/compute/ecs_capacity_provider.hpp"

#include <google/protobuf/message.h>

#include <algorithm>

#include "models/compute/ecs_capacity_provider.pb.h"
#include "models/mechanisms/scaling_policies.pb.h"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

using sim::Duration;
using sim::Time;

namespace {

constexpr const char* reservation_name = "CapacityProviderReservation";

// The policy that ECS puts on the group.
settings::ScalingPolicy managed_policy(const std::string& provider,
                                       const settings::EcsCapacityProvider::ManagedScaling& s) {
  settings::ScalingPolicy policy;
  policy.set_name("ECSManagedAutoScalingPolicy");
  policy.set_enabled(true);
  auto& tracking = *policy.mutable_target_tracking();
  auto& metric = *tracking.mutable_customized_metric();
  metric.set_period(Duration(std::chrono::minutes(1)).count());
  auto& stat = *metric.add_metrics();
  stat.set_component(provider);
  stat.set_metric_name(reservation_name);
  stat.set_stat("Average");
  tracking.set_target_value(100 * s.target_capacity());
  tracking.set_estimated_instance_warmup(s.instance_warmup_period());
  tracking.mutable_alarms()->set_high_datapoints(s.scale_out_datapoints());
  tracking.mutable_alarms()->set_low_datapoints(s.scale_in_datapoints());
  tracking.mutable_alarms()->set_low_threshold(1);
  return policy;
}

bool has_policies(const google::protobuf::Message& group) {
  const auto* field = group.GetDescriptor()->FindFieldByName("scaling_policies");
  return field != nullptr && field->is_repeated() &&
         group.GetReflection()->FieldSize(group, field) > 0;
}

}  // namespace

EcsCapacityProvider::EcsCapacityProvider(sim::Simulation& sim, const std::string& name,
                                         const settings::EcsCapacityProvider& settings)
    : Component(sim, name), settings_(std::make_unique<settings::EcsCapacityProvider>(settings)) {}

EcsCapacityProvider::~EcsCapacityProvider() = default;

void EcsCapacityProvider::check(const settings::EcsCapacityProvider& settings,
                                SettingsCheck& check) {
  const bool managed = settings.managed_scaling().enabled();
  if (settings.managed_termination_protection() && !managed) {
    check.error("managed_termination_protection",
                "needs managed_scaling (ECS API, AutoScalingGroupProvider)");
  }
  const auto* group = check.settings_of(settings.auto_scaling_group());
  if (managed && group != nullptr && has_policies(*group)) {
    check.error("managed_scaling",
                settings.auto_scaling_group() +
                    " has scaling_policies of its own; only the one that ECS manages may change "
                    "its desired capacity (ECS developer guide, Cluster auto scaling)");
  }
}

// A service's wire() may come before ours.
Fleet& EcsCapacityProvider::group_fleet() const {
  return sim::Wiring(sim()).find<Fleet>(settings_->auto_scaling_group());
}

void EcsCapacityProvider::wire(sim::Wiring& wiring) {
  const std::string& name = settings_->auto_scaling_group();
  fleet_ = &group_fleet();
  group_ = &wiring.find<Scalable>(name);
  instances_.resize(fleet_->max_instances());
  fleet_->observe_fleet(*this);
  if (settings_->managed_draining()) fleet_->guard_terminations(*this);
  CloudWatch::of(sim()).publish(
      {.component = this->name(),
       .space = "AWS/ECS/ManagedScaling",
       .name = reservation_name,
       .dimensions = {{"CapacityProviderName", this->name()}, {"ClusterName", "default"}},
       .period = std::chrono::minutes(1),
       .delay = to_distribution(settings_->metric_delay())},
      *this);
  const auto& managed = settings_->managed_scaling();
  if (!managed.enabled()) return;
  ScalingPolicyList policies;
  *policies.Add() = managed_policy(this->name(), managed);
  const CapacityLimits limits = group_->limits().value_or(CapacityLimits{0, 10'000});
  policies_ = std::make_unique<ScalingPolicies>(
      *this, metric_set_, *this, policies, ScheduledActionList(),
      ScalingDefaults{.flavour = ScalingDefaults::Flavour::ec2,
                      .resource = name,
                      .component = this->name(),
                      .default_cooldown = std::chrono::seconds(300),
                      .default_instance_warmup = to_duration(managed.instance_warmup_period()),
                      .bounds = limits});
  policies_->wire(wiring);
}

void EcsCapacityProvider::attach() {
  if (policies_ != nullptr) policies_->attach();
}

void EcsCapacityProvider::start() {
  if (policies_ != nullptr) policies_->start();
}

TaskSize EcsCapacityProvider::size_of(const InstanceType& type) const {
  const std::int64_t reserved = settings_->reserved_memory() / (1 << 20);
  return {type.vcpus * 1024, static_cast<std::int64_t>(type.memory_gib * 1024) - reserved};
}

TaskSize EcsCapacityProvider::largest() const {
  TaskSize most;
  const Fleet& fleet = group_fleet();
  for (std::uint32_t i = 0; i < fleet.max_instances(); ++i) {
    const TaskSize size = size_of(fleet.instance_type(i));
    most = {std::max(most.cpu, size.cpu), std::max(most.memory, size.memory)};
  }
  return most;
}

bool EcsCapacityProvider::takes_tasks(std::uint32_t instance) const {
  return instances_[instance].state == State::active && instances_[instance].alive;
}

std::int64_t EcsCapacityProvider::tasks_on(std::uint32_t instance) const {
  std::int64_t tasks = 0;
  for (const TaskPlacer* placer : placers_) tasks += placer->tasks_on(*this, instance);
  return tasks;
}

void EcsCapacityProvider::take(std::uint32_t instance, const TaskSize& size) {
  TaskSize& room = instances_[instance].room;
  room = {room.cpu - size.cpu, room.memory - size.memory};
  protect(instance);
}

void EcsCapacityProvider::give_back(std::uint32_t instance, const TaskSize& size) {
  TaskSize& room = instances_[instance].room;
  room = {room.cpu + size.cpu, room.memory + size.memory};
  protect(instance);
  look_at_draining(instance);
  if (takes_tasks(instance)) tell_room();
}

void EcsCapacityProvider::protect(std::uint32_t instance) {
  if (settings_->managed_termination_protection()) {
    fleet_->protect_from_scale_in(instance, tasks_on(instance) > 0);
  }
}

void EcsCapacityProvider::tell_room() {
  for (TaskPlacer* placer : placers_) placer->on_room(*this);
}

void EcsCapacityProvider::count() {
  metric.instances.set(sim().now(),
                       std::count_if(instances_.begin(), instances_.end(),
                                     [](const Instance& i) { return i.state != State::none; }));
}

// --- the group's instances

// The agent registers the instance once it has booted.
void EcsCapacityProvider::on_instance_in_service(std::uint32_t instance) {
  if (fleet_->booting(instance)) return;
  const TaskSize size = size_of(fleet_->instance_type(instance));
  instances_[instance] = {
      .state = State::active, .alive = true, .size = size, .room = size, .draining_since = {}};
  count();
  tell_room();
}

void EcsCapacityProvider::on_instance_terminating(std::uint32_t instance) {
  Instance& it = instances_[instance];
  if (it.state != State::active) return;
  it.state = State::draining;
  it.draining_since = sim().now();
  if (!settings_->managed_draining()) return;
  for (TaskPlacer* placer : placers_) placer->on_draining(*this, instance);
  look_at_draining(instance);
}

void EcsCapacityProvider::look_at_draining(std::uint32_t instance) {
  const Instance& it = instances_[instance];
  if (it.state != State::draining || tasks_on(instance) > 0) return;
  metric.draining.record(sim().now() - it.draining_since);
  fleet_->termination_may_go_on(instance);
}

bool EcsCapacityProvider::may_terminate(std::uint32_t instance) { return tasks_on(instance) == 0; }

void EcsCapacityProvider::on_instance_terminated(std::uint32_t instance) {
  instances_[instance] = {};
  count();
  for (TaskPlacer* placer : placers_) placer->on_deregistered(*this, instance);
}

void EcsCapacityProvider::on_instance_lost(std::uint32_t instance, sim::HostLoss loss) {
  instances_[instance].alive = false;
  for (TaskPlacer* placer : placers_) {
    placer->on_container_instance_lost(*this, instance, loss);
    // What drains is not waited for.
    if (instances_[instance].state == State::draining) placer->on_deregistered(*this, instance);
  }
}

// Its tasks are gone; the agent registers anew.
void EcsCapacityProvider::on_instance_resumed(std::uint32_t instance) {
  for (TaskPlacer* placer : placers_) placer->on_deregistered(*this, instance);
  on_instance_in_service(instance);
}

// --- managed scaling

std::int64_t EcsCapacityProvider::instances_for_waiting_tasks() const {
  const TaskSize most = largest();
  std::int64_t needed = 0;
  for (const TaskPlacer* placer : placers_) {
    const std::int64_t waiting = placer->tasks_waiting(*this);
    const std::int64_t each =
        placer->one_task_an_instance() ? 1 : placer->task_size().times_in(most);
    // A task that fits on none does not scale the group out.
    if (each > 0) needed += (waiting + each - 1) / each;
  }
  return needed;
}

double EcsCapacityProvider::reservation() const {
  std::int64_t there = 0, empty = 0;
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    if (!takes_tasks(i)) continue;
    ++there;
    empty += tasks_on(i) == 0;
  }
  const auto& managed = settings_->managed_scaling();
  const std::int64_t waited_for = instances_for_waiting_tasks();
  if (there == 0) return waited_for > 0 ? 200 : 100;
  const std::int64_t needed =
      waited_for > 0 ? there + std::clamp(waited_for, managed.minimum_scaling_step_size(),
                                          managed.maximum_scaling_step_size())
                     : there - empty;
  return 100 * static_cast<double>(needed) / static_cast<double>(there);
}

void EcsCapacityProvider::collect(std::uint32_t, Time, Time, StatisticSet& out) {
  std::int64_t waiting = 0;
  for (const TaskPlacer* placer : placers_) waiting += placer->tasks_waiting(*this);
  metric.waiting.set(sim().now(), waiting);
  out.add(reservation());
}

// An empty group counts as one instance, which the metric of 200 % makes two.
Capacity EcsCapacityProvider::capacity() const {
  Capacity capacity = group_->capacity();
  const Duration warmup = policies_ == nullptr ? Duration(0) : policies_->warmup();
  capacity.in_service = capacity.warming = 0;
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    if (!takes_tasks(i)) continue;
    const auto& since = fleet_->launch_record(i).in_service;
    // Those that the run begins with are warm.
    const bool warm = !since || *since == sim::time_zero || sim().now() >= *since + warmup;
    ++(warm ? capacity.in_service : capacity.warming);
  }
  if (capacity.in_service == 0 && capacity.warming == 0) capacity.in_service = 1;
  return capacity;
}

REGISTER_MODEL(EcsCapacityProvider, settings::EcsCapacityProvider);

}  // namespace windtunnel
