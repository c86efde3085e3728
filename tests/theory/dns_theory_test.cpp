// DNS in closed forms: points T214 and T215 of the theory table (group R, shared/validation), a
// mixture of TTLs, and the way back of a client population by its parts.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "models/mechanisms/resolvers.hpp"
#include "tests/support/stub_service.hpp"
#include "tests/theory/point.hpp"

namespace windtunnel::theory {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Time;
using sim::time_zero;

// A zone that changes its answer at a date, and counts who asks.
class Zone final : public Callable {
 public:
  Zone() { sim_.network().add_zone("us-east-1a", "us-east-1"); }
  Resolution resolve(const Query&) override {
    ++queries;
    return {.addresses = {changed ? after_.address_of(0) : before_.address_of(0)}, .ttl = ttl};
  }
  bool is_new(const Resolution& answer) { return answer.addresses.at(0).entity == &after_; }

  bool changed = false;
  int queries = 0;
  Duration ttl = 60s;

 private:
  sim::Simulation sim_{{.horizon = 1s}};
  test::StubService before_{sim_, "before"}, after_{sim_, "after"};
};

// A resolver that is asked at random: lambda T / (1 + lambda T) of its answers come from its cache.
struct Asked {
  double hit_ratio, upstream_rate;
};
Asked asked(double rate, std::uint64_t replication) {
  constexpr int questions = 400'000;
  Zone zone;
  AnswerBook book;
  sim::Stream chance(replication), unused(1);
  const Resolvers::Settings settings;
  Resolvers resolvers(zone, sim::Operation::read, settings, 1, book, unused, 42);
  Time now = time_zero;
  for (int i = 0; i < questions; ++i) {
    now += sim::from_seconds(-std::log(chance.uniform()) / rate);
    resolvers.ask(0, now);
  }
  return {1 - static_cast<double>(zone.queries) / questions,
          zone.queries / sim::seconds(now - time_zero)};
}

class DnsTheory : public testing::TestWithParam<Point> {};
TEST_P(DnsTheory, AgreesWithTheClosedForm) { check(GetParam()); }
INSTANTIATE_TEST_SUITE_P(
    R, DnsTheory,
    testing::Values(Point{"T214", "TTL cache, lambda 0.1, TTL 60: hit ratio lambda T/(1+lambda T)",
                          6.0 / 7, 0.857143, [](auto r) { return asked(0.1, r).hit_ratio; }},
                    Point{"T215", "TTL cache: upstream query rate lambda/(1+lambda T)", 0.1 / 7,
                          0.0142857, [](auto r) { return asked(0.1, r).upstream_rate; }}),
    id_of);

// 95 % of the resolvers keep an answer for its TTL, 5 % for ten. All are asked all the time, and
// began at random. Of those with TTL T the share 1 - t/T holds the old answer t after the change.
TEST(DnsTheory, AMixtureOfTtlsLetsGoByItsParts) {
  constexpr std::uint32_t count = 200'000;
  constexpr double ttl = 60;
  Zone zone;
  AnswerBook book;
  sim::Stream chance(1), phase(2);
  Resolvers::Settings settings;
  settings.count = count;
  settings.rules = TtlRules({{.share = 0.95}, {.share = 0.05, .times = 10}});
  Resolvers resolvers(zone, sim::Operation::read, settings, count, book, chance, 42);
  // When each fetched its answer first. Ten TTLs are a whole number of TTLs: all rules are in
  // their steady state.
  std::vector<Time> next(count);
  for (Time& time : next) time = time_zero + sim::from_seconds(10 * ttl * phase.uniform());
  const Time change = time_zero + sim::from_seconds(10 * ttl);
  for (std::uint32_t i = 0; i < count; ++i) {
    while (next[i] < change) next[i] += resolvers.ask(i, next[i]).ttl;
  }
  for (const double after : {1.0, 15.0, 30.0, 45.0, 59.0, 120.0, 300.0, 540.0}) {
    const Time now = change + sim::from_seconds(after);
    const double theory =
        0.95 * std::max(0.0, 1 - after / ttl) + 0.05 * std::max(0.0, 1 - after / (10 * ttl));
    const auto old = std::count_if(next.begin(), next.end(), [&](Time t) { return t > now; });
    const double error = std::sqrt(theory * (1 - theory) / count);
    EXPECT_NEAR(static_cast<double>(old) / count, theory, 3.5 * error) << after << " s after";
  }
  // Each goes to the new answer with its first question after its time.
  zone.changed = true;
  for (std::uint32_t i = 0; i < count; i += 1000) {
    EXPECT_FALSE(zone.is_new(book[resolvers.ask(i, next[i] - 1ns).answer]));
    EXPECT_TRUE(zone.is_new(book[resolvers.ask(i, next[i]).answer]));
  }
}

// The same, asked at random instead of all the time: the answer that a resolver holds when the name
// changes is a memory of who asked, so some hold none. Held at a random moment with the probability
// lambda T / (1 + lambda T), its rest of life is uniform.
TEST(DnsTheory, ResolversThatAreAskedSeldomHoldLess) {
  constexpr std::uint32_t count = 100'000;
  constexpr double ttl = 60, rate = 1.0 / 120;
  Zone zone;
  AnswerBook book;
  sim::Stream chance(1), draws(3);
  Resolvers::Settings settings;
  settings.count = count;
  Resolvers resolvers(zone, sim::Operation::read, settings, count, book, chance, 42);
  const Time change = time_zero + 20min;
  std::vector<Time> expires(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    for (Time now = time_zero;;) {
      now += sim::from_seconds(-std::log(draws.uniform()) / rate);
      if (now >= change) break;
      expires[i] = now + resolvers.ask(i, now).ttl;
    }
  }
  for (const double after : {0.0, 20.0, 40.0}) {
    const double theory = rate * ttl / (1 + rate * ttl) * (1 - after / ttl);
    const auto old = std::count_if(expires.begin(), expires.end(),
                                   [&](Time t) { return t > change + sim::from_seconds(after); });
    EXPECT_NEAR(static_cast<double>(old) / count, theory,
                3.5 * std::sqrt(theory * (1 - theory) / count));
  }
}

}  // namespace
}  // namespace windtunnel::theory
