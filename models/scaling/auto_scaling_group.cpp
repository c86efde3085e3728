#include "models/scaling/auto_scaling_group.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/mechanisms/placement.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"
#include "models/scaling/auto_scaling_group.pb.h"

namespace windtunnel {

using sim::Duration;
using sim::Milestone;
using sim::Time;
using sim::Turn;

namespace {
// Room for instances that are still being terminated while their replacements run in the same zone.
std::int64_t slots_per_zone(std::int64_t max_size) {
  return max_size + std::max<std::int64_t>(max_size / 2, 4);
}
}  // namespace

AutoScalingGroup::AutoScalingGroup(sim::Simulation& sim, const std::string& name,
                                   const settings::AutoScalingGroup& settings)
    : Component(sim, name),
      size_(settings.size()),
      elb_checks_(settings.health_check_type() == settings::AutoScalingGroup::ELB),
      grace_(to_duration(settings.health_check_grace_period())),
      status_interval_(to_duration(settings.status_check_interval())),
      launch_retry_(to_duration(settings.launch_retry())),
      warmup_(to_duration(settings.default_instance_warmup())),
      health_period_(to_distribution(settings.health_check_period())),
      tolerance_(to_distribution(settings.impaired_tolerance())),
      stage_times_{to_distribution(settings.api_time()), to_distribution(settings.pending_time()),
                   to_distribution(settings.boot()), to_distribution(settings.user_data())},
      zones_(zones_of(sim, settings)),
      health_chance_(stream("health checks")),
      launch_chance_(stream("launch")),
      zone_chance_(stream("zone")),
      boot_chance_(stream("boot")) {
  const std::int64_t largest = std::max(size_, settings.max_size());
  for (std::int64_t i = 0; i < slots_per_zone(largest); ++i) {
    for (const sim::ZoneId zone :
         zones_) {  // slot after slot goes round the zones: so does the initial group
      const auto node = static_cast<std::uint32_t>(slots_.size());
      nodes_.push_back(
          {sim.platform().add_host(fmt::format("{}-{}", name, node), zone, this, node), 0});
      slots_.push_back({.zone = zone});
    }
  }
}

std::string AutoScalingGroup::instance_name(std::uint32_t instance) const {
  return fmt::format("{}-{} ({})", name(), instance, sim().network().name(slots_[instance].zone));
}

void AutoScalingGroup::start() {
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(size_); ++i) {
    slots_[i].launched = sim().now();
    slots_[i].elb_healthy = true;
    in_service_now(i);
  }
  if (size_ > 0) {
    sim().after<&AutoScalingGroup::look_at_health>(health_period_.sample(health_chance_), this, 0,
                                                   Turn::control);
  }
}

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

void AutoScalingGroup::count() {
  std::int64_t n[4]{};
  for (const Slot& slot : slots_) ++n[static_cast<int>(slot.lifecycle)];
  const Time now = sim().now();
  metric.pending.set(now, n[static_cast<int>(Lifecycle::pending)]);
  metric.in_service.set(now, n[static_cast<int>(Lifecycle::in_service)]);
  metric.terminating.set(now, n[static_cast<int>(Lifecycle::terminating)]);
}

// --- faults

void AutoScalingGroup::on_host_lost(std::uint32_t node, sim::HostLoss loss) {
  Slot& slot = slots_[node];
  if (slot.lifecycle == Lifecycle::none) return;
  ++slot.epoch;  // a boot under way ends
  if (slot.lifecycle == Lifecycle::pending) return launch_failed(node);
  slot.running = false;
  slot.stopped = loss == sim::HostLoss::reset;
  // The next status check finds it; checks of an instance have a phase of their own.
  slot.impaired_since =
      sim().now() + sim::from_seconds(sim::seconds(status_interval_) * health_chance_.uniform());
  slot.tolerance = tolerance_.sample(health_chance_);
  for (FleetObserver* observer : observers_) observer->on_instance_lost(node, loss);
  if (slot.lifecycle == Lifecycle::in_service) lose_target();
}

void AutoScalingGroup::on_host_restored(std::uint32_t node) {
  const Slot& slot = slots_[node];
  if (slot.lifecycle != Lifecycle::in_service || slot.running) return;
  const Duration boot = stage_times_[static_cast<int>(Stage::boot)].sample(boot_chance_) +
                        stage_times_[static_cast<int>(Stage::user_data)].sample(boot_chance_);
  sim().after<&AutoScalingGroup::on_booted_again>(boot, this, with_epoch(node), Turn::control);
}

