// Reads the results file back: all of it, or of a damaged one what can be read.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <stdexcept>

#include "analysis/columns.hpp"
#include "analysis/results_file.hpp"
#include "analysis/results_parts.hpp"

namespace windtunnel::analysis {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void expect(bool condition, const char* what) {
  if (!condition) throw H5::Exception("read_results", what);
}

void expect_rows(const Column& column, std::size_t rows) {
  expect(size_of(column.cells) == rows, "a column has another length than its table");
}

void read_attributes(const H5::Group& group, Message& message) {
  for (const FieldDescriptor* field : scalar_fields(*message.GetDescriptor())) {
    if (is_long(*field) || (field->has_presence() && !group.attrExists(field->name()))) continue;
    Cell cell = cell_of(message, *field);
    hdf5::read_attribute(group, field->name(), cell);
    set_cell(message, *field, cell);
  }
}

// A column or a table that an earlier version did not write is no damage: its checksums would tell.
bool is_there(const H5::Group& group, const std::string& name) {
  return H5Lexists(group.getId(), name.c_str(), H5P_DEFAULT) != 0;
}

void read_scalars(const H5::Group& group, const std::vector<Message*>& rows) {
  if (rows.empty()) return;
  for (const FieldDescriptor* field : scalar_fields(*rows.front()->GetDescriptor())) {
    Column column = empty_column(*field);
    if (!is_there(group, column.name)) continue;
    hdf5::read_column(group, column);
    expect_rows(column, rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) set_cell(*rows[i], *field, at(column.cells, i));
  }
}

// `owners` by replication; one under 0 if the table has no column of replications.
void read_rows(const H5::Group& in, const FieldDescriptor& field,
               const std::map<std::uint64_t, Message*>& owners, bool of_replications) {
  if (!is_there(in, field.name())) return;
  const H5::Group group = in.openGroup(field.name());
  Column whose{of_replications ? "replication" : "row", std::vector<std::uint64_t>(), "", ""};
  hdf5::read_column(group, whose);
  std::vector<Message*> rows;
  for (const std::uint64_t number : std::get<std::vector<std::uint64_t>>(whose.cells)) {
    const auto owner = owners.find(of_replications ? number : 0);
    expect(owner != owners.end(), "a row of an unknown replication");
    rows.push_back(owner->second->GetReflection()->AddMessage(owner->second, &field));
  }
  read_scalars(group, rows);
}

std::string read_text(const H5::Group& group, const char* name) {
  Column text{name, std::vector<std::string>(), "", ""};
  hdf5::read_column(group, text);
  expect_rows(text, 1);
  return std::get<std::string>(at(text.cells, 0));
}

void read_header(const H5::Group& root, ExperimentHeader& header) {
  const H5::Group group = root.openGroup("experiment");
  read_attributes(group, header);
  header.set_input_text(read_text(group, "input_text"));
  header.set_configuration(read_text(group, "configuration"));
  read_attributes(group.openGroup("service_level"), *header.mutable_service_level());
  Recording recording;
  read_attributes(group.openGroup("recording"), recording);
  if (!recording.level().empty()) *header.mutable_recording() = recording;
  for (const FieldDescriptor* field : table_fields(*header.GetDescriptor())) {
    read_rows(group, *field, {{0, &header}}, false);
  }
}

void read_windows(const H5::Group& root, std::vector<ReplicationRecord>& records) {
  const H5::Group group = root.openGroup("windows");
  Column axis{"window", std::vector<std::int64_t>(), "", ""};
  hdf5::read_column(group, axis);
  const std::size_t windows = size_of(axis.cells);
  const auto& type = *RequestWindows::descriptor();
  for (int f = 0; f < type.field_count(); ++f) {
    Column column{type.field(f)->name(), std::vector<std::uint64_t>(), "", ""};
    hdf5::read_column(group, column);
    expect_rows(column, records.size() * windows);
    auto cell = std::get<std::vector<std::uint64_t>>(column.cells).begin();
    for (auto& record : records) {
      Message& of_record = *record.mutable_windows();
      for (std::size_t i = 0; i < windows; ++i) {
        of_record.GetReflection()->AddUInt32(&of_record, type.field(f),
                                             static_cast<std::uint32_t>(*cell++));
      }
    }
  }
}

struct MetricNames {
  std::string component, metric, statistic, unit, sentence;
};

// The statistics of a metric follow one another.
void add_statistic(const MetricNames& names, double value, ReplicationRecord& record) {
  const auto is_last = [&] {
    const int n = record.metrics_size();
    return n > 0 && record.metrics(n - 1).component() == names.component &&
           record.metrics(n - 1).metric() == names.metric;
  };
  auto* metric =
      is_last() ? record.mutable_metrics(record.metrics_size() - 1) : record.add_metrics();
  metric->set_component(names.component);
  metric->set_metric(names.metric);
  metric->set_unit(names.unit);
  metric->set_sentence(names.sentence);
  auto& statistic = *metric->add_statistics();
  statistic.set_name(names.statistic);
  statistic.set_value(value);
}

void read_components(const H5::Group& root, std::vector<ReplicationRecord>& records) {
  const H5::Group all = root.openGroup("components");
  for (const auto& component : hdf5::members(all)) {
    const H5::Group group = all.openGroup(component);
    const std::string component_name = text_attribute(group, "component");
    for (const auto& name : hdf5::members(group)) {
      const H5::DataSet dataset = group.openDataSet(name);
      if (!dataset.attrExists("statistic")) continue;  // the axis
      const MetricNames names{
          component_name, text_attribute(dataset, "metric"), text_attribute(dataset, "statistic"),
          text_attribute(dataset, "units"), text_attribute(dataset, "long_name")};
      Column column{name, std::vector<double>(), "", ""};
      hdf5::read_column(group, column);
      expect_rows(column, records.size());
      const auto& values = std::get<std::vector<double>>(column.cells);
      for (std::size_t i = 0; i < records.size(); ++i) {
        if (values[i] == values[i]) add_statistic(names, values[i], records[i]);
      }
    }
  }
}

// The parts of a file, read one by one; of a damaged file those that can't be read are noted and
// left out.
class Parts {
 public:
  explicit Parts(std::vector<std::string>* lost) : lost_(lost) {}
  std::vector<std::string>* lost() const { return lost_; }
  // `forget` takes back what a part that broke off had read.
  template <typename Read, typename Forget>
  void read(const std::string& name, Read read, Forget forget) {
    try {
      read();
    } catch (const H5::Exception&) {
      if (lost_ == nullptr) throw;
      forget();
      lost_->push_back(name);
    } catch (const std::bad_alloc&) {  // a size in it is impossible
      if (lost_ == nullptr) throw;
      forget();
      lost_->push_back(name);
    }
  }

