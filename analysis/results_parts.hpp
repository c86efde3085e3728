// What writing and reading of the results file share. For results_*.cpp only.
#pragma once

#include "analysis/hdf5_columns.hpp"
#include "analysis/record.pb.h"

namespace windtunnel::analysis {

inline constexpr const char* results_format = "windtunnel results";
// Changes when a reader of the old one would be wrong.
inline constexpr std::uint64_t results_layout = 2;

// Repeated messages become tables of their own, unless they hold repeated fields themselves.
std::vector<const google::protobuf::FieldDescriptor*> table_fields(
    const google::protobuf::Descriptor& type);
// Attributes are made for short values; these may have any length and become datasets.
bool is_long(const google::protobuf::FieldDescriptor& field);

// What is kept over time: /series, /service_level and /histograms.
void write_series(H5::Group& root, const ExperimentHeader& header,
                  const std::vector<ReplicationRecord>& records);
// Of a damaged file, component by component what can be read; `lost` names the others. Without
// `lost` all must be there.
void read_series(const H5::Group& root, std::vector<ReplicationRecord>& records,
                 std::vector<std::string>* lost);

// A link's name can't hold a slash.
std::string link_name(std::string name);
// Empty where there is no such attribute.
std::string text_attribute(const H5::H5Object& object, const std::string& name);
// CloudWatch's namespace and dimensions of a metric that AWS publishes.
void write_published(H5::H5Object& object, const std::string& component, const std::string& metric,
                     const ExperimentHeader& header);

}  // namespace windtunnel::analysis
