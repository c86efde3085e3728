#include "models/scaling/auto_scaling_group.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/mechanisms/placement.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"
#include "models/scaling/auto_scaling_group.pb.h"

namespace windtunnel {

using sim::Milestone;
using sim::Time;
using sim::Turn;
using Process = SuspendedProcesses::Process;

namespace {

LaunchStages::Times times_of(const settings::AutoScalingGroup& settings) {
  const settings::WarmPool& pool = settings.warm_pool();
  return {.api = to_distribution(settings.api_time()),
          .pending = to_distribution(settings.pending_time()),
          .boot = to_distribution(settings.boot()),
          .user_data = to_distribution(settings.user_data()),
          .from_stopped = to_distribution(pool.start_from_stopped()),
          .from_running = to_distribution(pool.start_from_running()),
          .from_hibernated = to_distribution(pool.start_from_hibernated()),
          .slow_share = settings.slow_launches(),
          .slow_factor = settings.slow_launch_factor()};
}

ScalingDefaults defaults_of(const std::string& name, const settings::AutoScalingGroup& settings) {
  ScalingDefaults defaults;
  defaults.resource = name;
  defaults.default_cooldown = to_duration(settings.default_cooldown());
  if (settings.has_default_instance_warmup()) {
    defaults.default_instance_warmup = to_duration(settings.default_instance_warmup());
  }
  defaults.bounds = {settings.has_min_size() ? settings.min_size() : settings.size(),
                     settings.has_max_size() ? settings.max_size() : settings.size()};
  return defaults;
}

// Hosts of a zone. All zones but one may be dead, a scheduled action may raise the maximum, and
// instances are still being terminated while others take their places.
std::int64_t slots_per_zone(const settings::AutoScalingGroup& settings) {
  const std::int64_t largest =
      largest_capacity(std::max(settings.size(), settings.max_size()), settings.scaling_policies(),
                       settings.scheduled_actions());
  std::int64_t pool = 0;
  if (settings.has_warm_pool()) {
    const auto& plan = settings.warm_pool();
    pool = std::max(plan.max_group_prepared_capacity() - largest, plan.min_size());
    pool = std::max<std::int64_t>(pool, 0);
  }
  return largest + std::max<std::int64_t>(largest / 2, 4) + pool;
}

}  // namespace

AutoScalingGroup::AutoScalingGroup(sim::Simulation& sim, const std::string& name,
                                   const settings::AutoScalingGroup& settings)
    : Component(sim, name),
      settings_(settings),
      desired_(settings.size()),
      zones_(zones_of(sim, settings)),
      stages_(times_of(settings)),
      hooks_(*this, settings.lifecycle_hooks()),
      market_(*this, settings.instance_type(),
              settings.has_mixed_instances_policy() ? &settings.mixed_instances_policy() : nullptr,
              settings.insufficient_capacity(), settings.capacity_reservations()),
      lag_(name),
      policies_(*this, metric_set_, *this, settings.scaling_policies(),
                settings.scheduled_actions(), defaults_of(name, settings)),
      health_chance_(stream("health checks")),
      launch_chance_(stream("launch")),
      slow_chance_(stream("slow launches")),
      zone_chance_(stream("zone")),
      boot_chance_(stream("boot")),
      terminate_chance_(stream("termination")) {
  make_slots(settings);
  publish_metrics(settings);
}

// Slot after slot goes round the zones: so does the initial group.
void AutoScalingGroup::make_slots(const settings::AutoScalingGroup& settings) {
  for (std::int64_t i = 0; i < slots_per_zone(settings); ++i) {
    for (const sim::ZoneId zone : zones_) {
      const auto node = static_cast<std::uint32_t>(slots_.size());
      nodes_.push_back(
          {sim().platform().add_host(fmt::format("{}-{}", name(), node), zone, this, node), 0});
      slots_.emplace_back().zone = zone;
    }
  }
  cpu_.set_instances(max_instances());
}

void AutoScalingGroup::publish_metrics(const settings::AutoScalingGroup& settings) {
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  const bool detailed = settings.monitoring() == settings::AutoScalingGroup::DETAILED;
  CloudWatch::Publication publication{.component = name(),
                                      .space = "AWS/EC2",
                                      .name = "CPUUtilization",
                                      .dimensions = {{"AutoScalingGroupName", name()}},
                                      .period = std::chrono::minutes(detailed ? 1 : 5),
                                      .delay = to_distribution(settings.metric_delay())};
  cloudwatch.publish(publication, *this);
  publication.space = "AWS/AutoScaling";
  publication.period = std::chrono::minutes(1);
  for (const sim::Level* level :
       {&metric.desired, &metric.in_service, &metric.pending, &metric.terminating, &metric.total}) {
    publication.name = level->name();
    cloudwatch.publish_sample(publication, *level);
  }
}

void AutoScalingGroup::wire(sim::Wiring& wiring) { policies_.wire(wiring); }
void AutoScalingGroup::attach() { policies_.attach(); }

void AutoScalingGroup::start() {
  metric.desired.set(sim().now(), desired_);
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(desired_); ++i) {
    slots_[i].order.spot = market_.mixed() && next_is_spot();
    slots_[i].type = pick_type(slots_[i].zone, slots_[i].order).value_or(0);
    slots_[i].launched = sim().now();
    slots_[i].elb_healthy = true;
    in_service_now(i);
  }
  if (policies_.bounds().max > 0) {
    sim().after<&AutoScalingGroup::look_at_health>(settings_.health_period.sample(health_chance_),
                                                   this, 0, Turn::control);
  }
  fill_warm_pool();
  suspend_policies();
  for (const Time date : settings_.suspended.changes()) {
    sim().at<&AutoScalingGroup::on_suspension_changed>(date, this, 0, Turn::control);
  }
  for (std::size_t i = 0; i < settings_.refreshes.size(); ++i) {
    sim().at<&AutoScalingGroup::on_refresh_due>(settings_.refreshes[i].at, this, i, Turn::control);
  }
  policies_.start();
}

