// Replacements that launch before they terminate, or go through the group step by step: maintenance
// policy, balance over zones, instance refresh, Spot instances at risk.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/scaling/auto_scaling_group.hpp"

namespace windtunnel {

using sim::Duration;
using sim::Milestone;
using sim::Turn;
using Process = SuspendedProcesses::Process;

// --- launch before terminate

void AutoScalingGroup::launch_before_terminating(std::uint32_t victim, const std::string& why) {
  LaunchOrder order;
  order.surplus = true;
  order.replaces = victim;
  launch(std::move(order),
         fmt::format("{} is to be replaced in response to an {}", instance_name(victim), why));
}

bool AutoScalingGroup::is_being_replaced(std::uint32_t instance) const {
  return std::any_of(slots_.begin(), slots_.end(), [&](const AutoScalingInstance& slot) {
    return slot.lifecycle != Lifecycle::none && slot.order.replaces == instance;
  });
}

// An instance on top that is ready now sends another away: the one it was launched for, or one of
// the fullest zone.
void AutoScalingGroup::settle_replacements() {
  if (suspended(Process::terminate)) return;
  const Duration warmup = refresh_ ? refresh_->plan->warmup : settings_.replacement_warmup();
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    AutoScalingInstance& slot = slots_[i];
    if (!slot.order.surplus || !ready(slot, warmup)) continue;
    const bool rebalances = slot.order.replaces == nobody;
    const auto victim = rebalances ? choose(in_service()) : slot.order.replaces;
    if (!victim) continue;
    slot.order.surplus = false;
    slot.order.replaces = nobody;
    if (unhealthy(slots_[*victim], sim().now())) metric.replacements.add();
    sim().note(Milestone::none, *this,
               fmt::format("{} is terminated {}", instance_name(*victim),
                           rebalances ? "to rebalance the zones"
                                      : "after its replacement has become ready"));
    terminate(*victim);
  }
}

// Launches in the emptiest zone before it terminates in the fullest (it may pass the maximum by a
// tenth meanwhile).
void AutoScalingGroup::balance() {
  if (metric.pending.value() > 0 || !waiting_.empty() || zones_.size() < 2) return;
  if (suspended(Process::az_rebalance) || suspended(Process::launch)) return;
  if (wanted() > desired_ || refresh_) return;  // the last one is not healthy yet
  std::int64_t most = 0;
  std::optional<std::int64_t> fewest;
  sim::ZoneId emptiest = 0;
  for (const sim::ZoneId zone : zones_) {
    const std::int64_t instances = instances_in(zone, false);
    most = std::max(most, instances);
    const bool usable = std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
      return sim().platform().zone(node.host) == zone && sim().platform().up(node.host);
    });
    if (!usable || (fewest && instances >= *fewest)) continue;
    fewest = instances;
    emptiest = zone;
  }
  if (!fewest || most - *fewest < 2) return;
  LaunchOrder order;
  order.surplus = true;
  launch(std::move(order),
         fmt::format("an instance was launched to balance instances in zone {} with other zones",
                     sim().network().name(emptiest)));
}

// --- instance refresh

void AutoScalingGroup::on_refresh_due(std::uint64_t which) {
  if (refresh_ || suspended(Process::instance_refresh)) {
    sim().note(Milestone::none, *this, "an instance refresh is refused");
    return;
  }
  ++launch_template_;
  refresh_ = RefreshUnderWay{.plan = &settings_.refreshes[which],
                             .all = actual(),
                             .left = actual(),
                             .resume = std::nullopt,
                             .last_progress = sim().now()};
  sim().note(Milestone::none, *this, "the instance refresh is InProgress");
  refresh();
}

void AutoScalingGroup::end_refresh(const char* status) {
  sim().note(Milestone::none, *this, fmt::format("the instance refresh is {}", status));
  refresh_.reset();
}

void AutoScalingGroup::refresh() {
  if (!refresh_ || suspended(Process::instance_refresh)) return;
  Instances old = in_service();
  std::erase_if(old,
                [this](std::uint32_t i) { return slots_[i].launch_template == launch_template_; });
  const auto left = static_cast<std::int64_t>(old.size());
  if (left < refresh_->left) refresh_->last_progress = sim().now();
  refresh_->left = left;
  const bool settled = metric.pending.value() == 0 && waiting_.empty() && wanted() == desired_ &&
                       unready_in_refresh() == 0;
  if (left == 0 && settled) return end_refresh("Successful");
  if (settled && refresh_waits()) return;
  if (!refresh_) return;
  if (sim().now() - refresh_->last_progress > std::chrono::hours(1)) return end_refresh("Failed");
  std::erase_if(old, [this](std::uint32_t i) { return is_being_replaced(i); });
  replace_in_refresh(std::move(old));
}

std::int64_t AutoScalingGroup::unready_in_refresh() const {
  const auto good = std::count_if(slots_.begin(), slots_.end(), [this](const auto& slot) {
    const Duration warmup = slot.launch_template == launch_template_
                                ? refresh_->plan->warmup
                                : settings_.replacement_warmup();
    return ready(slot, warmup);
  });
  return std::max<std::int64_t>(0, desired_ - good);
}

