// `windtunnel models`: the documentation that stands in the schema's field options.
#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <map>
#include <vector>

#include "experiments/commands.hpp"
#include "models/registry.hpp"
#include "models/schema.pb.h"
#include "topologies/names.hpp"

namespace windtunnel::experiments {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

std::string range_of(const schema::Field& field) {
  const std::string low =
      field.min().empty() ? "" : (field.above_min() ? "above " : "from ") + field.min();
  const std::string high = field.max().empty() ? "" : "to " + field.max();
  return low.empty() || high.empty() ? low + high : low + " " + high;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string kind_of(const FieldDescriptor& field, const schema::Field& options) {
  static const std::map<schema::Unit, const char*> units = {
      {schema::DURATION, "duration"}, {schema::BYTES, "bytes"},         {schema::RATE, "rate"},
      {schema::SHARE, "share"},       {schema::BANDWIDTH, "bandwidth"}, {schema::DATE, "date"}};
  if (!options.reference().empty()) return "a component (" + options.reference() + ")";
  if (const auto unit = units.find(options.unit()); unit != units.end()) return unit->second;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_ENUM: {
      std::string values;
      for (int i = 0; i < field.enum_type()->value_count(); ++i) {
        values += (i > 0 ? " | " : "") + lower(field.enum_type()->value(i)->name());
      }
      return values;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return field.message_type()->name() == "Distribution" ? "distribution of durations" : "group";
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true | false";
    case FieldDescriptor::CPPTYPE_STRING:
      return "text";
    default:
      return "number";
  }
}

void print_fields(const Descriptor& message, const std::string& prefix) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const schema::Field& options = field.options().GetExtension(schema::field);
    if (options.flattened()) {
      print_fields(*field.message_type(), prefix);
      continue;
    }
    const std::string path = prefix + field.name() + (field.is_repeated() ? "[]" : "");
    fmt::print("  {}\n", path);
    fmt::print("      {}{}\n", options.sentence(),
               field.containing_oneof() != nullptr && field.real_containing_oneof() != nullptr
                   ? fmt::format(" (one of {})", field.real_containing_oneof()->name())
                   : "");
    std::string line = kind_of(field, options);
    if (options.required()) line += "; required";
    if (!options.default_().empty()) line += "; default " + options.default_();
    if (const std::string range = range_of(options); !range.empty()) line += "; " + range;
    fmt::print("      {}\n", line);
    if (!options.source().empty()) fmt::print("      source: {}\n", options.source());
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
        field.message_type()->name() != "Distribution") {
      print_fields(*field.message_type(), path + ".");
    }
  }
}

void print_metrics(const schema::Model& model) {
  if (model.publishes_size() > 0) fmt::print("\nCloudWatch metrics:\n");
  for (const schema::PublishedMetric& metric : model.publishes()) {
    std::string period = metric.period();
    for (const auto& finer : metric.finer()) {
      period +=
          fmt::format(" ({} with {}: {})", finer.period(), finer.setting(), lower(finer.value()));
    }
    fmt::print("  {}\n      {}\n      {}, {}; every {}\n", metric.name(), metric.sentence(),
               metric.namespace_(), metric.unit(), period);
    if (metric.dimensions_size() > 0) {
      fmt::print("      dimensions: {}\n",
                 listed({metric.dimensions().begin(), metric.dimensions().end()}));
    }
    if (!metric.source().empty()) fmt::print("      source: {}\n", metric.source());
  }
}

}  // namespace

int models(const std::string& name) {
  const auto& all = windtunnel::models();
  if (name.empty()) {
    std::map<std::string, std::vector<std::string>> by_category;
    for (const auto& [model, entry] : all) {
      by_category[entry.descriptor()->options().GetExtension(schema::model).category()].push_back(
          model);
    }
    for (const auto& [category, names] : by_category) {
      fmt::print("{}\n", category);
      for (const std::string& model : names) {
        fmt::print("  {:<28}{}\n", model,
                   all.at(model).descriptor()->options().GetExtension(schema::model).sentence());
      }
    }
    fmt::print(
        "\nA distribution is written 12ms, {{exponential: 10ms}}, {{uniform: {{min: 1s, max: "
        "5s}}}},\n"
        "{{lognormal: {{p50: 12ms, p99: 80ms}}}} or {{mean: 20ms, cv: 2}}, {{gamma: {{mean: 1s, "
        "cv: 0.5}}}}, {{pareto: {{min: 1s, alpha: 2}}}}.\n"
        "All parameters of one model: windtunnel models NAME\n");
    return 0;
  }
  const auto found = all.find(name);
  if (found == all.end()) {
    std::vector<std::string> names;
    for (const auto& [model, entry] : all) names.push_back(model);
    fmt::print(stderr, "models:1:1: there is no model '{}'{}\n", name, did_you_mean(name, names));
    return 2;
  }
  const Descriptor& message = *found->second.descriptor();
  const schema::Model& model = message.options().GetExtension(schema::model);
  fmt::print("{}\n{}\n", name, model.sentence());
  if (model.provides_size() > 0) {
    fmt::print("provides: {}\n", listed({model.provides().begin(), model.provides().end()}));
  }
  fmt::print("\n");
  print_fields(message, "");
  print_metrics(model);
  return 0;
}

}  // namespace windtunnel::experiments
