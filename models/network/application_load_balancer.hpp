// An Application Load Balancer: a node in each zone with one address, rules that send requests to
// target groups by host and path, and by weight. Every node checks every target itself and picks
// targets with counters of its own (rule 1). There is no queue (rule 6) and no retry. Errors are
// those of the documentation: 502 a target's connection broke (also because the target closed it
// just when a request set out), deregistration ended, or a function failed; 503 no target
// registered, none in the node's zone with cross-zone off, or (UNSOURCED) more than the nodes'
// capacity; 504 a target did not connect in 10 s or not answer within the idle timeout; 460 the
// client left first (the target still does the work). Too few healthy targets: all get traffic
// (fail-open, rule 3). A zone with too few healthy targets in any of the groups leaves DNS, unless
// all have (rule 4); so does a dead node, each after `elb_dns_removal`. When power is back the node
// has a new address, and no opinion of the targets.
// Left out: listeners and their ports, TLS, sizes (but a function's 1 MB; headers above 32 K),
// HTTP/2's 10,000 requests a connection; front-end connections are the clients'
// (ActiveConnectionCount and NewConnectionCount are not published); more than one node a zone:
// capacity grows in place; health checks of functions; target optimizer; AnomalousHostCount and
// MitigatedHostCount. A health check costs one round trip, not two.
// A zonal shift takes the zone's address out of DNS, as late as a dead one's, and with cross-zone
// on keeps all nodes from the zone's targets; connections stay. It has no effect while no zone is
// good (fail-open).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/growing_capacity.hpp"
#include "models/mechanisms/listener_rules.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/target_group.hpp"
#include "models/mechanisms/zonal_dns.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class ApplicationLoadBalancer;
}

class ApplicationLoadBalancer final : public sim::Component,
                                      public Callable,
                                      public Targets,
                                      public ZonallyShiftable,
                                      public TargetGroup::Balancer,
                                      public ZonalDns::Owner,
                                      public MetricPublisher {
 public:
  ApplicationLoadBalancer(sim::Simulation& sim, const std::string& name,
                          const settings::ApplicationLoadBalancer& settings);
  static void check(const settings::ApplicationLoadBalancer& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void attach() override;
  void start() override;
  void on_request(sim::Call& call, sim::Handle handle) override;
  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;
  void on_late_answer(const sim::Call&) override {}
  void on_host_lost(std::uint32_t node, sim::HostLoss loss) override;
  void on_host_restored(std::uint32_t node) override;
  void on_zone_lost(sim::ZoneId zone) override;
  void on_zone_restored(sim::ZoneId zone) override;

  Resolution resolve(const Query& query) override;
  // Every target group has a healthy target (rule 40).
  bool healthy() const override;
  ZonalShift& zonal_shift() override { return dns_->shift(); }

  // As the target of a Network Load Balancer: its nodes, of which no one is told.
  std::uint32_t max_targets() const override { return static_cast<std::uint32_t>(nodes_.size()); }
  sim::Address target_address(std::uint32_t node) override { return address_of(node); }
  void observe_targets(TargetObserver& observer) override { observers_.push_back(&observer); }
  void report_target_health(std::uint32_t, bool) override {}
  void set_deregistration_delay(sim::Duration) override {}

  void on_health_changed() override;
  void collect(std::uint32_t which, sim::Time from, sim::Time to, StatisticSet& out) override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter requests{set, "RequestCount", "requests for which a target was chosen"};
    sim::Counter elb_5xx{set, "HTTPCode_ELB_5XX_Count", "502, 503 and 504 together"};
    sim::Counter elb_502{set, "HTTPCode_ELB_502_Count",
                         "a target's connection broke, it left while it worked, a function failed"};
    sim::Counter elb_503{set, "HTTPCode_ELB_503_Count",
                         "no target registered, or none in the zone, or no capacity"};
    sim::Counter elb_504{set, "HTTPCode_ELB_504_Count",
                         "a target did not connect or answer in time"};
    sim::Counter elb_460{set, "HTTPCode_ELB_460_Count", "the client left before the answer"};
    sim::Counter elb_413{set, "HTTPCode_ELB_413_Count", "too large for a function"};
    sim::Counter lambda_user{set, "LambdaUserError", "requests on which a function failed"};
    sim::Counter lambda_internal{set, "LambdaInternalError",
                                 "requests that Lambda did not let a function have: throttles"};
    sim::Counter target_5xx{set, "HTTPCode_Target_5XX_Count", "errors the targets answered"};
    sim::Counter connection_errors{set, "TargetConnectionErrorCount",
                                   "connections to targets that failed"};
    sim::Counter new_connections{set, "NewTargetConnectionCount", "connections opened to targets"};
    sim::Counter rejected{set, "RejectedConnectionCount",
                          "requests that were more than the nodes' capacity"};
    sim::Counter fail_open{set, "FailOpenRequests",
                           "requests routed while too few targets were healthy"};
    sim::Level open{set, "ActiveRequests", "Count", "requests in the nodes' hands"};
    sim::Level healthy_hosts{set, "HealthyHostCount", "Count",
                             "healthy targets of all groups, the least over the nodes"};
    sim::Histogram target_response{set, "TargetResponseTime",
                                   "from sending to a target until its answer"};
  };
  Metrics metric{metric_set_};
  HealthChecks::Metrics checks{metric_set_};

 private:
  // Where a rule, or the default action, sends requests.
  struct Action {
    WeightedGroups groups;
    std::optional<Cookies> cookies;  // of clients that stay with a group
  };
  // What the node remembers of a client's request.
  struct Progress {
    std::uint32_t target;
    std::uint32_t node_life;
    std::uint16_t action;
    std::uint16_t group;
  };
  // A metric that collect() gives.
  struct Collected {
    std::uint32_t group;
    std::uint64_t requests = 0;  // until the last period's end
  };

  void add_groups(const settings::ApplicationLoadBalancer& settings);
  void add_rules(const settings::ApplicationLoadBalancer& settings);
  void publish_metrics(const settings::ApplicationLoadBalancer& settings);

  bool node_up(std::uint32_t node) const;
  bool is_gone(sim::Call& request);
  void on_processed(sim::Handle request);
  void route(sim::Call& request, sim::Handle handle);
  std::uint16_t group_of(std::uint16_t action, const sim::Call& request);
  void connect(sim::Handle request, const sim::Address& to, std::uint32_t tag);
  void forward(sim::Handle request, const sim::Address& to, std::uint32_t tag);
  void reply(sim::Handle request, sim::Outcome outcome);
  void refuse(sim::Handle request, sim::Outcome outcome);
  void request_ended(sim::Call& child);
  sim::Outcome outcome_for_client(const TargetGroup& group, const sim::Call& child);

  bool good_for_dns(std::uint32_t node) const override;
  void on_shifted(std::optional<sim::ZoneId> away_from) override;

  sim::Duration keep_alive_, dns_ttl_, idle_timeout_;
  sim::Distribution processing_;
  sim::Lane answer_lane_, connect_lane_;
  std::vector<std::unique_ptr<TargetGroup>> groups_;
  ListenerRules rules_;
  std::vector<Action> actions_;  // of the rules, then the default
  std::optional<GrowingCapacity> capacity_;
  std::unique_ptr<ZonalDns> dns_;
  std::vector<TargetObserver*> observers_;
  std::vector<Collected> collected_;
  sim::Stream group_chance_, processing_chance_;
};

}  // namespace windtunnel
