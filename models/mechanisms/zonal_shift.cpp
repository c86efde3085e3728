#include "models/mechanisms/zonal_shift.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace windtunnel {

using sim::Milestone;

namespace {

constexpr std::array<const char*, ZonalShift::kinds> names{"zonal shift", "zonal autoshift",
                                                           "practice run"};

}  // namespace

ZonalShift::ZonalShift(sim::Component& owner, Resource& resource, bool enabled)
    : Entity(owner, "zonal shift"), owner_(owner), resource_(resource), enabled_(enabled) {}

std::vector<sim::ZoneId> ZonalShift::zones() const {
  std::vector<sim::ZoneId> zones;
  for (std::uint32_t node = 0; node < owner_.nodes().size(); ++node) {
    const sim::ZoneId zone = owner_.zone_of(node);
    if (std::find(zones.begin(), zones.end(), zone) == zones.end()) zones.push_back(zone);
  }
  return zones;
}

std::optional<std::string> ZonalShift::start(Kind kind, sim::ZoneId zone,
                                             sim::Duration expires_in) {
  if (!enabled_) return fmt::format("{} is not enabled for it", owner_.name());
  const std::vector<sim::ZoneId> all = zones();
  const std::string& name = sim().network().name(zone);
  if (std::find(all.begin(), all.end(), zone) == all.end()) {
    return fmt::format("{} is not in {}", owner_.name(), name);
  }
  Shift& shift = shifts_[index(kind)];
  if (shift.zone) {
    return fmt::format("{} has one already, away from {}", owner_.name(),
                       sim().network().name(*shift.zone));
  }
  shift.zone = zone;
  ++shift.number;
  sim().note(Milestone::action_started, owner_,
             fmt::format("{} away from {} begins", names[index(kind)], name));
  sim().after<&ZonalShift::on_expired>(
      expires_in, this, (std::uint64_t{shift.number} << 8) | index(kind), sim::Turn::control);
  // A practice run gives way for good.
  if (kind != Kind::practice_run) cancel(Kind::practice_run);
  apply();
  return std::nullopt;
}

void ZonalShift::cancel(Kind kind) {
  if (zone_of(kind)) end(kind, "ends");
}

void ZonalShift::on_expired(std::uint64_t number_and_kind) {
  const auto kind = static_cast<Kind>(number_and_kind & 0xff);
  const Shift& shift = shifts_[index(kind)];
  if (shift.number == number_and_kind >> 8 && shift.zone) end(kind, "expires");
}

void ZonalShift::end(Kind kind, const char* how) {
  Shift& shift = shifts_[index(kind)];
  sim().note(Milestone::none, owner_,
             fmt::format("{} away from {} {}", names[index(kind)],
                         sim().network().name(*shift.zone), how));
  shift.zone.reset();
  apply();
}

void ZonalShift::apply() {
  const std::optional<sim::ZoneId> before = applied_;
  applied_.reset();
  for (const Shift& shift : shifts_) {
    if (!applied_) applied_ = shift.zone;
  }
  if (applied_ != before) resource_.on_zonal_shift_changed();
}

}  // namespace windtunnel
