// Logs of stations whose laws are known: calibration finds them within its own intervals.
#include "models/traces/calibration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/random/exponential_distribution.hpp>
#include <cmath>
#include <queue>

#include "tests/support/program.hpp"

namespace windtunnel::traces {
namespace {

using sim::Distribution;
using ::testing::HasSubstr;
using windtunnel::test::Program;

struct Station {
  Distribution service;
  int workers;
  double load;  // of all workers
  double errors = 0;
  int targets = 1;
};

// Poisson arrivals at a first-come, first-served queue, as a Classic Load Balancer logs them, but
// to a microsecond in dates and in times.
std::string log_of(const Station& station, int requests, std::uint64_t seed = 1) {
  sim::Stream chance(seed);
  const double gap = station.service.mean() / (station.load * station.workers * station.targets);
  std::vector<std::priority_queue<double, std::vector<double>, std::greater<>>> busy(
      static_cast<std::size_t>(station.targets));
  double at = 0;
  std::string text;
  for (int i = 0; i < requests; ++i) {
    at += gap * boost::random::exponential_distribution<double>()(chance);
    const std::uint32_t target = chance.below(static_cast<std::uint32_t>(station.targets));
    auto& workers = busy[target];
    double begins = at;
    if (workers.size() == static_cast<std::size_t>(station.workers)) {
      begins = std::max(begins, workers.top());
      workers.pop();
    }
    const double ends = begins + sim::seconds(station.service.sample(chance));
    workers.push(ends);
    const auto us = static_cast<long long>(std::llround(at * 1e6));
    char line[300];
    std::snprintf(line, sizeof line,
                  "2020-01-01T%02lld:%02lld:%02lld.%06lldZ lb 1.2.3.4:5 10.0.0.%u:80 0.000000 %.6f "
                  "0.000000 %s 0 29 \"GET http://a:80/ HTTP/1.1\" \"-\" - -\n",
                  us / 3'600'000'000, us / 60'000'000 % 60, us / 1'000'000 % 60, us % 1'000'000,
                  target, ends - at, chance.chance(station.errors) ? "500 500" : "200 200");
    text += line;
  }
  return text;
}

Calibration calibrated(const std::string& text) {
  Program folder;
  folder.write("log", text);
  Cut cut;
  cut.file = folder.path("log").string();
  return calibrate(cut, 0.3);
}

void expect_within(const Fit& fit, const std::string& name, double truth) {
  for (const Parameter& parameter : fit.parameters) {
    if (parameter.name != name) continue;
    EXPECT_LE(parameter.low, truth) << name << " " << parameter.value;
    EXPECT_GE(parameter.high, truth) << name << " " << parameter.value;
    EXPECT_NEAR(parameter.value, truth, 0.1 * truth) << name;
    return;
  }
  ADD_FAILURE() << fit.law << " has no " << name;
}

// Where queues are long, means of the held-out part vary; the quantiles of a part of thousands do
// less.
void expect_held_out(const Calibration& told, double within) {
  for (const Checked& checked : told.checked) {
    if (checked.name == "errors") continue;
    EXPECT_NEAR(checked.error(), 0, within) << checked.name;
  }
}

TEST(Calibration, RecoversWorkersAndAnExponentialLaw) {
  const auto told = calibrated(log_of({Distribution::exponential(0.02), 4, 0.7}, 30'000));
  EXPECT_EQ(told.workers, 4);
  EXPECT_EQ(told.laws.front().law, "exponential");
  expect_within(told.laws.front(), "mean", 0.02);
  EXPECT_LT(told.distance, 0.02);
  expect_held_out(told, 0.1);
}

TEST(Calibration, RecoversALognormalLawBehindALongQueue) {
  const auto told =
      calibrated(log_of({Distribution::lognormal(0.012, 0.08), 2, 0.8, 0.01}, 40'000));
  EXPECT_EQ(told.workers, 2);
  EXPECT_EQ(told.laws.front().law, "lognormal");
  expect_within(told.laws.front(), "p50", 0.012);
  expect_within(told.laws.front(), "p99", 0.08);
}

TEST(Calibration, RecoversAGammaLawAtSeveralTargets) {
  const auto told = calibrated(log_of({Distribution::gamma(0.05, 0.5), 3, 0.7, 0, 4}, 40'000));
  EXPECT_EQ(told.targets, 4u);
  EXPECT_EQ(told.workers, 3);
  EXPECT_EQ(told.laws.front().law, "gamma");
  expect_within(told.laws.front(), "mean", 0.05);
  expect_within(told.laws.front(), "cv", 0.5);
  expect_held_out(told, 0.1);
}

TEST(Calibration, RecoversUniformParetoAndConstantLaws) {
  const auto law = [](const Distribution& service) {
    return calibrated(log_of({service, 3, 0.6}, 20'000)).laws.front();
  };
  EXPECT_EQ(law(Distribution::uniform(0.01, 0.03)).law, "uniform");
  const Fit pareto = law(Distribution::pareto(0.01, 2.5));
  EXPECT_EQ(pareto.law, "pareto");
  expect_within(pareto, "alpha", 2.5);
  const Fit constant = law(Distribution::constant(std::chrono::milliseconds(20)));
  EXPECT_EQ(constant.law, "constant");
  EXPECT_NEAR(constant.parameters.front().value, 0.02, 2e-6);
}

TEST(Calibration, WorkersThatWereNeverAllBusyCanNotBeTold) {
  const auto told = calibrated(log_of({Distribution::exponential(0.02), 64, 0.1}, 20'000));
  EXPECT_EQ(told.workers, 0);
  EXPECT_LT(told.seen_at_once, 64);
  expect_within(told.laws.front(), "mean", 0.02);
}

TEST(Calibration, RecoversTheShareOfErrorsAndThatTheyAreIndependent) {
  const auto told = calibrated(log_of({Distribution::exponential(0.02), 4, 0.5, 0.03}, 30'000));
  EXPECT_LE(told.errors.low, 0.03);
  EXPECT_GE(told.errors.high, 0.03);
  EXPECT_LT(told.errors.high - told.errors.low, 0.006);
  EXPECT_NEAR(told.error_run, 1 / 0.97, 0.03);
}

// 20 logs: a 95 % interval that misses in 5 of them would be none.
TEST(Calibration, ItsIntervalsHoldTheTruthAsOftenAsTheySay) {
  int missed = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto told = calibrated(log_of({Distribution::exponential(0.02), 2, 0.5}, 4'000, seed));
    const Parameter& mean = told.laws.front().parameters.front();
    missed += told.laws.front().law != "exponential" || mean.low > 0.02 || mean.high < 0.02;
  }
  EXPECT_LT(missed, 5);
}

TEST(Calibration, NeedsRequestsWithTimes) {
  Program folder;
  folder.write("counts", "2020-01-01 00:00,5\n2020-01-01 00:01,6\n");
  Cut cut;
  cut.file = folder.path("counts").string();
  EXPECT_THROW(calibrate(cut, 0.3), Bad);
  EXPECT_THROW(calibrated(log_of({Distribution::exponential(0.02), 4, 0.5}, 50)), Bad);
}

TEST(Fits, OfKnownLawsAreNearThem) {
  EXPECT_NEAR(digamma(1), -0.57721566490153286, 1e-9);
  EXPECT_NEAR(trigamma(1), 1.6449340668482264, 1e-9);
  sim::Stream chance(1);
  Sums sums;
  const auto law = Distribution::gamma(2, 1.5);
  for (int i = 0; i < 50'000; ++i) sums.add(std::max(sim::seconds(law.sample(chance)), 1e-9));
  EXPECT_EQ(fits(sums).front().law, "gamma");
  expect_within(fits(sums).front(), "cv", 1.5);
}

}  // namespace
}  // namespace windtunnel::traces