 private:
  std::vector<std::string>* lost_;  // nullptr: all must be there
};

template <typename Do>
void each(const std::vector<Message*>& records, Do what) {
  for (Message* record : records) what(static_cast<ReplicationRecord&>(*record));
}

Results read_all(const H5::Group& root, Parts parts) {
  Results results;
  read_header(root, results.header);
  const H5::Group group = root.openGroup("replications");
  Column numbers = empty_column(*ReplicationRecord::descriptor()->field(0));
  hdf5::read_column(group, numbers);
  results.records.resize(size_of(numbers.cells));

  std::vector<Message*> records, measures;
  std::map<std::uint64_t, Message*> by_number;
  for (std::size_t i = 0; i < results.records.size(); ++i) {
    records.push_back(&results.records[i]);
    measures.push_back(results.records[i].mutable_measures());
    by_number.emplace(std::get<std::uint64_t>(at(numbers.cells, i)), records.back());
  }
  parts.read(
      "replications", [&] { read_scalars(group, records); }, [] {});
  parts.read(
      "measures", [&] { read_scalars(root.openGroup("measures"), measures); },
      [&] { each(records, [](ReplicationRecord& record) { record.clear_measures(); }); });
  for (const FieldDescriptor* field : table_fields(*ReplicationRecord::descriptor())) {
    parts.read(
        field->name(), [&] { read_rows(root, *field, by_number, true); },
        [&] {
          for (Message* record : records) record->GetReflection()->ClearField(record, field);
        });
  }
  parts.read(
      "windows", [&] { read_windows(root, results.records); },
      [&] { each(records, [](ReplicationRecord& record) { record.clear_windows(); }); });
  parts.read(
      "components", [&] { read_components(root, results.records); },
      [&] { each(records, [](ReplicationRecord& record) { record.clear_metrics(); }); });
  read_series(root, results.records, parts.lost());
  return results;
}

// Throws what a user should know of a file that is none of ours.
void check_format(const std::string& path, const H5::Group& root) {
  if (text_attribute(root, "format") != results_format) {
    throw WrongFile(path + ":1:1: is an HDF5 file, but not one of windtunnel's results");
  }
  Cell found = std::uint64_t{0};
  hdf5::read_attribute(root, "layout", found);
  if (found != Cell(results_layout)) {
    throw WrongFile(
        fmt::format("{}:1:1: has layout {} of the results; this version reads layout {}", path,
                    std::get<std::uint64_t>(found), results_layout));
  }
}

void check_kind(const std::string& path) {
  H5::Exception::dontPrint();
  if (!std::filesystem::exists(path)) throw WrongFile(path + ":1:1: no such file");
  if (!std::filesystem::is_regular_file(path) || H5Fis_hdf5(path.c_str()) <= 0) {
    throw WrongFile(path + ":1:1: is not a results file (HDF5)");
  }
}

// `name` is the path that messages name, `path` that of the file that is read.
Results read_file(const std::string& path, const std::string& name, Parts parts) {
  try {
    const H5::H5File file(path, H5F_ACC_RDONLY);
    const H5::Group root = file.openGroup("/");
    check_format(name, root);
    return read_all(root, parts);
  } catch (const H5::Exception& error) {
    throw DamagedFile(fmt::format("{}:1:1: is damaged or incomplete ({}: {})", name,
                                  error.getFuncName(), error.getDetailMsg()));
  } catch (const std::bad_alloc&) {
    throw DamagedFile(name + ":1:1: is damaged: a size in it is impossible");
  } catch (const std::length_error&) {
    throw DamagedFile(name + ":1:1: is damaged: a size in it is impossible");
  }
}

// A copy of a file that lost its end, filled up with zeros to the length that its first block
// tells: HDF5 opens no shorter one. Gone with the object.
class Mended {
 public:
  explicit Mended(const std::string& path) {
    std::string bytes = File(path, O_RDONLY).read_all();
    const std::uint64_t length = whole_length(bytes);
    constexpr std::uint64_t most = std::uint64_t{1} << 36;
    if (length <= bytes.size() || length > most) return;
    std::string name = (std::filesystem::temp_directory_path() / "windtunnel.XXXXXX").string();
    const int descriptor = ::mkstemp(name.data());
    if (descriptor < 0) return;
    ::close(descriptor);
    path_ = name;
    File copy(path_, O_WRONLY);
    copy.write(bytes);
    if (::ftruncate(copy.descriptor(), static_cast<off_t>(length)) != 0) copy.fail("can't grow");
  }
  ~Mended() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Mended(const Mended&) = delete;
  Mended& operator=(const Mended&) = delete;
  const std::string& path() const { return path_; }  // empty: its end is there

 private:
  // HDF5's superblock of version 2 or 3, as we write it: the end's address stands at byte 28.
  static std::uint64_t whole_length(const std::string& bytes) {
    if (bytes.size() < 48 || (bytes[8] != 2 && bytes[8] != 3)) return 0;
    std::uint64_t length = 0;
    for (std::size_t i = 8; i-- > 0;) {
      length = length << 8 | static_cast<unsigned char>(bytes[28 + i]);
    }
    return length;
  }

  std::string path_;
};

}  // namespace

Results read_results(const std::string& path) {
  check_kind(path);
  return read_file(path, path, Parts(nullptr));
}

Results salvage_results(const std::string& path, std::vector<std::string>& lost) {
  check_kind(path);
  const Mended mended(path);
  if (!mended.path().empty()) lost.push_back("its end");
  return read_file(mended.path().empty() ? path : mended.path(), path, Parts(&lost));
}

}  // namespace windtunnel::analysis
