#include "models/operations/arc_readiness_check.hpp"

#include <fmt/format.h>
#include <google/protobuf/message.h>

#include <map>
#include <vector>

#include "models/operations/arc_readiness_check.pb.h"
#include "models/registry.hpp"
#include "models/schema.pb.h"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

using Values = std::map<std::string, std::string>;  // by path

void collect(const Message& message, const std::string& path, Values& values);

std::string number(double value, schema::Unit unit) {
  if (unit == schema::DURATION) return fmt::format("{}s", value * 1e-9);
  if (unit == schema::SHARE) return fmt::format("{}%", value * 100);
  return fmt::format("{}", value);
}

void collect(const Message& message, const FieldDescriptor& field, int index,
             const std::string& path, Values& values) {
  const Reflection& of = *message.GetReflection();
  const bool many = field.is_repeated();
  const schema::Unit unit = field.options().GetExtension(schema::field).unit();
  const auto as_number = [&](auto value) {
    values[path] = number(static_cast<double>(value), unit);
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return collect(
          many ? of.GetRepeatedMessage(message, &field, index) : of.GetMessage(message, &field),
          path, values);
    case FieldDescriptor::CPPTYPE_STRING:
      values[path] =
          many ? of.GetRepeatedString(message, &field, index) : of.GetString(message, &field);
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      values[path] =
          (many ? of.GetRepeatedEnum(message, &field, index) : of.GetEnum(message, &field))->name();
      return;
    case FieldDescriptor::CPPTYPE_BOOL:
      values[path] =
          (many ? of.GetRepeatedBool(message, &field, index) : of.GetBool(message, &field))
              ? "true"
              : "false";
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return as_number(many ? of.GetRepeatedDouble(message, &field, index)
                            : of.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return as_number(many ? of.GetRepeatedInt64(message, &field, index)
                            : of.GetInt64(message, &field));
    default:  // no setting is of another type
      return;
  }
}

// Names and places differ from cell to cell.
bool is_place(const FieldDescriptor& field) {
  return !field.options().GetExtension(schema::field).reference().empty() ||
         field.name() == "region" || field.name() == "availability_zones" ||
         field.name() == "name" || field.name().ends_with("_az");
}

void collect(const Message& message, const std::string& path, Values& values) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (is_place(*field)) continue;
    const bool flat = field->options().GetExtension(schema::field).flattened();
    const std::string here = flat           ? path
                             : path.empty() ? field->name()
                                            : path + "." + field->name();
    if (!field->is_repeated()) {
      collect(message, *field, 0, here, values);
      continue;
    }
    const int size = message.GetReflection()->FieldSize(message, field);
    for (int i = 0; i < size; ++i) {
      collect(message, *field, i, fmt::format("{}.{}", here, i), values);
    }
  }
}

void compare(const std::string& path, const std::string& model_name, const Message& model,
             const std::string& name, const Message& settings, SettingsCheck& check) {
  if (model.GetDescriptor() != settings.GetDescriptor()) {
    return check.error(path, fmt::format("{} and {} are not of one model", name, model_name));
  }
  Values expected, found;
  collect(model, "", expected);
  collect(settings, "", found);
  const auto value = [](const Values& values, const std::string& at) {
    const auto it = values.find(at);
    return it == values.end() ? "absent" : it->second;
  };
  Values all = expected;
  all.insert(found.begin(), found.end());
  for (const auto& [at, unused] : all) {
    if (value(expected, at) == value(found, at)) continue;
    check.note(path, fmt::format("not ready: {}.{} is {}, {}.{} is {}", name, at, value(found, at),
                                 model_name, at, value(expected, at)));
  }
}

}  // namespace

void ArcReadinessCheck::check(const settings::ArcReadinessCheck& settings, SettingsCheck& check) {
  if (settings.resources_size() < 2) check.error("", "resources names two components at least");
  for (int i = 0; i < settings.resources_size(); ++i) {
    const std::string path = fmt::format("resources.{}", i);
    const std::string& name = settings.resources(i);
    const Message* found = check.settings_of(name);
    if (found == nullptr) {
      check.error(path, fmt::format("no component '{}'{}", name,
                                    check.did_you_mean(name, check.components())));
      continue;
    }
    const Message* model = check.settings_of(settings.resources(0));
    if (i > 0 && model != nullptr) {
      compare(path, settings.resources(0), *model, name, *found, check);
    }
  }
}

REGISTER_MODEL(ArcReadinessCheck, settings::ArcReadinessCheck);

}  // namespace windtunnel
