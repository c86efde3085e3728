#include "models/network/global_accelerator.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/network/global_accelerator.pb.h"
#include "tests/support/scripted.hpp"
#include "tests/support/small_run.hpp"
#include "tests/support/stub_service.hpp"
#include "topologies/load.hpp"

namespace windtunnel::test {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Outcome;
using sim::time_zero;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

// Users at one place of the world, with one connection.
class Viewer final : public sim::Component, public Callable {
 public:
  Viewer(sim::Simulation& sim, const std::string& name, const std::string& place)
      : Component(sim, name), place_(find_location(place)) {
    set_zone(outside_zone(sim.network(), "viewers in " + place, *place_, {}));
  }
  void wire(sim::Wiring& wiring) override {
    accelerator_ = &wiring.find<Callable>("ga");
    connect_by_geography(sim().network(), zone_of(0));
    connector_.emplace(*this, 0, *this, connection, "calls");
  }
  Resolution resolve(const Query& query) override {
    Query mine = query;
    mine.client = place_;
    return accelerator_->resolve(mine);
  }
  void call() {
    const sim::Handle handle = sim().open_call(*this, 0, sim::Operation::read);
    lane_.enter(sim().call(handle), handle);
    connector_->dispatch(handle);
  }
  void on_answer(sim::Call& call, sim::Handle) override {
    ended.push_back({call.outcome, took(call)});
  }
  void on_timeout(sim::Call& call, sim::Handle) override {
    ended.push_back({Outcome::timeout, took(call)});
    connector_->on_call_failed(call);
  }
  void reconnect() { connector_->reset(); }

  struct End {
    Outcome outcome;
    Duration took;
  };
  std::vector<End> ended;
  Connector::Settings connection{.connect_timeout = 3s, .idle_timeout = sim::horizon_limit};

 private:
  Duration took(const sim::Call& call) const { return sim().now() - call.opened; }
  const Location* place_;
  Callable* accelerator_ = nullptr;
  std::optional<Connector> connector_;
  sim::Lane lane_{*this, 10s};
};

// A stub in each region named, which Route 53's checkers take for an instance.
struct AcceleratorWorld {
  // `groups`: regions from which the text makes endpoint groups, see group().
  AcceleratorWorld(const std::vector<std::string>& regions, const std::string& groups,
                   const std::string& more = "")
      : sim({.horizon = 1h}) {
    std::string stations, names;
    for (const std::string& region : regions) {
      sim.network().add_zone(region + "a", region);
      stations += fmt::format(", {}-web: {{station: {{service_time: 0s}}}}", region);
      stations += fmt::format(", {}-old: {{station: {{service_time: 0s}}}}", region);
      names += fmt::format("{}{}: {{availability_zones: 1}}", names.empty() ? "" : ", ", region);
      add(region + "-web");
      add(region + "-old");
    }
    Diagnostics diagnostics;
    const auto read =
        read_topology(fmt::format("{{regions: {{{}}}, components: {{ga: {{global_accelerator: "
                                  "{{endpoint_groups: [{}], health_refresh: 1s{}}}}}{}}}}}",
                                  names, groups, more, stations),
                      "t.yaml", {}, diagnostics);
    if (!read) throw std::runtime_error(diagnostics.print());
    ga = &static_cast<GlobalAccelerator&>(sim.add(std::make_unique<GlobalAccelerator>(
        sim, "ga",
        static_cast<const settings::GlobalAccelerator&>(*read->components[0].settings))));
    script = &add_script(sim);
  }
  void add(const std::string& name) {
    auto& stub = static_cast<StubService&>(sim.add(std::make_unique<StubService>(sim, name)));
    stub.script = [this, name](const sim::Call& call) {
      if (call.operation == sim::Operation::health_check) {
        return ill.contains(name) ? Outcome::error : Outcome::ok;
      }
      served.push_back(name);
      return Outcome::ok;
    };
  }
  Viewer& viewer(const std::string& place, std::initializer_list<Duration> dates) {
    auto& made = static_cast<Viewer&>(sim.add(
        std::make_unique<Viewer>(sim, fmt::format("viewer {}", sim.components().size()), place)));
    for (const Duration date : dates) script->at(date, [&made] { made.call(); });
    return made;
  }
  // One that opens a new connection for each of its calls, one a second.
  void connections(int count, const std::string& place, Duration from) {
    Viewer& made = viewer(place, {});
    for (int i = 0; i < count; ++i) {
      script->at(from + i * 1s, [&made] {
        made.reconnect();
        made.call();
      });
    }
  }
  int served_by(const std::string& name) const {
    return static_cast<int>(std::count(served.begin(), served.end(), name));
  }

