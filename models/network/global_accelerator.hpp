// AWS Global Accelerator: two static anycast addresses that lead to the edge nearest to the client,
// and from there over AWS's network to an endpoint in one of the regions. DNS has no part in it, so
// that no cache delays a failover; but a connection stays where it was sent, also when its endpoint
// is gone (rule 43).
//
// A new connection looks at the endpoint groups from the nearest on. A group takes the share of it
// that its traffic dial leaves, the next one gets the rest. If the group that it comes to has no
// healthy endpoint, up to three others are tried, the nearest first and whatever their dials; then
// it goes to any endpoint of the nearest group (fail-open). Load balancers are as healthy as they
// are themselves, other endpoints as Route 53's health checkers find them; the edges learn of it
// once every `health_refresh`. A client has one edge: the one with the least round trip.
// If that is lost (a fault), its addresses are announced from the next one, whose distance its
// clients feel; nobody there knows their connections, which are reset, and again when it is back.
// Traffic dials and weights change through the control plane in us-west-2 alone; all else goes on
// without it (rule 42).
// Dials that turn a connection away everywhere leave it to the nearest group with a dial above 0
// (UNSOURCED).
// Left out: the seconds that routers need for a withdrawn address; a client's own second choice
// (all clients of an edge go to the one nearest to it); TCP that ends at the edge; custom routing;
// changes of endpoints; client IP preservation; bytes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/control_plane.hpp"
#include "models/mechanisms/endpoint_group_changes.hpp"
#include "models/mechanisms/flow_metrics.hpp"
#include "models/mechanisms/flows.hpp"
#include "models/mechanisms/geography.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/route53_checkers.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class GlobalAccelerator;
}

class GlobalAccelerator final : public sim::Component,
                                public Callable,
                                public EndpointGroupChanges,
                                public MetricPublisher,
                                public Route53Checkers::Listener {
 public:
  GlobalAccelerator(sim::Simulation& sim, const std::string& name,
                    const settings::GlobalAccelerator& settings);
  ~GlobalAccelerator() override;
  static void check(const settings::GlobalAccelerator& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void start() override;
  Resolution resolve(const Query& query) override;
  bool healthy() const override;
  std::optional<std::string> update_endpoint_group(const EndpointGroupChange& change) override;
  void on_zone_lost(sim::ZoneId zone) override { set_lost(zone, true); }
  void on_zone_restored(sim::ZoneId zone) override { set_lost(zone, false); }
  void on_checker_changed(bool) override {}  // the edges hear of it in their own time
  void collect(std::uint32_t which, sim::Time from, sim::Time to, StatisticSet& out) override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter opened{set, "NewFlowCount", "flows (connections) opened to endpoints"};
    sim::Counter dropped{set, "Flows_Dropped_No_Endpoint_Found",
                         "connections for which no endpoint was there, or that none accepted"};
    sim::Counter own_resets{set, "TCP_AGA_Reset_Count", "connections that it reset itself"};
    sim::Counter endpoint_resets{set, "TCP_Endpoint_Reset_Count", "resets by endpoints"};
    sim::Counter failed_over{set, "FailedOverFlows",
                             "flows sent to another group than the dials chose, for its health"};
    sim::Counter fail_open{set, "FailOpenFlows", "flows sent without any healthy endpoint"};
  };
  Metrics metric{metric_set_};

 private:
  class Edge;
  struct Endpoint {
    std::string name;
    double weight;
    bool load_balancer;
    Route53Checkers::Settings checks;
    Callable* service = nullptr;
    std::unique_ptr<Route53Checkers> checkers{};
    bool healthy = true;  // as the edges know
  };
  struct Group {
    std::string region;
    const Location* place;
    double dial;
    std::vector<Endpoint> endpoints;
  };

  Edge& edge_at(std::size_t city);
  void connect(std::size_t city);
  void set_lost(sim::ZoneId zone, bool lost);
  Group* group_in(const std::string& region);
  void on_deployed(std::uint64_t change);
  std::size_t city_nearest_to(const Location& client);
  std::optional<Flows::Route> route(const Edge& edge, const sim::Call& opening);
  const Group* group_for(const std::vector<const Group*>& by_distance, double draw) const;
  const Group* failover(const std::vector<const Group*>& by_distance, const Group* chosen);
  std::optional<Flows::Route> endpoint_of(const Group& group, bool any, double draw);
  double draw_for(const sim::Call& opening, std::uint64_t purpose);
  bool is_well(const Endpoint& endpoint);
  void on_look_due(std::uint64_t endpoint);
  Flows::Metrics flow_counts() {
    return {metric.opened, metric.dropped, metric.own_resets, metric.endpoint_resets};
  }
  void publish_metrics(const settings::GlobalAccelerator& settings);

  std::vector<Group> groups_;
  std::vector<std::pair<Group*, Endpoint*>> endpoints_;  // of all groups
  Flows::Settings flow_settings_;
  std::optional<FlowMetrics> flow_metrics_;
  bool by_source_;
  double backbone_;
  sim::Duration refresh_;
  sim::Distribution deployment_;
  const ControlPlanes& control_planes_;
  std::vector<EndpointGroupChange> changes_;  // all that were ever taken
  std::vector<sim::ZoneId> zones_;            // by city of edges()
  std::vector<bool> lost_;                    // likewise
  std::vector<std::unique_ptr<Edge>> edges_;  // likewise, made when first needed
  std::vector<std::pair<const Location*, std::size_t>> nearest_;  // city by client
  std::size_t default_city_ = 0;                                  // of clients that are nowhere
  sim::Stream flow_hash_, phase_chance_, dns_chance_, deployment_chance_;
};

}  // namespace windtunnel
