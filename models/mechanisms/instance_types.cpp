#include "models/mechanisms/instance_types.hpp"

#include <algorithm>

namespace windtunnel {

namespace {
// name, vCPUs, memory GiB, credits an hour, baseline of each vCPU. Burstable: EC2 user guide, Key
// concepts for burstable performance instances (table of credits); others: EC2 instance types.
const std::vector<InstanceType>& table() {
  static const std::vector<InstanceType> types = {
      {"t2.nano", 1, 0.5, 3, 0.05},      {"t2.micro", 1, 1, 6, 0.10},
      {"t2.small", 1, 2, 12, 0.20},      {"t2.medium", 2, 4, 24, 0.20},
      {"t2.large", 2, 8, 36, 0.30},      {"t2.xlarge", 4, 16, 54, 0.225},
      {"t2.2xlarge", 8, 32, 81.6, 0.17}, {"t3.nano", 2, 0.5, 6, 0.05},
      {"t3.micro", 2, 1, 12, 0.10},      {"t3.small", 2, 2, 24, 0.20},
      {"t3.medium", 2, 4, 24, 0.20},     {"t3.large", 2, 8, 36, 0.30},
      {"t3.xlarge", 4, 16, 96, 0.40},    {"t3.2xlarge", 8, 32, 192, 0.40},
      {"t3a.nano", 2, 0.5, 6, 0.05},     {"t3a.micro", 2, 1, 12, 0.10},
      {"t3a.small", 2, 2, 24, 0.20},     {"t3a.medium", 2, 4, 24, 0.20},
      {"t3a.large", 2, 8, 36, 0.30},     {"t3a.xlarge", 4, 16, 96, 0.40},
      {"t3a.2xlarge", 8, 32, 192, 0.40}, {"t4g.nano", 2, 0.5, 6, 0.05},
      {"t4g.micro", 2, 1, 12, 0.10},     {"t4g.small", 2, 2, 24, 0.20},
      {"t4g.medium", 2, 4, 24, 0.20},    {"t4g.large", 2, 8, 36, 0.30},
      {"t4g.xlarge", 4, 16, 96, 0.40},   {"t4g.2xlarge", 8, 32, 192, 0.40},
      {"m5.large", 2, 8, 0, 0},          {"m5.xlarge", 4, 16, 0, 0},
      {"m5.2xlarge", 8, 32, 0, 0},       {"m5.4xlarge", 16, 64, 0, 0},
      {"m6i.large", 2, 8, 0, 0},         {"m6i.xlarge", 4, 16, 0, 0},
      {"m6i.2xlarge", 8, 32, 0, 0},      {"m6i.4xlarge", 16, 64, 0, 0},
      {"m7i.large", 2, 8, 0, 0},         {"m7i.xlarge", 4, 16, 0, 0},
      {"m7i.2xlarge", 8, 32, 0, 0},      {"m7i.4xlarge", 16, 64, 0, 0},
      {"m7g.large", 2, 8, 0, 0},         {"m7g.xlarge", 4, 16, 0, 0},
      {"m7g.2xlarge", 8, 32, 0, 0},      {"m7g.4xlarge", 16, 64, 0, 0},
      {"c5.large", 2, 4, 0, 0},          {"c5.xlarge", 4, 8, 0, 0},
      {"c5.2xlarge", 8, 16, 0, 0},       {"c5.4xlarge", 16, 32, 0, 0},
      {"c6i.large", 2, 4, 0, 0},         {"c6i.xlarge", 4, 8, 0, 0},
      {"c6i.2xlarge", 8, 16, 0, 0},      {"c6i.4xlarge", 16, 32, 0, 0},
      {"c7g.large", 2, 4, 0, 0},         {"c7g.xlarge", 4, 8, 0, 0},
      {"c7g.2xlarge", 8, 16, 0, 0},      {"c7g.4xlarge", 16, 32, 0, 0},
      {"r5.large", 2, 16, 0, 0},         {"r5.xlarge", 4, 32, 0, 0},
      {"r5.2xlarge", 8, 64, 0, 0},       {"r5.4xlarge", 16, 128, 0, 0},
      {"r6i.large", 2, 16, 0, 0},        {"r6i.xlarge", 4, 32, 0, 0},
      {"r6i.2xlarge", 8, 64, 0, 0},      {"r6i.4xlarge", 16, 128, 0, 0},
  };
  return types;
}
}  // namespace

const InstanceType* find_instance_type(std::string_view name) {
  const auto found = std::find_if(table().begin(), table().end(),
                                  [&](const InstanceType& type) { return type.name == name; });
  return found == table().end() ? nullptr : &*found;
}

std::vector<std::string> instance_type_names() {
  std::vector<std::string> names;
  for (const InstanceType& type : table()) names.push_back(type.name);
  return names;
}

}  // namespace windtunnel
