// What an EC2 instance type means to the simulation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace windtunnel {

struct InstanceType {
  std::string name;  // "t3.medium"; empty: not told
  std::int64_t vcpus = 2;
  double memory_gib = 4;
  // Burstable types (T2, T3, T3a, T4g): CPU credits earned an hour by the instance, and the share
  // of one vCPU that they sustain. 0: not burstable.
  double credits_per_hour = 0;
  double baseline = 0;  // of each vCPU, 0 to 1

  bool burstable() const { return credits_per_hour > 0; }
  // They accumulate for 24 hours. Source: EC2 user guide, Key concepts for burstable instances.
  double credits_max() const { return 24 * credits_per_hour; }
};

// Null: not a type we know. Source of all figures: EC2 user guide and instance type pages.
const InstanceType* find_instance_type(std::string_view name);
// In the order of the table, for messages.
std::vector<std::string> instance_type_names();

}  // namespace windtunnel
