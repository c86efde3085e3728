// What is refused of an ECS service's settings beyond what the schema can say.
#include <fmt/format.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "models/compute/ecs_service.hpp"
#include "models/compute/ecs_service.pb.h"
#include "models/mechanisms/queue_consumer.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

using google::protobuf::Message;

constexpr std::int64_t mebibyte = 1 << 20;
constexpr std::int64_t gibibyte = 1024;  // in MiB

// ECS developer guide, Task CPU and memory for tasks on Fargate.
struct FargateSize {
  std::int64_t cpu, from, to, step;  // MiB
};
constexpr FargateSize fargate_sizes[] = {
    {256, 512, 512, 1},
    {256, gibibyte, 2 * gibibyte, gibibyte},
    {512, gibibyte, 4 * gibibyte, gibibyte},
    {1024, 2 * gibibyte, 8 * gibibyte, gibibyte},
    {2048, 4 * gibibyte, 16 * gibibyte, gibibyte},
    {4096, 8 * gibibyte, 30 * gibibyte, gibibyte},
    {8192, 16 * gibibyte, 60 * gibibyte, 4 * gibibyte},
    {16384, 32 * gibibyte, 120 * gibibyte, 8 * gibibyte},
};

void check_fargate_size(const settings::EcsService& s, SettingsCheck& check) {
  const std::int64_t memory = s.memory() / mebibyte;
  std::string allowed;
  for (const FargateSize& size : fargate_sizes) {
    if (size.cpu != s.cpu()) continue;
    if (memory >= size.from && memory <= size.to && (memory - size.from) % size.step == 0) return;
    if (!allowed.empty()) allowed += ", ";
    allowed += size.from == size.to
                   ? fmt::format("{}MiB", size.from)
                   : fmt::format("{} to {}GiB in steps of {}GiB", size.from / gibibyte,
                                 size.to / gibibyte, size.step / gibibyte);
  }
  if (allowed.empty()) {
    return check.error("cpu", fmt::format("{} is not 256, 512, 1024, 2048, 4096, 8192 or 16384, "
                                          "as Fargate has it (ECS developer guide, Task size)",
                                          s.cpu()));
  }
  check.error("memory", fmt::format("{}MiB is not what Fargate has for {} CPU units: {} (ECS "
                                    "developer guide, Task size)",
                                    memory, s.cpu(), allowed));
}

std::string text_of(const Message* message, const char* name) {
  if (message == nullptr) return {};
  const auto* field = message->GetDescriptor()->FindFieldByName(name);
  return field == nullptr ? std::string() : message->GetReflection()->GetString(*message, field);
}

// A group of several types is left to the run.
void check_instance_size(const settings::EcsService& s, const std::string& path,
                         const std::string& provider, SettingsCheck& check) {
  const std::string group = text_of(check.settings_of(provider), "auto_scaling_group");
  const Message* settings = check.settings_of(group);
  if (settings == nullptr) return;
  const auto* mixed = settings->GetDescriptor()->FindFieldByName("mixed_instances_policy");
  if (mixed != nullptr && settings->GetReflection()->HasField(*settings, mixed)) return;
  const std::string named = text_of(settings, "instance_type");
  const InstanceType* known = find_instance_type(named);
  const InstanceType type = known == nullptr ? InstanceType{} : *known;
  const TaskSize task{s.cpu(), s.memory() / mebibyte};
  const TaskSize instance{type.vcpus * 1024, static_cast<std::int64_t>(type.memory_gib * 1024)};
  if (task.fits_in(instance)) return;
  check.error(path, fmt::format("a task of {} CPU units and {}MiB fits on no instance of {}: {} "
                                "has {} and {}MiB (EC2 instance types)",
                                task.cpu, task.memory, group,
                                named.empty() ? "an instance without instance_type" : named,
                                instance.cpu, instance.memory));
}

