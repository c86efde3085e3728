// Bad input: one line a message, "file:line:column: ...", exit code 2, and nothing is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "tests/support/program.hpp"

namespace windtunnel::experiments {
namespace {

using test::Ended;
using test::Program;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

struct Bad {
  std::vector<std::string> arguments;
  std::vector<std::string> said;  // beginnings of the lines
};

void PrintTo(const Bad& bad, std::ostream* out) {
  *out << "windtunnel";
  for (const std::string& word : bad.arguments) *out << " " << word;
}

class BadInput : public ::testing::TestWithParam<Bad> {};

TEST_P(BadInput, IsToldWithItsPlaceAndNothingIsWritten) {
  Program program;
  program.write("small.yaml", test::small_experiment);
  program.write("two.yaml",
                "experiment: two\nhorizon: 1min\ntopology:\n  components:\n"
                "    a: {client: {target: desk, open: {poisson: 1/s}}}\n"
                "    b: {client: {target: desk, closed: {users: 3}}}\n"
                "    desk: {station: {service_time: 1ms}}\n");
  program.write(
      "wrong.yaml",
      "experiment: wrong\nhorizon: 1 kg\nreplications: 0\ntopology:\n  regions: {us-east-1: {}}\n"
      "  components:\n    users: {client: {target: db, open: {poisson: 1/s}, idle_timout: 3s}}\n"
      "    db: {aurora_cluster: {readers: 17}}\n");
  program.write("good.csv", "timestamp,value\n2020-01-01 00:00:00,60\n2020-01-01 00:01:00,60\n");
  program.write("bad.csv", "timestamp,value\n2020-01-01 00:00:00,60\n2020-01-01 00:00:00,1\nx,3\n");
  const auto before = program.files();
  const Ended ended = program.run(GetParam().arguments);
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.out, IsEmpty());
  EXPECT_EQ(program.files(), before);
  const auto lines = lines_of(ended.messages);
  ASSERT_EQ(lines.size(), GetParam().said.size()) << ended.messages;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_THAT(lines[i], ::testing::StartsWith(GetParam().said[i]));
    EXPECT_TRUE(std::regex_search(lines[i], std::regex("^.+:[0-9]+:[0-9]+: ."))) << lines[i];
  }
}

