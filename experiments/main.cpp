// The command line. What the commands do is in commands.hpp.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <set>

#include "analysis/files.hpp"
#include "experiments/commands.hpp"

namespace {

using windtunnel::experiments::RunCommand;

struct TraceOptions {
  std::string text, from, to;
  double scale = 1;
};

void add_run(CLI::App& app, RunCommand& run, TraceOptions& trace) {
  CLI::App* command = app.add_subcommand("run", "run an experiment and print its verdict");
  command->add_option("FILE", run.file, "the experiment, YAML or JSON")->required();
  command->add_option("--out", run.out, "results file (default results/NAME.h5)");
  command->add_option("--seed", run.seed, "seed of all chance (default: the experiment's)");
  command->add_option("--replications", run.replications, "independent runs (default: the experiment's; 1 with --trace)")
      ->check(CLI::Range(1, 1000000));
  command->add_option("--jobs", run.jobs, "replications at a time (default: one for each processor)")->check(CLI::Range(1, 1024));
  auto* resume = command->add_flag("--resume", run.resume, "go on with an unfinished run");
  command->add_flag("--restart", run.restart, "drop an unfinished run")->excludes(resume);
  command->add_option_function<std::string>("--format", [&run](const std::string& f) { run.json = f == "json"; }, "text or json")
      ->check(CLI::IsMember({"text", "json"}))->default_str("text");
  command->add_option("--set", run.sets, "PATH=VALUE, e.g. components.web.workers=4; may be repeated")->allow_extra_args(false);
  command->add_option("--trace", trace.text, "[CLIENT=]FILE: recorded counts instead of the client's open load");
  command->add_option("--trace-from", trace.from, "first date used, as written in the file");
  command->add_option("--trace-to", trace.to, "end of the cut; 24:00 is allowed");
  command->add_option("--trace-scale", trace.scale, "factor on the counts")->check(CLI::Range(0.0, 1e12));
  command->add_option("--horizon", run.horizon, "length of a run, e.g. 2h");
}

// Bad words on the command line are bad input.
int parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return -1;
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
}

int dispatch(int argc, char** argv) {
  namespace commands = windtunnel::experiments;
  CLI::App app("A wind tunnel for AWS architectures: load and faults in, RTO and RPO out.", "windtunnel");
  app.set_version_flag("--version", "windtunnel " WINDTUNNEL_VERSION);
  app.require_subcommand(1);
  RunCommand run;
  TraceOptions trace;
  add_run(app, run, trace);

  std::string file, name, what, starter = "windtunnel.yaml";
  int replication = 1;
  bool json = false;
  auto* check = app.add_subcommand("check", "validate a file and print what its graph shows");
  check->add_option("FILE", file, "an experiment or a topology")->required();
  auto* models = app.add_subcommand("models", "list the models, or all parameters of one");
  models->add_option("NAME", name, "a model");
  auto* show = app.add_subcommand("show", "read results back");
  show->add_option("H5", file, "a results file")->required();
  show->add_option("WHAT", what, "assumptions, replications or events")->check(CLI::IsMember({"assumptions", "replications", "events"}));
  show->add_option("N", replication, "the replication whose events are shown, from 1");
  show->add_flag("--json", json, "the verdict as JSON");
  auto* init = app.add_subcommand("init", "write a commented starter file");
  init->add_option("FILE", starter, "where to (default windtunnel.yaml)");

  if (const int code = parse(app, argc, argv); code >= 0) return code;
  if (check->parsed()) return commands::check(file);
  if (models->parsed()) return commands::models(name);
  if (show->parsed()) return commands::show(file, what, replication, json);
  if (init->parsed()) return commands::init(starter);
  if (!trace.text.empty()) {
    run.trace = commands::TraceOption{trace.text, trace.from, trace.to, trace.scale};
  } else if (!trace.from.empty() || !trace.to.empty() || trace.scale != 1) {
    std::fprintf(stderr, "--trace-from:1:1: goes with --trace\n");
    return 2;
  }
  return commands::run(run);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return dispatch(argc, argv);
  } catch (const windtunnel::analysis::FileError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 4;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "internal error: %s\n", error.what());
    return 4;
  }
}
