// Burstable instances under programs that use their CPU.
#include "models/mechanisms/cpu_credits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/program_world.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;

// A program whose requests take a minute of CPU each: `busy` of them at once keep that many vCPUs.
struct Burst {
  Burst(const std::string& type, const std::string& credits, int busy, Duration horizon)
      : world("service_time: 60s, workers: 16, credit_specification: " + credits,
              {.horizon = horizon, .type = type}) {
    for (int i = 0; i < busy; ++i) {
      Machine& one = world.machine();
      world.script.at(0s, [&] { one.call(); });
      one.then = [&one] { one.call(); };
      machines.push_back(&one);
    }
  }
  double cpu_seconds() const { return world.web.cpu_seconds(0); }
  ProgramWorld world;
  std::vector<Machine*> machines;
};

// T2: 30 launch credits a vCPU. A t2.small (1 vCPU) earns 12 an hour and spends 60: 30 of launch
// last 30 min, in which it has earned 6; those last 6 / 0.8 = 7.5 min more. As theory's burst
// buckets: time to exhaustion = B / (demand - refill).
TEST(CpuCredits, AStandardInstanceLastsAsLongAsTheFluidFormulaSays) {
  Burst burst("t2.small", "standard", 1, 2h);
  std::vector<std::pair<Duration, double>> rates;
  double before = 0;
  for (Duration at = 10s; at < 2h; at += 10s) {
    burst.world.script.at(at, [&, at] {
      rates.push_back({at, (burst.cpu_seconds() - before) / 10});
      before = burst.cpu_seconds();
    });
  }
  burst.world.sim.run();
  Duration slowed{0};
  for (const auto& [at, rate] : rates) {
    if (rate > 0.999) slowed = at;
  }
  EXPECT_NEAR(sim::seconds(slowed), 30.0 / (1 - 0.2) * 60, 10);
  EXPECT_NEAR(rates.back().second, 0.2, 1e-6);  // the baseline
  EXPECT_NEAR(burst.cpu_seconds(), 2250 + 0.2 * (7200 - 2250), 0.2);
}

TEST(CpuCredits, PartOfTheVcpusLastsLonger) {
  Burst burst("t2.medium", "standard", 1, 5h);  // 2 vCPUs, 24 an hour, 60 launch credits
  double after = 0;
  burst.world.script.at(100min + 5s, [&] { after = burst.cpu_seconds(); });
  burst.world.sim.run();
  // 60 / (1 - 0.4) = 100 min at one vCPU.
  EXPECT_NEAR(after, 6000 + 5 * 0.4, 0.5);
}

// Rule 52: gp2 and T2 start with credits; T3 and fast snapshot restore start at 0.
TEST(CpuCredits, T2StartsWithCreditsT3StartsAtZero) {  // Rule 52
  Burst t2("t2.micro", "standard", 1, 10min), t3("t3.micro", "standard", 2, 10min);
  t2.world.sim.run();
  t3.world.sim.run();
  EXPECT_DOUBLE_EQ(t2.cpu_seconds(), 600);
  EXPECT_NEAR(t3.cpu_seconds(), 600 * 2 * 0.1, 0.1);
}

TEST(CpuCredits, AnUnlimitedInstanceIsNeverSlowed) {
  Burst burst("t3.micro", "unlimited", 2, 2h);
  burst.world.sim.run();
  EXPECT_DOUBLE_EQ(burst.cpu_seconds(), 2 * 7200);
}

TEST(CpuCredits, ByTypeT2IsStandardAndOthersAreUnlimited) {
  Burst t2("t2.micro", "by_type", 1, 2h), t3("t3.micro", "by_type", 2, 2h);
  t2.world.sim.run();
  t3.world.sim.run();
  EXPECT_LT(t2.cpu_seconds(), 7200);
  EXPECT_DOUBLE_EQ(t3.cpu_seconds(), 2 * 7200);
}

TEST(CpuCredits, AFixedTypeHasNone) {
  Burst burst("m5.large", "standard", 2, 2h);
  burst.world.sim.run();
  EXPECT_DOUBLE_EQ(burst.cpu_seconds(), 2 * 7200);
}

