// A name in Route 53: simple, alias or failover, with health checks. Records may point at records:
// a tree.
//
// - simple: the target's addresses in random order, kept for this record's TTL, or for the target's
//   if that is shorter;
// - alias: what the target answers, TTL included: it has no TTL of its own, but it has one (rule
//   41);
// - failover: the primary's or the secondary's answer, kept as by `simple`.
//
// Health (rule 39): without a health check a record is healthy. An alias with
// evaluate_target_health must have a healthy target too, one without is healthy whatever its target
// does. A failover record is healthy while either branch is, so that a tree backs out of a dead
// branch; a branch that is a record counts with that record's health, any other with its service's
// if evaluate_target_health is set. Both unhealthy: the primary answers. Fail-back has no damping.
// evaluate_target_health is looked up when the name is: it costs no events, and the log learns of
// the change with the first query after it. A health check reaches the answers after a propagation
// delay.
//
// Left out (other issues bring them): weighted, latency, geolocation and multivalue answers; caches
// of resolvers between client and Route 53; calculated and inverted checks; the control plane. An
// answer has one TTL: where a record's choice and the address behind it are cached for different
// times in a chain of CNAMEs, the shorter rules.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/route53_checkers.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

namespace settings {
class Route53Record;
}

class Route53Record final : public sim::Component,
                            public Callable,
                            private Route53Checkers::Listener {
 public:
  Route53Record(sim::Simulation& sim, const std::string& name,
                const settings::Route53Record& settings);

  enum class Policy : std::uint8_t { simple, alias, failover };
  struct HealthCheck {
    Route53Checkers::Settings checkers;
    sim::Distribution propagation{};
    bool disabled = false;
  };
  // Made in C++, for tests.
  struct Shape {
    Policy policy = Policy::alias;
    std::string target{};     // of failover: the primary
    std::string secondary{};  // of failover
    bool evaluate_target_health = false;
    sim::Duration ttl{std::chrono::seconds(60)};
    std::optional<HealthCheck> health_check{};
  };
  Route53Record(sim::Simulation& sim, const std::string& name, Shape shape);

  Resolution resolve(const Query& query) override;
  bool healthy() const override;

  void wire(sim::Wiring& wiring) override;
  void start() override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter queries{set, "DNSQueries", "queries answered, those of health checkers included"};
  };
  Metrics metric{metric_set_};
  struct HealthCheckMetrics {
    explicit HealthCheckMetrics(sim::MetricSet& metrics) : set(metrics) {}
    sim::MetricSet& set;
    sim::Level status{set, "HealthCheckStatus", "None",
                      "1 while the health check is healthy, else 0"};
    sim::Level share{set, "HealthCheckPercentageHealthy", "Percent", "checkers that say healthy"};
  };
  std::optional<HealthCheckMetrics> check_metric;  // with a health check only

 private:
  struct Branch {
    std::string name;
    Callable* service = nullptr;
    bool is_record = false;
  };
  enum class Choice : std::uint8_t { primary, secondary };

  void on_checker_changed(bool verdict_changed) override;
  void on_propagated(std::uint64_t change);
  bool check_passes() const { return published_changes_ % 2 == 0; }
  bool counts_as_healthy(const Branch& branch) const {
    return !(branch.is_record || shape_.evaluate_target_health) || branch.service->healthy();
  }
  bool primary_healthy() const { return check_passes() && counts_as_healthy(primary_); }
  Choice choose();

  Shape shape_;
  Branch primary_, secondary_;  // primary_: the only one but for failover
  std::unique_ptr<Route53Checkers> checkers_;
  sim::Stream propagation_chance_;
  // The verdict begins healthy and alternates, so the number of its changes tells it; a change that
  // is overtaken on its way to the answers finds a higher number.
  std::uint64_t changes_ = 0, published_changes_ = 0;
  Choice answered_ = Choice::primary;
};

}  // namespace windtunnel
