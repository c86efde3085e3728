// What a group buys of EC2: which instance type, On-Demand or Spot, where a launch is refused with
// InsufficientInstanceCapacity, and when a Spot instance is taken back. A pool is an instance type
// in a zone. Left out: prices that change, weights, attribute-based selection, a bid's maximum
// price; interruptions of one pool are independent of each other.
// Source: EC2 Auto Scaling guide, Auto Scaling groups with multiple instance types.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/instance_types.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

namespace settings {
class MixedInstancesPolicy;
class InsufficientCapacity;
class CapacityReservation;
}  // namespace settings

class InstanceMarket {
 public:
  template <typename Message>
  using List = google::protobuf::RepeatedPtrField<Message>;

  struct Pool {
    sim::ZoneId zone = 0;
    std::uint32_t type = 0;  // number in types()
    bool spot = false;
    bool operator==(const Pool&) const = default;
  };

  // `policy` is null for a group of one type, `instance_type`; empty: not told.
  InstanceMarket(const sim::Entity& owner, const std::string& instance_type,
                 const settings::MixedInstancesPolicy* policy,
                 const List<settings::InsufficientCapacity>& shortages,
                 const List<settings::CapacityReservation>& reservations);

  const InstanceType& type(std::uint32_t number) const { return *types_[number].type; }
  std::uint32_t types() const { return static_cast<std::uint32_t>(types_.size()); }
  bool mixed() const { return mixed_; }

  // How many of `total` instances shall be On-Demand; a fraction is one more.
  std::int64_t on_demand_of(std::int64_t total) const;
  // Types in the order in which a launch tries them, `running` of each counted in the group.
  std::vector<std::uint32_t> preference(bool spot, const std::vector<std::int64_t>& running) const;

  // Whether RunInstances is refused; `running` On-Demand instances of the pool use its reservation.
  bool refuses(const Pool& pool, std::int64_t running, sim::Time now);

  // How long a new Spot instance runs until it is interrupted; nothing: it never is.
  std::optional<sim::Duration> interruption(std::uint32_t type);
  // How long before the two-minute notice its rebalance recommendation comes.
  sim::Duration recommendation_lead();

 private:
  enum class OnDemandStrategy : std::uint8_t { prioritized, lowest_price };
  enum class SpotStrategy : std::uint8_t {
    lowest_price,
    capacity_optimized,
    capacity_optimized_prioritized,
    price_capacity_optimized
  };
  struct Type {
    const InstanceType* type;
    double price, interruptions;  // an hour, a second
  };
  struct Shortage {
    std::optional<sim::ZoneId> zone;
    std::optional<std::uint32_t> type;
    bool on_demand, spot;
    sim::Time from, until;
    double share;
  };
  struct Reservation {
    Pool pool;
    std::int64_t instances;
  };
  std::optional<std::uint32_t> number_of(const std::string& instance_type) const;
  void add_types(const settings::MixedInstancesPolicy& policy);
  void add_shortage(sim::Simulation& sim, const settings::InsufficientCapacity& shortage);

  bool mixed_;
  std::int64_t base_ = 0, spot_pools_ = 1;
  double on_demand_share_ = 1;
  OnDemandStrategy on_demand_strategy_ = OnDemandStrategy::prioritized;
  SpotStrategy spot_strategy_ = SpotStrategy::lowest_price;
  sim::Distribution recommendation_;
  std::vector<Type> types_;
  std::vector<Shortage> shortages_;
  std::vector<Reservation> reservations_;
  sim::Stream chance_;
};

}  // namespace windtunnel
