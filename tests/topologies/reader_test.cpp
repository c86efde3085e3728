#include "topologies/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/topologies/reading.hpp"

namespace windtunnel {
namespace {

// The two messages that the issue quotes, at their places.
TEST(Reader, TellsAValueAboveItsLimitWithTheLimitAndItsSource) {
  EXPECT_EQ(said("experiment: web\n"
                 "horizon: 60min\n"
                 "topology:\n"
                 "  regions:\n"
                 "    us-east-1: {}\n"
                 "  components:\n"
                 "    users:\n"
                 "      client:\n"
                 "        target: database\n"
                 "        open: {poisson: 400/s}\n"
                 "\n"
                 "    database:\n"
                 "      aurora_cluster:\n"
                 "        readers: 17\n"),
            "web.yaml:14:9: database.readers: 17 is above 15 (Aurora User Guide, Aurora "
            "Replicas)\n");
}

TEST(Reader, TellsAnUnknownFieldAndTheOneThatWasMeant) {
  EXPECT_EQ(said_of_topology("regions: {us-east-1: {}}\n"
                             "components:\n"
                             "  web: {ec2_service: {on: group, service_time: 1ms}}\n"
                             "  group: {auto_scaling_group: {size: 3}}\n"
                             "\n"
                             "  alb: {application_load_balancer: {\n"
                             "  targets: web,\n"
                             "\n"
                             "  idle_timout: 30s}}\n"),
            "web.yaml:9:3: unknown field 'idle_timout' of application_load_balancer, did you mean "
            "'idle_timeout'?\n");
}

TEST(Reader, TellsAllErrorsOfAFileInOrder) {
  EXPECT_EQ(said("experiment: web\n"
                 "horizon: soon\n"
                 "topology:\n"
                 "  regions: {us-east-1: {availability_zones: 9}}\n"
                 "  components:\n"
                 "    users: {client: {target: dbb, open: {poisson: 400}, hosts: 1.5}}\n"
                 "    db: {aurora_cluster: {readers: 99, wirter_az: us-east-1a}}\n"
                 "faults: [{at: 1min, az_power_los: us-east-1a}]\n"
                 "replications: 0\n"),
            "web.yaml:2:1: horizon: 'soon' is not a duration; write it as 30s or 5min\n"
            "web.yaml:4:25: regions.us-east-1.availability_zones: 9 is above 6 (AWS Global "
            "Infrastructure: at least three zones a region, us-east-1 has six)\n"
            "web.yaml:6:22: users.target: no component 'dbb', did you mean 'db'?\n"
            "web.yaml:6:42: users.open.poisson: '400' has no unit; a rate is written as 400/s or "
            "10/min\n"
            "web.yaml:6:57: users.hosts: '1.5' is not a whole number\n"
            "web.yaml:7:27: db.readers: 99 is above 15 (Aurora User Guide, Aurora Replicas)\n"
            "web.yaml:7:40: unknown field 'wirter_az' of aurora_cluster, did you mean "
            "'writer_az'?\n"
            "web.yaml:8:21: unknown field 'az_power_los' of faults, did you mean "
            "'az_power_loss'?\n"
            "web.yaml:9:1: replications: 0 is below 1\n");
}

// What is said about one client with these settings.
std::string client(const std::string& settings) {
  const std::string text =
      "components:\n"
      "  q: {station: {service_time: 1ms}}\n"
      "  users: {client: {target: q, " +
      settings + "}}\n";
  return said_of_topology(text);
}

TEST(Reader, RefusesAValueAtAnExclusiveLimit) {
  EXPECT_EQ(client("open: {poisson: 0/s}"),
            "web.yaml:3:38: users.open.poisson: 0/s is not above 0/s\n");
}

TEST(Reader, RefusesNegativeValues) {
  EXPECT_EQ(client("open: {poisson: 1/s}, timeout: -5s"),
            "web.yaml:3:53: users.timeout: -5s is below 0s (botocore endpoint.py: read timeout "
            "60 s)\n");
}

TEST(Reader, RefusesMissingValues) {
  EXPECT_EQ(client("open: {poisson: }"), "web.yaml:3:38: users.open.poisson: has no value\n");
  EXPECT_EQ(client("open: {poisson: 1/s}, retry: "),
            "web.yaml:3:53: users.retry: has no value; {} stands for all defaults\n");
}

TEST(Reader, RefusesAListWhereASingleValueIsMeant) {
  EXPECT_EQ(client("open: {poisson: 1/s}, hosts: [1, 2]"),
            "web.yaml:3:53: users.hosts: a list is not a single value\n");
}

TEST(Reader, RefusesASingleValueWhereSettingsAreMeant) {
  EXPECT_EQ(client("open: 400/s"), "web.yaml:3:31: users.open: '400/s' is not a map of settings\n");
}

TEST(Reader, RefusesASingleValueWhereAListIsMeant) {
  EXPECT_EQ(said(experiment_of("    a: {client: {target: b, open: {poisson: 1/s}}}\n"
                               "    b: {aurora_cluster: {availability_zones: us-east-1a}}\n")),
            "web.yaml:8:26: b.availability_zones: 'us-east-1a' is not a list\n");
}

TEST(Reader, NamesBothMembersThatExcludeEachOther) {
  EXPECT_EQ(client("open: {poisson: 1/s}, closed: {users: 5}"),
            "web.yaml:3:53: users: open and closed exclude each other\n");
}

TEST(Reader, NamesTheMembersOfWhichOneIsMissing) {
  EXPECT_EQ(client("timeout: 1s"), "web.yaml:3:3: users: load is missing: open or closed\n");
  EXPECT_EQ(client("open: {}"),
            "web.yaml:3:31: users.open: process is missing: poisson, deterministic, "
            "trace, profile or sum\n");
}

TEST(Reader, TellsWhatIsMissingBesideValuesThatAreWrong) {
  EXPECT_EQ(client("timeout: soon"),
            "web.yaml:3:3: users: load is missing: open or closed\n"
            "web.yaml:3:31: users.timeout: 'soon' is not a duration; write it as 30s or 5min\n");
}

TEST(Reader, TellsNothingMissingWhereAFieldIsMisspelt) {
  EXPECT_EQ(client("opne: {poisson: 1/s}"),
            "web.yaml:3:31: unknown field 'opne' of client, did you mean 'open'?\n");
}

TEST(Reader, TellsWhatARequiredFieldIsFor) {
  EXPECT_EQ(client("closed: {}"),
            "web.yaml:3:31: users.closed: users is missing: users, each with one request at a "
            "time\n");
}

TEST(Reader, ReadsEnumsInAnyCase) {
  EXPECT_EQ(client("open: {poisson: 1/s}, retry: {backoff: Equal_Jitter}"), "");
}

TEST(Reader, NamesTheWordsThatAFieldKnows) {
  EXPECT_EQ(client("open: {poisson: 1/s}, retry: {backoff: full_jiter}"),
            "web.yaml:3:61: users.retry.backoff: 'full_jiter' is not none, exponential, "
            "full_jitter, equal_jitter or decorrelated_jitter, did you mean 'full_jitter'?\n");
}

TEST(Reader, ReadsOnlyTrueAndFalseAsTruth) {
  EXPECT_EQ(client("open: {poisson: 1/s}, retry: {circuit_breaker: {blocks_first_attempts: yes}}"),
            "web.yaml:3:79: users.retry.circuit_breaker.blocks_first_attempts: 'yes' is not true "
            "or false\n");
}

TEST(Reader, ChecksDates) {
  EXPECT_EQ(client("open: {trace: {file: a.csv, from: 1998-06-31T18:00}}"),
            "web.yaml:3:59: users.open.trace.from: '1998-06-31T18:00' is not a date: there is no "
            "such day\n");
}

TEST(Reader, ReadsAShorthandAsTheFieldThatItStandsFor) {
  Diagnostics diagnostics;
  const auto topology = read_topology(
      "components:\n"
      "  q: {station: {service_time: {exponential: 10ms}, patience: 1s}}\n"
      "  users: {client: {target: q, open: {trace: a.csv}}}\n",
      "web.yaml", {}, diagnostics);
  ASSERT_TRUE(topology) << diagnostics.print();
  EXPECT_THAT(settings_of(*topology, "q"),
              testing::HasSubstr("service_time { exponential { mean: 10000000 } }"));
  EXPECT_THAT(settings_of(*topology, "q"), testing::HasSubstr("patience { constant: 1000000000 }"));
  EXPECT_THAT(settings_of(*topology, "users"),
              testing::HasSubstr("trace { file: \"a.csv\" scale: 1 "));
}

TEST(Reader, TellsTheLimitsOfAShorthandAtItsPlace) {
  EXPECT_EQ(client("open: {poisson: 1/s}, network: -1ms"),
            "web.yaml:3:53: users.network: -1ms is below 0s\n");
}

TEST(Reader, FillsDefaultsAtEveryDepth) {
  Diagnostics diagnostics;
  const auto experiment =
      read_experiment(experiment_of(web_components()), "web.yaml", {}, diagnostics);
  ASSERT_TRUE(experiment) << diagnostics.print();
  EXPECT_THAT(settings_of(experiment->topology, "web-alb"),
              testing::HasSubstr("health_check { interval: 30000000000 timeout: 5000000000 "
                                 "healthy_threshold: 5 unhealthy_threshold: 2 }"));
  EXPECT_EQ(experiment->settings.service_level().window(), 10'000'000'000);
  EXPECT_EQ(experiment->topology.network.intra_az_rtt(), 200'000);
  EXPECT_FALSE(experiment->settings.has_objectives());
}

const Assumption* find(const std::vector<Assumption>& all, const std::string& path) {
  for (const Assumption& one : all) {
    if (one.path == path) return &one;
  }
  return nullptr;
}

TEST(Reader, KeepsEachDefaultAsAnAssumptionWithItsSource) {
  Diagnostics diagnostics;
  const auto experiment =
      read_experiment(experiment_of(web_components()), "web.yaml", {}, diagnostics);
  ASSERT_TRUE(experiment) << diagnostics.print();
  const auto& all = experiment->topology.assumptions;
  const Assumption* timeout = find(all, "web-alb.health_check.timeout");
  ASSERT_NE(timeout, nullptr);
  EXPECT_EQ(timeout->value, "5s");
  EXPECT_EQ(timeout->source, "ALB guide, Target group health checks");
  EXPECT_EQ(timeout->sentence, "no answer for this long is a failed check");
  EXPECT_FALSE(timeout->given);
  EXPECT_FALSE(timeout->unsourced);
}

TEST(Reader, KeepsADefaultMessageAsOneAssumption) {
  Diagnostics diagnostics;
  const auto experiment =
      read_experiment(experiment_of(web_components()), "web.yaml", {}, diagnostics);
  ASSERT_TRUE(experiment) << diagnostics.print();
  const auto& all = experiment->topology.assumptions;
  const Assumption* read_time = find(all, "db.read_time");
  ASSERT_NE(read_time, nullptr);
  EXPECT_EQ(read_time->value, "{lognormal: {p50: 1ms, p99: 8ms}}");
  EXPECT_TRUE(read_time->unsourced);
  EXPECT_EQ(find(all, "db.read_time.lognormal.p50"), nullptr);
}

TEST(Reader, KeepsGivenValuesApartFromDefaults) {
  Diagnostics diagnostics;
  const auto experiment =
      read_experiment(experiment_of(web_components()), "web.yaml", {}, diagnostics);
  ASSERT_TRUE(experiment) << diagnostics.print();
  const Assumption* readers = find(experiment->topology.assumptions, "db.readers");
  ASSERT_NE(readers, nullptr);
  EXPECT_EQ(readers->value, "2");
  EXPECT_TRUE(readers->given);
  EXPECT_FALSE(readers->unsourced);
}

TEST(Reader, KeepsNoAssumptionOfPartsThatAreNotUsed) {
  Diagnostics diagnostics;
  const auto experiment =
      read_experiment(experiment_of(web_components()), "web.yaml", {}, diagnostics);
  ASSERT_TRUE(experiment) << diagnostics.print();
  EXPECT_EQ(find(experiment->topology.assumptions, "users.retry.max_attempts"), nullptr);
}

}  // namespace
}  // namespace windtunnel
