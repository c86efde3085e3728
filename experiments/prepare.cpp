#include "experiments/prepare.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "analysis/journal.hpp"
#include "sim/time.hpp"
#include "topologies/quantity.hpp"

namespace windtunnel::experiments {

namespace {

// `--set NAME=...`: given on the command line, so a trace doesn't change it.
bool is_set(const RunCommand& command, const std::string& name) {
  return std::any_of(command.sets.begin(), command.sets.end(),
                     [&](const std::string& set) { return set.starts_with(name + "="); });
}

// The length of a run: of the option, the trace's cut or the file.
void decide_horizon(const RunCommand& command, std::int64_t cut, LoadedExperiment& experiment,
                    Diagnostics& diagnostics) {
  settings::Experiment& settings = experiment.settings;
  std::string option = "--trace";
  if (!command.horizon.empty()) {
    option = "--horizon";
    const auto horizon = parse_quantity<std::int64_t>(command.horizon, schema::DURATION);
    if (!horizon.value) {
      return diagnostics.error({option, 1, 1},
                               fmt::format("{} {}", shown(command.horizon), horizon.error));
    }
    settings.set_horizon(*horizon.value);
  } else if (command.trace && !is_set(command, "horizon")) {
    settings.set_horizon(cut);
  } else {
    return;  // the reader has checked the file's
  }
  experiment.input_text += fmt::format("# horizon {} ns\n", settings.horizon());
  const auto text = [](std::int64_t ns) { return format_quantity(ns, schema::DURATION); };
  if (settings.horizon() > sim::horizon_limit.count()) {
    diagnostics.error({option, 1, 1},
                      fmt::format("horizon {} is above {}", text(settings.horizon()),
                                  text(sim::horizon_limit.count())));
  }
  if (settings.horizon() <= settings.warm_up()) {
    diagnostics.error({option, 1, 1},
                      fmt::format("horizon {} is not above {}, the warm_up",
                                  text(settings.horizon()), text(settings.warm_up())));
  }
  for (int i = 0; i < settings.faults_size(); ++i) {
    if (settings.faults(i).at() < settings.horizon()) continue;
    const std::string path = fmt::format("faults.{}.at", i);
    diagnostics.error(experiment.places.at(path),
                      fmt::format("{}: {} is not before the horizon, {} ({})", path,
                                  text(settings.faults(i).at()), text(settings.horizon()), option));
  }
}

}  // namespace

std::optional<LoadedExperiment> prepare(const RunCommand& command, Diagnostics& diagnostics,
                                        const std::vector<InputText>& inputs) {
  auto experiment = inputs.empty() ? load_experiment(command.file, command.sets, diagnostics)
                                   : read_experiment(inputs.front().text, inputs.front().name,
                                                     command.sets, diagnostics, inputs);
  if (!experiment) return std::nullopt;
  std::string traced;
  if (command.trace) traced = apply_trace(*command.trace, *experiment, diagnostics);
  if (diagnostics.has_errors()) return std::nullopt;
  auto cuts = read_traces(*experiment, diagnostics);
  if (diagnostics.has_errors()) return std::nullopt;
  decide_horizon(command, cuts[traced], *experiment, diagnostics);
  if (diagnostics.has_errors()) return std::nullopt;
  return experiment;
}

int replications_of(const RunCommand& command, const LoadedExperiment& experiment) {
  const bool once = command.trace && !is_set(command, "replications");
  return command.replications.value_or(once ? 1
                                            : static_cast<int>(experiment.settings.replications()));
}

namespace {

// Options as the header keeps them, by their names on the command line.
void keep(const char* name, const std::string& value, analysis::ExperimentHeader& header) {
  if (value.empty()) return;
  auto& option = *header.add_options();
  option.set_path(name);
  option.set_value(value);
}

}  // namespace

void keep_options(const RunCommand& command, analysis::ExperimentHeader& header) {
  keep("--horizon", command.horizon, header);
  if (!command.trace) return;
  keep("--trace", command.trace->text, header);
  for (const auto& [field, values] : command.trace->fields) {
    for (const std::string& value : values) keep(option_of(field).c_str(), value, header);
  }
}

LoadedExperiment prepare_again(const std::string& results_file,
                               const analysis::ExperimentHeader& header) {
  RunCommand command;
  command.file = header.input_file();
  TraceOption trace;
  for (const auto& set : header.overrides()) {
    command.sets.push_back(set.path() + "=" + set.value());
  }
  for (const auto& option : header.options()) {
    if (option.path() == "--horizon") command.horizon = option.value();
    if (option.path() == "--trace") trace.text = option.value();
    for (const TraceField& field : trace_fields()) {
      if (option.path() == option_of(field.name))
        trace.fields[field.name].push_back(option.value());
    }
  }
  if (!trace.text.empty()) command.trace = trace;
  std::vector<InputText> inputs;
  for (const auto& input : header.inputs()) inputs.push_back({input.name(), input.text()});
  if (inputs.empty()) {
    throw analysis::WrongFile(results_file + ":1:1: does not hold its experiment's text");
  }
  Diagnostics diagnostics;
  auto experiment = prepare(command, diagnostics, inputs);
  if (!experiment) {
    fmt::print(stderr, "{}", diagnostics.print());
    throw analysis::WrongFile(fmt::format(
        "{}:1:1: its experiment can't be read any more (version {} wrote it, this is {})",
        results_file, header.program_version(), WINDTUNNEL_VERSION));
  }
  if (experiment->input_text != header.input_text()) {
    throw analysis::WrongFile(
        results_file +
        ":1:1: its input is another one now: a recorded load that it names has changed");
  }
  return std::move(*experiment);
}

namespace {

analysis::Results read_or_salvage(const std::string& file, std::vector<std::string>* all_lost) {
  try {
    return analysis::read_results(file);
  } catch (const analysis::DamagedFile& damage) {
    std::vector<std::string> lost;
    analysis::Results results = analysis::salvage_results(file, lost);
    if (all_lost != nullptr) *all_lost = lost;
    std::string names;
    for (const std::string& name : lost) names += (names.empty() ? "" : ", ") + name;
    fmt::print(stderr, "{}\n{}:1:1: note: what can be read follows; lost: {}\n", damage.what(),
               file, names.empty() ? "nothing that was found" : names);
    return results;
  }
}

}  // namespace

analysis::Results read_any(const std::string& file, std::vector<std::string>* lost) {
  const auto exists = [](const std::string& path) { return access(path.c_str(), F_OK) == 0; };
  const bool is_journal = file.ends_with(".journal");
  const std::string journal = is_journal ? file : file + ".journal";
  if (!exists(journal) || (!is_journal && exists(file))) return read_or_salvage(file, lost);
  analysis::JournalContents contents = analysis::read_journal(journal);
  fmt::print(stderr, "{}:1:1: note: an unfinished run, {} of {} replications\n", journal,
             contents.records.size(), contents.header.replications());
  std::sort(contents.records.begin(), contents.records.end(),
            [](const auto& a, const auto& b) { return a.replication() < b.replication(); });
  return {std::move(contents.header), std::move(contents.records)};
}

}  // namespace windtunnel::experiments
