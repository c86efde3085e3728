// A readiness check of ARC: are the resources of all cells alike, so that one can take over from
// another? It alerts and does nothing else; here it speaks before the run, as a warning of
// `windtunnel check`. Compared is every setting but names and places.
//
// Left out: what changes during the run (targets that are unhealthy, quotas that are used up), the
// rules of single resource types; AWS has closed readiness checks to new customers.
#pragma once

#include <string>

#include "sim/simulation.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class ArcReadinessCheck;
}

class ArcReadinessCheck final : public sim::Component {
 public:
  ArcReadinessCheck(sim::Simulation& sim, const std::string& name,
                    const settings::ArcReadinessCheck&)
      : Component(sim, name) {}
  static void check(const settings::ArcReadinessCheck& settings, SettingsCheck& check);
};

}  // namespace windtunnel
