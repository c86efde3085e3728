#include "analysis/hdf5_columns.hpp"

#include <hdf5_hl.h>

#include <algorithm>
#include <string_view>

namespace windtunnel::analysis::hdf5 {
namespace {

void check(herr_t status, const char* call) {
  if (status < 0) throw H5::Exception(call, "failed");
}

// Texts of a fixed length, padded with zeros: those of variable length lie in HDF5's global heap,
// which has no checksum, and reading a damaged one crashes (1.10.8).
H5::StrType text_type(std::size_t length) {
  H5::StrType type(H5::PredType::C_S1, std::max<std::size_t>(length, 1));
  type.setCset(H5T_CSET_UTF8);
  type.setStrpad(H5T_STR_NULLPAD);
  return type;
}

// The type of a text in a file; it must be one of ours.
H5::StrType text_type_of(const H5::AbstractDs& where) {
  if (where.getTypeClass() == H5T_STRING && !where.getStrType().isVariableStr()) {
    return text_type(where.getStrType().getSize());
  }
  throw H5::DataTypeIException("text_type_of", "a text is of another type");
}

std::string unpadded(std::string_view text) { return std::string(text.substr(0, text.find('\0'))); }

const H5::PredType& type_of(std::int64_t) { return H5::PredType::NATIVE_INT64; }
const H5::PredType& type_of(std::uint64_t) { return H5::PredType::NATIVE_UINT64; }
const H5::PredType& type_of(double) { return H5::PredType::NATIVE_DOUBLE; }
const H5::PredType& type_of(float) { return H5::PredType::NATIVE_FLOAT; }

// Chunks of about half a megabyte, compressed, with a checksum that finds flipped bits.
H5::DSetCreatPropList compressed(const std::vector<hsize_t>& shape) {
  constexpr hsize_t cells_max = 65536;
  H5::DSetCreatPropList properties;
  constexpr unsigned attributes_most = 256;
  H5Pset_attr_phase_change(properties.getId(), attributes_most, 0);
  if (std::find(shape.begin(), shape.end(), hsize_t{0}) != shape.end()) return properties;
  std::vector<hsize_t> chunk(shape);
  hsize_t room = cells_max;
  for (auto length = chunk.rbegin(); length != chunk.rend(); ++length) {
    *length = std::clamp<hsize_t>(*length, 1, room);
    room /= *length;
    room = std::max<hsize_t>(room, 1);
  }
  properties.setChunk(static_cast<int>(chunk.size()), chunk.data());
  properties.setShuffle();
  properties.setDeflate(4);
  properties.setFletcher32();
  return properties;
}

template <typename Value>
H5::DataSet write_cells(H5::Group& group, const std::string& name,
                        const std::vector<hsize_t>& shape, const std::vector<Value>& cells) {
  const H5::DataSpace space(static_cast<int>(shape.size()), shape.data());
  H5::DataSet dataset = group.createDataSet(name, type_of(Value{}), space, compressed(shape));
  if (!cells.empty()) dataset.write(cells.data(), type_of(Value{}));
  return dataset;
}

H5::DataSet write_cells(H5::Group& group, const std::string& name,
                        const std::vector<hsize_t>& shape, const std::vector<std::string>& cells) {
  std::size_t length = 1;
  for (const auto& cell : cells) length = std::max(length, cell.size());
  std::string padded;
  padded.reserve(length * cells.size());
  for (const auto& cell : cells) padded.append(cell).append(length - cell.size(), '\0');
  const H5::StrType type = text_type(length);
  const H5::DataSpace space(static_cast<int>(shape.size()), shape.data());
  H5::DataSet dataset = group.createDataSet(name, type, space, compressed(shape));
  if (!cells.empty()) dataset.write(padded.data(), type);
  return dataset;
}

template <typename Value>
void read_cells(const H5::DataSet& dataset, std::vector<Value>& cells) {
  if (dataset.getTypeClass() != type_of(Value{}).getClass()) {
    throw H5::DataSetIException("read_cells", "a column is of another type");
  }
  cells.resize(static_cast<std::size_t>(dataset.getSpace().getSimpleExtentNpoints()));
  if (!cells.empty()) dataset.read(cells.data(), type_of(Value{}));
}

void read_cells(const H5::DataSet& dataset, std::vector<std::string>& cells) {
  const H5::StrType type = text_type_of(dataset);
  const std::size_t length = type.getSize();
  const auto rows = static_cast<std::size_t>(dataset.getSpace().getSimpleExtentNpoints());
  std::string padded(rows * length, '\0');
  if (rows > 0) dataset.read(padded.data(), type);
  cells.clear();
  for (std::size_t i = 0; i < rows; ++i) {
    cells.push_back(unpadded(std::string_view(padded).substr(i * length, length)));
  }
}

}  // namespace

void keep_together(hid_t properties) {
  constexpr unsigned links_most = 8192, attributes_most = 256;
  H5Pset_link_creation_order(properties, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_link_phase_change(properties, links_most, 0);
  H5Pset_attr_phase_change(properties, attributes_most, 0);
}

H5::Group create_group(const H5::Group& in, const std::string& name) {
  const hid_t properties = H5Pcreate(H5P_GROUP_CREATE);
  keep_together(properties);
  const hid_t id = H5Gcreate2(in.getId(), name.c_str(), H5P_DEFAULT, properties, H5P_DEFAULT);
  H5Pclose(properties);
  if (id < 0) throw H5::GroupIException("create_group", "failed");
  H5::Group group(id);
  H5Gclose(id);  // the object above holds it
  return group;
}

namespace {

// Other programs' groups keep no order of their making.
bool is_in_order(const H5::Group& group) {
  const hid_t properties = H5Gget_create_plist(group.getId());
  unsigned flags = 0;
  const herr_t status = H5Pget_link_creation_order(properties, &flags);
  H5Pclose(properties);
  return status >= 0 && (flags & H5P_CRT_ORDER_INDEXED) != 0;
}

}  // namespace

std::vector<std::string> members(const H5::Group& group) {
  std::vector<std::string> names;
  const H5_index_t order = is_in_order(group) ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
  for (hsize_t i = 0; i < group.getNumObjs(); ++i) {
    const auto name_into = [&](char* text, std::size_t size) {
      const ssize_t length =
          H5Lget_name_by_idx(group.getId(), ".", order, H5_ITER_INC, i, text, size, H5P_DEFAULT);
      if (length < 0) throw H5::GroupIException("H5Lget_name_by_idx", "failed");
      return static_cast<std::size_t>(length);
    };
    std::string name(name_into(nullptr, 0), '\0');
    name_into(name.data(), name.size() + 1);
    names.push_back(std::move(name));
  }
  return names;
}

void write_attribute(H5::H5Object& object, const std::string& name, const Cell& value) {
  std::visit(
      [&]<typename Value>(const Value& v) {
        if constexpr (std::is_same_v<Value, std::string>) {
          const H5::StrType type = text_type(v.size());
          const std::string padded = v.empty() ? std::string(1, '\0') : v;
          object.createAttribute(name, type, H5::DataSpace(H5S_SCALAR)).write(type, padded.data());
        } else {
          object.createAttribute(name, type_of(v), H5::DataSpace(H5S_SCALAR)).write(type_of(v), &v);
        }
      },
      value);
}

void read_attribute(const H5::H5Object& object, const std::string& name, Cell& value) {
  const H5::Attribute attribute = object.openAttribute(name);
  std::visit(
      [&]<typename Value>(Value& v) {
        if constexpr (std::is_same_v<Value, std::string>) {
          const H5::StrType type = text_type_of(attribute);
          std::string padded(type.getSize(), '\0');
          attribute.read(type, padded.data());
          v = unpadded(padded);
        } else {
          attribute.read(type_of(v), &v);
        }
      },
      value);
}

H5::DataSet write_column(H5::Group& group, const Column& column,
                         const std::vector<hsize_t>& shape) {
  H5::DataSet dataset =
      std::visit([&](const auto& cells) { return write_cells(group, column.name, shape, cells); },
                 column.cells);
  if (!column.unit.empty()) write_attribute(dataset, "units", column.unit);
  if (!column.sentence.empty()) write_attribute(dataset, "long_name", column.sentence);
  if (column.unit.find(" since ") != std::string::npos) {  // CF's words of a date
    write_attribute(dataset, "standard_name", Cell(std::string("time")));
    write_attribute(dataset, "calendar", Cell(std::string("standard")));
  }
  // CF's word for "this value means there is none": xarray turns it into NaN or NaT.
  if (std::holds_alternative<std::vector<std::int64_t>>(column.cells)) {
    write_attribute(dataset, "_FillValue", Cell(absent));
  }
  return dataset;
}

namespace {

H5::DataSet write_scale(H5::Group& group, const Column& column) {
  H5::DataSet dataset = write_column(group, column, {hsize_t{size_of(column.cells)}});
  check(H5DSset_scale(dataset.getId(), column.name.c_str()), "H5DSset_scale");
  return dataset;
}

void attach(const H5::DataSet& dataset, const H5::DataSet& scale, unsigned axis) {
  check(H5DSattach_scale(dataset.getId(), scale.getId(), axis), "H5DSattach_scale");
}

}  // namespace

void write_table(H5::Group& group, const std::vector<Column>& columns) {
  const H5::DataSet scale = write_scale(group, columns.front());
  const std::vector<hsize_t> shape{hsize_t{size_of(columns.front().cells)}};
  for (std::size_t i = 1; i < columns.size(); ++i) {
    attach(write_column(group, columns[i], shape), scale, 0);
  }
}

void read_column(const H5::Group& group, Column& column) {
  const H5::DataSet dataset = group.openDataSet(column.name);
  std::visit([&](auto& cells) { read_cells(dataset, cells); }, column.cells);
}

bool is_group(const H5::Group& in, const std::string& name) {
  return in.childObjType(name) == H5O_TYPE_GROUP;
}

namespace {

// An empty column of the type; an empty cell of it stands for attributes.
Cells cells_of(const H5::AbstractDs& where) {
  switch (where.getTypeClass()) {
    case H5T_STRING:
      return std::vector<std::string>();
    case H5T_FLOAT:
      if (where.getFloatType().getSize() == sizeof(float)) return std::vector<float>();
      return std::vector<double>();
    case H5T_INTEGER:
      if (where.getIntType().getSign() == H5T_SGN_NONE) return std::vector<std::uint64_t>();
      return std::vector<std::int64_t>();
    default:
      throw H5::DataTypeIException("cells_of", "values of a type that is not ours");
  }
}

std::string text_of(const H5::H5Object& object, const std::string& name) {
  Cell text = std::string();
  if (object.attrExists(name)) read_attribute(object, name, text);
  return std::get<std::string>(text);
}

}  // namespace

Dataset look_at(const H5::Group& group, const std::string& name) {
  const H5::DataSet dataset = group.openDataSet(name);
  Dataset found;
  const H5::DataSpace space = dataset.getSpace();
  found.shape.resize(static_cast<std::size_t>(space.getSimpleExtentNdims()));
  if (!found.shape.empty()) space.getSimpleExtentDims(found.shape.data());
  found.column = {name, cells_of(dataset), text_of(dataset, "units"),
                  text_of(dataset, "long_name")};
  found.is_axis = H5DSis_scale(dataset.getId()) > 0;
  return found;
}

std::vector<std::pair<std::string, Cell>> attributes(const H5::H5Object& object) {
  std::vector<std::pair<std::string, Cell>> found;
  const auto is_internal = [](const std::string& name) {
    for (const char* own : {"CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_FillValue"}) {
      if (name == own) return true;
    }
    return false;
  };
  for (unsigned i = 0; i < static_cast<unsigned>(object.getNumAttrs()); ++i) {
    const H5::Attribute attribute(H5Aopen_by_idx(object.getId(), ".", H5_INDEX_NAME, H5_ITER_INC, i,
                                                 H5P_DEFAULT, H5P_DEFAULT));
    if (is_internal(attribute.getName())) continue;
    Cell value = std::visit(
        [](const auto& cells) -> Cell {
          return typename std::decay_t<decltype(cells)>::value_type();
        },
        cells_of(attribute));
    read_attribute(object, attribute.getName(), value);
    found.emplace_back(attribute.getName(), std::move(value));
  }
  return found;
}

void write_grid(H5::Group& group, const Column& row_axis, const Column& column_axis,
                const std::vector<Column>& columns) {
  const H5::DataSet rows = write_scale(group, row_axis);
  const H5::DataSet across = write_scale(group, column_axis);
  const std::vector<hsize_t> shape{hsize_t{size_of(row_axis.cells)},
                                   hsize_t{size_of(column_axis.cells)}};
  for (const auto& column : columns) {
    const H5::DataSet dataset = write_column(group, column, shape);
    attach(dataset, rows, 0);
    attach(dataset, across, 1);
  }
}

}  // namespace windtunnel::analysis::hdf5
