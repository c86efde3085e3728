// Every message that users write: its options can be read.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "experiments/experiment.pb.h"
#include "models/registry.hpp"
#include "topologies/quantity.hpp"
#include "topologies/reader.hpp"
#include "topologies/reflect.hpp"

namespace windtunnel {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// Once for each message that can be reached from an experiment or a model.
void for_each_message(const std::function<void(const Descriptor&)>& visit) {
  std::set<const Descriptor*> seen;
  const std::function<void(const Descriptor&)> walk = [&](const Descriptor& message) {
    if (!seen.insert(&message).second) return;
    if (!message.options().map_entry()) visit(message);
    for (int i = 0; i < message.field_count(); ++i) {
      if (const Descriptor* inner = message.field(i)->message_type(); inner != nullptr)
        walk(*inner);
    }
  };
  walk(*settings::Experiment::descriptor());
  for (const auto& [name, entry] : models()) walk(*entry.descriptor());
}

bool is_readable(const std::string& limit, const FieldDescriptor& field) {
  const schema::Unit unit = options_of(field).unit();
  if (limit.empty()) return true;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64:
      return parse_quantity<std::int64_t>(limit, unit).value.has_value();
    case FieldDescriptor::CPPTYPE_UINT64:
      return parse_quantity<std::uint64_t>(limit, unit).value.has_value();
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return parse_quantity<double>(limit, unit).value.has_value();
    default:
      return false;
  }
}

TEST(Schema, HasReadableLimits) {
  for_each_message([](const Descriptor& message) {
    for (int i = 0; i < message.field_count(); ++i) {
      const FieldDescriptor& field = *message.field(i);
      EXPECT_TRUE(is_readable(options_of(field).min(), field)) << field.full_name();
      EXPECT_TRUE(is_readable(options_of(field).max(), field)) << field.full_name();
    }
  });
}

TEST(Schema, SaysWhatEachFieldIs) {
  for_each_message([](const Descriptor& message) {
    for (int i = 0; i < message.field_count(); ++i) {
      EXPECT_NE(options_of(*message.field(i)).sentence(), "") << message.field(i)->full_name();
    }
  });
}

TEST(Schema, HasUnitsOnlyOnFieldsThatCanHoldThem) {
  for_each_message([](const Descriptor& message) {
    for (int i = 0; i < message.field_count(); ++i) {
      const FieldDescriptor& field = *message.field(i);
      const schema::Unit unit = options_of(field).unit();
      const auto type = field.cpp_type();
      if (unit == schema::DURATION || unit == schema::BYTES) {
        EXPECT_EQ(type, FieldDescriptor::CPPTYPE_INT64) << field.full_name();
      } else if (unit == schema::DATE) {
        EXPECT_EQ(type, FieldDescriptor::CPPTYPE_STRING) << field.full_name();
      } else if (unit != schema::NONE) {
        EXPECT_EQ(type, FieldDescriptor::CPPTYPE_DOUBLE) << field.full_name();
      }
    }
  });
}

TEST(Schema, HasShorthandsThatExist) {
  for_each_message([](const Descriptor& message) {
    const std::string& shorthand = options_of(message).shorthand();
    if (shorthand.empty()) return;
    EXPECT_NE(find_field(message, shorthand), nullptr) << message.full_name();
  });
}

// An empty message takes every default; what is then said is about values that have none.
TEST(Schema, HasDefaultsThatObeyTheirOwnLimits) {
  for_each_message([](const Descriptor& descriptor) {
    const google::protobuf::Message& prototype =
        *google::protobuf::MessageFactory::generated_factory()->GetPrototype(&descriptor);
    const std::unique_ptr<google::protobuf::Message> message(prototype.New());
    Diagnostics diagnostics;
    Readings readings;
    Node empty;
    empty.kind = Node::Kind::MAP;
    read_message(empty, {"m", "m", {"a.yaml", 1, 1}}, *message, readings, diagnostics);
    for (const Diagnostic& diagnostic : diagnostics.sorted()) {
      const bool missing = diagnostic.text.find(" is missing: ") != std::string::npos ||
                           diagnostic.text.starts_with("m: needs ");
      EXPECT_TRUE(missing) << descriptor.full_name() << ": " << diagnostic.text;
    }
  });
}

TEST(Schema, GivesASourceOrItsLackForEveryDefaultOfAModel) {
  const std::set<std::string> own = {"Client", "Station"};  // ours, not AWS's
  for (const auto& [name, entry] : models()) {
    const Descriptor& message = *entry.descriptor();
    if (own.contains(message.name())) continue;
    for (const FieldDescriptor* of_model : fields_of(message)) {
      const FieldDescriptor& field = *of_model;
      const bool switched = field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL;
      if (options_of(field).default_().empty() || options_of(field).default_() == "{}") continue;
      EXPECT_TRUE(switched || !options_of(field).source().empty()) << field.full_name();
    }
  }
}

}  // namespace
}  // namespace windtunnel
