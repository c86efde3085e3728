// What the program's commands do. Each returns the exit code: 0 all objectives hold, 1
// one fails, 2 bad input, 3 undecided, 4 internal or I/O error or a crashed replication, 130
// interrupted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "experiments/trace_load.hpp"

namespace windtunnel::experiments {

struct RunCommand {
  std::string file;
  std::string out;  // empty: results/NAME.h5
  std::optional<std::uint64_t> seed;
  std::optional<int> replications;
  int jobs = 0;  // 0: one for each processor
  bool resume = false, restart = false;
  bool json = false;
  std::vector<std::string> sets;
  std::optional<TraceOption> trace;
  std::string horizon;  // as written, empty: the experiment's, or the trace's end
};

int run(const RunCommand& command);
int check(const std::string& file);
// All models, or one with all its parameters.
int models(const std::string& name);
// `what`: empty for the verdict, assumptions, replications, events (of one replication, from 1), or
// a path in the file: /, /series/web-alb.
int show(const std::string& file, const std::string& what, int replication, bool json);
struct TraceCommand {
  std::vector<std::string> files;
  TraceOption options;  // how they are read: by the fields of a trace
  std::string picture;  // an SVG of the first file goes here; empty: none
  bool json = false;
};
// What recorded loads hold.
int trace(const TraceCommand& command);
struct CalibrateCommand {
  std::string file;
  TraceOption options;
  double held_out = 0.3;
  std::string out;  // the YAML goes here; empty: behind the text
};
// A service's settings from its access log.
int calibrate(const CalibrateCommand& command);
// The formats that there are.
int trace_formats();
// Tables of all that a results file holds.
int export_csv(const std::string& file, const std::string& directory);

struct ReplayCommand {
  std::string file;
  std::optional<int> replication;  // from 1; or by a measure:
  std::string worst, median;
  std::string component, request;  // what is printed; neither: what is noted of all components
  std::string from, to;
};
int replay(const ReplayCommand& command);
int compare(const std::string& file_a, const std::string& file_b);

struct ReportCommand {
  std::vector<std::string> files;
  std::string out;    // empty: beside the first file, .html; Markdown: stdout
  std::string junit;  // empty: none
  bool markdown = false;
};
int report(const ReportCommand& command);

// Writes a commented starter file; an existing one is left alone.
int init(const std::string& file);

}  // namespace windtunnel::experiments
