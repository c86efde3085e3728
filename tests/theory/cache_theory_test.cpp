// Hit ratios of CloudFront's caches beside theory: Zipf's law, the TTL cache (points T214 and T215
// of the theory table) and Che's approximation of LRU.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "models/mechanisms/object_cache.hpp"
#include "models/mechanisms/zipf.hpp"
#include "tests/models/cloudfront_world.hpp"
#include "tests/support/yaml_run.hpp"
#include "tests/theory/point.hpp"

namespace windtunnel::theory {
namespace {

std::vector<double> zipf_law(std::uint32_t n, double s) {
  std::vector<double> p(n);
  for (std::uint32_t k = 1; k <= n; ++k) p[k - 1] = std::pow(k, -s);
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& share : p) share /= sum;
  return p;
}

// Pearson's statistic over ranks; beyond mean + 4 standard deviations a right sampler comes once in
// 10,000 runs.
TEST(ZipfTheoryTest, DrawsHaveTheLawsFrequencies) {
  for (const double s : {0.0, 0.6, 0.8, 1.0, 1.3, 2.5}) {
    constexpr std::uint32_t n = 400;
    constexpr int draws = 400'000;
    const Zipf zipf(n, s);
    const std::vector<double> law = zipf_law(n, s);
    sim::Stream chance(1);
    std::vector<int> seen(n);
    for (int i = 0; i < draws; ++i) ++seen[zipf.draw(chance) - 1];
    double statistic = 0, freedom = -1, rest = 0, rest_seen = 0;
    const auto add = [&](double expected, double observed) {
      statistic += (observed - expected) * (observed - expected) / expected;
      ++freedom;
    };
    for (std::uint32_t k = 0; k < n; ++k) {
      if (law[k] * draws >= 10) {
        add(law[k] * draws, seen[k]);
      } else {  // ranks too rare to be told apart
        rest += law[k] * draws;
        rest_seen += seen[k];
      }
    }
    if (rest >= 10) add(rest, rest_seen);
    EXPECT_LT(statistic, freedom + 4 * std::sqrt(2 * freedom)) << "s = " << s;
  }
}

TEST(ZipfTheoryTest, SixteenMillionRanksAreDrawnAsWell) {
  const Zipf zipf(16'000'000, 0.8);
  sim::Stream chance(1);
  // Of the first 100 ranks, by Euler-Maclaurin: sum k^-s ~ N^(1-s)/(1-s) + zeta(s) + N^-s/2.
  const auto sum = [](double n) {
    return std::pow(n, 0.2) / 0.2 - 4.437538 + std::pow(n, -0.8) / 2;
  };
  const double share = sum(100) / sum(16e6);
  int head = 0;
  constexpr int draws = 400'000;
  for (int i = 0; i < draws; ++i) head += zipf.draw(chance) <= 100;
  EXPECT_NEAR(static_cast<double>(head) / draws, share, 4 * std::sqrt(share * (1 - share) / draws));
}

// One edge: `objects` asked for `rate` times a second in all, kept for `ttl`; nothing takes time.
// The share answered by the edge, and fetches a second. Objects that all begin cold are fetched in
// step for some twenty lives.
struct Edge {
  double hit_ratio, fetches_per_second;
};
Edge edge(int objects, double zipf, double rate, int ttl, int seconds, std::uint64_t replication) {
  auto sim = test::simulation_of(
      fmt::format("{{experiment: e, question: q, warm_up: {}s, horizon: {}s, topology: {{regions: "
                  "{{us-east-1: {{}}}}, network: {{jitter_p90: 1}}, components: {{users: {{client: "
                  "{{target: cdn, hosts: 1, open: {{poisson: {}/s}}}}}}, cdn: "
                  "{{cloudfront_distribution: {{origins: [web], default_cache_behavior: "
                  "{{catalogue: {{objects: {}, zipf: {}}}, cache_control: {{max_age: {}s}}}}}}}}, "
                  "web: {{station: {{servers: 1000, service_time: 0s}}}}}}}}}}",
                  25 * ttl, 25 * ttl + seconds, rate, objects, zipf, ttl),
      1, replication);
  sim->add(std::make_unique<test::NoDistances>(*sim));
  sim->run();
  const auto sum = [&](const char* metric) { return test::metric_of(*sim, "cdn", metric, "sum"); };
  return {sum("EdgeHits") / sum("Requests"), sum("OriginRequests") / seconds};
}

constexpr double lambda = 0.1, ttl = 60;

const Point ttl_points[] = {
    {"T214", "TTL cache, Poisson requests: hit ratio lambda T / (1 + lambda T)",
     lambda* ttl / (1 + lambda * ttl), 0.857143,
     [](std::uint64_t r) { return edge(250, 0, 250 * lambda, 60, 1200, r).hit_ratio; }},
    {"T215", "TTL cache, Poisson requests: fetches a second lambda / (1 + lambda T)",
     lambda / (1 + lambda * ttl), 0.0142857,
     [](std::uint64_t r) {
       return edge(250, 0, 250 * lambda, 60, 1200, r).fetches_per_second / 250;
     }},
};
class TtlCacheTheory : public testing::TestWithParam<Point> {};
TEST_P(TtlCacheTheory, AgreesWithItsFormula) { check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(CloudFront, TtlCacheTheory, testing::ValuesIn(ttl_points), id_of);

// Requests for each object are a Poisson process of its own.
TEST(TtlCacheTheory, AZipfCatalogueHitsAsTheMixtureOfItsObjects) {
  double expected = 0;
  for (const double p : zipf_law(2000, 0.8)) expected += p * (p * 100 * 30) / (1 + p * 100 * 30);
  check({"zipf", "TTL cache, 2,000 objects of Zipf 0.8, 100/s, 30 s", expected, expected,
         [](std::uint64_t r) { return edge(2000, 0.8, 100, 30, 300, r).hit_ratio; }});
}

// An approximation (H. Che, Y. Tung, Z. Wang, Hierarchical Web caching systems, JSAC 2002): an
// object leaves an LRU cache when it was not asked for during T, one time for all objects, with sum
// of 1 - e^(-p T) = room. For Zipf it is known to be within a few thousandths.
double che(const std::vector<double>& law, double room) {
  const auto held = [&](double t) {
    double sum = 0;
    for (const double p : law) sum += 1 - std::exp(-p * t);
    return sum;
  };
  double low = 0, high = 1e9;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (held(middle) < room ? low : high) = middle;
  }
  double hits = 0;
  for (const double p : law) hits += p * (1 - std::exp(-p * low));
  return hits;
}

class LruTheory : public testing::TestWithParam<std::pair<double, int>> {};
TEST_P(LruTheory, HitsAreThoseOfChesApproximationWithinHalfAPercent) {
  const auto [s, room] = GetParam();
  constexpr std::uint32_t objects = 5000;
  const double expected = che(zipf_law(objects, s), room);
  constexpr int replications = 20, requests = 60'000;
  std::vector<double> ratios;
  for (std::uint64_t r = 1; r <= replications; ++r) {
    ObjectCache cache(room);  // every object is one byte
    const Zipf zipf(objects, s);
    sim::Stream chance(r);
    int hits = 0;
    for (int i = -requests / 2; i < requests; ++i) {
      const std::uint32_t object = zipf.draw(chance);
      if (cache.find(object) == nullptr) {
        cache.put(object, {.good_until = {}, .outcome = sim::Outcome::ok, .size = 1},
                  sim::Time::max());
      } else if (i >= 0) {
        ++hits;
      }
    }
    ratios.push_back(static_cast<double>(hits) / requests);
  }
  const double mean = std::accumulate(ratios.begin(), ratios.end(), 0.0) / replications;
  std::printf("Che, Zipf %.1f, room %d of %u: %.5f, simulated %.5f\n", s, room, objects, expected,
              mean);
  EXPECT_NEAR(mean, expected, 0.005 * expected);
}
INSTANTIATE_TEST_SUITE_P(Zipf, LruTheory,
                         testing::Values(std::pair{0.6, 500}, std::pair{0.8, 100},
                                         std::pair{0.8, 1000}, std::pair{1.1, 500}));

}  // namespace
}  // namespace windtunnel::theory
