// The commands as a user types them, through the real program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>

#include <regex>

#include "tests/support/program.hpp"

namespace windtunnel::experiments {
namespace {

using nlohmann::json;
using test::Ended;
using test::Program;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

class CommandLine : public ::testing::Test {
 protected:
  CommandLine() { program.write("small.yaml", test::small_experiment); }
  Program program;
};

TEST_F(CommandLine, ARunPrintsItsVerdictAndKeepsItsResultsUnderTheExperimentsName) {
  const Ended ended = program.run({"run", "small.yaml"});
  EXPECT_EQ(ended.code, 0) << ended.messages;
  EXPECT_THAT(ended.out, StartsWith("experiment    small    seed 1    3 replications    36"));
  EXPECT_THAT(ended.out,
              HasSubstr("fault         0:20  desk answers 100 % of requests with errors for 10 s"));
  EXPECT_THAT(ended.out, HasSubstr("objective 1 min        holds"));
  EXPECT_THAT(ended.out, HasSubstr("median replication (seed 1/"));
  EXPECT_THAT(ended.out, HasSubstr("results       results/small.h5"));
  EXPECT_THAT(ended.messages, HasSubstr("3 of 3 replications\n"));
  EXPECT_THAT(ended.messages, Not(HasSubstr("\r")));
  EXPECT_TRUE(program.exists("results/small.h5"));
  EXPECT_FALSE(program.exists("results/small.h5.journal"));
}

TEST_F(CommandLine, JsonStandsAloneOnStdoutWithTheKeysThatProgramsRead) {
  const json verdict = program.run({"run", "small.yaml", "--format", "json", "--seed", "7"}).json();
  EXPECT_EQ(verdict["seed"], 7);
  EXPECT_EQ(verdict["fingerprints"].size(), 3u);
  for (const char* measure : {"rto", "rpo", "availability", "replacement_lag"}) {
    const json& of = verdict["measures"][measure];
    for (const char* key : {"mean", "ci95", "p50", "p95", "censored", "n", "parts"}) {
      EXPECT_TRUE(of.contains(key)) << measure << "." << key;
    }
  }
  const json& rto = verdict["measures"]["rto"];
  EXPECT_EQ(rto["mean"], 10.0);
  EXPECT_EQ(rto["ci95"], json::array({10.0, 10.0}));
  double parts = 0;
  for (const json& part : rto["parts"]) parts += part["mean"].get<double>();
  EXPECT_DOUBLE_EQ(parts, 10.0);
  const json& objective = verdict["objectives"][0];
  for (const char* key : {"name", "statistic", "limit", "value", "ci95", "verdict"}) {
    EXPECT_TRUE(objective.contains(key)) << key;
  }
  EXPECT_EQ(objective["verdict"], "holds");
  EXPECT_GT(verdict["components"]["users"]["Requests"].get<double>(), 10'000);
}

TEST_F(CommandLine, ProgressIsABarOnATerminal) {
  int ours = -1, theirs = -1;
  ASSERT_EQ(openpty(&ours, &theirs, nullptr, nullptr, nullptr), 0);
  const pid_t child = program.start({"run", "small.yaml"}, theirs);
  close(theirs);
  std::string seen;
  char piece[512];
  for (ssize_t n = 0; (n = read(ours, piece, sizeof piece)) > 0;)
    seen.append(piece, static_cast<std::size_t>(n));
  close(ours);
  EXPECT_EQ(program.end(child).code, 0);
  EXPECT_THAT(seen, HasSubstr("\r[####################..........] 2/3"));
  EXPECT_THAT(seen, HasSubstr("[##############################] 3/3"));
}

TEST_F(CommandLine, TheSameInputAndSeedGiveTheSameFingerprintsWhateverTheJobs) {
  const auto fingerprints = [&](const std::string& jobs, const std::string& seed) {
    return program
        .run({"run", "small.yaml", "--format=json", "--replications=4", "--jobs", jobs, "--seed",
              seed})
        .json()["fingerprints"];
  };
  const json one = fingerprints("1", "1");
  EXPECT_EQ(one.size(), 4u);
  EXPECT_EQ(one, fingerprints("2", "1"));
  EXPECT_NE(one, fingerprints("2", "2"));
}

TEST_F(CommandLine, AFinishedFileIsReplacedInOneStep) {
  ASSERT_EQ(program.run({"run", "small.yaml", "--out", "a/b.h5"}).code, 0);
  const std::string first = test::bytes_of(program.path("a/b.h5"));
  ASSERT_EQ(program.run({"run", "small.yaml", "--out", "a/b.h5", "--seed", "2"}).code, 0);
  EXPECT_NE(test::bytes_of(program.path("a/b.h5")), first);
  EXPECT_THAT(program.files(), ::testing::UnorderedElementsAre("small.yaml", "a", "a/b.h5"));
}

TEST_F(CommandLine, TheExitCodeIsTheVerdict) {
  EXPECT_EQ(program.run({"run", "small.yaml", "--set", "objectives.rto=1min"}).code, 0);
  EXPECT_EQ(program.run({"run", "small.yaml", "--set", "objectives.rto=5s"}).code, 1);
  EXPECT_EQ(program
                .run({"run", "small.yaml", "--set", "objectives.rto.p95=1min", "--set",
                      "objectives.rpo=1s", "--set", "objectives.rto=x"})
                .code,
            2);
  EXPECT_EQ(program.run({"run", "small.yaml", "--replications", "1"}).code, 3);
  EXPECT_EQ(program.run({"run", "small.yaml", "--out", "/proc/none/x.h5"}).code, 4);
}

TEST_F(CommandLine, SetChangesWhatTheFileSays) {
  const json verdict =
      program
          .run({"run", "small.yaml", "--format", "json", "--set", "replications=2", "--set",
                "components.users.open.poisson=200/s", "--set", "faults.0.lasting=20s"})
          .json();
  EXPECT_EQ(verdict["replications"], 2);
  EXPECT_NEAR(verdict["requests"].get<double>(), 2 * 24'000, 1000);
  EXPECT_EQ(verdict["measures"]["rto"]["mean"], 20.0);
}

TEST_F(CommandLine, HorizonChangesTheLengthOfTheRun) {
  const json verdict =
      program.run({"run", "small.yaml", "--format", "json", "--horizon", "1min"}).json();
  EXPECT_EQ(verdict["horizon"], 60.0);
}

TEST_F(CommandLine, ShowReadsTheResultsBack) {
  const Ended run = program.run({"run", "small.yaml"});
  const Ended verdict = program.run({"show", "results/small.h5"});
  EXPECT_EQ(verdict.code, 0);
  const std::regex first_line("in .*\n");
  const auto rest = [&](const std::string& text) {
    return std::regex_replace(text, first_line, "\n", std::regex_constants::format_first_only);
  };
  EXPECT_EQ(rest(verdict.out), rest(run.out));
  EXPECT_EQ(program.run({"show", "results/small.h5", "--format", "json"}).json()["experiment"],
            "small");
  EXPECT_THAT(program.run({"show", "results/small.h5", "assumptions"}).out,
              HasSubstr("users.hosts"));
  const Ended replications = program.run({"show", "results/small.h5", "replications"});
  EXPECT_THAT(replications.out, HasSubstr("fingerprint"));
  EXPECT_EQ(std::count(replications.out.begin(), replications.out.end(), '\n'), 4);
  const Ended events = program.run({"show", "results/small.h5", "events", "3"});
  EXPECT_THAT(events.out,
              StartsWith("    0:20.0  fault            desk answers 100 % of requests"));
  EXPECT_THAT(program.run({"show", "results/small.h5", "events", "4"}).messages,
              StartsWith("results/small.h5:1:1: there is no replication 4"));
}

TEST_F(CommandLine, ShowRefusesWhatIsNoResultsFile) {
  for (const char* file : {"none.h5", "small.yaml", "."}) {
    const Ended ended = program.run({"show", file});
    EXPECT_EQ(ended.code, 2) << file;
    EXPECT_THAT(ended.messages, StartsWith(std::string(file) + ":1:1: "));
    EXPECT_THAT(ended.out, IsEmpty());
  }
}

TEST_F(CommandLine, CheckTellsTheGraphsFindingsAndTheErrorsOfATrace) {
  const Ended good = program.run({"check", "small.yaml"});
  EXPECT_EQ(good.code, 0);
  EXPECT_THAT(good.out, HasSubstr("small.yaml: no errors\n"));
  program.write("trace.yaml",
                "experiment: t\nhorizon: 1min\ntopology:\n  components:\n"
                "    users: {client: {target: desk, open: {trace: gone.csv}}}\n"
                "    desk: {station: {servers: 2, service_time: 1ms}}\n");
  const Ended bad = program.run({"check", "trace.yaml"});
  EXPECT_EQ(bad.code, 2);
  EXPECT_THAT(bad.messages, StartsWith("gone.csv:1:1: "));
  EXPECT_THAT(bad.out, IsEmpty());
}

TEST_F(CommandLine, InitWritesAFileThatRunsAndNeverOverwritesOne) {
  const Ended first = program.run({"init"});
  EXPECT_EQ(first.code, 0);
  EXPECT_EQ(program.run({"check", "windtunnel.yaml"}).code, 0);
  const json verdict = program
                           .run({"run", "windtunnel.yaml", "--format", "json", "--replications",
                                 "2", "--horizon", "8min"})
                           .json();
  EXPECT_GT(verdict["requests"].get<double>(), 100'000);
  program.write("windtunnel.yaml", "mine");
  const Ended again = program.run({"init"});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.messages, StartsWith("windtunnel.yaml:1:1: exists already"));
  EXPECT_EQ(test::bytes_of(program.path("windtunnel.yaml")), "mine");
}

TEST_F(CommandLine, ModelsAreListedWithEveryParameter) {
  const Ended all = program.run({"models"});
  for (const char* model : {"client", "station", "route53_record", "application_load_balancer",
                            "ec2_service", "auto_scaling_group", "aurora_cluster"}) {
    EXPECT_THAT(all.out, HasSubstr(std::string("  ") + model)) << model;
  }
  const Ended one = program.run({"models", "aurora_cluster"});
  EXPECT_THAT(one.out,
              HasSubstr("  readers\n      Aurora Replicas\n      number; default 1; from 0 to 15\n"
                        "      source: Aurora User Guide, Aurora Replicas\n"));
  EXPECT_THAT(one.out, HasSubstr("duration; default 5s; from 5s to 5s"));
  EXPECT_THAT(
      one.out,
      HasSubstr("CloudWatch metrics:\n  AuroraReplicaLag\n      how far behind readers were "
                "when looked at\n      AWS/RDS, Milliseconds; every 60s\n      dimensions: "
                "DBClusterIdentifier\n      source: Aurora User Guide"));

  const Ended none = program.run({"models", "aurora_clutser"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.messages, HasSubstr("did you mean 'aurora_cluster'?"));
}

TEST_F(CommandLine, VersionAndHelpAreOnStdout) {
  const Ended version = program.run({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, MatchesRegex("windtunnel [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  const Ended help = program.run({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("run"), HasSubstr("check"), HasSubstr("models"),
                              HasSubstr("show"), HasSubstr("init")));
  EXPECT_THAT(program.run({"run", "--help"}).out, HasSubstr("--trace-from"));
}

}  // namespace
}  // namespace windtunnel::experiments
