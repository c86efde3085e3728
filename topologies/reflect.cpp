#include "topologies/reflect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace windtunnel {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void collect(const Message& message, const std::string& path, std::vector<TextValue>& values) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!is_message && field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
    const std::string own = join(path, field->name());
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

bool provides(const schema::Model& model, const std::string& port) {
  return std::find(model.provides().begin(), model.provides().end(), port) !=
         model.provides().end();
}

std::string written(const google::protobuf::EnumValueDescriptor& value) {
  std::string text = value.name();
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
  for (TextValue& value : text_values(message)) {
    const bool top = value.field->containing_type() == message.GetDescriptor();
    if (top && value.field->name() == field) texts.push_back(std::move(value.text));
  }
  return texts;
}

}  // namespace windtunnel
