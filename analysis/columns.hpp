// Protobuf messages as columns and back: one row a message, one column a scalar field, by
// reflection. What the results file needs of record.proto, without HDF5.
#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace windtunnel::analysis {

// What a field holds; booleans are 0 or 1.
using Cell = std::variant<std::int64_t, std::uint64_t, double, float, std::string>;
using Cells = std::variant<std::vector<std::int64_t>, std::vector<std::uint64_t>,
                           std::vector<double>, std::vector<float>, std::vector<std::string>>;

struct Column {
  std::string name;
  Cells cells;
  std::string unit, sentence;  // may be empty
};

// An absent integer: pandas' and numpy's own NaT. An absent double is NaN.
inline constexpr std::int64_t absent = INT64_MIN;

// Neither repeated nor messages, in the order of the .proto.
std::vector<const google::protobuf::FieldDescriptor*> scalar_fields(
    const google::protobuf::Descriptor& type);

Cell cell_of(const google::protobuf::Message& message,
             const google::protobuf::FieldDescriptor& field);
// Does nothing for an absent value. The cell has the alternative that cell_of() gives for the
// field.
void set_cell(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
              const Cell& cell);

// A column without rows: its type is what cell_of() gives.
Column empty_column(const google::protobuf::FieldDescriptor& field);

std::vector<Column> columns_of(const google::protobuf::Descriptor& type,
                               const std::vector<const google::protobuf::Message*>& rows);

std::size_t size_of(const Cells& cells);
Cell at(const Cells& cells, std::size_t row);

}  // namespace windtunnel::analysis
