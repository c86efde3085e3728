#include "models/operations/arc_cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/mechanisms/control_plane.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/operations/arc_cluster.pb.h"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

using Settings = settings::ArcCluster;

// ARC guide, Data plane and control plane for routing control.
constexpr std::array<const char*, 5> endpoint_regions{"us-east-1", "us-west-2", "eu-west-1",
                                                      "ap-northeast-1", "ap-southeast-2"};

std::vector<RoutingControlState> controls_of(const Settings& settings) {
  std::vector<RoutingControlState> controls;
  for (const auto& one : settings.routing_controls()) {
    controls.push_back({one.name(), one.state() == Settings::ON});
  }
  return controls;
}

std::vector<SafetyRule> rules_of(const Settings& settings) {
  std::vector<SafetyRule> rules;
  for (const auto& one : settings.safety_rules()) {
    SafetyRule& rule = rules.emplace_back();
    const bool gating = !one.gating_controls().empty();
    const auto& asked = gating ? one.gating_controls() : one.asserted_controls();
    const auto& targets = gating ? one.target_controls() : one.asserted_controls();
    rule.name = one.name();
    rule.kind = gating ? SafetyRule::Kind::gating : SafetyRule::Kind::assertion;
    rule.asked.assign(asked.begin(), asked.end());
    rule.targets.assign(targets.begin(), targets.end());
    rule.type = one.type() == Settings::SafetyRule::AND  ? SafetyRule::Type::all
                : one.type() == Settings::SafetyRule::OR ? SafetyRule::Type::any
                                                         : SafetyRule::Type::at_least;
    rule.threshold = static_cast<std::uint32_t>(one.threshold());
    rule.inverted = one.inverted();
    rule.wait_period = to_duration(one.wait_period());
  }
  return rules;
}

}  // namespace

ArcCluster::ArcCluster(sim::Simulation& sim, const std::string& name, const Settings& settings)
    : Component(sim, name), controls_(controls_of(settings), rules_of(settings)) {}

std::size_t ArcCluster::endpoints() const { return endpoint_regions.size(); }

bool ArcCluster::endpoint_answers(std::size_t endpoint) const {
  return !region_lost(sim(), endpoint_regions[endpoint]);
}

std::optional<std::string> ArcCluster::update(const std::vector<RoutingControlState>& changes,
                                              const std::vector<std::string>& overridden) {
  std::size_t there = 0;
  for (std::size_t i = 0; i < endpoints(); ++i) there += endpoint_answers(i);
  if (2 * there <= endpoints()) {
    return fmt::format("{} of {} regional endpoints are no majority", there, endpoints());
  }
  if (auto refused = controls_.update(changes, overridden, sim().now())) return refused;
  std::vector<std::string> told;
  for (const auto& change : changes) {
    told.push_back(fmt::format("{} is {}", change.control, change.on ? "On" : "Off"));
  }
  sim().note(sim::Milestone::none, *this,
             fmt::format("routing controls: {}", fmt::join(told, ", ")));
  for (RoutingControlListener* listener : listeners_) listener->on_routing_controls_changed();
  return std::nullopt;
}

void ArcCluster::check(const Settings& settings, SettingsCheck& check) {
  std::vector<std::string> names;
  for (int i = 0; i < settings.routing_controls_size(); ++i) {
    const std::string& name = settings.routing_controls(i).name();
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      check.error(fmt::format("routing_controls.{}", i),
                  fmt::format("two routing controls are named '{}'", name));
    }
    names.push_back(name);
  }
  const auto known = [&](const std::string& path, const auto& controls) {
    for (int i = 0; i < controls.size(); ++i) {
      if (std::find(names.begin(), names.end(), controls[i]) != names.end()) continue;
      check.error(fmt::format("{}.{}", path, i),
                  fmt::format("no routing control '{}'{}", controls[i],
                              check.did_you_mean(controls[i], names)));
    }
  };
  for (int i = 0; i < settings.safety_rules_size(); ++i) {
    const auto& rule = settings.safety_rules(i);
    const std::string path = fmt::format("safety_rules.{}", i);
    known(path + ".asserted_controls", rule.asserted_controls());
    known(path + ".gating_controls", rule.gating_controls());
    known(path + ".target_controls", rule.target_controls());
    const bool gating = !rule.gating_controls().empty();
    if (gating == rule.target_controls().empty()) {
      check.error(path, gating ? "a gating rule guards target_controls: they are missing"
                               : "an assertion rule guards its asserted_controls, not others");
    }
    const int asked = gating ? rule.gating_controls_size() : rule.asserted_controls_size();
    if (rule.type() == Settings::SafetyRule::ATLEAST && rule.threshold() > asked) {
      check.error(path + ".threshold",
                  fmt::format("{} is above the {} controls of the rule", rule.threshold(), asked));
    }
  }
  if (!settings.safety_rules().empty() || names.size() < 2) return;
  check.note("safety_rules", "none: one slip of the hand switches all routing controls Off");
}

REGISTER_MODEL(ArcCluster, settings::ArcCluster);

}  // namespace windtunnel
