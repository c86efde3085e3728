#include "models/mechanisms/instance_market.hpp"

#include <algorithm>
#include <cmath>

#include "models/mechanisms/instance_market.pb.h"
#include "models/mechanisms/settings.hpp"

namespace windtunnel {

namespace {
const InstanceType& type_named(const std::string& name) {
  static const InstanceType not_told;
  if (name.empty()) return not_told;
  const InstanceType* type = find_instance_type(name);
  WT_CHECK(type != nullptr, "an instance type that the reader accepted does not exist");
  return *type;
}
}  // namespace

InstanceMarket::InstanceMarket(const sim::Entity& owner, const std::string& instance_type,
                               const settings::MixedInstancesPolicy* policy,
                               const List<settings::InsufficientCapacity>& shortages,
                               const List<settings::CapacityReservation>& reservations)
    : mixed_(policy != nullptr), chance_(owner.stream("instance market")) {
  if (policy != nullptr) add_types(*policy);
  if (types_.empty()) {
    const double interruptions = policy == nullptr ? 0 : policy->spot_interruptions();
    types_.push_back({&type_named(instance_type), 1, interruptions});
  }
  for (const auto& shortage : shortages) add_shortage(owner.sim(), shortage);
  for (const auto& reservation : reservations) {
    const auto zone = owner.sim().network().find(reservation.az());
    const auto type = number_of(reservation.instance_type());
    if (zone && type) reservations_.push_back({{*zone, *type, false}, reservation.instances()});
  }
}

void InstanceMarket::add_types(const settings::MixedInstancesPolicy& policy) {
  base_ = policy.on_demand_base_capacity();
  on_demand_share_ = policy.on_demand_percentage_above_base_capacity();
  on_demand_strategy_ = static_cast<OnDemandStrategy>(policy.on_demand_allocation_strategy());
  spot_strategy_ = static_cast<SpotStrategy>(policy.spot_allocation_strategy());
  spot_pools_ = policy.spot_instance_pools();
  recommendation_ = to_distribution(policy.rebalance_recommendation());
  for (const auto& override : policy.overrides()) {
    types_.push_back(
        {&type_named(override.instance_type()), override.price(),
         override.has_interruptions() ? override.interruptions() : policy.spot_interruptions()});
  }
}

void InstanceMarket::add_shortage(sim::Simulation& sim,
                                  const settings::InsufficientCapacity& shortage) {
  using S = settings::InsufficientCapacity;
  Shortage made{.zone = std::nullopt,
                .type = std::nullopt,
                .on_demand = shortage.market() != S::SPOT,
                .spot = shortage.market() != S::ON_DEMAND,
                .from = sim::time_zero + to_duration(shortage.from()),
                .until = shortage.has_until() ? sim::time_zero + to_duration(shortage.until())
                                              : sim::Time::max(),
                .share = shortage.share()};
  if (!shortage.az().empty()) {
    made.zone = sim.network().find(shortage.az());
    if (!made.zone) return;
  }
  if (!shortage.instance_type().empty()) {
    made.type = number_of(shortage.instance_type());
    if (!made.type) return;  // the group does not launch it
  }
  shortages_.push_back(made);
}

// An empty name is the first type.
std::optional<std::uint32_t> InstanceMarket::number_of(const std::string& instance_type) const {
  if (instance_type.empty()) return 0;
  for (std::uint32_t i = 0; i < types(); ++i) {
    if (type(i).name == instance_type) return i;
  }
  return std::nullopt;
}

std::int64_t InstanceMarket::on_demand_of(std::int64_t total) const {
  if (total <= base_) return total;
  const double above = static_cast<double>(total - base_) * on_demand_share_;
  return base_ + static_cast<std::int64_t>(std::ceil(above - 1e-9));
}

std::vector<std::uint32_t> InstanceMarket::preference(
    bool spot, const std::vector<std::int64_t>& running) const {
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < types(); ++i) order.push_back(i);
  const auto sort_from = [&](std::size_t first, auto key) {
    std::stable_sort(order.begin() + static_cast<std::ptrdiff_t>(first), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
  };
  const auto price = [&](std::uint32_t i) { return types_[i].price; };
  const auto interruptions = [&](std::uint32_t i) { return types_[i].interruptions; };
  if (!spot) {
    if (on_demand_strategy_ == OnDemandStrategy::lowest_price) sort_from(0, price);
    return order;
  }
  switch (spot_strategy_) {
    case SpotStrategy::lowest_price: {
      sort_from(0, price);
      const auto pools = order.begin() + std::min<std::ptrdiff_t>(spot_pools_, std::ssize(order));
      std::stable_sort(order.begin(), pools,
                       [&](std::uint32_t a, std::uint32_t b) { return running[a] < running[b]; });
      break;
    }
    case SpotStrategy::capacity_optimized:
    case SpotStrategy::capacity_optimized_prioritized:  // ties stay in the order of the list
      sort_from(0, interruptions);
      break;
    case SpotStrategy::price_capacity_optimized: {
      sort_from(0, interruptions);
      const auto half = order.begin() + (std::ssize(order) + 1) / 2;
      std::stable_sort(order.begin(), half,
                       [&](std::uint32_t a, std::uint32_t b) { return price(a) < price(b); });
      break;
    }
  }
  return order;
}

bool InstanceMarket::refuses(const Pool& pool, std::int64_t running, sim::Time now) {
  for (const Reservation& reservation : reservations_) {
    if (reservation.pool == pool && running < reservation.instances) return false;
  }
  for (const Shortage& shortage : shortages_) {
    if (now < shortage.from || now >= shortage.until) continue;
    if (!(pool.spot ? shortage.spot : shortage.on_demand)) continue;
    if (shortage.zone.value_or(pool.zone) != pool.zone) continue;
    if (shortage.type.value_or(pool.type) != pool.type) continue;
    if (chance_.chance(shortage.share)) return true;
  }
  return false;
}

std::optional<sim::Duration> InstanceMarket::interruption(std::uint32_t type) {
  const double rate = types_[type].interruptions;
  if (rate <= 0) return std::nullopt;
  return sim::Distribution::exponential(1 / rate).sample(chance_);
}

sim::Duration InstanceMarket::recommendation_lead() { return recommendation_.sample(chance_); }

}  // namespace windtunnel
