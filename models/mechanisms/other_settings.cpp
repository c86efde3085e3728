#include "models/mechanisms/other_settings.hpp"

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

}  // namespace windtunnel
