#include "models/scaling/auto_scaling_lag.hpp"

#include <algorithm>
#include <string_view>

namespace windtunnel {

using sim::Time;

namespace {
// When the stage ended, or where it has none: the end of the one before.
Time end_of(const LaunchRecord& record, LaunchStage stage, Time otherwise) {
  for (const LaunchRecord::Stage& done : record.stages) {
    if (done.name == std::string_view(to_string(stage))) return done.end;
  }
  return otherwise;
}
}  // namespace

void ReplacementLag::lost(Time now, std::int64_t wanted) {
  if (!spell_) spell_ = Spell{now, now, wanted};
}

void ReplacementLag::detected(Time date) {
  if (spell_) spell_->detected = std::max(spell_->detected, date);
}

void ReplacementLag::healthy(Time now, std::int64_t healthy, std::int64_t desired,
                             const AutoScalingInstance& last) {
  if (!spell_ || healthy < std::min(spell_->wanted, desired)) return;
  sim::LagSpell lag{component_, "replacement", spell_->start, now, {}};
  Time at = spell_->start;
  const auto part = [&](const char* what, Time until) {
    const Time end = std::clamp(until, at, now);
    lag.parts.push_back({what, end - at});
    at = end;
  };
  const bool replaced = last.in_service_since > spell_->start;
  const LaunchRecord& record = last.order.record;
  part("health check", replaced ? spell_->detected : at);
  part("replacement decision", replaced ? last.launched : at);
  // A launch that zones refused before ours began counts as API time.
  part("launch API", replaced ? end_of(record, LaunchStage::api, at) : at);
  part("pending", replaced ? end_of(record, LaunchStage::pending, at) : at);
  // A survivor's time without power counts as its boot, and so does a start from the warm pool.
  part("boot", replaced ? end_of(record, LaunchStage::boot, end_of(record, LaunchStage::start, at))
                        : last.running_since);
  // A lifecycle hook that outlasts it is the program's affair too.
  const Time in_service = last.in_service_since;
  part("user data",
       replaced ? std::max(in_service, end_of(record, LaunchStage::user_data, in_service)) : at);
  part("target health check", now);
  spells_.push_back(std::move(lag));
  spell_.reset();
}

void ReplacementLag::report(sim::RunLog& log) const {
  for (const sim::LagSpell& spell : spells_) log.spells.push_back(spell);
  if (spell_) log.spells.push_back({component_, "replacement", spell_->start, std::nullopt, {}});
}

}  // namespace windtunnel
