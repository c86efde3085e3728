#include "models/network/route53_health_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "models/mechanisms/alarm.hpp"
#include "models/mechanisms/alarm.pb.h"
#include "models/mechanisms/routing_controls.hpp"
#include "models/network/route53_health_check.pb.h"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

using Settings = settings::Route53HealthCheck;
using Source = Route53HealthCheckComponent::Source;

class Endpoint final : public Source {
 public:
  Endpoint(sim::Component& owner, const Settings::Endpoint& settings, sim::MetricSet& metrics)
      : target_(settings.target()),
        check_(owner, target_, EndpointHealthCheck::settings_of(settings.check()), metrics) {}
  void wire(sim::Wiring& wiring) override { check_.wire(wiring.find<Callable>(target_)); }
  void start() override { check_.start(); }
  Route53HealthCheck& status() override { return check_.status(); }

 private:
  std::string target_;
  EndpointHealthCheck check_;
};

class Calculated final : public Source, private HealthCheckListener {
 public:
  Calculated(sim::Component& owner, const Settings::Calculated& settings, sim::MetricSet& metrics)
      : names_(settings.children().begin(), settings.children().end()),
        threshold_(static_cast<std::size_t>(settings.health_threshold())),
        status_(owner, fmt::format("{} others", names_.size()),
                Route53HealthCheck::settings_of(settings.status()), metrics) {}
  void wire(sim::Wiring& wiring) override {
    for (const std::string& name : names_) {
      children_.push_back(&wiring.find<HealthCheckPort>(name));
      children_.back()->add_listener(*this);
    }
  }
  void start() override { status_.begin(healthy_children() >= threshold_); }
  Route53HealthCheck& status() override { return status_; }

 private:
  std::size_t healthy_children() const {
    return static_cast<std::size_t>(
        std::count_if(children_.begin(), children_.end(),
                      [](const HealthCheckPort* child) { return child->healthy(); }));
  }
  void on_health_check_changed() override {
    const std::size_t healthy = healthy_children();
    status_.report(healthy >= threshold_, fmt::format("{} of {} healthy, {} needed", healthy,
                                                      children_.size(), threshold_));
  }

  std::vector<std::string> names_;
  std::size_t threshold_;
  std::vector<HealthCheckPort*> children_;
  Route53HealthCheck status_;
};

class OfAlarm final : public Source, private AlarmListener {
 public:
  OfAlarm(sim::Component& owner, const Settings::CloudWatchMetric& settings,
          sim::MetricSet& metrics)
      : name_(settings.alarm()),
        without_data_(settings.insufficient_data_health_status()),
        status_(owner, name_, Route53HealthCheck::settings_of(settings.status()), metrics) {}
  void wire(sim::Wiring& wiring) override {
    alarm_ = &wiring.find<AlarmPort>(name_);
    alarm_->add_listener(*this);
  }
  void start() override { status_.begin(passes()); }
  Route53HealthCheck& status() override { return status_; }

 private:
  bool passes() {
    const AlarmState state = alarm_->state();
    if (state != AlarmState::insufficient_data) {
      last_known_ = state == AlarmState::ok;
    } else if (without_data_ != Settings::CloudWatchMetric::LAST_KNOWN_STATUS) {
      return without_data_ == Settings::CloudWatchMetric::HEALTHY;
    }
    return last_known_;
  }
  void on_alarm_state(Alarm& alarm, AlarmState) override {
    status_.report(passes(), to_string(alarm.state()));
  }
  void on_alarm_action(Alarm&) override {}

  std::string name_;
  Settings::CloudWatchMetric::InsufficientData without_data_;
  AlarmPort* alarm_ = nullptr;
  bool last_known_ = true;
  Route53HealthCheck status_;
};

class OfRoutingControl final : public Source, private RoutingControlListener {
 public:
  OfRoutingControl(sim::Component& owner, const Settings::RecoveryControl& settings,
                   sim::MetricSet& metrics)
      : cluster_name_(settings.cluster()),
        control_(settings.control()),
        status_(owner, control_, Route53HealthCheck::settings_of(settings.status()), metrics) {}
  void wire(sim::Wiring& wiring) override {
    controls_ = &wiring.find<RoutingControlCluster>(cluster_name_);
    controls_->add_listener(*this);
    status_.begin(controls_->is_on(control_));
  }
  Route53HealthCheck& status() override { return status_; }

