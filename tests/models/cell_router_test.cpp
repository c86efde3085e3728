#include "models/network/cell_router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/small_run.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Outcome;
using testing::HasSubstr;

// Stations that never wait, and a router that gives each a second.
std::string cells(int count, const std::string& router, const std::string& law = "1ms") {
  std::string all, names;
  for (int i = 0; i < count; ++i) {
    all += fmt::format("w{}: {{station: {{servers: 100, service_time: {}}}}}, ", i, law);
    names += fmt::format("{}w{}", i == 0 ? "" : ", ", i);
  }
  return all +
         fmt::format("router: {{cell_router: {{cells: [{}], timeout: 1s{}}}}}", names, router);
}
double arrivals(const SmallRun& run, int cell) {
  return run.metric(fmt::format("w{}", cell), "Arrivals");
}
std::set<int> cells_used(const SmallRun& run, int count) {
  std::set<int> used;
  for (int i = 0; i < count; ++i) {
    if (arrivals(run, i) > 0) used.insert(i);
  }
  return used;
}

TEST(CellRouter, ACustomersRequestsGoToTheCellsOfItsShardAlone) {
  SmallRun run(small_experiment(cells(8, ", shard_size: 3"), "horizon: 1min"));
  Machine& customer = run.machine("router", {});
  for (int i = 0; i < 60; ++i) run.script.at(i * 500ms, [&] { customer.call(); });
  run.sim.run();
  EXPECT_EQ(cells_used(run, 8).size(), 3u);
  EXPECT_EQ(run.metric("router", "Requests"), 60);
  EXPECT_EQ(run.metric("router", "NextCellTried"), 0);
}

TEST(CellRouter, FixedShardsAreGroupsOfNeighbours) {
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    SmallRun run(small_experiment(cells(8, ", sharding: fixed, shard_size: 2"), "horizon: 1min"));
    auto& customer = static_cast<Machine&>(run.sim.add(std::make_unique<Machine>(
        run.sim, run.find<Callable>("router"), run.connection, sim::horizon_limit, name)));
    for (int i = 0; i < 40; ++i) run.script.at(i * 1s, [&] { customer.call(); });
    run.sim.run();
    const auto used = cells_used(run, 8);
    ASSERT_EQ(used.size(), 2u);
    EXPECT_EQ(*used.begin() % 2, 0);
    EXPECT_EQ(*used.rbegin(), *used.begin() + 1);
  }
}

TEST(CellRouter, ACellThatFailsOrDoesNotAnswerIsFollowedByTheNextOfTheShard) {
  SmallRun run(small_experiment(
      cells(2, "", "1ms"), "horizon: 1h, faults: [{at: 0s, slow: {target: w0, factor: 1000000}}]"));
  Machine& customer = run.machine("router", {});
  for (int i = 0; i < 40; ++i) run.script.at(i * 10s, [&] { customer.call(); });
  run.sim.run();
  int late = 0;
  for (std::size_t i = 0; i < customer.ended.size(); ++i) {
    EXPECT_EQ(customer.ended[i].outcome, Outcome::ok);
    const sim::Duration took = customer.ended[i].at - static_cast<int>(i) * 10s;
    EXPECT_TRUE(took == 1ms || took == 1001ms) << took.count();
    late += took == 1001ms;
  }
  EXPECT_EQ(customer.ended.size(), 40u);
  EXPECT_EQ(run.metric("router", "NextCellTried"), late);
  EXPECT_NEAR(late, 20, 3.5 * std::sqrt(10));
}

TEST(CellRouter, ARequestFailsWhenAllCellsOfItsShardHave) {
  SmallRun run(small_experiment(
      cells(3, ", shard_size: 3"),
      "horizon: 1min, faults: [{at: 0s, errors: {target: w0, share: 100%}}, {at: 0s, errors: "
      "{target: w1, share: 100%}}, {at: 0s, errors: {target: w2, share: 100%}}]"));
  Machine& customer = run.machine("router", {1s});
  run.sim.run();
  ASSERT_EQ(customer.ended.size(), 1u);
  EXPECT_EQ(customer.ended[0].outcome, Outcome::error);
  EXPECT_EQ(customer.ended[0].at, 1003ms);
  EXPECT_EQ(run.metric("router", "ShardFailed"), 1);
}

TEST(CellRouter, CustomersMayBeClassesOfRequestsWhoeverSendsThem) {
  SmallRun run(
      small_experiment(client("router", "open: {deterministic: 10/s}, requests: [{path: /one}]") +
                           ", " + cells(8, ", shard_size: 1, customer: request_class"),
                       "horizon: 1min"));
  run.machine("router", {});
  run.sim.run();
  EXPECT_EQ(cells_used(run, 8).size(), 1u);
}

TEST(CellRouter, ShardsThatDoNotFitAreRefused) {
  const auto refusal = [](int count, const std::string& router) {
    try {
      SmallRun run(small_experiment(cells(count, router), "horizon: 1min"));
    } catch (const std::exception& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal(2, ", shard_size: 3"), HasSubstr("3 is more than the 2 cells there are"));
  EXPECT_THAT(refusal(5, ", sharding: fixed, shard_size: 2"),
              HasSubstr("5 cells cannot stand in groups of 2"));
}

}  // namespace
}  // namespace windtunnel::test
