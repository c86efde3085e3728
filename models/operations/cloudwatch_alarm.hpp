// A CloudWatch alarm as a component, for scaling policies, composite alarms and health checks to
// refer to. What it does stands in mechanisms/alarm.hpp. Left out: alarms on anomaly detection and
// on Metrics Insights queries, SNS and EC2 actions, suppressed and disabled actions.
#pragma once

#include <string>
#include <vector>

#include "models/mechanisms/alarm.hpp"
#include "models/operations/cloudwatch_alarm.pb.h"

namespace windtunnel {

class SettingsCheck;

class CloudWatchAlarm final : public sim::Component, public AlarmPort, private AlarmListener {
 public:
  CloudWatchAlarm(sim::Simulation& sim, const std::string& name,
                  const settings::CloudWatchAlarm& settings);
  static void check(const settings::CloudWatchAlarm& settings, SettingsCheck& check);

  AlarmState state() const override;
  void add_listener(AlarmListener& listener) override { listeners_.push_back(&listener); }

  void attach() override;

 private:
  void on_alarm_state(Alarm& alarm, AlarmState before) override;
  void on_alarm_action(Alarm& alarm) override;

  settings::CloudWatchAlarm settings_;
  CloudWatch& cloudwatch_;
  Alarm* alarm_ = nullptr;  // once attached
  std::vector<AlarmListener*> listeners_;
};

}  // namespace windtunnel
