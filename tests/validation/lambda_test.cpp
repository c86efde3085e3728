// measurements.json M25 to M27 and M29: cold starts, both rules of scaling, from SQS to Lambda.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "models/compute/lambda_function.hpp"
#include "tests/support/small_run.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  std::stringstream text(line);
  for (std::string field; std::getline(text, field, ',');) fields.push_back(field);
  return fields;
}

// The name that the published table has for a runtime of ours.
std::string published_name(std::string name) {
  const auto os = name.find(" (prov.al2023)");
  if (os != std::string::npos) name.erase(os);
  if (name == "c++ 11") return "c++";
  std::ranges::replace(name, ' ', '-');
  return name;
}

// Kolmogorov and Smirnov: 20,000 draws against each row's nine quantiles.
TEST(LambdaOnAws, M25InitDurationsHaveThePublishedQuantilesWhateverTheMemory) {
  const auto path = std::filesystem::path(WINDTUNNEL_SOURCE) / ".." / "shared" / "facts" /
                    "lambda-coldstart-init-ms.csv";
  std::ifstream file(path);
  if (!file) GTEST_SKIP() << path << " is not there";
  constexpr double shares[] = {0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1};
  int rows = 0;
  for (std::string line; std::getline(file, line);) {
    const auto row = fields_of(line);
    if (row.size() != 16 || row[2] != "512" || line.find("(prov.al2)") != std::string::npos)
      continue;
    const auto* init = LambdaInit::find(
        published_name(row[0]),
        row[1] == "zip" ? LambdaInit::Package::zip : LambdaInit::Package::image,
        row[3] == "arm64" ? LambdaInit::Architecture::arm64 : LambdaInit::Architecture::x86_64);
    if (init == nullptr) continue;
    ++rows;
    sim::Stream chance(1);
    constexpr int n = 20'000;
    std::array<int, 9> below{};
    for (int i = 0; i < n; ++i) {
      const double drawn = 1e3 * sim::seconds(init->sample(chance));
      for (std::size_t q = 0; q < 9; ++q) below[q] += drawn <= std::stod(row[5 + q]);
    }
    for (std::size_t q = 0; q < 9; ++q) {
      EXPECT_NEAR(static_cast<double>(below[q]) / n, shares[q], 1.63 / std::sqrt(n)) << line;
    }
  }
  EXPECT_EQ(rows, 100);
}

// N(t) <= 1,000 + 100 t up to the account's limit, and as fast as that.
TEST(LambdaOnAws, M27EnvironmentsGrowByAHundredASecondAfterAThousand) {
  test::SmallRun run(test::small_experiment(
      test::client("fn", "open: {deterministic: 2000/s}") +
          ", fn: {lambda_function: {runtime: rust, service_time: 60s, timeout: 100s}}, "
          "quotas: {service_quotas: {lambda: {concurrent_executions: 3000}}}",
      "horizon: 30s"));
  for (int s = 1; s < 30; ++s) {
    run.script.at(s * 1s, [&run, s] {
      const double environments = run.metric("fn", "ExecutionEnvironments", "max");
      EXPECT_NEAR(environments, std::min({2000.0 * s, 1000.0 + 100 * s, 3000.0}), 2);
    });
  }
  run.sim.run();
}

// 1,024 messages through an idle system. How the 16 ms split into sending, receiving and invoking
// is not published: here a request to the queue takes 13 ms and the rest has the tail.
TEST(LambdaOnAws, M29FromSqsToLambdaInAnIdleSystem) {
  test::SmallRun run(test::small_experiment(
      "users: {client: {target: q, network: 0s, dns_lookup: 0s, writes: 100%, open: "
      "{deterministic: 0.5/s}}}, q: {sqs_queue: {request_time: 13ms}}, "
      "m: {lambda_event_source_mapping: {function: fn, queue: q, queue_scaling: {dispatch: "
      "{lognormal: {p50: 3.2ms, p99: 95ms}}}}}, "
      "fn: {lambda_function: {runtime: rust, sandbox: 0s, service_time: 0s, idle_lifetime: 1h}}",
      "warm_up: 60s, horizon: 30min"));
  run.sim.run();
  EXPECT_NEAR(run.metric("q", "ProducerToEffect", "p50"), 0.0162, 0.15 * 0.0162);
  EXPECT_NEAR(run.metric("q", "ProducerToEffect", "p99"), 0.105, 0.4 * 0.105);
}

}  // namespace
}  // namespace windtunnel
