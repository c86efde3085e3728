// Batches, pollers, buckets, hashes, shuffle sharding. Ids are those of the project's table of
// closed forms. Left out: other batches (T149, T150) and vacations (T174, T175), too long until
// sharp; retrial queues with exponential pauses (T234, T235), a law that no SDK has.
#include <fmt/format.h>

#include <map>
#include <set>

#include "models/compute/station.hpp"
#include "models/load/client.hpp"
#include "models/mechanisms/hash_key.hpp"
#include "models/mechanisms/shuffle_sharding.hpp"
#include "models/mechanisms/token_bucket.hpp"
#include "tests/models/stream_world.hpp"
#include "tests/support/planned.hpp"
#include "tests/support/work.hpp"
#include "tests/theory/formulas.hpp"
#include "tests/theory/point.hpp"

namespace windtunnel::theory {
namespace {

using namespace std::chrono_literals;
using Dist = sim::Distribution;

// Batches of customers at the dates of a Poisson process; `size` draws how many.
template <typename Size>
class Batches final : public ArrivalSource {
 public:
  Batches(double rate, Size size, sim::Stream chance)
      : gap_(Dist::exponential(1 / rate)), size_(size), chance_(chance) {}
  bool next(Arrival& arrival) override {
    if (left_ == 0) {
      at_ += gap_.sample(chance_);
      left_ = size_(chance_);
    }
    --left_;
    arrival = {.at = at_};
    return true;
  }

