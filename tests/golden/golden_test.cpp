// The fingerprints of the library's experiments, cut to four minutes, as they were when the last
// change was meant.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "experiments/run.hpp"
#include "tests/support/forked.hpp"
#include "tests/support/library.hpp"
#include "tests/support/program.hpp"

namespace windtunnel::experiments {
namespace {

constexpr const char* golden_file = WINDTUNNEL_SOURCE "/tests/golden/runs.csv";
constexpr const char* header = "experiment,seed,replication,fingerprint,reason of the last change";
constexpr int replications = 2;

struct GoldenRun {
  std::string experiment;
  std::uint64_t seed;
  int replication;  // from 1
  auto operator<=>(const GoldenRun&) const = default;
};
struct Golden {
  std::string fingerprint, reason;
};

std::map<GoldenRun, Golden> read_golden() {
  std::map<GoldenRun, Golden> golden;
  std::ifstream in(golden_file);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream cells(line);
    std::string experiment, seed, replication;
    Golden of;
    std::getline(cells, experiment, ',');
    std::getline(cells, seed, ',');
    std::getline(cells, replication, ',');
    std::getline(cells, of.fingerprint, ',');
    std::getline(cells, of.reason);
    golden[{experiment, std::stoull(seed), std::stoi(replication)}] = of;
  }
  return golden;
}

void write_golden(const std::map<GoldenRun, Golden>& golden) {
  std::ofstream out(golden_file);
  out << header << "\n";
  for (const auto& [run, of] : golden) {
    out << run.experiment << "," << run.seed << "," << run.replication << "," << of.fingerprint
        << "," << of.reason << "\n";
  }
}

std::string fingerprint_of(const LoadedExperiment& experiment, int replication, bool simgrid) {
  const auto record = run_replication(experiment, 1, replication - 1, simgrid);
  return fmt::format("{:016x}", record.fingerprint());
}

TEST(Golden, RunsAreWhatTheyWereUnlessAChangeWasMeant) {
  const auto golden = read_golden();
  std::map<GoldenRun, Golden> now;
  std::string different;
  const char* reason = std::getenv("WINDTUNNEL_GOLDEN_REASON");
  for (const auto& file : test::library("experiments")) {
    const auto experiment = test::cut_short(test::library_experiment(file));
    for (int replication = 1; replication <= replications; ++replication) {
      const GoldenRun run{experiment.settings.experiment(), 1, replication};
      const auto before = golden.find(run);
      const std::string fingerprint = fingerprint_of(experiment, replication, false);
      if (before != golden.end() && before->second.fingerprint == fingerprint) {
        now[run] = before->second;
        continue;
      }
      now[run] = {fingerprint, reason == nullptr ? "" : reason};
      different += fmt::format("{} replication {}: {}, it was {}\n", run.experiment, replication,
                               fingerprint,
                               before == golden.end() ? "not there" : before->second.fingerprint);
    }
  }
  if (reason != nullptr) return write_golden(now);
  EXPECT_EQ(different, "")
      << "If that is meant, say why:  WINDTUNNEL_GOLDEN_REASON='...' " WINDTUNNEL_BUILD
         "/tests/golden_test  rewrites tests/golden/runs.csv.";
  EXPECT_EQ(golden.size(), now.size()) << "runs.csv has lines of experiments that are no more";
  for (const auto& [run, of] : golden)
    EXPECT_NE(of.reason, "") << run.experiment << " has no reason";
}

class Platforms : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(Platforms, FlatAndSimGridGiveTheSameFingerprint) {
  const auto experiment = test::cut_short(test::library_experiment(GetParam()));
  const std::string simgrid = test::in_child([&] { return fingerprint_of(experiment, 1, true); });
  EXPECT_EQ(simgrid, fingerprint_of(experiment, 1, false));
}

INSTANTIATE_TEST_SUITE_P(All, Platforms, ::testing::ValuesIn(test::library("experiments")),
                         [](const auto& info) { return info.param.stem().string(); });

// The other build, if it is not older than this one, is made by `./dev test`: hardly
// optimised, and with sanitizers.
TEST(Golden, SanitizedAndReleaseGiveTheSameFingerprints) {
  const std::filesystem::path build(WINDTUNNEL_BUILD);
  const auto other = build.parent_path() /
                     (build.filename() == "sanitize" ? "release" : "sanitize") / "windtunnel";
  const auto date = [](const std::filesystem::path& file) {
    return std::filesystem::last_write_time(file);
  };
  if (!std::filesystem::exists(other)) GTEST_SKIP() << "there is no " << other;
  if (date(other) < date(build / "windtunnel"))
    GTEST_SKIP() << other << " is older than this build";
  test::Program program;
  const std::vector<std::string> command{"run",
                                         WINDTUNNEL_SOURCE "/experiments/library/az_loss_web.yaml",
                                         "--format=json",
                                         "--replications=1",
                                         "--set=faults.0.at=30s",
                                         "--horizon=2min"};
  const auto ours = program.run(command).json();
  const auto theirs = program.end(program.start(command, -1, other.string())).json();
  EXPECT_EQ(ours["program_version"], theirs["program_version"]);
  EXPECT_EQ(ours["fingerprints"], theirs["fingerprints"])
      << "is " << other << " of the same sources?";
}

}  // namespace
}  // namespace windtunnel::experiments
