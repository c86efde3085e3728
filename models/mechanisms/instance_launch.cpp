#include "models/mechanisms/instance_launch.hpp"

namespace windtunnel {

const char* to_string(LaunchStage stage) {
  static constexpr const char* names[] = {"API", "pending", "boot", "user data", "start"};
  return names[static_cast<int>(stage)];
}

std::optional<LaunchStage> LaunchStages::next(LaunchStage stage, LaunchOrigin origin) {
  switch (stage) {
    case LaunchStage::api:
      return origin == LaunchOrigin::cold ? LaunchStage::pending : LaunchStage::start;
    case LaunchStage::pending:
      return LaunchStage::boot;
    case LaunchStage::boot:
      return LaunchStage::user_data;
    case LaunchStage::user_data:
    case LaunchStage::start:
      break;
  }
  return std::nullopt;
}

const sim::Distribution& LaunchStages::distribution(LaunchStage stage, LaunchOrigin origin) const {
  switch (stage) {
    case LaunchStage::api:
      return times_.api;
    case LaunchStage::pending:
      return times_.pending;
    case LaunchStage::boot:
      return times_.boot;
    case LaunchStage::user_data:
      return times_.user_data;
    case LaunchStage::start:
      break;
  }
  if (origin == LaunchOrigin::running) return times_.from_running;
  return origin == LaunchOrigin::hibernated ? times_.from_hibernated : times_.from_stopped;
}

sim::Duration LaunchStages::sample(LaunchStage stage, LaunchOrigin origin, double slowness,
                                   sim::Stream& chance) const {
  const sim::Duration time = distribution(stage, origin).sample(chance);
  if (slowness == 1 || stage == LaunchStage::user_data) return time;
  return sim::from_seconds(sim::seconds(time) * slowness);
}

sim::Duration LaunchStages::sample_reboot(sim::Stream& chance) const {
  const sim::Duration boot = times_.boot.sample(chance);
  return boot + times_.user_data.sample(chance);
}

}  // namespace windtunnel
