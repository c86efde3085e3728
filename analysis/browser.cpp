#include "analysis/browser.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "analysis/files.hpp"
#include "analysis/hdf5_columns.hpp"
#include "analysis/text.hpp"

namespace windtunnel::analysis {
namespace {

namespace fs = std::filesystem;

bool is_date(const Column& column) { return column.unit.starts_with("nanoseconds since"); }
bool is_time(const Column& column) { return column.unit.starts_with("nanoseconds"); }

template <typename Number>
std::string shortest(Number value) {
  std::array<char, 40> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

// As programs read it; empty: there is none. Nanoseconds become seconds.
std::string plain(const Cell& cell, bool in_nanoseconds) {
  return std::visit(
      [&]<typename Value>(const Value& value) -> std::string {
        if constexpr (std::is_same_v<Value, std::string>) {
          return value;
        } else if constexpr (std::is_floating_point_v<Value>) {
          return std::isfinite(value) ? shortest(value) : "";
        } else {
          if (std::is_signed_v<Value> && static_cast<std::int64_t>(value) == absent) return "";
          return in_nanoseconds ? shortest(static_cast<double>(value) / 1e9) : shortest(value);
        }
      },
      cell);
}

// As people read it.
std::string readable(const Cell& cell, const Column& column) {
  const auto* nanoseconds = std::get_if<std::int64_t>(&cell);
  if (nanoseconds == nullptr || !is_time(column)) {
    const std::string text = plain(cell, false);
    return text.empty() ? "-" : text;
  }
  if (*nanoseconds == absent) return "-";
  return is_date(column) ? date_text(*nanoseconds)
                         : duration_text(static_cast<double>(*nanoseconds) / 1e9);
}

std::string shape_text(const std::vector<hsize_t>& shape) {
  std::string text;
  for (const hsize_t length : shape) text += (text.empty() ? "" : " x ") + std::to_string(length);
  return text;
}

std::string attributes_text(const H5::H5Object& object) {
  std::string text;
  for (const auto& [name, value] : hdf5::attributes(object)) {
    text += fmt::format("  {:<16} {}\n", name, plain(value, false));
  }
  return text;
}

std::string group_text(const H5::Group& group) {
  std::string text = attributes_text(group);
  for (const std::string& name : hdf5::members(group)) {
    if (hdf5::is_group(group, name)) {
      text += fmt::format("{:<34} {:>12}\n", name + "/",
                          fmt::format("{} members", group.openGroup(name).getNumObjs()));
      continue;
    }
    const hdf5::Dataset found = hdf5::look_at(group, name);
    text += fmt::format("{:<34} {:>12}  {:<12} {}\n", name, shape_text(found.shape),
                        is_date(found.column) ? "date" : found.column.unit, found.column.sentence);
  }
  return text.empty() ? "empty\n" : text;
}

// The axes of a group that have this length, in the file's order; none for a table without any.
std::vector<Column> axes_of(const H5::Group& group) {
  std::vector<Column> axes;
  for (const std::string& name : hdf5::members(group)) {
    if (hdf5::is_group(group, name)) continue;
    hdf5::Dataset found = hdf5::look_at(group, name);
    if (!found.is_axis) continue;
    hdf5::read_column(group, found.column);
    axes.push_back(std::move(found.column));
  }
  return axes;
}

std::string dataset_text(const H5::Group& group, const std::string& name) {
  constexpr std::size_t lines_most = 40, columns_most = 6;
  hdf5::Dataset found = hdf5::look_at(group, name);
  hdf5::read_column(group, found.column);
  const std::size_t cells = size_of(found.column.cells);
  const bool is_text = std::holds_alternative<std::vector<std::string>>(found.column.cells);
  if (is_text && cells == 1) return std::get<std::string>(at(found.column.cells, 0)) + "\n";
  std::string text = fmt::format("{}  {}\n", name, shape_text(found.shape));
  text += attributes_text(group.openDataSet(name));
  const auto axes = axes_of(group);
  const bool is_grid = found.shape.size() == 2 && axes.size() == 2;
  const std::size_t rows = is_grid ? size_of(axes[1].cells) : cells;
  const std::size_t columns = is_grid ? std::min(size_of(axes[0].cells), columns_most) : 1;
  const Column* axis = is_grid ? &axes[1] : axes.size() == 1 && !found.is_axis ? &axes[0] : nullptr;
  if (axis != nullptr) text += fmt::format("{:>14}", axis->name);
  for (std::size_t c = 0; is_grid && c < columns; ++c) {
    text += fmt::format("{:>16}", axes[0].name + " " + readable(at(axes[0].cells, c), axes[0]));
  }
  text += axis != nullptr ? "\n" : "";
  for (std::size_t row = 0; row < std::min(rows, lines_most); ++row) {
    text += fmt::format("{:>14}", axis ? readable(at(axis->cells, row), *axis) : shortest(row));
    for (std::size_t c = 0; c < columns; ++c) {
      text += fmt::format("{:>16}", readable(at(found.column.cells, c * rows + row), found.column));
    }
    text += "\n";
  }
  if (rows > lines_most) {
    text += fmt::format("... and {} more; windtunnel export writes them all\n", rows - lines_most);
  }
  return text;
}

[[noreturn]] void no_such_path(const std::string& file, const std::string& path,
                               const H5::Group& nearest) {
  std::string names;
  for (const std::string& name : hdf5::members(nearest))
    names += (names.empty() ? "" : ", ") + name;
  throw WrongFile(fmt::format("{}:1:1: there is no {} in it; there {}: {}", file, path,
                              nearest.getNumObjs() == 1 ? "is" : "are", names));
}

template <typename Do>
auto with_file(const std::string& file, Do what) {
  H5::Exception::dontPrint();
  if (!fs::exists(file)) throw WrongFile(file + ":1:1: no such file");
  if (!fs::is_regular_file(file) || H5Fis_hdf5(file.c_str()) <= 0) {
    throw WrongFile(file + ":1:1: is not a results file (HDF5)");
  }
  try {
    return what(H5::H5File(file, H5F_ACC_RDONLY).openGroup("/"));
  } catch (const H5::Exception& error) {
    throw WrongFile(fmt::format("{}:1:1: is damaged or not one of windtunnel's ({}: {})", file,
                                error.getFuncName(), error.getDetailMsg()));
  } catch (const std::bad_alloc&) {
    throw WrongFile(file + ":1:1: is damaged: a size in it is impossible");
  }
}

// ---- CSV

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

std::string heading(const Column& column) {
  return quoted(is_time(column) ? column.name + "_seconds" : column.name);
}

void append_row(std::string& text, const std::vector<Column>& columns,
                const std::vector<std::size_t>& places) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    text += i > 0 ? "," : "";
    text += quoted(plain(at(columns[i].cells, places[i]), is_time(columns[i])));
  }
  text += "\n";
}

// Axes and datasets of one shape; empty where there is none.
std::string table_of(const H5::Group& group) {
  std::vector<Column> columns = axes_of(group);
  const std::size_t axes = columns.size();
  if (axes == 0 || axes > 2) return {};
  const std::size_t across = axes == 2 ? size_of(columns[1].cells) : 1;
  const std::size_t rows = size_of(columns[0].cells) * across;
  for (const std::string& name : hdf5::members(group)) {
    if (hdf5::is_group(group, name)) continue;
    hdf5::Dataset found = hdf5::look_at(group, name);
    if (found.is_axis) continue;
    hdf5::read_column(group, found.column);
    if (size_of(found.column.cells) == rows) columns.push_back(std::move(found.column));
  }
  std::string text;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    text += (i > 0 ? "," : "") + heading(columns[i]);
  }
  text += "\n";
  std::vector<std::size_t> places(columns.size());
  for (std::size_t row = 0; row < rows; ++row) {
    std::fill(places.begin(), places.end(), row);
    places[0] = row / across;
    if (axes == 2) places[1] = row % across;
    append_row(text, columns, places);
  }
  return text;
}

