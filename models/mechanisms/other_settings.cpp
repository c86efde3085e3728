#include "models/mechanisms/other_settings.hpp"

#include <vector>

#include "models/schema.pb.h"

namespace windtunnel {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

namespace {

const FieldDescriptor* follow(const Message*& message, const std::string& path) {
  std::size_t from = 0;
  while (message != nullptr) {
    const std::size_t dot = path.find('.', from);
    const auto* field = message->GetDescriptor()->FindFieldByName(path.substr(from, dot - from));
    if (field == nullptr || dot == std::string::npos) return field;
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->is_repeated()) break;
    message = &message->GetReflection()->GetMessage(*message, field);
    from = dot + 1;
  }
  return nullptr;
}

}  // namespace

bool has_setting(const Message* settings, const std::string& path) {
  const FieldDescriptor* field = follow(settings, path);
  if (field == nullptr) return false;
  const auto& reflection = *settings->GetReflection();
  return field->is_repeated() ? reflection.FieldSize(*settings, field) > 0
                              : reflection.HasField(*settings, field);
}

std::optional<std::int64_t> integer_setting(const Message* settings, const std::string& path) {
  const FieldDescriptor* field = follow(settings, path);
  if (field == nullptr || field->cpp_type() != FieldDescriptor::CPPTYPE_INT64) return std::nullopt;
  const auto& reflection = *settings->GetReflection();
  if (field->has_presence() && !reflection.HasField(*settings, field)) return std::nullopt;
  return reflection.GetInt64(*settings, field);
}

std::string text_setting(const Message* settings, const std::string& path) {
  const FieldDescriptor* field = follow(settings, path);
  if (field == nullptr || field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return {};
  return settings->GetReflection()->GetString(*settings, field);
}

bool refers_to(const Message* settings, std::string_view port, const std::string& component) {
  if (settings == nullptr) return false;
  const auto& reflection = *settings->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(*settings, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!is_message && field->options().GetExtension(schema::field).reference() != port) continue;
    const int count = field->is_repeated() ? reflection.FieldSize(*settings, field) : 1;
    for (int i = 0; i < count; ++i) {
      const bool found =
          is_message
              ? refers_to(field->is_repeated() ? &reflection.GetRepeatedMessage(*settings, field, i)
                                               : &reflection.GetMessage(*settings, field),
                          port, component)
              : component == (field->is_repeated()
                                  ? reflection.GetRepeatedString(*settings, field, i)
                                  : reflection.GetString(*settings, field));
      if (found) return true;
    }
  }
  return false;
}

}  // namespace windtunnel
