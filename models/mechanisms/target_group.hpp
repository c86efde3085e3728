// The targets behind a load balancer as each of its nodes sees them: which are registered and
// healthy, which get requests, how one is picked, which connections to it are open. Nodes share
// nothing but the targets (rule 1): each has its own health, counters and connections. A node
// routes to the healthy targets within its reach (all, or with cross-zone off those of its zone),
// and to all of them when too few are healthy (rule 3). A target whose zone has no node is unused.
// A function is a group of one target that is neither checked nor connected to.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/anomaly_mitigation.hpp"
#include "models/mechanisms/health_checks.hpp"
#include "models/mechanisms/health_state.hpp"
#include "models/mechanisms/idle_connections.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/slow_start.hpp"
#include "models/mechanisms/stickiness.hpp"
#include "models/mechanisms/target_selection.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class TargetGroup final : public sim::Entity, public TargetObserver, public HealthChecks::Listener {
 public:
  // What the group tells its load balancer.
  class Balancer {
   public:
    virtual ~Balancer() = default;
    // Counts of healthy targets may have changed; good_for_dns() too.
    virtual void on_health_changed() = 0;
    // Of groups whose nodes agree on health.
    virtual void on_target_unhealthy(TargetGroup&, std::uint32_t /*target*/) {}
    virtual void on_target_left(TargetGroup&, std::uint32_t /*target*/) {}
  };
  // Fewer healthy targets than either are too few.
  struct Minimum {
    std::uint32_t count = 1;
    double share = 0;
  };
  struct Settings {
    std::string name, targets, function;  // the service behind it, or a function
    TargetSelection::Algorithm algorithm = TargetSelection::Algorithm::round_robin;
    std::optional<bool> cross_zone{};           // absent: the load balancer's
    std::optional<sim::Duration> stickiness{};  // of a client machine to its target
    bool app_cookie = false;                    // set by the application, when it succeeds
    sim::Duration slow_start{0};
    sim::Duration keep_alive = sim::forever;  // of the targets
    sim::Duration deregistration_delay{std::chrono::seconds(300)};
    sim::Duration interval{std::chrono::seconds(30)}, timeout{std::chrono::seconds(5)};
    std::uint32_t healthy_threshold = 5, unhealthy_threshold = 2;
    bool tcp_checks = false;
    // A target is as most of the living nodes find it; else each node acts on what it finds.
    bool consensus = false;
    Minimum dns{}, routing{};
    std::optional<AnomalyMitigation::Settings> mitigation{};
  };
  // What the load balancer brings.
  struct Surroundings {
    bool cross_zone;
    sim::Duration idle_timeout;      // of connections
    sim::Distribution registration;  // of a target, until its first check
    bool only;                       // it has no other group: its metrics stand for this one too
    sim::MetricSet* metrics;         // absent: its metrics are not listed
    HealthChecks::Metrics& checks;
  };

  // `owner` has its nodes already.
  TargetGroup(sim::Component& owner, Balancer& balancer, Settings settings,
              const Surroundings& around);
  void wire(sim::Wiring& wiring);
  void attach();
  // All groups of a load balancer: a service in several of them drains as long as the slowest.
  static void set_deregistration_delays(const std::vector<std::unique_ptr<TargetGroup>>& groups);

  const std::string& name() const { return settings_.name; }
  bool is_lambda() const { return !settings_.function.empty(); }
  Targets* service() const { return service_; }
  sim::Duration deregistration_delay() const { return settings_.deregistration_delay; }
  sim::Duration check_interval() const { return checks_.interval(); }

  // --- requests at a node

  bool empty(std::uint32_t node) const { return balancers_[node].selection.eligible().empty(); }
  // New requests and connections go to it, among others.
  bool takes(std::uint32_t node, std::uint32_t target) const {
    return balancers_[node].selection.is_eligible(target);
  }
  bool routes_to_all(std::uint32_t node) const { return balancers_[node].routes_to_all; }
  // For a client's connection. The group must not be empty.
  std::uint32_t pick(std::uint32_t node, const sim::Call& request);
  // For a client's request; its target has one more from now on.
  std::uint32_t choose(std::uint32_t node, const sim::Call& request);
  IdleConnections::Taken take_connection(std::uint32_t node, std::uint32_t target);
  sim::Address target_address(std::uint32_t target) override;
  // A request's call to the target, or the connection for it, has ended.
  void ended(const sim::Call& child);
  // The target's answer to it goes to the client.
  void answered(const sim::Call& request, const sim::Call& child);

  // --- health

  // Registered targets as the node sees them; the least over the living nodes.
  std::uint32_t healthy(std::uint32_t node) const { return balancers_[node].all.healthy; }
  std::uint32_t unhealthy(std::uint32_t node) const {
    const Counts& all = balancers_[node].all;
    return all.registered - all.initial - all.healthy;
  }
  std::uint32_t least_healthy() const;
  // As Route 53 sees it: a node whose zone or region is cut off has no say.
  bool any_healthy() const;
  // Within the node's reach.
  std::uint32_t registered(std::uint32_t node) const { return balancers_[node].reach.registered; }
  bool is_registered(std::uint32_t target) const { return targets_[target].registered; }
  // Enough healthy targets within the node's reach, or no word on any of them yet.
  bool good_for_dns(std::uint32_t node) const;

  // A zonal shift: with cross-zone on no node sends requests to the zone's targets (with cross-zone
  // off DNS alone does it); nothing: none is in force.
  void shift_away_from(std::optional<sim::ZoneId> zone);

  void on_target_registered(std::uint32_t target) override;
  void on_target_deregistered(std::uint32_t target) override;
  void on_checked(std::uint32_t node, std::uint32_t target, bool passed) override;
  // The node is gone: its opinions count no more. It is back: it has none.
  void on_node_lost(std::uint32_t node);
  void on_node_restored(std::uint32_t node);

  // Listed under the group's name, or not at all.
  struct Metrics {
    Metrics(sim::MetricSet* listed, const std::string& group)
        : names{group + " RequestCount", group + " HTTPCode_Target_5XX_Count",
                group + " HealthyHostCount", group + " TargetResponseTime"},
          set(listed != nullptr ? *listed : unlisted),
          requests(set, names[0], "requests for which a target of this group was chosen"),
          target_5xx(set, names[1], "errors that this group's targets answered"),
          healthy_hosts(set, names[2], "Count", "healthy targets, the least over the nodes"),
          response(set, names[3], "from sending to a target until its answer") {}
    std::array<std::string, 4> names;
    sim::MetricSet unlisted;
    sim::MetricSet& set;
    sim::Counter requests, target_5xx;
    sim::Level healthy_hosts;
    sim::Histogram response;
  };
  Metrics metric;

 private:
  struct Counts {
    std::uint32_t registered = 0, initial = 0, healthy = 0;
  };
  struct Node {
    TargetSelection selection;
    SlowStart slow_start;
    std::optional<AnomalyMitigation> mitigation;
    std::vector<HealthState> found;            // by target: what its own checks say
    std::vector<HealthState::State> health;    // what it acts on
    std::vector<IdleConnections> connections;  // by target
    Counts all, reach;                         // reach: those it may route to
    bool routes_to_all = false;
  };
  struct Target {
    bool registered = false;               // and used
    std::optional<bool> reported_healthy;  // nothing: no word since it was registered
    sim::ZoneId zone = 0;
  };
  static bool too_few(const Minimum& least, const Counts& counts) {
    constexpr double rounding = 1e-9;
    return counts.healthy < least.count ||
           counts.healthy < least.share * counts.registered - rounding;
  }

  bool node_up(std::uint32_t node) const;
  bool in_reach(std::uint32_t node, std::uint32_t target) const {
    const sim::ZoneId zone = targets_[target].zone;
    return cross_zone_ ? shifted_away_ != zone : zone_of(node) == zone;
  }
  bool has_node_in(sim::ZoneId zone) const;
  HealthState fresh(HealthState::State state = HealthState::State::initial) const {
    return {settings_.healthy_threshold, settings_.unhealthy_threshold, 1, state};
  }
  void count(std::uint32_t node, std::uint32_t target, bool in);
  void forget(Node& node, std::uint32_t target);
  // Who gets requests, after the target has changed.
  void refresh(std::uint32_t node, std::uint32_t target);
  void place(std::uint32_t node, std::uint32_t target);
  bool is_healthy(std::uint32_t node, std::uint32_t target) const {
    return balancers_[node].health[target] == HealthState::State::healthy;
  }
  HealthState::State consensus(std::uint32_t target) const;
  void set_health(std::uint32_t node, std::uint32_t target, HealthState::State state);
  void health_changed(std::uint32_t node, std::uint32_t target);
  void tell_service(std::uint32_t target);
  void tell_balancer();
  std::uint32_t pick_by_algorithm(Node& node);
  std::optional<std::uint32_t> sticky_target(const Node& node, const sim::Call& request);
  void on_weights_due();
  std::string target_name(std::uint32_t target);

  sim::Component& owner_;
  Balancer& balancer_;
  const Settings settings_;
  std::string in_group_;
  bool cross_zone_;
  sim::Duration idle_timeout_;
  sim::Distribution registration_;
  std::optional<Cookies> cookies_;
  sim::Stream pick_chance_, registration_chance_;
  HealthChecks checks_;
  Targets* service_ = nullptr;
  Callable* function_ = nullptr;
  Resolution function_answer_;
  sim::Time function_answer_expires_{};
  std::vector<Node> balancers_;  // by node
  std::vector<Target> targets_;
  std::optional<sim::ZoneId> shifted_away_;
};

}  // namespace windtunnel
