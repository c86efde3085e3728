#include "analysis/measure_values.hpp"

#include <algorithm>
#include <array>

#include "sim/check.hpp"

namespace windtunnel::analysis {
namespace {

using google::protobuf::FieldDescriptor;

const FieldDescriptor* field_of(const std::string& name) {
  return Measures::descriptor()->FindFieldByName(name);
}

// Durations that are never censored.
constexpr std::array whole_durations{"time_out_of_service", "throttled_spell", "user_time_hit"};

bool is_measure(const FieldDescriptor& field) {
  return std::find(whole_durations.begin(), whole_durations.end(), field.name()) !=
             whole_durations.end() ||
         field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE ||
         field_of(field.name() + "_censored") != nullptr;
}

}  // namespace

std::vector<std::string> measure_names() {
  std::vector<std::string> names;
  for (int i = 0; i < Measures::descriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *Measures::descriptor()->field(i);
    if (is_measure(field)) names.push_back(field.name());
  }
  return names;
}

bool is_share(std::string_view measure) {
  return field_of(std::string(measure))->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE;
}

bool more_is_better(std::string_view measure) { return measure == "availability"; }

MeasureValue value_of(const Measures& measures, const std::string& measure) {
  const FieldDescriptor* field = field_of(measure);
  WT_CHECK(field != nullptr && is_measure(*field), "a measure is asked for by its name");
  const auto& reflection = *measures.GetReflection();
  const FieldDescriptor* censored = field_of(measure + "_censored");
  if (censored != nullptr && reflection.GetBool(measures, censored)) return {true, true, 0};
  const bool exists = field->has_presence() ? reflection.HasField(measures, field)
                                            : measures.has_fault();  // the time out of service
  if (!exists) return {};
  if (is_share(measure)) return {true, false, reflection.GetDouble(measures, field)};
  return {true, false, static_cast<double>(reflection.GetInt64(measures, field)) / 1e9};
}

}  // namespace windtunnel::analysis
