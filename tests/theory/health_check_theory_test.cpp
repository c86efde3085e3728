// How long health checks take to notice: points T194 to T212 of the theory table (group R,
// shared/validation).
//
// Each point is measured on the model itself: 20 replications with seed 1, each of many independent
// health checks. Its 95 % half-width must be at most 0.5 % of the target and its mean within 3.5
// standard errors + 0.2 % of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/statistics.hpp"
#include "models/mechanisms/health_state.hpp"
#include "models/mechanisms/route53_checkers.hpp"
#include "models/network/route53_record.hpp"
#include "tests/support/stub_service.hpp"
#include "tests/support/work.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Outcome;

constexpr std::uint64_t replications = 20;

enum class Metric { checks, seconds, longest };
struct Params {
  double failing = 1;  // share of checks that fail
  int threshold = 3;
  int interval = 10, timeout = 0, ttl = 0;  // seconds
  int checkers = 1;
};
struct Point {
  const char* id;
  Params params;
  Metric metric;
  double value;  // to 1e-9, where theory.json has six digits
};
constexpr Point points[] = {
    {"T194", {.failing = 0.5}, Metric::checks, 14},
    {"T195", {.failing = 0.5}, Metric::seconds, 135},
    {"T197", {.failing = 0.9}, Metric::seconds, 32.174211248285},
    {"T198", {.failing = 0.2, .threshold = 2, .interval = 30}, Metric::checks, 30},
    {"T199", {.failing = 0.2, .threshold = 2, .interval = 30}, Metric::seconds, 885},
    {"T201", {.failing = 0.01}, Metric::seconds, 10'100'995},
    {"T202", {}, Metric::seconds, 25},
    {"T203", {.interval = 30}, Metric::seconds, 75},
    {"T205", {.threshold = 2, .interval = 30, .timeout = 5}, Metric::seconds, 50},
    {"T210", {.checkers = 15}, Metric::seconds, 28.125},
    {"T211", {.ttl = 60}, Metric::seconds, 55},
    {"T212", {.ttl = 60}, Metric::longest, 90},
};
const Point& point(std::string_view id) {
  return *std::find_if(std::begin(points), std::end(points),
                       [&](const Point& p) { return p.id == id; });
}

// Checks until n in a row have failed.
double expected_checks(double p, int n) {
  if (p == 1) return n;
  const double closed = (1 - std::pow(p, n)) / ((1 - p) * std::pow(p, n));
  double sum = 0;
  for (int k = 1; k <= n; ++k) sum += std::pow(p, -k);
  EXPECT_NEAR(closed, sum, 1e-9);
  return closed;
}

double formula(const Point& point) {
  const Params& p = point.params;
  const double checks = expected_checks(p.failing, p.threshold);
  if (point.metric == Metric::checks) return checks;
  if (point.metric == Metric::longest) return p.threshold * p.interval + p.ttl;
  // The phase of the k-th of m checkers to change its mind is that of an order statistic, k / (m +
  // 1) intervals (half an interval for one checker); a client moves half a TTL later. At most 18 %
  // may still be well.
  const int changed = p.checkers - static_cast<int>(std::floor(0.18 * p.checkers));
  const double phase = static_cast<double>(changed) / (p.checkers + 1);
  return p.interval * (checks - 1 + phase) + p.timeout + p.ttl / 2.0;
}

void expect_mean(const Point& point, const std::vector<double>& means) {
  ASSERT_EQ(means.size(), replications);
  EXPECT_NEAR(formula(point), point.value, 1e-9) << point.id;
  const double mean = analysis::mean_of(means);
  double squares = 0;
  for (const double x : means) squares += (x - mean) * (x - mean);
  const double error = std::sqrt(squares / (replications - 1) / replications);
  const auto interval = analysis::mean_interval(means);
  const double half_width = (interval->high - interval->low) / 2;
  std::printf("%s: %.6f, theory %.6f, half-width %.3f %%, off by %.2f standard errors\n", point.id,
              mean, point.value, 100 * half_width / point.value, (mean - point.value) / error);
  const bool all = test::work_share() == 1;
  EXPECT_LE(half_width, test::widened(all ? 0.005 : 0.0075) * point.value) << point.id;
  EXPECT_LE(std::abs(mean - point.value),
            (all ? 3.5 : 5) * error + test::widened(0.002) * point.value)
      << point.id;
}

