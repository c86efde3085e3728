#include "models/mechanisms/demand_meter.hpp"

#include <algorithm>
#include <cmath>

namespace windtunnel {

using sim::Duration;
using sim::Time;

namespace {
constexpr Duration look_interval = std::chrono::seconds(1);
}  // namespace

DemandMeter::DemandMeter(sim::Component& owner, sim::MetricSet& metrics, const Settings& settings,
                         const WorkerUse& use, const sim::Level& queued, const Fleet& fleet)
    : Entity(owner, "demand"),
      owner_(owner),
      settings_(settings),
      use_(use),
      queued_(queued),
      fleet_(fleet),
      metric_{metrics} {}

void DemandMeter::start() {
  sim().after<&DemandMeter::on_look>(look_interval, this, 0, sim::Turn::sample);
}

void DemandMeter::on_look() {
  sim().after<&DemandMeter::on_look>(look_interval, this, 0, sim::Turn::sample);
  const double needed = demand();
  const double of_instance = settings_.share * static_cast<double>(settings_.workers);
  // A request that ends as this is read leaves no more than rounding.
  const auto need = static_cast<std::int64_t>(std::ceil(needed / of_instance - 1e-9));
  if (need < ready_) metric_.above.add(static_cast<std::uint64_t>(ready_ - need));
  if (need > ready_) metric_.below.add(static_cast<std::uint64_t>(need - ready_));
  follow_spell(need > ready_);
  follow_drain();
}

// Over the first seconds of a run: since its start.
double DemandMeter::demand() {
  const Reading now{use_.arrived, use_.released, use_.held(sim().now())};
  const Reading before = readings_[next_];
  readings_[next_] = now;
  next_ = (next_ + 1) % window;
  looks_ = std::min(looks_ + 1, window);
  const auto arrived = static_cast<double>(now.arrived - before.arrived);
  const auto released = static_cast<double>(std::max<std::uint64_t>(
      now.released - before.released, 1));  // all are held and none has been given back
  const double held = static_cast<double>(now.held - before.held) * 1e-9;
  return arrived * (held / released) / (static_cast<double>(looks_) * sim::seconds(look_interval));
}

void DemandMeter::follow_spell(bool too_much) {
  const Time now = sim().now();
  if (!open_) {
    if (!too_much) return start_.reset();
    if (!start_) start_ = now;
    if (now - *start_ >= settings_.held_for) open_ = true;
    return;
  }
  if (too_much) {
    end_.reset();
    drains_since_.reset();
    drained_.reset();
    return;
  }
  if (!end_) {
    end_ = drains_since_ = now;
    parts_ = parts(*start_, *end_);
  }
  if (now - *end_ >= settings_.held_for) close_spell();
}

void DemandMeter::close_spell() {
  spells_.push_back({owner_.name(), "scaling", *start_, *end_, parts_});
  open_ = false;
  start_.reset();
  end_.reset();
}

// The queue may be empty before the spell counts as over.
void DemandMeter::follow_drain() {
  if (!drains_since_) return;
  if (!drained_ && queued_.value() == 0) drained_ = sim().now();
  if (open_ || !drained_) return;
  metric_.drain.record(*drained_ - *drains_since_);
  drains_since_.reset();
  drained_.reset();
}

std::vector<sim::LagSpell::Part> DemandMeter::parts(Time start, Time end) const {
  std::vector<sim::LagSpell::Part> parts;
  Time at = start;
  const auto part = [&](const char* name, std::optional<Time> until) {
    const Time date = std::clamp(until.value_or(at), at, end);
    parts.push_back({name, date - at});
    at = date;
  };
  if (last_ready_ && last_ready_->at >= start) {
    const LaunchRecord& launch = fleet_.launch_record(last_ready_->instance);
    part("metric", launch.breached);
    part("alarm", launch.alarm);
    part("action", launch.launched ? launch.launched : launch.decided);
    for (const LaunchRecord::Stage& stage : launch.stages) part(stage.name, stage.end);
    // The look that saw it came up to a second later.
    part("health check", end - last_ready_->at <= look_interval ? end : last_ready_->at);
    part("warm-up", launch.warm);
  }
  part("settling", end);
  return parts;
}

void DemandMeter::report(sim::RunLog& log) const {
  for (const sim::LagSpell& spell : spells_) {
    if (spell.start >= log.warm_up) log.spells.push_back(spell);
  }
  if (open_ && *start_ >= log.warm_up) {
    log.spells.push_back({owner_.name(), "scaling", *start_, std::nullopt, {}});
  }
}

}  // namespace windtunnel
