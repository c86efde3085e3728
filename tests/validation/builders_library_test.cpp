// Statements of the AWS Builders' Library, as experiments in experiments/validation.
#include <gtest/gtest.h>

#include "experiments/run.hpp"
#include "tests/support/library.hpp"
#include "tests/support/yaml_run.hpp"

namespace windtunnel {
namespace {

using Overrides = std::vector<std::string>;

LoadedExperiment validation(const std::string& name, const Overrides& overrides) {
  Diagnostics diagnostics;
  auto experiment =
      load_experiment(std::string(WINDTUNNEL_SOURCE) + "/experiments/validation/" + name + ".yaml",
                      overrides, diagnostics);
  if (!experiment) throw std::runtime_error(diagnostics.print());
  return std::move(*experiment);
}

// Calls that reach the database a request of users, after half an hour of its outage.
double calls_a_request(const Overrides& overrides) {
  const LoadedExperiment experiment = validation("layered_retries", overrides);
  const settings::Experiment& settings = experiment.settings;
  sim::Simulation sim(
      {.horizon = sim::Duration(settings.horizon()), .warm_up = sim::Duration(settings.warm_up())});
  build(experiment.topology, sim);
  sim.add(std::make_unique<experiments::FaultInjector>(sim, settings));
  sim.run();
  return test::metric_of(sim, "db", "Arrivals", "sum") /
         test::metric_of(sim, "users", "Requests", "sum");
}
Overrides every_layer(int from, const std::string& retry) {
  Overrides overrides;
  for (int i = from; i <= 5; ++i) {
    overrides.push_back("components.s" + std::to_string(i) + ".calls.0.retry=" + retry);
  }
  return overrides;
}

// T216, T217
TEST(BuildersLibrary, FiveLayersOfThreeAttemptsGive243TimesTheLoad) {
  EXPECT_EQ(3 * 3 * 3 * 3 * 3, 243);
  EXPECT_NEAR(calls_a_request({}), 243, 2);  // requests under way at the ends
}
TEST(BuildersLibrary, ARetryBudgetOnEveryLayerTakesTheAmplificationAway) {
  const double calls = calls_a_request(every_layer(1, "{mode: standard}"));
  EXPECT_GE(calls, 0.99);
  EXPECT_LE(calls, 1.1);
}
TEST(BuildersLibrary, RetriesOnOneLayerGiveThreeTimesTheLoadWhateverTheDepth) {
  EXPECT_NEAR(calls_a_request(every_layer(2, "{mode: legacy, max_attempts: 1}")), 3, 0.05);
}

double recovery(const Overrides& overrides) {
  double sum = 0;
  const LoadedExperiment experiment = validation("backlog_after_outage", overrides);
  for (int replication = 0; replication < 2; ++replication) {
    sum += sim::seconds(sim::Duration(
        experiments::run_replication(experiment, 1, replication, false).measures().rto()));
  }
  return sum / 2;
}

TEST(BuildersLibrary, ABacklogServedInOrderHurtsForLongerThanItsCause) {
  EXPECT_NEAR(recovery({}), 180 + (12'600 - 500) / 20.0, 45);  // a Poisson load, windows of 10 s
}
TEST(BuildersLibrary, TheNewestFirstExpiryOrSheddingEndItWithItsCause) {
  EXPECT_NEAR(recovery({"components.web.queue_order=lifo"}), 180, 20);
  EXPECT_NEAR(recovery({"components.web.queue_expiry=4s"}), 180, 20);
  EXPECT_NEAR(recovery({"components.web.queue=100"}), 180, 20);
}

}  // namespace
}  // namespace windtunnel
