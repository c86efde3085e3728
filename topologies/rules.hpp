// Rules between the fields of one message, as the schema states them (schema.proto, Rule).
#pragma once

#include <optional>
#include <set>
#include <string>

#include "topologies/reflect.hpp"

namespace windtunnel {

using Fields = std::set<const google::protobuf::FieldDescriptor*>;

// How a rule is broken. Without a field the text is about the message as a whole.
struct Breach {
  const google::protobuf::FieldDescriptor* field = nullptr;  // whose value is wrong ...
  const google::protobuf::FieldDescriptor* other = nullptr;  // ... beside this one's
  std::string text;
};

// `given` are the fields that the user wrote, `present` those and the fields with a default.
// A rule that cannot be read is a breach too: the schema is wrong.
std::optional<Breach> breach_of(const schema::Rule& rule, const google::protobuf::Message& message,
                                const Fields& given, const Fields& present);

// " (source)", or nothing where the schema has none.
std::string in_brackets(const std::string& source);

}  // namespace windtunnel
