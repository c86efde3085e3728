// What a runbook names must be there. The services it acts on are known by their settings' fields
// alone.
#include <fmt/format.h>
#include <google/protobuf/message.h>

#include <algorithm>

#include "models/mechanisms/geography.hpp"
#include "models/operations/operator.hpp"
#include "models/operations/operator.pb.h"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Settings = settings::Operator;

std::string text_of(const Message& message, const char* field) {
  const FieldDescriptor* found = message.GetDescriptor()->FindFieldByName(field);
  return found == nullptr ? "" : message.GetReflection()->GetString(message, found);
}

// Every message within it, itself included.
template <typename Visit>
void visit(const Message& message, Visit&& what) {
  what(message);
  std::vector<const FieldDescriptor*> fields;
  const auto& reflection = *message.GetReflection();
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->is_map()) continue;
    const int size = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < size; ++i) {
      visit(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                 : reflection.GetMessage(message, field),
            what);
    }
  }
}

// Set identifiers of a name's records.
std::vector<std::string> records_of(const Message& name) {
  std::vector<std::string> ids;
  visit(name, [&](const Message& message) {
    if (message.GetDescriptor()->name() != "Answer") return;
    const std::string id = text_of(message, "id"), alias = text_of(message, "alias");
    ids.push_back(!id.empty() ? id : !alias.empty() ? alias : text_of(message, "value"));
  });
  if (name.GetDescriptor()->FindFieldByName("failover") != nullptr && ids.size() == 2) {
    ids.insert(ids.end(), {"primary", "secondary"});
  }
  return ids;
}

std::vector<std::string> named(const Message& cluster, std::string_view message_name) {
  std::vector<std::string> names;
  visit(cluster, [&](const Message& message) {
    if (message.GetDescriptor()->name() == message_name) names.push_back(text_of(message, "name"));
  });
  return names;
}

bool enabled(const Message& resource) {
  const FieldDescriptor* field = resource.GetDescriptor()->FindFieldByName("zonal_shift");
  return field == nullptr || resource.GetReflection()->GetBool(resource, field);
}

void expect(SettingsCheck& check, const std::string& path, const std::string& what,
            const std::string& name, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  check.error(path, fmt::format("no {} '{}'{}", what, name, check.did_you_mean(name, known)));
}

void check_records(const Settings::ChangeRecords& step, const std::string& path,
                   SettingsCheck& check) {
  const Message* name = check.settings_of(step.name());
  if (name == nullptr) return;
  const std::vector<std::string> ids = records_of(*name);
  const FieldDescriptor* weighted = name->GetDescriptor()->FindFieldByName("weighted");
  for (int i = 0; i < step.changes_size(); ++i) {
    const auto& change = step.changes(i);
    const std::string at = fmt::format("{}.changes.{}", path, i);
    if (!change.record().empty()) {
      expect(check, at + ".record", "record", change.record(), ids);
    } else if (ids.size() > 1) {
      check.error(at, fmt::format("record is missing: {} has several", step.name()));
    }
    if (change.has_weight() && weighted != nullptr &&
        name->GetReflection()->FieldSize(*name, weighted) == 0) {
      check.error(at + ".weight", fmt::format("the records of {} have no weights", step.name()));
    }
  }
}

void check_controls(const Settings::UpdateRoutingControls& step, const std::string& path,
                    SettingsCheck& check) {
  const Message* cluster = check.settings_of(step.cluster());
  if (cluster == nullptr) return;
  for (int i = 0; i < step.states_size(); ++i) {
    expect(check, fmt::format("{}.states.{}.control", path, i), "routing control",
           step.states(i).control(), named(*cluster, "RoutingControl"));
  }
  for (int i = 0; i < step.safety_rules_to_override_size(); ++i) {
    expect(check, fmt::format("{}.safety_rules_to_override.{}", path, i), "safety rule",
           step.safety_rules_to_override(i), named(*cluster, "SafetyRule"));
  }
}

void check_endpoint_group(const Settings::UpdateEndpointGroup& step, const std::string& path,
                          SettingsCheck& check) {
  if (!step.has_traffic_dial() && step.weights().empty()) {
    check.error(path, "changes nothing: traffic_dial or weights is missing");
  }
  const Message* accelerator = check.settings_of(step.accelerator());
  if (accelerator == nullptr) return;
  std::vector<std::string> regions, endpoints;
  visit(*accelerator, [&](const Message& message) {
    if (message.GetDescriptor()->name() != "EndpointGroup") return;
    regions.push_back(text_of(message, "endpoint_group_region"));
    if (regions.back() != step.region()) return;
    visit(message, [&](const Message& part) {
      if (part.GetDescriptor()->name() != "Endpoint") return;
      endpoints.push_back(text_of(part, "load_balancer") + text_of(part, "instance"));
    });
  });
  expect(check, path + ".region", "endpoint group in", step.region(), regions);
  for (int i = 0; i < step.weights_size() && !endpoints.empty(); ++i) {
    expect(check, fmt::format("{}.weights.{}.endpoint", path, i), "endpoint",
           step.weights(i).endpoint(), endpoints);
  }
}

}  // namespace

void Operator::check(const Settings& settings, SettingsCheck& check) {
  if (settings.steps().empty()) check.error("", "steps is missing: what to do");
  for (int i = 0; i < settings.steps_size(); ++i) {
    const auto& step = settings.steps(i);
    const std::string path = fmt::format("steps.{}.", i);
    if (step.has_change_records()) {
      check_records(step.change_records(), path + "change_records", check);
    } else if (step.has_update_routing_controls()) {
      check_controls(step.update_routing_controls(), path + "update_routing_controls", check);
    } else if (step.has_update_endpoint_group()) {
      check_endpoint_group(step.update_endpoint_group(), path + "update_endpoint_group", check);
    } else if (step.has_start_zonal_shift()) {
      const std::string& zone = step.start_zonal_shift().away_from();
      const Message* resource = check.settings_of(step.start_zonal_shift().resource());
      if (resource != nullptr && !enabled(*resource)) {
        check.error(path + "start_zonal_shift.resource",
                    fmt::format("{} is not enabled for it: its zonal_shift is false (ARC guide, "
                                "Supported resources)",
                                step.start_zonal_shift().resource()));
      }
      const Location* region = find_location(zone.substr(0, zone.empty() ? 0 : zone.size() - 1));
      if (region == nullptr) {
        check.error(path + "start_zonal_shift.away_from",
                    fmt::format("'{}' is no availability zone", zone));
      }
    }
  }
}

}  // namespace windtunnel
