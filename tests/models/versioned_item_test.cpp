// Optimistic locking on one item: versions by hand, two writers who meet, calls that fail.
#include "models/mechanisms/versioned_item.hpp"

#include <gtest/gtest.h>

#include "tests/support/scripted.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Operation;

// A row behind a network of 10 ms, and writers on one machine.
class Row final : public sim::Component, public Callable, public OptimisticWriter::Listener {
 public:
  Row(sim::Simulation& sim, Backoff pauses, sim::Duration timeout = 0s)
      : Component(sim, "row"), machine(test::add_script(sim, "machine")), backoff(pauses) {
    set_zone(1);
    for (const char* name : {"writer 0", "writer 1"}) {
      writers.push_back(
          std::make_unique<OptimisticWriter>(machine, 0, connector, backoff, timeout, *this, name));
    }
  }
  Resolution resolve(const Query&) override { return {.addresses = {address_of(0)}}; }
  bool direct() const override { return true; }
  void on_request(sim::Call& call, sim::Handle handle) override {
    if (++requests == lost_request) return sim().drop(handle);
    if (requests == failing_request) return sim().answer(handle, sim::Outcome::overloaded);
    item.serve(call);
    sim().answer(handle, sim::Outcome::ok);
  }
  void on_written(OptimisticWriter& writer) override {
    written.push_back({sim().now() - sim::time_zero, writer.writes()});
  }
  void begin_at(sim::Duration date, std::size_t writer) {
    machine.at(date, [this, writer] { writers[writer]->begin(); });
  }

  struct Written {
    sim::Duration at;
    std::uint32_t writes;
    friend bool operator==(const Written&, const Written&) = default;
  };
  test::Script& machine;
  Backoff backoff;
  Connector::Settings settings;
  Connector connector{machine, 0, *this, settings, "row"};
  VersionedItem item;
  std::vector<std::unique_ptr<OptimisticWriter>> writers;
  std::vector<Written> written;
  int requests = 0, lost_request = 0, failing_request = 0;
};

struct World {
  explicit World(Backoff backoff = {.jitter = Backoff::Jitter::none}, sim::Duration timeout = 0s) {
    sim.network().add_zone("here", "");
    sim.network().add_zone("us-east-1a", "us-east-1");
    sim.network().set_one_way(0, 1, 10ms);
    sim.network().set_jitter(1);
    row = static_cast<Row*>(&sim.add(std::make_unique<Row>(sim, backoff, timeout)));
  }
  sim::Simulation sim{{.horizon = 10s}};
  Row* row = nullptr;
};
using Writes = std::vector<Row::Written>;

TEST(VersionedItem, AWriteTakesPlaceOnlyWithTheVersionItSaw) {
  VersionedItem item;
  sim::Call read, first, second;
  item.serve(read);
  first.operation = second.operation = Operation::write;
  VersionedItem::body(first).version = VersionedItem::body(second).version =
      VersionedItem::body(read).version;
  item.serve(first);
  item.serve(second);
  EXPECT_TRUE(VersionedItem::body(first).condition_held);
  EXPECT_FALSE(VersionedItem::body(second).condition_held);
  EXPECT_EQ(item.version(), 1u);
  EXPECT_EQ(item.conflicts(), 1u);
  EXPECT_EQ(VersionedItem::body(second).version, 1u) << "the answer tells what it is now";
}

TEST(OptimisticWriter, ReadsAndWritesInTwoRoundTrips) {
  World world;
  world.row->begin_at(0s, 0);
  world.sim.run();
  EXPECT_EQ(world.row->written, (Writes{{40ms, 1}}));
}

TEST(OptimisticWriter, OfTwoWhoReadTheSameVersionOneBeginsAgain) {
  World world;
  world.row->begin_at(0s, 0);
  world.row->begin_at(5ms, 1);
  world.sim.run();
  EXPECT_EQ(world.row->written, (Writes{{40ms, 1}, {85ms, 2}}));
  EXPECT_EQ(world.row->item.version(), 2u);
  EXPECT_EQ(world.row->item.conflicts(), 1u);
}

TEST(OptimisticWriter, PausesBeforeItReadsAgain) {
  World world({.jitter = Backoff::Jitter::exponential, .base = 10ms, .cap = 2s});
  world.row->begin_at(0s, 0);
  world.row->begin_at(5ms, 1);
  world.sim.run();
  EXPECT_EQ(world.row->written, (Writes{{40ms, 1}, {95ms, 2}}));
}

TEST(OptimisticWriter, AFailedCallIsTriedAgainAsAConflictIs) {
  World world({.jitter = Backoff::Jitter::exponential, .base = 10ms, .cap = 2s});
  world.row->failing_request = 2;  // the write
  world.row->begin_at(0s, 0);
  world.sim.run();
  EXPECT_EQ(world.row->written, (Writes{{40ms + 10ms + 40ms, 2}}));
  EXPECT_EQ(world.row->item.conflicts(), 0u);
}

TEST(OptimisticWriter, ACallWithoutAnAnswerIsTriedAgainAfterItsTimeout) {
  World world({.jitter = Backoff::Jitter::exponential, .base = 10ms, .cap = 2s}, 100ms);
  world.row->lost_request = 1;  // the read
  world.row->begin_at(0s, 0);
  world.sim.run();
  EXPECT_EQ(world.row->written, (Writes{{100ms + 10ms + 40ms, 1}}));
}

TEST(OptimisticWriter, MakesOneChangeAfterTheOther) {
  World world;
  world.row->begin_at(0s, 0);
  world.row->begin_at(1s, 0);
  world.sim.run();
  EXPECT_EQ(world.row->written, (Writes{{40ms, 1}, {1040ms, 2}}));
}

}  // namespace
}  // namespace windtunnel
