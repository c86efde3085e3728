#include "topologies/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <vector>

#include "topologies/names.hpp"
#include "topologies/quantity.hpp"

namespace windtunnel {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

struct Comparison {
  bool (*holds)(double, double);
  std::string_view otherwise;
};

const std::map<std::string, Comparison>& comparisons() {
  static const std::map<std::string, Comparison> all = {
      {"<", {[](double a, double b) { return a < b; }, "is not below"}},
      {"<=", {[](double a, double b) { return a <= b; }, "is above"}},
      {">", {[](double a, double b) { return a > b; }, "is not above"}},
      {">=", {[](double a, double b) { return a >= b; }, "is below"}}};
  return all;
}

bool is_number(const FieldDescriptor* field) {
  return field != nullptr && !field->is_repeated() &&
         (field->cpp_type() == FieldDescriptor::CPPTYPE_INT64 ||
          field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE);
}

struct Value {
  double number;
  std::string text;
};

Value value_of(const Message& whole, const FieldDescriptor& field) {
  const Message& message = holder_of(whole, field);
  const schema::Unit unit = options_of(field).unit();
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
    const double number = reflection.GetDouble(message, &field);
    return {number, format_quantity(number, unit)};
  }
  const std::int64_t number = reflection.GetInt64(message, &field);
  return {static_cast<double>(number), format_quantity(number, unit)};
}

// Whole numbers beyond 2^53 (104 days in ns) are told apart only if they differ by more than
// rounding.
std::optional<Breach> compare(const Message& message, const FieldDescriptor& left,
                              const Comparison& comparison, const FieldDescriptor& right,
                              const Fields& present) {
  if (!present.contains(&left) || !present.contains(&right)) return std::nullopt;
  const Value a = value_of(message, left);
  const Value b = value_of(message, right);
  if (comparison.holds(a.number, b.number)) return std::nullopt;
  return Breach{&left, &right,
                fmt::format("{} {} {}, {}", a.text, comparison.otherwise, right.name(), b.text)};
}

std::optional<Breach> both_or_neither(const FieldDescriptor& a, const FieldDescriptor& b,
                                      const Fields& given) {
  if (given.contains(&a) == given.contains(&b)) return std::nullopt;
  const bool has_a = given.contains(&a);
  return Breach{
      nullptr, nullptr,
      fmt::format("{} needs {} beside it", (has_a ? a : b).name(), (has_a ? b : a).name())};
}

std::optional<Breach> one_of(const std::vector<const FieldDescriptor*>& fields, bool needed,
                             const Fields& given) {
  std::vector<std::string> all, found;
  for (const FieldDescriptor* field : fields) {
    all.push_back(field->name());
    if (given.contains(field)) found.push_back(field->name());
  }
  if (found.size() == 1 || (found.empty() && !needed)) return std::nullopt;
  if (found.empty()) return Breach{nullptr, nullptr, "needs " + listed(all, "or")};
  return Breach{nullptr, nullptr, listed(found) + " exclude each other"};
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) {
    if (word.ends_with(',')) word.pop_back();
    words.push_back(word);
  }
  return words;
}

}  // namespace

std::string in_brackets(const std::string& source) {
  return source.empty() || source.starts_with("UNSOURCED") ? "" : fmt::format(" ({})", source);
}

std::optional<Breach> breach_of(const schema::Rule& rule, const Message& message,
                                const Fields& given, const Fields& present) {
  const Breach unreadable{nullptr, nullptr,
                          fmt::format("the schema's rule '{}' cannot be read", rule.holds())};
  std::vector<std::string> words = words_of(rule.holds());
  const bool at_most = words.size() > 2 && words[0] == "at" && words[1] == "most";
  if (at_most) words.erase(words.begin(), words.begin() + 2);
  const auto field = [&](std::size_t word) {
    return find_field(*message.GetDescriptor(), words[word]);
  };
  if (words.size() < 3) return unreadable;
  if (words[0] == "one" && words[1] == "of") {
    std::vector<const FieldDescriptor*> fields;
    for (std::size_t i = 2; i < words.size(); ++i) fields.push_back(field(i));
    const bool all_known = std::find(fields.begin(), fields.end(), nullptr) == fields.end();
    return all_known ? one_of(fields, !at_most, given) : unreadable;
  }
  const FieldDescriptor* left = field(0);
  const FieldDescriptor* right = field(2);
  if (words.size() != 3 || left == nullptr || right == nullptr) return unreadable;
  if (words[1] == "with") return both_or_neither(*left, *right, given);
  const auto comparison = comparisons().find(words[1]);
  if (comparison == comparisons().end() || !is_number(left) || !is_number(right)) {
    return unreadable;
  }
  return compare(message, *left, comparison->second, *right, present);
}

}  // namespace windtunnel
