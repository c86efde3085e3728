// Every file of the libraries is read as documentation and run as a test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "experiments/run.hpp"
#include "tests/support/library.hpp"
#include "tests/support/program.hpp"
#include "tests/support/work.hpp"

namespace windtunnel::experiments {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string name_of(const ::testing::TestParamInfo<std::filesystem::path>& info) {
  return info.param.stem().string();
}

class LibraryTopology : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(LibraryTopology, PassesItsChecksWithoutAWarning) {
  Diagnostics diagnostics;
  EXPECT_TRUE(check_file(GetParam().string(), {}, diagnostics)) << diagnostics.print();
  EXPECT_THAT(diagnostics.print(), Not(HasSubstr("warning")));
}

TEST_P(LibraryTopology, OpensWithAPicture) {
  const std::string text = test::bytes_of(GetParam());
  EXPECT_EQ(text.substr(0, 2), "# ");
  EXPECT_THAT(text.substr(0, text.find("regions:")), HasSubstr("-->"));
}

INSTANTIATE_TEST_SUITE_P(All, LibraryTopology, ::testing::ValuesIn(test::library("topologies")),
                         name_of);

class LibraryExperiment : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(LibraryExperiment, PassesItsChecksWithoutAWarning) {
  Diagnostics diagnostics;
  EXPECT_TRUE(check_file(GetParam().string(), {}, diagnostics)) << diagnostics.print();
  EXPECT_THAT(diagnostics.print(), Not(HasSubstr("warning")));
}

TEST_P(LibraryExperiment, OpensWithItsQuestionAndEndsWithWhatItClaims) {
  const std::string text = test::bytes_of(GetParam());
  EXPECT_THAT(text, HasSubstr("\nquestion: "));
  EXPECT_GT(text.rfind("\nobjectives: "), text.rfind("\nhorizon: "));
  EXPECT_EQ(std::count(text.begin() + static_cast<std::ptrdiff_t>(text.rfind("\nobjectives: ")),
                       text.end(), '\n'),
            2);
  const auto experiment = test::library_experiment(GetParam());
  EXPECT_EQ(experiment.settings.experiment(), GetParam().stem().string());
}

TEST_P(LibraryExperiment, RunsToItsHorizon) {
  const auto record =
      run_replication(test::cut_short(test::library_experiment(GetParam())), 1, 0, false);
  EXPECT_GT(record.requests(), 1000u);
  EXPECT_GT(record.measures().availability(), 0.1);
}

// The drill is too long for a test; `./dev drill` runs it.
TEST_P(LibraryExperiment, MeetsItsClaim) {
  if (test::work_share() < 1) GTEST_SKIP() << "a claim takes all of its work";
  if (GetParam().stem() == "az_loss_web") return;
  test::Program program;
  const test::Ended ended = program.run({"run", GetParam().string()});
  EXPECT_EQ(ended.code, 0) << ended.out;
}

INSTANTIATE_TEST_SUITE_P(All, LibraryExperiment, ::testing::ValuesIn(test::library("experiments")),
                         name_of);

}  // namespace
}  // namespace windtunnel::experiments
