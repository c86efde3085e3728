// Aurora in calm weather: statements, commits, endpoints, storage; and what a loss does to
// statements in hand.
#include "models/database/aurora_cluster.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/models/aurora_world.hpp"

namespace windtunnel {
namespace {

using namespace aurora_test;
using sim::HostLoss;
using sim::Operation;
using sim::Outcome;

constexpr auto reading = Operation::read;
constexpr auto writing = Operation::write;

TEST(AuroraCluster, AWriteTakesItsExecutionAndTheFourthFastestAcknowledgement) {
  World world;
  Caller& caller = world.caller("app", {.until = 1s});
  world.sim.run();
  ASSERT_EQ(caller.count(Outcome::ok), 9u);
  // To the writer and back 0.2 ms, execution 2 ms, storage 1 ms plus 0.6 ms to another zone and
  // back.
  EXPECT_EQ(caller.results.back().ended - caller.results.back().begun, 3800us);
  EXPECT_NEAR(world.db->metric.commit.mean(), 1.6e-3, 1e-9);
}

TEST(AuroraCluster, AReadNeedsNoQuorum) {
  World world;
  Caller& caller = world.caller("app", {.operation = reading, .until = 1s});
  world.sim.run();
  // The reader lives in another zone than the writer and the caller.
  EXPECT_EQ(caller.results.back().ended - caller.results.back().begun, 1600us);
  EXPECT_NEAR(world.db->metric.lag.mean(), 0.02, 1e-9);
}

TEST(AuroraCluster, InstancesAreSpreadOverTheZonesFromTheWritersOn) {
  World world([] {
    auto shape = plain_shape();
    shape.zones = {1, 2, 0};
    shape.readers = 3;
    return shape;
  }());
  std::vector<sim::ZoneId> zones;
  for (std::uint32_t i = 0; i < 4; ++i) zones.push_back(world.db->zone_of(i));
  EXPECT_EQ(zones, (std::vector<sim::ZoneId>{1, 2, 0, 1}));
}

TEST(AuroraCluster, AWaitingCommitHoldsNoWorker) {
  auto shape = plain_shape();
  shape.workers = 1;
  shape.storage_write = sim::Distribution::constant(1s);
  World world(shape);
  // With the worker held for the second of a commit, nine of ten would wait for each other.
  Caller& caller = world.caller("app", {.every = 10ms, .until = 10s, .timeout = 5s});
  world.sim.run();
  EXPECT_EQ(caller.count(Outcome::ok), caller.begun);
  EXPECT_LT(world.db->metric.dml.quantile(1), 1.02);
}

TEST(AuroraCluster, CommitsCompleteInTheOrderOfTheLog) {
  auto shape = plain_shape();
  shape.queue = 2000;
  shape.storage_write = sim::Distribution::exponential(0.1);
  shape.storage_repair = sim::Distribution::constant(300ms);
  World world(shape);
  Caller& caller = world.caller("app", {.every = 5ms, .until = 20s, .timeout = 10s});
  // Those that found no quorum are tried again after a second; later ones that would find one wait
  // behind them.
  world.at(10s, [&] {
    for (const std::uint32_t copy : {0u, 1u, 2u}) world.db->lose_storage_copy(copy);
  });
  world.sim.run();
  ASSERT_EQ(caller.count(Outcome::ok), caller.begun);
  EXPECT_GT(world.db->metric.blocked.max(), 150);
  for (std::size_t i = 1; i < caller.results.size(); ++i) {
    ASSERT_LT(caller.results[i - 1].begun, caller.results[i].begun);
  }
}

TEST(AuroraCluster, ACommitUnderWayWaitsIfItsQuorumIsLost) {
  auto shape = plain_shape();
  shape.storage_write = sim::Distribution::constant(1s);
  World world(shape);
  Caller& caller = world.caller("app", {.from = 10s, .until = 10010ms, .timeout = 60s});
  world.at(10500ms, [&] {
    for (const std::uint32_t copy : {0u, 1u, 2u}) world.db->lose_storage_copy(copy);
  });
  world.sim.run();
  ASSERT_EQ(caller.count(Outcome::ok), 1u);
  EXPECT_GT(caller.results[0].ended, sim::time_zero + 20500ms);
}

TEST(AuroraCluster, StatementsBeyondTheConnectionsAreRefused) {
  auto shape = plain_shape();
  shape.workers = 1;
  shape.queue = 2;
  shape.write_time = sim::Distribution::constant(1s);
  World world(shape);
  Caller& caller = world.caller("app", {.every = 1ms, .until = 106ms, .timeout = 30s});
  world.sim.run();
  EXPECT_EQ(caller.begun, 6u);
  EXPECT_EQ(caller.count(Outcome::ok), 3u);
  EXPECT_EQ(caller.count(Outcome::overloaded), 3u);
  EXPECT_EQ(world.db->metric.refused.value(), 3u);
}

TEST(AuroraCluster, AWriteAtAReaderIsRefusedAsReadOnly) {
  struct Stray final : sim::Component {
    Stray(sim::Simulation& sim, const std::string& name, AuroraCluster& to)
        : Component(sim, name), db(to) {}
    void start() override { sim().send(sim().open_call(*this, 0, writing), db.address_of(1)); }
    void on_answer(sim::Call& call, sim::Handle) override { outcome = call.outcome; }
    AuroraCluster& db;
    Outcome outcome = Outcome::ok;
  };
  World world;
  Stray& stray = world.add<Stray>("stray", *world.db);
  world.sim.run();
  EXPECT_EQ(stray.outcome, Outcome::read_only);
}

TEST(AuroraCluster, SlowMultipliesExecutionAndErrorsAnswerTheirShare) {
  World world;
  Caller& caller = world.caller("app", {.operation = reading, .every = 1ms, .until = 20s});
  world.at(10s, [&] { world.db->set_slow(3); });
  world.at(15s, [&] { world.db->set_errors(0.25); });
  world.sim.run();
  EXPECT_NEAR(world.db->metric.select.quantile(0.25), 1e-3, 1e-5);
  EXPECT_NEAR(world.db->metric.select.quantile(0.75), 3e-3, 3e-5);
  EXPECT_EQ(caller.count(Outcome::error, 0s, 14s), 0u);
  EXPECT_NEAR(static_cast<double>(caller.count(Outcome::error)), 1250, 120);
}

TEST(AuroraCluster, AnIdleClusterHasNoEvents) {
  World world(plain_shape(), 24h);
  world.sim.run();
  EXPECT_EQ(world.sim.events_handled(), 1u);  // the horizon
}

// --- Endpoints

TEST(AuroraCluster, Rule47_TheReaderEndpointBalancesPerResolutionNotPerQuery) {
  auto shape = plain_shape();
  shape.readers = 3;
  World world(shape);
  Caller& pooled = world.caller("pooled", {.operation = reading, .every = 10ms, .until = 60s});
  sim::Stream chance(1);
  std::map<std::uint32_t, int> answers;
  for (int i = 0; i < 3000; ++i) {
    const Resolution answer = world.db->resolve({reading, chance});
    ASSERT_EQ(answer.addresses.size(), 1u);
    ++answers[answer.addresses[0].node];
  }
  for (std::uint32_t reader = 1; reader <= 3; ++reader) EXPECT_NEAR(answers[reader], 1000, 110);
  world.sim.run();
  for (const auto& result : pooled.results) ASSERT_EQ(result.node, pooled.results[0].node);
}

TEST(AuroraCluster, TheReaderEndpointIsTheWriterWithoutReaders) {
  auto shape = plain_shape();
  shape.readers = 0;
  World world(shape);
  sim::Stream chance(1);
  EXPECT_EQ(world.db->resolve({reading, chance}).addresses[0], world.db->address_of(0));
}

TEST(AuroraCluster, Rule41_EndpointsAreKeptForFiveSeconds) {
  World world;
  sim::Stream chance(1);
  EXPECT_EQ(world.db->resolve({writing, chance}).ttl, 5s);
  // The writer is restarted at 10 s and back as a reader at 20 s. At 18 s the new one is ready, at
  // 20 s DNS says so.
  world.at(10s, [&] { world.db->fail_over(); });
  Caller& caller = world.caller("app", {.every = 50ms, .until = 60s, .keep_connection = 0s});
  world.sim.run();
  EXPECT_EQ(world.noted("Completed failover to DB instance: db-2"), 18s);
  // New connections go on to the old writer until the answer expires: asked for at 100 ms and every
  // 5 s then.
  EXPECT_EQ(caller.count(Outcome::read_only, 20s, 20100ms), 2u);
  EXPECT_EQ(caller.count(Outcome::ok, 10s, 20100ms), 0u);
  EXPECT_EQ(caller.count(Outcome::ok, 20100ms, 60s), 798u);
}

TEST(AuroraCluster, Rule41_AnOpenConnectionStaysWithTheOldWriterWhateverDnsSays) {
  World world;
  world.at(10s, [&] { world.db->fail_over(); });
  // It connects anew after the restart, to the address it still knows, and keeps that connection.
  struct Pool final : sim::Component {
    Pool(sim::Simulation& sim, const std::string& name, AuroraCluster& to)
        : Component(sim, name), db(to) {}
    void start() override { on_tick(); }
    void on_tick() {
      sim().after<&Pool::on_tick>(1s, this);
      sim().send(sim().open_call(*this, 0, writing), old);
    }
    void on_answer(sim::Call& call, sim::Handle) override { outcomes.push_back(call.outcome); }
    AuroraCluster& db;
    sim::Address old = db.address_of(0);
    std::vector<Outcome> outcomes;
  };
  Pool& pool = world.add<Pool>("pool", *world.db);
  world.sim.run();
  EXPECT_EQ(pool.outcomes[5], Outcome::ok);
  EXPECT_EQ(pool.outcomes[15], Outcome::connection_reset);
  EXPECT_EQ(pool.outcomes[119], Outcome::read_only);
}

// --- Statements in hand

// At 10.05 s three writes are being executed: begun at 9.9, 10.0 and, by a caller who has given up,
// at 9.5.
struct InHandWorld : World {
  InHandWorld()
      : World([] {
          auto shape = plain_shape();
          shape.write_time = sim::Distribution::constant(1s);
          shape.storage_write = sim::Distribution::constant(0s);
          return shape;
        }()) {
    patient = &caller("patient", {.every = 100ms, .from = 9900ms, .until = 10010ms, .timeout = 5s});
    hasty = &caller("hasty", {.from = 9500ms, .until = 9510ms, .timeout = 500ms});
    early = &caller("early", {.from = 1s, .until = 1010ms, .timeout = 5s});
    early_hasty = &caller("early and hasty", {.from = 2s, .until = 2010ms, .timeout = 500ms});
  }
  Caller *patient, *hasty, *early, *early_hasty;
};

TEST(AuroraCluster, WritesInTheHandsOfADeadWriterAreUnknown) {
  InHandWorld world;
  world.lose(10050ms, 0);
  world.sim.run();
  EXPECT_EQ(world.patient->count(Outcome::timeout), 2u);  // silence
  EXPECT_EQ(world.early_hasty->late, 1u);
  EXPECT_EQ(world.writes().acknowledged, 1u);
  EXPECT_EQ(world.writes().unknown, 4u);  // three in hand, one whose OK nobody heard
  EXPECT_EQ(world.writes().lost, 0u);
  EXPECT_EQ(world.writes().failed, sim::time_zero + 10050ms);
  EXPECT_EQ(world.db->metric.lost.value(), 3u);
  EXPECT_EQ(world.db->metric.queries.value(), 2u);  // the dead execute nothing
  EXPECT_EQ(world.db->metric.connections.value(), 0);
}

TEST(AuroraCluster, AnOrderlyStopResetsItsConnections) {
  InHandWorld world;
  world.lose(10050ms, 0, HostLoss::reset);
  world.sim.run();
  EXPECT_EQ(world.patient->count(Outcome::connection_reset), 2u);
  EXPECT_EQ(world.patient->results[0].ended, sim::time_zero + 10050100us);
  EXPECT_EQ(world.hasty->late, 1u);
  EXPECT_EQ(world.writes().unknown, 4u);
}

TEST(AuroraCluster, EveryCallIsAnsweredDroppedOrTimedOut) {
  auto shape = documented_shape();
  shape.readers = 2;
  shape.workers = 2;
  shape.queue = 3;
  World world(shape, 30min);
  std::vector<Caller*> callers;
  for (const auto operation : {reading, writing}) {
    for (const sim::ZoneId zone : {sim::ZoneId{0}, sim::ZoneId{1}, sim::ZoneId{2}}) {
      callers.push_back(
          &world.caller("caller " + std::to_string(callers.size()), {.operation = operation,
                                                                     .every = 20ms,
                                                                     .from = 1ms,
                                                                     .until = 25min,
                                                                     .timeout = 300ms,
                                                                     .zone = zone}));
    }
  }
  world.lose_zone(2min, 0);
  world.lose(4min, 1, HostLoss::reset);
  world.restore_zone(6min, 0);
  world.restore(7min, 1);
  world.at(8min, [&] { world.db->set_errors(0.1); });
  world.at(9min, [&] { world.db->fail_over(); });
  world.sim.run();
  for (Caller* caller : callers) EXPECT_EQ(caller->results.size(), caller->begun);
  EXPECT_EQ(world.sim.calls_in_flight(), 0u);
  EXPECT_EQ(world.db->metric.connections.value(), 0);
  EXPECT_EQ(world.writes().lost, 0u);
}

TEST(AuroraCluster, SameSeedSameRun) {
  const auto run = [](std::uint64_t replication) {
    World world(documented_shape(), 5min, replication);
    world.caller("app", {.every = 10ms});
    world.lose_zone(1min, 0);
    world.restore_zone(3min, 0);
    world.sim.run();
    return world.sim.fingerprint();
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

}  // namespace
}  // namespace windtunnel
