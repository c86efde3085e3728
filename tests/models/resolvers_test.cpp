#include "models/mechanisms/resolvers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "models/mechanisms/geography.hpp"
#include "tests/support/stub_service.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Time;
using sim::time_zero;
using testing::ElementsAre;

Time at(Duration since) { return time_zero + since; }

TEST(TtlCache, AnEntryIsFreshUntilItsTimeAndStaleAfterwards) {
  TtlCache<int> cache;
  EXPECT_EQ(cache.find(7), nullptr);
  cache.put(7, 70, at(10s));
  EXPECT_TRUE(cache.find(7)->fresh(at(10s) - 1ns));
  EXPECT_FALSE(cache.find(7)->fresh(at(10s)));
  EXPECT_EQ(cache.find(7)->value, 70);
  cache.put(7, 71, at(20s));
  EXPECT_EQ(cache.find(7)->value, 71);
  EXPECT_EQ(cache.size(), 1u);
}

TEST(TtlCache, AFullCacheForgetsTheLeastRecentlyUsed) {
  TtlCache<int> cache(3);
  for (const std::uint64_t key : {1, 2, 3}) cache.put(key, 0, at(1h));
  cache.find(1);  // now 2 is the oldest
  std::vector<std::uint64_t> evicted;
  cache.put(4, 0, at(1h), [&](const auto& entry) { evicted.push_back(entry.key); });
  EXPECT_THAT(evicted, ElementsAre(2u));
  EXPECT_EQ(cache.find(2), nullptr);
  EXPECT_NE(cache.find(1), nullptr);
  EXPECT_EQ(cache.size(), 3u);
}

// Against a map and a list of uses, with so many erasures that every kind of gap in the index
// comes.
TEST(TtlCache, DoesWhatAMapAndAListOfUsesDo) {
  constexpr std::size_t capacity = 100;
  TtlCache<std::uint64_t> cache(capacity);
  std::map<std::uint64_t, std::uint64_t> values, used;
  sim::Stream chance(1);
  for (std::uint64_t step = 1; step <= 200'000; ++step) {
    const std::uint64_t key = chance.below(250);
    const bool known = values.contains(key);
    const std::uint32_t what = chance.below(3);
    if (what == 0) {
      cache.erase(key);
      values.erase(key);
      used.erase(key);
    } else if (what == 1) {
      const auto* found = cache.find(key);
      ASSERT_EQ(found != nullptr, known) << step;
      if (known) {
        ASSERT_EQ(found->value, values[key]) << step;
        used[key] = step;
      }
    } else {
      if (!known && values.size() == capacity) {
        auto oldest = used.begin();
        for (auto it = used.begin(); it != used.end(); ++it) {
          if (it->second < oldest->second) oldest = it;
        }
        values.erase(oldest->first);
        used.erase(oldest);
      }
      cache.put(key, step, at(1h));
      values[key] = used[key] = step;
    }
    ASSERT_EQ(cache.size(), values.size()) << step;
  }
}

TEST(TtlRules, KeepWhatTheyMakeOfATtl) {
  EXPECT_EQ(TtlRule{}.kept(60s), 60s);
  EXPECT_EQ((TtlRule{.times = 10}.kept(60s)), 10min);
  EXPECT_EQ((TtlRule{.at_least = 5min}.kept(60s)), 5min);
  EXPECT_EQ((TtlRule{.at_least = 30s, .at_most = 30s}.kept(60s)), 30s);
  EXPECT_EQ((TtlRule{.at_most = 0s}.kept(60s)), 0s);
  EXPECT_EQ((TtlRule{.forever = true}.kept(60s)), sim::forever);
}

