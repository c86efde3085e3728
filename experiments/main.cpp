// The command line. What the commands do is in commands.hpp.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <set>

#include "analysis/files.hpp"
#include "experiments/commands.hpp"
#include "topologies/names.hpp"
#include "topologies/quantity.hpp"

namespace {

using windtunnel::Diagnostics;
using windtunnel::experiments::CalibrateCommand;
using windtunnel::experiments::ReplayCommand;
using windtunnel::experiments::ReportCommand;
using windtunnel::experiments::RunCommand;
using windtunnel::experiments::TraceCommand;
using windtunnel::experiments::TraceOption;

// Options as they were written; empty: not given. They are read by the same reader as a file's
// values.
struct Words {
  std::string seed, replications, jobs, format, number, replication, report_format;
  TraceOption trace;
};

void add_format(CLI::App& command, Words& words) {
  command.add_option("--format", words.format, "text or json");
}

void add_run(CLI::App& app, RunCommand& run, Words& words) {
  CLI::App* command = app.add_subcommand("run", "run an experiment and print its verdict");
  command->add_option("FILE", run.file, "the experiment, YAML or JSON")->required();
  command->add_option("--out", run.out, "results file (default results/NAME.h5)");
  command->add_option("--seed", words.seed, "seed of all chance (default: the experiment's)");
  command->add_option("--replications", words.replications,
                      "independent runs (default: the experiment's; 1 with --trace)");
  command->add_option("--jobs", words.jobs,
                      "replications at a time (default: one for each processor)");
  command->add_flag("--resume", run.resume, "go on with an unfinished run");
  command->add_flag("--restart", run.restart, "drop an unfinished run");
  add_format(*command, words);
  command
      ->add_option("--set", run.sets, "PATH=VALUE, e.g. components.web.workers=4; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--trace", words.trace.text,
                      "[CLIENT=]FILE: a recorded load instead of the client's open one");
  for (const auto& field : windtunnel::experiments::trace_fields()) {
    command
        ->add_option(windtunnel::experiments::option_of(field.name), words.trace.fields[field.name],
                     field.sentence)
        ->expected(1, field.repeated ? 1'000'000 : 1)
        ->allow_extra_args(false)
        ->multi_option_policy(field.repeated ? CLI::MultiOptionPolicy::TakeAll
                                             : CLI::MultiOptionPolicy::Throw);
  }
  command->add_option("--horizon", run.horizon,
                      "length of a run, e.g. 2h (with --trace: the cut's, unless given)");
}

// How a trace is read: the same words as in a client's settings.
void add_reading(CLI::App& command, TraceOption& options) {
  for (const auto& field : windtunnel::experiments::trace_fields()) {
    static const std::set<std::string> read = {"from",  "to",          "series",         "values",
                                               "bin",   "dates",       "repeated_dates", "gaps",
                                               "scale", "sort_window", "format"};
    if (!read.contains(field.name)) continue;
    const std::string name =
        field.name == "format" ? "--read-as" : "--" + windtunnel::experiments::dashed(field.name);
    command.add_option(name, options.fields[field.name], field.sentence)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  }
}

void add_trace(CLI::App& app, TraceCommand& trace, Words& words, bool& formats) {
  CLI::App* command = app.add_subcommand("trace", "say what recorded loads hold");
  command->add_option("FILE", trace.files, "rate series and logs, plain or gzip");
  command->add_option("--picture", trace.picture, "draw the first one, as SVG");
  command->add_flag("--formats", formats, "list the formats that are recognised");
  add_reading(*command, trace.options);
  add_format(*command, words);
}

void add_calibrate(CLI::App& app, CalibrateCommand& calibrate, Words& words) {
  CLI::App* command =
      app.add_subcommand("calibrate", "settings of one service from its access log");
  command->add_option("LOG", calibrate.file, "an access log with times")->required();
  command->add_option("--out", calibrate.out, "write the YAML here instead of printing it");
  command->add_option("--held-out", words.number,
                      "share of the requests, the last ones, to check against (default 30%)");
  add_reading(*command, calibrate.options);
}

void complain(Diagnostics& diagnostics, const std::string& option, const std::string& text) {
  diagnostics.error({option, 1, 1}, text);
}

template <typename T>
std::optional<T> number(const std::string& option, const std::string& text, T low, T high,
                        Diagnostics& diagnostics) {
  if (text.empty()) return std::nullopt;
  const auto parsed = windtunnel::parse_quantity<T>(text, windtunnel::schema::NONE);
  if (!parsed.value) {
    complain(diagnostics, option, fmt::format("{} {}", windtunnel::shown(text), parsed.error));
  } else if (!(*parsed.value >= low && *parsed.value <= high)) {
    complain(diagnostics, option, fmt::format("{} is not from {} to {}", text, low, high));
  }
  return parsed.value;
}

bool is_json(const Words& words, Diagnostics& diagnostics) {
  if (!words.format.empty() && words.format != "text" && words.format != "json") {
    complain(diagnostics, "--format", windtunnel::shown(words.format) + " is not text or json");
  }
  return words.format == "json";
}

void read_run(RunCommand& run, Words& words, Diagnostics& diagnostics) {
  constexpr std::int64_t replications_max = 1'000'000, jobs_max = 1024;
  run.seed = number<std::uint64_t>("--seed", words.seed, 0, UINT64_MAX, diagnostics);
  if (const auto n = number<std::int64_t>("--replications", words.replications, 1, replications_max,
                                          diagnostics)) {
    run.replications = static_cast<int>(*n);
  }
  if (const auto n = number<std::int64_t>("--jobs", words.jobs, 1, jobs_max, diagnostics)) {
    run.jobs = static_cast<int>(*n);
  }
  run.json = is_json(words, diagnostics);
  if (run.resume && run.restart) complain(diagnostics, "--restart", "excludes --resume");
  if (!words.trace.text.empty()) {
    run.trace = words.trace;
    return;
  }
  for (const auto& [field, values] : words.trace.fields) {
    if (values.empty()) continue;
    complain(diagnostics, windtunnel::experiments::option_of(field), "goes with --trace");
  }
}

void add_replay(CLI::App& app, ReplayCommand& replay, Words& words) {
  CLI::App* command = app.add_subcommand("replay", "run one replication again and print it");
  command->add_option("H5", replay.file, "a results file")->required();
  auto* one = command->add_option("--replication", words.replication, "which one, from 1");
  auto* worst = command->add_option("--worst", replay.worst, "the worst by a measure, e.g. rto");
  auto* median = command->add_option("--median", replay.median, "the median by a measure");
  one->excludes(worst)->excludes(median);
  worst->excludes(median);
  command->add_option("--component", replay.component, "every event of this component");
  command->add_option("--request", replay.request,
                      "the life of one request: NUMBER or CLIENT/NUMBER");
  command->add_option("--from", replay.from, "from this date of the run on, e.g. 10min");
  command->add_option("--to", replay.to, "up to this date");
}

void add_report(CLI::App& app, ReportCommand& report, Words& words) {
  CLI::App* command = app.add_subcommand("report", "results as a page, several files side by side");
  command->add_option("H5", report.files, "results files")->required();
  command->add_option("-o,--out", report.out, "the page (default: beside the first file, .html)");
  command->add_option("--format", words.report_format, "html or markdown");
  command->add_option("--junit", report.junit, "objectives as test cases, for CI");
}

void read_calibrate(CalibrateCommand& calibrate, const Words& words, Diagnostics& diagnostics) {
  constexpr double most_held_out = 0.9;
  if (words.number.empty()) return;
  const auto share = windtunnel::parse_quantity<double>(words.number, windtunnel::schema::SHARE);
  if (!share.value) {
    complain(diagnostics, "--held-out",
             fmt::format("{} {}", windtunnel::shown(words.number), share.error));
  } else if (!(*share.value >= 0 && *share.value <= most_held_out)) {
    complain(diagnostics, "--held-out", words.number + " is not from 0% to 90%");
  }
  calibrate.held_out = share.value.value_or(0);
}

void read_report(ReportCommand& report, const Words& words, Diagnostics& diagnostics) {
  const std::string& format = words.report_format;
  report.markdown = format == "markdown";
  if (!format.empty() && format != "html" && !report.markdown) {
    complain(diagnostics, "--format", windtunnel::shown(format) + " is not html or markdown");
  }
}

// What CLI11 has to say of the words themselves, in our form.
std::string explain(const CLI::App& app, int argc, char** argv, const CLI::ParseError& error) {
  std::vector<std::string> names;
  const CLI::App* command = &app;
  for (const CLI::App* chosen : app.get_subcommands()) command = chosen;
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(each->get_name());
  }
  if (argc < 2) return "a command is missing: " + windtunnel::listed(names, "or");
  const bool is_option = argv[1][0] == '-';
  if (command == &app && !is_option) {
    return fmt::format("there is no command {}{}", windtunnel::shown(argv[1]),
                       windtunnel::did_you_mean(argv[1], names));
  }
  std::vector<std::string> options;
  for (const CLI::Option* option : command->get_options()) options.push_back(option->get_name());
  for (const std::string& rest : command->remaining(true)) {
    const std::string name = rest.substr(0, rest.find('='));
    return fmt::format("{} is not expected{}", windtunnel::shown(name),
                       windtunnel::did_you_mean(name, options));
  }
  return error.what();
}

