#include "models/scaling/application_auto_scaling.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "models/mechanisms/scaling_checks.hpp"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

// Application Auto Scaling API, TargetTrackingScalingPolicyConfiguration and
// StepScalingPolicyConfiguration: 300 s for these, 0 s for all others.
constexpr std::array<std::string_view, 7> with_cooldown = {
    "ecs", "ec2", "elasticmapreduce", "appstream", "rds", "sagemaker", "custom-resource"};

// "ecs:service:DesiredCount" and "web" are "service/web".
std::string resource_id(const std::string& dimension, const std::string& name) {
  const std::size_t first = dimension.find(':');
  const std::size_t last = dimension.rfind(':');
  return first == last ? name : dimension.substr(first + 1, last - first - 1) + "/" + name;
}

}  // namespace

sim::Duration default_cooldown_of(const std::string& scalable_dimension) {
  const std::string service = scalable_dimension.substr(0, scalable_dimension.find(':'));
  const bool has =
      std::find(with_cooldown.begin(), with_cooldown.end(), service) != with_cooldown.end();
  return std::chrono::seconds(has ? 300 : 0);
}

void ApplicationAutoScaling::check(const settings::ApplicationAutoScaling& settings,
                                   SettingsCheck& check) {
  check_scaling(settings.scaling_policies(), settings.scheduled_actions(),
                {.flavour = ScalingDefaults::Flavour::application,
                 .bounds = {settings.min_capacity(), settings.max_capacity()},
                 .resource = check.settings_of(settings.resource())},
                check);
}

ApplicationAutoScaling::ApplicationAutoScaling(sim::Simulation& sim, std::string name,
                                               const settings::ApplicationAutoScaling& settings)
    : Component(sim, std::move(name)), settings_(settings) {}

void ApplicationAutoScaling::wire(sim::Wiring& wiring) {
  auto& resource = wiring.find<Scalable>(settings_.resource());
  const std::string dimension = resource.scalable_dimension();
  policies_ = std::make_unique<ScalingPolicies>(
      *this, metric_set_, resource, settings_.scaling_policies(), settings_.scheduled_actions(),
      ScalingDefaults{.flavour = ScalingDefaults::Flavour::application,
                      .resource = resource_id(dimension, settings_.resource()),
                      .component = settings_.resource(),
                      .default_cooldown = default_cooldown_of(dimension),
                      .default_instance_warmup = {},
                      .bounds = {settings_.min_capacity(), settings_.max_capacity()}});
  const auto& state = settings_.suspended_state();
  policies_->suspend({.dynamic_scaling_out = state.dynamic_scaling_out_suspended(),
                      .dynamic_scaling_in = state.dynamic_scaling_in_suspended(),
                      .scheduled_actions = state.scheduled_scaling_suspended()});
  policies_->wire(wiring);
}

REGISTER_MODEL(ApplicationAutoScaling, settings::ApplicationAutoScaling);

}  // namespace windtunnel
