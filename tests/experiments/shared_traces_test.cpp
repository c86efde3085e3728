// Recordings of real services, where they are at hand: every file reads or says why not, totals are
// exact, and the flagship runs on each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "models/load/client_load.hpp"
#include "models/traces/summary.hpp"
#include "tests/support/program.hpp"
#include "tests/support/work.hpp"

namespace windtunnel::experiments {
namespace {

namespace fs = std::filesystem;
using test::Ended;
using test::Program;
using ::testing::HasSubstr;

const fs::path folder = fs::path(WINDTUNNEL_SOURCE) / "../shared/inputs/traces";

// What each file is, by the end of its name.
struct Known {
  std::string name, format, refused;
  std::vector<std::string>
      options;  // to run the flagship on it: load enough to be seen, not too much
};
const std::vector<Known> known = {
    {"AppELBLog.log", "elb_log", "", {"--trace-repeat", "100"}},
    {"AppELBLogWithNewFields.log", "elb_log", "", {"--trace-repeat", "600"}},
    {"UrlEncodedPath.log", "elb_log", "", {"--trace-repeat", "600"}},
    {"apache_logs", "web_log", "", {"--trace-scale", "20"}},
    {"summary_simple.json", "k6_summary", "", {"--trace-repeat", "30"}},
    {"invocations.csv", "azure_minutes", "", {"--trace-scale", "100"}},
    {"Azure2021_30.csv", "azure_invocations", "", {"--trace-repeat", "3"}},
    {"Azure2021_200.csv", "azure_invocations", "", {"--trace-scale", "20"}},
    {"durations.csv", "azure_durations", "holds durations without dates", {}},
    {"memory.csv", "", "is not recognised by its beginning", {}},
    {"dag_structure.csv", "", "is not recognised by its beginning", {}},
    {"ec2_request_latency_system_failure.csv",
     "rate_csv",
     "",
     {"--trace-scale", "100", "--trace-repeated-dates", "add"}},
    {"wc98_per_minute.csv", "rate_csv", "", {"--trace-from", "1998-06-30T21:00"}},
    {"nyc_taxi.csv", "rate_csv", "", {"--trace-scale", "10"}},
    {"Twitter_volume_AMZN.csv", "rate_csv", "", {"--trace-scale", "100"}},
    {"ec2_network_in_257a54.csv", "rate_csv", "", {"--trace-scale", "0.01"}},
    {".csv", "rate_csv", "", {"--trace-scale", "100"}}};

const Known& what(const fs::path& file) {
  return *std::find_if(known.begin(), known.end(),
                       [&](const Known& each) { return file.string().ends_with(each.name); });
}

std::vector<fs::path> all_files() {
  std::vector<fs::path> files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

class SharedTraces : public ::testing::Test {
 protected:
  void SetUp() override {
    if (all_files().empty()) GTEST_SKIP() << "the recordings are not here";
  }
  Program program;
};

TEST_F(SharedTraces, AreReadOrSayWhyNot) {
  for (const fs::path& file : all_files()) {
    const Known& expected = what(file);
    std::vector<std::string> arguments = {"trace", file.string(), "--format", "json"};
    if (expected.name.starts_with("ec2_request")) {
      arguments.insert(arguments.end(), {"--repeated-dates", "add"});
    }
    const Ended ended = program.run(arguments);
    if (expected.format.empty()) {
      EXPECT_EQ(ended.code, 2) << file;
      EXPECT_THAT(ended.messages, HasSubstr(file.string() + ":1:1: " + expected.refused));
      continue;
    }
    ASSERT_EQ(ended.code, 0) << ended.messages;
    const auto told = ended.json().at(0);
    EXPECT_EQ(told["format"], expected.format) << file;
    EXPECT_GT(told["requests"], 0) << file;
  }
}

TEST_F(SharedTraces, CountWhatTheyCount) {
  traces::Cut cut;
  cut.file = (folder / "wc98/wc98_per_minute.csv").string();
  const auto summary = traces::summarise(cut);
  EXPECT_EQ(static_cast<std::uint64_t>(summary.requests), 1'352'804'107u);
  EXPECT_EQ(summary.shape->gaps(), 7u);
  cut.file = (folder / "weblogs/apache_logs").string();
  EXPECT_EQ(traces::summarise(cut).requests, 10'000);
  cut.file = (folder / "alb-logs/AppELBLog.log").string();
  EXPECT_EQ(traces::summarise(cut).requests, 668);
}

TEST_F(SharedTraces, AFileWithARepeatedHourSaysHowToReadIt) {
  const Ended ended =
      program.run({"trace", (folder / "nab/ec2_request_latency_system_failure.csv").string()});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.messages, HasSubstr(":559:1: date '2014-03-09 03:00:00' is not after the one "
                                        "before, '2014-03-09 03:00:00'; repeated_dates: add"));
}

// The flagship itself, a minute and a half of each; a share of the work ends just after the fault.
TEST_F(SharedTraces, DriveTheFlagship) {
  const std::string flagship = WINDTUNNEL_SOURCE "/experiments/library/az_loss_web.yaml";
  for (const fs::path& file : all_files()) {
    const Known& expected = what(file);
    std::vector<std::string> arguments = {
        "run",        flagship,          "--out",
        "out.h5",     "--restart",       "--format",
        "json",       "--horizon",       test::work_share() == 1 ? "90s" : "31s",
        "--set",      "faults.0.at=30s", "--trace",
        file.string()};
    arguments.insert(arguments.end(), expected.options.begin(), expected.options.end());
    const Ended ended = program.run(arguments);
    if (!expected.refused.empty()) {
      EXPECT_EQ(ended.code, 2) << file;
      EXPECT_THAT(ended.messages, HasSubstr(expected.refused)) << file;
      EXPECT_FALSE(program.exists("out.h5"));
      continue;
    }
    ASSERT_NE(ended.code, 2) << ended.messages;
    ASSERT_NE(ended.code, 4) << ended.messages;
    EXPECT_GT(ended.json()["requests"], 0) << file;
    fs::remove(program.path("out.h5"));
  }
}

}  // namespace
}  // namespace windtunnel::experiments
