// Settings that are declared once and written among those of the messages that hold them.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/topologies/reading.hpp"
#include "topologies/reader.hpp"
#include "topologies/reflect.hpp"

namespace windtunnel {
namespace {

namespace pb = google::protobuf;
using testing::ElementsAre;

// M has `on`, `limit` and, flattened, the fields of Program.
constexpr const char* schema_text = R"(
name: 'flattened.proto' syntax: 'proto3' package: 'flattened' dependency: 'models/schema.proto'
message_type { name: 'Program'
  options { [windtunnel.schema.message] { rules: { holds: 'few < many' source: 'The Book' } } }
  field { name: 'few' number: 1 type: TYPE_INT64 label: LABEL_OPTIONAL
          options { [windtunnel.schema.field] { default: '2' min: '1' sentence: 'few things'
                                                source: 'UNSOURCED' } } }
  field { name: 'many' number: 2 type: TYPE_INT64 label: LABEL_OPTIONAL
          options { [windtunnel.schema.field] { required: true sentence: 'many things' } } }
  field { name: 'to' number: 3 type: TYPE_STRING label: LABEL_REPEATED
          options { [windtunnel.schema.field] { reference: 'callable' sentence: 'who' } } }
  field { name: 'red' number: 4 type: TYPE_INT64 label: LABEL_OPTIONAL oneof_index: 0
          options { [windtunnel.schema.field] { sentence: 'red ones' } } }
  field { name: 'blue' number: 5 type: TYPE_INT64 label: LABEL_OPTIONAL oneof_index: 0
          options { [windtunnel.schema.field] { sentence: 'blue ones' } } }
  oneof_decl { name: 'colour' } }
message_type { name: 'M'
  options { [windtunnel.schema.message] { rules: { holds: 'many <= limit' } } }
  field { name: 'on' number: 1 type: TYPE_STRING label: LABEL_OPTIONAL
          options { [windtunnel.schema.field] { sentence: 'where' } } }
  field { name: 'program' number: 2 type: TYPE_MESSAGE type_name: '.flattened.Program'
          label: LABEL_OPTIONAL
          options { [windtunnel.schema.field] { flattened: true sentence: 'what runs' } } }
  field { name: 'limit' number: 3 type: TYPE_INT64 label: LABEL_OPTIONAL
          options { [windtunnel.schema.field] { default: '100' sentence: 'at most' } } } })";

struct Read {
  explicit Read(const std::string& text) : pool(pb::DescriptorPool::generated_pool()) {
    pb::FileDescriptorProto file;
    if (!pb::TextFormat::ParseFromString(schema_text, &file)) return;
    const pb::FileDescriptor* built = pool.BuildFile(file);
    if (built == nullptr) return;
    message.reset(factory.GetPrototype(built->FindMessageTypeByName("M"))->New());
    Diagnostics diagnostics;
    const auto node = parse_document(text, "a.yaml", diagnostics);
    read_message(*node, {"m", "m", node->place}, *message, readings, diagnostics);
    said = diagnostics.print();
  }
  const Assumption* assumption(const std::string& path) const {
    for (const Assumption& a : readings.assumptions) {
      if (a.path == path) return &a;
    }
    return nullptr;
  }

  pb::DescriptorPool pool;
  pb::DynamicMessageFactory factory;
  std::unique_ptr<pb::Message> message;
  Readings readings;
  std::string said = "the schema of the test is wrong";
};

TEST(Flattened, FieldsAreWrittenAmongThoseOfTheirHolder) {
  const Read read("{on: g, few: 3, many: 9, red: 1}");
  EXPECT_EQ(read.said, "");
  EXPECT_EQ(read.message->ShortDebugString(),
            "on: \"g\" program { few: 3 many: 9 red: 1 } limit: 100");
}

TEST(Flattened, FieldsHaveNeitherTheNameOfTheMessageNorAMapOfItsName) {
  EXPECT_EQ(Read("{program: {few: 3, many: 9, red: 1}, many: 9, red: 1}").said,
            "a.yaml:1:2: unknown field 'program' of m\n");
}

TEST(Flattened, FieldsAreSuggestedForMisspeltNames) {
  EXPECT_EQ(Read("{mny: 9, many: 9, red: 1}").said,
            "a.yaml:1:2: unknown field 'mny' of m, did you mean 'many'?\n");
}

TEST(Flattened, FieldsAreToldByPathsWithoutTheMessagesName) {
  const Read read("{few: 0, red: 1, many: x}");
  EXPECT_EQ(read.said,
            "a.yaml:1:2: m.few: 0 is below 1\n"
            "a.yaml:1:18: m.many: 'x' is not a whole number\n");
  EXPECT_EQ(read.readings.places.at("m.many").column, 18u);
}

TEST(Flattened, FieldsAreMissedAndOneofsToo) {
  EXPECT_EQ(Read("{on: g}").said,
            "a.yaml:1:1: m: many is missing: many things\n"
            "a.yaml:1:1: m: colour is missing: red or blue\n");
  EXPECT_EQ(Read("{many: 9, red: 1, blue: 2}").said,
            "a.yaml:1:19: m: red and blue exclude each other\n");
}

TEST(Flattened, DefaultsAreAssumptionsOfTheHolder) {
  const Read read("{many: 9, red: 1}");
  ASSERT_NE(read.assumption("m.few"), nullptr);
  EXPECT_EQ(read.assumption("m.few")->value, "2");
  EXPECT_TRUE(read.assumption("m.few")->unsourced);
  ASSERT_NE(read.assumption("m.many"), nullptr);
  EXPECT_TRUE(read.assumption("m.many")->given);
}

TEST(Flattened, RulesHoldWithinTheMessageAndOverItsHolder) {
  EXPECT_EQ(Read("{few: 9, many: 9, red: 1}").said,
            "a.yaml:1:2: m.few: 9 is not below many, 9 (The Book)\n");
  EXPECT_EQ(Read("{many: 101, red: 1}").said, "a.yaml:1:2: m.many: 101 is above limit, 100\n");
}

TEST(Flattened, TextsAreFoundUnderTheirWrittenPaths) {
  const Read read("{on: g, many: 9, red: 1, to: [a, b]}");
  std::vector<std::string> paths;
  for (const TextValue& value : text_values(*read.message)) paths.push_back(value.path);
  EXPECT_THAT(paths, ElementsAre("on", "to.0", "to.1"));
  EXPECT_THAT(texts_of(*read.message, "to"), ElementsAre("a", "b"));
}

// As the ec2_service holds its program.
TEST(Flattened, SettingsAreOverriddenByTheirWrittenPaths) {
  EXPECT_EQ(said(experiment_of(web_components()), {"components.web.workers=0"}),
            "--set components.web.workers:1:1: web.workers: 0 is below 1\n");
}

TEST(Flattened, ReferencesAreEdgesWithTheirPlaces) {
  EXPECT_EQ(said(experiment_of(web_components()), {"components.web.calls.0.to=dbb"}),
            "--set components.web.calls.0.to:1:1: web.calls.0.to: no component 'dbb', did you mean "
            "'db'?\n");
}

}  // namespace
}  // namespace windtunnel
