#include "analysis/results_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>

#include "analysis/columns.hpp"
#include "analysis/hdf5_columns.hpp"
#include "analysis/results_parts.hpp"
#include "analysis/summary.hpp"

namespace windtunnel::analysis {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Rows = std::vector<const Message*>;

Column replication_column(const std::vector<ReplicationRecord>& records) {
  Rows rows;
  for (const auto& record : records) rows.push_back(&record);
  return columns_of(*ReplicationRecord::descriptor(), rows).front();
}

// The rows of all owners below each other; `replications` says whose they are, unless there is one
// owner.
void write_rows(H5::Group& in, const FieldDescriptor& field, const Rows& owners,
                const Column* replications) {
  Rows rows;
  std::vector<std::uint64_t> numbers, owner_of_row;
  for (std::size_t i = 0; i < owners.size(); ++i) {
    const auto& reflection = *owners[i]->GetReflection();
    for (int k = 0; k < reflection.FieldSize(*owners[i], &field); ++k) {
      rows.push_back(&reflection.GetRepeatedMessage(*owners[i], &field, k));
      if (replications) {
        owner_of_row.push_back(std::get<std::uint64_t>(at(replications->cells, i)));
      }
    }
  }
  numbers.resize(rows.size());
  std::iota(numbers.begin(), numbers.end(), std::uint64_t{0});
  std::vector<Column> columns{{"row", numbers, "1", ""}};
  if (replications) {
    columns.push_back(
        {replications->name, owner_of_row, replications->unit, replications->sentence});
  }
  for (auto& column : columns_of(*field.message_type(), rows)) columns.push_back(std::move(column));
  H5::Group group = hdf5::create_group(in, field.name());
  hdf5::write_table(group, columns);
}

void write_attributes(H5::Group& group, const Message& message) {
  for (const FieldDescriptor* field : scalar_fields(*message.GetDescriptor())) {
    if (is_long(*field)) continue;
    if (field->has_presence() && !message.GetReflection()->HasField(message, field)) continue;
    hdf5::write_attribute(group, field->name(), cell_of(message, *field));
  }
}

void write_header(H5::Group& root, const ExperimentHeader& header) {
  H5::Group group = hdf5::create_group(root, "experiment");
  write_attributes(group, header);
  hdf5::write_column(group, {"input_text", std::vector{header.input_text()}, "", ""}, {1});
  hdf5::write_column(group, {"configuration", std::vector{header.configuration()}, "", ""}, {1});
  H5::Group level = hdf5::create_group(group, "service_level");
  write_attributes(level, header.service_level());
  H5::Group recording = hdf5::create_group(group, "recording");
  write_attributes(recording, header.recording());
  for (const FieldDescriptor* field : table_fields(*header.GetDescriptor())) {
    write_rows(group, *field, {&header}, nullptr);
  }
}

// Derived, ready to plot; read_results() doesn't read it.
Column success_ratios(const std::vector<ReplicationRecord>& records, std::size_t windows) {
  std::vector<double> ratios(records.size() * windows, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t row = 0; row < records.size(); ++row) {
    const auto& of_record = records[row].windows();
    for (int i = 0; i < of_record.arrived_size(); ++i) {
      if (of_record.arrived(i) == 0) continue;
      ratios[row * windows + static_cast<std::size_t>(i)] =
          static_cast<double>(of_record.good(i)) / of_record.arrived(i);
    }
  }
  return {"success_ratio", std::move(ratios), "1", "good / arrived; NaN: none arrived"};
}

void write_windows(H5::Group& root, const Results& results, const Column& replications) {
  H5::Group group = hdf5::create_group(root, "windows");
  int windows = 0;
  for (const auto& record : results.records) {
    windows = std::max(windows, record.windows().arrived_size());
  }
  std::vector<std::int64_t> starts;
  starts.reserve(static_cast<std::size_t>(windows));
  for (int i = 0; i < windows; ++i) starts.push_back(i * results.header.service_level().window());
  const Column axis{"window", starts, "nanoseconds since 1970-01-01", "start of the window"};
  const auto& type = *RequestWindows::descriptor();
  std::vector<Column> columns;
  for (int f = 0; f < type.field_count(); ++f) {
    const FieldDescriptor* field = type.field(f);
    std::vector<std::uint64_t> cells;
    for (const auto& record : results.records) {
      const Message& of_record = record.windows();
      const auto& reflection = *of_record.GetReflection();
      const int n = reflection.FieldSize(of_record, field);
      for (int i = 0; i < windows; ++i) {
        cells.push_back(i < n ? reflection.GetRepeatedUInt32(of_record, field, i) : 0);
      }
    }
    const auto& option = field->options().GetExtension(analysis::column);
    columns.push_back({field->name(), std::move(cells), option.unit(), option.sentence()});
  }
  columns.push_back(success_ratios(results.records, static_cast<std::size_t>(windows)));
  hdf5::write_grid(group, replications, axis, columns);
}

struct MetricColumn {
  std::string metric, statistic;
  Column column;
};

// By component, in the order of the first replication that has them.
std::vector<std::pair<std::string, std::vector<MetricColumn>>> metric_columns(
    const std::vector<ReplicationRecord>& records) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  std::vector<std::pair<std::string, std::vector<MetricColumn>>> components;
  std::map<std::string, std::size_t> component_at;
  std::map<std::tuple<std::string, std::string, std::string>, std::size_t> column_at;
  for (std::size_t i = 0; i < records.size(); ++i) {
    for (const auto& metric : records[i].metrics()) {
      const auto [component, is_new] =
          component_at.try_emplace(metric.component(), components.size());
      if (is_new) components.push_back({metric.component(), {}});
      auto& columns = components[component->second].second;
      for (const auto& statistic : metric.statistics()) {
        const auto [found, is_first] = column_at.try_emplace(
            {metric.component(), metric.metric(), statistic.name()}, columns.size());
        if (is_first) {
          columns.push_back(
              {metric.metric(),
               statistic.name(),
               {link_name(metric.metric() + "." + statistic.name()),
                std::vector<double>(records.size(), none), metric.unit(), metric.sentence()}});
        }
        std::get<std::vector<double>>(columns[found->second].column.cells)[i] = statistic.value();
      }
    }
  }
  return components;
}

