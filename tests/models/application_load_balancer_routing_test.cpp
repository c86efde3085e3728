// Rules and target groups, algorithms, slow start, stickiness, functions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/models/alb_world.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Outcome;
using testing::Each;
using testing::ElementsAre;
using testing::Field;

constexpr auto web_and_api =
    "target_groups: [{name: web, targets: web}, {name: api, targets: api}], default_action: [web]";

double share_of(const std::vector<std::uint32_t>& chosen, std::uint32_t target) {
  return static_cast<double>(std::count(chosen.begin(), chosen.end(), target)) /
         static_cast<double>(chosen.size());
}

// ---- rules

TEST(Rules, PathsAndHostsLeadToTheirTargetGroups) {
  AlbWorld world(std::string(web_and_api) +
                 ", rules: [{path: [\"/api/*\"], forward: [api]}, "
                 "{host: [\"api.*\"], forward: [api]}]");
  Machine& page = world.machine(*world.alb);
  Machine& by_path = world.machine(*world.alb);
  Machine& by_host = world.machine(*world.alb);
  by_path.request_class = world.sim.number_of({"", "/api/users"});
  by_host.request_class = world.sim.number_of({"api.example.com", "/"});
  world.call_at(page, {1s});
  world.call_at(by_path, {2s});
  world.call_at(by_host, {3s});
  world.sim.run();
  ASSERT_EQ(world.web->requests.size(), 1u);
  EXPECT_EQ(world.web->requests[0].at, sim::time_zero + 1s);
  ASSERT_EQ(world.api->requests.size(), 2u);
  // What the request asks for goes on to the target.
  EXPECT_EQ(world.api->requests[0].request_class, by_path.request_class);
}

