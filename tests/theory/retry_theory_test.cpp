// Retries against a server that fails with probability p: closed forms, and a public simulator's
// table.
#include <fmt/format.h>

#include <fstream>
#include <map>
#include <sstream>

#include "models/compute/station.hpp"
#include "models/load/client.hpp"
#include "tests/support/planned.hpp"
#include "tests/theory/point.hpp"

namespace windtunnel::theory {
namespace {

struct Strategy {
  std::uint32_t max_attempts = 1;
  std::optional<RetryTokenBucket> bucket = {};
  std::optional<CircuitBreaker::Settings> breaker = {};
};
struct Outcome {
  double success, load;  // share of requests, attempts a request
};

// `clients` machines of `rate` requests/s each for `seconds`; one-way delay exponential, mean 10
// ms, taken by two stations of infinite servers around one that fails.
Outcome run(const Strategy& strategy, int clients, double rate, double p, double seconds,
            std::uint64_t replication) {
  // Requests of the last second are left to end: arrivals stop, the run goes on.
  const sim::Duration tail = std::chrono::seconds(5);
  sim::Simulation sim({.replication = replication,
                       .horizon = sim::from_seconds(seconds) + tail,
                       .window = std::chrono::hours(100)});
  const sim::Stream chance(sim::stream_key(1, replication, sim::hash_name("users"), "arrivals"));
  const RatePiece piece{sim::Duration(0), sim::from_seconds(seconds), clients * rate * seconds};
  Client::Shape users;
  users.target = "there";
  users.arrivals = Arrivals::planned(test::planned([=](sim::Stream stream) {
                                       return arrivals_at(given_rates({piece}), false, stream);
                                     }),
                                     chance);
  users.hosts = static_cast<std::uint32_t>(clients);
  users.timeout = sim::Duration(0);
  users.max_attempts = strategy.max_attempts;
  users.backoff = {.jitter = Backoff::Jitter::none};
  users.token_bucket = strategy.bucket;
  users.breaker = strategy.breaker;
  auto& client = static_cast<Client&>(sim.add(std::make_unique<Client>(sim, "users", users)));
  Station::Shape delay;
  delay.servers = 1'000'000;
  delay.service_time = sim::Distribution::exponential(0.010);
  delay.next = "back";
  sim.add(std::make_unique<Station>(sim, "there", delay));
  delay.next = "";
  delay.failure_share = p;
  sim.add(std::make_unique<Station>(sim, "back", delay));
  sim.run();
  const auto requests = static_cast<double>(client.metric.requests.value());
  return {static_cast<double>(client.metric.succeeded.value()) / requests,
          static_cast<double>(client.metric.attempts.value()) / requests};
}

Point success(const char* id, double p, Strategy strategy, double formula, double tabulated,
              double seconds) {
  return {id, fmt::format("retries at p {}: success", p), formula, tabulated, [=](std::uint64_t r) {
            return run(strategy, 1, 100, p, test::scaled(seconds), r).success;
          }};
}
Point load(const char* id, double p, Strategy strategy, double formula, double tabulated,
           double seconds) {
  return {id, fmt::format("retries at p {}: calls a request", p), formula, tabulated,
          [=](std::uint64_t r) { return run(strategy, 1, 100, p, test::scaled(seconds), r).load; }};
}

// Callers of a server without a queue. Whoever finds it busy tries again after an exponential
// pause, again and again: a law of pauses that no SDK has, so the callers are made here.
class Orbit final : public sim::Component {
 public:
  Orbit(sim::Simulation& sim, double rate, double retry_rate)
      : Component(sim, "callers"),
        gap_(sim::Distribution::exponential(1 / rate)),
        pause_(sim::Distribution::exponential(1 / retry_rate)),
        chance_(stream("all")) {}

  void start() override { sim().after<&Orbit::on_caller>(gap_.sample(chance_), this); }
  void on_answer(sim::Call& call, sim::Handle) override {
    if (call.outcome == sim::Outcome::ok) return;
    waiting.add(sim().now(), +1);
    sim().after<&Orbit::on_pause_over>(pause_.sample(chance_), this);
  }
  sim::Level waiting{metric_set_, "Orbit", "Count", "callers who wait to try again"};

 private:
  void on_caller() {
    sim().after<&Orbit::on_caller>(gap_.sample(chance_), this);
    call();
  }
  void on_pause_over() {
    waiting.add(sim().now(), -1);
    call();
  }
  void call() {
    sim().send(sim().open_call(*this, 0, sim::Operation::read),
               sim().find_component("server")->address_of(0));
  }

