// replay, compare and report as a user types them: a results file alone is enough to run again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/program.hpp"

namespace windtunnel::experiments {
namespace {

using test::Ended;
using test::Program;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Replay : public ::testing::Test {
 protected:
  Replay() {
    program.write("small.yaml", test::small_experiment);
    EXPECT_EQ(program.run({"run", "small.yaml", "--out", "a.h5"}).code, 0);
  }
  Program program;
};

TEST_F(Replay, NeedsNothingButTheResultsFile) {
  std::filesystem::remove(program.path("small.yaml"));
  const Ended ended = program.run({"replay", "a.h5", "--replication", "2"});
  EXPECT_EQ(ended.code, 0) << ended.messages;
  EXPECT_THAT(ended.out, HasSubstr("small  seed 1  replication 2\n"));
  EXPECT_THAT(ended.out, ContainsRegex("0:20\\.000000000  desk +\\* answers 100 % of requests"));
  EXPECT_THAT(ended.messages, HasSubstr("as recorded"));
}

TEST_F(Replay, RunsWithTheOverridesAndOptionsOfTheRecordedRun) {
  program.run({"run", "small.yaml", "--set", "components.desk.servers=2", "--horizon", "1min",
               "--out", "b.h5"});
  EXPECT_THAT(program.run({"replay", "b.h5"}).messages, HasSubstr("as recorded"));
}

TEST_F(Replay, TheWorstAndTheMedianAreFoundByAnyMeasure) {
  for (const char* measure : {"rto", "availability", "time_out_of_service"}) {
    EXPECT_EQ(program.run({"replay", "a.h5", "--worst", measure}).code, 0) << measure;
    EXPECT_EQ(program.run({"replay", "a.h5", "--median", measure}).code, 0) << measure;
  }
}

TEST_F(Replay, PrintsEveryEventAndCallOfAComponentWithinATime) {
  const Ended ended =
      program.run({"replay", "a.h5", "--component", "desk", "--from", "21s", "--to", "21100ms"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, HasSubstr("arrived  read from users to desk node 0"));
  EXPECT_THAT(ended.out,
              HasSubstr("answered  read from users to desk node 0 (station:desk): error"));
  EXPECT_THAT(ended.out, Not(HasSubstr(" 0:22.")));
  EXPECT_THAT(ended.out, Not(HasSubstr(" 0:20.")));
}

TEST_F(Replay, TellsTheLifeOfOneRequest) {
  const Ended ended = program.run({"replay", "a.h5", "--request", "users/1000"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("request 1000 of users"), HasSubstr("users -> desk  read"),
                               ContainsRegex("ended after 0\\.[0-9]+ s")));
}

TEST_F(Replay, RefusesWhatIsNotThere) {
  const auto refusal = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"replay", "a.h5"});
    const Ended ended = program.run(options);
    EXPECT_EQ(ended.code, 2);
    return ended.messages;
  };
  EXPECT_THAT(refusal({"--replication", "9"}), HasSubstr("there is no replication 9"));
  EXPECT_THAT(refusal({"--worst", "rtt"}), HasSubstr("did you mean 'rto'"));
  EXPECT_THAT(refusal({"--component", "dask"}), HasSubstr("did you mean 'desk'"));
  EXPECT_THAT(refusal({"--request", "users/0"}), HasSubstr("not the number of a request"));
  EXPECT_THAT(refusal({"--request", "99999999"}), HasSubstr("there was no such request"));
  EXPECT_THAT(refusal({"--from", "ten"}), HasSubstr("--from:1:1"));
}

TEST_F(Replay, CompareNamesTheFirstEventInWhichTwoRunsPart) {
  program.run({"run", "small.yaml", "--set", "faults.0.at=30s", "--out", "b.h5"});
  const Ended ended = program.run({"compare", "a.h5", "b.h5"});
  EXPECT_EQ(ended.code, 0) << ended.messages;
  EXPECT_THAT(ended.out, HasSubstr("rto"));
  EXPECT_THAT(ended.out, HasSubstr("replication 1: "));
  // Up to 20 s both are the same; then the fault strikes A alone.
  EXPECT_THAT(ended.out, ContainsRegex("A  20\\.000000000 s .*on_strike_due"));
  EXPECT_THAT(ended.out, ContainsRegex("B  20\\.0[0-9]+ s "));
}

TEST_F(Replay, CompareOfTheSameSaysSo) {
  EXPECT_THAT(program.run({"compare", "a.h5", "a.h5"}).out,
              HasSubstr("all replications have the same fingerprints"));
}

TEST_F(Replay, CompareRefusesWhatMakesNoPairs) {
  program.run({"run", "small.yaml", "--seed", "2", "--out", "b.h5"});
  const Ended ended = program.run({"compare", "a.h5", "b.h5"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.messages, HasSubstr("run it again with --seed 1"));
}

TEST_F(Replay, EveryLevelOfRecordingGivesTheSameRun) {
  for (const char* level : {"summary", "series", "requests"}) {
    program.run(
        {"run", "small.yaml", "--set", std::string("recording.level=") + level, "--out", "b.h5"});
    EXPECT_THAT(program.run({"compare", "a.h5", "b.h5"}).out, HasSubstr("the same fingerprints"))
        << level;
    EXPECT_EQ(program.run({"show", "b.h5", "/series"}).code, level[1] == 'u' ? 2 : 0) << level;
  }
  EXPECT_THAT(program.run({"show", "b.h5", "/request_calls"}).out, HasSubstr("outcome"));
}

TEST_F(Replay, AReportIsWrittenBesideTheResultsAndLeavesThemAlone) {
  const std::string before = test::bytes_of(program.path("a.h5"));
  const Ended ended = program.run({"report", "a.h5", "--junit", "junit.xml"});
  EXPECT_EQ(ended.code, 0) << ended.messages;
  EXPECT_THAT(ended.out, HasSubstr("a.html"));
  EXPECT_TRUE(program.exists("a.html"));
  EXPECT_THAT(test::bytes_of(program.path("junit.xml")), HasSubstr("<testsuite name=\"small\""));
  EXPECT_EQ(program.run({"report", "a.h5", "-o", "a.h5"}).code, 2);
  EXPECT_EQ(test::bytes_of(program.path("a.h5")), before);
  EXPECT_THAT(program.run({"report", "a.h5", "--format", "markdown"}).out,
              HasSubstr("| rto | at most 1 min |"));
  EXPECT_EQ(program.run({"report", "a.h5", "--format", "pdf"}).code, 2);
}

TEST_F(Replay, OfADamagedFileTheReportShowsWhatIsLeft) {
  const std::string all = test::bytes_of(program.path("a.h5"));
  program.write("cut.h5", all.substr(0, all.size() * 9 / 10));
  const Ended ended = program.run({"report", "cut.h5"});
  EXPECT_THAT(ended.messages, HasSubstr("cut.h5:1:1: is damaged"));
  EXPECT_EQ(ended.code == 0, program.exists("cut.html"));
}

TEST_F(Replay, ExportWritesTables) {
  EXPECT_THAT(program.run({"export", "a.h5", "--csv", "tables"}).out,
              HasSubstr("tables in tables"));
  EXPECT_TRUE(program.exists("tables/series/desk.csv"));
}

}  // namespace
}  // namespace windtunnel::experiments
