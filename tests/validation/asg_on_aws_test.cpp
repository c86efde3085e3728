// experiments/validation against real target-tracking runs on AWS (shared/inputs/aws-asg): the
// sequence of desired capacities, the dates of the steps, requests/s and CPU by capacity. Fitted
// are throughput and CPU of a single instance, nothing of the steps. The table that is printed
// stands in experiments/validation/README.md.
//
// Both sides have a spread: theirs over runs and rounds, with a minute's grid (their dates are
// those of one-minute metrics), ours over replications, by the phase of the minute.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "models/load/client.hpp"
#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/scalable.hpp"
#include "tests/support/work.hpp"
#include "topologies/builder.hpp"
#include "topologies/load.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;

struct App {
  const char* name;
  int threads;
  double throughput, cpu, target;  // of one instance: requests/s, share of CPU; percent
  double grain;                    // theirs for one request of the experiment

  friend void PrintTo(const App& app, std::ostream* out) { *out << app.name; }
};
constexpr App apps[] = {{"asg_raupi_3_70", 25, 716, 0.80, 70, 1},
                        {"asg_apache_3", 70, 20'600, 0.986, 70, 10},
                        {"asg_taewa_3", 25, 2'060, 0.51, 35, 1}};
constexpr sim::Duration load_begins = 5min;
constexpr std::size_t most_instances = 3;

// What one round or replication gives: seconds from the start of the load, by capacity.
struct Round {
  std::vector<std::int64_t> sequence;
  std::map<std::size_t, double> desired, in_service;
  std::map<std::size_t, std::vector<double>> throughput, cpu;
};
using Rounds = std::vector<Round>;

// ---- ours

// The recipe of the README: 2 workers hold a request for 2/X, a part of it on the CPU. All times
// `coarser` times as long.
std::vector<std::string> recipe(const App& app, double coarser) {
  const double hold = 2e6 * app.grain * coarser / app.throughput;  // us
  return {
      fmt::format("components.fortio.closed.users={}", app.threads),
      fmt::format("components.app.service_time={:.1f}us", app.cpu * hold),
      fmt::format("components.waiting.service_time={:.1f}us", (1 - app.cpu) * hold),
      fmt::format("components.asg.scaling_policies.0.target_tracking.target_value={}", app.target)};
}

LoadedExperiment load(const App& app, const std::vector<std::string>& sets) {
  Diagnostics diagnostics;
  auto experiment =
      load_experiment(fmt::format("{}/experiments/validation/{}.yaml", WINDTUNNEL_SOURCE, app.name),
                      sets, diagnostics);
  if (!experiment) throw std::runtime_error(diagnostics.print());
  return std::move(*experiment);
}

// Looks at the group every second, and at throughput and CPU every minute.
class Watch final : public sim::Component {
 public:
  Watch(sim::Simulation& sim, double requests) : Component(sim, "watch"), requests_(requests) {}

  void wire(sim::Wiring& wiring) override {
    group_ = &wiring.find<Scalable>("asg");
    fleet_ = &wiring.find<Fleet>("asg");
    fortio_ = &wiring.find<Client>("fortio");
  }
  void attach() override {
    cpu_ = CloudWatch::of(sim()).find("asg", "CPUUtilization").value();
    CloudWatch::of(sim()).watch(cpu_);
  }
  void start() override {
    sim().at<&Watch::on_second>(sim::time_zero + load_begins, this, 0, sim::Turn::sample);
  }

  void report(sim::RunLog&) override {
    std::vector<double> dates;
    for (std::uint32_t i = 0; i < fleet_->max_instances(); ++i) {
      const auto in_service = fleet_->launch_record(i).in_service;
      if (in_service > sim::time_zero) dates.push_back(sim::seconds(*in_service - load_begins));
    }
    std::sort(dates.begin(), dates.end());
    for (const double date : dates) round.in_service.emplace(round.in_service.size() + 2, date);
  }

  Round round;

 private:
  void on_second() {
    const double t = sim::seconds(sim().now() - load_begins);
    const auto desired = static_cast<std::size_t>(group_->capacity().desired);
    const auto in_service = fleet_->in_service();
    const auto serving = static_cast<std::size_t>(
        std::count_if(in_service.begin(), in_service.end(),
                      [this](std::uint32_t i) { return !fleet_->booting(i); }));
    if (round.sequence.empty() || round.sequence.back() != static_cast<std::int64_t>(desired)) {
      round.sequence.push_back(static_cast<std::int64_t>(desired));
    }
    round.desired.emplace(desired, t);
    serving_since_.emplace(serving, t);
    if (static_cast<std::int64_t>(t) % 60 == 0) on_minute(serving, desired);
    sim().after<&Watch::on_second>(1s, this);
  }
  // A minute counts for a capacity that was there in the minute before it too.
  void on_minute(std::size_t serving, std::size_t desired) {
    const double served = static_cast<double>(fortio_->metric.succeeded.value());
    const bool settled = serving == desired && serving == serving_ &&
                         sim::seconds(sim().now() - load_begins) >= serving_since_.at(serving) + 60;
    if (settled) {
      round.throughput[serving].push_back(requests_ * (served - served_) / 60);
      const auto points = CloudWatch::of(sim()).read(cpu_, *Statistic::of("Maximum"), 60s, 3min);
      if (!points.empty() && sim().now() > sim::time_zero + load_begins + 3min) {
        round.cpu[serving].push_back(points.back().value);
      }
    }
    served_ = served;
    serving_ = serving;
  }

  double requests_;  // that one of ours stands for
  Scalable* group_ = nullptr;
  Fleet* fleet_ = nullptr;
  Client* fortio_ = nullptr;
  MetricIndex cpu_ = 0;
  double served_ = 0;
  std::size_t serving_ = 0;
  std::map<std::size_t, double> serving_since_;
};

Rounds simulated(const App& app) {
  const double coarser = app.throughput / app.grain / 40;  // a run in milliseconds
  const std::uint64_t replications = std::max<std::uint64_t>(8, test::scaled(40u));
  const auto experiment = load(app, recipe(app, coarser));
  Rounds rounds;
  for (std::uint64_t replication = 1; replication <= replications; ++replication) {
    sim::Simulation sim({.seed = 1,
                         .replication = replication,
                         .horizon = sim::Duration(experiment.settings.horizon())});
    build(experiment.topology, sim);
    auto& watch = static_cast<Watch&>(sim.add(std::make_unique<Watch>(sim, app.grain * coarser)));
    sim.run();
    rounds.push_back(watch.round);
  }
  return rounds;
}

// ---- theirs

class Table {
 public:
  explicit Table(const std::string& name)
      : file_(fmt::format("{}/../shared/inputs/aws-asg/{}", WINDTUNNEL_SOURCE, name)) {
    std::string line;
    if (get(line)) columns_ = split(line);
  }
  bool there() const { return !columns_.empty(); }
  bool next() {
    std::string line;
    if (!get(line)) return false;
    values_ = split(line);
    return true;
  }
  const std::string& operator[](const std::string& column) const {
    const auto found = std::find(columns_.begin(), columns_.end(), column);
    return values_.at(static_cast<std::size_t>(found - columns_.begin()));
  }

 private:
  bool get(std::string& line) {
    if (!std::getline(file_, line)) return false;
    if (line.ends_with('\r')) line.pop_back();
    return true;
  }
  static std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> fields;
    std::istringstream in(line + ',');  // getline drops an empty field at the end
    for (std::string field; std::getline(in, field, ',');) fields.push_back(field);
    return fields;
  }
  std::ifstream file_;
  std::vector<std::string> columns_, values_;
};

// A round whose alarm had not begun to count before the load: three breaching minutes in a row
// cannot be over, nor read, before this.
constexpr double earliest = 150;

void read_throughput(const App& app, std::map<std::string, Round>& rounds) {
  std::map<std::string, std::pair<std::size_t, int>> standing;  // capacity, chunks it has had
  for (Table chunks("scaling_chunks.csv"); chunks.next();) {
    const std::string round = chunks["run"] + ' ' + chunks["round"];
    if (chunks["app"] != app.name || !rounds.contains(round)) continue;
    const auto as_capacity = [&](const char* column) {
      return chunks[column].empty() ? 0 : static_cast<std::size_t>(std::stod(chunks[column]));
    };
    const std::size_t serving = as_capacity("in_service");
    auto& [capacity, had] = standing[round];
    had = serving == capacity ? had + 1 : 0;
    capacity = serving;
    if (serving != as_capacity("desired") || had < (serving > 1 ? 3 : 1)) continue;
    rounds[round].throughput[serving].push_back(std::stod(chunks["qps"]));
    if (const double cpu = std::stod(chunks["cpu_pct"]); cpu > 0)
      rounds[round].cpu[serving].push_back(cpu);
  }
}

Rounds measured(const App& app) {
  std::map<std::string, Round> rounds;
  for (Table table("scaling_rounds.csv"); table.there() && table.next();) {
    if (table["app"] != app.name || std::stod(table["t_desired2"]) < earliest) continue;
    Round& round = rounds[table["run"] + ' ' + table["round"]];
    round.sequence = {1};
    for (std::size_t n = 2; n <= most_instances; ++n) {
      round.desired[n] = std::stod(table[fmt::format("t_desired{}", n)]);
      round.in_service[n] = std::stod(table[fmt::format("t_inservice{}", n)]);
    }
  }
  for (Table steps("scaling_steps.csv"); steps.there() && steps.next();) {
    const auto round = rounds.find(steps["run"] + ' ' + steps["round"]);
    // Where it ends with 1, the script has set the capacity back for the next round.
    if (round == rounds.end() || steps["to"] == "1") continue;
    round->second.sequence.push_back(std::stoll(steps["to"]));
  }
  if (!rounds.empty()) read_throughput(app, rounds);
  Rounds all;
  for (const auto& [name, round] : rounds) all.push_back(round);
  return all;
}

// ---- side by side

struct Spread {
  std::vector<double> values;
  double at(double q) const {
    if (values.empty()) return std::nan("");
    const double place = q * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const double high = values[std::min(below + 1, values.size() - 1)];
    return values[below] + (high - values[below]) * (place - static_cast<double>(below));
  }
  double median() const { return at(0.5); }
  std::string print() const {
    if (values.empty()) return "-";
    const int digits = median() < 100 ? 1 : 0;
    return fmt::format("{:.{}f} [{:.{}f}, {:.{}f}]", median(), digits, at(0.25), digits, at(0.75),
                       digits);
  }
};
template <typename Reading>
Spread spread(const Rounds& rounds, Reading reading) {
  Spread spread;
  for (const Round& round : rounds) reading(round, spread.values);
  std::sort(spread.values.begin(), spread.values.end());
  return spread;
}
using Values = std::vector<double>;
Spread date(const Rounds& rounds, std::map<std::size_t, double> Round::*dates, std::size_t n) {
  return spread(rounds, [&](const Round& round, Values& values) {
    if (const auto it = (round.*dates).find(n); it != (round.*dates).end())
      values.push_back(it->second);
  });
}
Spread between(const Rounds& rounds) {
  return spread(rounds, [](const Round& round, Values& values) {
    if (round.desired.contains(3)) values.push_back(round.desired.at(3) - round.desired.at(2));
  });
}
Spread rate(const Rounds& rounds, std::map<std::size_t, Values> Round::*rates, std::size_t n) {
  return spread(rounds, [&](const Round& round, Values& values) {
    if (const auto it = (round.*rates).find(n); it != (round.*rates).end())
      values.insert(values.end(), it->second.begin(), it->second.end());
  });
}

void print(const std::string& what, const Spread& theirs, const Spread& ours) {
  fmt::print("| {} | {} | {} |\n", what, theirs.print(), ours.print());
}

std::set<std::vector<std::int64_t>> sequences(const Rounds& rounds) {
  std::set<std::vector<std::int64_t>> all;
  for (const Round& round : rounds) all.insert(round.sequence);
  return all;
}

class AsgOnAws : public testing::TestWithParam<App> {};

// The grid of their metrics is a minute, on either side.
void expect_same_date(const std::string& what, const Spread& theirs, const Spread& ours) {
  EXPECT_NEAR(ours.median(), theirs.median(), 60) << what;
  EXPECT_GE(ours.median(), theirs.at(0.05)) << what;
  EXPECT_LE(ours.median(), theirs.at(0.95)) << what;
}

TEST_P(AsgOnAws, ScalesWhenTheRealGroupDid) {
  const App& app = GetParam();
  const Rounds theirs = measured(app);
  if (theirs.empty()) GTEST_SKIP() << "shared/inputs/aws-asg is not here";
  const Rounds ours = simulated(app);

  fmt::print("\n| {}: median [quartiles] | AWS, {} rounds | ours, {} replications |\n", app.name,
             theirs.size(), ours.size());
  fmt::print("|---|---|---|\n");
  EXPECT_EQ(sequences(theirs), (std::set<std::vector<std::int64_t>>{{1, 2, 3}}));
  EXPECT_EQ(sequences(ours), sequences(theirs));
  for (std::size_t n = 2; n <= most_instances; ++n) {
    const auto dates = [&](const char* what, std::map<std::size_t, double> Round::*which) {
      const Spread real = date(theirs, which, n), simulated = date(ours, which, n);
      const std::string name = fmt::format("{} {}, s after the load begins", what, n);
      print(name, real, simulated);
      ASSERT_EQ(simulated.values.size(), ours.size());
      expect_same_date(name, real, simulated);
    };
    dates("desired", &Round::desired);
    dates("in service", &Round::in_service);
  }
  print("from desired 2 to desired 3, s", between(theirs), between(ours));
  EXPECT_NEAR(between(ours).median(), between(theirs).median(), 30);
  for (std::size_t n = 1; n <= most_instances; ++n) {
    const Spread real = rate(theirs, &Round::throughput, n),
                 linear = rate(ours, &Round::throughput, n);
    print(fmt::format("requests/s at capacity {}", n), real, linear);
    const double expected = static_cast<double>(n) * app.throughput;
    EXPECT_NEAR(linear.median(), expected, 0.02 * expected);
  }
  for (std::size_t n = 1; n <= most_instances; ++n) {
    const Spread real = rate(theirs, &Round::cpu, n), simulated = rate(ours, &Round::cpu, n);
    print(fmt::format("CPU of the busiest at capacity {}, %", n), real, simulated);
    EXPECT_NEAR(simulated.median(), real.median(), 4) << n;
  }
}

TEST_P(AsgOnAws, TheExperimentIsTheRecipeOfItsReadme) {
  const App& app = GetParam();
  const auto settings = [&](const std::vector<std::string>& sets) {
    std::string all;
    for (const auto& component : load(app, sets).topology.components) {
      all += component.name + '\n' + component.settings->DebugString();
    }
    return all;
  };
  EXPECT_EQ(settings({}), settings(recipe(app, 1)));
}

INSTANTIATE_TEST_SUITE_P(, AsgOnAws, testing::ValuesIn(apps),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace windtunnel