  sim::Distribution gap_, pause_;
  sim::Stream chance_;
};

// rho^2 / (1 - rho) + lambda rho / (theta (1 - rho)), mu = 1.
Point orbit(const char* id, double rate, double theta, double tabulated, double seconds) {
  const double formula = (rate * rate + rate * rate / theta) / (1 - rate);
  return {id,
          fmt::format("callers that try again, rho {}: E[orbit]", rate),
          formula,
          tabulated,
          [=](std::uint64_t r) {
            const sim::Duration all = sim::from_seconds(test::scaled(seconds));
            sim::Simulation sim({.replication = r,
                                 .horizon = all,
                                 .warm_up = all / 10,
                                 .window = std::chrono::hours(100000)});
            Station::Shape shape;
            shape.service_time = sim::Distribution::exponential(1);
            shape.queue = 0;
            sim.add(std::make_unique<Station>(sim, "server", shape));
            auto& callers = static_cast<Orbit&>(sim.add(std::make_unique<Orbit>(sim, rate, theta)));
            sim.run();
            return callers.waiting.mean(sim.now());
          },
          0.01};
}

// n retries: success 1 - p^(n+1), calls (1 - p^(n+1)) / (1 - p). A bucket filled by 0.1 a request:
// min(1/(1-p), 1.1) calls.
std::vector<Point> points() {
  const Strategy three{.max_attempts = 4};
  const Strategy budget{.max_attempts = 1'000'000,
                        .bucket = RetryTokenBucket{.capacity = 5,
                                                   .cost = 1,
                                                   .timeout_cost = 1,
                                                   .deposit_on_success = 0,
                                                   .deposit_on_first_attempt = 0.1,
                                                   .returns_cost = false,
                                                   .tokens = 0}};
  const auto all = [](double p) { return 1 - std::pow(p, 4); };
  return {success("T218", 0.1, three, all(0.1), 0.9999, 100),
          load("T219", 0.1, three, all(0.1) / 0.9, 1.111, 100),
          load("T221", 0.5, three, all(0.5) / 0.5, 1.875, 300),
          load("T222", 0.05, budget, 1 / 0.95, 1.05263, 300),
          success("T223", 0.05, budget, 1.0, 1.0, 300),
          success("T225", 0.2, budget, 1.1 * 0.8, 0.88, 300),
          load("T226", 0.5, budget, 1.1, 1.1, 300),
          success("T227", 0.5, budget, 1.1 * 0.5, 0.55, 1000),
          orbit("T234", 0.6, 0.5, 2.7, 2.2e5),
          orbit("T235", 0.8, 0.1, 35.2, 2.3e5)};
}

class RetryTheory : public testing::TestWithParam<Point> {};
TEST_P(RetryTheory, HoldsItsClosedForm) { check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(, RetryTheory, testing::ValuesIn(points()), id_of);

// The cells of the public simulator's table, ten runs each like its own. Both sides are noisy.
TEST(RetryStrategies, ReproduceThePublicSimulatorsTable) {
  std::ifstream table(std::string(WINDTUNNEL_SOURCE) +
                      "/../shared/validation/retry_strategies.csv");
  if (!table) GTEST_SKIP() << "shared/validation/retry_strategies.csv is not here";
  const std::map<std::string, Strategy> strategies = {
      {"no_retries", {}},
      {"three_retries", {.max_attempts = 4}},
      {"adaptive_10pct",
       {.max_attempts = 1'000'000,
        .bucket = RetryTokenBucket{.capacity = 5,
                                   .cost = 1,
                                   .timeout_cost = 1,
                                   .deposit_on_success = 0,
                                   .deposit_on_first_attempt = 0.1,
                                   .reserve = 0.05,
                                   .returns_cost = false,
                                   .tokens = 5}}},
      {"breaker_10pct",
       {.max_attempts = 4, .breaker = CircuitBreaker::Settings{.failure_share = 0.1}}}};
  std::string line;
  std::getline(table, line);
  int cells = 0;
  while (std::getline(table, line)) {
    std::istringstream row(line);
    std::string name, field;
    std::getline(row, name, ',');
    std::vector<double> value;
    while (std::getline(row, field, ',')) value.push_back(std::stod(field));
    const int clients = static_cast<int>(value[0]);
    const double rate = value[1], p = value[2], seconds = value[3];
    // There every client begins with a request at 0, here each begins when its Poisson process
    // does. With a bucket that starts full this shows where a client has few requests: those cells
    // are left out.
    if (name == "adaptive_10pct" && rate * seconds < 50) continue;
    if (cells++ % static_cast<int>(1 / test::work_share()) != 0) continue;
    constexpr int runs = 10;
    double success = 0, load = 0, success2 = 0, load2 = 0;
    for (std::uint64_t r = 1; r <= runs; ++r) {
      const Outcome outcome = run(strategies.at(name), clients, rate, p, seconds, r);
      success += outcome.success / runs;
      load += outcome.load / runs;
      success2 += outcome.success * outcome.success / runs;
      load2 += outcome.load * outcome.load / runs;
    }
    const auto agree = [&](double ours, double squares, double theirs, double error,
                           const char* what) {
      const double own = std::sqrt(std::max(0.0, squares - ours * ours) / (runs - 1));
      EXPECT_LE(std::abs(ours - theirs), 3.5 * std::hypot(own, error) + 0.002 * theirs)
          << name << ", " << clients << " clients of " << rate << "/s, p " << p << ": " << what
          << ' ' << ours << " instead of " << theirs;
    };
    agree(success, success2, value[5], value[6], "success");
    agree(load, load2, value[7], value[8], "load");
  }
  EXPECT_EQ(cells, 140 - 28);
}

}  // namespace
}  // namespace windtunnel::theory
