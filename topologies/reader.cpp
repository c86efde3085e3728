#include "topologies/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <type_traits>

#include "topologies/names.hpp"
#include "topologies/quantity.hpp"
#include "topologies/reflect.hpp"
#include "topologies/rules.hpp"

namespace windtunnel {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;

template <typename T>
void store(Message& message, const FieldDescriptor& field, const T& value) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const bool list = field.is_repeated();
  const auto put = [&](auto add, auto set) {
    list ? (reflection.*add)(&message, &field, value) : (reflection.*set)(&message, &field, value);
  };
  using R = google::protobuf::Reflection;
  if constexpr (std::is_same_v<T, std::int64_t>) put(&R::AddInt64, &R::SetInt64);
  if constexpr (std::is_same_v<T, std::uint64_t>) put(&R::AddUInt64, &R::SetUInt64);
  if constexpr (std::is_same_v<T, double>) put(&R::AddDouble, &R::SetDouble);
  if constexpr (std::is_same_v<T, bool>) put(&R::AddBool, &R::SetBool);
  if constexpr (std::is_same_v<T, const EnumValueDescriptor*>) put(&R::AddEnum, &R::SetEnum);
  if constexpr (std::is_same_v<T, std::string>) put(&R::AddString, &R::SetString);
}

std::vector<std::string> field_names(const Descriptor& message) {
  std::vector<std::string> names;
  for (const FieldDescriptor* field : fields_of(message)) names.push_back(field->name());
  return names;
}

// What is flattened into a message, directly.
std::vector<const FieldDescriptor*> flattened_in(const Descriptor& message) {
  std::vector<const FieldDescriptor*> fields;
  for (int i = 0; i < message.field_count(); ++i) {
    if (options_of(*message.field(i)).flattened()) fields.push_back(message.field(i));
  }
  return fields;
}

std::vector<std::string> member_names(const OneofDescriptor& oneof) {
  std::vector<std::string> names;
  for (int i = 0; i < oneof.field_count(); ++i) names.push_back(oneof.field(i)->name());
  return names;
}

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

class Reader {
 public:
  Reader(Readings& readings, Diagnostics& diagnostics)
      : readings_(readings), diagnostics_(diagnostics) {}

  void message(const Node& node, const Subject& subject, Message& message, Oneofs oneofs);

 private:
  void map_of_fields(const Node& node, const Subject& subject, Message& message, Oneofs oneofs);
  // The fields that the user wrote; `broken` are those of them that could not be read.
  Fields given_fields(const Node& node, const Subject& subject, Message& message, Fields& broken);
  void oneofs(const Subject& subject, const Descriptor& descriptor, const Fields& given);
  Fields default_fields(const Subject& subject, Message& message, const Fields& given);
  void default_field(const FieldDescriptor& field, const Subject& subject, Message& message);
  void rules(const Subject& subject, const Message& message, const Fields& given,
             const Fields& present);
  // `at.what` is the name under which the field was written.
  void field(const Node& node, const Subject& at, Message& whole, const FieldDescriptor& field);
  void list(const Node& node, const Subject& at, Message& message, const FieldDescriptor& field);
  void map(const Node& node, const Subject& at, Message& message, const FieldDescriptor& field);
  void scalar(const Node& node, const Subject& at, Message& message, const FieldDescriptor& field);
  template <typename T>
  std::optional<T> number(const std::string& text, const Subject& at, const FieldDescriptor& field);
  std::optional<bool> boolean(const std::string& text, const Subject& at);
  const EnumValueDescriptor* word(const std::string& text, const Subject& at,
                                  const EnumDescriptor& words);
  bool is_text(const std::string& text, const Subject& at, const FieldDescriptor& field);
  template <typename T>
  bool keep(Message& message, const FieldDescriptor& field, const std::optional<T>& value);
  void error(const Subject& at, std::string_view text);

  // A default is one assumption as a whole; what it consists of is not told again.
  enum class Telling { GIVEN, NOTHING };

  Readings& readings_;
  Diagnostics& diagnostics_;
  Telling telling_ = Telling::GIVEN;
};

