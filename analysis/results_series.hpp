// What the results file keeps over time: /series, /service_level and /histograms. For
// results_file.cpp only.
#pragma once

#include "analysis/hdf5_columns.hpp"
#include "analysis/record.pb.h"

namespace windtunnel::analysis {

void write_series(H5::Group& root, const ExperimentHeader& header,
                  const std::vector<ReplicationRecord>& records);
void read_series(const H5::Group& root, std::vector<ReplicationRecord>& records);

// A link's name can't hold a slash.
std::string link_name(std::string name);
// Empty where there is no such attribute.
std::string text_attribute(const H5::H5Object& object, const std::string& name);
// CloudWatch's namespace and dimensions of a metric that AWS publishes.
void write_published(H5::H5Object& object, const std::string& component, const std::string& metric,
                     const ExperimentHeader& header);

}  // namespace windtunnel::analysis
