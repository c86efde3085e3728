// A composite alarm: ALARM while its rule holds, else OK, as soon as an alarm in it changes. Like
// CloudWatch's own it notifies and takes no Auto Scaling actions: it does not provide
// "metric_alarm". Left out: actions suppressors, AT_LEAST.
#pragma once

#include <string>
#include <vector>

#include "models/mechanisms/alarm_rule.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class CompositeAlarm;
}

// Its states and listeners.
class ComposedAlarm final : public Alarm {
 public:
  ComposedAlarm(sim::Component& owner, const std::string& name);
  using Alarm::act;
  using Alarm::change;
};

class CompositeAlarm final : public sim::Component, public AlarmPort, private AlarmListener {
 public:
  CompositeAlarm(sim::Simulation& sim, const std::string& name,
                 const settings::CompositeAlarm& settings);
  static void check(const settings::CompositeAlarm& settings, SettingsCheck& check);

  AlarmState state() const override { return alarm_.state(); }
  void add_listener(AlarmListener& listener) override { alarm_.add_listener(listener); }

  void wire(sim::Wiring& wiring) override;
  void start() override;

 private:
  void on_alarm_state(Alarm& alarm, AlarmState before) override;
  void on_alarm_action(Alarm&) override {}
  void on_created();
  void evaluate(const std::string& cause);

  AlarmRule rule_;
  ComposedAlarm alarm_;
  std::vector<AlarmPort*> children_;  // by term of the rule
};

}  // namespace windtunnel