void Reader::error(const Subject& at, std::string_view text) {
  diagnostics_.error(at.place,
                     at.path.empty() ? std::string(text) : fmt::format("{}: {}", at.path, text));
}

void Reader::message(const Node& node, const Subject& subject, Message& message, Oneofs oneofs) {
  const Descriptor& descriptor = *message.GetDescriptor();
  const std::string& shorthand = options_of(descriptor).shorthand();
  if (node.kind == Node::Kind::MAP) {
    map_of_fields(node, subject, message, oneofs);
  } else if (node.kind == Node::Kind::NOTHING) {
    error(subject, "has no value; {} stands for all defaults");
  } else if (node.kind == Node::Kind::SCALAR && !shorthand.empty()) {
    const FieldDescriptor* field = find_field(descriptor, shorthand);
    this->field(node, subject, message, *field);
    default_fields(subject, message, {field});
  } else {
    const std::string value =
        node.kind == Node::Kind::SCALAR ? shown(node.text) : std::string(kind_of(node));
    error(subject, fmt::format("{} is not a map of settings", value));
  }
}

void Reader::map_of_fields(const Node& node, const Subject& subject, Message& message,
                           Oneofs oneofs) {
  const Descriptor& descriptor = *message.GetDescriptor();
  Fields broken;
  const Fields given = given_fields(node, subject, message, broken);
  Fields present = default_fields(subject, message, given);
  // An unknown field was meant to be some field: nothing is said of what may be missing.
  const bool all_known = std::all_of(
      node.members.begin(), node.members.end(),
      [&](const Member& member) { return find_field(descriptor, member.key) != nullptr; });
  if (all_known && oneofs == Oneofs::REQUIRED) this->oneofs(subject, descriptor, given);
  // A value that could not be read is not judged beside others.
  for (const FieldDescriptor* field : broken) present.erase(field);
  rules(subject, message, given, present);
}

Fields Reader::given_fields(const Node& node, const Subject& subject, Message& message,
                            Fields& broken) {
  const Descriptor& descriptor = *message.GetDescriptor();
  Fields given;
  std::map<const OneofDescriptor*, std::string> chosen;
  for (const Member& member : node.members) {
    const FieldDescriptor* field = find_field(descriptor, member.key);
    if (field == nullptr) {
      diagnostics_.error(member.place,
                         fmt::format("unknown field {} of {}{}", shown(member.key), subject.what,
                                     did_you_mean(member.key, field_names(descriptor))));
      continue;
    }
    const Subject at{join(subject.path, field->name()), field->name(), member.place};
    if (const OneofDescriptor* oneof = field->real_containing_oneof(); oneof != nullptr) {
      const auto [first, is_first] = chosen.try_emplace(oneof, field->name());
      if (!is_first) {
        const Subject whole{subject.path, subject.what, member.place};
        error(whole, fmt::format("{} and {} exclude each other", first->second, field->name()));
        continue;
      }
    }
    given.insert(field);
    if (telling_ == Telling::GIVEN) readings_.places.add(at.path, at.place);
    const std::size_t errors = diagnostics_.errors();
    this->field(member.value, at, message, *field);
    if (diagnostics_.errors() != errors) broken.insert(field);
  }
  return given;
}

Fields Reader::default_fields(const Subject& subject, Message& message, const Fields& given) {
  Fields present = given;
  for (const FieldDescriptor* field : fields_of(*message.GetDescriptor())) {
    const schema::Field& options = options_of(*field);
    if (given.contains(field)) continue;
    if (options.required()) {
      error(subject, fmt::format("{} is missing: {}", field->name(), options.sentence()));
    } else if (!options.default_().empty()) {
      default_field(*field, subject, message);
      present.insert(field);
    }
  }
  return present;
}

void Reader::default_field(const FieldDescriptor& field, const Subject& subject, Message& message) {
  const schema::Field& options = options_of(field);
  const auto node = parse_document(options.default_(), subject.place.file, diagnostics_);
  if (!node) return;
  const Subject at{join(subject.path, field.name()), field.name(), subject.place};
  const bool all_defaults = node->kind == Node::Kind::MAP && node->members.empty();
  if (all_defaults || telling_ == Telling::NOTHING) {
    this->field(*node, at, message, field);
    return;
  }
  const bool unsourced = options.source().find("UNSOURCED") != std::string::npos;
  readings_.assumptions.push_back(
      {at.path, options.default_(), options.sentence(), options.source(), false, unsourced});
  telling_ = Telling::NOTHING;
  this->field(*node, at, message, field);
  telling_ = Telling::GIVEN;
}

