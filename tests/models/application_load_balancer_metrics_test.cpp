// What CloudWatch is told of a load balancer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/models/alb_world.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using testing::Each;

// Two targets behind two nodes, metrics that can be read as soon as a minute has ended.
class LoadBalancerMetrics : public testing::Test {
 protected:
  void begin(const std::string& settings = "") {
    nodes.clear();
    machines.clear();
    world = std::make_unique<AlbWorld>(settings + ", metric_delay: 0s", 2, 2);
  }
  // A request a second for so long, to either node by turns.
  void ask(Duration from, Duration to) {
    if (nodes.empty()) {
      for (std::uint32_t n = 0; n < 2; ++n) {
        nodes.push_back(std::make_unique<NodeName>(*world->alb, n));
        machines.push_back(&world->machine(*nodes.back()));
      }
    }
    const auto times = static_cast<int>((to - from) / 2s);
    world->call_often(*machines[0], from, 2s, times);
    world->call_often(*machines[1], from + 1s, 2s, times);
  }
  // The values of the minutes of the last ten at a date of the run.
  std::vector<double> read(const std::string& component, const std::string& metric,
                           const std::string& statistic, Duration date) {
    CloudWatch& cloudwatch = CloudWatch::of(world->sim);
    const auto index = cloudwatch.find(component, metric);
    if (!index) throw std::runtime_error("nobody publishes " + metric + " of " + component);
    cloudwatch.watch(*index);
    std::vector<double> values;
    world->script->at(date, [&, index = *index] {
      for (const auto& point : cloudwatch.read(index, *Statistic::of(statistic), 1min, 10min)) {
        values.push_back(point.value);
      }
    });
    world->sim.run();
    return values;
  }

  std::unique_ptr<AlbWorld> world;
  std::vector<std::unique_ptr<NodeName>> nodes;
  std::vector<Machine*> machines;
};

TEST_F(LoadBalancerMetrics, RequestCountPerTargetIsTheAverageOverHealthyTargets) {
  begin();
  ask(0s, 1h);
  const auto values = read("alb", "RequestCountPerTarget", "Sum", 30min);
  EXPECT_EQ(values.size(), 10u);
  EXPECT_THAT(values, Each(30));
}

TEST_F(LoadBalancerMetrics, AnUnhealthyTargetDoesNotCountAsOne) {
  begin();
  world->web->passes = {true, false};
  ask(0s, 1h);
  EXPECT_THAT(read("alb", "RequestCountPerTarget", "Sum", 30min), Each(60));
}

TEST_F(LoadBalancerMetrics, WithoutRequestsThereAreZerosPerTargetAndNothingElse) {
  begin();
  EXPECT_EQ(read("alb", "RequestCountPerTarget", "Sum", 30min), std::vector<double>(10, 0));
  begin();
  EXPECT_TRUE(read("alb", "RequestCount", "Sum", 30min).empty());
  begin();
  EXPECT_TRUE(read("alb", "TargetResponseTime", "p99", 30min).empty());
}

TEST_F(LoadBalancerMetrics, TheGroupsNameLeadsToTheSame) {
  begin();
  ask(0s, 1h);
  EXPECT_THAT(read("alb/web", "RequestCountPerTarget", "Sum", 30min), Each(30));
}

TEST_F(LoadBalancerMetrics, HealthyHostCountHasTheLeastAndTheMostOfTheNodes) {
  // The second node loses sight of the first's target.
  const auto cut = [this] {
    begin();
    world->script->operate_at(1min, [&] { world->sim.network().set_cut_off(1, true); });
  };
  cut();
  EXPECT_THAT(read("alb", "HealthyHostCount", "Minimum", 30min), Each(1));
  begin();
  world->web->passes = {true, false};
  EXPECT_THAT(read("alb", "UnHealthyHostCount", "Maximum", 30min), Each(1));
  begin();
  EXPECT_THAT(read("alb", "HealthyHostCount", "Maximum", 30min), Each(2));
}

TEST_F(LoadBalancerMetrics, ErrorsOfItsOwnAreCountedApartFromTheTargets) {
  const auto errors = [this](const std::string& metric) {
    begin();
    world->script->at(10min, [this] {
      for (const std::uint32_t target : {0, 1}) world->web->leave(target);
    });
    ask(0s, 1h);
    return read("alb", metric, "Sum", 30min);
  };
  EXPECT_THAT(errors("HTTPCode_ELB_5XX_Count"), testing::AllOf(testing::SizeIs(10), Each(60)));
  EXPECT_THAT(errors("HTTPCode_ELB_503_Count"), testing::AllOf(testing::SizeIs(10), Each(60)));
  EXPECT_TRUE(errors("HTTPCode_Target_5XX_Count").empty());
}

TEST_F(LoadBalancerMetrics, TargetResponseTimeHasPercentiles) {
  begin();
  world->web->service_time = 200ms;
  ask(0s, 1h);
  EXPECT_THAT(read("alb", "TargetResponseTime", "p99", 30min),
              Each(testing::DoubleNear(0.2, 0.002)));
}

TEST_F(LoadBalancerMetrics, SeveralGroupsHaveTheirOwn) {
  const std::string groups =
      "target_groups: [{targets: web}, {targets: api}], default_action: [web, {target_group: api, "
      "weight: 0}]";
  begin(groups);
  ask(0s, 1h);
  EXPECT_THAT(read("alb/web", "RequestCountPerTarget", "Sum", 30min), Each(30));
  begin(groups);
  ask(0s, 1h);
  EXPECT_THAT(read("alb/api", "RequestCountPerTarget", "Sum", 30min), Each(0));
  begin(groups);
  EXPECT_FALSE(CloudWatch::of(world->sim).find("alb", "RequestCountPerTarget"));
}

}  // namespace
}  // namespace windtunnel::test
