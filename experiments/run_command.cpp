#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "analysis/journal.hpp"
#include "analysis/results_file.hpp"
#include "analysis/summary.hpp"
#include "analysis/verdict.hpp"
#include "experiments/commands.hpp"
#include "experiments/faults.hpp"
#include "experiments/replications.hpp"
#include "experiments/run.hpp"
#include "topologies/quantity.hpp"

namespace windtunnel::experiments {

namespace {

namespace fs = std::filesystem;

int complain(const Diagnostics& diagnostics) {
  fmt::print(stderr, "{}", diagnostics.print());
  return 2;
}

// Messages and progress go to stderr: a bar on a terminal, plain lines elsewhere.
class Progress {
 public:
  void operator()(int finished, int replications) {
    if (terminal_) {
      const int full = replications > 0 ? 30 * finished / replications : 30;
      fmt::print(stderr, "\r[{:#<{}}{:.<{}}] {}/{}{}", "", full, "", 30 - full, finished, replications,
                 finished == replications ? "\n" : "");
    } else if (finished > 0 && (finished == replications || finished * 4 / replications > quarter_)) {
      fmt::print(stderr, "{} of {} replications\n", finished, replications);
    }
    quarter_ = replications > 0 ? finished * 4 / replications : 0;
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) == 1;
  int quarter_ = 0;
};

// The file and the options on top of it; false if there was an error.
bool load(const RunCommand& command, std::optional<LoadedExperiment>& experiment, int& replications,
          Diagnostics& diagnostics) {
  experiment = load_experiment(command.file, command.sets, diagnostics);
  if (!experiment) return false;
  settings::Experiment& settings = experiment->settings;
  if (command.trace) apply_trace(*command.trace, *experiment, diagnostics);
  if (diagnostics.has_errors()) return false;
  const auto traced = read_traces(*experiment, diagnostics);
  if (command.trace && traced) settings.set_horizon(*traced);
  if (!command.horizon.empty()) {
    const auto horizon = parse_quantity<std::int64_t>(command.horizon, schema::DURATION);
    const Place place{"--horizon", 1, 1};
    if (!horizon.value) {
      diagnostics.error(place, horizon.error);
    } else if (*horizon.value <= settings.warm_up() || *horizon.value > sim::horizon_limit.count()) {
      diagnostics.error(place, fmt::format("{} is not between the warm-up's end and ten years", command.horizon));
    } else {
      settings.set_horizon(*horizon.value);
    }
  }
  if (command.trace || !command.horizon.empty()) experiment->input_text += fmt::format("# horizon {} ns\n", settings.horizon());
  replications = command.replications.value_or(command.trace ? 1 : static_cast<int>(settings.replications()));
  return !diagnostics.has_errors();
}

// The journal of this run, and what it already holds; nothing with exit code 2 if the user must decide first.
std::optional<analysis::Journal> open_journal(const RunCommand& command, const std::string& path,
                                              const analysis::ExperimentHeader& header,
                                              std::vector<analysis::ReplicationRecord>& done) {
  if (command.resume) return analysis::Journal::resume(path, header, done);
  if (fs::exists(path) && !command.restart) {
    fmt::print(stderr, "{}:1:1: an unfinished run is here; say --resume to go on with it or --restart to drop it\n", path);
    return std::nullopt;
  }
  return analysis::Journal::begin(path, header);
}

void say_verdict(const RunCommand& command, const analysis::Results& results, const analysis::Summary& summary,
                 const std::string& out, double wall_seconds) {
  const analysis::VerdictContext context{.results_path = out, .wall_seconds = wall_seconds};
  if (command.json) {
    fmt::print("{}\n", analysis::verdict_json(results, summary, context).dump(2));
  } else {
    fmt::print("{}", analysis::verdict_text(results, summary, context));
  }
}

}  // namespace

int run(const RunCommand& command) {
  Diagnostics diagnostics;
  std::optional<LoadedExperiment> experiment;
  int replications = 0;
  if (!load(command, experiment, replications, diagnostics)) return complain(diagnostics);
  if (!diagnostics.empty()) fmt::print(stderr, "{}", diagnostics.print());

  const std::uint64_t seed = command.seed.value_or(experiment->settings.seed());
  const std::string out =
      command.out.empty() ? "results/" + experiment->settings.experiment() + ".h5" : command.out;
  if (const fs::path folder = fs::path(out).parent_path(); !folder.empty()) fs::create_directories(folder);
  analysis::Results results{.header = header_of(*experiment, seed, replications), .records = {}};
  std::vector<analysis::ReplicationRecord> done;
  auto journal = open_journal(command, out + ".journal", results.header, done);
  if (!journal) return 2;

  fmt::print(stderr, "{}: seed {}, {} replications of {}\n", experiment->settings.experiment(), seed, replications,
             format_quantity<std::int64_t>(experiment->settings.horizon(), schema::DURATION));
  for (const auto& fault : experiment->settings.faults()) {
    fmt::print(stderr, "  {} {}\n", format_quantity<std::int64_t>(fault.at(), schema::DURATION), FaultInjector::describe(fault));
  }
  const auto start = std::chrono::steady_clock::now();
  const int processors = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  BatchResult batch = run_replications(
      {.replications = replications,
       .jobs = command.jobs > 0 ? command.jobs : processors,
       .run = [&](int index) { return run_replication(*experiment, seed, index); },
       .keep = [&](const analysis::ReplicationRecord& record) { journal->append(record); },
       .progress = Progress()},
      std::move(done));
  for (const std::string& failure : batch.failures) fmt::print(stderr, "{}\n", failure);
  if (batch.exit_code() != 0) {
    fmt::print(stderr, "what is done is kept in {}.journal; --resume goes on from there\n", out);
    return batch.exit_code();
  }
  results.records = std::move(batch.records);
  analysis::write_results(out, results);
  journal->remove();
  const analysis::Summary summary = analysis::summarise(results.header, results.records);
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  say_verdict(command, results, summary, out, wall);
  return summary.exit_code();
}

}  // namespace windtunnel::experiments