void Reader::oneofs(const Subject& subject, const Descriptor& descriptor, const Fields& given) {
  for (int i = 0; i < descriptor.real_oneof_decl_count(); ++i) {
    const OneofDescriptor* oneof = descriptor.oneof_decl(i);
    const bool chosen = std::any_of(given.begin(), given.end(), [&](const FieldDescriptor* field) {
      return field->containing_oneof() == oneof;
    });
    if (chosen) continue;
    error(subject,
          fmt::format("{} is missing: {}", oneof->name(), listed(member_names(*oneof), "or")));
  }
  for (const FieldDescriptor* part : flattened_in(descriptor)) {
    oneofs(subject, *part->message_type(), given);
  }
}

void Reader::rules(const Subject& subject, const Message& message, const Fields& given,
                   const Fields& present) {
  for (const schema::Rule& rule : options_of(*message.GetDescriptor()).rules()) {
    const auto breach = breach_of(rule, message, given, present);
    if (!breach) continue;
    Subject at = subject;
    if (breach->field != nullptr) {
      const FieldDescriptor& where =
          given.contains(breach->field) ? *breach->field : *breach->other;
      at.path = join(subject.path, breach->field->name());
      if (given.contains(&where)) {
        at.place = readings_.places.at(join(subject.path, where.name()));
      }
    }
    error(at, breach->text + in_brackets(rule.source()));
  }
  for (const FieldDescriptor* part : flattened_in(*message.GetDescriptor())) {
    rules(subject, message.GetReflection()->GetMessage(message, part), given, present);
  }
}

void Reader::field(const Node& node, const Subject& at, Message& whole,
                   const FieldDescriptor& field) {
  Message& message = holder_of(whole, field);
  if (field.is_map()) {
    map(node, at, message, field);
  } else if (field.is_repeated()) {
    list(node, at, message, field);
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    this->message(node, at, *message.GetReflection()->MutableMessage(&message, &field),
                  Oneofs::REQUIRED);
  } else {
    scalar(node, at, message, field);
  }
}

void Reader::list(const Node& node, const Subject& at, Message& message,
                  const FieldDescriptor& field) {
  if (node.kind != Node::Kind::LIST) {
    const std::string value =
        node.kind == Node::Kind::SCALAR ? shown(node.text) : std::string(kind_of(node));
    return error(at, fmt::format("{} is not a list", value));
  }
  for (std::size_t i = 0; i < node.members.size(); ++i) {
    const Member& member = node.members[i];
    const Subject item{join(at.path, fmt::format("{}", i)), at.what, member.place};
    if (telling_ == Telling::GIVEN) readings_.places.add(item.path, item.place);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      this->message(member.value, item, *message.GetReflection()->AddMessage(&message, &field),
                    Oneofs::REQUIRED);
    } else {
      scalar(member.value, item, message, field);
    }
  }
}

void Reader::map(const Node& node, const Subject& at, Message& message,
                 const FieldDescriptor& field) {
  if (node.kind != Node::Kind::MAP) {
    return error(at, fmt::format("{} is not a map of names", kind_of(node)));
  }
  const FieldDescriptor& key = *field.message_type()->map_key();
  const FieldDescriptor& value = *field.message_type()->map_value();
  for (const Member& member : node.members) {
    Message& entry = *message.GetReflection()->AddMessage(&message, &field);
    store(entry, key, member.key);
    const Subject one{join(at.path, member.key), at.what, member.place};
    if (telling_ == Telling::GIVEN) readings_.places.add(one.path, one.place);
    this->field(member.value, one, entry, value);
  }
}

