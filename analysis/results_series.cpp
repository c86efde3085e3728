// What the results file keeps over time, and small things that its parts share.
#include "analysis/results_parts.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "analysis/recorder.hpp"

namespace windtunnel::analysis {
namespace {

using google::protobuf::FieldDescriptor;

constexpr float nothing = std::numeric_limits<float>::quiet_NaN();

// Places in the records of those that have some of it: what is recorded of a few replications only
// takes no room for the others.
template <typename Has>
std::vector<std::size_t> recorded(const std::vector<ReplicationRecord>& records, Has has) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (has(records[i])) places.push_back(i);
  }
  return places;
}

Column replications_at(const std::vector<std::size_t>& places,
                       const std::vector<ReplicationRecord>& records) {
  std::vector<std::uint64_t> numbers;
  for (const std::size_t place : places) {
    numbers.push_back(std::uint64_t{records[place].replication()});
  }
  return {"replication", numbers, "1", "number of the replication, from 0"};
}

// One metric's statistic over all replications.
struct Grid {
  std::string component, metric, statistic;
  Column column;
};

std::vector<Grid> grids_of(const std::vector<ReplicationRecord>& records,
                           const std::vector<std::size_t>& places, std::size_t intervals) {
  std::vector<Grid> grids;
  std::map<std::tuple<std::string, std::string, std::string>, std::size_t> found;
  for (std::size_t row = 0; row < places.size(); ++row) {
    for (const Series& series : records[places[row]].series()) {
      const auto [at, is_new] = found.try_emplace(
          {series.component(), series.metric(), series.statistic()}, grids.size());
      if (is_new) {
        grids.push_back({series.component(),
                         series.metric(),
                         series.statistic(),
                         {link_name(series.metric() + "." + series.statistic()),
                          std::vector<float>(places.size() * intervals, nothing), series.unit(),
                          series.sentence()}});
      }
      auto& cells = std::get<std::vector<float>>(grids[at->second].column.cells);
      const auto& values = series.values();
      for (std::size_t i = 0; i < intervals && !values.empty(); ++i) {
        const int last = values.size() - 1;
        cells[row * intervals + i] = values[std::min(static_cast<int>(i), last)];
      }
    }
  }
  return grids;
}

Column time_axis(std::int64_t interval, std::size_t intervals) {
  std::vector<std::int64_t> starts;
  for (std::size_t i = 0; i < intervals; ++i) {
    starts.push_back(static_cast<std::int64_t>(i) * interval);
  }
  return {"time", starts, "nanoseconds since 1970-01-01", "start of the interval"};
}

std::string lower_ends_name() { return "latency"; }

std::vector<double> lower_ends(std::size_t first, std::size_t end) {
  std::vector<double> ends;
  for (std::size_t bin = first; bin < end; ++bin) ends.push_back(lower_end_of_bin(bin));
  return ends;
}

void write_histograms(H5::Group& root, const std::vector<ReplicationRecord>& records) {
  const auto places = recorded(
      records, [](const ReplicationRecord& record) { return record.histograms_size() > 0; });
  if (places.empty()) return;
  std::size_t first = SIZE_MAX, end = 0;
  for (const std::size_t place : places) {
    for (const LatencyBins& bins : records[place].histograms()) {
      if (bins.counts().empty()) continue;
      first = std::min(first, std::size_t{bins.first()});
      end = std::max(end, bins.first() + static_cast<std::size_t>(bins.counts_size()));
    }
  }
  if (end == 0) first = 0;
  const std::size_t width = end - first;
  std::vector<std::pair<std::string, std::vector<Column>>> components;
  std::map<std::string, std::size_t> component_at;
  std::map<std::pair<std::string, std::string>, std::size_t> column_at;
  for (std::size_t row = 0; row < places.size(); ++row) {
    for (const LatencyBins& bins : records[places[row]].histograms()) {
      const auto [component, is_new] =
          component_at.try_emplace(bins.component(), components.size());
      if (is_new) components.push_back({bins.component(), {}});
      auto& columns = components[component->second].second;
      const auto [column, is_first] =
          column_at.try_emplace({bins.component(), bins.metric()}, columns.size());
      if (is_first) {
        columns.push_back({link_name(bins.metric()),
                           std::vector<std::uint64_t>(places.size() * width), "1",
                           bins.sentence()});
      }
      auto& cells = std::get<std::vector<std::uint64_t>>(columns[column->second].cells);
      for (int i = 0; i < bins.counts_size(); ++i) {
        cells[row * width + bins.first() - first + static_cast<std::size_t>(i)] = bins.counts(i);
      }
    }
  }
  H5::Group all = hdf5::create_group(root, "histograms");
  hdf5::write_attribute(all, "first_bin", std::uint64_t{first});
  for (const auto& [component, columns] : components) {
    H5::Group group = hdf5::create_group(all, link_name(component));
    hdf5::write_attribute(group, "component", component);
    hdf5::write_grid(group, replications_at(places, records),
                     {lower_ends_name(), lower_ends(first, end), "seconds",
                      "lower end of the bin; the next bin's is its upper end"},
                     columns);
  }
}

}  // namespace

