// `windtunnel trace` and `windtunnel calibrate`: what a user types and sees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/program.hpp"

namespace windtunnel::experiments {
namespace {

using test::Ended;
using test::Program;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Two weeks of hours: 60 requests at night, 240 from 12:00 to 18:00, half of it on Sundays; a gap.
std::string two_weeks() {
  std::string text = "date,requests\n";
  for (int hour = 0; hour < 14 * 24; ++hour) {
    if (hour >= 30 && hour < 33) continue;
    const int day = hour / 24, clock = hour % 24;
    int count = clock >= 12 && clock < 18 ? 240 : 60;
    if (day % 7 == 6) count /= 2;  // the first day is a Monday
    char row[60];
    std::snprintf(row, sizeof row, "2020-06-%02d %02d:00,%d\n", 1 + day, clock, count);
    text += row;
  }
  return text;
}

TEST(TraceCommand, TellsWhatASeriesHolds) {
  Program program;
  program.write("web.csv", two_weeks());
  const Ended ended = program.run({"trace", "web.csv", "--picture", "web.svg"});
  EXPECT_EQ(ended.code, 0) << ended.messages;
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("rate_csv"), HasSubstr("column 'requests'"),
                    HasSubstr("2020-06-01 00:00:00 to 2020-06-15 00:00:00 (14d)"),
                    HasSubstr("333 bins of 1h"),
                    HasSubstr("1 gap, 3h in all, the longest 3h from 2020-06-02 06:00:00"),
                    HasSubstr("in 1h at 2020-06-01 12:00:00"),
                    HasSubstr("▂▂▂▂▂▂▂▂▂▂▂▂██████▂▂▂▂▂▂"), HasSubstr("██████▄")));
  const std::string svg = test::bytes_of(program.path("web.svg"));
  EXPECT_THAT(svg, StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_THAT(svg, ::testing::EndsWith("</svg>\n"));
  EXPECT_THAT(svg, HasSubstr("rate by weekday and hour"));
}

TEST(TraceCommand, TellsTheSameInJson) {
  Program program;
  program.write("web.csv", two_weeks());
  const auto told = program.run({"trace", "web.csv", "--format", "json"}).json().at(0);
  EXPECT_EQ(told["requests"], (6 * 240 + 18 * 60) * 13 - 3 * 60);
  EXPECT_EQ(told["gaps"], 1);
  EXPECT_EQ(told["missing"], 3 * 3600);
  EXPECT_DOUBLE_EQ(told["peak_rate"], 240.0 / 3600);
  EXPECT_EQ(told["peak_at"], "2020-06-01 12:00:00");
  EXPECT_DOUBLE_EQ(told["days"][6].get<double>() / told["days"][0].get<double>(), 0.5);
}

TEST(TraceCommand, TellsPathsStatusesAndTimesOfALog) {
  Program program;
  std::string log;
  for (int i = 0; i < 200; ++i) {
    char line[300];
    std::snprintf(
        line, sizeof line,
        "2020-01-01T00:%02d:%02d.000000Z lb 1.2.3.4:5 10.0.0.1:80 0.0 0.%03d000 0.0 %d %d 10 "
        "1000 \"GET http://a:80%s HTTP/1.1\" \"-\" - -\n",
        i / 60, i % 60, i % 100, i % 10 == 0 ? 503 : 200, i % 10 == 0 ? 503 : 200,
        i % 4 == 0 ? "/a<b>&c" : "/x");
    log += line;
  }
  program.write("requests.log", log);
  const Ended ended = program.run({"trace", "requests.log", "--picture", "p.svg"});
  EXPECT_EQ(ended.code, 0) << ended.messages;
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("200 requests"), HasSubstr("p99 98 ms"), HasSubstr("503 10 %"),
                    HasSubstr("75.00 %  /x"), HasSubstr("25.00 %  /a<b>&c"), HasSubstr("200 kB")));
  EXPECT_THAT(test::bytes_of(program.path("p.svg")), HasSubstr("/a&lt;b&gt;&amp;c"));
}

TEST(TraceCommand, ListsTheFormats) {
  Program program;
  EXPECT_THAT(program.run({"trace", "--formats"}).out,
              AllOf(HasSubstr("elb_log"), HasSubstr("k6_summary"), HasSubstr("rate_csv")));
}

