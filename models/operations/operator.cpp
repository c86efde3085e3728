#include "models/operations/operator.hpp"

#include <fmt/format.h>

#include "models/mechanisms/endpoint_group_changes.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/route53_changes.hpp"
#include "models/mechanisms/routing_controls.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/mechanisms/zonal_shift.hpp"
#include "models/operations/operator.pb.h"
#include "models/registry.hpp"

namespace windtunnel {

using sim::Milestone;

namespace {

using Settings = settings::Operator;
using Refusal = std::optional<std::string>;

class Wait final : public Operator::Step {
 public:
  explicit Wait(const settings::Distribution& length) : length_(to_distribution(length)) {}
  sim::Duration takes(sim::Stream& chance) override { return length_.sample(chance); }
  Refusal take(sim::Simulation&) override { return std::nullopt; }

 private:
  sim::Distribution length_;
};

class ChangeRecords final : public Operator::Step {
 public:
  explicit ChangeRecords(const Settings::ChangeRecords& settings) : name_(settings.name()) {
    for (const auto& one : settings.changes()) {
      RecordChange& change = changes_.emplace_back();
      change.record = one.record();
      if (one.has_weight()) change.weight = static_cast<double>(one.weight());
      change.target_name = one.target();
    }
  }
  void wire(sim::Wiring& wiring) override {
    records_ = &wiring.find<RecordChanges>(name_);
    for (RecordChange& change : changes_) {
      if (!change.target_name.empty()) change.target = &wiring.find<Callable>(change.target_name);
    }
  }
  Refusal take(sim::Simulation&) override { return records_->change_records(changes_); }

 private:
  std::string name_;
  std::vector<RecordChange> changes_;
  RecordChanges* records_ = nullptr;
};

class UpdateEndpointGroup final : public Operator::Step {
 public:
  explicit UpdateEndpointGroup(const Settings::UpdateEndpointGroup& settings)
      : name_(settings.accelerator()) {
    change_.region = settings.region();
    if (settings.has_traffic_dial()) change_.traffic_dial = settings.traffic_dial();
    for (const auto& one : settings.weights()) {
      change_.weights.push_back({one.endpoint(), static_cast<double>(one.weight())});
    }
  }
  void wire(sim::Wiring& wiring) override { groups_ = &wiring.find<EndpointGroupChanges>(name_); }
  Refusal take(sim::Simulation&) override { return groups_->update_endpoint_group(change_); }

 private:
  std::string name_;
  EndpointGroupChange change_;
  EndpointGroupChanges* groups_ = nullptr;
};

class UpdateRoutingControls final : public Operator::Step {
 public:
  explicit UpdateRoutingControls(const Settings::UpdateRoutingControls& settings)
      : cluster_name_(settings.cluster()),
        overridden_(settings.safety_rules_to_override().begin(),
                    settings.safety_rules_to_override().end()),
        endpoint_timeout_(to_duration(settings.endpoint_timeout())) {
    for (const auto& one : settings.states()) {
      states_.push_back({one.control(), one.state() == Settings::ON});
    }
  }
  void wire(sim::Wiring& wiring) override {
    cluster_ = &wiring.find<RoutingControlCluster>(cluster_name_);
  }
  // Endpoints that do not answer are tried before one that does.
  sim::Duration takes(sim::Stream& chance) override {
    const std::size_t all = cluster_->endpoints();
    const std::size_t first = chance.below(static_cast<std::uint32_t>(all));
    sim::Duration lost{0};
    for (std::size_t i = 0; i < all && !cluster_->endpoint_answers((first + i) % all); ++i) {
      lost += endpoint_timeout_;
    }
    return lost;
  }
  Refusal take(sim::Simulation&) override { return cluster_->update(states_, overridden_); }

 private:
  std::string cluster_name_;
  std::vector<RoutingControlState> states_;
  std::vector<std::string> overridden_;
  sim::Duration endpoint_timeout_;
  RoutingControlCluster* cluster_ = nullptr;
};

class StartZonalShift final : public Operator::Step {
 public:
  explicit StartZonalShift(const Settings::StartZonalShift& settings)
      : resource_name_(settings.resource()),
        zone_(settings.away_from()),
        expires_in_(to_duration(settings.expires_in())) {}
  void wire(sim::Wiring& wiring) override {
    resource_ = &wiring.find<ZonallyShiftable>(resource_name_);
  }
  Refusal take(sim::Simulation& sim) override {
    const auto zone = sim.network().find(zone_);
    if (!zone) return fmt::format("there is no zone {}", zone_);
    return resource_->zonal_shift().start(ZonalShift::Kind::operators, *zone, expires_in_);
  }

