// Routing controls of ARC: switches, On or Off, behind which health checks of Route 53 stand, and
// the safety rules that keep people from switching everything off. Several are changed together or
// not at all. A safety rule guards its target controls:
//
// - assertion: so many of the asserted controls must be On after the change;
// - gating: so many of the gating controls must be On for the target controls to be changed at all.
//
// For a wait period after a change, further ones to the same controls are refused. A rule that is
// named as overridden is not asked (break glass).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/time.hpp"

namespace windtunnel {

struct SafetyRule {
  enum class Kind : std::uint8_t { assertion, gating };
  enum class Type : std::uint8_t { at_least, all, any };  // ATLEAST, AND, OR
  std::string name;
  Kind kind = Kind::assertion;
  std::vector<std::string> asked;    // asserted, or gating
  std::vector<std::string> targets;  // of an assertion the same
  Type type = Type::any;
  std::uint32_t threshold = 1;  // of ATLEAST
  bool inverted = false;
  sim::Duration wait_period{std::chrono::seconds(5)};
};

struct RoutingControlState {
  std::string control;
  bool on;
};

class RoutingControls {
 public:
  explicit RoutingControls(std::vector<RoutingControlState> controls, std::vector<SafetyRule> rules)
      : controls_(std::move(controls)), rules_(std::move(rules)), changed_(rules_.size()) {}

  const std::vector<RoutingControlState>& all() const { return controls_; }
  const RoutingControlState* find(const std::string& control) const;

  // UpdateRoutingControlStates. Nothing: done; else ARC's refusal, and nothing has changed.
  std::optional<std::string> update(const std::vector<RoutingControlState>& changes,
                                    const std::vector<std::string>& overridden, sim::Time now);

 private:
  using States = std::vector<RoutingControlState>;
  std::optional<std::string> refused(const SafetyRule& rule, const States& after) const;
  static bool holds(const SafetyRule& rule, const States& states);

  States controls_;
  std::vector<SafetyRule> rules_;
  std::vector<std::optional<sim::Time>> changed_;  // by rule: when its controls changed last
};

class RoutingControlListener {
 public:
  virtual ~RoutingControlListener() = default;
  virtual void on_routing_controls_changed() = 0;
};

// "routing_controls": a cluster of ARC that holds them. Its data plane has endpoints in five
// regions; who switches tries one after the other.
class RoutingControlCluster {
 public:
  virtual ~RoutingControlCluster() = default;
  virtual std::size_t endpoints() const = 0;
  virtual bool endpoint_answers(std::size_t endpoint) const = 0;
  // At an endpoint that answers.
  virtual std::optional<std::string> update(const std::vector<RoutingControlState>& changes,
                                            const std::vector<std::string>& overridden) = 0;
  virtual bool is_on(const std::string& control) const = 0;
  virtual void add_listener(RoutingControlListener& listener) = 0;
};

}  // namespace windtunnel