  sim::Simulation sim;
  GlobalAccelerator* ga;
  Script* script;
  std::set<std::string> ill;        // fail health checks
  std::vector<std::string> served;  // who answered requests
};

std::string group(const std::string& region, const std::string& more = "") {
  return fmt::format(
      "{{endpoint_group_region: {0}, endpoints: [{{instance: {0}-web}}], "
      "health_check: {{protocol: http, interval: 10s, threshold: 1}}{1}}}",
      region, more);
}

const std::vector<std::string> two{"us-east-1", "eu-west-1"};
const std::string both = group("us-east-1") + ", " + group("eu-west-1");

// ---- edges and regions by geography

TEST(GlobalAccelerator, EveryoneReachesTheNearestRegionThroughTheNearestEdge) {
  AcceleratorWorld world(two, both);
  world.viewer("DE", {10s});
  world.viewer("US-NY", {20s});
  world.viewer("BR", {30s});
  world.sim.run();
  EXPECT_THAT(world.served, ElementsAre("eu-west-1-web", "us-east-1-web", "us-east-1-web"));
}

// Two round trips, for the connection and for the request: client, edge, region.
TEST(GlobalAccelerator, TheWayIsTheOneToTheEdgeAndThatOverAwssNetwork) {
  const Location &germany = *find_location("DE"), &region = *find_location("us-east-1");
  const Location& edge = nearest(germany, edges());
  for (const double backbone : {1.0, 0.5}) {
    AcceleratorWorld world({"us-east-1"}, group("us-east-1"),
                           fmt::format(", backbone: {}", backbone));
    StubService& web = static_cast<StubService&>(*world.sim.find_component("us-east-1-web"));
    web.place(world.sim.network().zones_of("us-east-1").front());
    Viewer& viewer = world.viewer("DE", {10s});
    world.sim.run();
    ASSERT_EQ(viewer.ended.size(), 1u);
    const double expected = 2 * (sim::seconds(round_trip(germany, edge)) +
                                 backbone * sim::seconds(round_trip(edge, region)));
    EXPECT_NEAR(sim::seconds(viewer.ended[0].took), expected, 1e-6);
  }
}

// ---- rule 43

// Rule 43
TEST(GlobalAccelerator, Rule43FailoverIgnoresTheTrafficDial) {
  AcceleratorWorld world(two, group("us-east-1") + ", " + group("eu-west-1", ", traffic_dial: 0%"));
  world.viewer("US-NY", {10s});
  world.script->at(20s, [&] { world.ill = {"us-east-1-web"}; });
  world.viewer("US-NY", {60s});
  world.viewer("DE", {60s});
  world.sim.run();
  EXPECT_THAT(world.served, ElementsAre("us-east-1-web", "eu-west-1-web", "eu-west-1-web"));
  EXPECT_EQ(world.ga->metric.failed_over.value(), 2u);
}

// Rule 43. From New York: us-east-1, us-east-2, eu-west-1, sa-east-1, ap-northeast-1.
TEST(GlobalAccelerator, Rule43ThreeOtherGroupsAreTriedThenItFailsOpen) {
  const std::vector<std::string> regions{"us-east-1", "us-east-2", "eu-west-1", "sa-east-1",
                                         "ap-northeast-1"};
  std::string groups;
  for (const std::string& region : regions) {
    groups += (groups.empty() ? "" : ", ") + group(region);
  }
  for (const bool fourth_is_well : {true, false}) {
    AcceleratorWorld world(regions, groups);
    world.ill = {"us-east-1-web", "us-east-2-web", "eu-west-1-web"};
    if (!fourth_is_well) world.ill.insert("sa-east-1-web");
    world.viewer("US-NY", {60s});
    world.sim.run();
    EXPECT_THAT(world.served, ElementsAre(fourth_is_well ? "sa-east-1-web" : "us-east-1-web"));
    EXPECT_EQ(world.ga->metric.fail_open.value(), fourth_is_well ? 0u : 1u);
  }
}

// Rule 43
TEST(GlobalAccelerator, Rule43EstablishedConnectionsStayPut) {
  AcceleratorWorld world(two, both);
  Viewer& old = world.viewer("US-NY", {10s, 60s, 300s});
  world.script->at(20s, [&] { world.ill = {"us-east-1-web"}; });
  world.sim.run();
  EXPECT_THAT(world.served, Each("us-east-1-web"));
  EXPECT_EQ(old.ended.size(), 3u);
  EXPECT_EQ(world.ga->metric.opened.value(), 1u);
}

const std::string two_web_regions = R"(regions: {us-east-1: {}, eu-west-1: {}}
components:
  users: {client: {target: ga, open: {poisson: 1/s}, hosts: 1, network: 1ms}}
  ga: {global_accelerator: {endpoint_groups: [
    {endpoint_group_region: us-east-1, endpoints: [{load_balancer: us}]},
    {endpoint_group_region: eu-west-1, endpoints: [{load_balancer: eu}]}]}}
  us: {application_load_balancer: {targets: us-web, region: us-east-1}}
  eu: {application_load_balancer: {targets: eu-web, region: eu-west-1}}
  us-web: {ec2_service: {on: us-asg, service_time: 1ms}}
  eu-web: {ec2_service: {on: eu-asg, service_time: 1ms}}
  us-asg: {auto_scaling_group: {size: 3, region: us-east-1}}
  eu-asg: {auto_scaling_group: {size: 3, region: eu-west-1}}
)";