 private:
  std::string resource_name_, zone_;
  sim::Duration expires_in_;
  ZonallyShiftable* resource_ = nullptr;
};

class CancelZonalShift final : public Operator::Step {
 public:
  explicit CancelZonalShift(const Settings::CancelZonalShift& settings)
      : resource_name_(settings.resource()) {}
  void wire(sim::Wiring& wiring) override {
    resource_ = &wiring.find<ZonallyShiftable>(resource_name_);
  }
  Refusal take(sim::Simulation&) override {
    resource_->zonal_shift().cancel(ZonalShift::Kind::operators);
    return std::nullopt;
  }

 private:
  std::string resource_name_;
  ZonallyShiftable* resource_ = nullptr;
};

std::unique_ptr<Operator::Step> step_of(const Settings::Step& step) {
  if (step.has_wait()) return std::make_unique<Wait>(step.wait());
  if (step.has_change_records()) return std::make_unique<ChangeRecords>(step.change_records());
  if (step.has_update_endpoint_group()) {
    return std::make_unique<UpdateEndpointGroup>(step.update_endpoint_group());
  }
  if (step.has_start_zonal_shift()) {
    return std::make_unique<StartZonalShift>(step.start_zonal_shift());
  }
  if (step.has_cancel_zonal_shift()) {
    return std::make_unique<CancelZonalShift>(step.cancel_zonal_shift());
  }
  return std::make_unique<UpdateRoutingControls>(step.update_routing_controls());
}

}  // namespace

class Operator::Runbook final : public sim::Procedure {
 public:
  explicit Runbook(Operator& who)
      : Procedure(who.sim(), who.name()), who_(who), chance_(who.stream("runbook")) {}

 private:
  void run() override {
    const bool remedy = !who_.at_ && who_.awaited_ == AlarmState::alarm;
    if (!who_.at_) {
      wait(who_.notice_.sample(chance_));
      tell(remedy ? Milestone::detection : Milestone::none,
           fmt::format("has seen that {} is {}", who_.alarm_name_, to_string(who_.awaited_)));
      wait(who_.decision_.sample(chance_));
    }
    tell(remedy ? Milestone::action_started : Milestone::none, "begins with the runbook");
    for (const auto& step : who_.steps_) take(*step);
    tell(remedy ? Milestone::action_finished : Milestone::none, "is done with the runbook");
  }

  void take(Step& step) {
    bool told = false;
    while (true) {
      wait(step.takes(chance_));
      const auto refused = step.take(sim());
      if (!refused) return;
      who_.metric.refusals.add();
      if (!told) tell(Milestone::none, "is refused: " + *refused);
      told = true;
      wait(who_.retry_);
    }
  }

  void tell(Milestone milestone, std::string text) { sim().note(milestone, who_, std::move(text)); }

  Operator& who_;
  sim::Stream chance_;
};

Operator::Operator(sim::Simulation& sim, const std::string& name, const Settings& settings)
    : Component(sim, name),
      retry_(to_duration(settings.retry())),
      runbook_(std::make_unique<Runbook>(*this)) {
  if (settings.has_on_alarm()) {
    const auto& on = settings.on_alarm();
    alarm_name_ = on.alarm();
    if (on.state() == Settings::OnAlarm::OK) awaited_ = AlarmState::ok;
    notice_ = to_distribution(on.notice());
    decision_ = to_distribution(on.decision());
  } else {
    at_ = to_duration(settings.at());
  }
  for (const auto& step : settings.steps()) steps_.push_back(step_of(step));
}

Operator::~Operator() = default;

void Operator::wire(sim::Wiring& wiring) {
  AlarmListener& listener = *this;
  if (!at_) wiring.find<AlarmPort>(alarm_name_).add_listener(listener);
  for (const auto& step : steps_) step->wire(wiring);
}

void Operator::start() {
  if (at_) sim().after<&Operator::on_due>(*at_, this, 0, sim::Turn::control);
}

void Operator::on_alarm_state(Alarm& alarm, AlarmState before) {
  if (alarm.state() != awaited_) return;
  if (awaited_ == AlarmState::ok && before != AlarmState::alarm) return;
  on_due();
}

void Operator::on_due() { sim().operate<&Operator::begin>(this); }

void Operator::begin() {
  if (runbook_->state() != sim::Procedure::State::running) sim().platform().spawn(*runbook_);
}

REGISTER_MODEL(Operator, settings::Operator);

}  // namespace windtunnel
