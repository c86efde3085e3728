// The capacity that target tracking decides on: points T266 and T267 of the theory table (group W,
// shared/validation), ceil(current x metric / target), on the whole mechanism: metric, alarm,
// policy.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "tests/models/scaling_world.hpp"

namespace windtunnel {
namespace {

struct Point {
  const char* id;
  std::int64_t current;
  double metric, target;
  std::int64_t tabulated;
};
constexpr Point points[] = {{"T266", 10, 80, 50, 16}, {"T267", 4, 60, 50, 5}};

TEST(TargetTrackingTheory, T266_T267_CapacityInProportion) {
  using namespace std::chrono_literals;
  for (const Point& point : points) {
    test::ScalingWorld world(
        "scaling_policies: [{name: p, target_tracking: {predefined_metric: "
        "ASGAverageCPUUtilization, target_value: " +
            std::to_string(point.target) + "}}]",
        {.desired = point.current, .launch = 1h});
    world.metric_is(point.metric);
    world.sim.run();
    const double formula =
        std::ceil(static_cast<double>(point.current) * point.metric / point.target);
    EXPECT_EQ(static_cast<std::int64_t>(formula), point.tabulated) << point.id;
    ASSERT_EQ(world.group.decisions.size(), 1u) << point.id;
    std::printf("%s: %lld, theory %g\n", point.id,
                static_cast<long long>(world.group.decisions[0].to), formula);
    EXPECT_EQ(world.group.decisions[0].to, point.tabulated) << point.id;
  }
}

}  // namespace
}  // namespace windtunnel