// --- ports

std::vector<std::uint32_t> AutoScalingGroup::in_service() const {
  std::vector<std::uint32_t> found;
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].lifecycle == Lifecycle::in_service) found.push_back(i);
  }
  return found;
}

std::vector<std::uint32_t> AutoScalingGroup::running_nodes() const {
  std::vector<std::uint32_t> found = in_service();
  std::erase_if(found, [this](std::uint32_t i) { return !slots_[i].running; });
  return found;
}

bool AutoScalingGroup::scales() const {
  return !policies_.empty() || policies_.bounds().min < policies_.bounds().max;
}

Capacity AutoScalingGroup::capacity() const {
  Capacity capacity{.desired = desired_};
  for (const AutoScalingInstance& slot : slots_) {
    if (slot.lifecycle == Lifecycle::in_service) {
      ++(slot.order.record.warm <= sim().now() ? capacity.in_service : capacity.warming);
    }
    capacity.pending += is_launching(slot.lifecycle);
    capacity.terminating += is_terminating(slot.lifecycle);
  }
  return capacity;
}

void AutoScalingGroup::collect(std::uint32_t, Time, Time to, StatisticSet& out) {
  for (const std::uint32_t i : running_nodes()) {
    if (slots_[i].order.record.warm > to) continue;
    const InstanceType& type = instance_type(i);
    const double vcpus = type.name.empty() ? cpu_.vcpus() : static_cast<double>(type.vcpus);
    out.add(100 * std::min(1.0, cpu_.read(i, to) / vcpus));
  }
}

// --- desired capacity

std::string AutoScalingGroup::instance_name(std::uint32_t instance) const {
  return fmt::format("{}-{} ({})", name(), instance, sim().network().name(slots_[instance].zone));
}

AutoScalingInstance* AutoScalingGroup::tenant_of(std::uint64_t instance_and_epoch) {
  const auto instance = static_cast<std::uint32_t>(instance_and_epoch);
  return instance_and_epoch == with_epoch(instance) ? &slots_[instance] : nullptr;
}

