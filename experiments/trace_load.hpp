// Recorded load: the traces that clients name, and those of the command line.
#pragma once

#include <optional>
#include <string>

#include "topologies/load.hpp"

namespace windtunnel::experiments {

// `--trace [CLIENT=]FILE --trace-from --trace-to --trace-scale`.
struct TraceOption {
  std::string text;  // FILE or CLIENT=FILE
  std::string from, to;
  double scale = 1;
};

// Replaces the open load of the only, or the named, client.
void apply_trace(const TraceOption& option, LoadedExperiment& experiment, Diagnostics& diagnostics);

// Reads every client's trace once, in the parent: its problems are told with the trace's own lines, its cut becomes part
// of the input (so that --resume notices another). A relative path is taken from the experiment's folder where that has
// such a file. Returns the longest cut, or nothing if no client has a trace.
std::optional<std::int64_t> read_traces(LoadedExperiment& experiment, Diagnostics& diagnostics);

}  // namespace windtunnel::experiments
