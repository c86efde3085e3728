// What CloudWatch hears of a group.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/auto_scaling_world.hpp"

namespace windtunnel::test {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;

// Instances that keep so many vCPUs busy all the time.
class Busy final : public CpuMeter {
 public:
  Busy(const sim::Simulation& sim, std::function<double(std::uint32_t)> vcpus)
      : sim_(sim), vcpus_(std::move(vcpus)) {}
  double cpu_seconds(std::uint32_t instance) const override {
    return vcpus_(instance) * sim::seconds(sim_.now() - sim::time_zero);
  }

 private:
  const sim::Simulation& sim_;
  std::function<double(std::uint32_t)> vcpus_;
};

struct MeasuredRun : GroupRun {
  explicit MeasuredRun(
      const std::string& settings, const std::string& rest = "horizon: 1h",
      std::function<double(std::uint32_t)> vcpus = [](auto) { return 1.0; })
      : GroupRun(settings, rest), meter(sim, std::move(vcpus)) {
    group.add_cpu_meter(meter);
    watch("CPUUtilization");
  }
  MetricIndex watch(const std::string& name) {
    const MetricIndex metric = CloudWatch::of(sim).find("asg", name).value();
    CloudWatch::of(sim).watch(metric);
    return metric;
  }
  // A statistic of all datapoints so far, oldest first.
  std::vector<double> values(const std::string& statistic,
                             const std::string& name = "CPUUtilization") {
    CloudWatch& cloudwatch = CloudWatch::of(sim);
    const MetricIndex metric = cloudwatch.find("asg", name).value();
    std::vector<double> values;
    for (const auto& point : cloudwatch.read(metric, Statistic::of(statistic).value(),
                                             cloudwatch.publication(metric).period, 1h)) {
      values.push_back(point.value);
    }
    return values;
  }
  void read_at(sim::Duration date, const std::string& statistic, std::vector<double>& into,
               const std::string& name = "CPUUtilization") {
    script.at(date, [this, statistic, &into, name] { into = values(statistic, name); });
  }

  Busy meter;
};

TEST(AutoScalingMetrics, TheCpuMetricHasOneSampleAnInstance) {
  MeasuredRun run("size: 2, monitoring: detailed", "horizon: 10min",
                  [](std::uint32_t i) { return i == 0 ? 0.5 : 1.5; });
  std::vector<double> average, minimum, maximum, samples;
  run.read_at(150s, "Average", average);
  run.read_at(150s, "Minimum", minimum);
  run.read_at(150s, "Maximum", maximum);
  run.read_at(150s, "SampleCount", samples);
  run.sim.run();
  EXPECT_NEAR(average.back(), 50, 1e-9);
  EXPECT_NEAR(minimum.back(), 25, 1e-9);
  EXPECT_NEAR(maximum.back(), 75, 1e-9);
  EXPECT_EQ(samples.back(), 2);
}

TEST(AutoScalingMetrics, TheCpuMetricIsAShareOfTheInstanceTypesVcpus) {
  MeasuredRun run("size: 2, monitoring: detailed, instance_type: m5.xlarge", "horizon: 10min");
  std::vector<double> average;
  run.read_at(150s, "Average", average);
  run.sim.run();
  EXPECT_NEAR(average.back(), 25, 1e-9);  // one of four
}

TEST(AutoScalingMetrics, Rule17BasicMonitoringHasADatapointInFiveMinutes) {
  for (const auto& [monitoring, period] : {std::pair{"basic", 300s}, {"detailed", 60s}}) {
    MeasuredRun run(fmt::format("size: 2, monitoring: {}", monitoring), "horizon: 31min");
    std::vector<double> average;
    run.read_at(1810s, "Average", average);
    run.sim.run();
    EXPECT_NEAR(static_cast<double>(average.size()), 1800.0 / static_cast<double>(period.count()),
                1);
  }
}

// Two instances at 50 %; the third begins to count when its 3 min are over.
TEST(AutoScalingMetrics, Rule13AWarmingInstanceIsLeftOutOfTheCpuMetric) {
  MeasuredRun run("size: 2, max_size: 3, monitoring: detailed, default_instance_warmup: 180s",
                  "horizon: 20min", [](std::uint32_t i) { return i < 2 ? 1.0 : 2.0; });
  run.desire_at(20s, 3);  // InService at 23 s, warm at 203 s
  std::vector<double> before, after;
  run.read_at(202s, "Maximum", before);
  run.read_at(264s, "Maximum", after);
  run.sim.run();
  EXPECT_THAT(before, testing::Each(DoubleNear(50, 1e-9)));
  EXPECT_NEAR(after.back(), 100, 1e-9);
}

TEST(AutoScalingMetrics, ADeadInstanceIsLeftOutOfTheCpuMetric) {
  MeasuredRun run("size: 2, monitoring: detailed",
                  "horizon: 10min, faults: [{at: 15s, lasting: 5min, instance_crash: {target: asg, "
                  "count: 1}}]");
  std::vector<double> samples;
  run.read_at(76s, "SampleCount", samples);
  run.sim.run();
  EXPECT_EQ(samples.back(), 1);
}

TEST(AutoScalingMetrics, ADatapointCanBeReadAfterThePublishDelay) {
  MeasuredRun run("size: 2, monitoring: detailed, metric_delay: 90s", "horizon: 10min");
  std::vector<double> none, one;
  run.read_at(89s, "Average", none);
  run.read_at(151s, "Average", one);
  run.sim.run();
  EXPECT_THAT(none, IsEmpty());
  EXPECT_FALSE(one.empty());
}

TEST(AutoScalingMetrics, TheGroupsSizesAreMetricsToo) {
  MeasuredRun run("size: 2, max_size: 5, api_time: 40s", "horizon: 10min");
  const std::vector<std::string> names = {"GroupDesiredCapacity", "GroupInServiceInstances",
                                          "GroupPendingInstances", "GroupTerminatingInstances",
                                          "GroupTotalInstances"};
  for (const std::string& name : names) run.watch(name);
  const sim::Duration minute =
      CloudWatch::of(run.sim).start_of_period(sim::time_zero + 4min, 60s) - sim::time_zero;
  run.desire_at(minute - 20s, 5);
  std::vector<double> last;
  run.script.at(minute + 1s, [&] {
    for (const std::string& name : names) last.push_back(run.values("Average", name).back());
  });
  run.sim.run();
  EXPECT_THAT(last, ElementsAre(5, 2, 3, 0, 5));
}

}  // namespace
}  // namespace windtunnel::test
