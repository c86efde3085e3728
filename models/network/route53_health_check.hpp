// A health check of Route 53 as a component, for several records to share and for calculated ones
// to count. What a status is stands in mechanisms/route53_health_check.hpp, how an endpoint is
// asked in mechanisms/route53_checkers.hpp. A calculated check follows its children at once, a
// check of an alarm the alarm's state, one of a routing control the control's; the way to the
// answers takes its time for all of them.
//
// Left out: that Route 53 reads an alarm's metric itself (so that it may see it sooner or later
// than the alarm, and SetAlarmState does nothing), checks in other accounts, its
// metrics in CloudWatch (they are in the results).
#pragma once

#include <memory>
#include <string>

#include "models/mechanisms/route53_health_check.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class Route53HealthCheck;
}

class Route53HealthCheckComponent final : public sim::Component, public HealthCheckPort {
 public:
  // Who finds out how things are.
  class Source {
   public:
    virtual ~Source() = default;
    virtual void wire(sim::Wiring& wiring) = 0;
    virtual void attach() {}
    virtual void start() {}
    virtual Route53HealthCheck& status() = 0;
  };

  Route53HealthCheckComponent(sim::Simulation& sim, const std::string& name,
                              const settings::Route53HealthCheck& settings);
  static void check(const settings::Route53HealthCheck& settings, SettingsCheck& check);

  bool healthy() const override { return source_->status().healthy(); }
  bool published_healthy() const override { return source_->status().published_healthy(); }
  void add_listener(HealthCheckListener& listener) override {
    source_->status().add_listener(listener);
  }

  void wire(sim::Wiring& wiring) override { source_->wire(wiring); }
  void attach() override { source_->attach(); }
  void start() override { source_->start(); }

 private:
  std::unique_ptr<Source> source_;
};

}  // namespace windtunnel
