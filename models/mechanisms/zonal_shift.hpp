// The zonal shift of one resource (a load balancer): ARC keeps its traffic out of one zone, until
// it is cancelled or expires. One shift is applied at a time: an operator's before one that AWS
// started (zonal autoshift), that before a practice run; the others wait, or end, without effect.
// What it does to DNS and targets is the resource's own affair. The data plane of ARC is zonal:
// starting a shift needs no other region.
//
// Left out: a shift that is made longer or renewed after its start (UpdateZonalShift).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/simulation.hpp"

namespace windtunnel {

class ZonalShift final : public sim::Entity {
 public:
  // By precedence.
  enum class Kind : std::uint8_t { operators, autoshift, practice_run };
  static constexpr std::size_t kinds = 3;
  // AWS's limit of expiresIn.
  static constexpr sim::Duration longest{std::chrono::hours(72)};

  class Resource {
   public:
    virtual ~Resource() = default;
    // away_from() has another answer.
    virtual void on_zonal_shift_changed() = 0;
  };

  // `owner` is the resource, in the zones of its nodes; `enabled` is its attribute
  // zonal_shift.config.enabled.
  ZonalShift(sim::Component& owner, Resource& resource, bool enabled);

  // Nothing: it began. Else why ARC refuses it, in words that follow "zonal shift refused: ".
  // `expires_in`: an autoshift's is sim::forever.
  std::optional<std::string> start(Kind kind, sim::ZoneId zone, sim::Duration expires_in);
  // What is not there is not cancelled.
  void cancel(Kind kind);

  // Those of the resource.
  std::vector<sim::ZoneId> zones() const;
  bool any_active() const { return applied_.has_value(); }
  // Of a shift of that kind, applied or waiting.
  std::optional<sim::ZoneId> zone_of(Kind kind) const { return shifts_[index(kind)].zone; }
  // The zone of the shift that is applied now.
  std::optional<sim::ZoneId> zone() const { return applied_; }
  bool away_from(sim::ZoneId zone) const { return applied_ == zone; }

 private:
  struct Shift {
    std::optional<sim::ZoneId> zone;
    std::uint32_t number = 0;  // counts starts: an expiry of an earlier one is stale
  };
  static std::size_t index(Kind kind) { return static_cast<std::size_t>(kind); }
  void on_expired(std::uint64_t number_and_kind);
  void end(Kind kind, const char* how);
  void apply();

  sim::Component& owner_;
  Resource& resource_;
  bool enabled_;
  std::array<Shift, kinds> shifts_;
  std::optional<sim::ZoneId> applied_;
};

// "zonal_shift": a component that ARC can shift away from a zone.
class ZonallyShiftable {
 public:
  virtual ~ZonallyShiftable() = default;
  virtual ZonalShift& zonal_shift() = 0;
};

}  // namespace windtunnel
