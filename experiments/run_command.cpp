#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "analysis/journal.hpp"
#include "analysis/results_file.hpp"
#include "analysis/summary.hpp"
#include "analysis/verdict.hpp"
#include "experiments/commands.hpp"
#include "experiments/prepare.hpp"
#include "experiments/replications.hpp"
#include "experiments/run.hpp"
#include "topologies/quantity.hpp"

namespace windtunnel::experiments {

namespace {

namespace fs = std::filesystem;

// A bar on a terminal, plain lines elsewhere; on stderr, as stdout is the verdict's.
class Progress {
 public:
  void operator()(int finished, int replications) {
    constexpr int width = 30;
    const int full = width * finished / std::max(replications, 1);
    const int quarter = 4 * finished / std::max(replications, 1);
    if (terminal_) {
      fmt::print(stderr, "\r[{}{}] {}/{}{}", std::string(static_cast<std::size_t>(full), '#'),
                 std::string(static_cast<std::size_t>(width - full), '.'), finished, replications,
                 finished == replications ? "\n" : "");
    } else if (quarter > quarter_) {
      fmt::print(stderr, "{} of {} replications\n", finished, replications);
    }
    quarter_ = quarter;
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) == 1;
  int quarter_ = 0;
};

// Whether a file may be written there: none is, it is empty, or it is one of our own by its first
// bytes.
bool is_ours(const std::string& path, std::string_view first) {
  std::ifstream in(path, std::ios::binary);
  std::string start(first.size(), '\0');
  in.read(start.data(), static_cast<std::streamsize>(start.size()));
  return !in.is_open() || in.gcount() == 0 || start == first;
}
constexpr std::string_view hdf5_starts = "\x89HDF\r\n\x1a\n", journal_starts = "windtunnel journal";

// The results file as it was asked for, and a folder for it; empty if there can't be one.
std::string prepare_out(const RunCommand& command, const LoadedExperiment& experiment) {
  const std::string out =
      command.out.empty() ? "results/" + experiment.settings.experiment() + ".h5" : command.out;
  const fs::path path(out);
  if (fs::is_directory(path) || !path.has_filename()) {
    fmt::print(stderr, "--out:1:1: {} is a folder; name the file\n", shown(out));
    return {};
  }
  for (const auto& [file, first] :
       {std::pair{out, hdf5_starts}, {out + ".journal", journal_starts}}) {
    if (is_ours(file, first)) continue;
    fmt::print(stderr, "{}:1:1: is not a file of windtunnel's; it is left alone\n", file);
    return {};
  }
  std::error_code error;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (error) {
    throw analysis::FileError(
        fmt::format("{}:1:1: its folder can't be made: {}", out, error.message()));
  }
  return out;
}

// The journal of this run, and what it already holds; nothing if the user must decide first.
std::optional<analysis::Journal> open_journal(const RunCommand& command, const std::string& path,
                                              const analysis::ExperimentHeader& header,
                                              std::vector<analysis::ReplicationRecord>& done) {
  if (command.resume) return analysis::Journal::resume(path, header, done);
  if (fs::exists(path) && !command.restart) {
    fmt::print(stderr,
               "{}:1:1: an unfinished run is here; say --resume to go on with it or --restart to "
               "drop it\n",
               path);
    return std::nullopt;
  }
  return analysis::Journal::begin(path, header);
}

analysis::ExperimentHeader header_for(const RunCommand& command,
                                      const LoadedExperiment& experiment) {
  auto header = header_of(experiment, command.seed.value_or(experiment.settings.seed()),
                          replications_of(command, experiment));
  for (const std::string& set : command.sets) {
    auto& given = *header.add_overrides();
    given.set_path(set.substr(0, set.find('=')));
    given.set_value(set.substr(set.find('=') + 1));
  }
  keep_options(command, header);
  return header;
}

void announce(const analysis::ExperimentHeader& header) {
  const auto text = [](std::int64_t ns) { return format_quantity(ns, schema::DURATION); };
  fmt::print(stderr, "{}: seed {}, {} replication{} of {}\n", header.experiment(), header.seed(),
             header.replications(), header.replications() == 1 ? "" : "s", text(header.horizon()));
  for (const auto& fault : header.faults()) {
    fmt::print(stderr, "  {} {}\n", text(fault.at()), fault.text());
  }
}

void say_verdict(const RunCommand& command, const analysis::Results& results,
                 const analysis::Summary& summary, const std::string& out, double wall_seconds) {
  const analysis::VerdictContext context{.results_path = out, .wall_seconds = wall_seconds};
  if (command.json) {
    fmt::print("{}\n", analysis::verdict_json(results, summary, context).dump(2));
  } else {
    fmt::print("{}", analysis::verdict_text(results, summary, context));
  }
}

// A journal with nothing in it would only ask for --restart.
void give_up(const BatchResult& batch, analysis::Journal& journal, const std::string& out) {
  if (batch.records.empty()) return journal.remove();
  fmt::print(stderr,
             "{}.journal keeps what is done, {} replication{}; --resume goes on from there\n", out,
             batch.records.size(), batch.records.size() == 1 ? "" : "s");
}

}  // namespace

int run(const RunCommand& command) {
  Diagnostics diagnostics;
  const auto experiment = prepare(command, diagnostics);
  fmt::print(stderr, "{}", diagnostics.print());
  if (!experiment) return 2;
  analysis::Results results{.header = header_for(command, *experiment), .records = {}};
  const std::string out = prepare_out(command, *experiment);
  if (out.empty()) return 2;
  std::vector<analysis::ReplicationRecord> done;
  auto journal = open_journal(command, out + ".journal", results.header, done);
  if (!journal) return 2;

  announce(results.header);
  const auto start = std::chrono::steady_clock::now();
  const bool resumed = !done.empty();
  const int processors = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  BatchResult batch = run_replications(
      {.replications = static_cast<int>(results.header.replications()),
       .jobs = command.jobs > 0 ? command.jobs : processors,
       .run = [&](int index) { return run_replication(*experiment, results.header.seed(), index); },
       .keep = [&](const analysis::ReplicationRecord& record) { journal->append(record); },
       .progress = Progress()},
      std::move(done));
  for (const std::string& failure : batch.failures) {
    fmt::print(stderr, "{}:1:1: {}\n", command.file, failure);
  }
  if (batch.exit_code() != 0) {
    give_up(batch, *journal, out);
    return batch.exit_code();
  }
  results.records = std::move(batch.records);
  analysis::write_results(out, results);
  journal->remove();
  const analysis::Summary summary = analysis::summarise(results.header, results.records);
  // What was done before isn't in the time of this run.
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  say_verdict(command, results, summary, out, resumed ? 0 : wall.count());
  return summary.exit_code();
}

}  // namespace windtunnel::experiments
