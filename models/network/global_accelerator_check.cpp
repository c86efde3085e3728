// What the accelerator says of its settings before anything runs.
#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

#include "models/network/global_accelerator.hpp"
#include "models/network/global_accelerator.pb.h"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

std::string region_of(const google::protobuf::Message* settings) {
  if (settings == nullptr) return {};
  const auto* field = settings->GetDescriptor()->FindFieldByName("region");
  if (field == nullptr || field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
    return {};
  }
  return settings->GetReflection()->GetString(*settings, field);
}

void check_group(const settings::GlobalAccelerator::EndpointGroup& group, const std::string& path,
                 SettingsCheck& check) {
  const std::string& region = group.endpoint_group_region();
  const Location* place = find_location(region);
  if (place == nullptr || place->code.find('-') == std::string_view::npos) {
    std::vector<std::string> names;
    for (const Location& known : aws_regions()) names.emplace_back(known.code);
    check.error(path + ".endpoint_group_region",
                fmt::format("no region '{}'{}", region, check.did_you_mean(region, names)));
  }
  constexpr int most_endpoints = 10;
  if (group.endpoints().empty()) {
    check.error(path + ".endpoints", "is missing: an endpoint group has one endpoint at least");
  } else if (group.endpoints_size() > most_endpoints) {
    check.error(path + ".endpoints",
                fmt::format("{} are above {} (Global Accelerator guide, Quotas)",
                            group.endpoints_size(), most_endpoints));
  }
  bool weighs = group.endpoints().empty();
  for (int i = 0; i < group.endpoints_size(); ++i) {
    const auto& endpoint = group.endpoints(i);
    weighs |= endpoint.weight() > 0;
    const std::string& name =
        endpoint.has_load_balancer() ? endpoint.load_balancer() : endpoint.instance();
    const std::string its_region = region_of(check.settings_of(name));
    if (its_region.empty() || its_region == region) continue;
    check.error(fmt::format("{}.endpoints.{}", path, i),
                fmt::format("{} is in {}, the endpoint group in {} (Global Accelerator guide, "
                            "Endpoint groups)",
                            name, its_region, region));
  }
  if (!weighs) {
    check.note(path + ".endpoints", "all weights are 0: the group gets no connections");
  }
}

}  // namespace

void GlobalAccelerator::check(const settings::GlobalAccelerator& settings, SettingsCheck& check) {
  if (settings.endpoint_groups().empty()) {
    return check.error("endpoint_groups", "is missing: one endpoint group at least");
  }
  std::set<std::string> regions;
  for (int i = 0; i < settings.endpoint_groups_size(); ++i) {
    const std::string path = fmt::format("endpoint_groups.{}", i);
    const auto& group = settings.endpoint_groups(i);
    check_group(group, path, check);
    if (!regions.insert(group.endpoint_group_region()).second) {
      check.error(path + ".endpoint_group_region",
                  fmt::format("two groups in {}: a listener has one for each region (Global "
                              "Accelerator guide, Endpoint groups)",
                              group.endpoint_group_region()));
    }
    const sim::Duration interval(group.health_check().interval());
    if (interval != std::chrono::seconds(10) && interval != std::chrono::seconds(30)) {
      check.error(path + ".health_check.interval",
                  "is 10s or 30s (Global Accelerator API reference, HealthCheckIntervalSeconds)");
    }
  }
}

}  // namespace windtunnel
