// Bulk transfers in SimGrid, dates by hand; rule 7 of sim/README.md: the network model. Every run
// is in a child.
#include <gtest/gtest.h>

#include "tests/support/forked.hpp"
#include "tests/support/world.hpp"

namespace windtunnel::sim {
namespace {

using namespace std::chrono_literals;
using test::gigabit_ten;
using test::in_child;
using test::Times;
using test::World;

TEST(SimgridTransfers, TakeTheirBytesOverTheBandwidthPlusOneLatency) {
  EXPECT_EQ(in_child([] {
              World w;
              w.send(1s, 0, 1, gigabit_ten);  // 1 s
              w.send(3s, 0, 2, gigabit_ten);  // + 0.5 ms
              w.send(5s, 0, 4,
                     gigabit_ten);  // + 35 ms; SimGrid's defaults would say 13 times as much
              w.send(7s, 0, 0, gigabit_ten);  // nothing travels
              w.send(8s, 0, 4, 0);            // nothing but the latency
              return w.run();
            }),
            (Times{2'000'000'000, 4'000'500'000, 6'035'000'000, 7'000'000'000, 8'035'000'000}));
}

TEST(SimgridTransfers, SharingALinkHaveEqualPartsOfIt) {
  // Host 0's interface, 1 unit/s. Copy 1 of 2 units from 1 s; copy 2 of 1 unit from 2 s. At 2 s
  // copy 1 has 1 left; each gets 1/2, both end at 4 s.
  EXPECT_EQ(in_child([] {
              World w;
              w.send(1s, 0, 1, 2 * gigabit_ten);
              w.send(2s, 0, 2, gigabit_ten);
              return w.run();
            }),
            (Times{4'000'000'000, 4'000'500'000}));
}

TEST(SimgridTransfers, ShareMaxMinWhateverTheirLatencies) {
  // Into host 1 come copies from 0 (0 ms away) and 4 (35 ms), 1 unit each: 1/2 each, both 2 s. By
  // round-trip times the far one would get nearly nothing.
  EXPECT_EQ(in_child([] {
              World w;
              w.send(1s, 0, 1, gigabit_ten);
              w.send(1s, 4, 1, gigabit_ten);
              return w.run();
            }),
            (Times{3'000'000'000, 3'035'000'000}));
}

TEST(SimgridTransfers, LeaveToOthersWhatTheyCannotUse) {
  // Uplink of zone a at 1.5 units/s; copies 0 -> 2, 1 -> 2 share host 2's interface: 1/2 each; 1 ->
  // 3 shares host 1's with the second: it gets the other 1/2. All 1 unit: 2 s. With the uplink at
  // 0.9 units/s each gets 0.3: 3.333 s.
  EXPECT_EQ(in_child([] {
              World w;
              w.sim.platform().set_zone_bandwidth(w.a, w.a, 1.5 * gigabit_ten);
              w.send(1s, 0, 2, gigabit_ten);
              w.send(1s, 1, 2, gigabit_ten);
              w.send(1s, 1, 3, gigabit_ten);
              return w.run();
            }),
            (Times{3'000'500'000, 3'000'500'000, 3'000'500'000}));
  EXPECT_EQ(in_child([] {
              World w;
              w.sim.platform().set_zone_bandwidth(w.a, w.a, 0.9 * gigabit_ten);
              w.send(1s, 0, 2, gigabit_ten);
              w.send(1s, 1, 2, gigabit_ten);
              w.send(1s, 1, 3, gigabit_ten);
              return w.run();
            }),
            (Times{4'333'833'333, 4'333'833'333, 4'333'833'333}));
}

TEST(SimgridTransfers, OfOppositeDirectionsDoNotDisturbEachOther) {
  EXPECT_EQ(in_child([] {
              World w;
              w.send(1s, 0, 2, gigabit_ten);
              w.send(1s, 2, 0, gigabit_ten);
              return w.run();
            }),
            (Times{2'000'500'000, 2'000'500'000}));
}

TEST(SimgridTransfers, AreHeldUpByNarrowPathsBetweenZonesAndRegions) {
  EXPECT_EQ(in_child([] {
              World w;
              w.sim.platform().set_zone_bandwidth(w.b, w.a, gigabit_ten / 2);
              w.sim.platform().set_zone_bandwidth(w.a, w.far, gigabit_ten / 4);
              w.send(1s, 0, 2, gigabit_ten);   // 2 s
              w.send(10s, 4, 2, gigabit_ten);  // 4 s: the path between the regions
              w.send(20s, 2, 3, gigabit_ten);  // 1 s: inside zone b
              return w.run();
            }),
            (Times{3'000'500'000, 14'035'000'000, 21'000'000'000}));
}

TEST(SimgridTransfers, PayTheLatencyOfASlowZone) {
  EXPECT_EQ(in_child([] {
              World w;
              w.script.operate_at(1s, [&] { w.sim.network().set_slow(w.far, 4); });
              w.send(2s, 0, 4, gigabit_ten);
              return w.run();
            }),
            Times{3'140'000'000});
}

}  // namespace
}  // namespace windtunnel::sim