// Bad words on the command line are bad input; -1: go on.
int parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return -1;
  } catch (const CLI::Success& wish) {  // --help, --version
    return app.exit(wish);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "windtunnel:1:1: {} (windtunnel --help)\n", explain(app, argc, argv, error));
    return 2;
  }
}

int dispatch(int argc, char** argv) {
  namespace commands = windtunnel::experiments;
  CLI::App app("A wind tunnel for AWS architectures: load and faults in, RTO and RPO out.",
               "windtunnel");
  app.set_version_flag("--version", "windtunnel " WINDTUNNEL_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 all objectives hold, 1 one fails, 2 bad input, 3 undecided, 4 internal or I/O "
      "error, 130 interrupted.");
  RunCommand run;
  Words words;
  add_run(app, run, words);
  std::string file, name, what, other, directory, starter = "windtunnel.yaml";
  ReplayCommand replay;
  ReportCommand report;
  auto* check = app.add_subcommand("check", "validate a file and print what its graph shows");
  check->add_option("FILE", file, "an experiment or a topology")->required();
  auto* models = app.add_subcommand("models", "list the models, or all parameters of one");
  models->add_option("NAME", name, "a model");
  auto* show = app.add_subcommand("show", "read results back");
  show->add_option("H5", file, "a results file, or the journal of an unfinished run")->required();
  show->add_option(
      "WHAT", what,
      "assumptions, replications, events, or a path in the file: /series (default: the "
      "verdict)");
  show->add_option("N", words.number, "whose events: the replication, from 1 (default 1)");
  add_format(*show, words);
  TraceCommand trace;
  bool formats = false;
  add_trace(app, trace, words, formats);
  CalibrateCommand calibrate;
  add_calibrate(app, calibrate, words);
  auto* exported = app.add_subcommand("export", "write all that a results file holds as tables");
  exported->add_option("H5", file, "a results file")->required();
  exported->add_option("--csv", directory, "the folder for them")->required();
  add_report(app, report, words);
  auto* compare = app.add_subcommand("compare", "two results, replication by replication");
  compare->add_option("A", file, "a results file")->required();
  compare->add_option("B", other, "another one, of the same seed")->required();
  add_replay(app, replay, words);
  auto* init = app.add_subcommand("init", "write a commented starter file");
  init->add_option("FILE", starter, "where to (default windtunnel.yaml)");

  if (const int code = parse(app, argc, argv); code >= 0) return code;
  if (check->parsed()) return commands::check(file);
  if (models->parsed()) return commands::models(name);
  if (init->parsed()) return commands::init(starter);
  if (exported->parsed()) return commands::export_csv(file, directory);
  if (compare->parsed()) return commands::compare(file, other);
  Diagnostics diagnostics;
  if (formats) return commands::trace_formats();
  if (app.got_subcommand("trace")) {
    trace.json = is_json(words, diagnostics);
    if (trace.files.empty()) complain(diagnostics, "windtunnel", "FILE is required");
    if (!diagnostics.has_errors()) return commands::trace(trace);
  } else if (app.got_subcommand("calibrate")) {
    read_calibrate(calibrate, words, diagnostics);
    if (!diagnostics.has_errors()) return commands::calibrate(calibrate);
  } else if (!report.files.empty()) {
    read_report(report, words, diagnostics);
    if (!diagnostics.has_errors()) return commands::report(report);
  } else if (!replay.file.empty()) {
    const auto n =
        number<std::int64_t>("--replication", words.replication, 1, INT32_MAX, diagnostics);
    if (n) replay.replication = static_cast<int>(*n);
    if (!diagnostics.has_errors()) return commands::replay(replay);
  } else if (show->parsed()) {
    const bool json = is_json(words, diagnostics);
    const auto replication =
        number<std::int64_t>("N", words.number, 1, INT32_MAX, diagnostics).value_or(1);
    if (!words.number.empty() && what != "events") complain(diagnostics, "N", "goes with events");
    if (json && !what.empty()) complain(diagnostics, "--format", "json is for the verdict");
    if (!diagnostics.has_errors())
      return commands::show(file, what, static_cast<int>(replication), json);
  } else {
    read_run(run, words, diagnostics);
    if (!diagnostics.has_errors()) return commands::run(run);
  }
  fmt::print(stderr, "{}", diagnostics.print());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = dispatch(argc, argv);
    if (std::fflush(stdout) == 0) return code;
    std::perror("stdout:1:1: cannot be written");
    return 4;
  } catch (const windtunnel::analysis::WrongFile& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  } catch (const windtunnel::analysis::FileError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 4;
  } catch (const std::exception& error) {
    fmt::print(stderr, "windtunnel:1:1: internal error: {}\n", error.what());
    return 4;
  }
}