// Idle for an hour: a t3.small earned 24 credits, 12 min at both vCPUs and those earned meanwhile:
// 24 / (2 - 0.4) = 15 min.
TEST(CpuCredits, AnIdleInstanceEarnsAndIsLetGo) {
  ProgramWorld world("service_time: 60s, credit_specification: standard",
                     {.horizon = 2h, .type = "t3.small"});
  Machine& a = world.machine();
  Machine& b = world.machine();
  for (Machine* one : {&a, &b}) {
    one->then = [one] { one->call(); };
    world.script.at(1h, [one] { one->call(); });
  }
  double at_end = 0, later = 0;
  world.script.at(1h + 14min + 50s, [&] { at_end = world.web.cpu_seconds(0); });
  world.script.at(1h + 20min, [&] { later = world.web.cpu_seconds(0); });
  world.sim.run();
  EXPECT_NEAR(at_end, 2 * 890, 1e-6);
  EXPECT_NEAR(later, 2 * 900 + 0.4 * 300, 1);
}

// The users feel it: a minute of CPU takes five on a slowed t2.small.
TEST(CpuCredits, RequestsOfASlowedInstanceTakeLonger) {
  Burst burst("t2.small", "standard", 1, 2h);
  burst.world.sim.run();
  const auto& ended = burst.machines[0]->ended;
  EXPECT_EQ(ended[0].at, 1min);
  const Duration last = ended.back().at - ended[ended.size() - 2].at;
  EXPECT_NEAR(sim::seconds(last), 300, 1);
}

class Reader final : public sim::Component {
 public:
  Reader(sim::Simulation& sim, std::string metric)
      : Component(sim, "reader of " + metric), metric_(std::move(metric)) {}
  void attach() override {
    found_ = *CloudWatch::of(sim()).find("web", metric_);
    CloudWatch::of(sim()).watch(*found_, 3h);
  }
  std::vector<double> values() {
    std::vector<double> all;
    for (const auto& point :
         CloudWatch::of(sim()).read(*found_, *Statistic::of("Average"), 5min, 3h)) {
      all.push_back(point.value);
    }
    return all;
  }

 private:
  std::string metric_;
  std::optional<MetricIndex> found_;
};

std::vector<double> published(const std::string& metric, Burst& burst, Duration at) {
  auto& reader =
      static_cast<Reader&>(burst.world.sim.add(std::make_unique<Reader>(burst.world.sim, metric)));
  std::vector<double> values;
  burst.world.script.at(at, [&] { values = reader.values(); });
  burst.world.sim.run();
  return values;
}

TEST(CpuCredits, ArePublishedEveryFiveMinutes) {
  Burst burst("t2.small", "standard", 1, 1h);
  const std::vector<double> usage = published("CPUCreditUsage", burst, 55min);
  ASSERT_GE(usage.size(), 10u);
  EXPECT_NEAR(usage[3], 5, 1e-9);      // one vCPU for five minutes
  EXPECT_NEAR(usage.back(), 1, 0.01);  // at the baseline of 20 %
}

TEST(CpuCredits, TheBalanceOfASlowedInstanceIsZero) {
  Burst burst("t2.small", "standard", 1, 1h);
  const std::vector<double> balance = published("CPUCreditBalance", burst, 55min);
  ASSERT_GE(balance.size(), 10u);
  EXPECT_GT(balance.front(), 25);
  EXPECT_NEAR(balance.back(), 0, 0.01);
}

// 2 vCPUs spend 120 an hour and earn 12: surplus grows by 108 an hour up to a day's earnings.
TEST(CpuCredits, SurplusCreditsGrowUpToADaysEarnings) {
  Burst burst("t3.micro", "unlimited", 2, 170min);
  const std::vector<double> surplus = published("CPUSurplusCreditBalance", burst, 169min);
  ASSERT_GE(surplus.size(), 32u);
  EXPECT_NEAR(surplus[6] - surplus[5], 9, 1e-6);
  EXPECT_NEAR(surplus.back(), 288, 1e-9);
}

}  // namespace
}  // namespace windtunnel::test
