// What a scaling policy may know and do of the thing that it scales: an Auto Scaling group's
// desired capacity, a service's tasks, a table's units. Application Auto Scaling's word for it is
// scalable target.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "sim/time.hpp"

namespace windtunnel {

// Units of capacity by what they count as (rules 12 to 14).
struct Capacity {
  std::int64_t desired = 0;
  std::int64_t in_service = 0;   // serving and warmed up
  std::int64_t warming = 0;      // serving, warm-up not over
  std::int64_t pending = 0;      // being launched
  std::int64_t terminating = 0;  // still there
};

// Why capacity changes, for the activity's text and for the parts of scaling lag.
struct ScalingCause {
  std::string policy;  // its name
  std::string text;    // AWS's wording: "monitor alarm TargetTracking-web-asg-AlarmHigh in state
                       // ALARM triggered policy ..."
  std::optional<sim::Time> breached;  // when the first breaching datapoint could be read
  std::optional<sim::Time> alarm;     // when the alarm went to ALARM
};

// Limits of a capacity, both included.
struct CapacityLimits {
  std::int64_t min = 0, max = 0;

  std::int64_t clamp(std::int64_t capacity) const { return std::max(min, std::min(capacity, max)); }
};

class Scalable {
 public:
  virtual ~Scalable() = default;
  // "autoscaling:autoScalingGroup:DesiredCapacity", "ecs:service:DesiredCount", ...
  virtual std::string scalable_dimension() const = 0;
  virtual Capacity capacity() const = 0;
  // Clamped to [minimum, maximum] by the caller. The date is now.
  virtual void set_desired_capacity(std::int64_t desired, const ScalingCause& cause) = 0;
  // A scaling activity (launches or terminations of an earlier decision) has not finished.
  virtual bool scaling_in_progress() const = 0;
  // When the last activity finished; nothing: none has.
  virtual std::optional<sim::Time> last_activity_end() const = 0;
  // Its own: MinSize and MaxSize of a group; nothing: who scales it has them.
  virtual std::optional<CapacityLimits> limits() const { return std::nullopt; }
};

// Who scales a resource, for the resource to find in wire(): it makes room for the most that may
// come.
class Scaler {
 public:
  virtual ~Scaler() = default;
  virtual const std::string& scaled_resource() const = 0;
  virtual CapacityLimits scaled_limits() const = 0;
};

}  // namespace windtunnel
