// Health checks without load: 1,000 targets behind three nodes, a check of each by each every 10 s,
// for an hour (1.08 M checks; the same 24 times over is a day), against the bare holds of a
// calendar that a check needs at the least: its due date, its arrival, the end of its work, its
// answer. And with 100 and 10 targets against 1,000, for the cost of a check by the number of
// targets.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdio>

#include "sim/calendar.hpp"
#include "tests/bench/ratio.hpp"
#include "tests/support/yaml_run.hpp"

namespace windtunnel::bench {
namespace {

constexpr int checks = 1'080'000;
constexpr int events_of_a_check = 4;

// The fewer targets, the longer, so that every case does the same checks.
std::string idle(std::int64_t targets) {
  return fmt::format(R"(
experiment: idle
topology:
  regions: {{us-east-1: {{availability_zones: 3}}}}
  components:
    users: {{client: {{target: alb, open: {{poisson: 1/h}}}}}}
    alb: {{application_load_balancer: {{targets: app, health_check: {{interval: 10s}}}}}}
    app: {{ec2_service: {{on: group, workers: 2, vcpus: 2, service_time: 5ms}}}}
    group: {{auto_scaling_group: {{size: {}}}}}
horizon: {}s
)",
                     targets, 3600 * 1000 / targets);
}

void health_checks(benchmark::State& state) {
  const std::string yaml = idle(state.range(0));
  std::uint64_t events = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto sim = test::simulation_of(yaml);
    state.ResumeTiming();
    sim->run();
    benchmark::DoNotOptimize(sim->fingerprint());
    events = sim->events_handled();
    const double done = test::metric_of(*sim, "alb", "HealthChecks", "sum");
    if (done != checks) state.SkipWithError("not the checks that were meant");
    state.PauseTiming();
    sim.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * checks);
  state.counters["events a check"] = static_cast<double>(events) / checks;
}

void calendar_hold(benchmark::State& state) {
  for (auto _ : state) {
    sim::Calendar calendar;
    sim::Stream chance(1);
    for (int i = 0; i < 8; ++i) calendar.push({chance.below(8'000'000), nullptr, nullptr, 0});
    for (int i = 0; i < checks * events_of_a_check; ++i) {
      sim::Event event = calendar.pop();
      event.key += chance.below(8'000'000);
      calendar.push(event);
    }
    benchmark::DoNotOptimize(calendar.size());
  }
  state.SetItemsProcessed(state.iterations() * checks);
}

BENCHMARK(calendar_hold)->Unit(benchmark::kMillisecond);
BENCHMARK(health_checks)->Arg(10)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace windtunnel::bench

int main(int argc, char** argv) {
  return windtunnel::bench::run_and_compare(argc, argv,
                                            {{"health_checks/1000", "calendar_hold"},
                                             {"health_checks/100", "health_checks/1000"},
                                             {"health_checks/10", "health_checks/1000"}},
                                            0.0);
}
