// Application Auto Scaling of one scalable target: another component that provides "scalable". It
// holds the limits and the policies (mechanisms/scaling_policies); the resource does what it is
// told. Left out: predictive scaling (2024-11), custom resources by a REST endpoint, policies that
// start suspended and are resumed during the run.
#pragma once

#include <memory>
#include <string>

#include "models/mechanisms/scaling_policies.hpp"
#include "models/scaling/application_auto_scaling.pb.h"
#include "sim/simulation.hpp"

namespace windtunnel {

// Default of ScaleOutCooldown, ScaleInCooldown and Cooldown by the dimension's service.
sim::Duration default_cooldown_of(const std::string& scalable_dimension);

class SettingsCheck;

class ApplicationAutoScaling final : public sim::Component, public Scaler {
 public:
  static void check(const settings::ApplicationAutoScaling& settings, SettingsCheck& check);

  ApplicationAutoScaling(sim::Simulation& sim, std::string name,
                         const settings::ApplicationAutoScaling& settings);

  void wire(sim::Wiring& wiring) override;
  void attach() override { policies_->attach(); }
  void start() override { policies_->start(); }

  const std::string& scaled_resource() const override { return settings_.resource(); }
  CapacityLimits scaled_limits() const override {
    return {settings_.min_capacity(),
            largest_capacity(settings_.max_capacity(), settings_.scaling_policies(),
                             settings_.scheduled_actions())};
  }

  const ScalingPolicies& policies() const { return *policies_; }

 private:
  settings::ApplicationAutoScaling settings_;
  std::unique_ptr<ScalingPolicies> policies_;  // once the resource is found
};

}  // namespace windtunnel
