// Aurora's failovers by hand, rule 47, and measured ones (validation/measurements.json M05, M07,
// M08).
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "models/database/aurora_cluster.pb.h"
#include "models/schema.pb.h"
#include "tests/models/aurora_world.hpp"

namespace windtunnel {
namespace {

using namespace aurora_test;
using sim::HostLoss;
using sim::Operation;
using sim::Outcome;

constexpr auto reading = Operation::read;
constexpr auto writing = Operation::write;

AuroraCluster::Shape with_readers(std::uint32_t readers) {
  auto shape = plain_shape();
  shape.readers = readers;
  return shape;
}

TEST(AuroraFailover, ASilentWriterIsDetectedReplacedAndRenamed) {
  World world(with_readers(2));
  Caller& caller = world.caller("app", {});
  world.lose(30s, 0);
  world.sim.run();
  EXPECT_EQ(world.noted("DB instance db-1 is not reachable"), 35s);
  EXPECT_EQ(world.noted("Started cross AZ failover to DB instance: db-2"), 35s);
  EXPECT_EQ(world.noted("Completed failover to DB instance: db-2"), 43s);
  // DNS follows at 45 s; the client's answer of 40.x s expires five seconds later.
  EXPECT_GT(caller.outage(), 15s);
  EXPECT_LT(caller.outage(), 22s);
  EXPECT_EQ(caller.results.back().node, 1u);
  EXPECT_TRUE(world.writes().recovered);
}

TEST(AuroraFailover, MilestonesComeInOrder) {
  World world;
  world.lose(30s, 0);
  world.sim.run();
  std::vector<sim::Milestone> seen;
  for (const auto& event : world.sim.log().events) seen.push_back(event.milestone);
  EXPECT_EQ(seen, (std::vector{sim::Milestone::detection, sim::Milestone::action_started,
                               sim::Milestone::action_finished}));
}

TEST(AuroraFailover, AnOrderlyStopNeedsNoDetection) {
  World world;
  world.lose(30s, 0, HostLoss::reset);
  world.sim.run();
  EXPECT_EQ(world.noted("is not reachable"), 30s);
  EXPECT_EQ(world.noted("Completed failover"), 38s);
}

TEST(AuroraFailover, LosesNoAcknowledgedWriteThoughTheReaderWasBehind) {
  auto shape = plain_shape();
  shape.replica_lag = sim::Distribution::constant(1s);
  World world(shape);
  Caller& caller = world.caller("app", {.every = 1ms, .until = 60s});
  world.lose(30s, 0);
  std::uint64_t behind = 0;
  world.at(35s, [&] { behind = world.db->ledger().last() - world.db->ledger().applied(1); });
  world.sim.run();
  EXPECT_GE(behind, 900u);  // it had not applied the last second of writes
  EXPECT_EQ(world.writes().lost, 0u);
  EXPECT_FALSE(world.writes().oldest_lost);
  EXPECT_EQ(world.writes().acknowledged, caller.count(Outcome::ok));
  EXPECT_NEAR(sim::seconds(*world.writes().last_acknowledged), 30, 0.005);
}

TEST(AuroraFailover, TheOldWriterReturnsAsAReader) {
  World world;
  world.lose(30s, 0);
  world.restore(60s, 0);
  Caller& reads = world.caller("reads", {.operation = reading, .keep_connection = 0s});
  world.sim.run();
  EXPECT_EQ(world.noted("DB instance db-1 restarted"), 70s);
  EXPECT_EQ(world.db->writer(), 1u);
  EXPECT_EQ(reads.results.back().node, 0u);
  // In between the reader endpoint was the new writer: the only instance left.
  EXPECT_EQ(reads.count(Outcome::ok, 50s, 70s), 200u);
}

TEST(AuroraFailover, AWriterThatIsBackBeforeItsDetectionStaysTheWriter) {
  World world;
  world.lose(30s, 0);
  world.restore(33s, 0);
  Caller& caller = world.caller("app", {});
  world.sim.run();
  EXPECT_EQ(world.noted("failover"), -1s);
  EXPECT_EQ(world.db->writer(), 0u);
  EXPECT_GT(caller.count(Outcome::ok, 44s, 120s), 700u);
}

TEST(AuroraFailover, ACandidateThatDiesIsFollowedByTheNext) {
  World world(with_readers(2));
  world.lose(30s, 0);
  world.lose(40s, 1);  // in the middle of its promotion
  world.sim.run();
  EXPECT_EQ(world.noted("DB instance db-2 was lost during its promotion"), 43s);
  EXPECT_EQ(world.noted("Completed failover to DB instance: db-3"), 51s);
  EXPECT_TRUE(world.writes().recovered);
}

TEST(AuroraFailover, ANewWriterThatDiesBeforeDnsNamesItIsReplacedToo) {
  World world(with_readers(2));
  Caller& caller = world.caller("app", {});
  world.lose(30s, 0);
  world.lose(44s, 1);  // ready since 43 s, in DNS at 45 s
  world.sim.run();
  EXPECT_EQ(world.noted("DB instance db-2 is not reachable"),
            50s);  // detection begins when DNS is done
  EXPECT_EQ(world.db->writer(), 2u);
  EXPECT_EQ(caller.results.back().outcome, Outcome::ok);
}

TEST(AuroraFailover, APreviousWriterThatIsBackIsPromotedAgainIfNobodyElseIsLeft) {
  World world;
  world.lose(30s, 0);
  world.lose(36s, 1);
  world.restore(37s, 0);
  Caller& caller = world.caller("app", {});
  world.sim.run();
  EXPECT_EQ(world.db->writer(), 0u);
  EXPECT_EQ(caller.results.back().outcome, Outcome::ok);
}

TEST(AuroraFailover, AReaderThatComesBackWhileNobodyIsLeftIsPromoted) {
  World world(plain_shape(), 20min);
  world.lose(30s, 0);
  world.lose(30s, 1);
  world.restore(60s, 1);
  world.sim.run();
  EXPECT_EQ(world.noted("is created anew in us-east-1a"), 35s);
  EXPECT_EQ(world.noted("Completed failover to DB instance: db-2"), 78s);
  EXPECT_EQ(world.db->writer(), 1u);  // and what was begun for the old writer is not finished
  EXPECT_EQ(world.noted("DB instance db-1 restarted"), -1s);
}

TEST(AuroraFailover, NobodyTakesWritesDuringAPromotion) {
  auto shape = plain_shape();
  shape.restart = sim::Distribution::constant(2s);  // the old writer is up again long before
  World world(shape);
  world.at(30s, [&] { world.db->fail_over(); });
  Caller& caller = world.caller("app", {});
  world.sim.run();
  EXPECT_EQ(world.noted("DB instance db-1 restarted"), 32s);
  EXPECT_EQ(caller.count(Outcome::ok, 30s, 38s), 0u);
  EXPECT_GT(caller.count(Outcome::read_only, 30s, 38s), 50u);
}

TEST(AuroraFailover, ALostReaderLeavesTheReaderEndpointAfterItsDetection) {
  World world(with_readers(2));
  world.lose(30s, 1);
  world.restore(60s, 1);
  sim::Stream chance(1);
  std::vector<bool> named;
  const auto look = [&] {
    bool found = false;
    for (int i = 0; i < 100; ++i)
      found |= world.db->resolve({reading, chance}).addresses[0].node == 1;
    named.push_back(found);
  };
  for (const auto date : {36900ms, 37100ms, 71900ms, 72100ms}) world.at(date, look);
  world.sim.run();
  // Detection 5 s, DNS 2 s; back: restart 10 s, DNS 2 s.
  EXPECT_EQ(named, (std::vector<bool>{true, false, false, true}));
  EXPECT_EQ(world.noted("failover"), -1s);
}

TEST(AuroraFailover, OtherReadersKeepServing) {
  World world(with_readers(2));
  Caller& reads = world.caller("reads", {.operation = reading});
  world.lose(30s, 0);
  world.sim.run();
  EXPECT_EQ(reads.count(Outcome::ok), reads.results.size());
}

TEST(AuroraFailover, AZoneThatIsCutOffLosesTheWriterThoughItLivesOn) {
  World world;
  world.at(30s, [&] {
    world.sim.network().set_cut_off(0, true);
    world.db->on_zone_lost(0);
  });
  world.at(60s, [&] {
    world.sim.network().set_cut_off(0, false);
    world.db->on_zone_restored(0);
  });
  Caller& inside = world.caller("inside", {.timeout = 30s});
  Caller& outside = world.caller("outside", {.zone = 2});
  world.sim.run();
  EXPECT_EQ(world.db->writer(), 1u);
  EXPECT_EQ(inside.count(Outcome::ok, 30s, 45s), 0u);  // two copies are no quorum: no split brain
  EXPECT_GT(outside.count(Outcome::ok, 52s), 600u);
  EXPECT_EQ(world.writes().lost, 0u);
}

TEST(AuroraFailover, WithoutReplicaAZoneThatIsCutOffIsForSomebodyToHandle) {
  World world(with_readers(0));
  world.at(30s, [&] {
    world.sim.network().set_cut_off(0, true);
    world.db->on_zone_lost(0);
  });
  world.sim.run();
  EXPECT_EQ(world.noted("must be created by hand"), 35s);
  EXPECT_EQ(world.noted("is created anew"), -1s);
}

TEST(AuroraFailover, ARefusedFailoverSaysSo) {
  World world(with_readers(0));
  world.at(30s, [&] { world.db->fail_over(); });
  world.sim.run();
  EXPECT_EQ(world.noted("Cluster failover failed"), 30s);
  EXPECT_TRUE(world.writes().recovered);
}

// --- Rule 47

TEST(AuroraFailover, Rule47_LosingAZoneAndACopyLeavesReadsOnlyUntilRepair) {
  auto shape = with_readers(1);
  shape.storage_repair = sim::Distribution::constant(20s);
  World world(shape);
  Caller& writes = world.caller("writes", {});
  Caller& reads = world.caller("reads", {.operation = reading});
  world.lose_zone(30s, 2);
  world.at(50s, [&] { world.db->lose_storage_copy(0); });
  world.sim.run();
  EXPECT_EQ(writes.count(Outcome::ok, 31s, 49900ms), 189u);  // a zone alone stops nothing
  EXPECT_EQ(writes.count(Outcome::ok, 50s, 69s), 0u);
  EXPECT_EQ(reads.count(Outcome::ok), reads.results.size());
  EXPECT_EQ(writes.count(Outcome::ok, 72s, 110s), 380u);
  EXPECT_EQ(world.noted("failover"), -1s);
}

TEST(AuroraFailover, Rule47_CommitsWithoutAQuorumWaitAndThenRefuseMore) {
  auto shape = with_readers(1);
  shape.queue = 6;  // ten connections
  World world(shape);
  Caller& writes = world.caller("writes", {.until = 60s, .timeout = 60s});
  world.at(20s, [&] {
    world.db->lose_storage_copy(4);
    world.db->lose_storage_copy(1);
    world.db->lose_storage_copy(2);
  });
  world.sim.run();
  EXPECT_EQ(world.db->metric.blocked.max(), 10);
  EXPECT_EQ(world.db->metric.blocked.value(), 0);
  EXPECT_GT(writes.count(Outcome::overloaded), 80u);
  EXPECT_EQ(writes.count(Outcome::ok) + writes.count(Outcome::overloaded), writes.begun);
  EXPECT_GT(world.db->metric.commit.quantile(1), 9);
}

TEST(AuroraFailover, Rule47_WithoutReplicaTheWriterIsRecreatedInTheSameZone) {
  World world(with_readers(0), 20min);
  Caller& caller = world.caller("app", {.every = 1s});
  const sim::Address before = world.db->address_of(0);
  world.lose(1min, 0);
  world.sim.run();
  EXPECT_EQ(world.noted("is created anew in us-east-1a"), 65s);
  EXPECT_EQ(world.noted("DB instance db-1 restarted"), 65s + 6min);
  EXPECT_LT(caller.outage(), 10min);
  EXPECT_EQ(world.db->zone_of(0), 0);
  EXPECT_NE(world.db->address_of(0), before);  // another machine
  EXPECT_EQ(world.writes().lost, 0u);
  EXPECT_TRUE(world.writes().recovered);
}

TEST(AuroraFailover, Rule47_WithoutReplicaALostZoneIsForSomebodyToHandle) {
  World world(with_readers(0), 60min);
  Caller& caller = world.caller("app", {.every = 1s, .zone = 1});
  world.lose_zone(1min, 0);
  world.restore_zone(40min, 0);
  world.sim.run();
  EXPECT_EQ(world.noted("must be created by hand"), 65s);
  EXPECT_EQ(caller.count(Outcome::ok, 1min, 40min), 0u);
  EXPECT_EQ(world.noted("DB instance db-1 restarted"), 40min + 10s);
  EXPECT_GT(caller.count(Outcome::ok, 41min), 1100u);
}

TEST(AuroraFailover, Rule47_WithoutItsZoneBackTheStoreIsNotRecovered) {
  World world(with_readers(0));
  world.lose_zone(1min, 0);
  world.sim.run();
  EXPECT_FALSE(world.writes().recovered);
}

TEST(AuroraFailover, RecoveryNeedsAReadQuorum) {
  World world(with_readers(2));
  world.lose_zone(30s, 0);  // the writer, and two copies
  world.at(31s, [&] {
    for (const std::uint32_t copy : {1u, 4u})
      world.db->lose_storage_copy(copy);  // two more: 2 of 6 are left
  });
  world.restore_zone(60s, 0);
  world.sim.run();
  EXPECT_EQ(world.noted("Started cross AZ failover"), 35s);
  EXPECT_EQ(world.noted("Completed failover to DB instance: db-2"), 60s);
}

// --- Measured

TEST(AuroraFailover, TheShapeUsedHereIsTheDocumentedDefault) {
  const std::map<std::string, std::string> used = {
      {"readers", "1"},
      {"workers", "64"},
      {"queue", "1000"},
      {"storage_write", "{lognormal: {p50: 500us, p99: 5ms}}"},
      {"failure_detection", "{uniform: {min: 3s, max: 10s}}"},
      {"promotion", "{lognormal: {p50: 8s, p99: 20s}}"},
      {"endpoint_update", "{uniform: {min: 1s, max: 5s}}"},
      {"restart", "{lognormal: {p50: 10s, p99: 30s}}"},
      {"recreate", "{lognormal: {p50: 6min, p99: 10min}}"},
      {"endpoint_ttl", "5s"}};
  for (const auto& [name, text] : used) {
    const auto* field = settings::AuroraCluster::descriptor()->FindFieldByName(name);
    ASSERT_NE(field, nullptr) << name;
    EXPECT_EQ(field->options().GetExtension(schema::field).default_(), text) << name;
  }
}

struct Sample {
  std::vector<double> values;
  double mean() const {
    double sum = 0;
    for (const double v : values) sum += v;
    return sum / static_cast<double>(values.size());
  }
  double share_below(double limit) const {
    return static_cast<double>(
               std::count_if(values.begin(), values.end(), [&](double v) { return v < limit; })) /
           static_cast<double>(values.size());
  }
};

// Longest write outage in seconds as a probe sees it that connects anew every second, as the
// measurement's loop did.
Sample outages(const std::function<void(World&)>& fault) {
  Sample sample;
  for (std::uint64_t i = 1; i <= 300; ++i) {
    World world(documented_shape(), 5min, i);
    Caller& probe = world.caller("probe", {.every = 1s, .keep_connection = 0s, .zone = 2});
    fault(world);
    world.sim.run();
    sample.values.push_back(sim::seconds(probe.outage()));
  }
  return sample;
}

TEST(AuroraFailover, M07_AForcedFailoverStopsWritesForTenToSixteenSecondsOnAverage) {
  const Sample outage = outages([](World& w) { w.at(1min, [&w] { w.db->fail_over(); }); });
  RecordProperty("mean_s", std::to_string(outage.mean()));
  EXPECT_GE(outage.mean(), 10);
  EXPECT_LE(outage.mean(), 16);
}

TEST(AuroraFailover, M08_ACrashOfTheWriterStopsWritesForLessThanAMinuteOftenLessThanHalf) {
  const Sample outage = outages([](World& w) { w.lose(1min, 0); });
  RecordProperty("mean_s", std::to_string(outage.mean()));
  EXPECT_EQ(outage.share_below(60), 1);
  EXPECT_GT(outage.share_below(30), 0.75);
}

TEST(AuroraFailover, M05_DnsNamesTheNewWriterFifteenToTwentySecondsAfterACrash) {
  Sample until;
  for (std::uint64_t i = 1; i <= 300; ++i) {
    World world(documented_shape(), 5min, i);
    sim::Stream chance(i);
    sim::Duration named{0};
    world.lose(1min, 0);
    for (auto t = 1min + 100ms; t < 3min; t += 100ms) {
      world.at(t, [&, t] {
        if (named == 0s && world.db->resolve({writing, chance}).addresses[0].node == 1)
          named = t - 1min;
      });
    }
    world.sim.run();
    ASSERT_GT(named, 0s);
    until.values.push_back(sim::seconds(named));
  }
  EXPECT_GE(until.mean(), 15);
  EXPECT_LE(until.mean(), 20);
}

}  // namespace
}  // namespace windtunnel
