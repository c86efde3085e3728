// Closed forms of functions: the loss of a concurrency limit (Erlang's B, whatever the law of
// durations), how long a bucket's burst lasts, and AWS's worked example of the Lambda burst before
// 2023-11. The loss of a bucket itself is in network_theory_test.
#include <cmath>

#include "models/compute/lambda_function.hpp"
#include "models/mechanisms/token_bucket.hpp"
#include "tests/support/small_run.hpp"
#include "tests/theory/point.hpp"

namespace windtunnel::theory {
namespace {

using namespace std::chrono_literals;

double erlang_b(int servers, double load) {
  double b = 1;
  for (int i = 1; i <= servers; ++i) b = load * b / (i + load * b);
  return b;
}

class FunctionsTheory : public testing::TestWithParam<Point> {};
TEST_P(FunctionsTheory, IsMet) { check(GetParam()); }

// Throttled / offered of a function with reserved concurrency 5 at a load of 3.
double throttled(std::uint64_t replication, const std::string& law) {
  const std::string yaml = test::small_experiment(
      test::client("fn", "open: {poisson: 3/s}, timeout: 0s") +
          ", fn: {lambda_function: {runtime: rust, sandbox: 0s, timeout: 900s, idle_lifetime: 24h, "
          "environment_lifetime: 1000h, reserved_concurrency: 5, service_time: " +
          law + "}}",
      "warm_up: 100s, horizon: 20000s");
  const auto sim = test::simulation_of(yaml, 1, replication);
  sim->run();
  return test::metric_of(*sim, "fn", "Throttles", "sum") /
         test::metric_of(*sim, "users", "Requests", "sum");
}

INSTANTIATE_TEST_SUITE_P(
    Points, FunctionsTheory,
    testing::Values(Point{"T035", "concurrency 5, load 3, exponential: throttled", erlang_b(5, 3),
                          0.110054, [](auto r) { return throttled(r, "{exponential: 1s}"); }, 0.01},
                    Point{"T035c", "concurrency 5, load 3, constant: throttled", erlang_b(5, 3),
                          0.110054, [](auto r) { return throttled(r, "1s"); }, 0.01}),
    id_of);

// A bucket of 30,000 refilled by 100 a second, from which 200 a second are taken, lasts 300 s.
TEST(FunctionsTheory, T192ABurstLastsAsLongAsTheBucketOverWhatIsLacking) {
  for (const auto& [rate, depth, demand, lasts] :
       {std::tuple{100.0, 30'000.0, 200.0, 300.0}, {300.0, 5.4e6, 3000.0, 2000.0}}) {
    TokenBucket bucket(rate, depth);
    const sim::Duration gap = sim::from_seconds(1 / demand);
    sim::Time now{};
    while (bucket.take(now)) now += gap;
    EXPECT_NEAR(sim::seconds(now), lasts, 0.01 * lasts);
  }
}

// Lambda operator guide, On-demand scaling: 10,000 requests, a burst of 3,000, 500 more each
// minute. Every minute's requests come at once and take less than it.
TEST(FunctionsTheory, T272ToT275TheBurstExampleOfTheOperatorGuide) {
  const auto run = [](int minutes) {
    test::SmallRun run(test::small_experiment(
        "fn: {lambda_function: {runtime: rust, sandbox: 0s, service_time: 30s, timeout: 60s}}, "
        "quotas: {service_quotas: {lambda: {concurrent_executions: 10000, scaling: "
        "regional_burst}}}",
        "horizon: 10min"));
    auto& client = run.machine("fn", {});
    for (int minute = 0; minute < minutes; ++minute) {
      run.script.at(minute * 1min, [&client, minutes] {
        for (int i = 0; i < 10'000 / minutes; ++i) client.call();
      });
    }
    std::vector<long> throttled;
    for (int minute = 1; minute <= minutes; ++minute) {
      run.script.at(minute * 1min - 1s,
                    [&] { throttled.push_back(static_cast<long>(run.metric("fn", "Throttles"))); });
    }
    run.sim.run();
    return throttled;  // so far, at the end of each minute
  };
  EXPECT_EQ(run(1), (std::vector<long>{7000}));
  EXPECT_EQ(run(2), (std::vector<long>{2000, 3500}));
  EXPECT_EQ(run(3).back(), 333);
  EXPECT_EQ(run(4).back(), 0);
}

}  // namespace
}  // namespace windtunnel::theory
