#include "topologies/reflect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace windtunnel {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The field of `message` through which `field` is flattened into it; nullptr: it is its own.
const FieldDescriptor* way_to(const Descriptor& message, const FieldDescriptor& field) {
  for (int i = 0; field.containing_type() != &message && i < message.field_count(); ++i) {
    const FieldDescriptor& way = *message.field(i);
    if (!options_of(way).flattened()) continue;
    const auto fields = fields_of(*way.message_type());
    if (std::find(fields.begin(), fields.end(), &field) != fields.end()) return &way;
  }
  return nullptr;
}

void collect(const Message& message, const std::string& path, std::vector<TextValue>& values) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!is_message && field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
    const std::string own = options_of(*field).flattened() ? path : join(path, field->name());
    if (!field->is_repeated()) {
      if (is_message) {
        collect(reflection.GetMessage(message, field), own, values);
      } else {
        values.push_back({field, own, reflection.GetString(message, field)});
      }
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      const std::string item = join(own, fmt::format("{}", i));
      if (is_message) {
        collect(reflection.GetRepeatedMessage(message, field, i), item, values);
      } else {
        values.push_back({field, item, reflection.GetRepeatedString(message, field, i)});
      }
    }
  }
}

}  // namespace

std::vector<const FieldDescriptor*> fields_of(const Descriptor& message) {
  std::vector<const FieldDescriptor*> fields;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor* field = message.field(i);
    if (!options_of(*field).flattened()) {
      fields.push_back(field);
      continue;
    }
    const auto inner = fields_of(*field->message_type());
    fields.insert(fields.end(), inner.begin(), inner.end());
  }
  return fields;
}

const FieldDescriptor* find_field(const Descriptor& message, std::string_view name) {
  for (const FieldDescriptor* field : fields_of(message)) {
    if (field->name() == name) return field;
  }
  return nullptr;
}

Message& holder_of(Message& message, const FieldDescriptor& field) {
  const FieldDescriptor* way = way_to(*message.GetDescriptor(), field);
  if (way == nullptr) return message;
  return holder_of(*message.GetReflection()->MutableMessage(&message, way), field);
}

const Message& holder_of(const Message& message, const FieldDescriptor& field) {
  const FieldDescriptor* way = way_to(*message.GetDescriptor(), field);
  if (way == nullptr) return message;
  return holder_of(message.GetReflection()->GetMessage(message, way), field);
}

bool provides(const schema::Model& model, const std::string& port) {
  return std::find(model.provides().begin(), model.provides().end(), port) !=
         model.provides().end();
}

std::string written(const google::protobuf::EnumValueDescriptor& value) {
  std::string text = value.name();
  const auto is_small = [](char c) { return c >= 'a' && c <= 'z'; };
  if (std::any_of(text.begin(), text.end(), is_small)) return text;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string join(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

std::vector<TextValue> text_values(const Message& message) {
  std::vector<TextValue> values;
  collect(message, "", values);
  return values;
}

std::vector<std::string> texts_of(const Message& message, const std::string& field) {
  std::vector<std::string> texts;
  const FieldDescriptor* wanted = find_field(*message.GetDescriptor(), field);
  for (TextValue& value : text_values(message)) {
    if (value.field == wanted) texts.push_back(std::move(value.text));
  }
  return texts;
}

}  // namespace windtunnel
