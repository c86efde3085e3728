#include "models/mechanisms/cpu_credits.hpp"

#include <algorithm>

namespace windtunnel {

using sim::Duration;
using sim::Time;

namespace {
constexpr double launch_credits_per_vcpu = 30;  // EC2 user guide, T2 launch credits
// A balance worth less than this time at full speed counts as none, and a slowed instance is let go
// with twice as much: bounds the number of looks.
constexpr double resolution = 0.1;  // s

bool is_t2(const InstanceType& type) { return type.name.starts_with("t2."); }
}  // namespace

CpuCredits::CpuCredits(sim::Component& component, Owner& owner, Specification specification,
                       const Fleet& fleet)
    : Entity(component, "CPU credits"),
      component_(component),
      owner_(owner),
      specification_(specification),
      fleet_(fleet),
      accounts_(fleet.max_instances()) {}

bool CpuCredits::is_unlimited(const InstanceType& type) const {
  return specification_ == Specification::by_type ? !is_t2(type)
                                                  : specification_ == Specification::unlimited;
}

void CpuCredits::on_launched(std::uint32_t instance) {
  Account& account = accounts_[instance];
  const std::uint32_t life = account.life + 1;
  account = {.type = fleet_.instance_type(instance), .life = life};
  if (!account.type.burstable()) return;
  account.open = true;
  account.unlimited = is_unlimited(account.type);
  if (is_t2(account.type)) {
    account.launch = launch_credits_per_vcpu * static_cast<double>(account.type.vcpus);
  }
  account.cpu_seconds = account.reported_usage = owner_.cpu_used(instance);
  account.updated = sim().now();
  if (!account.unlimited) on_look((std::uint64_t{life} << 32) | instance);
}

void CpuCredits::on_terminated(std::uint32_t instance) {
  accounts_[instance] = {.type = {}, .life = accounts_[instance].life + 1};
}

double CpuCredits::balance(std::uint32_t instance) {
  update(instance);
  return accounts_[instance].balance();
}

double CpuCredits::surplus(std::uint32_t instance) {
  update(instance);
  return accounts_[instance].surplus;
}

void CpuCredits::update(std::uint32_t instance) {
  Account& account = accounts_[instance];
  if (!account.open) return;
  const double cpu_seconds = owner_.cpu_used(instance);
  double spent = (cpu_seconds - account.cpu_seconds) / 60;
  const double from_launch = std::min(account.launch, spent);
  account.launch -= from_launch;
  spent -= from_launch;
  account.earned += account.income() * sim::seconds(sim().now() - account.updated) - spent;
  account.cpu_seconds = cpu_seconds;
  account.updated = sim().now();
  // Surplus credits fill what is missing; what is earned beyond pays them down.
  const double paid = std::min(account.earned, account.surplus);
  if (account.unlimited) {
    account.surplus -= paid;
    account.earned -= paid;
    const double beyond = std::max(0.0, account.surplus - account.type.credits_max());
    account.surplus -= beyond;
    account.charged += beyond;
  }
  account.earned = std::clamp(account.earned, 0.0, account.type.credits_max());
}

void CpuCredits::on_look(std::uint64_t instance_and_life) {
  const auto instance = static_cast<std::uint32_t>(instance_and_life);
  Account& account = accounts_[instance];
  if (!account.open || account.life != instance_and_life >> 32) return;
  update(instance);
  const double none = account.burn() * resolution;
  const bool slowed = account.balance() < (account.slowed ? 2 * none : none);
  if (slowed != account.slowed) {
    account.slowed = slowed;
    owner_.on_cpu_share(instance, slowed ? account.type.baseline : 1);
  }
  // At the earliest possible date: all vCPUs busy until then, or, slowed, all idle.
  const double wait = slowed ? (2 * none - account.balance()) / account.income()
                             : account.balance() / (account.burn() - account.income());
  sim().after<&CpuCredits::on_look>(sim::from_seconds(std::max(wait, resolution)), this,
                                    instance_and_life, sim::Turn::control);
}

void CpuCredits::publish(const std::string& group) {
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  const auto add = [&](const char* name, Published which) {
    cloudwatch.publish({.component = component_.name(),
                        .space = "AWS/EC2",
                        .name = name,
                        .dimensions = {{"AutoScalingGroupName", group}},
                        .period = std::chrono::minutes(5),
                        .delay = {}},
                       *this, which);
  };
  add("CPUCreditBalance", credit_balance);
  add("CPUCreditUsage", credit_usage);
  add("CPUSurplusCreditBalance", surplus_balance);
  add("CPUSurplusCreditsCharged", charged);
}

void CpuCredits::collect(std::uint32_t which, Time, Time, StatisticSet& out) {
  for (std::uint32_t i = 0; i < accounts_.size(); ++i) {
    Account& account = accounts_[i];
    if (!account.open) continue;
    update(i);
    switch (which) {
      case credit_balance:
        out.add(account.balance());
        break;
      case credit_usage:
        out.add((account.cpu_seconds - account.reported_usage) / 60);
        account.reported_usage = account.cpu_seconds;
        break;
      case surplus_balance:
        out.add(account.surplus);
        break;
      default:
        out.add(account.charged - account.reported_charged);
        account.reported_charged = account.charged;
    }
  }
}

}  // namespace windtunnel
