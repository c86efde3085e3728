#include "topologies/rules.hpp"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "topologies/reader.hpp"

namespace windtunnel {
namespace {

namespace pb = google::protobuf;

// A message M of a schema made up for one test.
class Schema {
 public:
  explicit Schema(const std::string& options) : pool_(pb::DescriptorPool::generated_pool()) {
    const std::string text =
        "name: 'test.proto' syntax: 'proto3' package: 'test' "
        "dependency: 'models/schema.proto' message_type { name: 'M' "
        "options { [windtunnel.schema.message] {" +
        options + "} } " + field("timeout", 1, "TYPE_INT64", "unit: DURATION default: '5s'") +
        field("interval", 2, "TYPE_INT64", "unit: DURATION default: '30s'") +
        field("low", 3, "TYPE_DOUBLE", "") + field("high", 4, "TYPE_DOUBLE", "") +
        field("middle", 5, "TYPE_DOUBLE", "") + "}";
    pb::FileDescriptorProto file;
    if (!pb::TextFormat::ParseFromString(text, &file)) return;
    const pb::FileDescriptor* built = pool_.BuildFile(file);
    if (built != nullptr) message_.reset(factory_.GetPrototype(built->message_type(0))->New());
  }

  std::string said(const std::string& text) {
    if (message_ == nullptr) return "the schema of the test is wrong";
    Diagnostics diagnostics;
    Readings readings;
    const auto node = parse_document(text, "a.yaml", diagnostics);
    read_message(*node, {"m", "m", node->place}, *message_, readings, diagnostics);
    return diagnostics.print();
  }

 private:
  static std::string field(const std::string& name, int number, const std::string& type,
                           const std::string& options) {
    return "field { name: '" + name + "' number: " + std::to_string(number) + " type: " + type +
           " label: LABEL_OPTIONAL options { [windtunnel.schema.field] {" + options + "} } } ";
  }

  pb::DescriptorPool pool_;
  pb::DynamicMessageFactory factory_;
  std::unique_ptr<pb::Message> message_;
};

std::string said(const std::string& rule, const std::string& text,
                 const std::string& source = "The Book") {
  return Schema("rules: {holds: \"" + rule + "\" source: \"" + source + "\"}").said(text);
}

TEST(Rules, CompareTwoFields) {
  EXPECT_EQ(said("timeout < interval", "{timeout: 5s, interval: 6s}"), "");
  EXPECT_EQ(said("timeout < interval", "{interval: 6s, timeout: 6s}"),
            "a.yaml:1:16: m.timeout: 6s is not below interval, 6s (The Book)\n");
  EXPECT_EQ(said("low <= high", "{low: 2, high: 1.5}"),
            "a.yaml:1:2: m.low: 2 is above high, 1.5 (The Book)\n");
  EXPECT_EQ(said("high > low", "{low: 1, high: 1}"),
            "a.yaml:1:10: m.high: 1 is not above low, 1 (The Book)\n");
  EXPECT_EQ(said("high >= low", "{low: 1, high: 0}"),
            "a.yaml:1:10: m.high: 0 is below low, 1 (The Book)\n");
}

TEST(Rules, CompareWithADefaultAtThePlaceOfTheGivenValue) {
  EXPECT_EQ(said("timeout < interval", "{interval: 4s}"),
            "a.yaml:1:2: m.timeout: 5s is not below interval, 4s (The Book)\n");
}

TEST(Rules, CompareOnlyFieldsThatAreThere) {
  EXPECT_EQ(said("low <= high", "{low: 2}"), "");
  EXPECT_EQ(said("low <= high", "{}"), "");
}

TEST(Rules, AreNotJudgedAfterAnErrorInAValue) {
  EXPECT_EQ(said("timeout < interval", "{interval: soon}"),
            "a.yaml:1:2: m.interval: 'soon' is not a duration; write it as 30s or 5min\n");
}

TEST(Rules, AreJudgedBesideAnErrorInAnotherValue) {
  EXPECT_EQ(said("low <= high", "{timeout: soon, low: 2, high: 1}"),
            "a.yaml:1:2: m.timeout: 'soon' is not a duration; write it as 30s or 5min\n"
            "a.yaml:1:17: m.low: 2 is above high, 1 (The Book)\n");
}

TEST(Rules, LeaveOutASourceThatIsNone) {
  EXPECT_EQ(said("low <= high", "{low: 2, high: 1}", "UNSOURCED"),
            "a.yaml:1:2: m.low: 2 is above high, 1\n");
}

TEST(Rules, KeepFieldsTogether) {
  EXPECT_EQ(said("low with high", "{low: 1, high: 2}", ""), "");
  EXPECT_EQ(said("low with high", "{}", ""), "");
  EXPECT_EQ(said("low with high", "{low: 1}", ""), "a.yaml:1:1: m: low needs high beside it\n");
  EXPECT_EQ(said("low with high", "{high: 1}", ""), "a.yaml:1:1: m: high needs low beside it\n");
}

TEST(Rules, AskForExactlyOneField) {
  EXPECT_EQ(said("one of low, middle, high", "{middle: 1}", ""), "");
  EXPECT_EQ(said("one of low, middle, high", "{}", ""),
            "a.yaml:1:1: m: needs low, middle or high\n");
  EXPECT_EQ(said("one of low, middle, high", "{low: 1, high: 2}", ""),
            "a.yaml:1:1: m: low and high exclude each other\n");
}

TEST(Rules, AllowAtMostOneField) {
  EXPECT_EQ(said("at most one of low, high", "{}", ""), "");
  EXPECT_EQ(said("at most one of low, high", "{high: 1}", ""), "");
  EXPECT_EQ(said("at most one of low, high", "{low: 1, high: 2}", ""),
            "a.yaml:1:1: m: low and high exclude each other\n");
}

TEST(Rules, ThatCannotBeReadAreToldAsErrorsOfTheSchema) {
  for (const std::string rule : {"low", "low ~ high", "low < nobody", "one of low, nobody"}) {
    EXPECT_EQ(said(rule, "{low: 1, high: 2}", ""),
              "a.yaml:1:1: m: the schema's rule '" + rule + "' cannot be read\n");
  }
}

}  // namespace
}  // namespace windtunnel