void AutoScalingGroup::on_booted_again(std::uint64_t instance_and_epoch) {
  const auto instance = static_cast<std::uint32_t>(instance_and_epoch);
  Slot& slot = slots_[instance];
  if (instance_and_epoch != with_epoch(instance) || slot.lifecycle != Lifecycle::in_service) return;
  slot.running = true;
  slot.running_since = sim().now();
  slot.stopped = false;
  slot.impaired_since.reset();
  sim().note(Milestone::none, *this, fmt::format("{} has booted again", instance_name(instance)));
  for (FleetObserver* observer : observers_) observer->on_instance_resumed(instance);
  // A load balancer that has not noticed has nothing to take back.
  if (!behind_elb_ || slot.elb_healthy) target_ready(instance);
}

// --- health

void AutoScalingGroup::report_elb_health(std::uint32_t instance, bool healthy) {
  Slot& slot = slots_[instance];
  slot.elb_unhealthy = !healthy;
  if (healthy) {
    target_ready(instance);
  } else {
    slot.elb_healthy = false;
    if (!slot.unhealthy_seen) slot.unhealthy_seen = sim().now();
  }
}

bool AutoScalingGroup::unhealthy(const Slot& slot, Time now) const {
  if (slot.lifecycle != Lifecycle::in_service) return false;
  if (slot.stopped) return true;
  if (!slot.running && slot.impaired_since && now >= *slot.impaired_since + slot.tolerance)
    return true;
  return elb_checks_ && slot.elb_unhealthy && now >= slot.in_service_since + grace_;
}

// Instances that carry load: in service, alive as far as anyone can tell, warmed up.
std::int64_t AutoScalingGroup::ready() const {
  const Time now = sim().now();
  return std::count_if(slots_.begin(), slots_.end(), [&](const Slot& slot) {
    return slot.lifecycle == Lifecycle::in_service && !unhealthy(slot, now) &&
           (slot.elb_healthy || !elb_checks_) && now >= slot.in_service_since + warmup_;
  });
}

void AutoScalingGroup::look_at_health() {
  sim().after<&AutoScalingGroup::look_at_health>(health_period_.sample(health_chance_), this, 0,
                                                 Turn::control);
  const Time now = sim().now();
  std::vector<std::uint32_t> sick;
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    if (unhealthy(slots_[i], now)) sick.push_back(i);
  }
  const auto all = static_cast<std::size_t>(size_);
  const std::int64_t tenth = sick.size() >= all ? 1 : std::max<std::int64_t>(1, size_ / 10);
  // Room below the desired capacity: instances already being replaced use it up.
  std::int64_t room = tenth - metric.pending.value();
  for (const std::uint32_t i : sick) {
    if (!slots_[i].unhealthy_seen) slots_[i].unhealthy_seen = now;
    if (replace_at_once(slots_[i])) {
      replace(i, "EC2 health check indicating it has been terminated or stopped");
    } else if (room > 0 && ready() + static_cast<std::int64_t>(sick.size()) >= size_) {
      --room;
      replace(i, elb_checks_ && slots_[i].elb_unhealthy ? "ELB system health check failure"
                                                        : "EC2 instance status checks failure");
    }
  }
  if (sick.empty()) balance();
}

void AutoScalingGroup::replace(std::uint32_t instance, const char* why) {
  metric.replacements.add();
  sim().note(Milestone::action_started, *this,
             fmt::format("{} was taken out of service in response to an {}",
                         instance_name(instance), why));
  lose_target();  // it may have been running
  spell_->detected =
      std::max(spell_->detected, slots_[instance].unhealthy_seen.value_or(sim().now()));
  terminate(instance);
  launch();
}

void AutoScalingGroup::terminate(std::uint32_t instance) {
  Slot& slot = slots_[instance];
  slot.lifecycle = Lifecycle::terminating;
  ++slot.epoch;
  count();
  for (FleetObserver* observer : observers_) observer->on_instance_terminating(instance);
  const Duration draining = slot.running ? deregistration_delay_ : Duration::zero();
  sim().after<&AutoScalingGroup::on_terminated>(draining, this, with_epoch(instance),
                                                Turn::control);
}

