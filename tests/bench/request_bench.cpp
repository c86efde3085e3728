// The request plane's speed, each case beside a bare baseline in the same run.
//   station   M/M/4 at rho 0.8, client -> station, metrics and fingerprint on, against a
//   std::priority_queue of callbacks
//             that does no more than the textbook needs
//   chain     client -> alb -> app -> db at 2,000 requests/s for 60 s, 60 s timeouts on every call,
//   all metrics on,
//             against a hold of the calendar; and with 10, 100, 1,000 targets against 1; and with
//             an NLB in the ALB's place
// After the ratios: requests/s, and the memory of a request in flight.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <queue>
#include <random>

#include "models/compute/station.hpp"
#include "models/load/client.hpp"
#include "sim/calendar.hpp"
#include "tests/bench/ratio.hpp"
#include "tests/support/yaml_run.hpp"

namespace windtunnel::bench {
namespace {

constexpr double lambda = 3.2;  // per second; four servers of mean 1 s
constexpr int station_requests = 2'000'000;

void bare_mm4(benchmark::State& state) {
  struct Event {
    double at;
    void (*what)(void*);
    bool operator<(const Event& other) const { return at > other.at; }
  };
  struct World {
    std::priority_queue<Event> calendar;
    std::mt19937_64 chance{1};
    std::exponential_distribution<double> gap{lambda}, work{1.0};
    std::queue<double> waiting;
    double now = 0, waited = 0;
    int busy = 0, arrived = 0;
  };
  for (auto _ : state) {
    World world;
    static constexpr auto on_served = [](void* p, auto&& self) -> void {
      auto& w = *static_cast<World*>(p);
      if (w.waiting.empty()) {
        --w.busy;
        return;
      }
      w.waited += w.now - w.waiting.front();
      w.waiting.pop();
      w.calendar.push({w.now + w.work(w.chance), self});
    };
    static void (*served)(void*) = [](void* p) { on_served(p, served); };
    static void (*arrive)(void*) = [](void* p) {
      auto& w = *static_cast<World*>(p);
      if (++w.arrived < station_requests) w.calendar.push({w.now + w.gap(w.chance), arrive});
      if (w.busy < 4) {
        ++w.busy;
        w.calendar.push({w.now + w.work(w.chance), served});
      } else {
        w.waiting.push(w.now);
      }
    };
    world.calendar.push({0, arrive});
    while (!world.calendar.empty()) {
      const Event event = world.calendar.top();
      world.calendar.pop();
      world.now = event.at;
      event.what(&world);
    }
    benchmark::DoNotOptimize(world.waited);
  }
  state.SetItemsProcessed(state.iterations() * station_requests);
}

void station_mm4(benchmark::State& state) {
  for (auto _ : state) {
    sim::Simulation sim({.horizon = sim::from_seconds(station_requests / lambda)});
    Client::Shape users;
    users.target = "station";
    users.arrivals = Arrivals::poisson(lambda, sim::Stream(1));
    users.timeout = sim::Duration(0);
    sim.add(std::make_unique<Client>(sim, "users", users));
    Station::Shape station;
    station.servers = 4;
    station.service_time = sim::Distribution::exponential(1);
    sim.add(std::make_unique<Station>(sim, "station", station));
    sim.run();
    benchmark::DoNotOptimize(sim.fingerprint());
  }
  state.SetItemsProcessed(state.iterations() * station_requests);
}

constexpr double chain_rate = 2000;
constexpr double chain_seconds = 60;
constexpr int chain_requests = static_cast<int>(chain_rate * chain_seconds);

std::string chain(std::int64_t targets, const std::string& scaling = {},
                  const std::string& balancer = "application_load_balancer") {
  // Workers in all stay the same, so that every size does the same work.
  return fmt::format(R"(
experiment: chain
topology:
  regions: {{us-east-1: {{availability_zones: 3}}}}
  components:
    users: {{client: {{target: alb, open: {{poisson: {}/s}}, timeout: 60s}}}}
    alb: {{{}: {{targets: app}}}}
    app: {{ec2_service: {{on: group, workers: {}, vcpus: {}, service_time: {{lognormal: {{p50: 5ms, p99: 20ms}}}}, calls: [{{to: db, timeout: 60s}}]}}}}
    group: {{auto_scaling_group: {{size: {}{}}}}}
    db: {{aurora_cluster: {{readers: 2}}}}
horizon: {}s
)",
                     chain_rate, balancer, std::max<std::int64_t>(64 / targets, 4),
                     std::max<std::int64_t>(64 / targets, 4), targets, scaling, chain_seconds);
}

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
  state.SetItemsProcessed(state.iterations() * chain_requests);
}