// At a checkpoint nothing is replaced for a while; after the last one below 100 % it is over.
bool AutoScalingGroup::refresh_waits() {
  RefreshUnderWay& under_way = *refresh_;
  const std::vector<double>& checkpoints = under_way.plan->checkpoints;
  if (under_way.checkpoint >= checkpoints.size()) return false;
  if (under_way.resume) {
    under_way.last_progress = sim().now();
    if (sim().now() < *under_way.resume) return true;
    under_way.resume.reset();
    if (++under_way.checkpoint == checkpoints.size()) end_refresh("Successful");
    return false;
  }
  if (under_way.all - under_way.left < replaced_at_checkpoint()) return false;
  under_way.resume = sim().now() + under_way.plan->checkpoint_delay;
  sim().note(Milestone::none, *this,
             fmt::format("the instance refresh waits at its checkpoint of {:g} %",
                         checkpoints[under_way.checkpoint] * 100));
  return true;
}

// Instances that are replaced when the next checkpoint is reached.
std::int64_t AutoScalingGroup::replaced_at_checkpoint() const {
  const std::vector<double>& checkpoints = refresh_->plan->checkpoints;
  if (refresh_->checkpoint >= checkpoints.size()) return refresh_->all;
  const double share = checkpoints[refresh_->checkpoint];
  return static_cast<std::int64_t>(std::ceil(share * static_cast<double>(refresh_->all) - 1e-9));
}

void AutoScalingGroup::replace_in_refresh(Instances old) {
  if (suspended(Process::launch) || suspended(Process::terminate)) return;
  const HealthyRange& range = refresh_->plan->range;
  const std::int64_t on_top = wanted() - desired_;
  std::int64_t until_checkpoint =
      replaced_at_checkpoint() - (refresh_->all - refresh_->left) - on_top;
  std::int64_t launches = range.above(desired_) - on_top;
  const bool may_terminate = !range.launches_first() || range.min < 1;
  std::int64_t terminations = may_terminate ? range.below(desired_) - unready_in_refresh() : 0;
  for (; until_checkpoint > 0 && (launches > 0 || terminations > 0); --until_checkpoint) {
    const auto chosen = choose(old);
    if (!chosen) return;
    std::erase(old, *chosen);
    if (launches > 0) {
      --launches;
      launch_before_terminating(*chosen, "instance refresh");
      continue;
    }
    --terminations;
    sim().note(Milestone::none, *this,
               fmt::format("{} was taken out of service in response to an instance refresh",
                           instance_name(*chosen)));
    terminate(*chosen);
    launch({}, "an instance was launched in response to an instance refresh");
  }
}

// --- Spot

void AutoScalingGroup::expect_interruption(std::uint32_t instance) {
  AutoScalingInstance& slot = slots_[instance];
  const auto runs = market_.interruption(slot.type);
  if (!runs || *runs > sim().horizon() - sim().now()) return;
  const Duration notice = std::chrono::minutes(2);
  const Duration warned = std::max(*runs, notice);  // even the shortest gets its notice
  slot.interruption = sim().now() + warned;
  const Duration recommended =
      std::max(Duration::zero(), warned - notice - market_.recommendation_lead());
  const std::uint64_t argument = with_epoch(instance);
  sim().after<&AutoScalingGroup::on_rebalance_recommendation>(recommended, this, argument,
                                                              Turn::control);
  sim().after<&AutoScalingGroup::on_interruption_notice>(warned - notice, this, argument,
                                                         Turn::control);
  sim().after<&AutoScalingGroup::on_interrupted>(warned, this, argument, Turn::control);
}

void AutoScalingGroup::on_rebalance_recommendation(std::uint64_t instance_and_epoch) {
  if (tenant_of(instance_and_epoch) == nullptr) return;
  const auto instance = static_cast<std::uint32_t>(instance_and_epoch);
  sim().note(Milestone::none, *this,
             fmt::format("EC2 Instance Rebalance Recommendation for {}", instance_name(instance)));
  if (settings_.capacity_rebalance && !is_being_replaced(instance)) {
    launch_before_terminating(instance, "EC2 instance rebalance recommendation");
  }
}

// Without Capacity Rebalancing the group waits for the end and its health check.
void AutoScalingGroup::on_interruption_notice(std::uint64_t instance_and_epoch) {
  if (tenant_of(instance_and_epoch) == nullptr) return;
  const auto instance = static_cast<std::uint32_t>(instance_and_epoch);
  sim().note(Milestone::none, *this,
             fmt::format("EC2 Spot Instance Interruption Warning for {}", instance_name(instance)));
  if (settings_.capacity_rebalance && !suspended(Process::terminate)) {
    slots_[instance].unhealthy_seen = sim().now();
    replace(instance, "EC2 Spot interruption notice");
  }
}

void AutoScalingGroup::on_interrupted(std::uint64_t instance_and_epoch) {
  AutoScalingInstance* slot = tenant_of(instance_and_epoch);
  if (slot == nullptr) return;
  const auto instance = static_cast<std::uint32_t>(instance_and_epoch);
  slot->interruption.reset();
  metric.interruptions.add();
  sim().note(Milestone::none, *this,
             fmt::format("EC2 has interrupted the Spot instance {}", instance_name(instance)));
  if (is_terminating(slot->lifecycle)) return terminated(instance);
  on_host_lost(instance, sim::HostLoss::reset);
}

}  // namespace windtunnel
