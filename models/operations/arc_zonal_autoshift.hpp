// Zonal autoshift of ARC: AWS's telemetry looks at every zone of the resources, some time later a
// zone that is impaired is left by all of them, and some time after it is well again the shift
// ends. Once a week a practice run leaves a zone for half an hour, unless an alarm blocks it or
// another shift is in force; the outcome alarm ends it early.
//
// Left out: telemetry that errs, packet loss and single services among what it sees, blocked dates
// and windows.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/mechanisms/alarm.hpp"
#include "models/mechanisms/zonal_shift.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class ArcZonalAutoshift;
}

class ArcZonalAutoshift final : public sim::Component, private AlarmListener {
 public:
  ArcZonalAutoshift(sim::Simulation& sim, const std::string& name,
                    const settings::ArcZonalAutoshift& settings);
  static void check(const settings::ArcZonalAutoshift& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void start() override;

 private:
  struct Zone {
    bool impaired = false;        // as the telemetry sees it
    bool left = false;            // by an autoshift
    std::uint32_t sightings = 0;  // a decision on an earlier one is stale
  };
  void on_look();
  void on_decided(std::uint64_t sighting_and_zone);
  bool impaired(sim::ZoneId zone) const;
  void on_practice_due();
  void on_alarm_state(Alarm& alarm, AlarmState before) override;
  void on_alarm_action(Alarm&) override {}

  std::vector<std::string> names_;
  std::vector<ZonalShift*> resources_;
  sim::Distribution detection_, ending_;
  double slow_;
  std::map<sim::ZoneId, Zone> zones_;
  std::optional<sim::Duration> first_practice_;
  sim::Duration practice_{0};
  std::string outcome_name_, blocking_name_;
  AlarmPort *outcome_ = nullptr, *blocking_ = nullptr;
  sim::Stream telemetry_chance_, practice_chance_;
};

}  // namespace windtunnel