// Repeated messages become tables of their own, unless they hold repeated fields themselves.
std::vector<const FieldDescriptor*> table_fields(const google::protobuf::Descriptor& type) {
  std::vector<const FieldDescriptor*> fields;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (!field->is_repeated() || !field->message_type()) continue;
    const auto& element = *field->message_type();
    if (static_cast<int>(scalar_fields(element).size()) == element.field_count()) {
      fields.push_back(field);
    }
  }
  return fields;
}

// Attributes are made for short values; these may have any length.
bool is_long(const FieldDescriptor& field) {
  return field.name() == "input_text" || field.name() == "configuration";
}

std::string link_name(std::string name) {
  std::replace(name.begin(), name.end(), '/', '_');
  return name.empty() ? "_" : name;
}

std::string text_attribute(const H5::H5Object& object, const std::string& name) {
  if (!object.attrExists(name)) return {};
  Cell text = std::string();
  hdf5::read_attribute(object, name, text);
  return std::get<std::string>(text);
}

void write_published(H5::H5Object& object, const std::string& component, const std::string& metric,
                     const ExperimentHeader& header) {
  for (const PublishedMetric& published : header.published()) {
    if (published.component() != component || published.metric() != metric) continue;
    hdf5::write_attribute(object, "namespace", published.namespace_());
    hdf5::write_attribute(object, "dimensions", published.dimensions());
    return;
  }
}

void write_series(H5::Group& root, const ExperimentHeader& header,
                  const std::vector<ReplicationRecord>& records) {
  const std::int64_t interval = header.recording().interval();
  const auto places =
      recorded(records, [](const ReplicationRecord& record) { return record.series_size() > 0; });
  if (places.empty() || interval <= 0) return;
  const auto intervals = static_cast<std::size_t>(header.horizon() / interval);
  const std::vector<Grid> grids = grids_of(records, places, intervals);
  H5::Group all = hdf5::create_group(root, "series");
  for (std::size_t begin = 0, end; begin < grids.size(); begin = end) {
    const std::string& component = grids[begin].component;
    std::vector<Column> columns;
    for (end = begin; end < grids.size() && grids[end].component == component; ++end) {
      columns.push_back(grids[end].column);
    }
    H5::Group group = component.empty() ? hdf5::create_group(root, "service_level")
                                        : hdf5::create_group(all, link_name(component));
    hdf5::write_attribute(group, "component", component);
    hdf5::write_grid(group, replications_at(places, records), time_axis(interval, intervals),
                     columns);
    for (std::size_t i = begin; i < end; ++i) {
      H5::DataSet dataset = group.openDataSet(grids[i].column.name);
      hdf5::write_attribute(dataset, "metric", grids[i].metric);
      hdf5::write_attribute(dataset, "statistic", grids[i].statistic);
      write_published(dataset, component, grids[i].metric, header);
    }
  }
  write_histograms(root, records);
}

