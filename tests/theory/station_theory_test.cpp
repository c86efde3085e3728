// Single stations: M/M/1, M/M/c, loss systems, M/G/1, D/M/1, processor sharing, abandonment,
// infinite servers. mu = 1 throughout; times are in seconds. Ids are those of the project's table
// of closed forms. Left out: T039 (throttled 2e-4) and T051 (lognormal service, cv 2), which take
// minutes to become sharp.
#include "models/compute/station.hpp"
#include "models/load/client.hpp"
#include "tests/theory/formulas.hpp"
#include "tests/theory/point.hpp"

namespace windtunnel::theory {
namespace {

using Dist = sim::Distribution;
using Reading = std::function<double(Station&, sim::Time)>;

struct Case {
  double lambda;
  Station::Shape station;
  double arrivals;  // in each replication, warm-up (a tenth) not counted
  bool evenly = false;
};

double simulate(const Case& it, const Reading& read, std::uint64_t replication) {
  const sim::Duration measured = sim::from_seconds(test::scaled(it.arrivals) / it.lambda);
  sim::Simulation sim({.replication = replication,
                       .horizon = measured + measured / 10,
                       .warm_up = measured / 10,
                       .window = std::chrono::hours(100000)});
  Client::Shape users;
  users.target = "station";
  const sim::Stream chance(sim::stream_key(1, replication, sim::hash_name("users"), "arrivals"));
  users.arrivals =
      it.evenly ? Arrivals::evenly(it.lambda, chance) : Arrivals::poisson(it.lambda, chance);
  users.timeout = sim::Duration(0);
  sim.add(std::make_unique<Client>(sim, "users", users));
  auto& station =
      static_cast<Station&>(sim.add(std::make_unique<Station>(sim, "station", it.station)));
  sim.run();
  return read(station, sim.now());
}

double share(const sim::Counter& part, const sim::Counter& whole) {
  return static_cast<double>(part.value()) / static_cast<double>(whole.value());
}
const Reading in_system = [](Station& s, sim::Time now) { return s.metric.in_system.mean(now); };
const Reading waiting = [](Station& s, sim::Time) { return s.metric.waiting.mean(); };
const Reading response = [](Station& s, sim::Time) { return s.metric.response.mean(); };
const Reading response_p99 = [](Station& s, sim::Time) { return s.metric.response.quantile(0.99); };
const Reading waiting_p99 = [](Station& s, sim::Time) { return s.metric.waiting.quantile(0.99); };
const Reading waited = [](Station& s, sim::Time) {
  return share(s.metric.waited, s.metric.arrived);
};
const Reading served_at_once = [](Station& s, sim::Time) {
  return 1 - share(s.metric.waited, s.metric.arrived);
};
const Reading refused = [](Station& s, sim::Time) {
  return share(s.metric.refused, s.metric.arrived);
};
const Reading abandoned = [](Station& s, sim::Time) {
  return share(s.metric.abandoned, s.metric.arrived);
};
// The wait of all, the abandoned included: E[Q] / lambda.
const Reading queue_over_lambda = [](Station& s, sim::Time now) {
  return (s.metric.in_system.mean(now) - s.metric.busy.mean(now)) /
         (static_cast<double>(s.metric.arrived.value()) / s.metric.in_system.integral(now) *
          s.metric.in_system.mean(now));
};

Station::Shape station(std::int64_t servers, Dist service = Dist::exponential(1)) {
  Station::Shape shape;
  shape.servers = servers;
  shape.service_time = service;
  return shape;
}
Station::Shape bounded(std::int64_t servers, std::int64_t places,
                       Dist service = Dist::exponential(1)) {
  Station::Shape shape = station(servers, service);
  shape.queue = places;
  return shape;
}
Station::Shape sharing(Dist service) {
  Station::Shape shape = station(1, service);
  shape.processor_sharing = true;
  return shape;
}
Station::Shape impatient(std::int64_t servers, double theta) {
  Station::Shape shape = station(servers);
  shape.patience = Dist::exponential(1 / theta);
  return shape;
}

Point point(std::string id, std::string what, double formula, double tabulated, Case it,
            Reading read, double half_width = 0.005) {
  return {std::move(id),
          std::move(what),
          formula,
          tabulated,
          [it = std::move(it), read = std::move(read)](std::uint64_t r) {
            return simulate(it, read, r);
          },
          half_width};
}

std::vector<Point> points() {
  const double ln100 = std::log(100.0);
  const auto constant = Dist::constant(std::chrono::seconds(1));
  std::vector<Point> all;
  const auto add = [&](auto... p) { all.push_back(point(p...)); };
  // M/M/1: E[N] = rho/(1-rho), E[T] = 1/(mu-lambda), p99 = ln(100)/(mu-lambda)
  add("T001", "M/M/1 rho 0.5: E[N] = rho/(1-rho)", 0.5 / 0.5, 1.0, Case{0.5, station(1), 1.4e5},
      in_system);
  add("T002", "M/M/1 rho 0.5: E[T] = 1/(mu-lambda)", 1 / 0.5, 2.0, Case{0.5, station(1), 1.2e5},
      response);
  add("T004", "M/M/1 rho 0.8: E[N] = rho/(1-rho)", 0.8 / 0.2, 4.0, Case{0.8, station(1), 7.5e5},
      in_system);
  add("T005", "M/M/1 rho 0.8: E[T] = 1/(mu-lambda)", 1 / 0.2, 5.0, Case{0.8, station(1), 7.5e5},
      response);
  add("T006", "M/M/1 rho 0.8: p99 of T = ln 100/(mu-lambda)", ln100 / 0.2, 23.0259,
      Case{0.8, station(1), 2.4e+05}, response_p99, 0.02);
  add("T008", "M/M/1 rho 0.9: E[T] = 1/(mu-lambda)", 1 / 0.1, 10.0, Case{0.9, station(1), 1.1e6},
      response, 0.01);
  add("T009", "M/M/1 rho 0.9: p99 of T = ln 100/(mu-lambda)", ln100 / 0.1, 46.0517,
      Case{0.9, station(1), 1.17e+06}, response_p99, 0.02);
  add("T013", "M/M/1 rho 0.8: E[Wq] = rho/(mu-lambda)", 0.8 / 0.2, 4.0, Case{0.8, station(1), 9e5},
      waiting);
  add("T014", "M/M/1 rho 0.8: p99 of Wq = ln(rho/0.01)/(mu-lambda)", std::log(80) / 0.2, 21.9101,
      Case{0.8, station(1), 2.56e+05}, waiting_p99, 0.02);
  add("T173", "M/M/1 rho 0.8, service 0.1 s: p99 of T", ln100 * 0.1 / 0.2, 2.30259,
      Case{8, station(1, Dist::exponential(0.1)), 2.4e+05}, response_p99, 0.02);
  // M/M/c: C(c, a) by Erlang, E[Wq] = C/(c mu - lambda)
  add("T020", "M/M/2 a 1.6: P(wait), Erlang C", erlang_c(2, 1.6), 0.711111,
      Case{1.6, station(2), 6e4}, waited);
  add("T021", "M/M/2 a 1.6: E[Wq]", mmc_wait(2, 1.6), 1.77778, Case{1.6, station(2), 5e5}, waiting,
      0.01);
  add("T023", "M/M/5 a 4: E[Wq]", mmc_wait(5, 4), 0.554113, Case{4, station(5), 9e5}, waiting,
      0.01);
  add("T024", "M/M/10 a 8: P(wait), Erlang C", erlang_c(10, 8), 0.40918, Case{8, station(10), 5e5},
      waited);
  add("T025", "M/M/10 a 8: E[Wq]", mmc_wait(10, 8), 0.20459, Case{8, station(10), 8e5}, waiting,
      0.01);
  add("T028", "M/M/100 a 95: P(wait), Erlang C", erlang_c(100, 95), 0.506457,
      Case{95, station(100), 1e6}, waited, 0.01);
  add("T031", "M/M/10 a 5: P(wait), Erlang C", erlang_c(10, 5), 0.0361054,
      Case{5, station(10), 8e5}, waited, 0.01);
  add("T032", "M/M/10 a 8: p99 of Wq = ln(C/0.01)/(c mu-lambda)",
      std::log(erlang_c(10, 8) / 0.01) / 2, 1.85579, Case{8, station(10), 3.25e+05}, waiting_p99,
      0.02);
  add("T033", "M/M/5 a 4: E[T] = 1 + E[Wq]", 1 + mmc_wait(5, 4), 1.55411,
      Case{4, station(5), 2.8e+05}, response);
  add("T112", "M/M/10 a 8: E[T], the central queue", 1 + mmc_wait(10, 8), 1.20459,
      Case{8, station(10), 1.2e5}, response);
  // M/G/c/c: Erlang B, whatever the service time's law
  add("T035", "M/M/5/5 a 3: blocking, Erlang B", erlang_b(5, 3), 0.110054,
      Case{3, bounded(5, 0), 2.21e+05}, refused);
  add("T036", "M/D/10/10 a 8: blocking, Erlang B", erlang_b(10, 8), 0.121661,
      Case{8, bounded(10, 0, constant), 2.08e+05}, refused);
  add("T038", "M/lognormal/100/100 a 90: blocking, Erlang B", erlang_b(100, 90), 0.0269574,
      Case{90, bounded(100, 0, Dist::lognormal_mean_cv(1, 1.5)), 1.43e+06}, refused, 0.01);
  // M/M/c/K
  add("T041", "M/M/1/10 rho 0.9: blocking", mmck(1, 10, 0.9).blocking, 0.0508137,
      Case{0.9, bounded(1, 9), 3.5e5}, refused, 0.01);
  add("T042", "M/M/1/10 rho 0.9: E[T] of the accepted", mmck(1, 10, 0.9).response, 4.6466,
      Case{0.9, bounded(1, 9), 1.4e5}, response);
  add("T044", "M/M/1/10 rho 1.2: E[T] of the accepted", mmck(1, 10, 1.2).response, 6.92614,
      Case{1.2, bounded(1, 9), 8e+04}, response);
  add("T045", "M/M/5/15 a 4.5: blocking", mmck(5, 15, 4.5).blocking, 0.034949,
      Case{4.5, bounded(5, 10), 8e5}, refused, 0.01);
  add("T046", "M/M/5/15 a 4.5: E[T] of the accepted", mmck(5, 15, 4.5).response, 1.62867,
      Case{4.5, bounded(5, 10), 1e5}, response);
  // M/G/1: lambda E[S^2] / (2 (1-rho))
  add("T048", "M/D/1 rho 0.8: E[Wq]", pk_wait(0.8, 1), 2.0, Case{0.8, station(1, constant), 7e5},
      waiting);
  add("T054", "M/U(0,2)/1 rho 0.8: E[Wq]", pk_wait(0.8, 4.0 / 3), 2.66667,
      Case{0.8, station(1, Dist::uniform(0, 2)), 8e5}, waiting);
  add("T056", "M/D/1 rho 0.9: E[Wq]", pk_wait(0.9, 1), 4.5, Case{0.9, station(1, constant), 6e5},
      waiting, 0.01);
  add("T057", "M/D/1 rho 0.8: P(Wq = 0) = 1-rho", 0.2, 0.2, Case{0.8, station(1, constant), 1.5e5},
      served_at_once);
  // GI/M/1: sigma = A*(mu(1-sigma)), E[Wq] = sigma/(1-sigma)
  const double sigma = fixed_point([](double s) { return std::exp(-1.25 * (1 - s)); });
  add("T062", "D/M/1 rho 0.8: E[Wq] = sigma/(mu(1-sigma))", sigma / (1 - sigma), 1.69273,
      Case{0.8, station(1), 8.5e5, true}, waiting);
  add("T063", "D/M/1 rho 0.8: P(wait) = sigma", sigma, 0.62863, Case{0.8, station(1), 8e4, true},
      waited);
  // M/M/c+M
  add("T069", "M/M/50+M theta 0.5: P(abandon)", erlang_a(50, 50, 0.5).abandon, 0.0466846,
      Case{50, impatient(50, 0.5), 5.5e5}, abandoned, 0.01);
  add("T070", "M/M/50+M theta 0.5: P(wait)", erlang_a(50, 50, 0.5).wait_probability, 0.601168,
      Case{50, impatient(50, 0.5), 2e5}, waited, 0.01);
  add("T072", "M/M/100+M a 110 theta 1: P(abandon)", erlang_a(100, 110, 1).abandon, 0.0991916,
      Case{110, impatient(100, 1), 3.5e5}, abandoned, 0.01);
  add("T073", "M/M/100+M a 110 theta 1: P(wait)", erlang_a(100, 110, 1).wait_probability, 0.841721,
      Case{110, impatient(100, 1), 2.6e5}, waited);
  add("T074", "M/M/100+M a 110 theta 1: E[Wq] of all", erlang_a(100, 110, 1).wait, 0.0991916,
      Case{110, impatient(100, 1), 3.8e5}, queue_over_lambda, 0.01);
  add("T076", "M/M/10+M a 12 theta 2: P(wait)", erlang_a(10, 12, 2).wait_probability, 0.658135,
      Case{12, impatient(10, 2), 9e+04}, waited);
  add("T077", "M/M/10+M a 12 theta 2: E[Wq] of all", erlang_a(10, 12, 2).wait, 0.116453,
      Case{12, impatient(10, 2), 2e5}, queue_over_lambda);
  // M/G/1-PS: E[S]/(1-rho), whatever the service time's law
  add("T137", "M/D/1-PS rho 0.8: E[T]", 1 / 0.2, 5.0, Case{0.8, sharing(constant), 7e+05},
      response);
  add("T138", "M/M/1-PS rho 0.8: E[T]", 1 / 0.2, 5.0, Case{0.8, sharing(Dist::exponential(1)), 6e5},
      response);
  add("T140", "M/lognormal/1-PS cv 2 rho 0.8: E[T]", 1 / 0.2, 5.0,
      Case{0.8, sharing(Dist::lognormal_mean_cv(1, 2)), 6e5}, response, 0.01);
  // M/G/inf: Little
  add("T142", "M/M/inf 1,000/s x 0.25 s: E[concurrency]", 1000 * 0.25, 250.0,
      Case{1000, station(1000000, Dist::exponential(0.25)), 2.5e5}, in_system);
  return all;
}

class StationTheory : public testing::TestWithParam<Point> {};
TEST_P(StationTheory, HoldsItsClosedForm) { check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(, StationTheory, testing::ValuesIn(points()), id_of);

// Kingman: E[Wq] <= lambda (sa^2 + ss^2) / (2 (1-rho)); a bound, so one-sided.
TEST(StationBounds, T067_DM1LiesBelowKingmansUpperBound) {
  const double bound = 0.8 * (0 + 1) / (2 * (1 - 0.8));
  EXPECT_NEAR(bound, 2.0, 1e-9);
  EXPECT_LT(simulate({0.8, station(1), 2e5, true}, waiting, 1), bound);
}

}  // namespace
}  // namespace windtunnel::theory
