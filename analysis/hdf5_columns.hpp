// Columns in HDF5: datasets whose axes have dimension scales, so that xarray and pandas find their
// coordinates. For results_file.cpp and results_series.cpp only.
#pragma once

#include <H5Cpp.h>

#include <string>
#include <vector>

#include "analysis/columns.hpp"

namespace windtunnel::analysis::hdf5 {

// Of a group that is to be made: its members keep the order in which they were made. Their list and
// its attributes stand in its own header: HDF5 puts what it keeps elsewhere at the very end of the
// file, where a cut would take it all.
void keep_together(hid_t group_properties);
H5::Group create_group(const H5::Group& in, const std::string& name);
// Names of the members, in that order where it was kept.
std::vector<std::string> members(const H5::Group& group);

void write_attribute(H5::H5Object& object, const std::string& name, const Cell& value);
// `value` comes with the alternative that is expected.
void read_attribute(const H5::H5Object& object, const std::string& name, Cell& value);

// A dataset of that shape, row by row, with its unit and sentence as attributes.
H5::DataSet write_column(H5::Group& group, const Column& column, const std::vector<hsize_t>& shape);
// Columns of equal length; the first one is the coordinate (dimension scale) of the others.
void write_table(H5::Group& group, const std::vector<Column>& columns);
// Reads a column into the vector that column.cells holds; throws H5::Exception if it isn't of that
// type.
void read_column(const H5::Group& group, Column& column);

// Columns over two axes, row by row; `columns` hold rows x columns cells each.
void write_grid(H5::Group& group, const Column& row_axis, const Column& column_axis,
                const std::vector<Column>& columns);

// Anything that a file holds, whoever wrote it.
bool is_group(const H5::Group& in, const std::string& name);
struct Dataset {
  Column column;  // without cells
  std::vector<hsize_t> shape;
  bool is_axis = false;
};
// The type of the cells, the shape and what is said of it; throws H5::Exception for types that are
// not ours.
Dataset look_at(const H5::Group& group, const std::string& name);
// All attributes but those that HDF5 and netCDF keep for themselves.
std::vector<std::pair<std::string, Cell>> attributes(const H5::H5Object& object);

}  // namespace windtunnel::analysis::hdf5
