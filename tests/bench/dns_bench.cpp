// DNS as a system: the chain client -> www -> alb -> app -> db at 10,000 requests/s for 60 s, asked
// for by 100 machines as in request_bench, and by populations in five areas:
//   chain_through_dns/100000   machines that call every 10 s, behind 10,000 resolvers
//   chain_through_dns/1000000  machines that call every 100 s, behind 100,000 resolvers: nearly
//                              every request looks up the name and opens a connection
// First of all: what the larger population takes of memory when its machines have called.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "tests/bench/ratio.hpp"
#include "tests/support/yaml_run.hpp"

namespace windtunnel::bench {
namespace {

constexpr double rate = 10'000;

// `machines` behind a tenth as many resolvers.
std::string population(int machines) {
  return fmt::format(R"(hosts: {0}, population: [
      {{area: DE, share: 30%, network: 8ms, resolver: {{count: {1}}}}},
      {{area: US-CA, share: 30%, network: 10ms, resolver: {{count: {1}, ttl: [{{share: 95%}}, {{share: 5%, times: 10}}]}}}},
      {{area: JP, share: 20%, network: 6ms, resolver: {{count: {2}}}, runtime_cache: [{{share: 70%}}, {{share: 30%, at_least: 30s, at_most: 30s}}]}},
      {{area: BR, share: 10%, network: 12ms, resolver: {{count: {3}}}}},
      {{area: IN, share: 10%, network: 20ms, resolver: {{count: {3}}}}}])",
                     machines, machines / 10 * 3 / 10, machines / 10 * 2 / 10, machines / 10 / 10);
}

std::string chain(const std::string& clients, double seconds) {
  return fmt::format(R"(
experiment: chain
topology:
  regions: {{us-east-1: {{availability_zones: 3}}}}
  components:
    users: {{client: {{target: www, open: {{poisson: {}/s}}, timeout: 60s, {}}}}}
    www: {{route53_record: {{alias: alb}}}}
    alb: {{application_load_balancer: {{targets: app}}}}
    app: {{ec2_service: {{on: group, workers: 32, vcpus: 32, service_time: {{lognormal: {{p50: 5ms, p99: 20ms}}}}, calls: [{{to: db, timeout: 60s}}]}}}}
    group: {{auto_scaling_group: {{size: 10}}}}
    db: {{aurora_cluster: {{readers: 2}}}}
horizon: {}s
)",
                     rate, clients, seconds);
}

constexpr double seconds = 60;

void run_chain(benchmark::State& state, const std::string& yaml) {
  for (auto _ : state) {
    state.PauseTiming();
    auto sim = test::simulation_of(yaml);
    state.ResumeTiming();
    sim->run();
    benchmark::DoNotOptimize(sim->fingerprint());
    state.PauseTiming();
    sim.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int>(rate * seconds));
}

void chain_of_few(benchmark::State& state) { run_chain(state, chain("hosts: 100", seconds)); }
void chain_through_dns(benchmark::State& state) {
  run_chain(state, chain(population(static_cast<int>(state.range(0))), seconds));
}

double resident_bytes() {
  long pages = 0, resident = 0;
  std::FILE* statm = std::fopen("/proc/self/statm", "r");
  if (statm == nullptr || std::fscanf(statm, "%ld %ld", &pages, &resident) != 2) resident = 0;
  if (statm != nullptr) std::fclose(statm);
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void print_memory() {
  const double before = resident_bytes();
  auto sim = test::simulation_of(chain(population(1'000'000), 200));
  sim->run();
  std::printf(
      "memory of 1 M machines and 100,000 resolvers after %.0f requests: %.0f MB resident\n",
      200 * rate, (resident_bytes() - before) / 1e6);
}

BENCHMARK(chain_of_few)->Unit(benchmark::kMillisecond);
BENCHMARK(chain_through_dns)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace windtunnel::bench

int main(int argc, char** argv) {
  using namespace windtunnel::bench;
  print_memory();
  return run_and_compare(
      argc, argv,
      {{"chain_through_dns/100000", "chain_of_few"}, {"chain_through_dns/1000000", "chain_of_few"}},
      0.0);
}
