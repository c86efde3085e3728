// A cluster of Amazon Application Recovery Controller: routing controls with safety rules
// (mechanisms/routing_controls.hpp), kept by five endpoints in five regions. A change needs a
// majority of them, so that the loss of two is survived; an endpoint is lost while its region is,
// if the topology has it. Who switches is an operator; the control plane, in us-west-2, is not
// needed for it (rule 42).
//
// Left out: several clusters' control panels, creating and deleting while the run goes on, quorums
// that disagree for seconds.
#pragma once

#include <string>
#include <vector>

#include "models/mechanisms/routing_controls.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class ArcCluster;
}

class ArcCluster final : public sim::Component, public RoutingControlCluster {
 public:
  ArcCluster(sim::Simulation& sim, const std::string& name, const settings::ArcCluster& settings);
  static void check(const settings::ArcCluster& settings, SettingsCheck& check);

  std::size_t endpoints() const override;
  bool endpoint_answers(std::size_t endpoint) const override;
  std::optional<std::string> update(const std::vector<RoutingControlState>& changes,
                                    const std::vector<std::string>& overridden) override;
  bool is_on(const std::string& control) const override { return controls_.find(control)->on; }
  void add_listener(RoutingControlListener& listener) override { listeners_.push_back(&listener); }

 private:
  RoutingControls controls_;
  std::vector<RoutingControlListener*> listeners_;
};

}  // namespace windtunnel