std::string attributes_table(const H5::Group& group) {
  std::string text;
  for (const auto& [name, value] : hdf5::attributes(group)) {
    text += quoted(name) + "," + quoted(plain(value, false)) + "\n";
  }
  return text.empty() ? text : "name,value\n" + text;
}

void write_table(const fs::path& path, const std::string& text, std::vector<std::string>& written) {
  if (text.empty()) return;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) {
    throw FileError(
        fmt::format("{}:1:1: its folder can't be made: {}", path.string(), error.message()));
  }
  File(path.string(), O_WRONLY | O_CREAT | O_TRUNC).write(text);
  written.push_back(path.string());
}

// A name in the file as a name in a folder: nothing leads out of it.
std::string file_name(std::string name) {
  std::replace(name.begin(), name.end(), '/', '_');
  return name == "." || name == ".." ? "_" : name;
}

void export_group(const H5::Group& group, const fs::path& path, std::vector<std::string>& written) {
  const std::string table = table_of(group);
  write_table(path.string() + ".csv", table.empty() ? attributes_table(group) : table, written);
  for (const std::string& name : hdf5::members(group)) {
    if (hdf5::is_group(group, name)) {
      export_group(group.openGroup(name), path / file_name(name), written);
    }
  }
}

}  // namespace

std::string browse(const std::string& file, const std::string& path) {
  return with_file(file, [&](H5::Group group) -> std::string {
    std::string rest = path;
    while (true) {
      rest.erase(0, std::min(rest.find_first_not_of('/'), rest.size()));
      if (rest.empty()) return group_text(group);
      const std::string name = rest.substr(0, rest.find('/'));
      rest.erase(0, name.size());
      if (!group.nameExists(name)) no_such_path(file, path, group);
      if (!hdf5::is_group(group, name)) return dataset_text(group, name);
      group = group.openGroup(name);
    }
  });
}

std::vector<std::string> export_csv(const std::string& file, const std::string& directory) {
  return with_file(file, [&](const H5::Group& root) {
    std::vector<std::string> written;
    for (const std::string& name : hdf5::members(root)) {
      if (!hdf5::is_group(root, name)) continue;
      export_group(root.openGroup(name), fs::path(directory) / file_name(name), written);
    }
    return written;
  });
}

}  // namespace windtunnel::analysis
