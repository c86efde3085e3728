#include "models/mechanisms/dns_routing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace windtunnel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DnsRoutingTest : public testing::Test {
 protected:
  using Answers = std::vector<std::uint32_t>;
  Query from(const char* place) {
    const Location* found = find_location(place);
    if (found == nullptr) throw std::runtime_error(place);
    return {sim::Operation::read, chance, found};
  }
  Query nobody() { return {sim::Operation::read, chance}; }
  static Answers choose(const DnsRouting& routing, const Query& query,
                        const std::vector<std::uint8_t>& healthy) {
    Answers chosen;
    routing.choose(query, healthy, chosen);
    return chosen;
  }
  std::map<std::uint32_t, int> draws(const DnsRouting& routing,
                                     const std::vector<std::uint8_t>& healthy) {
    std::map<std::uint32_t, int> counts;
    for (int i = 0; i < draws_; ++i) ++counts[choose(routing, nobody(), healthy).front()];
    return counts;
  }
  static Location region(const char* code) { return *find_location(code); }
  static NearestRouting nearest(NearestRouting::By by) {
    return NearestRouting(
        by, {{region("us-east-1")}, {region("eu-west-1")}, {region("ap-northeast-1")}});
  }
  static constexpr int draws_ = 40'000;
  sim::Stream chance{1};
};

TEST_F(DnsRoutingTest, WeightsAreDrawnAtEveryQuery) {
  const WeightedRouting routing({70, 30});
  auto counts = draws(routing, {1, 1});
  EXPECT_NEAR(counts[0], 0.7 * draws_, 4 * std::sqrt(draws_ * 0.7 * 0.3));
  // The sum is that of the healthy ones.
  EXPECT_EQ(draws(routing, {0, 1}).size(), 1u);
}

TEST_F(DnsRoutingTest, Rule39_AllUnhealthyMeansAllHealthy) {
  EXPECT_THAT(choose(OrderedRouting(), nobody(), {0, 0}), ElementsAre(0));
  auto counts = draws(WeightedRouting({70, 30}), {0, 0});
  EXPECT_NEAR(counts[1], 0.3 * draws_, 4 * std::sqrt(draws_ * 0.7 * 0.3));
}

TEST_F(DnsRoutingTest, Rule39_WeightZeroIsUsedWhenAllNonZeroRecordsAreDown) {
  const WeightedRouting routing({10, 0, 0});
  EXPECT_THAT(draws(routing, {1, 1, 1}), ElementsAre(testing::Pair(0, draws_)));
  EXPECT_THAT(choose(routing, nobody(), {0, 0, 1}), ElementsAre(2));
  auto counts = draws(routing, {0, 1, 1});
  EXPECT_NEAR(counts[1], 0.5 * draws_, 4 * std::sqrt(draws_ * 0.25));
  // Nobody is healthy: the weights count again.
  EXPECT_THAT(draws(routing, {0, 0, 0}), ElementsAre(testing::Pair(0, draws_)));
}

TEST_F(DnsRoutingTest, OfWeightsThatAreAllZeroAllAreDrawnAlike) {
  auto counts = draws(WeightedRouting({0, 0}), {1, 1});
  EXPECT_NEAR(counts[0], 0.5 * draws_, 4 * std::sqrt(draws_ * 0.25));
}

TEST_F(DnsRoutingTest, AChangedWeightCountsFromTheNextQuery) {
  WeightedRouting routing({1, 0});
  routing.set_weight(0, 0);
  routing.set_weight(1, 255);
  EXPECT_THAT(draws(routing, {1, 1}), ElementsAre(testing::Pair(1, draws_)));
}

TEST_F(DnsRoutingTest, LatencyAnswersTheRegionWithTheLeastRoundTripThenTheNext) {
  const auto routing = nearest(NearestRouting::By::round_trip);
  EXPECT_THAT(choose(routing, from("DE"), {1, 1, 1}), ElementsAre(1));
  EXPECT_THAT(choose(routing, from("JP"), {1, 1, 1}), ElementsAre(2));
  EXPECT_THAT(choose(routing, from("US-NY"), {1, 1, 1}), ElementsAre(0));
  EXPECT_THAT(choose(routing, from("DE"), {1, 0, 1}), ElementsAre(0));
}

TEST_F(DnsRoutingTest, OfWhomNothingIsKnownAllRegionsAreEquallyFar) {
  auto counts = draws(nearest(NearestRouting::By::round_trip), {1, 1, 1});
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(counts[i], draws_ / 3.0, 4 * std::sqrt(draws_ * 2 / 9.0));
  }
}