std::string experiment(const std::string& rest, const std::string& more = "") {
  std::string topology = two_web_regions + more;
  for (std::size_t at = 0; (at = topology.find('\n', at)) != std::string::npos; at += 3) {
    if (at + 1 < topology.size()) topology.insert(at + 1, "  ");
  }
  return "experiment: e\nquestion: q\ntopology:\n  " + topology + rest;
}

// Rule 43. tests/validation has the measured bounds (M17).
TEST(GlobalAccelerator, Rule43ALoadBalancerIsAsHealthyAsItsTargetsAndNewFlowsMoveWithin30Seconds) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SmallRun run(
        experiment("horizon: 5min\nfaults: [{at: 60s, instance_crash: {target: us-web}}]\n"), seed);
    const Callable& balancer = run.find<Callable>("us");
    Duration unhealthy_since{};
    for (Duration date = 60s; date < 5min; date += 100ms) {
      run.script.at(date, [&, date] {
        if (unhealthy_since == 0s && !balancer.healthy()) unhealthy_since = date;
      });
    }
    run.sim.run();
    const auto told = run.noted("endpoint us in us-east-1 is unhealthy");
    ASSERT_EQ(told.size(), 1u);
    EXPECT_GT(unhealthy_since, 90s);
    EXPECT_GE(told[0], unhealthy_since - 100ms);
    EXPECT_LE(told[0] - unhealthy_since, 30s);
    EXPECT_EQ(run.noted("new connections leave us-east-1"), told);
  }
}

TEST(GlobalAccelerator, ARegionThatNobodyReachesIsUnhealthy) {
  SmallRun run(
      experiment("horizon: 3min\nfaults: [{at: 60s, network_partition: {target: us-east-1}}]\n"));
  run.sim.run();
  const auto told = run.noted("endpoint us in us-east-1 is unhealthy");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_LE(told[0], 90s);
  EXPECT_GT(run.metric("eu", "RequestCount"), 30);
}

// ---- the loss of an edge

