// A thing that scales, for tests of policies: launches and terminations take the time a test says,
// and the test dictates the metric. Times of metrics are exact: they can be read as soon as their
// period is over.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/scaling_policies.hpp"
#include "models/scaling/application_auto_scaling.pb.h"
#include "sim/simulation.hpp"
#include "topologies/document.hpp"
#include "topologies/reader.hpp"

namespace windtunnel::test {

using namespace std::chrono_literals;

// Policies and actions as a user writes them: "scaling_policies: [...], scheduled_actions: [...]".
inline settings::ApplicationAutoScaling scaling_settings(const std::string& yaml) {
  Diagnostics diagnostics;
  const auto node = parse_document(
      "{resource: group, min_capacity: 0, max_capacity: 0, " + yaml + "}", "test", diagnostics);
  settings::ApplicationAutoScaling settings;
  Readings readings;
  if (node) read_message(*node, {"", "test", {"test", 1, 1}}, settings, readings, diagnostics);
  if (diagnostics.has_errors()) throw std::runtime_error(diagnostics.print());
  return settings;
}

class ScalableStub final : public sim::Component, public Scalable, public MetricPublisher {
 public:
  struct Options {
    std::int64_t desired = 2;
    CapacityLimits bounds{1, 100};
    sim::Duration launch{0}, drain{0};
    sim::Duration period = 60s, delay{0};  // of its metric
    std::optional<sim::Duration> default_instance_warmup = 0s;
    std::string dimension = "autoscaling:autoScalingGroup:DesiredCapacity";
    bool own_policies = true;  // else: another component scales it
  };

  ScalableStub(sim::Simulation& sim, std::string name, const std::string& policies,
               const Options& options)
      : Component(sim, std::move(name)), options_(options) {
    capacity_.desired = capacity_.in_service = options.desired;
    CloudWatch::of(sim).publish({.component = this->name(),
                                 .space = "AWS/EC2",
                                 .name = "CPUUtilization",
                                 .dimensions = {},
                                 .period = options.period,
                                 .delay = sim::Distribution::constant(options.delay)},
                                *this, 0);
    CloudWatch::of(sim).publish({.component = this->name(),
                                 .space = "Test",
                                 .name = "Backlog",
                                 .dimensions = {},
                                 .period = options.period,
                                 .delay = sim::Distribution::constant(options.delay)},
                                *this, 1);
    if (!options.own_policies) return;
    const auto settings = scaling_settings(policies);
    policies_.emplace(*this, metric_set_, *this, settings.scaling_policies(),
                      settings.scheduled_actions(),
                      ScalingDefaults{.flavour = ScalingDefaults::Flavour::ec2,
                                      .resource = this->name(),
                                      .component = "",
                                      .default_cooldown = 300s,
                                      .default_instance_warmup = options.default_instance_warmup,
                                      .bounds = options.bounds});
  }

  void wire(sim::Wiring& wiring) override {
    if (policies_) policies_->wire(wiring);
  }
  void attach() override {
    if (policies_) policies_->attach();
  }
  void start() override {
    if (policies_) policies_->start();
  }

  std::string scalable_dimension() const override { return options_.dimension; }
  Capacity capacity() const override { return capacity_; }
  void set_desired_capacity(std::int64_t desired, const ScalingCause& cause) override {
    const Capacity& c = capacity_;
    const std::int64_t more = desired - (c.in_service + c.warming + c.pending);
    decisions.push_back({sim().now(), c.desired, desired, cause});
    capacity_.desired = desired;
    if (more > 0) {
      capacity_.pending += more;
      sim().after<&ScalableStub::on_launched>(options_.launch, this, more);
    } else if (more < 0) {
      capacity_.in_service += more;
      capacity_.terminating -= more;
      sim().after<&ScalableStub::on_terminated>(options_.drain, this, -more);
    }
  }
  bool scaling_in_progress() const override {
    return busy || capacity_.pending > 0 || capacity_.terminating > 0;
  }
  std::optional<sim::Time> last_activity_end() const override { return last_end_; }