void Reader::scalar(const Node& node, const Subject& at, Message& message,
                    const FieldDescriptor& field) {
  if (node.kind == Node::Kind::NOTHING) return error(at, "has no value");
  if (node.kind != Node::Kind::SCALAR) {
    return error(at, fmt::format("{} is not a single value", kind_of(node)));
  }
  const std::string& text = node.text;
  bool kept = false;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64:
      kept = keep(message, field, number<std::int64_t>(text, at, field));
      break;
    case FieldDescriptor::CPPTYPE_UINT64:
      kept = keep(message, field, number<std::uint64_t>(text, at, field));
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      kept = keep(message, field, number<double>(text, at, field));
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      kept = keep(message, field, boolean(text, at));
      break;
    case FieldDescriptor::CPPTYPE_ENUM: {
      const EnumValueDescriptor* value = word(text, at, *field.enum_type());
      if (value != nullptr) kept = keep(message, field, std::optional(value));
      break;
    }
    case FieldDescriptor::CPPTYPE_STRING:
      if (is_text(text, at, field)) kept = keep(message, field, std::optional(text));
      break;
    default:
      error(at, fmt::format("the schema's type {} is not read", field.cpp_type_name()));
  }
  if (kept && telling_ == Telling::GIVEN) {
    const schema::Field& options = options_of(field);
    readings_.assumptions.push_back(
        {at.path, text, options.sentence(), options.source(), true, false});
  }
}

template <typename T>
bool Reader::keep(Message& message, const FieldDescriptor& field, const std::optional<T>& value) {
  if (value) store(message, field, *value);
  return value.has_value();
}

template <typename T>
std::optional<T> Reader::number(const std::string& text, const Subject& at,
                                const FieldDescriptor& field) {
  const schema::Field& options = options_of(field);
  const auto parsed = parse_quantity<T>(text, options.unit());
  if (!parsed.value) {
    error(at, fmt::format("{} {}", shown(text), parsed.error));
    return std::nullopt;
  }
  const auto refuse = [&](std::string_view why, const std::string& limit) {
    error(at, fmt::format("{} {} {}{}", text, why, limit, in_brackets(options.source())));
    return std::nullopt;
  };
  if (!options.min().empty()) {
    const T min = parse_quantity<T>(options.min(), options.unit()).value.value();
    if (*parsed.value < min) return refuse("is below", options.min());
    if (options.above_min() && *parsed.value == min) return refuse("is not above", options.min());
  }
  if (!options.max().empty()) {
    const T max = parse_quantity<T>(options.max(), options.unit()).value.value();
    if (*parsed.value > max) return refuse("is above", options.max());
  }
  return parsed.value;
}

std::optional<bool> Reader::boolean(const std::string& text, const Subject& at) {
  if (text == "true" || text == "false") return text == "true";
  error(at, fmt::format("{} is not true or false", shown(text)));
  return std::nullopt;
}

const EnumValueDescriptor* Reader::word(const std::string& text, const Subject& at,
                                        const EnumDescriptor& words) {
  std::vector<std::string> all;
  for (int i = 0; i < words.value_count(); ++i) {
    all.push_back(written(*words.value(i)));
    if (lower_case(all.back()) == lower_case(text)) return words.value(i);
  }
  std::string hint = did_you_mean(lower_case(text), all);
  if (hint.empty()) hint = did_you_mean(text, all);  // words with capitals
  error(at, fmt::format("{} is not {}{}", shown(text), listed(all, "or"), hint));
  return nullptr;
}

bool Reader::is_text(const std::string& text, const Subject& at, const FieldDescriptor& field) {
  std::string wrong = text.empty() ? "is empty" : "";
  if (wrong.empty() && options_of(field).unit() == schema::DATE) wrong = date_error(text);
  if (!wrong.empty()) error(at, fmt::format("{} {}", shown(text), wrong));
  return wrong.empty();
}

}  // namespace

Place Places::at(std::string_view path) const {
  while (true) {
    if (const auto found = places_.find(path); found != places_.end()) return found->second;
    const std::size_t dot = path.rfind('.');
    if (path.empty()) return {};
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(0, dot);
  }
}

void read_message(const Node& node, const Subject& subject, Message& message, Readings& readings,
                  Diagnostics& diagnostics, Oneofs oneofs) {
  readings.places.add(subject.path, subject.place);
  Reader(readings, diagnostics).message(node, subject, message, oneofs);
}

}  // namespace windtunnel
