// A main() for benchmarks that compares: after the run it prints, for every pair asked for,
//   ratio NAME x.xx (baseline BASELINE)
// where x.xx is the baseline's CPU time over NAME's: above 1, NAME is faster. With repetitions both
// are the fastest of theirs, so that a neighbour on the machine weighs less; only medians are
// listed. NAME is what Google Benchmark prints, without the words on repetitions and times.
#pragma once

#include <benchmark/benchmark.h>

#include <unistd.h>

#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace windtunnel::bench {

class RatioReporter final : public benchmark::ConsoleReporter {
 public:
  RatioReporter() : ConsoleReporter(isatty(STDOUT_FILENO) ? OO_ColorTabular : OO_Tabular) {}

  void compare(std::string name, std::string baseline) {
    pairs_.emplace_back(std::move(name), std::move(baseline));
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    std::vector<Run> listed;
    for (const Run& run : runs) {
      if (runs.size() == 1 || run.aggregate_name == "median") listed.push_back(run);
      if (run.run_type != Run::RT_Iteration || run.error_occurred) continue;
      const double time = run.GetAdjustedCPUTime();
      std::string name = run.run_name.function_name;
      if (!run.run_name.args.empty()) name += "/" + run.run_name.args;
      const auto [known, is_new] = fastest_.emplace(std::move(name), time);
      if (!is_new && time < known->second) known->second = time;
    }
    ConsoleReporter::ReportRuns(listed);
  }

  // False if one of the ratios is not above `least`.
  bool print_ratios(double least) const {
    bool good = true;
    for (const auto& [name, baseline] : pairs_) {
      const auto time = fastest_.find(name), other = fastest_.find(baseline);
      if (time == fastest_.end() || other == fastest_.end()) continue;  // filtered out
      const double ratio = other->second / time->second;
      std::printf("ratio %s %.2f (baseline %s)\n", name.c_str(), ratio, baseline.c_str());
      good = good && ratio > least;
    }
    return good;
  }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
  std::map<std::string, double> fastest_;
};

// Runs all benchmarks; exit status 1 if a pair (name, baseline) has a ratio of `least` or below.
inline int run_and_compare(int argc, char** argv,
                           const std::vector<std::pair<std::string, std::string>>& pairs,
                           double least = 1.0) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  RatioReporter reporter;
  for (const auto& [name, baseline] : pairs) reporter.compare(name, baseline);
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return reporter.print_ratios(least) ? 0 : 1;
}

}  // namespace windtunnel::bench
