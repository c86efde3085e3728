// Which of several places a task takes, and which task goes first.
#include "models/compute/ecs_placement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace windtunnel {
namespace {

using testing::ElementsAre;
using Strategies = std::vector<PlacementStrategy>;

// The candidates that come up over many choices.
std::set<std::size_t> chosen(const std::vector<PlacementCandidate>& candidates,
                             const Strategies& strategies, bool removing = false) {
  sim::Stream chance(1);
  std::set<std::size_t> found;
  for (int i = 0; i < 100; ++i) {
    found.insert(removing ? remove(candidates, strategies, chance)
                          : place(candidates, strategies, chance));
  }
  return found;
}

// Tasks in the zone, on the instance, CPU units and memory that are left.
const std::vector<PlacementCandidate> four = {
    {2, 1, {2048, 1000}}, {1, 1, {1024, 4000}}, {1, 0, {2048, 2000}}, {3, 2, {512, 3000}}};

TEST(EcsPlacement, SpreadTakesTheZoneOrTheInstanceWithTheFewestTasks) {
  EXPECT_THAT(chosen(four, {PlacementStrategy::spread_zones}), ElementsAre(1, 2));
  EXPECT_THAT(chosen(four, {PlacementStrategy::spread_instances}), ElementsAre(2));
}

TEST(EcsPlacement, BinpackTakesTheInstanceWithTheLeastRoom) {
  EXPECT_THAT(chosen(four, {PlacementStrategy::binpack_cpu}), ElementsAre(3));
  EXPECT_THAT(chosen(four, {PlacementStrategy::binpack_memory}), ElementsAre(0));
}

TEST(EcsPlacement, RandomTakesAny) {
  EXPECT_THAT(chosen(four, {PlacementStrategy::random}), ElementsAre(0, 1, 2, 3));
}

TEST(EcsPlacement, StrategiesNarrowEachOthersChoice) {
  EXPECT_THAT(chosen(four, {PlacementStrategy::spread_zones, PlacementStrategy::binpack_cpu}),
              ElementsAre(1));
  EXPECT_THAT(chosen(four, {PlacementStrategy::spread_zones, PlacementStrategy::binpack_memory}),
              ElementsAre(2));
}

TEST(EcsPlacement, TasksGoWhereThereAreMost) {
  EXPECT_THAT(chosen(four, {PlacementStrategy::spread_zones}, true), ElementsAre(3));
  EXPECT_THAT(chosen(four, {PlacementStrategy::binpack_cpu}, true), ElementsAre(0, 2));
}

TEST(TaskSize, FitsAsOftenAsTheScarcerResourceAllows) {
  const TaskSize task{512, 1024}, instance{2048, 3000};
  EXPECT_EQ(task.times_in(instance), 2);
  EXPECT_TRUE(task.fits_in(instance));
  EXPECT_FALSE((TaskSize{512, 3001}.fits_in(instance)));
  EXPECT_EQ((TaskSize{4096, 1}.times_in(instance)), 0);
}

}  // namespace
}  // namespace windtunnel
