#include "analysis/columns.hpp"

#include <cmath>
#include <limits>

#include "analysis/record.pb.h"
#include "sim/check.hpp"

namespace windtunnel::analysis {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool is_absent(const Cell& cell) {
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return *integer == absent;
  if (const auto* real = std::get_if<double>(&cell)) return std::isnan(*real);
  return false;
}

}  // namespace

std::vector<const FieldDescriptor*> scalar_fields(const Descriptor& type) {
  std::vector<const FieldDescriptor*> fields;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (!field->is_repeated() && !field->message_type()) fields.push_back(field);
  }
  return fields;
}

Cell cell_of(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  const bool is_set = !field.has_presence() || reflection.HasField(message, &field);
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64:
      return is_set ? reflection.GetInt64(message, &field) : absent;
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.GetUInt64(message, &field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::uint64_t{reflection.GetUInt32(message, &field)};
    case FieldDescriptor::CPPTYPE_BOOL:
      return std::uint64_t{reflection.GetBool(message, &field)};
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return is_set ? reflection.GetDouble(message, &field)
                    : std::numeric_limits<double>::quiet_NaN();
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(message, &field);
    default:
      break;
  }
  WT_CHECK(false, "record.proto uses only the types above");
  return {};
}

void set_cell(Message& message, const FieldDescriptor& field, const Cell& cell) {
  if (field.has_presence() && is_absent(cell)) return;
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.SetInt64(&message, &field, std::get<std::int64_t>(cell));
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection.SetUInt64(&message, &field, std::get<std::uint64_t>(cell));
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.SetUInt32(&message, &field,
                                  static_cast<std::uint32_t>(std::get<std::uint64_t>(cell)));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.SetBool(&message, &field, std::get<std::uint64_t>(cell) != 0);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.SetDouble(&message, &field, std::get<double>(cell));
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.SetString(&message, &field, std::get<std::string>(cell));
    default:
      WT_CHECK(false, "record.proto uses only the types above");
  }
}

Column empty_column(const FieldDescriptor& field) {
  const auto& option = field.options().GetExtension(analysis::column);
  const Message& prototype =
      *google::protobuf::MessageFactory::generated_factory()->GetPrototype(field.containing_type());
  Cells cells = std::visit(
      [](const auto& cell) -> Cells { return std::vector<std::decay_t<decltype(cell)>>(); },
      cell_of(prototype, field));
  return {field.name(), std::move(cells), option.unit(), option.sentence()};
}

std::vector<Column> columns_of(const Descriptor& type, const std::vector<const Message*>& rows) {
  std::vector<Column> columns;
  for (const FieldDescriptor* field : scalar_fields(type)) {
    Column& filled = columns.emplace_back(empty_column(*field));
    std::visit(
        [&](auto& cells) {
          using Value = typename std::decay_t<decltype(cells)>::value_type;
          cells.reserve(rows.size());
          for (const Message* row : rows) cells.push_back(std::get<Value>(cell_of(*row, *field)));
        },
        filled.cells);
  }
  return columns;
}

std::size_t size_of(const Cells& cells) {
  return std::visit([](const auto& values) { return values.size(); }, cells);
}

Cell at(const Cells& cells, std::size_t row) {
  return std::visit([&](const auto& values) -> Cell { return values[row]; }, cells);
}

}  // namespace windtunnel::analysis
