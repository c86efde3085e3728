// A client's recorded load and its laws, as settings: what arrives when.
#include "models/load/client_load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/compute/station.hpp"
#include "tests/support/program.hpp"
#include "tests/support/yaml_run.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using test::Program;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ClientLoad : public ::testing::Test {
 protected:
  ClientLoad() {
    folder.write("counts.csv",
                 "time,count\n2020-01-01 00:00,6\n2020-01-01 00:01,12\n2020-01-01 00:02,18\n");
    folder.write("more.csv", "time,count\n2021-01-01 00:00,1\n2021-01-01 00:01,2\n");
    folder.write("requests.log", line("00:00:00", "/api/a", 0.5) + line("00:00:02", "/", 0.25) +
                                     line("00:00:03", "/api/b", 2));
  }
  static std::string line(const std::string& time, const std::string& path, double seconds) {
    return fmt::format(
        "2020-01-01T{}Z lb 1.2.3.4:5 10.0.0.1:80 0.0 {:.6f} 0.0 200 200 0 29 \"GET http://a:80{} "
        "HTTP/1.1\" \"-\" - -\n",
        time, seconds, path);
  }
  // FILE/ stands for the test's folder.
  std::string yaml(std::string open, const std::string& horizon = "1h") const {
    for (std::size_t at; (at = open.find("FILE/")) != std::string::npos;) {
      open.replace(at, 5, folder.path("").string());
    }
    return "{experiment: small, question: what, topology: {components: {users: {client: {target: "
           "desk, hosts: 1, network: 0s, dns_lookup: 0s, timeout: 100s, open: " +
           open + "}}, desk: {station: {servers: 1000, service_time: 1s}}}}, horizon: " + horizon +
           "}";
  }
  double requests(const std::string& open, const std::string& horizon = "1h") const {
    const auto sim = test::simulation_of(yaml(open, horizon));
    sim->run();
    return test::metric_of(*sim, "users", "Requests", "sum");
  }
  // What arrives, in seconds to the microsecond.
  std::vector<double> dates(const std::string& open) const {
    settings::Client::Open settings = open_of(open);
    auto source = plan_of(settings)->open(sim::Stream(1));
    std::vector<double> all;
    for (Arrival arrival; source->next(arrival) && all.size() < 1000;) {
      all.push_back(std::round(sim::seconds(arrival.at) * 1e6) / 1e6);
    }
    return all;
  }
  settings::Client::Open open_of(const std::string& open) const {
    Diagnostics diagnostics;
    const auto read = read_experiment(yaml(open), "test.yaml", {}, diagnostics);
    if (!read) throw std::runtime_error(diagnostics.print());
    return static_cast<const settings::Client&>(*read->topology.find("users")->settings).open();
  }
  Program folder;
};

TEST_F(ClientLoad, CountsOfATraceArriveEvenlySpacedExactly) {
  EXPECT_EQ(requests("{trace: {file: FILE/counts.csv, arrivals: evenly}}"), 36);
  EXPECT_THAT(dates("{trace: {file: FILE/more.csv, arrivals: evenly}}"), ElementsAre(30, 75, 105));
}

TEST_F(ClientLoad, CountsOfATraceArePoissonByDefault) {
  double sum = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const auto sim = test::simulation_of(yaml("{trace: FILE/counts.csv}"), seed);
    sim->run();
    sum += test::metric_of(*sim, "users", "Requests", "sum");
  }
  EXPECT_NEAR(sum, 3600, 4 * std::sqrt(3600.0));
}

TEST_F(ClientLoad, CutsAreScaledShiftedSplicedAndRepeated) {
  EXPECT_THAT(dates("{trace: {file: FILE/more.csv, arrivals: evenly, shift: 10s}}"),
              ElementsAre(40, 85, 115));
  EXPECT_EQ(dates("{trace: {file: FILE/counts.csv, arrivals: evenly, scale: 0.5}}").size(), 18u);
  EXPECT_THAT(dates("{trace: {file: FILE/more.csv, arrivals: evenly, to: 2021-01-01T00:01, "
                    "repeat: 3}}"),
              ElementsAre(30, 90, 150));
  EXPECT_THAT(dates("{trace: {file: FILE/more.csv, arrivals: evenly, then: [{from: "
                    "2021-01-01T00:01}, {file: FILE/counts.csv, to: 2020-01-01T00:01, scale: "
                    "0.5}]}}"),
              ElementsAre(30, 75, 105, 135, 165, 190, 210, 230));
  EXPECT_EQ(dates("{trace: {file: FILE/counts.csv, arrivals: evenly, resample: 3min}}").size(),
            36u);
}

