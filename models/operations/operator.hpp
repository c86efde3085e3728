// Somebody who operates the system by a runbook: at a date, or when an alarm changes, after the
// time it takes to see the page and to decide. Steps are taken one after the other; what is refused
// (a control plane is gone, a safety rule stands against it) is tried again until it is taken. A
// pipeline that shifts weights is one too. While it is busy, further alarms change nothing.
//
// Left out: mistakes, handing over, several hands at once, what the console and sign-in need.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/alarm.hpp"
#include "sim/procedure.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class Operator;
}

class Operator final : public sim::Component, private AlarmListener {
 public:
  // A step of the runbook. Nothing: it is taken; else why it was refused.
  class Step {
   public:
    virtual ~Step() = default;
    virtual void wire(sim::Wiring&) {}
    virtual sim::Duration takes(sim::Stream&) { return sim::Duration::zero(); }
    virtual std::optional<std::string> take(sim::Simulation& sim) = 0;
  };

  Operator(sim::Simulation& sim, const std::string& name, const settings::Operator& settings);
  ~Operator() override;
  static void check(const settings::Operator& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void start() override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter refusals{set, "RefusedSteps", "steps that were refused and tried again"};
  };
  Metrics metric{metric_set_};

 private:
  class Runbook;

  void on_alarm_state(Alarm& alarm, AlarmState before) override;
  void on_alarm_action(Alarm&) override {}
  void on_due();
  void begin();

  std::optional<sim::Duration> at_;
  std::string alarm_name_;
  AlarmState awaited_ = AlarmState::alarm;
  sim::Distribution notice_, decision_;
  sim::Duration retry_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::unique_ptr<Runbook> runbook_;
};

}  // namespace windtunnel
