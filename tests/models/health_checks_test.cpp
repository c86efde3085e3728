#include "models/mechanisms/health_checks.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "tests/models/alb_world.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Time;
using sim::time_zero;

// Dates of the checks of each pair of a node and a target.
std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<Time>> dates(const AlbWorld& world) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<Time>> found;
  for (const auto& check : world.web->checks) {
    found[{check.node, check.target}].push_back(check.at);
  }
  return found;
}

TEST(HealthChecks, EveryNodeChecksEveryTargetAtAPhaseOfItsOwnAndKeepsIt) {
  AlbWorld world("", 20, 3);
  world.sim.run();
  const auto pairs = dates(world);
  ASSERT_EQ(pairs.size(), 60u);
  double phases = 0;
  for (const auto& [pair, checks] : pairs) {
    ASSERT_EQ(checks.size(), 240u);
    EXPECT_LT(checks[0], time_zero + 30s);
    for (std::size_t i = 1; i < checks.size(); ++i) EXPECT_EQ(checks[i] - checks[i - 1], 30s);
    phases += sim::seconds(checks[0] - time_zero) / 60;
  }
  EXPECT_NEAR(phases, 15, 4.5 * 30 / std::sqrt(12 * 60));
}

TEST(HealthChecks, AnAnswerThatNeverComesDoesNotShiftTheNextCheck) {
  AlbWorld world;
  world.script->operate_at(100s, [&] { world.web->lose(0); });
  world.script->operate_at(301s, [&] { world.web->restore(0); });
  world.sim.run();
  const auto checks = dates(world).at({0, 0});
  for (const Time date : checks) EXPECT_EQ((date - checks[0]) % 30s, 0s);
  EXPECT_EQ(world.alb->checks.sent.value(), 240u);
  EXPECT_EQ(world.alb->checks.failed.value(), 240u - checks.size());
}

TEST(HealthChecks, ATargetThatCameBackIsCheckedOnceAnInterval) {
  AlbWorld world(", target_registration: 0s");
  for (int i = 0; i < 3; ++i) {
    world.script->at(100s + i * 10s, [&] { world.web->leave(0); });
    world.script->at(101s + i * 10s, [&] { world.web->enter(0); });
  }
  world.sim.run();
  const auto checks = dates(world).at({0, 0});
  std::vector<Time> late;
  for (const Time date : checks) {
    if (date > time_zero + 200s) late.push_back(date);
  }
  for (std::size_t i = 1; i < late.size(); ++i) EXPECT_EQ(late[i] - late[i - 1], 30s);
}

TEST(HealthChecks, ADeadNodeChecksNothing) {
  AlbWorld world("", 1, 2);
  world.script->operate_at(100s, [&] {
    world.sim.platform().lose_hosts({world.alb->nodes()[1].host}, sim::HostLoss::silence);
  });
  world.sim.run();
  EXPECT_LT(dates(world).at({1, 0}).back(), time_zero + 100s);
  EXPECT_GT(dates(world).at({0, 0}).back(), time_zero + 7000s);
}

}  // namespace
}  // namespace windtunnel::test
