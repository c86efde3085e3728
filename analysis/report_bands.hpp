// Bands over the replications, for the pictures of the report.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>

#include "analysis/results_file.hpp"
#include "analysis/summary.hpp"

namespace windtunnel::analysis {

// Four digits, more than a picture shows; null for what is no number.
nlohmann::json short_number(double value);

// Every series of every component: its 10th, 50th and 90th percentile over the replications,
// interval by interval; sums as rates. What users feel comes first. `room` numbers may be used;
// series that don't fit are left out and counted.
nlohmann::json series_data(const Results& results, const Summary& summary, std::size_t& room);

// The share of good requests by window of their first attempt, as objectives see them; null without
// windows.
nlohmann::json windows_data(const Results& results, const Summary& summary);

}  // namespace windtunnel::analysis
