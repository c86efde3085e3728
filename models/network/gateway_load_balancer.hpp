// A Gateway Load Balancer with its endpoints: on the way to what lies behind, every packet makes a
// detour past an appliance (a firewall), there and back. Callers and what lies behind do not know
// of it: callers get the addresses behind, and routes lead them past the endpoint in the zone of
// the address, where a node picks an appliance for a new flow, in its own zone unless cross-zone is
// on, and keeps to it. A packet is a request to the appliance, which takes its time and may wait
// for a worker; the packets that open a connection take the way alone. By default a flow stays with
// an appliance that is unhealthy or gone and is lost there; only one that was idle for its time
// begins anew. With `rebalance` flows move when their appliance becomes unhealthy, or when the
// deregistration delay of one that leaves is over. No healthy appliance: a flow goes to any
// (fail-open), none at all: packets are dropped.
// Left out: other hashes than that of five fields (a connection, as good as a draw); appliances
// that do not know a flow which moved to them; the endpoints' own time and, of rebalancing, the
// minutes that AWS says it may take on top; packets sent again; a place between a load balancer and
// its targets; limits of bandwidth; bytes and packets of CloudWatch.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/flows.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/target_group.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class GatewayLoadBalancer;
}

class GatewayLoadBalancer final : public sim::Component,
                                  public Callable,
                                  public MetricPublisher,
                                  public Flows::Owner,
                                  public TargetGroup::Balancer {
 public:
  GatewayLoadBalancer(sim::Simulation& sim, const std::string& name,
                      const settings::GatewayLoadBalancer& settings);
  static void check(const settings::GatewayLoadBalancer& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void attach() override;
  void on_connect(sim::Call& call, sim::Handle handle) override { flows_->connect(call, handle); }
  void on_request(sim::Call& call, sim::Handle handle) override { flows_->request(call, handle); }
  void on_host_lost(std::uint32_t node, sim::HostLoss loss) override;
  void on_host_restored(std::uint32_t node) override { group_->on_node_restored(node); }

  Resolution resolve(const Query& query) override;
  bool healthy() const override { return group_->any_healthy() && behind_->healthy(); }
  void collect(std::uint32_t which, sim::Time from, sim::Time to, StatisticSet& out) override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter opened{set, "NewFlowCount", "flows (connections) opened through it"};
    sim::Counter refused{set, "LostFlows",
                         "connections that found no appliance, or that nobody behind accepted"};
    sim::Counter far_resets{set, "PassedResets", "resets by what lies behind"};
    sim::Counter fail_open{set, "UnhealthyRoutingFlowCount",
                           "flows that began while no appliance was healthy"};
    sim::Level healthy_hosts{set, "HealthyHostCount", "Count", "healthy appliances"};
  };
  Metrics metric{metric_set_};
  HealthChecks::Metrics checks{metric_set_};

 private:
  std::optional<Flows::Route> route(std::uint32_t node, const sim::Call& opening) override;
  sim::Address detour(std::uint32_t appliance) override { return appliances_[appliance]; }
  bool keeps(std::uint32_t node, std::uint32_t appliance) override;
  void on_health_changed() override;
  void on_target_unhealthy(TargetGroup& group, std::uint32_t target) override;
  void on_target_left(TargetGroup& group, std::uint32_t target) override;
  void on_drained(std::uint64_t appliance);

  std::uint32_t number_of(const sim::Address& appliance);
  std::uint32_t node_towards(const sim::Address& behind) const;
  Resolution look_behind(const Query& query);
  void publish_metrics(const settings::GatewayLoadBalancer& settings);

  bool rebalances_;
  std::string to_;
  Callable* behind_ = nullptr;
  std::unique_ptr<TargetGroup> group_;
  std::unique_ptr<Flows> flows_;
  std::vector<sim::Address> appliances_;  // that ever got a flow, each life its own
  std::vector<sim::Address> behind_at_;   // by node: the address to which it leads
  sim::Stream dns_chance_;
};

}  // namespace windtunnel
