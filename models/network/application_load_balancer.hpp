// An Application Load Balancer: a node in each zone with one address; one target group, cross-zone
// always on. Every node checks every target itself and picks targets with counters of its own (rule
// 1). There is no queue (rule 6) and no retry. Errors are those of the documentation: 502 a
// target's connection broke or deregistration ended, 503 no target registered, 504 a target did not
// connect in 10 s or not answer within the idle timeout, 460 the client left first (the target
// still does the work). When all targets are unhealthy, all get traffic (fail-open, rule 3). A node
// that loses power is silent; ELB takes its address out of DNS after `elb_dns_removal`. When power
// is back the node has a new address, and no opinion of the targets. Left out (with the issue on
// scaling): rules and several target groups, cross-zone off, slow start, stickiness, weighted
// random, nodes that grow with the load, TLS. A health check costs one round trip, not two.
#pragma once

#include <vector>

#include "models/mechanisms/health_state.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/target_selection.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

namespace settings {
class ApplicationLoadBalancer;
}

class ApplicationLoadBalancer final : public sim::Component,
                                      public Callable,
                                      public TargetObserver {
 public:
  ApplicationLoadBalancer(sim::Simulation& sim, const std::string& name,
                          const settings::ApplicationLoadBalancer& settings);

  void wire(sim::Wiring& wiring) override;
  void attach() override;
  void on_request(sim::Call& call, sim::Handle handle) override;
  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;
  void on_late_answer(const sim::Call&) override {}
  void on_host_lost(std::uint32_t node, sim::HostLoss loss) override;
  void on_host_restored(std::uint32_t node) override;
  void on_zone_lost(sim::ZoneId zone) override;
  void on_zone_restored(sim::ZoneId zone) override;

  Resolution resolve(sim::Operation operation, sim::Stream& chance) override;
  // Every target group has a healthy target (rule 40); with one group: it is not empty and not all
  // unhealthy.
  bool healthy() const override;

  void on_target_registered(std::uint32_t target) override;
  void on_target_deregistered(std::uint32_t target) override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter requests{set, "RequestCount", "requests for which a target was chosen"};
    sim::Counter elb_502{set, "HTTPCode_ELB_502_Count",
                         "a target's connection broke, or it left while it worked"};
    sim::Counter elb_503{set, "HTTPCode_ELB_503_Count", "no target registered"};
    sim::Counter elb_504{set, "HTTPCode_ELB_504_Count",
                         "a target did not connect or answer in time"};
    sim::Counter elb_460{set, "HTTPCode_ELB_460_Count", "the client left before the answer"};
    sim::Counter target_5xx{set, "HTTPCode_Target_5XX_Count", "errors the targets answered"};
    sim::Counter connection_errors{set, "TargetConnectionErrorCount",
                                   "connections to targets that failed"};
    sim::Counter new_connections{set, "NewTargetConnectionCount", "connections opened to targets"};
    sim::Counter checks{set, "HealthChecks", "health checks sent by all nodes"};
    sim::Counter failed_checks{set, "FailedHealthChecks", "health checks that failed"};
    sim::Counter fail_open{set, "FailOpenRequests",
                           "requests routed while all targets were unhealthy"};
    sim::Level open{set, "ActiveRequests", "Count", "requests in the nodes' hands"};
    sim::Level healthy_hosts{set, "HealthyHostCount", "Count",
                             "healthy targets, the least over the nodes"};
    sim::Histogram target_response{set, "TargetResponseTime",
                                   "from sending to a target until its answer"};
  };
  Metrics metric{metric_set_};

 private:
  struct Backend {
    HealthState health{5, 2, 1};
    std::uint32_t idle_connections = 0;
    sim::Time last_used{};
  };
  struct Node {
    TargetSelection selection;
    std::vector<Backend> backends;  // by target
    std::uint32_t healthy = 0;      // registered targets it sees healthy
    bool fail_open = false;
    bool in_dns = true;
  };
  struct Target {
    bool registered = false;
    std::uint32_t epoch = 0;  // checks of an earlier registration stop
    bool reported_healthy = true;
  };
  // What the node remembers of a client's request.
  struct Progress {
    std::uint32_t target;
    std::uint32_t node_life;
  };

  bool node_up(std::uint32_t node) const;
  bool is_gone(sim::Call& request);
  void on_processed(sim::Handle request);
  void route(sim::Call& request, sim::Handle handle);
  void forward(sim::Handle request, const sim::Address& to);
  void reply(sim::Handle request, sim::Outcome outcome);
  void request_ended(sim::Call& child);
  void ended_at_target(const sim::Call& child);

  void begin_checks(std::uint32_t node, std::uint32_t target, sim::Duration first_in);
  void on_check_due(std::uint64_t packed);
  void check_ended(const sim::Call& check, bool passed);
  void health_changed(std::uint32_t node, std::uint32_t target);
  void refresh(std::uint32_t node);
  void tell_group(std::uint32_t target);
  void leave_dns_later(std::uint32_t node);
  void enter_dns_later(std::uint32_t node);
  bool reachable(std::uint32_t node) const;
  void on_node_leaves_dns(std::uint64_t node_and_life);
  void on_node_enters_dns(std::uint64_t node_and_life);
  std::uint64_t pack(std::uint32_t node, std::uint32_t target) const {
    return (std::uint64_t{targets_[target].epoch} << 32) | (std::uint64_t{node} << 24) | target;
  }
  std::string target_name(std::uint32_t target);

  std::string targets_name_;
  TargetSelection::Algorithm algorithm_;
  sim::Duration interval_, keep_alive_, dns_removal_, dns_ttl_, deregistration_delay_,
      idle_timeout_;
  std::uint32_t healthy_threshold_, unhealthy_threshold_;
  sim::Distribution processing_, registration_;
  sim::Lane answer_lane_, connect_lane_, check_lane_;
  ::windtunnel::Targets* service_ = nullptr;
  std::vector<Node> balancers_;  // by node
  std::vector<Target> targets_;
  sim::Stream pick_chance_, check_chance_, processing_chance_;
};

}  // namespace windtunnel