TEST(GlobalAccelerator, ALostEdgesAddressesAreAnnouncedFromTheNextOneWhichKnowsNoConnection) {
  AcceleratorWorld world({"us-east-1"}, group("us-east-1"));
  const Location &germany = *find_location("DE"), &region = *find_location("us-east-1");
  const Location& edge = nearest(germany, edges());
  std::vector<bool> lost(edges().size());
  lost[static_cast<std::size_t>(&edge - edges().data())] = true;
  const Location& next = edges()[nearest_edge(edge, lost)];
  ASSERT_NE(&edge, &next);
  StubService& web = static_cast<StubService&>(*world.sim.find_component("us-east-1-web"));
  web.place(world.sim.network().zones_of("us-east-1").front());
  Viewer& viewer = world.viewer("DE", {10s, 30s, 31s, 50s, 51s});
  for (const Duration date : {Duration(30s), Duration(50s)}) {  // told by the reset
    world.script->at(date + 500ms, [&] { viewer.reconnect(); });
  }
  const sim::ZoneId zone = edge_zone(world.sim.network(), edge);
  world.script->operate_at(20s, [&] { world.ga->on_zone_lost(zone); });
  world.script->operate_at(40s, [&] { world.ga->on_zone_restored(zone); });
  world.sim.run();
  const auto way_by = [&](const Location& city) {
    return 2 * sim::seconds(round_trip(germany, city) + round_trip(city, region));
  };
  ASSERT_EQ(viewer.ended.size(), 5u);
  EXPECT_NEAR(sim::seconds(viewer.ended[0].took), way_by(edge), 1e-6);
  EXPECT_EQ(viewer.ended[1].outcome, Outcome::connection_reset);
  EXPECT_NEAR(sim::seconds(viewer.ended[1].took), sim::seconds(round_trip(germany, next)), 1e-6);
  EXPECT_NEAR(sim::seconds(viewer.ended[2].took), way_by(next), 1e-6);
  EXPECT_EQ(viewer.ended[3].outcome, Outcome::connection_reset);
  EXPECT_NEAR(sim::seconds(viewer.ended[4].took), way_by(edge), 1e-6);
  EXPECT_EQ(world.ga->metric.own_resets.value(), 2u);
}

TEST(GlobalAccelerator, ALostEdgeCostsItsClientsTheirConnectionsAndNoRegion) {
  SmallRun run(experiment("horizon: 2min\nfaults: [{at: 60s, edge_loss: Ashburn}]\n"));
  run.sim.run();
  EXPECT_EQ(run.noted("clients of the edge in Ashburn come to").size(), 1u);
  EXPECT_EQ(run.metric("eu", "RequestCount"), 0);
  EXPECT_EQ(run.metric("users", "Failed"), 1);  // on the connection that was reset
}

// ---- changes

const std::string no_more_in_the_east =
    "  on-call: {operator: {at: 60s, retry: 30s, steps: [{update_endpoint_group: {accelerator: ga, "
    "region: us-east-1, traffic_dial: 0%}}]}}\n";

// Rule 42
TEST(GlobalAccelerator, Rule42DialsChangeOnlyThroughUsWest2AndConnectionsGoOnWithoutIt) {
  SmallRun run(
      experiment("horizon: 5min\nfaults: [{at: 30s, lasting: 75s, control_plane: "
                 "global_accelerator}]\n",
                 no_more_in_the_east));
  double before = -1;
  Duration moved{};
  for (Duration date = 60s; date < 5min; date += 1s) {
    run.script.at(date, [&, date] {
      // Each asks for a connection of its own.
      if (date == 119s) before = run.metric("eu", "RequestCount");
      if (moved == 0s && run.metric("eu", "RequestCount") > 0) moved = date;
    });
  }
  for (int second = 0; second < 299; ++second) run.machine("ga", {second * 1s});
  run.sim.run();
  EXPECT_THAT(run.noted("is refused: UpdateEndpointGroup fails: the control plane of Global "
                        "Accelerator, in us-west-2, is gone"),
              ElementsAre(60s));
  EXPECT_EQ(run.metric("on-call", "RefusedSteps"), 2);  // at 60 and 90 s
  EXPECT_THAT(run.noted("in us-east-1 is IN_PROGRESS"), ElementsAre(120s));
  const auto deployed = run.noted("in us-east-1 is DEPLOYED");
  ASSERT_EQ(deployed.size(), 1u);
  EXPECT_GE(deployed[0], 130s);
  EXPECT_LE(deployed[0], 180s);
  EXPECT_EQ(before, 0);
  EXPECT_GE(moved, deployed[0]);
  EXPECT_LE(moved, deployed[0] + 2s);
  EXPECT_EQ(run.metric("users", "Failed"), 0);
}