TEST(TtlRules, AreObeyedByTheirSharesOfTheCaches) {
  const TtlRules rules({{.share = 0.95}, {.share = 0.05, .times = 10}});
  int longer = 0;
  for (std::uint64_t cache = 0; cache < 100'000; ++cache) {
    const Duration kept = rules.of(cache, 42).kept(60s);
    EXPECT_EQ(kept, rules.of(cache, 42).kept(60s));  // today as yesterday
    longer += kept == 10min;
  }
  EXPECT_NEAR(longer, 5000, 4 * std::sqrt(100'000 * 0.05 * 0.95));
}

TEST(AnswerBook, KeepsEqualAnswersOnceAndForgetsWhatNobodyHolds) {
  sim::Simulation sim{{.horizon = 1s}};
  sim.network().add_zone("us-east-1a", "us-east-1");
  test::StubService web(sim, "web");
  AnswerBook book;
  const Resolution one{.addresses = {web.address_of(0)}, .ttl = 60s};
  Resolution other = one;
  other.ttl = 5s;
  const std::uint32_t number = book.enter(one);
  EXPECT_EQ(book.enter(one), number);
  EXPECT_NE(book.enter(other), number);
  EXPECT_EQ(book.size(), 2u);
  book.release(number);
  EXPECT_EQ(book[number].ttl, 60s);
  book.release(number);
  EXPECT_EQ(book.size(), 1u);
}

// A zone whose answers a test counts and changes.
class ResolversTest : public testing::Test {
 protected:
  struct Zone : Callable {
    Resolution resolve(const Query& query) override {
      ++queries;
      from = query.from;
      subnet = query.subnet != nullptr ? std::optional(*query.subnet) : std::nullopt;
      return answer;
    }
    Resolution answer;
    int queries = 0;
    const Location* from = nullptr;
    std::optional<IpPrefix> subnet;
  };
  ResolversTest() {
    sim.network().add_zone("us-east-1a", "us-east-1");
    zone.answer = {.addresses = {web.address_of(0)}, .ttl = 60s};
  }
  Resolvers made() { return {zone, sim::Operation::read, settings, 100, book, chance, 42}; }

  sim::Simulation sim{{.horizon = 1s}};
  test::StubService web{sim, "web"};
  Zone zone;
  AnswerBook book;
  sim::Stream chance{1};
  Resolvers::Settings settings;
};

TEST_F(ResolversTest, MachinesOfOneResolverShareItsAnswerForWhatIsLeftOfTheTtl) {
  settings.count = 2;
  Resolvers resolvers = made();
  EXPECT_EQ(resolvers.ask(0, at(0s)).ttl, 60s);
  EXPECT_EQ(resolvers.ask(2, at(20s)).ttl, 40s);  // of the same resolver
  EXPECT_EQ(zone.queries, 1);
  resolvers.ask(1, at(20s));  // of the other
  EXPECT_EQ(zone.queries, 2);
  const auto late = resolvers.ask(4, at(60s));
  EXPECT_EQ(zone.queries, 3);
  EXPECT_EQ(late.given, 60'000u);
}

TEST_F(ResolversTest, OnlyALookupThatIsNotCachedTakesARecursion) {
  settings.recursion = sim::Distribution::constant(30ms);
  Resolvers resolvers = made();
  EXPECT_EQ(resolvers.recursion(0, at(0s), chance), 30ms);
  resolvers.ask(0, at(30ms));
  EXPECT_EQ(resolvers.recursion(0, at(60s), chance), 0ms);
  EXPECT_EQ(resolvers.recursion(0, at(61s), chance), 30ms);
}

TEST_F(ResolversTest, ThatANameHasNoAddressIsKeptForTheNegativeTtl) {
  zone.answer.addresses.clear();
  Resolvers resolvers = made();
  EXPECT_EQ(resolvers.ask(0, at(0s)).ttl, 900s);
  zone.answer.addresses = {web.address_of(0)};
  EXPECT_TRUE(book[resolvers.ask(0, at(899s)).answer].addresses.empty());
  EXPECT_FALSE(book[resolvers.ask(0, at(900s)).answer].addresses.empty());
}

TEST_F(ResolversTest, ARuntimeKeepsItsAnswerByARuleOfItsOwn) {
  settings.runtimes = TtlRules({{.at_least = 30s, .at_most = 30s}});  // a JVM
  Resolvers resolvers = made();
  EXPECT_EQ(resolvers.kept_by_runtime(0, resolvers.ask(0, at(0s))), 30s);
  EXPECT_EQ(resolvers.kept_by_runtime(0, resolvers.ask(0, at(55s))), 30s);  // 5 s were left
  zone.answer.addresses.clear();
  EXPECT_EQ(resolvers.kept_by_runtime(0, resolvers.ask(0, at(60s))), 0s);
}

TEST_F(ResolversTest, TheServerSeesTheResolverOrWithClientSubnetTheMachines) {
  settings.place = find_location("US");
  settings.network = IpPrefix::parse("192.0.2.0/24");
  settings.clients = find_location("BR");
  settings.clients_network = IpPrefix::parse("203.0.113.0/24");
  made().ask(0, at(0s));
  EXPECT_EQ(zone.from, find_location("US"));
  EXPECT_EQ(zone.subnet, IpPrefix::parse("192.0.2.0/24"));
  settings.client_subnet = true;
  made().ask(0, at(0s));
  EXPECT_EQ(zone.from, find_location("BR"));
  EXPECT_EQ(zone.subnet, IpPrefix::parse("203.0.113.0/24"));
}

}  // namespace
}  // namespace windtunnel