 private:
  void on_routing_controls_changed() override {
    const bool on = controls_->is_on(control_);
    status_.report(on, on ? "On" : "Off");
  }

  std::string cluster_name_, control_;
  RoutingControlCluster* controls_ = nullptr;
  Route53HealthCheck status_;
};

std::unique_ptr<Source> source_of(sim::Component& owner, const Settings& settings,
                                  sim::MetricSet& metrics) {
  if (settings.has_calculated()) {
    return std::make_unique<Calculated>(owner, settings.calculated(), metrics);
  }
  if (settings.has_cloudwatch_metric()) {
    return std::make_unique<OfAlarm>(owner, settings.cloudwatch_metric(), metrics);
  }
  if (settings.has_recovery_control()) {
    return std::make_unique<OfRoutingControl>(owner, settings.recovery_control(), metrics);
  }
  return std::make_unique<Endpoint>(owner, settings.endpoint(), metrics);
}

// Route 53 takes over a metric with a threshold, not all that an alarm can do with it.
void check_alarm_of(const Settings::CloudWatchMetric& settings, SettingsCheck& check) {
  const google::protobuf::Message* found = check.settings_of(settings.alarm());
  const auto* field = found == nullptr ? nullptr : found->GetDescriptor()->FindFieldByName("alarm");
  if (field == nullptr) return;
  const auto& alarm = dynamic_cast<const settings::PutMetricAlarm&>(
      found->GetReflection()->GetMessage(*found, field));
  const auto refuse = [&](const char* what) {
    check.error("cloudwatch_metric.alarm",
                fmt::format("{} {}: no health check can follow it (Route 53 guide, Monitoring a "
                            "CloudWatch alarm)",
                            settings.alarm(), what));
  };
  if (alarm.has_datapoints_to_alarm() && alarm.datapoints_to_alarm() < alarm.evaluation_periods()) {
    refuse("is an M out of N alarm");
  }
  if (!alarm.expression().empty()) refuse("is one of metric math");
  if (alarm.period() < 60'000'000'000) refuse("has a high resolution");
}

}  // namespace

Route53HealthCheckComponent::Route53HealthCheckComponent(sim::Simulation& sim,
                                                         const std::string& name,
                                                         const Settings& settings)
    : Component(sim, name), source_(source_of(*this, settings, metric_set_)) {}

void Route53HealthCheckComponent::check(const Settings& settings, SettingsCheck& check) {
  if (settings.has_endpoint()) {
    EndpointHealthCheck::check(settings.endpoint().check(), "endpoint.", check);
  }
  if (settings.has_cloudwatch_metric()) check_alarm_of(settings.cloudwatch_metric(), check);
  if (!settings.has_calculated()) return;
  const auto& calculated = settings.calculated();
  constexpr int most = 255;
  if (calculated.children_size() > most) {
    check.error("calculated.children", fmt::format("{} are above {} (Route 53 API reference, "
                                                   "HealthCheckConfig.ChildHealthChecks)",
                                                   calculated.children_size(), most));
  }
  for (int i = 0; i < calculated.children_size(); ++i) {
    const auto* child = dynamic_cast<const Settings*>(check.settings_of(calculated.children(i)));
    if (child == nullptr || !child->has_calculated()) continue;
    check.error(fmt::format("calculated.children.{}", i),
                "a calculated health check cannot have calculated children (Route 53 guide, "
                "Monitoring other health checks)");
  }
  if (calculated.health_threshold() == 0) {
    check.note("calculated.health_threshold", "0: it is always healthy");
  }
  if (calculated.health_threshold() > calculated.children_size()) {
    check.note("calculated.health_threshold", "above the number of children: never healthy");
  }
}

REGISTER_MODEL(Route53HealthCheckComponent, settings::Route53HealthCheck);

}  // namespace windtunnel
