#include "models/mechanisms/listener_rules.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace windtunnel {
namespace {

TEST(PatternTest, AStarIsAnyTextAndAQuestionMarkOneCharacter) {
  EXPECT_TRUE(matches("/img/*", "/img/a/b.png"));
  EXPECT_TRUE(matches("/img/*", "/img/"));
  EXPECT_FALSE(matches("/img/*", "/img"));
  EXPECT_TRUE(matches("*.example.com", "api.example.com"));
  EXPECT_FALSE(matches("*.example.com", "example.com"));
  EXPECT_TRUE(matches("/v?/users", "/v1/users"));
  EXPECT_FALSE(matches("/v?/users", "/v/users"));
  EXPECT_FALSE(matches("/v?/users", "/v10/users"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_FALSE(matches("", "/"));
}

TEST(PatternTest, AStarTakesAsMuchAsTheRestNeeds) {
  EXPECT_TRUE(matches("*/b/*", "/a/b/a/b/c"));
  EXPECT_TRUE(matches("*ab", "aab"));
  EXPECT_TRUE(matches("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(matches("a*b*c", "a-c-b"));
}

class ListenerRulesTest : public testing::Test {
 protected:
  std::uint16_t found(const std::string& host, const std::string& path) {
    return rules.find(sim, sim.number_of({host, path}));
  }
  sim::Simulation sim{{.horizon = std::chrono::hours(1)}};
  ListenerRules rules;
};

TEST_F(ListenerRulesTest, TheFirstRuleThatMatchesCountsAndElseTheDefault) {
  rules.add({{}, {"/api/*"}});
  rules.add({{}, {"/api/admin", "/health"}});
  EXPECT_EQ(found("", "/api/admin"), 0);
  EXPECT_EQ(found("", "/health"), 1);
  EXPECT_EQ(found("", "/"), 2);
}

TEST_F(ListenerRulesTest, HostAndPathMustBothMatch) {
  rules.add({{"api.example.com"}, {"/v1/*"}});
  EXPECT_EQ(found("api.example.com", "/v1/users"), 0);
  EXPECT_EQ(found("api.example.com", "/"), 1);
  EXPECT_EQ(found("www.example.com", "/v1/users"), 1);
  EXPECT_EQ(found("", "/v1/users"), 1);
}

TEST_F(ListenerRulesTest, CaseCountsInPathsAndNotInHosts) {
  rules.add({{"*.Example.com"}, {"/Img"}});
  EXPECT_EQ(found("WWW.example.COM", "/Img"), 0);
  EXPECT_EQ(found("www.example.com", "/img"), 1);
}

TEST_F(ListenerRulesTest, AClassThatComesLaterIsLookedUpToo) {
  rules.add({{}, {"/a"}});
  EXPECT_EQ(found("", "/"), 1);
  EXPECT_EQ(found("", "/a"), 0);
  EXPECT_EQ(found("", "/b"), 1);
}

TEST(WeightedGroupsTest, EachGroupGetsItsShareOfTheWeights) {
  WeightedGroups groups;
  groups.add(0, 1);
  groups.add(1, 0);
  groups.add(2, 3);
  std::map<std::uint16_t, double> drawn;
  sim::Stream chance(1);
  for (int i = 0; i < 10'000; ++i) ++drawn[groups.draw(chance)];
  EXPECT_NEAR(drawn[0], 2500, 4.5 * std::sqrt(10'000 * 0.25 * 0.75));
  EXPECT_EQ(drawn[1], 0);
  EXPECT_EQ(drawn[0] + drawn[2], 10'000);
}

}  // namespace
}  // namespace windtunnel
