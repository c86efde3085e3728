#include "models/compute/lambda_function.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/small_run.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Outcome;
using test::Machine;
using test::SmallRun;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

// A function whose cold start takes 1 s and whose work takes `work`.
std::string fn(const std::string& settings, const std::string& work = "100ms") {
  return "fn: {lambda_function: {runtime: rust, sandbox: 1s, service_time: " + work +
         (settings.empty() ? "" : ", ") + settings + "}}";
}

struct World : SmallRun {
  explicit World(const std::string& components, const std::string& horizon = "1h")
      : SmallRun(test::small_experiment(components, "horizon: " + horizon)),
        function(find<LambdaFunction>("fn")) {}
  // So many calls at once.
  Machine& burst(sim::Duration at, int calls) {
    Machine& made = machine("fn", {});
    script.at(at, [&made, calls] {
      for (int i = 0; i < calls; ++i) made.call();
    });
    return made;
  }
  static int throttled(const Machine& machine) {
    return static_cast<int>(
        std::count_if(machine.ended.begin(), machine.ended.end(),
                      [](const Machine::End& end) { return end.outcome == Outcome::throttled; }));
  }
  LambdaFunction& function;
};

std::vector<sim::Duration> dates(const Machine& machine) {
  std::vector<sim::Duration> dates;
  for (const auto& end : machine.ended) dates.push_back(end.at);
  return dates;
}

std::string complaints(const std::string& components) {
  Diagnostics diagnostics;
  read_experiment(test::small_experiment(components, "horizon: 1s"), "test.yaml", {}, diagnostics);
  return diagnostics.print();
}

// --- environments

TEST(LambdaFunction, AColdStartIsSandboxAndInitAndTheNextInvocationIsWarm) {
  World world(fn(""));
  Machine& client = world.machine("fn", {0s, 10s});
  world.sim.run();
  ASSERT_EQ(client.ended.size(), 2u);
  EXPECT_GT(client.ended[0].at, 1110ms);  // Init of Rust: 15 to 71 ms
  EXPECT_LT(client.ended[0].at, 1180ms);
  EXPECT_EQ(client.ended[1].at, 10100ms);
  EXPECT_EQ(world.function.metric.cold_starts.value(), 1u);
}

TEST(LambdaFunction, AnEnvironmentServesOneRequestAtATime) {
  World world(fn(""));
  world.burst(0s, 3);
  world.sim.run();
  EXPECT_EQ(world.function.metric.cold_starts.value(), 3u);
  EXPECT_EQ(world.function.metric.concurrent.max(), 3);
}

TEST(LambdaFunction, AnIdleEnvironmentIsGivenUp) {
  World world(fn("idle_lifetime: 5min"));
  world.machine("fn", {0s, 4min, 10min});
  world.sim.run();
  EXPECT_EQ(world.function.metric.cold_starts.value(), 2u);
}

TEST(LambdaFunction, AnOldEnvironmentEndsEvenIfItIsBusy) {
  World world(fn("environment_lifetime: 10min"));
  Machine& client = world.machine("fn", {});
  for (int i = 0; i < 30; ++i) world.script.at(i * 1min, [&client] { client.call(); });
  world.sim.run();
  EXPECT_EQ(world.function.metric.cold_starts.value(), 3u);
}

// Rule 27
TEST(LambdaFunction, Rule27AnErrorOrTimeoutResetsTheEnvironmentSoThatTheNextCallPaysAHiddenInit) {
  World world(fn("timeout: 2s, dependencies_init: 500ms", "100ms"));
  Machine& client = world.machine("fn", {0s, 10s, 20s, 30s, 40s});
  world.script.at(5s, [&] { world.function.set_slow(1000); });
  world.script.at(15s, [&] { world.function.set_slow(1); });
  world.script.at(25s, [&] { world.function.set_errors(1); });
  world.script.at(35s, [&] { world.function.set_errors(0); });
  world.sim.run();
  const auto took = [&](int i) { return client.ended[static_cast<std::size_t>(i)].at - i * 10s; };
  EXPECT_EQ(took(1), 2s);  // out of time
  EXPECT_GT(took(2), 600ms);
  EXPECT_LT(took(2), 700ms);
  EXPECT_EQ(took(3), 100ms);  // fails
  EXPECT_GT(took(4), 600ms);
  EXPECT_EQ(world.function.metric.timeouts.value(), 1u);
  EXPECT_EQ(world.function.metric.errors.value(), 2u);
  EXPECT_EQ(world.function.metric.hidden_inits.value(), 2u);
  EXPECT_EQ(world.function.metric.cold_starts.value(), 1u);
}