void AutoScalingGroup::on_terminated(std::uint64_t instance_and_epoch) {
  const auto instance = static_cast<std::uint32_t>(instance_and_epoch);
  // Its epoch may have moved on: it lost power while it drained. It ends all the same.
  if (slots_[instance].lifecycle != Lifecycle::terminating) return;
  for (FleetObserver* observer : observers_) observer->on_instance_terminated(instance);
  slots_[instance] = {.zone = slots_[instance].zone, .epoch = slots_[instance].epoch + 1};
  count();
}

// --- launches

void AutoScalingGroup::launch() {
  metric.launches.add();
  const auto slot = pick_slot({});
  if (!slot) return launch_failed(max_instances());
  slots_[*slot].lifecycle = Lifecycle::pending;
  slots_[*slot].launched = sim().now();
  count();
  begin_stage(*slot, Stage::api);
}

// The zone with the fewest instances, ties at random.
std::optional<std::uint32_t> AutoScalingGroup::pick_slot(const std::vector<sim::ZoneId>& refused) {
  std::vector<std::uint32_t> best;
  std::int64_t fewest = 0;
  for (const sim::ZoneId zone : zones_) {
    if (std::find(refused.begin(), refused.end(), zone) != refused.end()) continue;
    std::int64_t instances = 0;
    std::optional<std::uint32_t> empty;
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].zone != zone) continue;
      // A machine that a fault stopped is not launched again while the zone has others.
      const bool better = !empty || (!sim().platform().up(nodes_[*empty].host) &&
                                     sim().platform().up(nodes_[i].host));
      if (slots_[i].lifecycle == Lifecycle::none && better) empty = i;
      instances +=
          slots_[i].lifecycle == Lifecycle::pending || slots_[i].lifecycle == Lifecycle::in_service;
    }
    if (!empty || (!best.empty() && instances > fewest)) continue;
    if (best.empty() || instances < fewest) best.clear();
    fewest = instances;
    best.push_back(*empty);
  }
  if (best.empty()) return std::nullopt;
  return best[zone_chance_.below(static_cast<std::uint32_t>(best.size()))];
}

void AutoScalingGroup::begin_stage(std::uint32_t instance, Stage stage) {
  Slot& slot = slots_[instance];
  slot.stage = stage;
  slot.stage_began = sim().now();
  const Duration time = stage_times_[static_cast<int>(stage)].sample(launch_chance_);
  sim().after<&AutoScalingGroup::on_stage_over>(time, this, with_epoch(instance), Turn::control);
}

void AutoScalingGroup::on_stage_over(std::uint64_t instance_and_epoch) {
  const auto instance = static_cast<std::uint32_t>(instance_and_epoch);
  Slot& slot = slots_[instance];
  if (instance_and_epoch != with_epoch(instance) || slot.lifecycle != Lifecycle::pending) return;
  slot.stages[static_cast<int>(slot.stage)] = sim().now() - slot.stage_began;
  // RunInstances answers with an error where the zone has no power.
  if (!sim().platform().up(nodes_[instance].host)) return launch_failed(instance);
  if (slot.stage == Stage::user_data) return in_service_now(instance);
  begin_stage(instance, static_cast<Stage>(static_cast<int>(slot.stage) + 1));
}

// `instance` may be none (max_instances()): no zone had a free slot.
void AutoScalingGroup::launch_failed(std::uint32_t instance) {
  if (instance < max_instances()) {
    Slot& failed = slots_[instance];
    metric.failed_launches.add();
    sim().note(
        Milestone::none, *this,
        fmt::format("launching an instance in {} failed", sim().network().name(failed.zone)));
    const Time began = failed.launched;
    std::vector<sim::ZoneId> refused = std::move(failed.refused);
    refused.push_back(failed.zone);
    failed = {.zone = failed.zone, .epoch = failed.epoch + 1};
    if (const auto next = pick_slot(refused)) {
      slots_[*next].lifecycle = Lifecycle::pending;
      slots_[*next].launched = began;
      slots_[*next].refused = std::move(refused);
      count();
      return begin_stage(*next, Stage::api);
    }
  }
  count();
  ++missing_launches_;
  sim().after<&AutoScalingGroup::on_launch_retry>(launch_retry_, this, 0, Turn::control);
}

void AutoScalingGroup::on_launch_retry() {
  if (missing_launches_ == 0) return;
  --missing_launches_;
  launch();
}

