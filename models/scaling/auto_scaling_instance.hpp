// One slot of an Auto Scaling group: an instance and where it is in its life. Hosts exist from the
// start of a run, so successive instances take the same slots.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "models/mechanisms/instance_launch.hpp"
#include "models/mechanisms/instance_market.hpp"
#include "models/mechanisms/ports.hpp"
#include "sim/time.hpp"

namespace windtunnel {

// AWS's words. Pending:Proceed and Terminating:Proceed take no time here; the Warmed states of an
// instance on its way out of the pool are those of one on its way out of the group.
enum class Lifecycle : std::uint8_t {
  none,          // an empty slot
  pending,       // launched, or started from the warm pool
  pending_wait,  // a lifecycle hook has it
  in_service,
  terminating,  // draining
  terminating_wait,
  warmed_pending,  // on its way into the warm pool
  warmed_pending_wait,
  warmed,  // Warmed:Stopped, Warmed:Running or Warmed:Hibernated
};
constexpr bool is_launching(Lifecycle l) {
  return l == Lifecycle::pending || l == Lifecycle::pending_wait;
}
constexpr bool is_terminating(Lifecycle l) {
  return l == Lifecycle::terminating || l == Lifecycle::terminating_wait;
}
constexpr bool is_in_warm_pool(Lifecycle l) { return l >= Lifecycle::warmed_pending; }

// A launch activity: why, and where it was refused.
struct LaunchOrder {
  static constexpr std::uint32_t nobody = ~0u;

  LaunchRecord record;  // its beginning
  bool spot = false;
  bool into_warm_pool = false;
  // On top of the desired capacity until it is ready; then an instance goes: `replaces`, or one of
  // the fullest zone.
  bool surplus = false;
  std::uint32_t replaces = nobody;
  std::vector<InstanceMarket::Pool> refused;
  std::optional<sim::ZoneId> zone;  // has other types left to try
};

struct AutoScalingInstance {
  sim::ZoneId zone = 0;
  Lifecycle lifecycle = Lifecycle::none;
  std::uint32_t epoch = 0;  // an event of an earlier tenant or boot is stale
  LaunchOrder order;
  LaunchOrigin origin = LaunchOrigin::cold;
  LaunchStage stage = LaunchStage::api;
  double slowness = 1;
  std::uint32_t type = 0;             // number in the group's market
  std::uint32_t launch_template = 0;  // its version: instance refreshes so far

  bool booting = false;    // EC2 runs it; its system or its user data is not up yet
  bool running = false;    // the machine is up and serves
  bool stopped = false;    // not running in EC2's sense: stopped in order, not just silent
  bool announced = false;  // the program and the load balancer know it
  bool hook_abandons = false;
  bool guarded = false;  // it would have ended, but for the guard
  bool protected_from_scale_in = false;
  bool scaled_in = false;      // it goes by a decision of a policy
  bool elb_unhealthy = false;  // the load balancer's last word, if it has said one since InService
  bool elb_healthy = false;

  sim::Time launched{}, in_service_since{}, running_since{};
  std::optional<sim::Time> impaired_since{};  // EC2 status checks fail
  sim::Duration tolerance{0};
  std::optional<sim::Time> interruption{};    // when EC2 takes the Spot instance back
  std::optional<sim::Time> unhealthy_seen{};  // when the group or the load balancer first saw it

  // An empty slot again.
  void clear() {
    AutoScalingInstance empty;
    empty.zone = zone;
    empty.epoch = epoch + 1;
    *this = empty;
  }
};

}  // namespace windtunnel