TEST(GlobalAccelerator, AWeightOfZeroKeepsNewConnectionsFromAnEndpointAndLeavesOldOnes) {
  AcceleratorWorld world({"us-east-1"},
                         "{endpoint_group_region: us-east-1, endpoints: [{instance: us-east-1-web},"
                         " {instance: us-east-1-old, weight: 0}]}");
  world.viewer("US-NY", {10s, 300s});
  world.script->operate_at(60s, [&] {
    const auto refused = world.ga->update_endpoint_group(
        {.region = "us-east-1",
         .traffic_dial = {},
         .weights = {{"us-east-1-web", 0}, {"us-east-1-old", 128}}});
    EXPECT_EQ(refused, std::nullopt);
  });
  world.viewer("US-NY", {200s});
  world.sim.run();
  EXPECT_THAT(world.served, ElementsAre("us-east-1-web", "us-east-1-old", "us-east-1-web"));
}

TEST(GlobalAcceleratorSettings, AChangeNamesWhatIsThere) {
  const auto said = [](const std::string& step) {
    Diagnostics diagnostics;
    read_topology(two_web_regions +
                      "  on-call: {operator: {at: 60s, steps: [{update_endpoint_group: "
                      "{accelerator: ga, " +
                      step + "}}]}}\n",
                  "t.yaml", {}, diagnostics);
    return diagnostics.print();
  };
  EXPECT_THAT(said("region: us-west-2, traffic_dial: 0%"),
              HasSubstr("on-call.steps.0.update_endpoint_group.region: no endpoint group in "
                        "'us-west-2'"));
  EXPECT_THAT(said("region: us-east-1"), HasSubstr("update_endpoint_group: changes nothing"));
  EXPECT_THAT(said("region: us-east-1, weights: [{endpoint: eu, weight: 3}]"),
              HasSubstr("weights.0.endpoint: no endpoint 'eu'"));
  EXPECT_EQ(said("region: us-east-1, weights: [{endpoint: us, weight: 3}]"), "");
}

// ---- dials, weights, affinity

TEST(GlobalAccelerator, TheTrafficDialSendsTheRestToTheNextRegion) {
  AcceleratorWorld world(two,
                         group("us-east-1", ", traffic_dial: 25%") + ", " + group("eu-west-1"));
  world.connections(400, "US-NY", 10s);
  world.sim.run();
  const double sigma = std::sqrt(400 * 0.25 * 0.75);
  EXPECT_NEAR(world.served_by("us-east-1-web"), 100, 4 * sigma);
  EXPECT_EQ(world.served_by("us-east-1-web") + world.served_by("eu-west-1-web"), 400);
}

TEST(GlobalAccelerator, EndpointsOfAGroupShareByWeightAndAnUnhealthyOneGetsNothing) {
  const std::string weighted =
      "{endpoint_group_region: us-east-1, health_check: {protocol: http, interval: 10s, threshold: "
      "1}, endpoints: "
      "[{instance: us-east-1-web, weight: 192}, {instance: us-east-1-old, weight: 64}]}";
  AcceleratorWorld world({"us-east-1"}, weighted);
  world.connections(400, "US-NY", 10s);
  world.script->at(500s, [&] { world.ill = {"us-east-1-web"}; });
  world.connections(50, "US-NY", 600s);
  world.sim.run();
  EXPECT_NEAR(world.served_by("us-east-1-web"), 300, 4 * std::sqrt(400 * 0.25 * 0.75));
  EXPECT_EQ(world.served_by("us-east-1-web") + world.served_by("us-east-1-old"), 450);
}

