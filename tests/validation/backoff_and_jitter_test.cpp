// AWS's published experiment on backoff and jitter: N clients change one row with optimistic
// locking, and a conflict sends a client back to its read after a pause. Calls (writes) and the
// date of the last event, by number of clients and strategy, against the table of 1,000 runs a cell
// in shared/validation/backoff_and_jitter.csv.
//
// The rule: |mean - target| <= 3.5 sqrt(se^2 + target's se^2) + 0.2 % of the target, with enough
// runs for a half-width of the 95 % interval of at most 0.5 % of the target.
#include <gtest/gtest.h>

#include <boost/random/normal_distribution.hpp>
#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>

#include "models/mechanisms/versioned_item.hpp"
#include "tests/support/work.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;

// The experiment's network: a message takes |normal(10 ms, 2 ms)|, each way.
class Wire final : public sim::Component, public Callable {
 public:
  Wire(sim::Simulation& sim, const std::string& name, sim::Entity& far_end)
      : Component(sim, name), far_end_(far_end), chance_(stream("delay")) {}
  Resolution resolve(const Query&) override { return {.addresses = {address_of(0)}}; }
  bool direct() const override { return true; }

  void on_request(sim::Call&, sim::Handle handle) override {
    sim().after<&Wire::on_there>(delay(), this, handle);
  }
  void on_answer(sim::Call& onward, sim::Handle) override {
    sim::Call& served = sim().call(onward.context);
    VersionedItem::body(served) = VersionedItem::body(onward);
    sim().after<&Wire::on_back>(delay(), this, onward.context);
  }

 private:
  sim::Duration delay() {
    return sim::from_seconds(
        std::abs(boost::random::normal_distribution<double>(0.010, 0.002)(chance_)));
  }
  void on_there(std::uint64_t argument) {
    const auto served = sim::Handle::of(argument);
    const sim::Call& call = sim().call(served);
    const VersionedItem::Body message = VersionedItem::body(sim().call(served));
    const sim::Handle onward = sim().open_call(*this, 0, call.operation, served);
    VersionedItem::body(sim().call(onward)) = message;
    sim().send(onward, far_end_.address_of(0));
  }
  void on_back(std::uint64_t served) { sim().answer(sim::Handle::of(served), sim::Outcome::ok); }

  sim::Entity& far_end_;
  sim::Stream chance_;
};

class Row final : public sim::Component {
 public:
  using Component::Component;
  void on_request(sim::Call& call, sim::Handle handle) override {
    item.serve(call);
    sim().answer(handle, sim::Outcome::ok);
  }
  VersionedItem item;
};

// One run: a row, the wire to it, and clients who all begin at 0.
class Experiment final : public sim::Component, public OptimisticWriter::Listener {
 public:
  Experiment(sim::Simulation& sim, const std::string& name, int clients, const Backoff& backoff)
      : Component(sim, name),
        row_(sim, name + " row"),
        wire_(sim, name + " wire", row_),
        connector_(*this, 0, wire_, settings_, "row") {
    for (int i = 0; i < clients; ++i) {
      writers_.push_back(std::make_unique<OptimisticWriter>(*this, 0, connector_, backoff, 0s,
                                                            *this, "client " + std::to_string(i)));
    }
  }
  void start() override {
    for (auto& writer : writers_) writer->begin();
  }
  void on_written(OptimisticWriter& writer) override {
    calls += writer.writes();
    ++written;
    last = sim().now();
  }

  std::size_t written = 0;
  double calls = 0;
  sim::Time last{};
  const VersionedItem& item() const { return row_.item; }

 private:
  Row row_;
  Wire wire_;
  Connector::Settings settings_;
  Connector connector_;
  std::vector<std::unique_ptr<OptimisticWriter>> writers_;
};

struct Series {
  double n = 0, sum = 0, squares = 0;
  void add(double x) {
    ++n;
    sum += x;
    squares += x * x;
  }
  double mean() const { return sum / n; }
  double error() const { return std::sqrt(std::max(0.0, squares / n - mean() * mean()) / (n - 1)); }
};

struct Target {
  double mean, deviation, error;
  // Runs for a half-width of 0.5 %.
  double runs_needed() const { return std::pow(1.96 * deviation / (0.005 * mean), 2); }
};
struct Cell {
  Target calls, milliseconds;
};

