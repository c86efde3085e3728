// Recorded load: the traces that clients name, and those of the command line.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "topologies/load.hpp"

namespace windtunnel::experiments {

// `--trace [CLIENT=]FILE --trace-from --trace-to --trace-scale`.
struct TraceOption {
  std::string text;  // FILE or CLIENT=FILE
  std::string from, to;
  double scale = 1;
};

// Replaces the open load of the only, or the named, client; returns its name, empty after an error.
std::string apply_trace(const TraceOption& option, LoadedExperiment& experiment,
                        Diagnostics& diagnostics);

// Reads every client's trace once, in the parent: its problems are told with the trace's own lines,
// its cut becomes part of the input (so that --resume notices another), and the replications
// inherit it. A relative path is taken from the experiment's folder where that has such a file.
// Returns the length of each client's cut, in ns.
std::map<std::string, std::int64_t> read_traces(LoadedExperiment& experiment,
                                                Diagnostics& diagnostics);

}  // namespace windtunnel::experiments
