// Groups of Auto Scaling small enough to check by hand: looks every 10 s, launches in 1 + 2 + 3 + 4
// seconds (InService after 3, serving after 10), no load unless a test brings its own.
#pragma once

#include <string>
#include <vector>

#include "models/mechanisms/cloudwatch.hpp"
#include "models/scaling/auto_scaling_group.hpp"
#include "tests/support/small_run.hpp"

namespace windtunnel::test {

using namespace std::chrono_literals;

inline const std::string web_service = "web: {ec2_service: {on: asg, service_time: 10ms}}, ";

// What the settings do not say themselves is as in group().
inline std::string group_with(const std::string& settings) {
  std::string all = settings;
  for (const auto& [key, value] : {std::pair{"health_check_period", "10s"},
                                   {"impaired_tolerance", "60s"},
                                   {"api_time", "1s"},
                                   {"pending_time", "2s"},
                                   {"boot", "3s"},
                                   {"user_data", "4s"},
                                   {"metric_delay", "0s"}}) {
    if (settings.find(key + std::string(":")) == std::string::npos) {
      all += fmt::format(", {}: {}", key, value);
    }
  }
  return "asg: {auto_scaling_group: {" + all + "}}";
}

struct GroupRun : SmallRun {
  explicit GroupRun(const std::string& settings, const std::string& rest = "horizon: 1h",
                    const std::string& others = web_service, std::uint64_t seed = 1)
      : SmallRun(small_experiment(others + group_with(settings), rest), seed),
        group(find<AutoScalingGroup>("asg")) {}

  // As a policy would.
  void desire_at(sim::Duration date, std::int64_t desired, const ScalingCause& cause = {}) {
    script.at(date, [this, desired, cause] { group.set_desired_capacity(desired, cause); });
  }
  // Instances in service at a date, by zone: {2, 1, 1}.
  void zones_at(sim::Duration date, std::vector<int>& zones) {
    script.at(date, [this, &zones] {
      zones.assign(3, 0);
      for (const std::uint32_t i : group.in_service()) ++zones[zone_of(i)];
    });
  }
  std::size_t zone_of(std::uint32_t instance) {
    return sim.platform().zone(group.instance_host(instance));
  }
  void in_service_at(sim::Duration date, std::vector<std::uint32_t>& instances) {
    script.at(date, [this, &instances] { instances = group.in_service(); });
  }
  std::int64_t peak(const std::string& level) const {
    return static_cast<std::int64_t>(metric("asg", level, "max"));
  }
  std::int64_t counted(const std::string& counter) const {
    return static_cast<std::int64_t>(metric("asg", counter));
  }

  AutoScalingGroup& group;
};

}  // namespace windtunnel::test