std::optional<Cell> published(int clients, const std::string& strategy) {
  std::ifstream table(std::string(WINDTUNNEL_SOURCE) +
                      "/../shared/validation/backoff_and_jitter.csv");
  const std::string wanted = std::to_string(clients) + "," + strategy + ",";
  for (std::string line; std::getline(table, line);) {
    if (line.rfind(wanted, 0) != 0) continue;
    std::istringstream row(line.substr(wanted.size()));
    std::vector<double> value;
    for (std::string field; std::getline(row, field, ',');) value.push_back(std::stod(field));
    return Cell{{value.at(1), value.at(2), value.at(3)}, {value.at(7), value.at(8), value.at(9)}};
  }
  return std::nullopt;
}

bool is_sharp(const Series& ours, const Target& theirs) {
  return 1.96 * ours.error() <= test::widened(0.005) * theirs.mean;
}

void expect_published(const Series& ours, const Target& theirs, const char* what) {
  const double off = std::abs(ours.mean() - theirs.mean);
  const double error = std::hypot(ours.error(), theirs.error);
  std::printf("%s: %.6g, published %.6g, %.0f runs, off by %.2f %%, %.1f standard errors\n", what,
              ours.mean(), theirs.mean, ours.n, 100 * off / theirs.mean,
              error > 0 ? off / error : 0.0);
  const bool all = test::work_share() == 1;
  EXPECT_TRUE(is_sharp(ours, theirs) || !all) << what << ": not sharp enough to tell";
  EXPECT_LE(off, (all ? 3.5 : 5) * error + test::widened(0.002) * theirs.mean) << what;
}

using Jitter = Backoff::Jitter;
struct Strategy {
  const char* name;
  Jitter jitter;
  friend void PrintTo(const Strategy& strategy, std::ostream* out) { *out << strategy.name; }
};
// v(n) = min(cap, 5 ms x 2^n) with n from 1 begins with 10 ms.
Backoff backoff_of(Jitter jitter) {
  return {.jitter = jitter, .base = jitter == Jitter::decorrelated ? 5ms : 10ms, .cap = 2s};
}

class BackoffAndJitter : public testing::TestWithParam<std::tuple<Strategy, int>> {};

TEST_P(BackoffAndJitter, CallsAndTimeAreThePublishedOnes) {
  const auto [strategy, clients] = GetParam();
  const auto cell = published(clients, strategy.name);
  if (!cell) GTEST_SKIP() << "shared/validation/backoff_and_jitter.csv is not here";
  const int least = static_cast<int>(std::max({20.0, test::scaled(cell->calls.runs_needed()),
                                               test::scaled(cell->milliseconds.runs_needed())}));
  const Backoff backoff = backoff_of(strategy.jitter);
  const int at_once = std::clamp(500 / clients, 1, least);

  Series calls, milliseconds;
  const auto sharp = [&] {
    return is_sharp(calls, cell->calls) && is_sharp(milliseconds, cell->milliseconds);
  };
  for (std::uint64_t replication = 1; calls.n < least || (!sharp() && calls.n < 2 * least);
       ++replication) {
    sim::Simulation sim({.seed = 1, .replication = replication, .horizon = 24h});
    sim.network().add_zone("here", "");
    std::vector<Experiment*> all;
    for (int i = 0; i < at_once; ++i) {
      all.push_back(static_cast<Experiment*>(&sim.add(
          std::make_unique<Experiment>(sim, "run " + std::to_string(i), clients, backoff))));
    }
    sim.run();
    for (const Experiment* run : all) {
      ASSERT_EQ(run->written, static_cast<std::size_t>(clients));
      ASSERT_EQ(run->item().version(), static_cast<std::uint64_t>(clients)) << "no write was lost";
      calls.add(run->calls);
      milliseconds.add(1000 * sim::seconds(run->last));
    }
  }
  expect_published(calls, cell->calls, "calls");
  expect_published(milliseconds, cell->milliseconds, "milliseconds");
}

INSTANTIATE_TEST_SUITE_P(
    , BackoffAndJitter,
    testing::Combine(testing::Values(Strategy{"None", Jitter::none},
                                     Strategy{"Exponential", Jitter::exponential},
                                     Strategy{"EqualJitter", Jitter::equal},
                                     Strategy{"FullJitter", Jitter::full},
                                     Strategy{"Decorr", Jitter::decorrelated}),
                     testing::Values(1, 2, 3, 5, 10, 20, 30, 40, 60, 70, 80, 90, 110, 120, 130, 140,
                                     160, 170, 180, 190)),
    [](const auto& info) {
      return std::string(std::get<0>(info.param).name) + "With" +
             std::to_string(std::get<1>(info.param)) + "Clients";
    });

}  // namespace
}  // namespace windtunnel
