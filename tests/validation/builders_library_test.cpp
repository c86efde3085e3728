// Statements of the AWS Builders' Library, as experiments in experiments/validation and library.
#include <gtest/gtest.h>

#include <cmath>

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
TEST(BuildersLibrary, FourAttemptsOnEachLayerGive1024TimesTheLoad) {
  EXPECT_EQ(4 * 4 * 4 * 4 * 4, 1024);
  // A request is tried for 20 minutes, so requests come evenly.
  Overrides overrides{"components.users.open={deterministic: 0.1/s}"};
  for (const std::string& it : every_layer(1, "{mode: legacy, max_attempts: 4}")) {
    overrides.push_back(it);
  }
  EXPECT_NEAR(calls_a_request(overrides), 1024, 10);
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

// Of the users' requests, the share that fails once a customer has brought its workers down.
// Customers are alike, so it is the share of them.
double hit_by_poison(Overrides overrides) {
  overrides.insert(overrides.end(), {"horizon=150s", "warm_up=60s"});
  Diagnostics diagnostics;
  const auto experiment =
      load_experiment(std::string(WINDTUNNEL_SOURCE) + "/experiments/library/shuffle_sharding.yaml",
                      overrides, diagnostics);
  if (!experiment) throw std::runtime_error(diagnostics.print());
  sim::Simulation sim({.horizon = sim::Duration(experiment->settings.horizon()),
                       .warm_up = sim::Duration(experiment->settings.warm_up())});
  build(experiment->topology, sim);
  sim.run();
  const auto of = [&](const char* metric) { return test::metric_of(sim, "users", metric, "sum"); };
  return of("Failed") / (of("Succeeded") + of("Failed"));
}
// A binomial share of 10,000 customers.
double sampled(double share) { return 3.5 * std::sqrt(share * (1 - share) / 10'000); }

// T237 to T239
TEST(BuildersLibrary, ShuffleShardingTakesOneCustomerIn28AlongFixedShardsAQuarterNoneAll) {
  EXPECT_NEAR(hit_by_poison({}), 1.0 / 28, sampled(1.0 / 28));
  EXPECT_NEAR(hit_by_poison({"components.router.sharding=fixed"}), 1.0 / 4, sampled(0.25));
  EXPECT_NEAR(hit_by_poison({"components.router.shard_size=8"}), 1, 0.01);
  EXPECT_NEAR(hit_by_poison({"components.router.shard_size=4"}), 1.0 / 70, sampled(1.0 / 70));
}

}  // namespace
}  // namespace windtunnel
