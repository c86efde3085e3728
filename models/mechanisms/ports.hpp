// What services know of each other. A model never includes another service: it finds a port by the
// name in its settings. The names in quotes are those of the schema's `provides` and `reference`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/instance_types.hpp"
#include "sim/entity.hpp"
#include "sim/time.hpp"

namespace windtunnel {

struct Location;  // geography.hpp
struct IpPrefix;  // ip_prefix.hpp

// The question "where is it?", as an authoritative server hears it. Read and write may have
// different names (Aurora's endpoints). `chance` orders or draws answers where the service does.
struct Query {
  sim::Operation operation;
  sim::Stream& chance;
  // Where the server believes the asker to be: its resolver, or itself with EDNS Client Subnet;
  // nullptr: nothing is known, as of who asks from inside AWS without a region.
  const Location* from = nullptr;
  // The asker's network as the server sees it, likewise; nullptr: not known.
  const IpPrefix* subnet = nullptr;
  // Where the one that will connect is: anycast goes by it, whatever DNS believes.
  const Location* client = nullptr;
};

// The answer, as DNS gives it.
struct Resolution {
  std::vector<sim::Address> addresses;  // in the order a client tries them; empty: no answer
  sim::Duration ttl = sim::forever;
  sim::Duration connection_lifetime =
      sim::forever;                              // the longest a server keeps a client's connection
  sim::Duration connection_idle = sim::forever;  // the longest it keeps one that is not used
};

// "callable": something that takes calls under a name.
class Callable {
 public:
  virtual ~Callable() = default;
  virtual Resolution resolve(const Query& query) = 0;
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
  // A lost instance has booted again, or a new one for the first time; it serves.
  virtual void on_instance_resumed(std::uint32_t instance) = 0;
};

// Who computes on a fleet's instances. The group's CPU metric and its CPU credits come from it.
class CpuMeter {
 public:
  virtual ~CpuMeter() = default;
  // vCPU-seconds that this program has used on the instance since the run began; grows only.
  virtual double cpu_seconds(std::uint32_t instance) const = 0;
  // The vCPUs that it takes an instance to have where the fleet does not tell its type.
  virtual double vcpus() const { return 2; }
};

// How an instance (or task) came to be: the control loop's links, for the parts of scaling lag. A
// date that never was is absent; those that are there do not decrease from top to bottom.
struct LaunchRecord {
  std::optional<sim::Time> breached;  // the first breaching datapoint could be read
  std::optional<sim::Time> alarm;     // the alarm went to ALARM
  std::optional<sim::Time> decided;   // the desired capacity was raised
  struct Stage {
    const char* name;  // "API", "pending", "boot", "user data", "lifecycle hook", ...
    sim::Time end;
  };
  std::vector<Stage> stages;          // in order; the first begins at the launch activity
  std::optional<sim::Time> launched;  // the launch activity began
  std::optional<sim::Time> in_service;
  std::optional<sim::Time> warm;  // its warm-up is over; may lie ahead
};

// Keeps instances that terminate: ECS's managed draining, by a lifecycle hook.
class TerminationGuard {
 public:
  virtual ~TerminationGuard() = default;
  virtual bool may_terminate(std::uint32_t instance) = 0;
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

  // In service, but its system or its user data is not up yet; on_instance_resumed() tells when.
  virtual bool booting(std::uint32_t /*instance*/) const { return false; }

  // What the instance is; its type may differ from one launch to the next (mixed instances).
  virtual const InstanceType& instance_type(std::uint32_t instance) const;
  virtual void add_cpu_meter(const CpuMeter&) {}
  virtual const LaunchRecord& launch_record(std::uint32_t instance) const;
  // Its size may change: policies, or a minimum below its maximum.
  virtual bool scales() const { return false; }

  // A running instance that terminates is kept, when its deregistration delay is over, until the
  // guard lets it go: then, or by the second call.
  virtual void guard_terminations(TerminationGuard&) {}
  virtual void termination_may_go_on(std::uint32_t /*instance*/) {}
  // Scale-in passes it by.
  virtual void protect_from_scale_in(std::uint32_t /*instance*/, bool /*yes*/) {}
};

}  // namespace windtunnel
