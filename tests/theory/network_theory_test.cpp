// Several stations: tandems, closed loops, load balancing; token buckets; and how well our
// intervals cover.
#include <deque>

#include "models/compute/station.hpp"
#include "models/load/client.hpp"
#include "models/mechanisms/target_selection.hpp"
#include "models/mechanisms/token_bucket.hpp"
#include "tests/support/work.hpp"
#include "tests/support/yaml_run.hpp"
#include "tests/theory/formulas.hpp"
#include "tests/theory/point.hpp"

namespace windtunnel::theory {
namespace {

using Dist = sim::Distribution;

struct World {
  std::unique_ptr<sim::Simulation> sim;
  Client* users;
};

// A run of `seconds` after a warm-up of a tenth of it.
World world(double seconds, std::uint64_t replication, Client::Shape users) {
  const sim::Duration measured = sim::from_seconds(seconds);
  auto sim =
      std::make_unique<sim::Simulation>(sim::RunOptions{.replication = replication,
                                                        .horizon = measured + measured / 10,
                                                        .warm_up = measured / 10,
                                                        .window = std::chrono::hours(100000)});
  auto& added =
      static_cast<Client&>(sim->add(std::make_unique<Client>(*sim, "users", std::move(users))));
  return {std::move(sim), &added};
}
Client::Shape open_load(double rate, std::uint64_t replication, std::string target) {
  Client::Shape users;
  users.target = std::move(target);
  users.arrivals = Arrivals::poisson(
      rate, sim::Stream(sim::stream_key(1, replication, sim::hash_name("users"), "arrivals")));
  users.timeout = sim::Duration(0);
  return users;
}
void add_station(World& run, const std::string& name, Dist service, std::string next = "",
                 std::int64_t servers = 1) {
  Station::Shape shape;
  shape.servers = servers;
  shape.service_time = service;
  shape.next = std::move(next);
  run.sim->add(std::make_unique<Station>(*run.sim, name, shape));
}

// Three M/M/1 in a row; the last calls nobody.
double tandem(const std::vector<double>& rates, double seconds, std::uint64_t replication,
              bool p99) {
  World run = world(test::scaled(seconds), replication, open_load(1, replication, "s0"));
  for (std::size_t i = 0; i < rates.size(); ++i) {
    add_station(run, fmt::format("s{}", i), Dist::exponential(1 / rates[i]),
                i + 1 < rates.size() ? fmt::format("s{}", i + 1) : "");
  }
  run.sim->run();
  return p99 ? run.users->metric.latency.quantile(0.99) : run.users->metric.latency.mean();
}

enum class Reading { throughput, response };
double closed(const std::vector<double>& demands, double think, int users, double requests,
              std::uint64_t replication, Reading reading) {
  const double seconds = test::scaled(requests) / mva(demands, think, users).throughput;
  Client::Shape shape;
  shape.target = "s0";
  shape.users = users;
  shape.think_time = Dist::exponential(think);
  shape.timeout = sim::Duration(0);
  World run = world(seconds, replication, shape);
  for (std::size_t i = 0; i < demands.size(); ++i) {
    add_station(run, fmt::format("s{}", i), Dist::exponential(demands[i]),
                i + 1 < demands.size() ? fmt::format("s{}", i + 1) : "");
  }
  run.sim->run();
  return reading == Reading::response
             ? run.users->metric.latency.mean()
             : static_cast<double>(run.users->metric.succeeded.value()) / seconds;
}

// The load balancer itself, one node, n instances of one worker, no network time: what its
// algorithms do to E[T], in units of the mean service time (10 ms).
double balanced(const std::string& algorithm, int n, double rho, double all_requests,
                std::uint64_t replication) {
  const double requests = test::scaled(all_requests);
  const double rate = rho * n / 0.01;
  const auto sim = test::simulation_of(
      fmt::format(R"(
experiment: balance
topology:
  regions: {{us-east-1: {{availability_zones: 1}}}}
  network: {{intra_az_rtt: 0s, jitter_p90: 1}}
  components:
    users: {{client: {{target: alb, open: {{poisson: {}/s}}, timeout: 0s, hosts: 1, network: 0s, dns_lookup: 0s, idle_timeout: 0s}}}}
    alb: {{application_load_balancer: {{targets: app, algorithm: {}, idle_timeout: 4000s, health_check: {{interval: 300s}}}}}}
    app: {{ec2_service: {{on: group, workers: 1, vcpus: 1, queue: 1000000, service_time: {{exponential: 10ms}}, health_check_time: 0s}}}}
    group: {{auto_scaling_group: {{size: {}}}}}
horizon: {:.3f}s
warm_up: {:.3f}s
)",
                  rate, algorithm, n, requests / rate * 1.1, requests / rate * 0.1),
      1, replication);
  sim->run();
  return test::metric_of(*sim, "alb", "TargetResponseTime", "mean") * 100;
}

// Which of n stations gets the request is drawn by the mechanism; the supermarket model. E[T] for
// mu = 1.
double of_choices(TargetSelection::Algorithm algorithm, std::uint32_t d, std::uint32_t n,
                  double rho, double requests, std::uint64_t replication) {
  struct Balancer final : sim::Component, Callable {
    Balancer(sim::Simulation& sim, TargetSelection::Algorithm algorithm, std::uint32_t d,
             std::uint32_t n)
        : Component(sim, "balancer"),
          selection(algorithm, n, d),
          queues(n),
          pick(stream("pick")),
          work(stream("work")) {
      for (std::uint32_t i = 0; i < n; ++i) selection.set_eligible(i, true);
    }
    Resolution resolve(const Query&) override { return {.addresses = {address_of(0)}}; }
    bool direct() const override { return true; }
    void on_request(sim::Call&, sim::Handle handle) override {
      const std::uint32_t queue = selection.pick(pick);
      selection.began(queue);
      queues[queue].push_back(handle);
      if (queues[queue].size() == 1) serve(queue);
    }
    void serve(std::uint32_t queue) {
      sim().after<&Balancer::on_served>(Dist::exponential(1).sample(work), this, queue);
    }
    void on_served(std::uint32_t queue) {
      const sim::Handle done = queues[queue].front();
      queues[queue].pop_front();
      selection.ended(queue);
      if (!queues[queue].empty()) serve(queue);
      sim().answer(done, sim::Outcome::ok);
    }
    TargetSelection selection;
    std::vector<std::deque<sim::Handle>> queues;
    sim::Stream pick, work;
  };
  World run = world(test::scaled(requests) / (rho * n), replication,
                    open_load(rho * n, replication, "balancer"));
  run.sim->add(std::make_unique<Balancer>(*run.sim, algorithm, d, n));
  run.sim->run();
  return run.users->metric.latency.mean();
}

double throttled(double load, double depth, double all_requests, std::uint64_t replication) {
  const double requests = test::scaled(all_requests);
  TokenBucket bucket(1, depth);
  sim::Stream chance(sim::stream_key(1, replication, sim::hash_name("bucket"), "arrivals"));
  const Dist gap = Dist::exponential(1 / load);
  sim::Time now{};
  std::uint64_t refused = 0;
  for (double i = 0; i < requests; ++i) {
    now += gap.sample(chance);
    refused += !bucket.take(now);
  }
  return static_cast<double>(refused) / requests;
}

// M/D/1/B loss, 1 - 1/(q0 + rho): q0 from the embedded chain's recursion with Poisson arrivals in a
// service time.
double md1b_loss(double rho, int places) {
  std::vector<double> arrivals, q{1};
  double term = std::exp(-rho);
  for (int k = 0; k <= places; ++k) {
    arrivals.push_back(term);
    term *= rho / (k + 1);
  }
  const auto a = [&](std::size_t k) { return arrivals[k]; };
  for (std::size_t k = 0; k + 1 < static_cast<std::size_t>(places); ++k) {
    double next = q[k] - q[0] * a(k);
    for (std::size_t j = 1; j <= k; ++j) next -= q[j] * a(k - j + 1);
    q.push_back(next / a(0));
  }
  const double sum = std::accumulate(q.begin(), q.end(), 0.0);
  return 1 - 1 / (q[0] / sum + rho);
}

double round_robin(int n, double rho) {
  return 1 / (1 - fixed_point([=](double s) { return std::pow(n * rho / (n * rho + 1 - s), n); }));
}
// p99 of the sum of two exponentials with these rates.
double hypoexponential_p99(double a, double b) {
  return root(
      [=](double t) { return 0.01 - (b * std::exp(-a * t) - a * std::exp(-b * t)) / (b - a); }, 0,
      100);
}

std::vector<Point> points() {
  const std::vector<double> network{0.05, 0.03, 0.02};
  std::vector<Point> all;
  const auto add = [&](const char* id, const char* what, double formula, double tabulated,
                       auto simulate, double half_width = 0.005) {
    all.push_back({id, what, formula, tabulated, simulate, half_width});
  };
  using R = std::uint64_t;
  add("T155", "tandem 2, 1.5, 1.25: E[T] = sum 1/(mu_i-lambda)", 1 + 2 + 4, 7.0, [](R r) {
    return tandem({2, 1.5, 1.25}, 4.5e5, r, false);
  });
  add(
      "T156", "tandem 2, 1.5: p99, hypoexponential", hypoexponential_p99(1, 0.5), 10.5916,
      [](R r) {
        return tandem({2, 1.5}, 1e5, r, true);
      },
      0.02);
  add("T159", "closed, N = 1: X, mean value analysis", mva(network, 1, 1).throughput, 0.909091,
      [=](R r) { return closed(network, 1, 1, 1.2e4, r, Reading::throughput); });
  add("T160", "closed, N = 1: R", mva(network, 1, 1).response, 0.1,
      [=](R r) { return closed(network, 1, 1, 1.2e4, r, Reading::response); });
  add("T162", "closed, N = 10: R", mva(network, 1, 10).response, 0.142395,
      [=](R r) { return closed(network, 1, 10, 4e4, r, Reading::response); });
  add("T163", "closed, N = 20: X", mva(network, 1, 20).throughput, 15.9752,
      [=](R r) { return closed(network, 1, 20, 4e4, r, Reading::throughput); });
  add("T164", "closed, N = 20: R", mva(network, 1, 20).response, 0.251944,
      [=](R r) { return closed(network, 1, 20, 1e5, r, Reading::response); });
  add("T166", "closed, N = 50: R", mva(network, 1, 50).response, 1.50001,
      [=](R r) { return closed(network, 1, 50, 5e4, r, Reading::response); });
  add("T167", "M/M/1//1, think 0.02: R", mva({0.1}, 0.02, 1).response, 0.1,
      [](R r) { return closed({0.1}, 0.02, 1, 2e4, r, Reading::response); });
  add("T168", "M/M/1//1, think 0.02: utilisation X D", mva({0.1}, 0.02, 1).throughput * 0.1,
      0.833333, [](R r) { return 0.1 * closed({0.1}, 0.02, 1, 2e4, r, Reading::throughput); });
  add("T170", "M/M/1//10, think 1.145: R", mva({0.1}, 1.145, 10).response, 0.241963,
      [](R r) { return closed({0.1}, 1.145, 10, 1e5, r, Reading::response); });
  add("T171", "M/M/1//10, think 1.145: utilisation", mva({0.1}, 1.145, 10).throughput * 0.1, 0.721,
      [](R r) { return 0.1 * closed({0.1}, 1.145, 10, 4e4, r, Reading::throughput); });
  add(
      "T107", "ALB random over 10, rho 0.8: E[T] = 1/(mu-lambda/n)", 1 / 0.2, 5.0,
      [](R r) { return balanced("weighted_random", 10, 0.8, 5e5, r); }, 0.01);
  add(
      "T108", "ALB round robin over 2, rho 0.8: E[T], E2/M/1", round_robin(2, 0.8), 3.84398,
      [](R r) { return balanced("round_robin", 2, 0.8, 2.5e5, r); }, 0.01);
  add(
      "T109", "ALB round robin over 4, rho 0.8: E[T], E4/M/1", round_robin(4, 0.8), 3.26738,
      [](R r) { return balanced("round_robin", 4, 0.8, 2.5e5, r); }, 0.01);
  // No closed form: the truncated chain's own six digits stand for the formula.
  add("T135", "ALB least outstanding over 2, rho 0.5: E[T], exact chain", 1.42632, 1.42632,
      [](R r) { return balanced("least_outstanding_requests", 2, 0.5, 1.2e5, r); });
  add(
      "T136", "ALB least outstanding over 2, rho 0.8: E[T], exact chain", 2.95574, 2.95574,
      [](R r) { return balanced("least_outstanding_requests", 2, 0.8, 2.5e5, r); }, 0.01);
  add(
      "T183", "token bucket, load 0.8, depth 5: throttled, M/D/1/B loss", md1b_loss(0.8, 5),
      0.0352904, [](R r) { return throttled(0.8, 5, 9.5e6, r); }, 0.0015);
  return all;
}

class NetworkTheory : public testing::TestWithParam<Point> {};
TEST_P(NetworkTheory, HoldsItsClosedForm) { check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(, NetworkTheory, testing::ValuesIn(points()), id_of);

// The mean-field value is the limit for many queues, and lies below what 100 queues do.
TEST(MeanField, T113_T116_TwoChoicesOfManyComeDownToItsLimit) {
  const auto supermarket = [](double rho, int d) {
    double sum = 0;
    for (int i = 1; i < 12; ++i) sum += std::pow(rho, (std::pow(d, i) - d) / (d - 1));
    return sum;
  };
  EXPECT_NEAR(supermarket(0.5, 2), 1.26569, 1.3e-5);
  EXPECT_NEAR(supermarket(0.9, 2), 2.61406, 2.7e-5);
  for (const double rho : {0.5, 0.9}) {
    const double limit = supermarket(rho, 2);
    const double simulated = of_choices(TargetSelection::Algorithm::random_choices_with_replacement,
                                        2, 100, rho, 2e6, 1);
    EXPECT_GT(simulated, limit * (1 - test::widened(0.002)));
    EXPECT_LT(simulated, limit * (1 + test::widened(0.04)));
  }
}

// T305: a reference simulation of 100 queues, choices with replacement, has E[T] 1.27246; distinct
// choices are shorter by half a percent, so both must be known to 0.15 %.
TEST(TwoChoices, T305_WithReplacementOf100QueuesAndDistinctOnesAreToldApart) {
  const auto mean_of = [](TargetSelection::Algorithm algorithm, double& error) {
    double sum = 0, squares = 0;
    for (std::uint64_t r = 1; r <= 20; ++r) {
      const double t = of_choices(algorithm, 2, 100, 0.5, 3.6e5, r);
      sum += t;
      squares += t * t;
    }
    error = std::sqrt((squares / 20 - sum * sum / 400) / 19);
    return sum / 20;
  };
  double replaced_error = 0, distinct_error = 0;
  const double replaced =
      mean_of(TargetSelection::Algorithm::random_choices_with_replacement, replaced_error);
  const double distinct = mean_of(TargetSelection::Algorithm::random_choices, distinct_error);
  EXPECT_LE(2.093 * replaced_error, test::widened(0.0015) * replaced);
  EXPECT_NEAR(replaced, 1.27246, 3.5 * replaced_error + test::widened(0.002) * 1.27246);
  if (test::work_share() < 1) return;  // too little to tell them apart
  EXPECT_LT(distinct, replaced - 3 * std::hypot(replaced_error, distinct_error));
}

// 1,000 experiments of 20 short runs each: the 95 % interval must hold the true mean in 930 to 970
// of them.
TEST(Coverage, IntervalsOfAnMm1WaitCoverAsOftenAsTheySay) {
  const int experiments = test::scaled(1000), runs = 20;
  const double truth = 0.5 / 0.5;  // E[Wq] = rho/(mu-lambda) at rho 0.5
  int covered = 0;
  for (int e = 0; e < experiments; ++e) {
    std::vector<double> waits;
    for (int r = 0; r < runs; ++r) {
      const auto replication = static_cast<std::uint64_t>(e * runs + r + 1);
      World run = world(1500, replication, open_load(0.5, replication, "s"));
      add_station(run, "s", Dist::exponential(1));
      run.sim->run();
      waits.push_back(static_cast<Station*>(run.sim->find_component("s"))->metric.waiting.mean());
    }
    const auto interval = analysis::mean_interval(waits);
    ASSERT_TRUE(interval.has_value());
    covered += interval->low <= truth && truth <= interval->high;
  }
  std::printf("covered %d of %d\n", covered, experiments);
  EXPECT_NEAR(covered, 0.95 * experiments, test::widened(0.02) * experiments);
}

}  // namespace
}  // namespace windtunnel::theory
