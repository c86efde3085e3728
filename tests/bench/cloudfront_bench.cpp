// 10,000 requests/s through DNS and CloudFront beside the engine's chain (client -> alb -> app ->
// Aurora, 2,000 requests/s as in request_bench), a request each, in the same run. The catalogue has
// a million objects of Zipf 0.8; the edge keeps a tenth of them, so that caches, evictions,
// regional edge cache and origin all work. After the ratio: hit ratio and the memory of the caches.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdio>

#include "models/network/cloudfront_distribution.hpp"
#include "tests/bench/ratio.hpp"
#include "tests/support/yaml_run.hpp"

namespace windtunnel::bench {
namespace {

constexpr int requests = 300'000;

constexpr auto chain = R"(
experiment: chain
topology:
  regions: {us-east-1: {availability_zones: 3}}
  components:
    users: {client: {target: alb, open: {poisson: 2000/s}, timeout: 60s}}
    alb: {application_load_balancer: {targets: app}}
    app: {ec2_service: {on: group, workers: 6, vcpus: 6, service_time: {lognormal: {p50: 5ms, p99: 20ms}}, calls: [{to: db, timeout: 60s}]}}
    group: {auto_scaling_group: {size: 10}}
    db: {aurora_cluster: {readers: 2}}
horizon: 150s
)";

constexpr auto through_cloudfront = R"(
experiment: cloudfront
topology:
  regions: {us-east-1: {availability_zones: 3}}
  components:
    users: {client: {target: www, open: {poisson: 10000/s}, timeout: 60s}}
    www: {route53_record: {alias: cdn}}
    cdn:
      cloudfront_distribution:
        origins: [web]
        edge_cache: 2GB
        default_cache_behavior: {catalogue: {objects: 1000000, zipf: 0.8, size_p50: 20KB}}
    web: {station: {servers: 1000, service_time: {exponential: 5ms}}}
horizon: 30s
)";

void run(benchmark::State& state, const char* yaml) {
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
  state.SetItemsProcessed(state.iterations() * requests);
}
void request_chain(benchmark::State& state) { run(state, chain); }
void cloudfront(benchmark::State& state) { run(state, through_cloudfront); }

void print_caches() {
  auto sim = test::simulation_of(through_cloudfront);
  sim->run();
  const auto& cdn = dynamic_cast<const CloudFrontDistribution&>(*sim->find_component("cdn"));
  std::size_t memory = 0, objects = 0;
  for (const auto* locations : {&cdn.edges(), &cdn.regionals()}) {
    for (const auto& location : *locations) {
      memory += location->cache().memory();
      objects += location->cache().objects();
    }
  }
  std::printf("%.1f %% hits, %.1f %% at the edge; %zu copies in %.1f MB\n",
              100 * test::metric_of(*sim, "cdn", "CacheHits", "sum") / requests,
              100 * test::metric_of(*sim, "cdn", "EdgeHits", "sum") / requests, objects,
              static_cast<double>(memory) * 1e-6);
}

BENCHMARK(request_chain)->Unit(benchmark::kMillisecond);
BENCHMARK(cloudfront)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace windtunnel::bench

int main(int argc, char** argv) {
  using namespace windtunnel::bench;
  const int code = run_and_compare(argc, argv, {{"cloudfront", "request_chain"}}, 0.6);
  print_caches();
  return code;
}