// Rule 27
TEST(LambdaFunction, Rule27MemoryDoesNotChangeInitTime) {
  const auto init = [](const std::string& memory) {
    World world(fn("memory: " + memory));
    world.machine("fn", {0s});
    world.sim.run();
    return world.function.metric.init.mean();
  };
  EXPECT_EQ(init("128MiB"), init("10240MiB"));
}

TEST(LambdaFunction, CpuTimeIsInProportionToMemoryUpToAWholeCpu) {
  const auto time = [](const std::string& memory) {
    World world("fn: {lambda_function: {runtime: rust, timeout: 30s, cpu_time: 1s, memory: " +
                memory + "}}");
    world.machine("fn", {0s});
    world.sim.run();
    return world.function.metric.duration.mean();
  };
  EXPECT_NEAR(time("1769MiB"), 1, 1e-6);
  EXPECT_NEAR(time("10240MiB"), 1, 1e-6);
  EXPECT_NEAR(time("128MiB"), 1769.0 / 128, 1e-6);
}

TEST(LambdaFunction, InitBeyondTenSecondsIsTriedAgainWithinTheInvocation) {
  World world(fn("dependencies_init: 12s, timeout: 60s"));
  Machine& client = world.machine("fn", {0s});
  world.sim.run();
  EXPECT_GT(client.ended[0].at, 1s + 10s + 12s + 100ms);
  EXPECT_LT(client.ended[0].at, 1s + 10s + 12s + 300ms);
}

TEST(LambdaFunction, SnapStartRestoresInsteadOfInit) {
  World world(
      "fn: {lambda_function: {runtime: java21, sandbox: 1s, service_time: 100ms, "
      "dependencies_init: 5s, snap_start: {restore: 300ms}}}");
  Machine& client = world.machine("fn", {0s});
  world.sim.run();
  EXPECT_THAT(dates(client), ElementsAre(1400ms));
}

TEST(LambdaFunction, ItsCallsHoldTheEnvironmentUntilTheTimeout) {
  World world(fn("timeout: 3s, calls: [{to: db, timeout: 60s}]") +
              ", db: {station: {service_time: 1min}}");
  Machine& client = world.machine("fn", {0s, 10s});
  world.sim.run();
  EXPECT_EQ(client.ended[1].at, 13s);
  EXPECT_THAT(client.ended, Each(Field(&Machine::End::outcome, Outcome::error)));
  EXPECT_EQ(world.function.metric.wasted.value(), 2u);  // the database's answers
}

// --- concurrency

TEST(LambdaFunction, AllFunctionsOfARegionShareTheAccountsConcurrency) {
  World world(fn("") + ", other: {lambda_function: {runtime: rust, service_time: 1s}}, " +
              "quotas: {service_quotas: {lambda: {concurrent_executions: 150}}}");
  Machine& neighbour = world.machine("other", {});
  world.script.at(0s, [&] {
    for (int i = 0; i < 120; ++i) neighbour.call();
  });
  Machine& client = world.burst(500ms, 50);
  world.sim.run();
  EXPECT_EQ(World::throttled(client), 20);
  EXPECT_EQ(world.function.throttles.by_reason[0].value(), 20u);
}

TEST(LambdaFunction, ReservedConcurrencyIsACapAndAGuarantee) {
  World world(fn("reserved_concurrency: 10") +
              ", other: {lambda_function: {runtime: rust, service_time: 10s}}, " +
              "quotas: {service_quotas: {lambda: {concurrent_executions: 150}}}");
  Machine& neighbour = world.machine("other", {});
  world.script.at(0s, [&] {
    for (int i = 0; i < 200; ++i) neighbour.call();
  });
  Machine& client = world.burst(1s, 30);
  world.sim.run();
  EXPECT_EQ(World::throttled(neighbour), 60);  // 150 less the 10
  EXPECT_EQ(World::throttled(client), 20);
}

TEST(LambdaFunction, ProvisionedConcurrencyIsWarmAndTheRestSpillsOver) {
  World world(fn("provisioned_concurrency: 5"));
  Machine& client = world.burst(1s, 7);
  world.sim.run();
  EXPECT_EQ(std::ranges::count(dates(client), 1100ms), 5);
  EXPECT_EQ(world.function.metric.on_provisioned.value(), 5u);
  EXPECT_EQ(world.function.metric.spillover.value(), 2u);
  EXPECT_EQ(world.function.metric.cold_starts.value(), 2u);
}

