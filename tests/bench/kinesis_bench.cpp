// A stream of 500 shards at 500,000 records a second: producers on 50 machines, an application on
// ten that polls every shard each second, against one bare hold of the calendar a record. Records
// of 10,000 keys travel in groups of five or so, those of a million keys by themselves.
#include <fmt/format.h>

#include "sim/calendar.hpp"
#include "tests/bench/ratio.hpp"
#include "tests/support/yaml_run.hpp"

namespace windtunnel::bench {
namespace {

constexpr double rate = 500'000, seconds = 5;
constexpr auto records = static_cast<std::int64_t>(rate * seconds);

std::string stream(std::int64_t keys) {
  return fmt::format(R"(
experiment: stream
topology:
  regions: {{us-east-1: {{availability_zones: 3}}}}
  components:
    idle: {{client: {{target: stream, open: {{deterministic: 0.01/s}}}}}}
    producer: {{kinesis_producer: {{stream: stream, load: {{poisson: {}/s}}, hosts: 50, partition_keys: {}}}}}
    stream: {{kinesis_data_stream: {{shards: 500}}}}
    app: {{kcl_application: {{stream: stream, on: fleet, record_time: 1us}}}}
    fleet: {{auto_scaling_group: {{size: 10}}}}
horizon: {}s
)",
                     rate, keys, seconds);
}

void stream_of_500_shards(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto sim = test::simulation_of(stream(state.range(0)));
    state.ResumeTiming();
    sim->run();
    benchmark::DoNotOptimize(sim->fingerprint());
    state.PauseTiming();
    state.counters["processed"] = test::metric_of(*sim, "app", "RecordsProcessed", "sum");
    sim.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * records);
}

void calendar_hold(benchmark::State& state) {
  for (auto _ : state) {
    sim::Calendar calendar;
    sim::Stream chance(1);
    for (int i = 0; i < 1000; ++i) calendar.push({chance.below(40'000'000), nullptr, nullptr, 0});
    for (std::int64_t i = 0; i < records; ++i) {
      sim::Event event = calendar.pop();
      event.key += chance.below(40'000'000);
      calendar.push(event);
    }
    benchmark::DoNotOptimize(calendar.size());
  }
  state.SetItemsProcessed(state.iterations() * records);
}

BENCHMARK(calendar_hold)->Unit(benchmark::kMillisecond);
BENCHMARK(stream_of_500_shards)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace windtunnel::bench

int main(int argc, char** argv) {
  using namespace windtunnel::bench;
  return run_and_compare(argc, argv,
                         {{"stream_of_500_shards/10000", "calendar_hold"},
                          {"stream_of_500_shards/1000000", "calendar_hold"}},
                         0.0);
}
