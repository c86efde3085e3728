// A health check of Route 53: a status that whoever looks reports, inverted or disabled where the
// settings say so, and that reaches the answers of DNS after a propagation delay. Other health
// checks hear of it at once, records when it is published. A new one counts as healthy (inverted:
// as unhealthy) until it knows better; disabled, for good (rule 38).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/route53_checkers.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class EndpointHealthCheck;
class HealthCheckStatus;
}  // namespace settings

class HealthCheckListener {
 public:
  virtual ~HealthCheckListener() = default;
  virtual void on_health_check_changed() {}
  virtual void on_health_check_published() {}
};

// "health_check": a component that is one, for records and calculated health checks.
class HealthCheckPort {
 public:
  virtual ~HealthCheckPort() = default;
  virtual bool healthy() const = 0;
  virtual bool published_healthy() const = 0;  // as DNS knows it
  virtual void add_listener(HealthCheckListener& listener) = 0;
};

class Route53HealthCheck final : public sim::Entity, public HealthCheckPort {
 public:
  struct Settings {
    bool inverted = false, disabled = false;
    sim::Distribution propagation{};
  };
  static Settings settings_of(const settings::HealthCheckStatus& settings);

  // `owner` has it in the log and among its metrics, `of` is what it looks at: "health check of
  // web".
  Route53HealthCheck(sim::Component& owner, std::string of, const Settings& settings,
                     sim::MetricSet& metrics);

  bool disabled() const { return settings_.disabled; }
  bool healthy() const override { return status_; }
  bool published_healthy() const override { return published_; }
  void add_listener(HealthCheckListener& listener) override { listeners_.push_back(&listener); }

  // What is found before the run.
  void begin(bool passes);
  // By whoever looks. `why` is for the log: "2 of 16 checkers healthy".
  void report(bool passes, const std::string& why);

  struct Metrics {
    explicit Metrics(sim::MetricSet& metrics) : set(metrics) {}
    sim::MetricSet& set;
    sim::Level status{set, "HealthCheckStatus", "None",
                      "1 while the health check is healthy, else 0"};
  };
  Metrics metric;

 private:
  bool status_of(bool passes) const {
    return settings_.disabled ? !settings_.inverted : passes != settings_.inverted;
  }
  void on_propagated(std::uint64_t change);

  sim::Component& owner_;
  std::string of_;
  Settings settings_;
  sim::Stream propagation_chance_;
  bool status_ = true, published_ = true;
  // A change that is overtaken on its way finds that a later one is there; the status alternates,
  // so that the number of changes tells it.
  std::uint64_t changes_ = 0, published_changes_ = 0;
  std::vector<HealthCheckListener*> listeners_;
};

// One whose checkers ask an endpoint.
class EndpointHealthCheck final : private Route53Checkers::Listener {
 public:
  struct Settings {
    Route53HealthCheck::Settings status;
    Route53Checkers::Settings checkers;
  };
  static Settings settings_of(const settings::EndpointHealthCheck& settings);
  // Of settings at `path`, with a dot at its end unless it is empty.
  static void check(const settings::EndpointHealthCheck& settings, const std::string& path,
                    SettingsCheck& check);

  EndpointHealthCheck(sim::Component& owner, const std::string& target, const Settings& settings,
                      sim::MetricSet& metrics);
  void wire(Callable& target);
  void start();

  Route53HealthCheck& status() { return status_; }
  const Route53HealthCheck& status() const { return status_; }

  struct Metrics {
    explicit Metrics(sim::MetricSet& metrics) : set(metrics) {}
    sim::MetricSet& set;
    sim::Level share{set, "HealthCheckPercentageHealthy", "Percent", "checkers that say healthy"};
  };
  Metrics metric;

 private:
  void on_checker_changed(bool verdict_changed) override;

  sim::Component& owner_;
  Settings settings_;
  Route53HealthCheck status_;
  std::unique_ptr<Route53Checkers> checkers_;
};

}  // namespace windtunnel
