// Hashes, streams and distributions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "sim/distribution.hpp"
#include "sim/hash.hpp"
#include "sim/random.hpp"
#include "sim/simulation.hpp"
#include "tests/support/scripted.hpp"

namespace windtunnel::sim {
namespace {

using namespace std::chrono_literals;

TEST(Hash, OfNamesIsFnv1a) {  // test vectors of the algorithm's authors
  EXPECT_EQ(hash_name(""), 0xcbf29ce484222325u);
  EXPECT_EQ(hash_name("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(hash_name("foobar"), 0x85944171f73967e8u);
}

TEST(Stream, IsXoshiro256PlusPlusSeededBySplitmix64) {
  // rand_xoshiro 0.6, Xoshiro256PlusPlus::seed_from_u64(0).
  Stream stream(0);
  EXPECT_EQ(stream(), 5987356902031041503u);
  EXPECT_EQ(stream(), 7051070477665621255u);
  EXPECT_EQ(stream(), 6633766593972829180u);
  EXPECT_EQ(stream(), 211316841551650330u);
}

TEST(Stream, DiffersBySeedReplicationComponentAndPurpose) {
  const std::set<std::uint64_t> keys = {
      stream_key(1, 1, hash_name("a"), "x"), stream_key(2, 1, hash_name("a"), "x"),
      stream_key(1, 2, hash_name("a"), "x"), stream_key(1, 1, hash_name("b"), "x"),
      stream_key(1, 1, hash_name("a"), "y")};
  EXPECT_EQ(keys.size(), 5u);
}

TEST(Stream, OfAComponentDoesNotDependOnTheOthers) {
  const auto draw = [](bool with_others) {
    Simulation sim({.seed = 5, .horizon = 1s});
    if (with_others) {
      Stream other = test::add_script(sim, "first").stream("service");
      other();
    }
    Stream stream = test::add_script(sim, "web").stream("service");
    return std::vector<std::uint64_t>{stream(), stream(), stream()};
  };
  EXPECT_EQ(draw(false), draw(true));
}

TEST(Stream, NeverDrawsAnEndOfTheUnitInterval) {
  Stream stream(1);
  for (int i = 0; i < 1'000'000; ++i) {
    const double u = stream.uniform();
    ASSERT_TRUE(u > 0 && u < 1);
  }
}

TEST(Stream, DrawsEveryNumberBelowNEquallyOften) {
  Stream stream(2);
  std::vector<int> counts(10);
  for (int i = 0; i < 1'000'000; ++i) ++counts[stream.below(10)];
  for (const int count : counts) EXPECT_NEAR(count, 100'000, 5 * 300);  // 5 sigma, sqrt(n p q)
}

struct Seen {
  double mean, p50, p99;
};

Seen seen(const Distribution& distribution) {
  constexpr std::size_t n = 1'000'000;
  Stream chance(11);
  std::vector<double> draws(n);
  double sum = 0;
  for (double& draw : draws) sum += draw = seconds(distribution.sample(chance));
  std::sort(draws.begin(), draws.end());
  EXPECT_GE(draws.front(), 0);
  return {sum / n, draws[n / 2 - 1], draws[n * 99 / 100 - 1]};
}

// `share`: allowed relative error; a million draws give less than a third of it as standard error.
void expect_near(const Distribution& distribution, double mean, double p50, double p99,
                 double share) {
  const Seen got = seen(distribution);
  EXPECT_NEAR(got.mean, mean, share * mean);
  EXPECT_NEAR(got.p50, p50, share * p50);
  EXPECT_NEAR(got.p99, p99, share * p99);
  EXPECT_NEAR(distribution.mean(), mean, 1e-4 * mean);
}

TEST(Distribution, UniformHasItsMeanAndQuantiles) {
  expect_near(Distribution::uniform(1, 3), 2, 2, 2.98, 0.002);
}
TEST(Distribution, ExponentialHasItsMeanAndQuantiles) {
  expect_near(Distribution::exponential(0.5), 0.5, 0.5 * std::log(2.0), 0.5 * std::log(100.0),
              0.008);
}
TEST(Distribution, LognormalHasTheQuantilesItIsGiven) {
  // sigma = ln(80 / 12) / 2.32635 = 0.81549; mean = 12 ms * exp(sigma^2 / 2) = 16.7332 ms.
  expect_near(Distribution::lognormal(0.012, 0.080), 0.0167332, 0.012, 0.080, 0.01);
}
TEST(Distribution, LognormalByMeanAndVariationHasThem) {
  // cv 1: sigma^2 = ln 2; p50 = mean / sqrt(2); p99 = p50 * exp(2.32635 * 0.832555) = 6.93877 p50.
  expect_near(Distribution::lognormal_mean_cv(0.1, 1), 0.1, 0.0707107, 0.490645, 0.01);
}
TEST(Distribution, GammaHasItsMeanAndQuantiles) {
  // cv^2 = 1/2: Erlang of 2 stages of 0.5 s; 1 - (1 + 2t) exp(-2t) = 0.5 at 0.839173, 0.99
  // at 3.319176.
  expect_near(Distribution::gamma(1, std::sqrt(0.5)), 1, 0.839173, 3.319176, 0.008);
}
TEST(Distribution, ParetoHasItsMeanAndQuantiles) {
  // Tail index 3: mean 1.5 min, p50 = min * 2^(1/3), p99 = min * 100^(1/3).
  expect_near(Distribution::pareto(0.01, 3), 0.015, 0.0125992, 0.0464159, 0.01);
  EXPECT_TRUE(std::isinf(Distribution::pareto(1, 1).mean()));
}

TEST(Distribution, ConstantIsExactAndDrawsNothing) {
  Stream chance(1), untouched(1);
  EXPECT_EQ(Distribution::constant(Duration(123'456'789)).sample(chance), Duration(123'456'789));
  EXPECT_EQ(chance(), untouched());
  EXPECT_TRUE(Distribution().is_zero());
  EXPECT_FALSE(Distribution::constant(1ns).is_zero());
}

TEST(Distribution, DrawsBeyondTheClockBecomeForever) {
  Stream chance(1);
  EXPECT_EQ(Distribution::pareto(1e9, 0.01).sample(chance), forever);
}

TEST(Time, RoundsToTheNearestNanosecond) {
  EXPECT_EQ(from_seconds(1.4e-9).count(), 1);
  EXPECT_EQ(from_seconds(1.6e-9).count(), 2);
  EXPECT_EQ(from_seconds(-1.6e-9).count(), -2);
  EXPECT_EQ(from_seconds(0.1).count(), 100'000'000);
  EXPECT_EQ(from_seconds(1e300), forever);
  EXPECT_EQ(from_seconds(std::nan("")), forever);
}

}  // namespace
}  // namespace windtunnel::sim