std::int64_t AutoScalingGroup::actual() const {
  return std::count_if(slots_.begin(), slots_.end(), [](const AutoScalingInstance& slot) {
    return slot.lifecycle == Lifecycle::in_service || is_launching(slot.lifecycle);
  });
}

std::int64_t AutoScalingGroup::wanted() const {
  return desired_ +
         std::count_if(slots_.begin(), slots_.end(), [](const AutoScalingInstance& slot) {
           return slot.order.surplus &&
                  (slot.lifecycle == Lifecycle::in_service || is_launching(slot.lifecycle));
         });
}

void AutoScalingGroup::count() {
  Capacity n = capacity();
  const std::int64_t in_service = n.in_service + n.warming;
  const Time now = sim().now();
  metric.pending.set(now, n.pending);
  metric.in_service.set(now, in_service);
  metric.terminating.set(now, n.terminating);
  metric.total.set(now, n.pending + in_service + n.terminating);
  if (settings_.warm_pool) metric.warm_pool.set(now, in_warm_pool());
}

void AutoScalingGroup::set_desired_capacity(std::int64_t desired, const ScalingCause& cause) {
  if (desired == desired_) return;
  if (cause.text.empty()) {  // policies say theirs themselves
    sim().note(Milestone::none, *this,
               fmt::format("a user request changing the desired capacity from {} to {}", desired_,
                           desired));
  }
  desired_ = desired;
  metric.desired.set(sim().now(), desired_);
  keep_capacity(&cause);
  keep_warm_pool();
}

std::string AutoScalingGroup::difference(const char* verb, const char* change, std::int64_t from,
                                         std::int64_t to) const {
  return fmt::format(
      "an instance was {} in response to a difference between desired and actual capacity, {} the "
      "capacity from {} to {}",
      verb, change, from, to);
}

void AutoScalingGroup::keep_capacity(const ScalingCause* cause) {
  const std::int64_t before = actual(), after = wanted();
  std::int64_t missing = after - before;
  // Launches that wait to be tried again are among the missing.
  while (!waiting_.empty() && std::ssize(waiting_) > missing) waiting_.pop_back();
  if (missing < 0) return scale_in(-missing);
  missing -= std::ssize(waiting_);
  const std::string why = difference("started", "increasing", before, after);
  for (; missing > 0; --missing) {
    LaunchOrder order;
    order.record.decided = sim().now();
    if (cause != nullptr) {
      order.record.breached = cause->breached;
      order.record.alarm = cause->alarm;
    }
    launch(std::move(order), why);
  }
}

bool AutoScalingGroup::scaling_in_progress() const {
  const auto by_decision = [](const LaunchOrder& order) {
    return order.record.decided.has_value();
  };
  return std::any_of(waiting_.begin(), waiting_.end(), by_decision) ||
         std::any_of(slots_.begin(), slots_.end(), [&](const AutoScalingInstance& slot) {
           return (is_launching(slot.lifecycle) && by_decision(slot.order)) ||
                  (is_terminating(slot.lifecycle) && slot.scaled_in);
         });
}

// --- suspended processes

void AutoScalingGroup::suspend_policies() {
  const bool alarms = suspended(Process::alarm_notification);
  policies_.suspend({.dynamic_scaling_out = alarms,
                     .dynamic_scaling_in = alarms,
                     .scheduled_actions = suspended(Process::scheduled_actions)});
}

void AutoScalingGroup::on_suspension_changed() {
  suspend_policies();
  if (!suspended(Process::launch)) {
    std::vector<LaunchOrder> orders;
    orders.swap(waiting_);
    for (LaunchOrder& order : orders) launch(std::move(order), "the process Launch is resumed");
  }
  keep_capacity();
  keep_warm_pool();
}

REGISTER_MODEL(AutoScalingGroup, settings::AutoScalingGroup);

}  // namespace windtunnel