  // Every ready unit has the value of `metric`; it may depend on the period's start. Nothing: no
  // datapoint. `backlog` has one sample.
  void collect(std::uint32_t which, sim::Time from, sim::Time, StatisticSet& out) override {
    const auto& source = which == 0 ? metric : backlog;
    const auto value = source ? source(from) : std::nullopt;
    const auto units = which == 0 ? static_cast<double>(capacity_.in_service) : 1;
    if (value && units > 0) out.add(*value, units);
  }

  ScalingPolicies& policies() { return *policies_; }
  Capacity& capacity_to_change() { return capacity_; }

  struct Decision {
    sim::Time at;
    std::int64_t from, to;
    ScalingCause cause;
  };
  std::vector<Decision> decisions;
  std::function<std::optional<double>(sim::Time)> metric, backlog;
  bool busy = false;  // an activity that never ends

 private:
  void on_launched(std::int64_t units) {
    capacity_.pending -= units;
    capacity_.warming += units;
    last_end_ = sim().now();
    sim().after<&ScalableStub::on_warm>(policies_ ? policies_->warmup() : 0s, this, units);
  }
  void on_warm(std::int64_t units) {
    capacity_.warming -= units;
    capacity_.in_service += units;
  }
  void on_terminated(std::int64_t units) {
    capacity_.terminating -= units;
    last_end_ = sim().now();
  }

  Options options_;
  Capacity capacity_;
  std::optional<sim::Time> last_end_;
  std::optional<ScalingPolicies> policies_;
};

// A statistic of a component's metric; throws where there is none.
inline double metric_value(const sim::Component& component, const std::string& metric,
                           const std::string& statistic) {
  for (const sim::Metric* candidate : component.metrics().all()) {
    if (candidate->name() != metric) continue;
    for (const auto& [name, value] : candidate->summary(component.sim().now())) {
      if (name == statistic) return value;
    }
  }
  throw std::runtime_error("no " + statistic + " of " + metric);
}

// One run with such a thing, named `group`.
class ScalingWorld {
 public:
  explicit ScalingWorld(const std::string& policies, const ScalableStub::Options& options = {},
                        sim::Duration horizon = 30min)
      : sim({.seed = 1, .replication = 1, .horizon = horizon}),
        group(static_cast<ScalableStub&>(
            sim.add(std::make_unique<ScalableStub>(sim, "group", policies, options)))) {
    group.metric = [](sim::Time) { return std::nullopt; };
  }

  // The metric is `before` until the first period that starts at `date` or later, then `after`.
  // Returns that start.
  sim::Time metric_changes(double before, sim::Duration date, double after,
                           sim::Duration period = 60s) {
    CloudWatch& cloudwatch = CloudWatch::of(sim);
    const sim::Time start = cloudwatch.start_of_period(sim::time_zero + date, period) + period;
    group.metric = [=](sim::Time from) { return from < start ? before : after; };
    return start;
  }
  void metric_is(double value) {
    group.metric = [=](sim::Time) { return value; };
  }

  // Seconds of a decision after `since`.
  double decided(std::size_t decision, sim::Time since = sim::time_zero) const {
    return sim::seconds(group.decisions.at(decision).at - since);
  }
  // The capacities decided on: {2, 4, 3}.
  std::vector<std::int64_t> capacities() const {
    std::vector<std::int64_t> all;
    for (const auto& decision : group.decisions) all.push_back(decision.to);
    return all;
  }
  std::vector<std::string> notes(const std::string& component = "group") const {
    std::vector<std::string> texts;
    for (const auto& event : sim_log()) {
      if (event.component == component) texts.push_back(event.text);
    }
    return texts;
  }

  sim::Simulation sim;
  ScalableStub& group;

 private:
  const std::vector<sim::LoggedEvent>& sim_log() const {
    return const_cast<sim::Simulation&>(sim).log().events;
  }
};

}  // namespace windtunnel::test
