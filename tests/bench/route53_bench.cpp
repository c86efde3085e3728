// Health checks of Route 53 without load: 200 (the quota of an account), each by 16 checkers every
// 30 s, of a service that answers at once, for an hour (384,000 checks; a day is 24 times that),
// against the bare holds of a calendar that a check needs at the least: its due date, two questions
// on their way (the connection and the request), two answers.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "sim/calendar.hpp"
#include "tests/bench/ratio.hpp"
#include "tests/support/yaml_run.hpp"

namespace windtunnel::bench {
namespace {

constexpr int health_checks = 200, checkers = 16;
constexpr int checks = health_checks * checkers * 120;
constexpr int events_of_a_check = 5;

std::string idle() {
  std::string components;
  for (int i = 0; i < health_checks; ++i) {
    components +=
        fmt::format("    check-{}: {{route53_health_check: {{endpoint: {{target: app}}}}}}\n", i);
  }
  return R"(
experiment: idle
topology:
  regions: {us-east-1: {availability_zones: 3}}
  components:
    users: {client: {target: app, open: {poisson: 1/h}}}
    app: {station: {service_time: 0s}}
)" + components +
         "horizon: 1h\n";
}

void route53_health_checks(benchmark::State& state) {
  const std::string yaml = idle();
  std::uint64_t events = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto sim = test::simulation_of(yaml);
    state.ResumeTiming();
    sim->run();
    events = sim->events_handled();
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
    for (int i = 0; i < health_checks * checkers; ++i) {
      calendar.push({chance.below(8'000'000), nullptr, nullptr, 0});
    }
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
BENCHMARK(route53_health_checks)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace windtunnel::bench

int main(int argc, char** argv) {
  return windtunnel::bench::run_and_compare(argc, argv,
                                            {{"route53_health_checks", "calendar_hold"}}, 0.0);
}
