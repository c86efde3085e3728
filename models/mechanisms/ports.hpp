// What services know of each other. A model never includes another service: it finds a port by the
// name in its settings. The names in quotes are those of the schema's `provides` and `reference`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/entity.hpp"
#include "sim/time.hpp"

namespace windtunnel {

// The answer to "where is it?", as DNS gives it.
struct Resolution {
  std::vector<sim::Address> addresses;  // in the order a client tries them; empty: no answer
  sim::Duration ttl = sim::forever;
  sim::Duration connection_lifetime =
      sim::forever;  // the longest a server keeps a client's connection
};

// "callable": something that takes calls under a name.
class Callable {
 public:
  virtual ~Callable() = default;
  // Read and write may have different names (Aurora's endpoints). `chance` orders addresses at
  // random where the service does.
  virtual Resolution resolve(sim::Operation operation, sim::Stream& chance) = 0;
  // Callers hold no connection and ask no DNS: a queue of the textbooks, not a service.
  virtual bool direct() const { return false; }
  // What evaluate-target-health sees.
  virtual bool healthy() const { return true; }
};

// Who wants to hear of a service's targets.
class TargetObserver {
 public:
  virtual ~TargetObserver() = default;
  virtual void on_target_registered(std::uint32_t target) = 0;
  virtual void on_target_deregistered(std::uint32_t target) = 0;
};

// "targets": a service whose nodes can stand in a target group. A target is a node's number.
class Targets {
 public:
  virtual ~Targets() = default;
  virtual std::uint32_t max_targets() const = 0;
  virtual sim::Address target_address(std::uint32_t target) = 0;
  virtual void observe_targets(TargetObserver& observer) = 0;
  // The load balancer's word on a target; it reaches the group behind the service.
  virtual void report_target_health(std::uint32_t target, bool healthy) = 0;
  // Told by the load balancer: how long a target that leaves may finish its requests.
  virtual void set_deregistration_delay(sim::Duration delay) = 0;
};

// Who runs on a fleet's instances. All of it happens inside operations or plain events, never in
// between.
class FleetObserver {
 public:
  virtual ~FleetObserver() = default;
  virtual void on_instance_in_service(std::uint32_t instance) = 0;
  // It gets no new work; it ends after the fleet's deregistration delay, or at once if it is dead.
  virtual void on_instance_terminating(std::uint32_t instance) = 0;
  virtual void on_instance_terminated(std::uint32_t instance) = 0;
  virtual void on_instance_lost(std::uint32_t instance, sim::HostLoss loss) = 0;
  // A lost instance has booted again; it serves.
  virtual void on_instance_resumed(std::uint32_t instance) = 0;
};

// "fleet": a group of instances. An instance's number is its slot; an address's life tells its
// successive tenants.
class Fleet {
 public:
  virtual ~Fleet() = default;
  virtual std::uint32_t max_instances() const = 0;
  virtual sim::HostId instance_host(std::uint32_t instance) const = 0;
  virtual void observe_fleet(FleetObserver& observer) = 0;
  // The load balancer's health of an instance; whether it counts is the group's setting.
  virtual void report_elb_health(std::uint32_t instance, bool healthy) = 0;
  virtual void set_deregistration_delay(sim::Duration delay) = 0;
  // Instances in service now.
  virtual std::vector<std::uint32_t> in_service() const = 0;
};

}  // namespace windtunnel
