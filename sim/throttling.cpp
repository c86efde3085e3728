#include "sim/throttling.hpp"

#include <algorithm>

#include "sim/simulation.hpp"

namespace windtunnel::sim {

Throttling::Throttling(Component& owner, MetricSet& set, std::string_view name,
                       std::string_view what, std::vector<std::string_view> reasons)
    : Metric(set, name, "None", what), owner_(owner), reasons_(std::move(reasons)) {}

void Throttling::Refusals::add(Time now, std::uint64_t n) {
  if (now > ends) began = now;
  refused += n;
  ends = now + spell_gap;
  longest = std::max(longest, now - began);
}

// A spell that goes on counts from here.
void Throttling::Refusals::restart(Time now) {
  refused = 0;
  longest = {};
  began = now;
}

void Throttling::find(const Entity& caller) {
  const auto found = std::find_if(callers_.begin(), callers_.end(), [&](const Caller& known) {
    return known.hash == caller.name_hash();
  });
  last_ = static_cast<std::size_t>(found - callers_.begin());
  if (found != callers_.end()) return;
  callers_.push_back({.hash = caller.name_hash(),
                      .name = {},
                      .all = {},
                      .by_reason = std::vector<Refusals>(reasons_.size())});
  // A part of a component has its hash, not its name.
  for (const auto& component : owner_.sim().components()) {
    if (component->name_hash() == caller.name_hash()) callers_[last_].name = component->name();
  }
}

void Throttling::refuse(const Entity& caller, std::size_t reason, std::uint64_t n) {
  if (n == 0) return;
  if (last_ >= callers_.size() || callers_[last_].hash != caller.name_hash()) find(caller);
  const Time now = owner_.sim().now();
  all_.add(now, n);
  callers_[last_].all.add(now, n);
  callers_[last_].by_reason[reason].add(now, n);
}

Throttling::Row Throttling::total() const {
  Row row{{}, {}, 0, all_.refused, all_.longest};
  for (const Caller& caller : callers_) row.offered += caller.offered;
  return row;
}

std::vector<Throttling::Row> Throttling::rows() const {
  std::vector<Row> rows{total()};
  for (const Caller& caller : callers_) {
    rows.push_back({caller.name, {}, caller.offered, caller.all.refused, caller.all.longest});
    for (std::size_t i = 0; i < reasons_.size(); ++i) {
      const Refusals& refusals = caller.by_reason[i];
      if (refusals.refused == 0) continue;
      rows.push_back(
          {caller.name, reasons_[i], caller.offered, refusals.refused, refusals.longest});
    }
  }
  return rows;
}

std::vector<std::pair<std::string, double>> Throttling::summary(Time) const {
  const Row all = total();
  const double share =
      all.offered > 0 ? static_cast<double>(all.refused) / static_cast<double>(all.offered) : 0;
  return {{"offered", static_cast<double>(all.offered)},
          {"refused", static_cast<double>(all.refused)},
          {"share", share},
          {"longest_spell", seconds(all.longest_spell)}};
}

void Throttling::restart(Time now) {
  all_.restart(now);
  for (Caller& caller : callers_) {
    caller.offered = 0;
    caller.all.restart(now);
    for (Refusals& refusals : caller.by_reason) refusals.restart(now);
  }
}

}  // namespace windtunnel::sim
