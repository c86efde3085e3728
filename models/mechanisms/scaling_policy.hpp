// One policy of ScalingPolicies: which capacity it wants, given what it sees. Policies only wish;
// ScalingPolicies weighs the wishes and carries one out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "models/mechanisms/alarm.hpp"
#include "models/mechanisms/scalable.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

// The target as policies see it. Ready units are, on EC2, those in service whose warm-up is over;
// for Application Auto Scaling those that run.
struct ScalingView {
  std::int64_t desired = 0;
  std::int64_t current = 0;  // for scale-in: ready ones and those that terminate
  // What a scale-out counts from: ready ones, but in a scale-out cooldown of Application Auto
  // Scaling the capacity before the scale-out that began it, so that only a larger one adds more.
  std::int64_t base = 0;
  bool simple_may_act = true;  // no activity, no cooldown of a simple policy

  std::int64_t out_by(std::int64_t increase) const { return std::max(desired, base + increase); }
  std::int64_t in_by(std::int64_t decrease) const { return std::min(desired, current - decrease); }
};

// What a policy goes by when it makes its alarms.
struct ScalingContext {
  bool ec2 = true;
  std::string resource;   // in alarms' names
  std::string component;  // whose metrics predefined types mean
  AlarmListener* listener = nullptr;
};

class ScalingPolicy {
 public:
  // At least the desired capacity: a scale-out, or nothing less than now. Below: a scale-in.
  struct Wish {
    std::int64_t capacity;
    const Alarm* alarm;
  };

  ScalingPolicy(std::string name, bool enabled) : name_(std::move(name)), enabled_(enabled) {}
  ScalingPolicy(const ScalingPolicy&) = delete;
  ScalingPolicy& operator=(const ScalingPolicy&) = delete;
  virtual ~ScalingPolicy() = default;

  // Finds the alarms that are components.
  virtual void wire(sim::Wiring&, AlarmListener&) {}
  // Makes its own alarms.
  virtual void attach(CloudWatch& cloudwatch, const ScalingContext& context) = 0;
  // Nothing: no alarm of it is in ALARM, or it would change nothing.
  virtual std::optional<Wish> wish(const ScalingView& view) const = 0;
  // A scale-in needs this policy's word too.
  virtual bool consents_to_tracked_scale_in() const { return false; }
  virtual bool is_simple() const { return false; }

  const std::string& name() const { return name_; }
  bool enabled() const { return enabled_; }

  // EstimatedInstanceWarmup; policies without warm-up (simple) have zero.
  std::optional<sim::Duration> warmup = sim::Duration(0);
  // Of Application Auto Scaling, and the cooldown of a simple policy (out).
  sim::Duration out_cooldown{0}, in_cooldown{0};

 private:
  std::string name_;
  bool enabled_;
};

}  // namespace windtunnel