void request_chain(benchmark::State& state) { run_chain(state, chain(state.range(0))); }

// Alarms on the load balancer and on the group, demand against capacity each second, policies that
// have a reason to act but no room to.
void scaled_chain(benchmark::State& state) {
  run_chain(state, chain(state.range(0), R"(, min_size: 10, max_size: 11, monitoring: detailed,
      scaling_policies: [
        {name: cpu, target_tracking: {predefined_metric: ASGAverageCPUUtilization, target_value: 50}},
        {name: requests, target_tracking: {predefined_metric: {type: ALBRequestCountPerTarget, resource_label: alb}, target_value: 100}}])"));
}

// A Network Load Balancer instead: every request passes through on its connection.
void nlb_chain(benchmark::State& state) {
  run_chain(state, chain(state.range(0), {}, "network_load_balancer"));
}

// What a chain needs of any calendar: as many events, as many pending, nothing done.
void calendar_hold(benchmark::State& state) {
  auto sim = test::simulation_of(chain(1));
  sim->run();
  const std::uint64_t events = sim->events_handled();
  for (auto _ : state) {
    sim::Calendar calendar;
    sim::Stream chance(1);
    for (int i = 0; i < 64; ++i) calendar.push({chance.below(40'000'000), nullptr, nullptr, 0});
    for (std::uint64_t i = 0; i < events; ++i) {
      sim::Event event = calendar.pop();
      event.key += chance.below(40'000'000);
      calendar.push(event);
    }
    benchmark::DoNotOptimize(calendar.size());
  }
  state.SetItemsProcessed(state.iterations() * chain_requests);
}

double resident_bytes() {
  long pages = 0, resident = 0;
  std::FILE* statm = std::fopen("/proc/self/statm", "r");
  if (statm == nullptr || std::fscanf(statm, "%ld %ld", &pages, &resident) != 2) resident = 0;
  if (statm != nullptr) std::fclose(statm);
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// 200,000 users whose database takes 100 s: all requests are in flight, each with all its calls,
// events and timeouts.
void print_memory_per_request() {
  constexpr double users = 200'000;
  const double before = resident_bytes();
  auto sim = test::simulation_of(R"(
experiment: stuck
topology:
  regions: {us-east-1: {availability_zones: 3}}
  components:
    users: {client: {target: alb, closed: {users: 200000}, timeout: 140s}}
    alb: {application_load_balancer: {targets: app, idle_timeout: 4000s}}
    app: {ec2_service: {on: group, workers: 100000, vcpus: 64, service_time: 1ms, calls: [{to: db, timeout: 140s}]}}
    group: {auto_scaling_group: {size: 6}}
    db: {station: {servers: 1000000, service_time: 100s}}
horizon: 110s
)");
  sim->run();
  std::printf(
      "memory of a request in flight, all its calls, events and timeouts: %.0f bytes resident "
      "(calls %.0f)\n",
      (resident_bytes() - before) / users, static_cast<double>(sim->calls_bytes()) / users);
}

BENCHMARK(bare_mm4)->Unit(benchmark::kMillisecond);
BENCHMARK(station_mm4)->Unit(benchmark::kMillisecond);
BENCHMARK(calendar_hold)->Unit(benchmark::kMillisecond);
BENCHMARK(request_chain)->Arg(1)->Arg(10)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK(nlb_chain)->Arg(10)->Unit(benchmark::kMillisecond);
BENCHMARK(scaled_chain)->Arg(10)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace windtunnel::bench

int main(int argc, char** argv) {
  using namespace windtunnel::bench;
  const int code = run_and_compare(argc, argv,
                                   {{"station_mm4", "bare_mm4"},
                                    {"request_chain/1", "calendar_hold"},
                                    {"request_chain/10", "request_chain/1"},
                                    {"request_chain/100", "request_chain/1"},
                                    {"request_chain/1000", "request_chain/1"},
                                    {"scaled_chain/10", "request_chain/10"},
                                    {"nlb_chain/10", "request_chain/10"}},
                                   0.0);
  print_memory_per_request();
  return code;
}