// 6,000 a minute, and none of a request is of use before all are.
TEST(LambdaFunction, ProvisionedConcurrencyIsAllocatedAtARateAndUsableWhenAllOfItIs) {
  World world(fn("provisioned_concurrency: 0"));
  world.script.at(0s, [&] { world.function.set_desired_capacity(500, {}); });
  Machine& early = world.machine("fn", {5s});
  Machine& late = world.machine("fn", {7s});
  world.sim.run();
  EXPECT_GT(early.ended[0].at, 6s);  // a cold start of its own
  EXPECT_EQ(late.ended[0].at, 7100ms);
  EXPECT_EQ(world.function.capacity().in_service, 500);
}

// Rule 26
TEST(LambdaFunction,
     Rule26ScalingIsPerFunctionThousandEnvironmentsInTenSecondsRefilledContinuously) {
  World world(fn("timeout: 900s", "1min") +
              ", other: {lambda_function: {runtime: rust, timeout: 900s, service_time: 1min}}, " +
              "quotas: {service_quotas: {lambda: {concurrent_executions: 10000}}}");
  Machine& client = world.burst(100s, 1500);
  Machine& later = world.burst(102s, 500);
  Machine& neighbour = world.machine("other", {});
  world.script.at(102s, [&] {
    for (int i = 0; i < 900; ++i) neighbour.call();
  });
  world.sim.run();
  EXPECT_EQ(World::throttled(client), 500);  // no carry-over from 100 idle seconds
  EXPECT_EQ(World::throttled(later), 300);   // 2 s at 100/s
  EXPECT_EQ(World::throttled(neighbour), 0);
  EXPECT_EQ(world.function.throttles.by_reason[3].value(), 800u);
}

// Rule 26
TEST(LambdaFunction, Rule26BeforeNovember2023FunctionsSharedABurstThenFiveHundredAMinute) {
  World world(fn("timeout: 900s", "5min") +
              ", other: {lambda_function: {runtime: rust, service_time: 5min, timeout: 900s}}, " +
              "quotas: {service_quotas: {lambda: {concurrent_executions: 10000, "
              "scaling: regional_burst}}}");
  Machine& neighbour = world.machine("other", {});
  world.script.at(1s, [&] {
    for (int i = 0; i < 2000; ++i) neighbour.call();
  });
  Machine& client = world.burst(1s, 2000);
  Machine& later = world.burst(61s, 2000);
  world.sim.run();
  EXPECT_EQ(World::throttled(neighbour) + World::throttled(client), 1000);
  EXPECT_EQ(World::throttled(later), 1500);  // 500 new ones, and none is idle
}