namespace {

using ByNumber = std::map<std::uint64_t, ReplicationRecord*>;

std::vector<ReplicationRecord*> rows_of(const H5::Group& group, const ByNumber& by_number) {
  Column numbers{"replication", std::vector<std::uint64_t>(), "", ""};
  hdf5::read_column(group, numbers);
  std::vector<ReplicationRecord*> rows;
  for (const std::uint64_t number : std::get<std::vector<std::uint64_t>>(numbers.cells)) {
    const auto record = by_number.find(number);
    if (record == by_number.end()) throw H5::Exception("rows_of", "an unknown replication");
    rows.push_back(record->second);
  }
  return rows;
}

bool same(float a, float b) { return a == b || (a != a && b != b); }

void read_component(const H5::Group& group, const ByNumber& by_number) {
  const auto rows = rows_of(group, by_number);
  const std::string component = text_attribute(group, "component");
  for (const std::string& name : hdf5::members(group)) {
    const H5::DataSet dataset = group.openDataSet(name);
    if (!dataset.attrExists("statistic")) continue;  // an axis
    Column column{name, std::vector<float>(), "", ""};
    hdf5::read_column(group, column);
    const auto& cells = std::get<std::vector<float>>(column.cells);
    if (rows.empty() || cells.size() % rows.size() != 0) {
      throw H5::Exception("read_component", "a grid has another shape than its axes");
    }
    const std::size_t width = cells.size() / rows.size();
    for (std::size_t row = 0; row < rows.size(); ++row) {
      auto& series = *rows[row]->add_series();
      series.set_component(component);
      series.set_metric(text_attribute(dataset, "metric"));
      series.set_statistic(text_attribute(dataset, "statistic"));
      series.set_unit(text_attribute(dataset, "units"));
      series.set_sentence(text_attribute(dataset, "long_name"));
      const auto begin = cells.begin() + static_cast<std::ptrdiff_t>(row * width);
      std::size_t n = width;
      while (n > 1 && same(begin[static_cast<std::ptrdiff_t>(n) - 1],
                           begin[static_cast<std::ptrdiff_t>(n) - 2])) {
        --n;
      }
      series.mutable_values()->Add(begin, begin + static_cast<std::ptrdiff_t>(n));
    }
  }
}

void read_histograms(const H5::Group& group, std::uint64_t first, const ByNumber& by_number) {
  const auto rows = rows_of(group, by_number);
  const std::string component = text_attribute(group, "component");
  for (const std::string& name : hdf5::members(group)) {
    if (name == "replication" || name == lower_ends_name()) continue;
    Column column{name, std::vector<std::uint64_t>(), "", ""};
    hdf5::read_column(group, column);
    const auto& cells = std::get<std::vector<std::uint64_t>>(column.cells);
    if (rows.empty() || cells.size() % rows.size() != 0) {
      throw H5::Exception("read_histograms", "a grid has another shape than its axes");
    }
    const std::size_t width = cells.size() / rows.size();
    for (std::size_t row = 0; row < rows.size(); ++row) {
      auto& bins = *rows[row]->add_histograms();
      bins.set_component(component);
      bins.set_metric(name);
      bins.set_sentence(text_attribute(group.openDataSet(name), "long_name"));
      const auto begin = cells.begin() + static_cast<std::ptrdiff_t>(row * width);
      const auto is_some = [](std::uint64_t count) { return count > 0; };
      const auto from = std::find_if(begin, begin + static_cast<std::ptrdiff_t>(width), is_some);
      const auto skipped = from - begin;
      std::size_t n = width - static_cast<std::size_t>(skipped);
      while (n > 0 && from[static_cast<std::ptrdiff_t>(n) - 1] == 0) --n;
      if (n > 0)
        bins.set_first(static_cast<std::uint32_t>(first) + static_cast<std::uint32_t>(skipped));
      bins.mutable_counts()->Add(from, from + static_cast<std::ptrdiff_t>(n));
    }
  }
}

}  // namespace

namespace {

template <typename Read>
void read_part(const std::string& name, std::vector<std::string>* lost, Read read) {
  try {
    read();
  } catch (const H5::Exception&) {
    if (lost == nullptr) throw;
    lost->push_back(name);
  }
}

}  // namespace

void read_series(const H5::Group& root, std::vector<ReplicationRecord>& records,
                 std::vector<std::string>* lost) {
  ByNumber by_number;
  for (auto& record : records) by_number.emplace(record.replication(), &record);
  if (root.nameExists("series")) {
    read_part("series", lost, [&] {
      const H5::Group all = root.openGroup("series");
      for (const std::string& name : hdf5::members(all)) {
        read_part("series/" + name, lost, [&] { read_component(all.openGroup(name), by_number); });
      }
    });
  }
  if (root.nameExists("service_level")) {
    read_part("service_level", lost,
              [&] { read_component(root.openGroup("service_level"), by_number); });
  }
  if (!root.nameExists("histograms")) return;
  read_part("histograms", lost, [&] {
    const H5::Group all = root.openGroup("histograms");
    Cell first = std::uint64_t{0};
    hdf5::read_attribute(all, "first_bin", first);
    for (const std::string& name : hdf5::members(all)) {
      read_part("histograms/" + name, lost, [&] {
        read_histograms(all.openGroup(name), std::get<std::uint64_t>(first), by_number);
      });
    }
  });
}

}  // namespace windtunnel::analysis
