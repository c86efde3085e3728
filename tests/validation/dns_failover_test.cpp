// Failover by DNS: the distribution that its parts give by hand beside the simulated one. A primary
// falls silent; from then until a client is served by the secondary pass
//   detection   (threshold - 1) x interval + interval x Beta(14, 3) + 4 s: 14 of 16 checkers, each
//               with a phase of its own, and the timeout of the last check
//   publish     U(1 s, 10 s)
//   residual    U(0, TTL) of a client that looks the name up whenever its answer has expired; one
//   that
//               kept its connection looks it up when that broke, and then once a TTL: its time is
//               the next multiple of the TTL
//   reconnect   U(0, 250 ms) until its next request
// Held to each other by Kolmogorov's statistic over 400 independent replications, at 1 %: 1.63 /
// sqrt(400) = 0.081. The table of experiments/validation/README.md is printed by this test.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <vector>

#include "models/network/route53_record.hpp"
#include "tests/support/machine.hpp"
#include "tests/support/scripted.hpp"
#include "tests/support/stub_service.hpp"
#include "tests/support/work.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;

const std::uint64_t replications = std::max<std::uint64_t>(50, test::scaled(400u));
constexpr double timeout = 4, publish_min = 1, publish_max = 10, cadence = 0.25;

struct Case {
  const char* name;
  int interval, threshold, ttl;
  bool keeps_connection = false;
};

// Middles of equal shares of the first three parts: (detection + publish) has so many values.
std::vector<double> detected_and_published(const Case& c) {
  constexpr int checkers = 200, delays = 50;
  std::vector<double> dates;
  for (int i = 0; i < checkers; ++i) {
    const double phase = boost::math::ibeta_inv(14.0, 3.0, (i + 0.5) / checkers);
    for (int j = 0; j < delays; ++j) {
      const double publish = publish_min + (publish_max - publish_min) * (j + 0.5) / delays;
      dates.push_back((c.threshold - 1 + phase) * c.interval + timeout + publish);
    }
  }
  return dates;
}

// P(time <= t), the reconnect's quarter of a second as its mean.
double by_hand(const Case& c, const std::vector<double>& dates, double t) {
  double sum = 0;
  for (const double date : dates) {
    const double left = t - cadence / 2;
    sum += c.keeps_connection ? (std::ceil(date / c.ttl) * c.ttl <= left + cadence ? 1.0 : 0.0)
                              : std::clamp((left - date) / c.ttl, 0.0, 1.0);
  }
  return sum / static_cast<double>(dates.size());
}
double quantile_by_hand(const Case& c, const std::vector<double>& dates, double q) {
  double low = 0, high = 2000;
  for (int i = 0; i < 40; ++i) {
    const double middle = (low + high) / 2;
    (by_hand(c, dates, middle) < q ? low : high) = middle;
  }
  return high;
}

// Seconds from the loss of the primary to a client's first answer from the secondary.
double simulated(const Case& c, std::uint64_t replication) {
  const Duration ttl = std::chrono::seconds(c.ttl), loss = 3 * ttl;
  sim::Simulation sim({.replication = replication, .horizon = loss + 2 * ttl + 300s});
  sim.network().add_zone("us-east-1a", "us-east-1");
  auto& web =
      static_cast<test::StubService&>(sim.add(std::make_unique<test::StubService>(sim, "web", 1)));
  sim.add(std::make_unique<test::StubService>(sim, "standby", 1));
  Route53Record::Shape shape{.ttl = ttl};
  EndpointHealthCheck::Settings check;
  check.checkers.interval = std::chrono::seconds(c.interval);
  check.checkers.failure_threshold = static_cast<std::uint32_t>(c.threshold);
  check.checkers.one_way = 0s;
  check.status.propagation = sim::Distribution::uniform(publish_min, publish_max);
  shape.records.push_back({.target = "web", .health_check = check});
  shape.records.push_back({.target = "standby"});
  auto& www = static_cast<Route53Record&>(
      sim.add(std::make_unique<Route53Record>(sim, "www", std::move(shape))));
  const Connector::Settings connection{
      .connect_timeout = 200ms,
      .idle_timeout = c.keeps_connection ? sim::horizon_limit : Duration(0)};
  auto& client = static_cast<test::Machine&>(
      sim.add(std::make_unique<test::Machine>(sim, www, connection, 200ms)));
  auto& script = test::add_script(sim);
  sim::Stream phase(sim::mix(replication));
  const Duration first = sim::from_seconds(phase.uniform() * c.ttl);
  script.operate_at(loss, [&] { web.lose_host(0); });
  for (Duration at = first; at < sim.options().horizon; at += 250ms) {
    if (at > first && at < loss - ttl - 1s && c.keeps_connection) continue;  // nothing to see
    script.at(at, [&client] { client.call(); });
  }
  sim.run();
  for (const auto& end : client.ended) {
    if (end.at > loss && end.outcome == sim::Outcome::ok) return sim::seconds(end.at - loss);
  }
  return std::numeric_limits<double>::infinity();
}

class DnsFailover : public testing::TestWithParam<Case> {};

TEST_P(DnsFailover, TakesAsLongAsItsPartsByHand) {
  const Case c = GetParam();
  const std::vector<double> dates = detected_and_published(c);
  std::vector<double> times;
  for (std::uint64_t r = 1; r <= replications; ++r) times.push_back(simulated(c, r));
  std::sort(times.begin(), times.end());
  const auto n = static_cast<double>(times.size());
  double distance = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const double f = by_hand(c, dates, times[i]);
    distance =
        std::max({distance, f - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - f});
  }
  const auto simulated_at = [&](double q) { return times[static_cast<std::size_t>(q * n)]; };
  std::printf("| %s | %.0f, %.0f, %.0f | %.0f, %.0f, %.0f | %.3f |\n", c.name,
              quantile_by_hand(c, dates, 0.05), quantile_by_hand(c, dates, 0.5),
              quantile_by_hand(c, dates, 0.95), simulated_at(0.05), simulated_at(0.5),
              simulated_at(0.95), distance);
  if (!c.keeps_connection) {
    EXPECT_LT(distance, 1.63 / std::sqrt(n));
    return;
  }
  // A staircase: the shares at each multiple of the TTL, within three standard errors.
  for (int step = 1; step * c.ttl < 400; ++step) {
    const double share = by_hand(c, dates, step * c.ttl + 2 * cadence);
    const auto by =
        std::count_if(times.begin(), times.end(), [&](double t) { return t <= step * c.ttl + 2; });
    const double seen = static_cast<double>(by) / n;
    EXPECT_NEAR(seen, share, 3 * std::sqrt(share * (1 - share) / n) + 0.01) << step;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Route53, DnsFailover,
    testing::Values(Case{"30 s x 3, TTL 60 s", 30, 3, 60}, Case{"10 s x 3, TTL 60 s", 10, 3, 60},
                    Case{"10 s x 1, TTL 60 s", 10, 1, 60}, Case{"10 s x 1, TTL 300 s", 10, 1, 300},
                    Case{"30 s x 3, TTL 60 s, connections kept", 30, 3, 60, true},
                    Case{"10 s x 1, TTL 20 s, connections kept", 10, 1, 20, true}));

}  // namespace
}  // namespace windtunnel
