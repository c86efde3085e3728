// A queue whose arrivals come in spells: MMPP(2)/M/1, mu = 1. The stationary law of the chain of
// (state, requests) is recomputed here by its matrix-geometric rate matrix.
#include "models/compute/station.hpp"
#include "models/load/client.hpp"
#include "models/mechanisms/profile.hpp"
#include "tests/support/planned.hpp"
#include "tests/theory/point.hpp"

namespace windtunnel::theory {
namespace {

constexpr double lambda[2] = {0.2, 1.2}, leave[2] = {0.02, 0.04};

// E[T] by Little's law, E[N] / mean rate. The chain is cut at 4,000 requests and solved by block
// elimination: pi(n+1) = pi(n) R, R the limit of R = -(A0 + R^2 A2) A1^-1.
double response() {
  double r[2][2] = {};
  const double a1[2][2] = {{-(lambda[0] + leave[0] + 1), leave[0]},
                           {leave[1], -(lambda[1] + leave[1] + 1)}};
  const double det = a1[0][0] * a1[1][1] - a1[0][1] * a1[1][0];
  const double inverse[2][2] = {{a1[1][1] / det, -a1[0][1] / det},
                                {-a1[1][0] / det, a1[0][0] / det}};
  for (int step = 0; step < 200'000; ++step) {
    double m[2][2];
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 2; ++j) {
        m[i][j] = (i == j ? lambda[i] : 0) + r[i][0] * r[0][j] + r[i][1] * r[1][j];
      }
    }
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 2; ++j) r[i][j] = -(m[i][0] * inverse[0][j] + m[i][1] * inverse[1][j]);
    }
  }
  // pi(0) (B + R) = 0, with B as A1 without service; pi(0) (I - R)^-1 1 = 1.
  const double b00 = -(lambda[0] + leave[0]) + r[0][0], b10 = leave[1] + r[1][0];
  double p[2] = {-b10 / b00, 1};
  double mass = 0, in_system = 0;
  for (int n = 0; n < 4000; ++n) {
    mass += p[0] + p[1];
    in_system += n * (p[0] + p[1]);
    const double next[2] = {p[0] * r[0][0] + p[1] * r[1][0], p[0] * r[0][1] + p[1] * r[1][1]};
    p[0] = next[0];
    p[1] = next[1];
  }
  const double rate = (lambda[0] * leave[1] + lambda[1] * leave[0]) / (leave[0] + leave[1]);
  return in_system / mass / rate;
}

std::unique_ptr<ArrivalSource> open(sim::Stream chance) {
  const auto stay = [](int state) { return sim::from_seconds(1 / leave[state]); };
  const sim::Stream other(chance());
  return arrivals_at(markov_modulated({{lambda[0], stay(0)}, {lambda[1], stay(1)}}, chance), false,
                     other);
}

double simulate(std::uint64_t replication) {
  const double arrivals = test::scaled(1'600'000);
  const sim::Duration measured = sim::from_seconds(arrivals / 0.533333);
  sim::Simulation sim({.replication = replication,
                       .horizon = measured + measured / 10,
                       .warm_up = measured / 10,
                       .window = std::chrono::hours(100000)});
  Client::Shape users;
  users.target = "station";
  users.arrivals = Arrivals::planned(
      test::planned(open),
      sim::Stream(sim::stream_key(1, replication, sim::hash_name("users"), "arrivals")));
  users.timeout = sim::Duration(0);
  sim.add(std::make_unique<Client>(sim, "users", users));
  Station::Shape shape;
  shape.service_time = sim::Distribution::exponential(1);
  auto& station = static_cast<Station&>(sim.add(std::make_unique<Station>(sim, "station", shape)));
  sim.run();
  return station.metric.response.mean();
}

TEST(MarkovModulatedArrivals, WaitAsLongAsTheoryHasThemWait) {
  check({"T276", "MMPP(2)/M/1, E[T]", response(), 8.63549, simulate});
}

}  // namespace
}  // namespace windtunnel::theory
