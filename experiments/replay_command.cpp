// replay and compare: what runs replications again from a results file alone.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/compare.hpp"
#include "analysis/measure_values.hpp"
#include "analysis/recorder.hpp"
#include "analysis/text.hpp"
#include "experiments/parting.hpp"
#include "experiments/prepare.hpp"
#include "experiments/replay_trace.hpp"
#include "experiments/run.hpp"
#include "topologies/names.hpp"
#include "topologies/quantity.hpp"

namespace windtunnel::experiments {

namespace {

int refuse(const std::string& where, const std::string& why) {
  fmt::print(stderr, "{}:1:1: {}\n", where, why);
  return 2;
}

// Positions of the replications that have the measure, from the best to the worst; a censored one
// is worse than any other.
std::vector<std::size_t> ranked(const std::string& measure, const analysis::Results& results) {
  std::vector<std::pair<double, std::size_t>> found;
  const double sign = analysis::more_is_better(measure) ? -1 : 1;
  for (std::size_t i = 0; i < results.records.size(); ++i) {
    const auto value = analysis::value_of(results.records[i].measures(), measure);
    if (value.exists) found.emplace_back(value.censored ? HUGE_VAL : sign * value.value, i);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::size_t> order;
  for (const auto& [value, position] : found) order.push_back(position);
  return order;
}

// The position of the replication that was asked for; none, with a message.
std::optional<std::size_t> chosen(const ReplayCommand& command, const analysis::Results& results) {
  const bool by_measure = !command.worst.empty() || !command.median.empty();
  if (!by_measure) {
    const std::uint32_t number = static_cast<std::uint32_t>(command.replication.value_or(1)) - 1;
    for (std::size_t i = 0; i < results.records.size(); ++i) {
      if (results.records[i].replication() == number) return i;
    }
    refuse("--replication", fmt::format("there is no replication {} in {}, which has {}",
                                        number + 1, command.file, results.records.size()));
    return std::nullopt;
  }
  const std::string option = command.worst.empty() ? "--median" : "--worst";
  const std::string& measure = command.worst.empty() ? command.median : command.worst;
  const std::vector<std::string> measures = analysis::measure_names();
  if (std::find(measures.begin(), measures.end(), measure) == measures.end()) {
    refuse(option, fmt::format("{} is not {}{}", shown(measure), listed(measures, "or"),
                               did_you_mean(measure, measures)));
    return std::nullopt;
  }
  const auto order = ranked(measure, results);
  if (order.empty()) {
    refuse(option, fmt::format("no replication has a {}", measure));
    return std::nullopt;
  }
  return command.worst.empty() ? order[(order.size() - 1) / 2] : order.back();
}

std::optional<sim::Time> date_of(const std::string& option, const std::string& text,
                                 sim::Time otherwise) {
  if (text.empty()) return otherwise;
  const auto parsed = parse_quantity<std::int64_t>(text, schema::DURATION);
  if (parsed.value) return sim::Time(sim::Duration(*parsed.value));
  refuse(option, fmt::format("{} {}", shown(text), parsed.error));
  return std::nullopt;
}

std::string date(std::int64_t ns) { return fmt::format("{:.6f} s", static_cast<double>(ns) / 1e9); }

// The life of a request, its calls below each other.
void print_life(const std::vector<analysis::Span>& spans) {
  std::map<std::uint32_t, int> depth{{0, -1}};
  for (const auto& span : spans) {
    const int level = depth[span.call()] = depth[span.parent()] + 1;
    const std::string indent(static_cast<std::size_t>(level) * 2, ' ');
    fmt::print("{:>16}  {}{} -> {}  {}\n", date(span.opened()), indent, span.caller(),
               span.callee().empty() ? "nobody: no connection" : span.callee(), span.operation());
    const auto stage = [&](const char* name, bool there, std::int64_t at) {
      if (!there) return;
      fmt::print("{:>16}  {}  {} after {:.6f} s\n", "", indent, name,
                 static_cast<double>(at - span.opened()) / 1e9);
    };
    if (!span.zone().empty()) {
      fmt::print("{:>16}  {}  node {} in {}\n", "", indent, span.node(), span.zone());
    }
    stage("sent", span.has_sent(), span.sent());
    stage("arrived", span.has_arrived(), span.arrived());
    stage("answered", span.has_answered(), span.answered());
    stage("ended", span.has_ended(), span.ended());
    fmt::print("{:>16}  {}  {}\n", "", indent,
               span.outcome().empty() ? "no outcome by the horizon" : span.outcome());
  }
}

class LifeOfRequest final : public sim::Watcher {
 public:
  LifeOfRequest(sim::Simulation& sim, const std::string& client, std::uint64_t request)
      : follower_(sim, 1) {
    follower_.follow_only(client, request);
  }
  void on_call(sim::CallStep step, sim::Handle handle, sim::Call& call) override {
    follower_.on_call(step, handle, call);
  }
  std::vector<analysis::Span> spans() { return follower_.take_spans(); }

 private:
  analysis::RequestFollower follower_;
};

// 0, or 4 where another run came out than the file has.
int check_fingerprint(const sim::Simulation& sim, const analysis::ReplicationRecord& record,
                      const analysis::ExperimentHeader& header) {
  if (sim.fingerprint() == record.fingerprint()) {
    fmt::print(stderr, "fingerprint {:016x}: as recorded\n", record.fingerprint());
    return 0;
  }
  fmt::print(stderr,
             "fingerprint {:016x}, but {:016x} was recorded: this is another run (version {} wrote "
             "it, this is {})\n",
             sim.fingerprint(), record.fingerprint(), header.program_version(), WINDTUNNEL_VERSION);
  return 4;
}

// "users/1200" or "1200".
struct RequestName {
  std::string client;
  std::uint64_t number = 0;
};
std::optional<RequestName> request_named(const std::string& text, const Topology& topology) {
  RequestName name;
  const std::size_t slash = text.rfind('/');
  if (slash != std::string::npos) name.client = text.substr(0, slash);
  const auto number = parse_quantity<std::uint64_t>(text.substr(slash + 1), schema::NONE);
  if (!number.value || *number.value == 0) {
    refuse("--request", shown(text) + " is not the number of a request, from 1, or CLIENT/NUMBER");
    return std::nullopt;
  }
  if (!name.client.empty() && topology.find(name.client) == nullptr) {
    refuse("--request", shown(name.client) + " is not a component" +
                            did_you_mean(name.client, topology.component_names()));
    return std::nullopt;
  }
  name.number = *number.value;
  return name;
}

}  // namespace

int replay(const ReplayCommand& command) {
  const analysis::Results results = read_any(command.file);
  const auto position = chosen(command, results);
  const auto from = date_of("--from", command.from, sim::time_zero);
  const auto to = date_of("--to", command.to, sim::Time::max());
  if (!position || !from || !to) return 2;
  const analysis::ReplicationRecord& record = results.records[*position];
  const LoadedExperiment experiment = prepare_again(command.file, results.header);
  if (!command.component.empty() && experiment.topology.find(command.component) == nullptr) {
    return refuse("--component",
                  shown(command.component) + " is not a component" +
                      did_you_mean(command.component, experiment.topology.component_names()));
  }
  std::optional<RequestName> request;
  if (!command.request.empty()) {
    request = request_named(command.request, experiment.topology);
    if (!request) return 2;
  }
  fmt::print("{}  seed {}  replication {}\n", results.header.experiment(), results.header.seed(),
             record.replication() + 1);
  const auto sim =
      make_simulation(experiment, results.header.seed(), static_cast<int>(record.replication()));
  if (request) {
    LifeOfRequest life(*sim, request->client, request->number);
    sim->watch(life, {.calls = true});
    sim->run();
    const auto spans = life.spans();
    if (spans.empty()) return refuse("--request", "there was no such request in this replication");
    fmt::print("request {} of {}\n", request->number, spans.front().client());
    print_life(spans);
    return check_fingerprint(*sim, record, results.header);
  }
  ReplayTrace trace(*sim, {command.component, *from, *to});
  sim->watch(trace, {.events = true, .calls = !command.component.empty()});
  sim->run();
  trace.end();
  return check_fingerprint(*sim, record, results.header);
}

int compare(const std::string& file_a, const std::string& file_b) {
  const analysis::Results a = read_any(file_a), b = read_any(file_b);
  if (a.header.seed() != b.header.seed()) {
    return refuse(file_b, fmt::format("has seed {}, {} has {}: replications make pairs only under "
                                      "one seed; run it again with --seed {}",
                                      b.header.seed(), file_a, a.header.seed(), a.header.seed()));
  }
  const auto changes = analysis::compare(a, b);
  if (changes.empty()) return refuse(file_b, "has no replication in common with " + file_a);
  fmt::print("{}", analysis::compare_text(file_a, file_b, a, b, changes));
  const auto parted = analysis::first_parted(a, b);
  if (!parted) {
    fmt::print("\nall replications have the same fingerprints\n");
    return 0;
  }
  std::fflush(stdout);
  const LoadedExperiment of_a = prepare_again(file_a, a.header);
  const LoadedExperiment of_b = prepare_again(file_b, b.header);
  const auto run = [](const LoadedExperiment& experiment, const analysis::Results& results,
                      std::size_t position) {
    return RunOfExperiment{&experiment, results.header.seed(),
                           static_cast<int>(results.records[position].replication())};
  };
  fmt::print("\n{}", first_difference(run(of_a, a, parted->in_a), run(of_b, b, parted->in_b)));
  return 0;
}

}  // namespace windtunnel::experiments