TEST(GlobalAccelerator, WithSourceIpAClientComesBackToItsEndpoint) {
  const std::string halves =
      "{endpoint_group_region: us-east-1, endpoints: [{instance: us-east-1-web}, {instance: "
      "us-east-1-old}]}";
  for (const bool affinity : {true, false}) {
    AcceleratorWorld world({"us-east-1"}, halves, affinity ? ", client_affinity: source_ip" : "");
    std::vector<Viewer*> viewers;
    for (int i = 0; i < 40; ++i)
      viewers.push_back(&world.viewer("US-NY", {10s + i * 1s, 100s + i * 1s}));
    world.script->at(90s, [&] {
      for (Viewer* viewer : viewers) viewer->reconnect();
    });
    world.sim.run();
    ASSERT_EQ(world.served.size(), 80u);
    const std::vector<std::string> first(world.served.begin(), world.served.begin() + 40),
        second(world.served.begin() + 40, world.served.end());
    EXPECT_EQ(first == second, affinity);
    EXPECT_GT(world.served_by("us-east-1-old"), 0);
    EXPECT_GT(world.served_by("us-east-1-web"), 0);
  }
}

TEST(GlobalAccelerator, AnIdleConnectionIsForgottenAfter340Seconds) {
  AcceleratorWorld world({"us-east-1"}, group("us-east-1"));
  Viewer& viewer = world.viewer("US-NY", {10s, 349s, 700s});
  world.sim.run();
  ASSERT_EQ(viewer.ended.size(), 3u);
  EXPECT_EQ(viewer.ended[1].outcome, Outcome::ok);
  EXPECT_EQ(viewer.ended[2].outcome, Outcome::connection_reset);
}

// ---- settings

std::string complaints(const std::string& groups) {
  std::string topology = two_web_regions;
  const auto from = topology.find("    {endpoint_group_region"), to = topology.find("]}}\n  us:");
  topology.replace(from, to - from, "    " + groups);
  Diagnostics diagnostics;
  read_topology(topology, "t.yaml", {}, diagnostics);
  return diagnostics.print();
}

TEST(GlobalAcceleratorSettings, AGroupIsInARegionThatIsThereAndHasItAlone) {
  EXPECT_THAT(complaints("{endpoint_group_region: us-east-9, endpoints: [{load_balancer: us}]}"),
              HasSubstr("t.yaml:5:6: ga.endpoint_groups.0.endpoint_group_region: no region "
                        "'us-east-9', did you mean 'us-east-"));
  EXPECT_THAT(complaints("{endpoint_group_region: us-east-1, endpoints: [{load_balancer: us}]}, "
                         "{endpoint_group_region: us-east-1, endpoints: [{load_balancer: us}]}"),
              HasSubstr("ga.endpoint_groups.1.endpoint_group_region: two groups in us-east-1"));
  EXPECT_THAT(complaints(""), HasSubstr("ga.endpoint_groups: is missing"));
}

TEST(GlobalAcceleratorSettings, EndpointsAreInTheirGroupsRegionAndWhatTheirNameSays) {
  EXPECT_THAT(complaints("{endpoint_group_region: us-east-1, endpoints: [{load_balancer: eu}]}"),
              HasSubstr("ga.endpoint_groups.0.endpoints.0: eu is in eu-west-1, the endpoint group "
                        "in us-east-1 (Global Accelerator guide, Endpoint groups)"));
  EXPECT_THAT(
      complaints("{endpoint_group_region: us-east-1, endpoints: [{load_balancer: us-web}]}"),
      HasSubstr("does not provide 'load_balancer'"));
  EXPECT_THAT(complaints("{endpoint_group_region: us-east-1}"),
              HasSubstr("ga.endpoint_groups.0.endpoints: is missing"));
}

TEST(GlobalAcceleratorSettings, ChecksComeEvery10Or30SecondsAndWeightsEndAt255) {
  const auto with = [](const std::string& endpoint, const std::string& check) {
    return complaints("{endpoint_group_region: us-east-1, endpoints: [{instance: us-web, weight: " +
                      endpoint + "}], health_check: {interval: " + check + "}}");
  };
  EXPECT_THAT(with("128", "20s"),
              HasSubstr("ga.endpoint_groups.0.health_check.interval: is 10s or 30s"));
  EXPECT_THAT(with("256", "30s"), HasSubstr("256 is above 255 (Global Accelerator API reference"));
  EXPECT_EQ(with("0", "10s"), "");
}

}  // namespace
}  // namespace windtunnel::test