Route53Checkers::Settings settings_of(const Params& params) {
  Route53Checkers::Settings settings;
  settings.checkers = static_cast<std::uint32_t>(params.checkers);
  settings.interval = std::chrono::seconds(params.interval);
  settings.failure_threshold = static_cast<std::uint32_t>(params.threshold);
  settings.response_timeout = std::chrono::seconds(params.timeout);  // 0: none
  settings.one_way = 0s;
  return settings;
}

// A health check and its target in one. From the start, which is a random moment between two
// checks, a share of checks fails: by an error at once or, where there is a timeout, in silence.
class Trial final : public sim::Component, public Callable, public Route53Checkers::Listener {
 public:
  Trial(sim::Simulation& sim, const std::string& name, const Params& params)
      : Component(sim, name),
        params_(params),
        failure_chance_(stream("failure")),
        checkers_(*this, *this, settings_of(params), *this) {}

  void start() override { checkers_.start(); }
  Resolution resolve(const Query&) override { return {.addresses = {address_of(0)}}; }
  void on_request(sim::Call&, sim::Handle handle) override {
    if (detected > 0)
      return sim().drop(handle);  // over: without a timeout the checker waits for ever
    ++checks;
    const bool fails = params_.failing >= 1 || failure_chance_.chance(params_.failing);
    if (fails && params_.timeout > 0) return sim().drop(handle);
    sim().answer(handle, fails ? Outcome::error : Outcome::ok);
  }
  void on_checker_changed(bool verdict_changed) override {
    if (verdict_changed && detected == 0) detected = sim::seconds(sim().now());
  }

  double detected = 0;  // when, seconds
  double checks = 0;    // until then, of all checkers

 private:
  Params params_;
  sim::Stream failure_chance_;
  Route53Checkers checkers_;
};

struct Means {
  std::vector<double> seconds, checks;
};
Means measure(const Params& params, int all_trials, Duration horizon) {
  const int trials = test::scaled(all_trials);
  Means means;
  for (std::uint64_t replication = 1; replication <= replications; ++replication) {
    sim::Simulation sim{{.seed = 1, .replication = replication, .horizon = horizon}};
    sim.network().add_zone("us-east-1a", "us-east-1");
    std::vector<const Trial*> all;
    for (int i = 0; i < trials; ++i) {
      all.push_back(static_cast<const Trial*>(
          &sim.add(std::make_unique<Trial>(sim, "check " + std::to_string(i), params))));
    }
    sim.run();
    double time = 0, checks = 0;
    for (const Trial* trial : all) {
      EXPECT_GT(trial->detected, 0) << "the horizon is too short";
      time += trial->detected;
      checks += trial->checks;
    }
    means.seconds.push_back(time / trials);
    means.checks.push_back(checks / trials);
  }
  return means;
}
void expect_mean_time(const char* id, int trials, Duration horizon) {
  expect_mean(point(id), measure(point(id).params, trials, horizon).seconds);
}

