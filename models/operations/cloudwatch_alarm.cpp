#include "models/operations/cloudwatch_alarm.hpp"

#include "models/mechanisms/alarm_settings.hpp"
#include "models/registry.hpp"

namespace windtunnel {

CloudWatchAlarm::CloudWatchAlarm(sim::Simulation& sim, const std::string& name,
                                 const settings::CloudWatchAlarm& settings)
    : Component(sim, name), settings_(settings), cloudwatch_(CloudWatch::of(sim)) {}

void CloudWatchAlarm::check(const settings::CloudWatchAlarm& settings, SettingsCheck& check) {
  check_alarm(settings.alarm(), "", check);
}

void CloudWatchAlarm::attach() {
  AlarmListener& listener = *this;
  alarm_ =
      &cloudwatch_.put_alarm(alarm_settings_of(cloudwatch_, name(), settings_.alarm()), &listener);
}

AlarmState CloudWatchAlarm::state() const {
  return alarm_ == nullptr ? AlarmState::insufficient_data : alarm_->state();
}

void CloudWatchAlarm::on_alarm_state(Alarm& alarm, AlarmState before) {
  for (AlarmListener* listener : listeners_) listener->on_alarm_state(alarm, before);
}

void CloudWatchAlarm::on_alarm_action(Alarm& alarm) {
  for (AlarmListener* listener : listeners_) listener->on_alarm_action(alarm);
}

REGISTER_MODEL(CloudWatchAlarm, settings::CloudWatchAlarm);

}  // namespace windtunnel
