// A Network Load Balancer: a node in each zone with one static address, and listeners that forward
// connections to target groups. A connection is sent to one target by its flow hash, which with
// the TCP sequence number in it is as good as a draw, and stays there for its life (rule 7): a
// target that comes later gets new connections only. With cross-zone off, the default, a node
// sends to its own zone. It says nothing when a connection was idle for too long; the next packet
// is reset. Connections to a target that becomes unhealthy are reset at once; those to one that is
// deregistered are not, unless so configured (rule 8). Nodes check every target and act on what
// most of them find. No healthy target: all get flows (fail-open); a zone without leaves DNS,
// unless all are without. An address is static: it is the same when a node is back.
// Opening takes the way to the target and back; to a dead one it gets no answer. A node whose zone
// has no target refuses with a reset (UNSOURCED).
// Left out: passive health checks (AWS publishes no parameters); stickiness by source address;
// client IP preservation and what it brings (hairpinning to oneself, colliding ports) and, where it
// is off, the 55,000 connections to a target; security groups; TLS handshakes; the state
// unhealthy.draining; limits of capacity (AWS names none); more than one node a zone; resets by
// clients (TCP_Client_Reset_Count) and bytes, of which the engine knows nothing.
#pragma once

#include <memory>
#include <vector>

#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/flow_metrics.hpp"
#include "models/mechanisms/flows.hpp"
#include "models/mechanisms/listener_names.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/target_group.hpp"
#include "models/mechanisms/zonal_dns.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class NetworkLoadBalancer;
}

class NetworkLoadBalancer final : public sim::Component,
                                  public Callable,
                                  public ListenerNames,
                                  public ZonallyShiftable,
                                  public MetricPublisher,
                                  public ZonalDns::Owner,
                                  public TargetGroup::Balancer {
 public:
  NetworkLoadBalancer(sim::Simulation& sim, const std::string& name,
                      const settings::NetworkLoadBalancer& settings);
  ~NetworkLoadBalancer() override;
  static void check(const settings::NetworkLoadBalancer& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void attach() override;
  void on_connect(sim::Call& call, sim::Handle handle) override;
  void on_request(sim::Call& call, sim::Handle handle) override;
  void on_host_lost(std::uint32_t node, sim::HostLoss loss) override;
  void on_host_restored(std::uint32_t node) override;
  void on_zone_lost(sim::ZoneId zone) override { dns_->set_cut_off(zone, true); }
  void on_zone_restored(sim::ZoneId zone) override { dns_->set_cut_off(zone, false); }

  Resolution resolve(const Query& query) override;
  Resolution resolve(std::string_view listener, std::optional<sim::ZoneId> zone,
                     sim::Stream& chance) override;
  // Every target group has a healthy target (rule 40).
  bool healthy() const override;
  ZonalShift& zonal_shift() override { return dns_->shift(); }
  void collect(std::uint32_t which, sim::Time from, sim::Time to, StatisticSet& out) override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter opened{set, "NewFlowCount", "flows (connections) opened to targets"};
    sim::Counter refused{set, "RefusedFlows",
                         "connections for which there was no target, or that none accepted"};
    sim::Counter own_resets{set, "TCP_ELB_Reset_Count", "connections that it reset itself"};
    sim::Counter target_resets{set, "TCP_Target_Reset_Count", "resets by targets"};
    sim::Counter fail_open{set, "UnhealthyRoutingFlowCount",
                           "flows routed while too few targets were healthy"};
    sim::Level healthy_hosts{set, "HealthyHostCount", "Count", "healthy targets of all groups"};
  };
  Metrics metric{metric_set_};
  HealthChecks::Metrics checks{metric_set_};

 private:
  class Listener;
  // A target that left, and may have come back by the time its delay is over.
  struct Departure {
    std::uint32_t listener, target, life;
  };

  void on_health_changed() override;
  void on_target_unhealthy(TargetGroup& group, std::uint32_t target) override;
  void on_target_left(TargetGroup& group, std::uint32_t target) override;
  void on_drained(std::uint64_t departure);
  bool good_for_dns(std::uint32_t node) const override;
  void on_shifted(std::optional<sim::ZoneId> away_from) override;
  std::uint32_t listener_of(const TargetGroup& group) const;
  Flows::Metrics flow_counts() {
    return {metric.opened, metric.refused, metric.own_resets, metric.target_resets};
  }
  void publish_metrics(const settings::NetworkLoadBalancer& settings);

  sim::Duration dns_ttl_;
  std::uint32_t zones_ = 0;  // an address is a zone and a port: node = listener * zones_ + zone
  std::vector<std::unique_ptr<TargetGroup>> groups_;  // by listener
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unique_ptr<ZonalDns> dns_;
  std::vector<Departure> departures_;
  std::optional<FlowMetrics> flow_metrics_;
};

}  // namespace windtunnel
