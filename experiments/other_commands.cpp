// check, show and init: what needs no simulation.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "analysis/browser.hpp"
#include "analysis/files.hpp"
#include "analysis/results_file.hpp"
#include "analysis/summary.hpp"
#include "analysis/verdict.hpp"
#include "experiments/commands.hpp"
#include "experiments/prepare.hpp"
#include "topologies/names.hpp"

namespace windtunnel::experiments {

int check(const std::string& file) {
  Diagnostics diagnostics;
  if (check_file(file, {}, diagnostics)) {
    // Traces are part of what a run would need; what else is to say was said above.
    Diagnostics said;
    if (auto experiment = load_experiment(file, {}, said)) read_traces(*experiment, diagnostics);
  }
  const bool bad = diagnostics.has_errors();
  fmt::print(bad ? stderr : stdout, "{}", diagnostics.print());
  if (bad) return 2;
  fmt::print("{}: no errors\n", file);
  return 0;
}

namespace {

std::string replications_text(const analysis::Results& results) {
  constexpr const char* row =
      "{:>11}  {:<16}  {:>12}  {:>9}  {:>9}  {:>12}  {:>11}  {:>7}  {:>9}\n";
  std::string text =
      fmt::format(fmt::runtime(row), "replication", "fingerprint", "requests", "rto s", "rpo s",
                  "availability", "replacement", "cpu s", "memory MB");
  const auto seconds = [](bool present, std::int64_t ns, bool censored) {
    if (censored) return std::string("censored");
    return present ? fmt::format("{:.3f}", static_cast<double>(ns) * 1e-9) : std::string("-");
  };
  for (const auto& record : results.records) {
    const auto& m = record.measures();
    text += fmt::format(
        fmt::runtime(row), record.replication() + 1, fmt::format("{:016x}", record.fingerprint()),
        record.requests(), seconds(m.has_rto(), m.rto(), m.rto_censored()),
        seconds(m.has_rpo(), m.rpo(), m.rpo_censored()),
        m.has_availability() ? fmt::format("{:.6f}", m.availability()) : "-",
        seconds(m.has_replacement_lag(), m.replacement_lag(), m.replacement_lag_censored()),
        fmt::format("{:.2f}", record.cpu_seconds()),
        fmt::format("{:.1f}", static_cast<double>(record.memory_bytes_max()) * 1e-6));
  }
  return text;
}

int say_events(const std::string& file, const analysis::Results& results, int replication) {
  for (const auto& record : results.records) {
    if (static_cast<int>(record.replication()) + 1 != replication) continue;
    fmt::print("{}", analysis::events_text(record));
    return 0;
  }
  fmt::print(stderr, "{}:1:1: there is no replication {}; {} to {} were asked for, {} are there\n",
             file, replication, 1, results.header.replications(), results.records.size());
  return 2;
}

}  // namespace

int show(const std::string& file, const std::string& what, int replication, bool json) {
  static const std::vector<std::string> parts = {"assumptions", "replications", "events"};
  if (!what.empty() && std::find(parts.begin(), parts.end(), what) == parts.end()) {
    fmt::print("{}", analysis::browse(file, what));
    return 0;
  }
  const analysis::Results results = read_any(file);
  if (what == "events") return say_events(file, results, replication);
  if (what == "assumptions") {
    fmt::print("{}", analysis::assumptions_text(results.header));
  } else if (what == "replications") {
    fmt::print("{}", replications_text(results));
  } else {
    const analysis::Summary summary = analysis::summarise(results.header, results.records);
    const analysis::VerdictContext context{.results_path = file};
    if (json) {
      fmt::print("{}\n", analysis::verdict_json(results, summary, context).dump(2));
    } else {
      fmt::print("{}", analysis::verdict_text(results, summary, context));
    }
  }
  return 0;
}

int export_csv(const std::string& file, const std::string& directory) {
  const auto written = analysis::export_csv(file, directory);
  fmt::print("{} tables in {}\n", written.size(), directory);
  return 0;
}

namespace {

constexpr const char* starter =
    R"(# A first experiment. Try it:  windtunnel check FILE   then  windtunnel run FILE
# What can be written here:      windtunnel models         and  windtunnel models application_load_balancer
experiment: first
question: One of three availability zones loses power. How long are users hurt?

topology:
  regions:
    us-east-1: {availability_zones: 3}        # zones us-east-1a, us-east-1b, us-east-1c
  components:                                 # a name and one model with its settings
    # Users: 200 requests a second, each attempt at most 2 s, three attempts.
    users: {client: {target: www, open: {poisson: 200/s}, timeout: 2s, retry: {max_attempts: 3}}}
    # A setting that names another component is an edge of the graph.
    www: {route53_record: {alias: alb, evaluate_target_health: true}}
    alb: {application_load_balancer: {targets: web, health_check: {interval: 10s}}}
    web: {ec2_service: {on: group, workers: 4, service_time: {lognormal: {p50: 10ms, p99: 60ms}}}}
    group: {auto_scaling_group: {size: 6, health_check_type: elb}}

faults:
  - {at: 5min, lasting: 10min, az_power_loss: us-east-1a}

horizon: 30min
replications: 10
service_level: {success: 99%, window: 10s, sustained: 60s}
objectives: {rto: 2min, availability: 99%}
)";

}  // namespace

int init(const std::string& file) {
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    const bool exists = errno == EEXIST;
    fmt::print(
        stderr, "{}:1:1: {}; nothing was written\n", file,
        exists ? "exists already" : fmt::format("can't be created: {}", std::strerror(errno)));
    return exists ? 2 : 4;
  }
  close(descriptor);
  analysis::File(file, O_WRONLY).write(starter);
  fmt::print("{} written; try: windtunnel run {}\n", file, file);
  return 0;
}

}  // namespace windtunnel::experiments
