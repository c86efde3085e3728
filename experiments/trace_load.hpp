// Recorded load: the traces that clients name, and those of the command line.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/load/client_load.pb.h"
#include "models/traces/bad.hpp"
#include "topologies/load.hpp"

namespace windtunnel::experiments {

// `--trace [CLIENT=]FILE` and an option for every other setting of a trace: `--trace-from DATE`.
struct TraceOption {
  std::string text;                                        // FILE or CLIENT=FILE
  std::map<std::string, std::vector<std::string>> fields;  // as written, by the field's name
};

// The fields of a trace that have an option: name, sentence, whether it may be repeated.
struct TraceField {
  std::string name, sentence;
  bool repeated;
};
std::vector<TraceField> trace_fields();
// "sort-window" of sort_window, and "--trace-sort-window".
std::string dashed(std::string field);
std::string option_of(const std::string& field);

// The options' settings for one file; `name` makes an option of a field's name. Problems go to the
// diagnostics.
settings::Trace read_trace_options(const TraceOption& option, const std::string& file,
                                   std::string (*name)(const std::string& field),
                                   Diagnostics& diagnostics);
// What is wrong with a trace, at its place in it; `fallback` where no file is to blame.
void tell(const traces::Bad& bad, const Place& fallback, Diagnostics& diagnostics);

// Replaces the open load of the only, or the named, client; returns its name, empty after an error.
std::string apply_trace(const TraceOption& option, LoadedExperiment& experiment,
                        Diagnostics& diagnostics);

// Reads every client's traces once to their ends, in the parent: their problems are told with the
// traces' own lines before anything is written, and what they hold becomes part of the input (so
// that --resume notices another). The replications stream them anew. A relative path is taken from
// the experiment's folder where that has such a file. Returns the length of each client's trace, in
// ns, of those whose load is one.
std::map<std::string, std::int64_t> read_traces(LoadedExperiment& experiment,
                                                Diagnostics& diagnostics);

}  // namespace windtunnel::experiments
