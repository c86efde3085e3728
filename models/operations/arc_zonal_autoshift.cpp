#include "models/operations/arc_zonal_autoshift.hpp"

#include <fmt/format.h>
#include <google/protobuf/message.h>

#include "models/mechanisms/settings.hpp"
#include "models/operations/arc_zonal_autoshift.pb.h"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

using sim::Duration;
using sim::Milestone;
using sim::ZoneId;

namespace {

constexpr Duration between_looks{std::chrono::seconds(10)};
constexpr Duration week{std::chrono::hours(7 * 24)};

}  // namespace

ArcZonalAutoshift::ArcZonalAutoshift(sim::Simulation& sim, const std::string& name,
                                     const settings::ArcZonalAutoshift& settings)
    : Component(sim, name),
      names_(settings.resources().begin(), settings.resources().end()),
      detection_(to_distribution(settings.detection())),
      ending_(to_distribution(settings.ending())),
      slow_(settings.slow()),
      telemetry_chance_(stream("telemetry")),
      practice_chance_(stream("practice run")) {
  if (!settings.has_practice_run()) return;
  const auto& practice = settings.practice_run();
  first_practice_ = to_duration(practice.first());
  practice_ = to_duration(practice.lasting());
  outcome_name_ = practice.outcome_alarm();
  blocking_name_ = practice.blocking_alarm();
}

void ArcZonalAutoshift::wire(sim::Wiring& wiring) {
  for (const std::string& name : names_) {
    resources_.push_back(&wiring.find<ZonallyShiftable>(name).zonal_shift());
  }
  if (!first_practice_) return;
  AlarmListener& listener = *this;
  outcome_ = &wiring.find<AlarmPort>(outcome_name_);
  outcome_->add_listener(listener);
  if (!blocking_name_.empty()) blocking_ = &wiring.find<AlarmPort>(blocking_name_);
}

void ArcZonalAutoshift::start() {
  for (const ZonalShift* resource : resources_) {
    for (const ZoneId zone : resource->zones()) zones_[zone];
  }
  sim().after<&ArcZonalAutoshift::on_look>(between_looks, this, 0, sim::Turn::control);
  if (!first_practice_) return;
  sim().after<&ArcZonalAutoshift::on_practice_due>(*first_practice_, this, 0, sim::Turn::control);
}

// --- autoshift

bool ArcZonalAutoshift::impaired(ZoneId zone) const {
  const sim::Network& network = sim().network();
  return network.cut_off(zone) || network.slow(zone, zone) >= slow_;
}

void ArcZonalAutoshift::on_look() {
  sim().after<&ArcZonalAutoshift::on_look>(between_looks, this, 0, sim::Turn::control);
  for (auto& [id, zone] : zones_) {
    if (impaired(id) == zone.impaired) continue;
    zone.impaired = !zone.impaired;
    const Duration delay = (zone.impaired ? detection_ : ending_).sample(telemetry_chance_);
    sim().after<&ArcZonalAutoshift::on_decided>(
        delay, this, (std::uint64_t{++zone.sightings} << 16) | id, sim::Turn::control);
  }
}

void ArcZonalAutoshift::on_decided(std::uint64_t sighting_and_zone) {
  const auto id = static_cast<ZoneId>(sighting_and_zone & 0xffff);
  Zone& zone = zones_.at(id);
  if (zone.sightings != sighting_and_zone >> 16 || zone.left == zone.impaired) return;
  zone.left = zone.impaired;
  const std::string& name = sim().network().name(id);
  if (!zone.left) {
    for (ZonalShift* resource : resources_) {
      if (resource->zone_of(ZonalShift::Kind::autoshift) == id) {
        resource->cancel(ZonalShift::Kind::autoshift);
      }
    }
    return sim().note(Milestone::none, *this,
                      fmt::format("AWS ends the autoshift away from {}", name));
  }
  sim().note(Milestone::detection, *this, fmt::format("AWS finds {} impaired", name));
  for (ZonalShift* resource : resources_) {
    // One that is not in this zone, or has left another, stays as it is.
    resource->start(ZonalShift::Kind::autoshift, id, sim::forever);
  }
}

// --- practice runs

void ArcZonalAutoshift::on_practice_due() {
  sim().after<&ArcZonalAutoshift::on_practice_due>(week, this, 0, sim::Turn::control);
  const bool blocked = (blocking_ != nullptr && blocking_->state() == AlarmState::alarm) ||
                       outcome_->state() == AlarmState::alarm;
  for (ZonalShift* resource : resources_) {
    if (blocked || resource->any_active()) {
      sim().note(Milestone::none, *this, "a practice run is skipped: blocked");
      continue;
    }
    const std::vector<ZoneId> zones = resource->zones();
    const ZoneId zone = zones[practice_chance_.below(static_cast<std::uint32_t>(zones.size()))];
    resource->start(ZonalShift::Kind::practice_run, zone, practice_);
  }
}

void ArcZonalAutoshift::on_alarm_state(Alarm& alarm, AlarmState) {
  if (alarm.state() != AlarmState::alarm) return;
  for (ZonalShift* resource : resources_) {
    if (!resource->zone_of(ZonalShift::Kind::practice_run)) continue;
    sim().note(Milestone::none, *this,
               "the practice run has failed: its outcome alarm is in ALARM");
    resource->cancel(ZonalShift::Kind::practice_run);
  }
}

void ArcZonalAutoshift::check(const settings::ArcZonalAutoshift& settings, SettingsCheck& check) {
  if (settings.resources().empty()) check.error("", "resources is missing");
  for (int i = 0; i < settings.resources_size(); ++i) {
    const google::protobuf::Message* resource = check.settings_of(settings.resources(i));
    if (resource == nullptr) continue;
    const auto* field = resource->GetDescriptor()->FindFieldByName("zonal_shift");
    if (field == nullptr || resource->GetReflection()->GetBool(*resource, field)) continue;
    check.error(fmt::format("resources.{}", i),
                fmt::format("{} is not enabled for it: its zonal_shift is false (ARC guide, "
                            "Supported resources)",
                            settings.resources(i)));
  }
}

REGISTER_MODEL(ArcZonalAutoshift, settings::ArcZonalAutoshift);

}  // namespace windtunnel