void check_capacity(const settings::EcsService& s, SettingsCheck& check) {
  const auto& items = s.capacity_provider_strategy();
  const bool ec2 = items.empty() && s.launch_type() == settings::EcsService::EC2;
  if (ec2 == s.container_instances().empty()) {
    check.error(ec2 ? "launch_type" : "container_instances",
                ec2 ? "ec2 needs container_instances" : "goes with launch_type ec2 only");
  } else if (ec2) {
    check_instance_size(s, "container_instances", s.container_instances(), check);
  }
  if (items.empty()) {
    if (!ec2) check_fargate_size(s, check);
    return;
  }
  const bool fargate = items[0].has_fargate();
  std::int64_t weights = 0, bases = 0;
  for (int i = 0; i < items.size(); ++i) {
    const std::string path = fmt::format("capacity_provider_strategy.{}", i);
    weights += items[i].weight();
    bases += items[i].base() > 0;
    if (items[i].has_fargate() != fargate) {
      check.error(path,
                  "a strategy has Fargate's providers or those of Auto Scaling groups, not "
                  "both (ECS developer guide, Fargate capacity providers)");
    } else if (!fargate) {
      check_instance_size(s, path + ".capacity_provider", items[i].capacity_provider(), check);
    }
  }
  const char* source = "ECS API, CapacityProviderStrategyItem";
  if (items.size() > 20) {
    check.error("capacity_provider_strategy",
                fmt::format("{} items are more than 20 ({})", items.size(), source));
  }
  if (weights == 0) {
    check.error("capacity_provider_strategy",
                fmt::format("no item has a weight above 0 ({})", source));
  }
  if (bases > 1) {
    check.error("capacity_provider_strategy",
                fmt::format("{} items have a base, one may ({})", bases, source));
  }
  if (fargate) check_fargate_size(s, check);
}

void check_deployment(const settings::EcsService& s, SettingsCheck& check) {
  const auto& deployment = s.deployment_configuration();
  const auto count = static_cast<double>(s.desired_count());
  const bool none_starts = std::floor(count * deployment.maximum_percent() + 1e-9) <= count;
  const bool none_stops = std::ceil(count * deployment.minimum_healthy_percent() - 1e-9) >= count;
  if (none_starts && none_stops && s.desired_count() > 0) {
    check.error("deployment_configuration",
                fmt::format("with {} tasks no task may start and none may stop: nothing can be "
                            "replaced (ECS API, DeploymentConfiguration)",
                            s.desired_count()));
  }
}

void check_placement(const settings::EcsService& s, SettingsCheck& check) {
  using S = settings::EcsService::Strategy;
  const auto& strategies = s.placement_strategy();
  const char* source = "ECS API, PlacementStrategy";
  if (strategies.size() > 5) {
    check.error("placement_strategy",
                fmt::format("{} strategies are more than five ({})", strategies.size(), source));
  }
  for (int i = 0; i < strategies.size(); ++i) {
    const std::vector<std::string> fields =
        strategies[i].type() == S::spread
            ? std::vector<std::string>{"attribute:ecs.availability-zone", "instanceId"}
        : strategies[i].type() == S::binpack ? std::vector<std::string>{"cpu", "memory"}
                                             : std::vector<std::string>{""};
    const std::string& field = strategies[i].field();
    if (std::find(fields.begin(), fields.end(), field) != fields.end()) continue;
    check.error(fmt::format("placement_strategy.{}.field", i),
                fields.size() == 1
                    ? fmt::format("random has no field ({})", source)
                    : fmt::format("'{}' is not {} or {}{} ({})", field, fields[0], fields[1],
                                  check.did_you_mean(field, fields), source));
  }
}

}  // namespace

void EcsService::check(const settings::EcsService& settings, SettingsCheck& check) {
  check_capacity(settings, check);
  check_deployment(settings, check);
  check_placement(settings, check);
  QueueConsumer::check(settings.program().polls(), "polls", check);
  const bool fargate = settings.container_instances().empty() &&
                       (settings.capacity_provider_strategy().empty() ||
                        settings.capacity_provider_strategy(0).has_fargate());
  if (fargate && sim::Duration(settings.stop_timeout()) > std::chrono::seconds(120)) {
    check.error("stop_timeout",
                "is above 120s, Fargate's maximum (ECS developer guide, Container "
                "timeouts)");
  }
}

}  // namespace windtunnel
