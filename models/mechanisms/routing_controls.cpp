#include "models/mechanisms/routing_controls.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace windtunnel {

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

const RoutingControlState* RoutingControls::find(const std::string& control) const {
  const auto found = std::find_if(controls_.begin(), controls_.end(),
                                  [&](const auto& one) { return one.control == control; });
  return found == controls_.end() ? nullptr : &*found;
}

bool RoutingControls::holds(const SafetyRule& rule, const States& states) {
  std::size_t on = 0;
  for (const auto& state : states) on += state.on && contains(rule.asked, state.control);
  const bool enough = rule.type == SafetyRule::Type::all   ? on == rule.asked.size()
                      : rule.type == SafetyRule::Type::any ? on > 0
                                                           : on >= rule.threshold;
  return enough != rule.inverted;
}

// A gate is looked at as it stands before the change.
std::optional<std::string> RoutingControls::refused(const SafetyRule& rule,
                                                    const States& after) const {
  const bool gating = rule.kind == SafetyRule::Kind::gating;
  if (holds(rule, gating ? controls_ : after)) return std::nullopt;
  return fmt::format("the {} rule {} {}", gating ? "gating" : "assertion", rule.name,
                     gating ? "does not let it pass" : "would not hold");
}

std::optional<std::string> RoutingControls::update(const std::vector<RoutingControlState>& changes,
                                                   const std::vector<std::string>& overridden,
                                                   sim::Time now) {
  States after = controls_;
  for (const auto& change : changes) {
    const auto found = std::find_if(after.begin(), after.end(),
                                    [&](const auto& one) { return one.control == change.control; });
    if (found == after.end()) return fmt::format("there is no routing control {}", change.control);
    found->on = change.on;
  }
  const auto concerns = [&](const SafetyRule& rule) {
    return std::any_of(changes.begin(), changes.end(),
                       [&](const auto& change) { return contains(rule.targets, change.control); });
  };
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const SafetyRule& rule = rules_[i];
    if (!concerns(rule) || contains(overridden, rule.name)) continue;
    if (changed_[i] && now < *changed_[i] + rule.wait_period) {
      return fmt::format("the wait period of {} is not over", rule.name);
    }
    if (const auto why = refused(rule, after)) return why;
  }
  controls_ = std::move(after);
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (concerns(rules_[i])) changed_[i] = now;
  }
  return std::nullopt;
}

}  // namespace windtunnel