TEST(HealthCheckTheory, T194_T195_EveryOtherCheckFails) {
  const Means seen = measure(point("T194").params, 10'000, 1h);
  expect_mean(point("T194"), seen.checks);
  expect_mean(point("T195"), seen.seconds);
}

TEST(HealthCheckTheory, T197_NineChecksInTenFail) { expect_mean_time("T197", 4000, 1h); }

TEST(HealthCheckTheory, T198_T199_OneCheckInFiveFails) {
  const Means seen = measure(point("T198").params, 10'000, 10h);
  expect_mean(point("T198"), seen.checks);
  expect_mean(point("T199"), seen.seconds);
}

// A million checks each time are too many to simulate. The model's own transitions are taken as a
// Markov chain: after k failures in a row, E_k = 1 + p E_(k+1) + (1 - p) E_0.
TEST(HealthCheckTheory, T201_OneCheckInAHundredFails) {
  const Point& rare = point("T201");
  const double p = rare.params.failing;
  HealthState health(2, static_cast<std::uint32_t>(rare.params.threshold), 1);
  health.record(true);
  std::vector<HealthState> after_failures{health};
  while (health.record(false), health.healthy()) after_failures.push_back(health);
  double constant = 0, share_of_e0 = 0;  // E_k = constant + share E_0
  for (auto state = after_failures.rbegin(); state != after_failures.rend(); ++state) {
    ASSERT_FALSE(state->record(true));
    for (int i = 1; i < rare.params.threshold; ++i) ASSERT_FALSE(state->record(false));
    ASSERT_TRUE(state->record(false)) << "a pass puts it back to no failures";
    constant = 1 + p * constant;
    share_of_e0 = p * share_of_e0 + (1 - p);
  }
  const double checks = constant / (1 - share_of_e0);
  EXPECT_NEAR(rare.params.interval * (checks - 0.5), rare.value, 1e-9 * rare.value);
  EXPECT_NEAR(formula(rare), rare.value, 1e-9 * rare.value);
}

TEST(HealthCheckTheory, T202_AHardFailure) { expect_mean_time("T202", 500, 1min); }
TEST(HealthCheckTheory, T203_AHardFailureWithSlowChecks) { expect_mean_time("T203", 500, 2min); }
TEST(HealthCheckTheory, T205_AHardFailureInSilence) { expect_mean_time("T205", 1000, 2min); }

// 13 of 15 checkers must change their minds: 2 of 15 are 13.3 %, 3 are 20 %.
TEST(HealthCheckTheory, T210_FifteenCheckersOfRoute53) { expect_mean_time("T210", 200, 1min); }

// A resolver asked all the time: it looks the name up whenever its answer expires.
class Resolver final : public sim::Entity {
 public:
  Resolver(Route53Record& record, Duration ttl)
      : Entity(record, "resolver"), record_(record), chance_(stream("resolver")) {
    const double age = chance_.uniform();
    sim().after<&Resolver::on_expired>(sim::from_seconds(sim::seconds(ttl) * age), this);
  }
  double moved = 0;  // when, seconds

 private:
  void on_expired(std::uint64_t) {
    const Resolution answer = record_.resolve({sim::Operation::read, chance_});
    if (static_cast<test::StubService*>(answer.addresses[0].entity)->name() == "standby") {
      moved = sim::seconds(sim().now());
    } else {
      sim().after<&Resolver::on_expired>(answer.ttl, this);
    }
  }
  Route53Record& record_;
  sim::Stream chance_;
};

// Clients' moves of one replication, seconds.
std::vector<double> client_moves(const Params& params, std::uint64_t replication) {
  const int records = test::scaled(2000);
  Route53Record::Record primary{.target = "web"}, secondary{.target = "standby"};
  primary.health_check.emplace().checkers = settings_of(params);
  const Duration ttl = std::chrono::seconds(params.ttl);

  sim::Simulation sim{{.seed = 1, .replication = replication, .horizon = 2min}};
  sim.network().add_zone("us-east-1a", "us-east-1");
  auto web = std::make_unique<test::StubService>(sim, "web");
  web->outcome = Outcome::error;
  sim.add(std::move(web));
  sim.add(std::make_unique<test::StubService>(sim, "standby"));
  std::vector<std::unique_ptr<Resolver>> resolvers;
  for (int i = 0; i < records; ++i) {
    Route53Record::Shape shape{.records = {primary, secondary}, .ttl = ttl};
    auto& record =
        sim.add(std::make_unique<Route53Record>(sim, "www" + std::to_string(i), std::move(shape)));
    resolvers.push_back(std::make_unique<Resolver>(static_cast<Route53Record&>(record), ttl));
  }
  sim.run();
  std::vector<double> moves;
  for (const auto& resolver : resolvers) moves.push_back(resolver->moved);
  return moves;
}

// E[U(20, 30)] + E[U(0, 60)] until a client has moved, and never more than 30 + 60.
TEST(HealthCheckTheory, T211_T212_ClientsMoveAfterDetectionAndTtl) {
  std::vector<double> means;
  double longest = 0;
  for (std::uint64_t replication = 1; replication <= replications; ++replication) {
    const auto moves = client_moves(point("T211").params, replication);
    means.push_back(analysis::mean_of(moves));
    longest = std::max(longest, *std::max_element(moves.begin(), moves.end()));
  }
  expect_mean(point("T211"), means);
  const Point& bound = point("T212");
  std::printf("T212: %.6f, theory %.6f\n", longest, bound.value);
  EXPECT_NEAR(formula(bound), bound.value, 1e-9);
  EXPECT_LE(longest, bound.value);
  EXPECT_GE(longest, bound.value -
                         test::widened(1));  // 33 of 40,000 clients are expected in the last second
}

}  // namespace
}  // namespace windtunnel
