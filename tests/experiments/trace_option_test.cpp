// `--trace`: recorded counts instead of a client's own load.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/program.hpp"

namespace windtunnel::experiments {
namespace {

using nlohmann::json;
using test::Ended;
using test::Program;
using ::testing::HasSubstr;

// Three bins of a minute and a missing one before the last: 6,000, 12,000, none, 3,000 requests.
class TraceOption : public ::testing::Test {
 protected:
  TraceOption() {
    program.write("small.yaml", test::small_experiment);
    program.write("counts.csv",
                  "period,count\n2020-05-31 23:56:00,6000\n2020-05-31 23:57:00,12000\n"
                  "2020-05-31 23:59:00,3000\n");
  }
  json run(std::vector<std::string> more) {
    std::vector<std::string> arguments{"run",  "small.yaml", "--format",
                                       "json", "--trace",    "counts.csv"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ended ended = program.run(arguments);
    EXPECT_NE(ended.code, 2) << ended.messages;
    return ended.json();
  }
  Program program;
};

// Poisson: five standard deviations.
void expect_requests(const json& verdict, double expected) {
  EXPECT_NEAR(verdict["requests"].get<double>(), expected, 5 * std::sqrt(expected));
}

TEST_F(TraceOption, ReplacesTheLoadForTheLengthOfTheTraceOnce) {
  const json verdict = run({});
  expect_requests(verdict, 21'000);
  EXPECT_EQ(verdict["horizon"], 240.0);
  EXPECT_EQ(verdict["replications"], 1);
}

TEST_F(TraceOption, ACutIsGivenInTheFilesOwnTimesAnd24OClockIsTheEndOfADay) {
  const json verdict = run({"--trace-from", "2020-05-31T23:57", "--trace-to", "2020-05-31T24:00"});
  expect_requests(verdict, 15'000);
  EXPECT_EQ(verdict["horizon"], 180.0);
}

TEST_F(TraceOption, AMissingBinHasNoArrivals) {
  const json verdict =
      run({"--trace-from", "2020-05-31 23:58", "--trace-to", "2020-05-31 23:59:30"});
  expect_requests(verdict, 1'500);
  EXPECT_EQ(verdict["horizon"], 90.0);
}

TEST_F(TraceOption, ScaleHorizonAndReplicationsMayBeGiven) {
  const json verdict = run({"--trace-scale", "0.5", "--horizon", "2min", "--replications", "2"});
  expect_requests(verdict, 2 * 9'000);
  EXPECT_EQ(verdict["horizon"], 120.0);
  EXPECT_EQ(verdict["replications"], 2);
}

TEST_F(TraceOption, ASetValueIsGivenToo) {
  const json verdict = run({"--set", "horizon=1min", "--set", "replications=2"});
  expect_requests(verdict, 2 * 6'000);
}

TEST_F(TraceOption, TheClientMayBeNamed) {
  const Ended ended =
      program.run({"run", "small.yaml", "--format=json", "--trace", "users=counts.csv"});
  expect_requests(ended.json(), 21'000);
}

TEST_F(TraceOption, ATraceTooShortForTheFaultIsBadInput) {
  const Ended ended = program.run(
      {"run", "small.yaml", "--trace", "counts.csv", "--trace-from", "2020-05-31T23:59:50"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(
      ended.messages,
      HasSubstr("small.yaml:8:6: faults.0.at: 20s is not before the horizon, 10s (--trace)"));
}

}  // namespace
}  // namespace windtunnel::experiments