TEST_F(ClientLoad, LoadsAreAddedAndPlacedInTime) {
  EXPECT_THAT(dates("{sum: {of: [{constant: 0.1/s, evenly: true, lasting: 20s}, {constant: 1/s, "
                    "evenly: true, starting: 10s, lasting: 2s}]}}"),
              ElementsAre(5, 10.5, 11.5, 15));
}

TEST_F(ClientLoad, LawsAreMultiplied) {
  EXPECT_EQ(dates("{profile: {ramp: {from: 0/s, to: 2/s, over: 10s}, times: [{constant: 60/s}, "
                  "{trace: FILE/more.csv}], evenly: true, lasting: 10s}}")
                .size(),
            10u);
  EXPECT_NEAR(requests("{profile: {diurnal: {mean: 10/s}, times: [{steps: {of: [{rate: 1/s, "
                       "lasting: 10min}, {rate: 3/s, lasting: 10min}]}}]}}",
                       "20min"),
              10 * 1.0 * 2400 * (1 + 0.5 * std::cos(2 * 3.14159 * 4.2 / 24)), 1500);
}

TEST_F(ClientLoad, ALogIsReplayedArrivalByArrival) {
  EXPECT_THAT(dates("{trace: FILE/requests.log}"), ElementsAre(0, 2, 3));
  EXPECT_THAT(dates("{trace: {file: FILE/requests.log, repeat: 2}}"),
              ElementsAre(0, 2, 3, 4, 6, 7));
  EXPECT_EQ(dates("{trace: {file: FILE/requests.log, arrivals: evenly, resample: 1s}}").size(), 3u);
}

TEST_F(ClientLoad, ServiceTimesOfALogReplaceTheServicesOwnIfAsked) {
  const auto mean = [&](const std::string& more) {
    const auto sim = test::simulation_of(yaml("{trace: {file: FILE/requests.log" + more + "}}"));
    sim->run();
    return dynamic_cast<Station&>(*sim->find_component("desk")).metric.response.mean();
  };
  EXPECT_NEAR(mean(""), 1, 0.01);
  EXPECT_NEAR(mean(", service_times: true"), (0.5 + 0.25 + 2) / 3, 0.01);
}

TEST_F(ClientLoad, RequestsOfALogHaveTheClassOfTheirPath) {
  const auto sim = test::simulation_of(
      yaml("{trace: {file: FILE/requests.log, classes: ['/img/*', '/api/*']}}"));
  ASSERT_EQ(sim->request_classes().size(), 3u);
  EXPECT_EQ(sim->request_class(2).path, "/api/*");
  auto source = plan_of(open_of("{trace: {file: FILE/requests.log, classes: ['/img/*', "
                                "'/api/*']}}"))
                    ->open(sim::Stream(1));
  std::vector<int> classes;
  for (Arrival arrival; source->next(arrival);) classes.push_back(arrival.path_class);
  EXPECT_THAT(classes, ElementsAre(1, -1, 1));
}

TEST_F(ClientLoad, WhatCanNotBeMadeOfATraceIsTold) {
  const auto wrong = [&](const std::string& open) -> std::string {
    auto settings = open_of(open);
    try {
      for (const settings::Trace* trace : traces_of(settings)) read_through(*trace);
      plan_of(settings)->open(sim::Stream(1));
    } catch (const traces::Bad& bad) {
      return bad.text;
    }
    return "nothing";
  };
  EXPECT_THAT(wrong("{trace: {file: FILE/counts.csv, arrivals: recorded}}"),
              HasSubstr("holds counts, not arrivals"));
  EXPECT_THAT(wrong("{trace: {file: FILE/counts.csv, classes: ['/x']}}"),
              HasSubstr("there are no paths"));
  EXPECT_THAT(wrong("{trace: {file: FILE/requests.log, then: [FILE/counts.csv]}}"),
              HasSubstr("can't be spliced"));
  EXPECT_THAT(wrong("{profile: {trace: FILE/requests.log, times: [{constant: 2/s}]}}"),
              HasSubstr("say resample"));
  EXPECT_EQ(wrong("{profile: {steps: {}}}"), "steps.of is empty");
  EXPECT_EQ(wrong("{sum: {}}"), "sum.of is empty");
  EXPECT_EQ(wrong("{profile: {weekly: {mean: 1/s, hours: [0, 0]}}}"), "weekly.hours is empty");
}

TEST_F(ClientLoad, AReadThroughTellsTheWholeOfATrace) {
  auto settings = open_of("{trace: {file: FILE/counts.csv, shift: 1min, repeat: 2}}");
  const TraceExtent extent = read_through(*traces_of(settings).front());
  EXPECT_EQ(extent.format, "rate_csv");
  EXPECT_EQ(extent.requests, 72);
  EXPECT_EQ(extent.length, 7min);
  EXPECT_FALSE(extent.recorded);
}

}  // namespace
}  // namespace windtunnel
