// A client's machines by area, network and resolver.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "models/mechanisms/geography.hpp"
#include "tests/support/yaml_run.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using testing::HasSubstr;

std::string world(const std::string& population, const std::string& more = "",
                  const std::string& rest = "") {
  return fmt::format(R"(
experiment: population
topology:
  regions: {{us-east-1: {{availability_zones: 2}}, eu-central-1: {{availability_zones: 1}}}}
  network: {{jitter_p90: 1}}
  components:
    users: {{client: {{target: www, open: {{deterministic: 100/s}}, dns_lookup: 1ms, population: {}{}}}}}
    www: {{route53_record: {{failover: {{primary: near, secondary: far}}, ttl: 60s, evaluate_target_health: true}}}}
    near: {{application_load_balancer: {{targets: web, region: us-east-1, availability_zones: [us-east-1a, us-east-1b], health_check: {{interval: 10s}}}}}}
    web: {{ec2_service: {{on: fleet, service_time: 10ms}}}}
    fleet: {{auto_scaling_group: {{size: 2, region: us-east-1, availability_zones: [us-east-1a, us-east-1b]}}}}
    far: {{application_load_balancer: {{targets: web2, region: eu-central-1, availability_zones: [eu-central-1a]}}}}
    web2: {{ec2_service: {{on: fleet2, service_time: 10ms}}}}
    fleet2: {{auto_scaling_group: {{size: 2, region: eu-central-1, availability_zones: [eu-central-1a]}}}}
{})",
                     population, more, rest.empty() ? "horizon: 10min\n" : rest);
}
double of_users(const sim::Simulation& sim, const std::string& metric,
                const std::string& statistic = "sum") {
  return metric_of(sim, "users", metric, statistic);
}
std::string errors_of(const std::string& yaml) {
  try {
    simulation_of(yaml);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(Population, AnAreasLatencyIsItsAccessNetworkAndItsDistance) {
  const auto sim = simulation_of(world("[{area: DE, network: 8ms}]", ", idle_timeout: 1h"));
  sim->run();
  const double way =
      2 * 8 + 1e3 * sim::seconds(round_trip(*find_location("DE"), *find_location("us-east-1")));
  // And the work, and the load balancer's ways within and between its two zones.
  EXPECT_NEAR(1e3 * of_users(*sim, "SuccessLatency us-east-1", "p50"), way + 10, 3);
  EXPECT_NEAR(of_users(*sim, "AttemptsTo us-east-1"), 60'000, 20);  // the last are on their way
  EXPECT_EQ(of_users(*sim, "AttemptsTo eu-central-1"), 0);
}

TEST(Population, MachinesAreSharedOutByTheAreasShares) {
  const auto sim = simulation_of(
      world("[{area: DE, share: 75%}, {area: BR, share: 25%}]", ", hosts: 200, idle_timeout: 1h"));
  sim->run();
  // A connection each, for good.
  EXPECT_EQ(of_users(*sim, "ConnectsTo us-east-1"), 200);
  const auto& network = sim->network();
  const auto german = network.find("internet:users 0@DE"),
             brazil = network.find("internet:users 1@BR");
  ASSERT_TRUE(german && brazil);
  EXPECT_LT(network.one_way(*german, 2), network.one_way(*brazil, 2));  // to eu-central-1a
}

// 100 machines that connect anew for each request; a resolver asks once in 60 s.
TEST(Population, MachinesOfAResolverShareItsCache) {
  const auto sim = simulation_of(
      world("[{area: DE, resolver: {count: 5, recursion: 0s}, runtime_cache: [{at_most: 0s}]}]",
            ", idle_timeout: 0s"));
  sim->run();
  // A machine's requests that come while it connects wait for that connection.
  EXPECT_GT(of_users(*sim, "DNSLookups"), 50'000);
  EXPECT_EQ(of_users(*sim, "DNSRecursions"), 5 * 10);
  EXPECT_EQ(metric_of(*sim, "www", "DNSQueries", "sum"), 5 * 10);
  EXPECT_NEAR(of_users(*sim, "DNSAnswerAge", "mean"), 30, 0.5);
}

// Both zones of the near region lose power at 120 s. Where new connections lead is up to caches:
// those of resolvers for 60 s, of a JVM for 30 s more at most, and one that never forgets.
std::string region_lost(const std::string& population) {
  return world(population, ", timeout: 1s, hosts: 1000, idle_timeout: 5s", R"(
faults:
  - {at: 120s, lasting: 1h, az_power_loss: us-east-1a}
  - {at: 120s, lasting: 1h, az_power_loss: us-east-1b}
horizon: 10min
)");
}
double caches_expired(sim::Simulation& sim) {
  double last = 0;
  for (const auto& event : sim.log().events) {
    if (event.milestone == sim::Milestone::caches_expired)
      last = sim::seconds(event.at - sim::time_zero);
  }
  return last;
}
double answer_changed(sim::Simulation& sim) {
  for (const auto& event : sim.log().events) {
    if (event.text.find("answers with the secondary") == std::string::npos) continue;
    return sim::seconds(event.at - sim::time_zero);
  }
  return 0;
}

TEST(Population, Rule41_CachesHoldADeadAnswerForTheirTtlAndRuntimesForTheirs) {
  const auto honest = simulation_of(region_lost("[{area: DE, resolver: {count: 100}}]"));
  honest->run();
  const double changed = answer_changed(*honest);
  EXPECT_GT(changed, 120);
  const double expired = caches_expired(*honest);
  EXPECT_GT(expired, changed);
  EXPECT_LT(expired, changed + 60 + 15);  // the TTL, and until the machine asks again
  const auto stubborn =
      simulation_of(region_lost("[{area: DE, resolver: {count: 100}, runtime_cache: [{share: 90%}, "
                                "{share: 10%, forever: true}]}]"));
  stubborn->run();
  EXPECT_EQ(caches_expired(*stubborn), 0);  // someone is misled to the end
  EXPECT_GT(of_users(*stubborn, "StrandedMachines", "max"), 200);
  EXPECT_GT(of_users(*stubborn, "ConnectsTo us-east-1"),
            1.5 * of_users(*honest, "ConnectsTo us-east-1"));
  // One in ten users is never served again, though the name has long led elsewhere.
  EXPECT_NEAR(of_users(*stubborn, "Failed") / (0.8 * 60'000), 0.10, 0.02);
}

double stranded_now(sim::Simulation& sim) {
  for (const sim::Metric* metric : sim.find_component("users")->metrics().all()) {
    if (metric->name() == "StrandedMachines") return metric->reading();
  }
  return -1;
}

// Scale-out by DNS alone (T11): an answer with three addresses, one of them dead, is enough to go
// on. One with a single address is not: then caches rule.
TEST(Population, AMachineThatHoldsSeveralAddressesNeedsNoNewAnswer) {
  const auto sim = simulation_of(R"(
experiment: dns_scale_out
topology:
  regions: {us-east-1: {availability_zones: 3}}
  components:
    users: {client: {target: www, open: {deterministic: 100/s}, timeout: 5s, retry: {max_attempts: 3}, hosts: 1000, population: [{area: US-VA, resolver: {count: 10}}]}}
    www: {route53_record: {simple: web, ttl: 300s}}
    web: {ec2_service: {on: fleet, service_time: 10ms}}
    fleet: {auto_scaling_group: {size: 3}}
faults:
  - {at: 120s, lasting: 1h, az_power_loss: us-east-1a}
horizon: 10min
)");
  sim->run();
  EXPECT_GT(of_users(*sim, "StrandedMachines", "max"), 0);
  EXPECT_EQ(stranded_now(*sim), 0);
  EXPECT_EQ(of_users(*sim, "Failed"), 0);  // connecting to the dead one takes 1.1 s of the 5 s
  // The longest request tried two dead ways before: a broken connection, then a dead address.
  EXPECT_LT(of_users(*sim, "RequestLatency", "max"), 15);
}

// Where users are is no place for instances: replacements of a dead zone's come to another of
// AWS's.
TEST(Population, NothingOfAwsIsPlacedWhereUsersAre) {
  const auto sim = simulation_of(region_lost("[{area: DE}]"));
  const auto& network = sim->network();
  for (sim::ZoneId zone = 0; zone < network.zones(); ++zone) {
    EXPECT_EQ(network.region(zone).empty(), network.name(zone).starts_with("internet:"));
  }
}

TEST(Population, BadSettingsAreRefusedWithTheirPlaces) {
  EXPECT_THAT(errors_of(world("[{area: Germany}]")), HasSubstr("unknown area 'Germany'"));
  EXPECT_THAT(errors_of(world("[{area: US-CAL}]")), HasSubstr("did you mean 'US-"));
  EXPECT_THAT(errors_of(world("[{area: DE, share: 60%}, {area: FR, share: 30%}]")),
              HasSubstr("the shares do not sum to 100%"));
  EXPECT_THAT(errors_of(world("[{area: DE, cidr: 203.0.113.1/24}]")),
              HasSubstr("'203.0.113.1/24' is no CIDR block"));
  EXPECT_THAT(errors_of(world("[{area: DE, runtime_cache: [{share: 50%}]}]")),
              HasSubstr("population.0.runtime_cache: the shares do not sum to 100%"));
  EXPECT_THAT(errors_of(world("[{area: DE, resolver: {ttl: [{at_least: 60s, at_most: 30s}]}}]")),
              HasSubstr("is below at_least"));
  EXPECT_THAT(errors_of(world("[{area: DE}]", ", network: 10ms")),
              HasSubstr("has no meaning beside population"));
  EXPECT_THAT(errors_of(world("[{area: DE, share: 50%}, {area: FR, share: 50%}]", ", hosts: 1")),
              HasSubstr("has 2 areas, but hosts is 1"));
}

}  // namespace
}  // namespace windtunnel::test