TEST(Rules, AForwardIsDividedByWeight) {
  AlbWorld world(std::string(web_and_api) +
                     ", rules: [{path: [/], forward: [{target_group: web, weight: 3}, api]}]",
                 1, 1, 3h);
  world.call_often(world.machine(*world.alb), 1s, 1s, 10'000);
  world.sim.run();
  EXPECT_NEAR(static_cast<double>(world.web->requests.size()), 7500,
              4.5 * std::sqrt(10'000 * 0.75 * 0.25));
  EXPECT_EQ(world.web->requests.size() + world.api->requests.size(), 10'000u);
}

TEST(Rules, AClientMayStayWithTheGroupThatWasDrawn) {
  AlbWorld world(std::string(web_and_api) +
                 ", rules: [{path: [/], forward: [web, api], stickiness: 1h}]");
  for (int i = 0; i < 20; ++i) world.call_often(world.machine(*world.alb), i * 1s, 60s, 10);
  world.sim.run();
  EXPECT_EQ(world.web->requests.size() % 10, 0u);
  EXPECT_EQ(world.web->requests.size() + world.api->requests.size(), 200u);
  EXPECT_GT(world.web->requests.size(), 0u);
  EXPECT_GT(world.api->requests.size(), 0u);
}

TEST(Rules, AnEmptyGroupIsA503ForItsRequestsAlone) {
  AlbWorld world(std::string(web_and_api) + ", rules: [{path: [/api], forward: [api]}]");
  world.api->registered_at_start = 0;
  Machine &page = world.machine(*world.alb), &api = world.machine(*world.alb);
  api.request_class = world.sim.number_of({"", "/api"});
  world.call_at(page, {1s});
  world.call_at(api, {1s});
  world.sim.run();
  EXPECT_THAT(page.ended, Each(Field(&Machine::End::outcome, Outcome::ok)));
  EXPECT_THAT(api.ended, Each(Field(&Machine::End::outcome, Outcome::unavailable)));
}

TEST(Rules, AServiceInTwoGroupsDrainsAsLongAsTheSlowerOne) {
  AlbWorld world(
      "target_groups: [{name: a, targets: web, deregistration_delay: 60s}, "
      "{name: b, targets: web, deregistration_delay: 30s}], default_action: [a, b]");
  world.sim.run();
  EXPECT_EQ(world.web->deregistration_delay, 60s);
}

// ---- slow start

// The third target comes at 100 s. While its share rises over 100 s it gets, of three targets'
// turns, on average half of what the others get: 1/5 of the requests.
TEST(SlowStart, ANewTargetsShareRisesToThatOfTheOthers) {
  AlbWorld world(
      ", slow_start: 100s, target_registration: 0s, health_check: {interval: 5s, "
      "timeout: 2s}",
      3);
  world.web->registered_at_start = 2;
  sim::Time healthy{};
  world.script->at(100s, [&] { world.web->enter(2); });
  Machine& client = world.machine(*world.alb);
  world.call_often(client, 1s, 50ms, 10'000);
  world.sim.run();
  healthy = world.web->reports.at(0).at;
  std::vector<std::uint32_t> ramp, first_tenth, after;
  for (const auto& request : world.web->requests) {
    const Duration since = request.at - healthy;
    if (since >= 0s && since < 100s) ramp.push_back(request.target);
    if (since >= 0s && since < 10s) first_tenth.push_back(request.target);
    if (since >= 100s) after.push_back(request.target);
  }
  // A share s of turns is s / (2 + s) of requests; the mean of that over 0..1 is 1 - 2 ln 1.5.
  EXPECT_NEAR(share_of(ramp, 2), 1 - 2 * std::log(1.5), 0.005);
  EXPECT_NEAR(share_of(first_tenth, 2), 0.05 / 2.05, 0.01);
  EXPECT_NEAR(share_of(after, 2), 1.0 / 3, 0.002);
}

TEST(SlowStart, TheFirstTargetsOfAGroupGetAllAtOnce) {
  AlbWorld world(
      ", slow_start: 100s, target_registration: 0s, health_check: {interval: 5s, "
      "timeout: 2s}",
      2);
  world.web->registered_at_start = 0;
  world.script->at(100s, [&] {
    world.web->enter(0);
    world.web->enter(1);
  });
  world.call_often(world.machine(*world.alb), 110s, 10ms, 100);
  world.sim.run();
  // The first of the two had nobody beside it; the second came when the first was there already.
  const std::uint32_t first = world.web->reports.at(0).target;
  EXPECT_GT(share_of(world.web->chosen(), first), 0.85);
}

// ---- weighted random

TEST(WeightedRandom, TargetsGetTheSameInRandomOrder) {
  AlbWorld world(", algorithm: weighted_random", 4);
  world.call_often(world.machine(*world.alb), 1s, 100ms, 10'000);
  world.sim.run();
  const auto chosen = world.web->chosen();
  for (std::uint32_t target = 0; target < 4; ++target) {
    EXPECT_NEAR(share_of(chosen, target), 0.25, 4.5 * std::sqrt(0.25 * 0.75 / 10'000));
  }
  int repeated = 0;
  for (std::size_t i = 1; i < chosen.size(); ++i) repeated += chosen[i] == chosen[i - 1];
  EXPECT_NEAR(repeated, 2500, 4.5 * std::sqrt(10'000 * 0.25 * 0.75));
}

// Target 3 answers half of its requests with an error, and passes its health checks.
double share_of_a_failing_target(const std::string& settings) {
  AlbWorld world(", algorithm: weighted_random" + settings, 4);
  world.web->fails = [n = 0](std::uint32_t target) mutable { return target == 3 && ++n % 2 == 0; };
  world.call_often(world.machine(*world.alb), 1s, 10ms, 30'000);
  world.sim.run();
  const auto chosen = world.web->chosen();
  return share_of({chosen.begin() + 10'000, chosen.end()}, 3);  // after 100 s
}

TEST(WeightedRandom, WithMitigationAFailingTargetGetsLittle) {
  EXPECT_LT(share_of_a_failing_target(", anomaly_mitigation: {}"), 0.02);
}

TEST(WeightedRandom, WithoutMitigationAFailingTargetGetsItsShare) {
  EXPECT_NEAR(share_of_a_failing_target(""), 0.25, 0.015);
}

// ---- stickiness

TEST(Stickiness, AClientStaysWithItsTarget) {
  AlbWorld world(", stickiness: {duration: 60s}", 4);
  std::vector<Machine*> machines;
  for (int i = 0; i < 8; ++i) {
    machines.push_back(&world.machine(*world.alb));
    world.call_often(*machines.back(), 1s + i * 1ms, 30s, 10);
  }
  world.sim.run();
  const auto chosen = world.web->chosen();
  for (std::size_t i = 8; i < chosen.size(); ++i) EXPECT_EQ(chosen[i], chosen[i % 8]);
  for (std::uint32_t target = 0; target < 4; ++target) EXPECT_EQ(share_of(chosen, target), 0.25);
}

TEST(Stickiness, ACookieNotRenewedForItsDurationIsForgotten) {
  AlbWorld world(", stickiness: {duration: 60s}", 2);
  world.call_at(world.machine(*world.alb), {1s, 60s, 119s, 179s});
  world.sim.run();
  EXPECT_THAT(world.web->chosen(), ElementsAre(0, 0, 0, 1));
}

TEST(Stickiness, AnUnhealthyTargetsClientsMoveAndStayMoved) {
  AlbWorld world(", stickiness: {}", 2);
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {1s, 200s, 500s});
  world.script->at(2s, [&] { world.web->passes = {false, true}; });
  world.script->at(201s, [&] { world.web->passes = {true, true}; });
  world.sim.run();
  EXPECT_THAT(world.web->chosen(), ElementsAre(0, 1, 1));
}

TEST(Stickiness, ATargetsClientsMoveWhenItLeaves) {
  AlbWorld world(", stickiness: {}", 2);
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {1s, 3s});
  world.script->at(2s, [&] { world.web->leave(0); });
  world.sim.run();
  EXPECT_THAT(world.web->chosen(), ElementsAre(0, 1));
}

TEST(Stickiness, AnApplicationsCookieComesWithASuccessOnly) {
  for (const bool application : {true, false}) {
    AlbWorld world(application ? ", stickiness: app_cookie" : ", stickiness: lb_cookie", 4);
    world.web->outcome = Outcome::error;
    world.call_at(world.machine(*world.alb), {1s, 2s, 3s});
    world.sim.run();
    if (application) {
      EXPECT_THAT(world.web->chosen(), ElementsAre(0, 1, 2));
    } else {
      EXPECT_THAT(world.web->chosen(), ElementsAre(0, 0, 0));
    }
  }
}

// ---- functions

constexpr auto function = "target_groups: [{name: f, lambda: fn}]";

TEST(FunctionTarget, ItIsInvokedWithoutConnectionOrHealthCheck) {
  AlbWorld world(function);
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {1s, 2s});
  world.sim.run();
  EXPECT_THAT(client.ended, Each(Field(&Machine::End::outcome, Outcome::ok)));
  EXPECT_EQ(world.fn->requests.size(), 2u);
  EXPECT_EQ(world.alb->checks.sent.value(), 0u);
  EXPECT_EQ(world.alb->metric.new_connections.value(), 0u);
  EXPECT_TRUE(world.alb->healthy());
}

// Rule 5
TEST(FunctionTarget, Rule5AnErrorOrAThrottleIsA502) {
  for (const Outcome failure : {Outcome::error, Outcome::overloaded, Outcome::timeout}) {
    AlbWorld world(function);
    world.fn->outcome = failure;
    Machine& client = world.machine(*world.alb);
    world.call_at(client, {1s});
    world.sim.run();
    EXPECT_THAT(client.ended, Each(Field(&Machine::End::outcome, Outcome::bad_gateway)));
    EXPECT_EQ(world.alb->metric.elb_502.value(), 1u);
  }
}

TEST(FunctionTarget, Rule5NoAnswerWithinTheIdleTimeoutIsA504) {
  AlbWorld world(function);
  world.fn->silent = true;
  Machine& client = world.machine(*world.alb);
  world.call_at(client, {1s});
  world.sim.run();
  EXPECT_THAT(client.ended, ElementsAre(Machine::End{61s, Outcome::gateway_timeout, 0}));
}

}  // namespace
}  // namespace windtunnel::test
