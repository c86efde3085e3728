// Infinite servers that are not in a steady state: a queue that fills from empty, and one whose
// arrivals follow a sine. The load of a service follows its demand with a lag of its own, before
// any scaling. Ids are those of the project's table of closed forms.
#include <cmath>
#include <numbers>

#include "models/compute/station.hpp"
#include "models/load/client.hpp"
#include "tests/support/planned.hpp"
#include "tests/theory/point.hpp"

namespace windtunnel::theory {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const ArrivalPlan> at_rates(std::vector<RatePiece> pieces) {
  return test::planned([pieces = std::move(pieces)](sim::Stream chance) {
    return arrivals_at(given_rates(pieces), false, chance);
  });
}

// Arrivals at rates that change to infinite servers of exponential service.
struct InfiniteServers {
  InfiniteServers(std::shared_ptr<const ArrivalPlan> arrivals, double mean_service,
                  sim::Duration horizon, std::uint64_t replication)
      : sim({.replication = replication, .horizon = horizon, .window = 100h}) {
    Client::Shape users;
    users.target = "station";
    users.arrivals = Arrivals::planned(
        std::move(arrivals),
        sim::Stream(sim::stream_key(1, replication, sim::hash_name("users"), "arrivals")));
    users.timeout = sim::Duration(0);
    sim.add(std::make_unique<Client>(sim, "users", users));
    Station::Shape shape;
    shape.servers = 1'000'000;
    shape.service_time = sim::Distribution::exponential(mean_service);
    station = static_cast<Station*>(&sim.add(std::make_unique<Station>(sim, "station", shape)));
  }
  sim::Simulation sim;
  Station* station;
};

// E[N(t)] = lambda / mu (1 - e^(-mu t))
constexpr double filling_rate = 100, filling_mu = 0.1;
double number_after_5_seconds(std::uint64_t replication) {
  const auto arrivals = at_rates({{0s, 5s, filling_rate * 5}});
  const std::uint64_t runs = test::scaled(40u);
  double sum = 0;
  for (std::uint64_t run = 0; run < runs; ++run) {
    InfiniteServers world(arrivals, 1 / filling_mu, 5s, replication * runs + run);
    world.sim.run();
    sum += static_cast<double>(world.station->metric.in_system.value());
  }
  return sum / static_cast<double>(runs);
}

// lambda(t) = 100 (1 + 0.5 sin(w t)): E[N(t)] swings by a / (mu sqrt(1 + (w/mu)^2)) and lags by
// atan(w/mu) / w.
constexpr double mean_rate = 100, swing = 50, mu = 0.5, period = 24;
constexpr double w = 2 * std::numbers::pi / period;

// The number present, a hundred times a replication's period, as the sine that fits it best.
class Fit final : public sim::Component {
 public:
  Fit(sim::Simulation& sim, const sim::Level& level) : Component(sim, "fit"), level_(level) {}
  void start() override { sim().after<&Fit::on_step>(step, this); }

  static constexpr sim::Duration step = 100ms;
  double sine = 0, cosine = 0;  // sums
  std::int64_t steps = 0;

 private:
  void on_step() {
    const double integral = level_.integral(sim().now());
    const double mean = (integral - before_) / sim::seconds(step);
    before_ = integral;
    const double middle = sim::seconds(sim().now()) - sim::seconds(step) / 2;
    if (middle > period) {  // the first one fills the station
      sine += mean * std::sin(w * middle);
      cosine += mean * std::cos(w * middle);
      ++steps;
    }
    sim().after<&Fit::on_step>(step, this);
  }
  const sim::Level& level_;
  double before_ = 0;
};

struct Swing {
  double amplitude, lag;
};
Swing swing_of(std::uint64_t replication) {
  const int periods = std::max(3, test::scaled(56));
  const sim::Duration horizon = sim::from_seconds(periods * period);
  std::vector<RatePiece> pieces;
  constexpr sim::Duration bin = 50ms;
  for (sim::Duration from{}; from < horizon; from += bin) {
    const double middle = sim::seconds(from + bin / 2);
    const double rate = mean_rate + swing * std::sin(w * middle);
    pieces.push_back({from, from + bin, rate * sim::seconds(bin)});
  }
  InfiniteServers world(at_rates(std::move(pieces)), 1 / mu, horizon + 1ms, replication);
  const auto& fit = static_cast<Fit&>(
      world.sim.add(std::make_unique<Fit>(world.sim, world.station->metric.in_system)));
  world.sim.run();
  // sin(w (t - lag)) = cos(w lag) sin(w t) - sin(w lag) cos(w t)
  const double n = static_cast<double>(fit.steps) / 2;
  return {std::hypot(fit.sine, fit.cosine) / n, std::atan2(-fit.cosine, fit.sine) / w};
}

std::vector<Point> points() {
  return {
      {"T145", "M/M/inf from empty: E[N(5)] = (l/mu)(1 - e^(-mu t))",
       filling_rate / filling_mu * (1 - std::exp(-filling_mu * 5)), 393.469,
       number_after_5_seconds},
      {"T146", "M_t/M/inf sine: amplitude = a/(mu sqrt(1+(w/mu)^2))",
       swing / (mu * std::hypot(1, w / mu)), 88.5908,
       [](std::uint64_t r) { return swing_of(r).amplitude; }},
      {"T147", "M_t/M/inf sine: lag of the peak = atan(w/mu)/w", std::atan(w / mu) / w, 1.84243,
       [](std::uint64_t r) { return swing_of(r).lag; }, 0.01},
  };
}

class TransientTheory : public testing::TestWithParam<Point> {};
TEST_P(TransientTheory, HoldsItsClosedForm) { check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(, TransientTheory, testing::ValuesIn(points()), id_of);

}  // namespace
}  // namespace windtunnel::theory