TEST(TraceCommand, BadFilesAreToldAndNothingIsWritten) {
  Program program;
  program.write("good.csv", two_weeks());
  program.write("bad.csv", "date,requests\n2020-06-01 00:00,1\n2020-06-01 01:00,x\n");
  const auto before = program.files();
  const Ended ended = program.run({"trace", "bad.csv", "good.csv", "--picture", "p.svg"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_EQ(ended.messages, "bad.csv:3:18: 'x' is not a count\n");
  EXPECT_EQ(program.files(), before);
  EXPECT_EQ(program.run({"trace", "good.csv", "--from", "soon"}).messages,
            "--from:1:1: from: 'soon' is not a date; write it as 1998-06-30T18:00\n");
  EXPECT_THAT(program.run({"trace", "none.csv"}).messages,
              StartsWith("none.csv:1:1: cannot be read: "));
  EXPECT_THAT(program.run({"trace", "."}).messages, StartsWith(".:1:1: cannot be read"));
  EXPECT_THAT(program.run({"trace", "/dev/zero"}).messages,
              StartsWith("/dev/zero:1:1: is no regular file"));
}

TEST(TraceCommand, AnEndlessLineIsToldWithItsPlace) {
  Program program;
  program.write("line.csv", "date,requests\n2020-06-01 00:00,1\n2020-06-01 01:00," +
                                std::string(20u << 20, '1'));
  const Ended ended = program.run({"trace", "line.csv"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_EQ(ended.messages, "line.csv:3:1048576: the line is longer than 1 MiB\n");
}

TEST(CalibrateCommand, WritesSettingsThatRun) {
  Program program;
  std::string log;
  for (int i = 0; i < 2000; ++i) {
    char line[300];
    const int ms = i * 37 % 100;
    std::snprintf(
        line, sizeof line,
        "2020-01-01T00:%02d:%02d.000000Z lb 1.2.3.4:5 10.0.0.1:80 0.0 %.6f 0.0 %s 10 1000 "
        "\"GET http://a:80/ HTTP/1.1\" \"-\" - -\n",
        i / 60, i % 60, -0.020 * std::log((ms + 0.5) / 100), i % 50 == 0 ? "500 500" : "200 200");
    log += line;
  }
  program.write("requests.log", log);
  const Ended ended = program.run({"calibrate", "requests.log", "--out", "service.yaml"});
  EXPECT_EQ(ended.code, 0) << ended.messages;
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("2000 requests of elb_log"), HasSubstr("600 requests held out"),
                    HasSubstr("errors         2%"), HasSubstr("service.yaml written")));
  EXPECT_EQ(program.run({"check", "service.yaml"}).code, 0);
  const Ended printed = program.run({"calibrate", "requests.log", "--held-out", "0%"});
  EXPECT_THAT(printed.out, HasSubstr("failure_share: 2%"));
}

TEST(CalibrateCommand, SaysWhatItNeeds) {
  Program program;
  program.write("counts.csv", two_weeks());
  const auto before = program.files();
  const Ended ended = program.run({"calibrate", "counts.csv", "--out", "x.yaml"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.messages, StartsWith("counts.csv:1:1: holds counts"));
  EXPECT_EQ(program.files(), before);
  EXPECT_THAT(program.run({"calibrate", "counts.csv", "--held-out", "2"}).messages,
              StartsWith("--held-out:1:1: "));
}

TEST(TraceOptions, AreTheSettingsOfATrace) {
  Program program;
  program.write("small.yaml", test::small_experiment);
  program.write("rates.csv", "time,rps\n2020-01-01 00:00,100\n2020-01-01 00:01,50\n");
  const auto run = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"run",  "small.yaml", "--format",
                                          "json", "--trace",    "rates.csv"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ended ended = program.run(arguments);
    EXPECT_THAT(ended.messages, ::testing::Not(HasSubstr(":1:1:"))) << ended.messages;
    return ended.json();
  };
  EXPECT_EQ(run({"--trace-arrivals", "evenly"})["requests"], 9'000);
  const auto spliced =
      run({"--trace-arrivals", "evenly", "--trace-then", "rates.csv", "--trace-repeat", "2"});
  EXPECT_EQ(spliced["requests"], 36'000);
  EXPECT_EQ(spliced["horizon"], 480.0);
}

}  // namespace
}  // namespace windtunnel::experiments
