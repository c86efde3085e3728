#include "models/operations/composite_alarm.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/operations/composite_alarm.pb.h"
#include "models/registry.hpp"
#include "models/schema.pb.h"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

using google::protobuf::Message;

AlarmSettings named(const std::string& name) {
  AlarmSettings settings;
  settings.name = name;
  return settings;
}

const schema::Model& model_of(const Message& settings) {
  return settings.GetDescriptor()->options().GetExtension(schema::model);
}

bool is_alarm(const Message& settings) {
  const auto& ports = model_of(settings).provides();
  return std::find(ports.begin(), ports.end(), "alarm") != ports.end();
}

// The way from `names`, the last of which is a component, back to `origin` through composite
// alarms; false: there is none.
bool leads_back(const Message& origin, std::vector<std::string>& names,
                const SettingsCheck& check) {
  const Message* settings = check.settings_of(names.back());
  if (settings == &origin) return true;
  const auto* composite = dynamic_cast<const settings::CompositeAlarm*>(settings);
  if (composite == nullptr || AlarmRule::check(composite->alarm_rule())) return false;
  const AlarmRule rule(composite->alarm_rule());
  for (const auto& term : rule.terms()) {
    if (std::find(names.begin(), names.end(), term.alarm) != names.end()) continue;
    names.push_back(term.alarm);
    if (leads_back(origin, names, check)) return true;
    names.pop_back();
  }
  return false;
}

}  // namespace

ComposedAlarm::ComposedAlarm(sim::Component& owner, const std::string& name)
    : Alarm(owner, named(name)) {}

CompositeAlarm::CompositeAlarm(sim::Simulation& sim, const std::string& name,
                               const settings::CompositeAlarm& settings)
    : Component(sim, name), rule_(settings.alarm_rule()), alarm_(*this, name) {}

void CompositeAlarm::check(const settings::CompositeAlarm& settings, SettingsCheck& check) {
  const std::string& rule = settings.alarm_rule();
  const auto error = [&](const std::string& text) { check.error("alarm_rule", text); };
  if (const auto wrong = AlarmRule::check(rule)) {
    return error(fmt::format("'{}', character {}: {} (CloudWatch API, PutCompositeAlarm.AlarmRule)",
                             rule, wrong->position + 1, wrong->text));
  }
  const AlarmRule parsed(rule);
  for (const auto& term : parsed.terms()) {
    const Message* child = check.settings_of(term.alarm);
    std::vector<std::string> way{term.alarm};
    if (child == nullptr) {
      error(fmt::format("no component '{}'{}", term.alarm,
                        check.did_you_mean(term.alarm, check.components())));
    } else if (!is_alarm(*child)) {
      error(fmt::format("{} ({}) is no alarm", term.alarm, model_of(*child).name()));
    } else if (leads_back(settings, way, check)) {
      error(fmt::format("it depends on itself: {}", fmt::join(way, " -> ")));
    }
  }
}

void CompositeAlarm::wire(sim::Wiring& wiring) {
  AlarmListener& listener = *this;
  std::vector<std::string> heard;
  for (const auto& term : rule_.terms()) {
    children_.push_back(&wiring.find<AlarmPort>(term.alarm));
    if (std::find(heard.begin(), heard.end(), term.alarm) != heard.end()) continue;
    heard.push_back(term.alarm);
    children_.back()->add_listener(listener);
  }
}

void CompositeAlarm::start() {
  sim().after<&CompositeAlarm::on_created>(sim::Duration::zero(), this, 0, sim::Turn::control);
}

void CompositeAlarm::on_created() { evaluate("the alarm was created"); }

void CompositeAlarm::on_alarm_state(Alarm& child, AlarmState) {
  evaluate(fmt::format("Alarm \"{}\" transitioned to {}", child.settings().name,
                       to_string(child.state())));
}

void CompositeAlarm::evaluate(const std::string& cause) {
  std::vector<bool> terms;
  for (std::size_t i = 0; i < children_.size(); ++i) {
    terms.push_back(children_[i]->state() == rule_.terms()[i].state);
  }
  const AlarmState state = rule_.holds(terms) ? AlarmState::alarm : AlarmState::ok;
  if (state == alarm_.state()) return;
  alarm_.change(state, cause);
  if (state == AlarmState::alarm) alarm_.act();
}

REGISTER_MODEL(CompositeAlarm, settings::CompositeAlarm);

}  // namespace windtunnel