// Rule 26
TEST(LambdaFunction, Rule26RequestsASecondAreAtMostTenTimesTheConcurrency) {
  // 20 of 1 ms at once would make 20,000 a second.
  World world(fn("reserved_concurrency: 20, idle_lifetime: 1h", "1ms"));
  world.burst(1s, 20);  // warm
  Machine& client = world.machine("fn", {});
  for (int i = 0; i < 10'000; ++i) world.script.at(60s + i * 1ms, [&client] { client.call(); });
  world.sim.run();
  // 1,000/s offered, 200/s allowed, and once 20 on top.
  EXPECT_NEAR(static_cast<double>(world.function.metric.invocations.value()), 10 * 200 + 20 + 20,
              2);
  EXPECT_GT(world.function.throttles.by_reason[2].value(), 7900u);
}

TEST(LambdaFunction, AnAliasSendsAShareToTheAdditionalVersionWhichHasItsOwnEnvironments) {
  World world(fn("alias: {additional_version_weight: 10%, errors: 100%}"));
  Machine& client = world.machine("fn", {});
  for (int i = 0; i < 3000; ++i) world.script.at(i * 1s, [&client] { client.call(); });
  world.sim.run();
  const auto failed = static_cast<double>(world.function.metric.errors.value());
  EXPECT_NEAR(failed, 300, 3.5 * std::sqrt(3000 * 0.1 * 0.9));
  EXPECT_GE(world.function.metric.cold_starts.value(), 2u);
}

TEST(LambdaFunction, ItsPayloadIsAtMostSixMebibytes) {
  World world(
      "users: {client: {target: fn, open: {deterministic: 1/s}, requests: "
      "[{path: /big, size: 7MiB}]}}, " +
          fn(""),
      "10s");
  world.sim.run();
  EXPECT_EQ(world.function.metric.invocations.value(), 0u);
  EXPECT_GT(world.function.metric.too_large.value(), 5u);
}

TEST(LambdaFunction, ApplicationAutoScalingTracksTheUtilizationOfProvisionedConcurrency) {
  World world(
      "users: {client: {target: fn, network: 0s, dns_lookup: 0s, hosts: 1, closed: {users: 9}}}, " +
          fn("provisioned_concurrency: 10") +
          ", scaling: {application_auto_scaling: {resource: fn, min_capacity: 1, max_capacity: "
          "100, "
          "scaling_policies: [{name: warm, target_tracking: {predefined_metric: "
          "LambdaProvisionedConcurrencyUtilization, target_value: 0.7}}]}}",
      "15min");
  world.script.at(100s, [&] { EXPECT_EQ(world.function.capacity().in_service, 10); });
  world.sim.run();
  // Nine of ten are 90 %: three minutes of it, then 10 x 0.9 / 0.7.
  EXPECT_EQ(world.function.capacity().in_service, 13);
}

// Rule 5
TEST(LambdaFunction, Rule5BehindALoadBalancerAThrottleAndAnErrorAreA502) {
  World world(
      "users: {client: {target: alb, open: {deterministic: 1/s}, requests: [{path: /off}, "
      "{path: /bad}]}}, alb: {application_load_balancer: {target_groups: [{lambda: off}, "
      "{lambda: fn}], rules: [{path: [/off], forward: [off]}], default_action: [fn]}}, "
      "off: {lambda_function: {runtime: rust, reserved_concurrency: 0}}, " +
          fn("errors: 100%"),
      "100s");
  world.sim.run();
  const double throttled = world.metric("alb", "LambdaInternalError");
  const double failed = world.metric("alb", "LambdaUserError");
  EXPECT_GT(throttled, 20);
  EXPECT_GT(failed, 20);
  EXPECT_EQ(world.metric("alb", "HTTPCode_ELB_502_Count"), throttled + failed);
}

// --- bad settings

TEST(LambdaFunction, BadSettingsAreRefusedWithTheirLimits) {
  EXPECT_THAT(complaints(fn("timeout: 901s")), HasSubstr("fn.timeout: 901s is above 900s"));
  EXPECT_THAT(complaints(fn("memory: 64MiB")), HasSubstr("fn.memory"));
  EXPECT_THAT(complaints(fn("memory: 64MiB")), HasSubstr("below 128MiB"));
  EXPECT_THAT(complaints("fn: {lambda_function: {runtime: python3.33}}"),
              HasSubstr("no figures of a runtime 'python3.33', did you mean"));
  EXPECT_THAT(complaints(fn("snap_start: {}")), HasSubstr("fn.snap_start: is not for rust"));
  EXPECT_THAT(complaints(fn("reserved_concurrency: 5, provisioned_concurrency: 6")),
              HasSubstr("6 is above the reserved concurrency of 5"));
}

TEST(LambdaFunction, AHundredOfTheAccountsConcurrencyStayUnreserved) {
  const std::string two = fn("reserved_concurrency: 500") +
                          ", other: {lambda_function: {runtime: go, reserved_concurrency: ";
  EXPECT_EQ(complaints(two + "400}}"), "");
  EXPECT_THAT(complaints(two + "401}}"),
              HasSubstr("set aside 901, above 900: the account's 1000 less the 100"));
}

TEST(LambdaInit, SamplesHaveTheMeasuredQuantiles) {
  const LambdaInit* python =
      LambdaInit::find("python3.13", LambdaInit::Package::zip, LambdaInit::Architecture::x86_64);
  ASSERT_NE(python, nullptr);
  EXPECT_DOUBLE_EQ(python->quantile(0.5), 92.1);
  EXPECT_DOUBLE_EQ(python->quantile(0.99), 186.6);
  sim::Stream chance(1);
  std::vector<double> drawn;
  for (int i = 0; i < 20'001; ++i) drawn.push_back(1e3 * sim::seconds(python->sample(chance)));
  std::ranges::sort(drawn);
  EXPECT_NEAR(drawn[10'000], 92.1, 0.5);
  EXPECT_NEAR(drawn[19'001], 131.6, 1.5);
}

}  // namespace
}  // namespace windtunnel