void write_components(H5::Group& root, const Results& results, const Column& replications) {
  H5::Group all = hdf5::create_group(root, "components");
  for (const auto& [component, metrics] : metric_columns(results.records)) {
    H5::Group group = hdf5::create_group(all, link_name(component));
    hdf5::write_attribute(group, "component", component);
    std::vector<Column> columns{replications};
    for (const auto& metric : metrics) columns.push_back(metric.column);
    hdf5::write_table(group, columns);
    for (const auto& metric : metrics) {
      H5::DataSet dataset = group.openDataSet(metric.column.name);
      hdf5::write_attribute(dataset, "metric", metric.metric);
      hdf5::write_attribute(dataset, "statistic", metric.statistic);
      write_published(dataset, component, metric.metric, results.header);
    }
  }
}

// What can be derived from the rest, ready to plot. read_results() doesn't read it.
void write_summary(H5::Group& root, const Results& results, const Column& replications) {
  const Summary summary = summarise(results.header, results.records);
  H5::Group group = hdf5::create_group(root, "summary");
  std::vector<Column> columns{replications};
  for (const auto& measure : summary.measures) {
    columns.push_back({measure.name, measure.values, measure.is_share ? "1" : "seconds",
                       "one value a replication; NaN: it has none, or is censored"});
  }
  hdf5::write_table(group, columns);
  for (const auto& measure : summary.measures) {
    H5::DataSet dataset = group.openDataSet(measure.name);
    const auto attribute = [&](const char* name, std::optional<double> value) {
      if (value) hdf5::write_attribute(dataset, name, *value);
    };
    attribute("mean", measure.mean);
    if (measure.ci95) {
      attribute("ci95_low", measure.ci95->low);
      attribute("ci95_high", measure.ci95->high);
    }
    attribute("p5", measure.p5);
    attribute("p50", measure.p50);
    attribute("p95", measure.p95);
    attribute("worst", measure.worst);
    hdf5::write_attribute(dataset, "censored", std::uint64_t{measure.censored});
    hdf5::write_attribute(dataset, "n", std::uint64_t{measure.n});
  }
}

void write_all(const std::string& path, const Results& results) {
  H5::FileAccPropList access;
  access.setLibverBounds(H5F_LIBVER_V18, H5F_LIBVER_LATEST);  // checksums on the metadata
  const H5::FileCreatPropList properties;
  hdf5::keep_together(properties.getId());
  // The list of groups in one piece at the beginning.
  constexpr unsigned groups = 48, name_length = 24;
  H5Pset_est_link_info(properties.getId(), groups, name_length);
  H5::H5File file(path, H5F_ACC_TRUNC, properties, access);
  H5::Group root = file.openGroup("/");
  hdf5::write_attribute(root, "format", std::string(results_format));
  hdf5::write_attribute(root, "layout", results_layout);
  write_header(root, results.header);

  Rows records, measures;
  for (const auto& record : results.records) {
    records.push_back(&record);
    measures.push_back(&record.measures());
  }
  const Column replications = replication_column(results.records);
  H5::Group group = hdf5::create_group(root, "replications");
  hdf5::write_table(group, columns_of(*ReplicationRecord::descriptor(), records));
  group = hdf5::create_group(root, "measures");
  auto columns = columns_of(*Measures::descriptor(), measures);
  columns.insert(columns.begin(), replications);
  hdf5::write_table(group, columns);
  for (const FieldDescriptor* field : table_fields(*ReplicationRecord::descriptor())) {
    write_rows(root, *field, records, &replications);
  }
  write_windows(root, results, replications);
  write_components(root, results, replications);
  write_series(root, results.header, results.records);
  write_summary(root, results, replications);
  file.flush(H5F_SCOPE_GLOBAL);
}

}  // namespace

void write_results(const std::string& path, const Results& results) {
  H5::Exception::dontPrint();
  const std::string temporary = fmt::format("{}.tmp.{}", path, ::getpid());
  try {
    write_all(temporary, results);
    publish(temporary, path);
  } catch (const H5::Exception& error) {
    ::unlink(temporary.c_str());
    throw FileError(fmt::format("{}:1:1: can't be written ({}: {})", path, error.getFuncName(),
                                error.getDetailMsg()));
  } catch (const FileError&) {
    ::unlink(temporary.c_str());
    throw;
  }
}

}  // namespace windtunnel::analysis