void AutoScalingGroup::in_service_now(std::uint32_t instance) {
  Slot& slot = slots_[instance];
  slot.lifecycle = Lifecycle::in_service;
  slot.running = true;
  slot.running_since = slot.in_service_since = sim().now();
  count();
  if (sim().now() > sim::time_zero) {
    metric.launch_time.record(sim().now() - slot.launched);
    sim().note(Milestone::none, *this, fmt::format("{} is InService", instance_name(instance)));
  }
  for (FleetObserver* observer : observers_) observer->on_instance_in_service(instance);
  if (!behind_elb_) target_ready(instance);
}

// Launches in the emptiest zone before it terminates in the fullest (it may pass the maximum by a
// tenth meanwhile).
void AutoScalingGroup::balance() {
  if (metric.pending.value() > 0 || missing_launches_ > 0 || zones_.size() < 2) return;
  std::vector<std::int64_t> in_zone(zones_.size());
  std::vector<std::uint32_t> any(zones_.size(), max_instances());
  std::vector<bool> usable(zones_.size());
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    const auto z = static_cast<std::size_t>(
        std::find(zones_.begin(), zones_.end(), slots_[i].zone) - zones_.begin());
    if (sim().platform().up(nodes_[i].host)) usable[z] = true;
    if (slots_[i].lifecycle != Lifecycle::in_service) continue;
    ++in_zone[z];
    any[z] = i;
  }
  std::size_t fullest = 0;
  std::optional<std::size_t> emptiest;
  std::int64_t total = 0;
  for (std::size_t z = 0; z < zones_.size(); ++z) {
    total += in_zone[z];
    if (in_zone[z] > in_zone[fullest]) fullest = z;
    if (usable[z] && (!emptiest || in_zone[z] < in_zone[*emptiest])) emptiest = z;
  }
  if (total > size_) {
    if (ready() < total) return;  // the new one is not healthy yet
    sim().note(Milestone::none, *this,
               fmt::format("{} is terminated to rebalance the zones", instance_name(any[fullest])));
    return terminate(any[fullest]);
  }
  if (!emptiest || in_zone[fullest] - in_zone[*emptiest] < 2) return;
  sim().note(Milestone::none, *this,
             fmt::format("an instance is launched in {} to rebalance the zones",
                         sim().network().name(zones_[*emptiest])));
  launch();
}

// --- replacement lag

void AutoScalingGroup::lose_target() {
  if (!spell_) spell_ = Spell{sim().now(), sim().now()};
}

void AutoScalingGroup::target_ready(std::uint32_t instance) {
  Slot& slot = slots_[instance];
  slot.elb_healthy = true;
  slot.elb_unhealthy = false;
  slot.unhealthy_seen.reset();
  if (!spell_) return;
  const auto healthy = std::count_if(slots_.begin(), slots_.end(), [this](const Slot& s) {
    return s.lifecycle == Lifecycle::in_service && s.running && (s.elb_healthy || !behind_elb_);
  });
  if (healthy < size_) return;
  // The parts are those of the last instance to come back: it is what the group waited for.
  const Time now = sim().now();
  sim::LagSpell lag{name(), "replacement", spell_->start, now, {}};
  Time at = spell_->start;
  const auto part = [&](const char* what, Time until) {
    const Time end = std::clamp(until, at, now);
    lag.parts.push_back({what, end - at});
    at = end;
  };
  const bool replaced = slot.in_service_since > spell_->start;
  part("health check", replaced ? spell_->detected : at);
  part("replacement decision", replaced ? slot.launched : at);
  // A launch that zones refused before ours began counts as API time.
  Time stage_end = slot.in_service_since - slot.stages[1] - slot.stages[2] - slot.stages[3];
  part("launch API", replaced ? stage_end : at);
  part("pending", replaced ? stage_end += slot.stages[1] : at);
  // A survivor's time without power counts as its boot.
  part("boot", replaced ? stage_end += slot.stages[2] : slot.running_since);
  part("user data", replaced ? stage_end += slot.stages[3] : at);
  part("target health check", now);
  spells_.push_back(std::move(lag));
  spell_.reset();
}

void AutoScalingGroup::report(sim::RunLog& log) {
  for (const sim::LagSpell& spell : spells_) log.spells.push_back(spell);
  if (spell_) log.spells.push_back({name(), "replacement", spell_->start, std::nullopt, {}});
}

REGISTER_MODEL(AutoScalingGroup, settings::AutoScalingGroup);

}  // namespace windtunnel
