// ECS services whose stages take round times: 10 + 40 + 5 s on Fargate, 20 + 5 s on instances (5 s
// where the image is cached), a scheduler that acts after a second, metrics read without delay.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "models/compute/ecs_service.hpp"
#include "tests/support/small_run.hpp"

namespace windtunnel::test {

inline std::string ecs_service(const std::string& settings, const std::string& name = "web") {
  std::string all = settings;
  for (const char* usual : {"service_time: 10ms", "provisioning: 10s", "fargate_image_pull: 40s",
                            "image_pull: 20s", "container_start: 5s", "scheduler_delay: 1s",
                            "failure_detection: 60s", "metric_delay: 0s"}) {
    const std::string key = " " + std::string(usual).substr(0, std::string(usual).find(':') + 1);
    if ((" " + settings).find(key) == std::string::npos) all += std::string(", ") + usual;
  }
  return fmt::format("{}: {{ecs_service: {{{}}}}}", name, all);
}
inline std::string fargate(const std::string& settings) {
  return ecs_service("cpu: 256, memory: 512MiB, " + settings);
}
// On the instances of `asg`: 2 vCPUs and 8 GiB, so that four tasks of 512 CPU units fit.
inline std::string on_ec2(const std::string& settings, const std::string& provider = "") {
  return ecs_service(
             "cpu: 512, memory: 1GiB, capacity_provider_strategy: [{capacity_provider: "
             "instances, weight: 1}], " +
             settings) +
         ", instances: {ecs_capacity_provider: {auto_scaling_group: asg, metric_delay: 0s, " +
         provider + "}}";
}
inline std::string instances(const std::string& settings) {
  return group("instance_type: m5.large, " + settings);
}
inline std::string alb(const std::string& settings = "") {
  return "alb: {application_load_balancer: {targets: web, deregistration_delay: 10s, " + settings +
         "}}";
}

struct EcsRun : SmallRun {
  explicit EcsRun(const std::string& components, const std::string& rest = "horizon: 20min",
                  int zones = 3)
      : SmallRun(small_experiment(components, rest, zones)), web(find<EcsService>("web")) {}

  std::int64_t running() const {
    return static_cast<std::int64_t>(web.tasks().in_service().size());
  }
  // Running tasks at the dates, in order; the run ends with the last.
  std::vector<std::int64_t> running_at(std::initializer_list<sim::Duration> dates) {
    std::vector<std::int64_t> found;
    for (const sim::Duration date : dates) {
      script.at(
          date, [this, &found] { found.push_back(running()); }, sim::Turn::sample);
    }
    sim.run();
    return found;
  }
  // Running tasks by zone ("a", "b") now.
  std::map<std::string, int> by_zone() {
    std::map<std::string, int> found;
    for (const std::uint32_t task : web.tasks().in_service()) {
      const auto zone = sim.platform().zone(web.tasks().instance_host(task));
      ++found[sim.network().name(zone).substr(std::string("us-east-1").size())];
    }
    return found;
  }
  // Running tasks by the host they are on, in ascending order of their number.
  std::vector<int> by_host() const {
    std::map<sim::HostId, int> hosts;
    for (const std::uint32_t task : web.tasks().in_service()) {
      ++hosts[web.tasks().instance_host(task)];
    }
    std::vector<int> counts;
    for (const auto& [host, count] : hosts) counts.push_back(count);
    std::sort(counts.begin(), counts.end());
    return counts;
  }
  void scale_at(sim::Duration date, std::int64_t tasks) {
    script.at(date, [this, tasks] {
      ScalingCause cause;
      cause.text = "a test";
      web.set_desired_capacity(tasks, cause);
    });
  }

  EcsService& web;
};

}  // namespace windtunnel::test
