// Protobuf's reflection in the words of our schema.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/schema.pb.h"

namespace windtunnel {

inline const schema::Field& options_of(const google::protobuf::FieldDescriptor& field) {
  return field.options().GetExtension(schema::field);
}

inline const schema::Message& options_of(const google::protobuf::Descriptor& message) {
  return message.options().GetExtension(schema::message);
}

inline const schema::Model& model_of(const google::protobuf::Descriptor& message) {
  return message.options().GetExtension(schema::model);
}

bool provides(const schema::Model& model, const std::string& port);

// A message's fields as users write them: those of a flattened message stand in its place, at any
// depth.
std::vector<const google::protobuf::FieldDescriptor*> fields_of(
    const google::protobuf::Descriptor& message);
// One of them by its name; nullptr: there is none.
const google::protobuf::FieldDescriptor* find_field(const google::protobuf::Descriptor& message,
                                                    std::string_view name);
// The message that holds one of them: `message` itself, or what is flattened into it.
google::protobuf::Message& holder_of(google::protobuf::Message& message,
                                     const google::protobuf::FieldDescriptor& field);
const google::protobuf::Message& holder_of(const google::protobuf::Message& message,
                                           const google::protobuf::FieldDescriptor& field);

// As users write them: FULL_JITTER is full_jitter, PercentChangeInCapacity (AWS's spelling) stays.
std::string written(const google::protobuf::EnumValueDescriptor& value);

// "web" and "calls" are "web.calls"; an empty path is a file's root.
std::string join(const std::string& path, const std::string& name);

// A text that a message holds, at any depth; lists have their index in the path: "calls.0.to".
struct TextValue {
  const google::protobuf::FieldDescriptor* field;
  std::string path;
  std::string text;
};

// All that are not empty, in the order of the fields.
std::vector<TextValue> text_values(const google::protobuf::Message& message);

// The text of one field, or of all of a list; none if the message has no such text field.
std::vector<std::string> texts_of(const google::protobuf::Message& message,
                                  const std::string& field);

}  // namespace windtunnel