const std::vector<Bad> cases = {
    {{},
     {"windtunnel:1:1: a command is missing: run, check, models, show, trace, calibrate, export, "
      "report, compare, replay or init"}},
    {{"rum"}, {"windtunnel:1:1: there is no command 'rum', did you mean 'run'?"}},
    {{"run"}, {"windtunnel:1:1: FILE is required"}},
    {{"run", "small.yaml", "--sed", "1"},
     {"windtunnel:1:1: '--sed' is not expected, did you mean '--seed'?"}},
    {{"run", "small.yaml", "--resume", "--restart"}, {"--restart:1:1: excludes --resume"}},
    {{"run", "none.yaml"}, {"none.yaml:1:1: "}},
    {{"run", "."}, {".:1:1: "}},
    {{"run", "small.yaml", "--seed", "one"}, {"--seed:1:1: 'one' is not a whole number"}},
    {{"run", "small.yaml", "--seed=-1"}, {"--seed:1:1: '-1' is not a whole number"}},
    {{"run", "small.yaml", "--replications", "0"},
     {"--replications:1:1: 0 is not from 1 to 1000000"}},
    {{"run", "small.yaml", "--jobs", "1e9"}, {"--jobs:1:1: '1e9' is not a whole number"}},
    {{"run", "small.yaml", "--format", "xml"}, {"--format:1:1: 'xml' is not text or json"}},
    {{"run", "small.yaml", "--horizon", "3 parsecs"},
     {"--horizon:1:1: '3 parsecs' is not a duration: unknown unit 'parsecs'"}},
    {{"run", "small.yaml", "--horizon", "9999999d"}, {"--horizon:1:1: "}},
    {{"run", "small.yaml", "--horizon", "20s"},
     {"small.yaml:8:6: faults.0.at: 20s is not before the horizon, 20s (--horizon)"}},
    {{"run", "small.yaml", "--out", "."}, {"--out:1:1: '.' is a folder"}},
    {{"run", "small.yaml", "--out", "good.csv"},
     {"good.csv:1:1: is not a file of windtunnel's; it is left alone"}},
    {{"run", "small.yaml", "--out", "x/"}, {"--out:1:1: 'x/' is a folder"}},
    {{"run", "small.yaml", "--set", "components.desk.servers"},
     {"--set components.desk.servers:1:1: write PATH=VALUE"}},
    {{"run", "small.yaml", "--set", "components.dusk.servers=1"},
     {"--set components.dusk.servers:1:1: no component 'dusk', did you mean 'desk'?"}},
    {{"run", "small.yaml", "--set", "components.desk.servers=0"},
     {"--set components.desk.servers:1:1: desk.servers: 0 is below 1"}},
    {{"run", "small.yaml", "--trace-from", "2020-01-01T00:00"},
     {"--trace-from:1:1: goes with --trace"}},
    {{"run", "small.yaml", "--trace", "none.csv"}, {"/"}},
    {{"run", "small.yaml", "--trace", "good.csv", "--trace-from", "soon"},
     {"--trace-from:1:1: from: 'soon' is not a date"}},
    {{"run", "small.yaml", "--trace", "good.csv", "--trace-scale", "much"},
     {"--trace-scale:1:1: scale: 'much' is not a number"}},
    {{"run", "small.yaml", "--trace", "good.csv", "--trace-scale=-1"},
     {"--trace-scale:1:1: scale: -1 is below 0"}},
    {{"run", "small.yaml", "--trace", "dusk=good.csv"},
     {"--trace:1:1: 'dusk' is not a client of this topology"}},
    {{"run", "two.yaml", "--trace", "good.csv"},
     {"--trace:1:1: there are several clients (a, b): say CLIENT=FILE"}},
    {{"run", "two.yaml", "--trace", "b=good.csv"}, {"--trace:1:1: b has a closed load"}},
    {{"run", "small.yaml", "--trace", "bad.csv"}, {"/"}},
    {{"run", "small.yaml", "--trace", "good.csv", "--trace-gaps", "closed"},
     {"--trace-gaps:1:1: gaps: 'closed' is not empty, hold or interpolate"}},
    {{"trace"}, {"windtunnel:1:1: FILE is required"}},
    {{"trace", "bad.csv"}, {"bad.csv:3:1: date '2020-01-01 00:00:00' is not after the one before"}},
    {{"trace", "small.yaml"}, {"small.yaml:1:1: is not recognised by its beginning"}},
    {{"calibrate", "good.csv"}, {"good.csv:1:1: holds counts"}},
    {{"run", "wrong.yaml"},
     {"wrong.yaml:2:1: horizon: '1 kg' is not a duration: unknown unit 'kg'",
      "wrong.yaml:3:1: replications: 0 is below 1",
      "wrong.yaml:7:56: unknown field 'idle_timout' of client, did you mean 'idle_timeout'?",
      "wrong.yaml:8:27: db.readers: 17 is above 15 (Aurora User Guide, Aurora Replicas)"}},
    {{"check", "wrong.yaml"},
     {"wrong.yaml:2:1: ", "wrong.yaml:3:1: ", "wrong.yaml:7:56: ", "wrong.yaml:8:27: "}},
    {{"show", "small.yaml", "evens"}, {"small.yaml:1:1: is not a results file (HDF5)"}},
    {{"compare", "small.yaml", "small.yaml"}, {"small.yaml:1:1: is not a results file (HDF5)"}},
    {{"report", "nowhere.h5"}, {"nowhere.h5:1:1: no such file"}},
    {{"replay", "small.yaml", "--worst", "rto", "--median", "rto"}, {"windtunnel:1:1: --"}},
    {{"export", "small.yaml"}, {"windtunnel:1:1: --csv is required"}},
    {{"show", "small.yaml", "replications", "2"}, {"N:1:1: goes with events"}},
    {{"show", "small.yaml", "events", "0"}, {"N:1:1: 0 is not from 1 to"}},
};

INSTANTIATE_TEST_SUITE_P(Cases, BadInput, ::testing::ValuesIn(cases),
                         [](const auto& info) { return std::to_string(info.index); });

}  // namespace
}  // namespace windtunnel::experiments