TEST_F(DnsRoutingTest, Rule39_GeolocationClimbsTheHierarchyElseGivesNoAnswer) {
  const GeolocationRouting routing({{.continent = "", .country = "US", .subdivision = "CA"},
                                    {.continent = "", .country = "US", .subdivision = ""},
                                    {.continent = "NA", .country = "", .subdivision = ""},
                                    {.continent = "EU", .country = "", .subdivision = ""}});
  const std::vector<std::uint8_t> all{1, 1, 1, 1};
  EXPECT_THAT(choose(routing, from("US-CA"), all), ElementsAre(0));
  EXPECT_THAT(choose(routing, from("US-NY"), all), ElementsAre(1));
  EXPECT_THAT(choose(routing, from("MX"), all), ElementsAre(2));
  EXPECT_THAT(choose(routing, from("DE"), all), ElementsAre(3));
  EXPECT_THAT(choose(routing, from("JP"), all), IsEmpty());
  EXPECT_THAT(choose(routing, nobody(), all), IsEmpty());
  // Up, as records turn unhealthy; all of them: the most specific one.
  EXPECT_THAT(choose(routing, from("US-CA"), {0, 1, 1, 1}), ElementsAre(1));
  EXPECT_THAT(choose(routing, from("US-CA"), {0, 0, 1, 1}), ElementsAre(2));
  EXPECT_THAT(choose(routing, from("US-CA"), {0, 0, 0, 1}), ElementsAre(0));
}

TEST_F(DnsRoutingTest, TheDefaultLocationAnswersWhomNoOtherDoes) {
  const GeolocationRouting routing({{.continent = "EU", .country = "", .subdivision = ""},
                                    {.continent = "", .country = "*", .subdivision = ""}});
  EXPECT_THAT(choose(routing, from("JP"), {1, 1}), ElementsAre(1));
  EXPECT_THAT(choose(routing, nobody(), {1, 1}), ElementsAre(1));
  EXPECT_THAT(choose(routing, from("DE"), {0, 1}), ElementsAre(1));
}

TEST_F(DnsRoutingTest, IpBasedAnswersTheLongestMatchingBlockThenTheDefault) {
  const auto block = [](const char* text) { return *IpPrefix::parse(text); };
  const IpBasedRouting routing(
      {{block("10.0.0.0/8")}, {block("10.1.0.0/16"), block("2001:db8::/32")}, {}});
  const auto asks = [&](const char* network) {
    const IpPrefix subnet = block(network);
    Query query = nobody();
    query.subnet = &subnet;
    return choose(routing, query, {1, 1, 1});
  };
  EXPECT_THAT(asks("10.2.3.0/24"), ElementsAre(0));
  EXPECT_THAT(asks("10.1.3.0/24"), ElementsAre(1));
  EXPECT_THAT(asks("2001:db8:1::/48"), ElementsAre(1));
  EXPECT_THAT(asks("192.0.2.0/24"), ElementsAre(2));
  EXPECT_THAT(asks("10.0.0.0/7"), ElementsAre(2));  // shorter than any entry
  EXPECT_THAT(choose(routing, nobody(), {1, 1, 1}), ElementsAre(2));
}

// Route 53 guide: a bias of 50 halves a distance, one of -50 doubles it.
TEST_F(DnsRoutingTest, ABiasMovesTheBorderBetweenTwoPlaces) {
  EXPECT_DOUBLE_EQ(bias_factor(50), 0.5);
  EXPECT_DOUBLE_EQ(bias_factor(0), 1);
  EXPECT_DOUBLE_EQ(bias_factor(-50), 2);
  const auto with_bias = [&](double bias) {
    return NearestRouting(NearestRouting::By::distance,
                          {{region("us-east-1")}, {region("eu-west-1"), bias_factor(bias)}});
  };
  // 4,900 km and 8,900 km from Brazil's and the US's points of view: Ireland draws the US only
  // with a strong bias.
  EXPECT_THAT(choose(with_bias(0), from("US-NY"), {1, 1}), ElementsAre(0));
  EXPECT_THAT(choose(with_bias(99), from("US-NY"), {1, 1}), ElementsAre(1));
  EXPECT_THAT(choose(with_bias(0), from("DE"), {1, 1}), ElementsAre(1));
  EXPECT_THAT(choose(with_bias(-99), from("DE"), {1, 1}), ElementsAre(0));
}

TEST_F(DnsRoutingTest, MultivalueGivesUpToEightHealthyOnesInRandomOrder) {
  const MultivalueRouting routing;
  EXPECT_THAT(choose(routing, nobody(), {1, 0, 1}), testing::UnorderedElementsAre(0, 2));
  const std::vector<std::uint8_t> ten(10, 1), dead(10, 0);
  std::set<std::uint32_t> seen, first;
  for (int i = 0; i < 200; ++i) {
    const Answers answers = choose(routing, nobody(), ten);
    ASSERT_EQ(std::set<std::uint32_t>(answers.begin(), answers.end()).size(), 8u);
    seen.insert(answers.begin(), answers.end());
    first.insert(answers.front());
  }
  EXPECT_EQ(seen.size(), 10u);
  EXPECT_EQ(first.size(), 10u);
  EXPECT_EQ(choose(routing, nobody(), dead).size(), 8u);
}

}  // namespace
}  // namespace windtunnel