 private:
  Dist gap_;
  Size size_;
  sim::Stream chance_;
  sim::Time at_{};
  int left_ = 0;
};

template <typename Size>
double batch_response(double rate, Size size, double batches, std::uint64_t replication) {
  const sim::Duration measured = sim::from_seconds(batches / rate);
  sim::Simulation sim({.replication = replication,
                       .horizon = measured + measured / 10,
                       .warm_up = measured / 10,
                       .window = std::chrono::hours(100000)});
  Client::Shape users;
  users.target = "station";
  users.timeout = sim::Duration(0);
  users.arrivals = Arrivals::planned(test::planned([=](sim::Stream chance) {
                                       return std::make_unique<Batches<Size>>(rate, size, chance);
                                     }),
                                     sim::Stream(replication));
  sim.add(std::make_unique<Client>(sim, "users", users));
  Station::Shape shape;
  shape.service_time = Dist::exponential(1);
  auto& station = static_cast<Station&>(sim.add(std::make_unique<Station>(sim, "station", shape)));
  sim.run();
  return station.metric.response.mean();
}

// rho (E[X] + E[X^2]) / (2 E[X] (1 - rho)) / lambda, mu = 1.
double batch_formula(double batch_rate, double mean, double second_moment) {
  const double rho = batch_rate * mean;
  return rho * (mean + second_moment) / (2 * mean * (1 - rho)) / rho;
}

std::vector<Point> points() {
  const auto fixed = [](int n) { return [n](sim::Stream&) { return n; }; };
  return {
      {"T148", "batches of 10 at M/1, rho 0.8: E[T]", batch_formula(0.08, 10, 100), 27.5,
       [=](std::uint64_t r) { return batch_response(0.08, fixed(10), test::scaled(130'000.0), r); },
       0.01},
      {"T191", "leaky bucket of 100/s as a queue, load 0.8: mean delay", pk_wait(0.8, 1) / 100,
       0.02,
       [](std::uint64_t r) {
         const auto warm_up = sim::from_seconds(test::scaled(400.0));
         sim::Simulation sim(
             {.replication = r, .horizon = 10 * warm_up, .warm_up = warm_up, .window = 100h});
         Client::Shape users;
         users.target = "bucket";
         users.timeout = sim::Duration(0);
         users.arrivals = Arrivals::poisson(80, sim::Stream(r));
         sim.add(std::make_unique<Client>(sim, "users", users));
         Station::Shape shape;
         shape.service_time = Dist::constant(10ms);
         auto& bucket =
             static_cast<Station&>(sim.add(std::make_unique<Station>(sim, "bucket", shape)));
         sim.run();
         return bucket.metric.waiting.mean();
       },
       0.01}};
}

class MessagingTheory : public testing::TestWithParam<Point> {};
TEST_P(MessagingTheory, HoldsItsClosedForm) { check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(, MessagingTheory, testing::ValuesIn(points()), id_of);

// A shard that is polled every tau, each call taking d: a record waits tau/2 + d in the mean, and
// 0.99 tau + d at most of 99 %. A simulated quantile is within 0.4 % by its histogram.
void expect_polling(double interval, const char* setting, double mean, double p99) {
  EXPECT_NEAR(interval / 2 + 0.1, mean, 1e-9);
  EXPECT_NEAR(0.99 * interval + 0.1, p99, 1e-9);
  const auto sim = test::simulation_of(test::small_experiment(
      test::client("stream", "open: {poisson: 100/s}, idle_timeout: 1h") +
          ", stream: {kinesis_data_stream: {shards: 1, put_time: 0s, empty_reads: 0%, get_time: "
          "100ms}}, fleet: {auto_scaling_group: {size: 1}}, app: {kcl_application: {stream: "
          "stream, on: fleet, batch_time: 0s, record_time: 0s, checkpoint_interval: 0s, "
          "idle_time_between_reads: " +
          std::string(setting) + "}}",
      "horizon: 2000s, warm_up: 10s"));
  sim->run();
  EXPECT_NEAR(test::metric_of(*sim, "app", "ProducerToEffect", "mean"), mean, 0.005 * mean);
  EXPECT_NEAR(test::metric_of(*sim, "app", "ProducerToEffect", "p99"), p99, 0.01 * p99);
}
TEST(PollerTheory, T178_T179_ARecordWaitsHalfTheIntervalAndTheCall) {
  expect_polling(0.2, "200ms", 0.2, 0.298);
}
TEST(PollerTheory, T181_APollASecondTakesUpToASecondAndTheCall) {
  expect_polling(1, "1s", 0.6, 1.09);
}

// Fluid: B / (demand - refill).
double exhausted_after(double depth, double refill, double demand, double step) {
  TokenBucket bucket(refill, depth);
  for (std::int64_t n = 0;; ++n) {
    const sim::Time at = sim::time_zero + sim::from_seconds(static_cast<double>(n) * step);
    if (!bucket.take(at, demand * step)) return sim::seconds(at);
  }
}
TEST(TokenBucketTheory, T192_ABurstOf30000At200LastsFiveMinutes) {
  EXPECT_NEAR(30000.0 / (200 - 100), 300, 1e-9);
  EXPECT_NEAR(exhausted_after(30000, 100, 200, 0.01), 300, 0.03);
}
TEST(TokenBucketTheory, T193_BurstCreditsOfASmallVolumeLast2000Seconds) {
  EXPECT_NEAR(5.4e6 / (3000 - 300), 2000, 1e-9);
  EXPECT_NEAR(exhausted_after(5.4e6, 300, 3000, 0.01), 2000, 0.03);
}

// E[max] of M balls in N bins: sum over k of 1 - P(max <= k), P by the exact occupancy numbers
// M! [x^M] (sum_{j<=k} x^j/j!)^N / N^M, here with the coefficients of (.)/N^M scaled as it goes.
double expected_max(int balls, int bins) {
  double expectation = 0;
  for (int k = 0; k < balls; ++k) {
    // Bin after bin: p[m] is the chance, by binomial splitting, that the first bins hold m balls of
    // all, none more than k.
    std::vector<double> p(static_cast<std::size_t>(balls) + 1, 0.0);
    p[static_cast<std::size_t>(balls)] = 1;  // balls left
    for (int bin = 0; bin < bins; ++bin) {
      const double q = 1.0 / (bins - bin);
      std::vector<double> next(p.size(), 0.0);
      for (int left = 0; left <= balls; ++left) {
        if (p[static_cast<std::size_t>(left)] == 0) continue;
        for (int in = 0; in <= std::min(k, left); ++in) {
          const double log_choose =
              std::lgamma(left + 1) - std::lgamma(in + 1) - std::lgamma(left - in + 1);
          const double chance =
              q == 1 ? (in == left)
                     : std::exp(log_choose + in * std::log(q) + (left - in) * std::log(1 - q));
          next[static_cast<std::size_t>(left - in)] += p[static_cast<std::size_t>(left)] * chance;
        }
      }
      p = std::move(next);
    }
    expectation += 1 - p[0];
    if (1 - p[0] < 1e-9) break;
  }
  return expectation;
}

TEST(PartitionTheory, T248_TheBusiestOf100ShardsWith100KeysHas4) {
  EXPECT_NEAR(expected_max(100, 100), 4.2326, 1e-4);
  constexpr int rounds = 20'000;
  double sum = 0, squares = 0;
  for (int round = 0; round < rounds; ++round) {
    std::vector<int> shards(100);
    int most = 0;
    for (int key = 0; key < 100; ++key) {
      const HashKey hash = hash_key_of(fmt::format("customer-{}-{}", round, key));
      __extension__ using Wide = unsigned __int128;
      most = std::max(most, ++shards[static_cast<std::size_t>((Wide{hash} * 100) >> 64)]);
    }
    sum += most;
    squares += most * most;
  }
  const double mean = sum / rounds, error = std::sqrt((squares / rounds - mean * mean) / rounds);
  EXPECT_NEAR(mean, 4.2326, 3.5 * error + 0.002 * 4.2326);
}

double choose(double n, int k) {
  double product = 1;
  for (int i = 0; i < k; ++i) product *= (n - i) / (i + 1);
  return product;
}
double overlap_probability(int workers, int shard, int overlap) {
  return choose(shard, overlap) * choose(workers - shard, shard - overlap) / choose(workers, shard);
}
// How often the shards of two customers have so many workers in common.
double simulated_overlap(std::uint32_t workers, std::uint32_t shard, std::size_t overlap,
                         std::uint64_t customers) {
  const auto mine = [&](std::uint64_t customer) { return shuffle_shard(customer, workers, shard); };
  double hits = 0;
  for (std::uint64_t i = 0; i < customers; ++i) {
    const auto a = mine(2 * i), b = mine(2 * i + 1);
    std::vector<std::uint32_t> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    hits += both.size() == overlap;
  }
  return hits / static_cast<double>(customers);
}

struct Overlap {
  const char* id;
  std::uint32_t workers, shard;
  int overlap;
  double tabulated;
};
class ShuffleSharding : public testing::TestWithParam<Overlap> {};
TEST_P(ShuffleSharding, TwoCustomersShareWorkersWithThePublishedProbability) {
  const Overlap& it = GetParam();
  const double formula =
      overlap_probability(static_cast<int>(it.workers), static_cast<int>(it.shard), it.overlap);
  ASSERT_NEAR(formula, it.tabulated, 1e-5 * it.tabulated);
  constexpr std::uint64_t customers = 50'000;
  const double error = std::sqrt(formula * (1 - formula) / customers);
  EXPECT_NEAR(
      simulated_overlap(it.workers, it.shard, static_cast<std::size_t>(it.overlap), customers),
      formula, 3.5 * error);
}
INSTANTIATE_TEST_SUITE_P(, ShuffleSharding,
                         testing::Values(Overlap{"T238", 8, 2, 0, 0.535714},
                                         Overlap{"T239", 8, 2, 1, 0.428571},
                                         Overlap{"T241", 100, 5, 0, 0.76959},
                                         Overlap{"T242", 100, 5, 1, 0.211426},
                                         Overlap{"T244", 100, 5, 3, 0.00059306}),
                         [](const auto& info) { return std::string(info.param.id); });

TEST(ShuffleShardingTheory, T237_T247_ThereAreAsManyShardsAsChoices) {
  EXPECT_NEAR(choose(8, 2), 28, 1e-9);
  EXPECT_NEAR(choose(2048, 4), 730'862e6, 1e-5 * 730'862e6);
  EXPECT_NEAR(overlap_probability(100, 5, 4), 6.30915e-06, 1e-10);
  std::set<std::vector<std::uint32_t>> seen;
  for (std::uint64_t customer = 0; customer < 1000; ++customer) {
    seen.insert(shuffle_shard(customer, 8, 2));
  }
  EXPECT_EQ(seen.size(), 28u);
}

TEST(ShuffleShardingTheory, AWorkerThatLeavesMovesOnlyItsOwnCustomers) {
  for (std::uint64_t customer = 0; customer < 1000; ++customer) {
    const auto before = shuffle_shard(customer, 20, 3), after = shuffle_shard(customer, 19, 3);
    const bool had_it = std::find(before.begin(), before.end(), 19u) != before.end();
    EXPECT_EQ(before != after, had_it);
  }
}

}  // namespace
}  // namespace windtunnel::theory
