#include "analysis/measures.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "sim/check.hpp"
#include "sim/throttling.hpp"

namespace windtunnel::analysis {
namespace {

using sim::Duration;
using sim::Milestone;
using sim::Time;

std::int64_t ns(Time t) { return t.time_since_epoch().count(); }

// Shares are compared with slack: 99 good ones of 100 satisfy 0.99, whatever the rounding of 0.99 x
// 100.
bool reaches(std::uint64_t hits, std::uint64_t of, double share) {
  return static_cast<double>(hits) >= (share - 1e-12) * static_cast<double>(of);
}

bool is_good(const sim::RequestWindow& window, const ServiceLevel& level) {
  return reaches(window.good, window.arrived, level.success()) &&
         (!level.has_p99() || reaches(window.fast, window.arrived, 0.99));
}

struct Spell {
  Time breach;
  std::optional<Time> recovered;
  Time good_since;  // start of the last run of good windows, sustained or not; the horizon if there
                    // is none
};

// The times out of service from `since`, each up to the first run of good windows of length
// `sustained`.
std::vector<Spell> outages(const std::vector<JudgedWindow>& windows, Time since, Time horizon,
                           Duration sustained) {
  std::vector<Spell> spells;
  for (const auto& window : windows) {
    if (window.end <= since) continue;
    const bool out = !spells.empty() && !spells.back().recovered;
    if (!window.good) {
      if (!out) spells.push_back({std::max(window.start, since), std::nullopt, horizon});
      spells.back().good_since = horizon;
    } else if (out) {
      Spell& spell = spells.back();
      spell.good_since = std::min(spell.good_since, window.start);
      if (window.end - spell.good_since >= sustained) spell.recovered = spell.good_since;
    }
  }
  return spells;
}

// In the order of a recovery. A part of RTO is named after the milestone that ends it.
constexpr std::array milestone_names{"fault",          "first_failed_request", "first_detection",
                                     "last_detection", "action_started",       "action_finished",
                                     "caches_expired", "clients_moved",        "recovered"};
using MilestoneDates = std::array<std::optional<Time>, milestone_names.size()>;

// Of those up to `until`, the first detection and action, and the last of what must be complete
// before users are served.
MilestoneDates milestone_dates(const sim::RunLog& log, Time until) {
  MilestoneDates dates;
  auto& [fault, failed_request, first_detection, last_detection, started, finished, expired, moved,
         end] = dates;
  fault = log.first_fault;
  if (log.first_failed <= until) failed_request = log.first_failed;
  const auto keep_first = [](std::optional<Time>& date, Time at) {
    if (!date || at < *date) date = at;
  };
  const auto keep_last = [](std::optional<Time>& date, Time at) {
    if (!date || at > *date) date = at;
  };
  for (const auto& event : log.events) {
    if (event.at < log.first_fault || event.at > until) continue;
    switch (event.milestone) {
      case Milestone::detection:
        keep_first(first_detection, event.at);
        keep_last(last_detection, event.at);
        break;
      case Milestone::action_started:
        keep_first(started, event.at);
        break;
      case Milestone::action_finished:
        keep_last(finished, event.at);
        break;
      case Milestone::caches_expired:
        keep_last(expired, event.at);
        break;
      case Milestone::clients_moved:
        keep_last(moved, event.at);
        break;
      default:
        break;
    }
  }
  return dates;
}

void record_milestones(const MilestoneDates& dates, ReplicationRecord& record) {
  for (std::size_t i = 0; i < dates.size(); ++i) {
    if (!dates[i]) continue;
    auto& milestone = *record.add_milestones();
    milestone.set_name(milestone_names[i]);
    milestone.set_at(ns(*dates[i]));
  }
}

// A milestone that is missing, or was passed before one that precedes it here, makes a part of 0.
void record_rto_parts(const MilestoneDates& dates, ReplicationRecord& record) {
  Time reached = *dates.front();
  for (std::size_t i = 1; i < dates.size(); ++i) {
    const Time date = std::max(reached, dates[i].value_or(reached));
    auto& part = *record.add_rto_parts();
    part.set_name(milestone_names[i]);
    part.set_length((date - reached).count());
    reached = date;
  }
}

void measure_recovery(const sim::RunLog& log, const ServiceLevel& level,
                      ReplicationRecord& record) {
  const Time fault = log.first_fault;
  if (fault >= log.horizon) return;  // none
  auto& measures = *record.mutable_measures();
  measures.set_fault(ns(fault));
  const auto spells =
      outages(judged_windows(log, level), fault, log.horizon, Duration(level.sustained()));
  Duration out_of_service{0};
  for (const auto& spell : spells) {
    auto& outage = *record.add_outages();
    outage.set_start(ns(spell.breach));
    if (spell.recovered) outage.set_end(ns(*spell.recovered));
    out_of_service += spell.recovered.value_or(log.horizon) - spell.breach;
  }
  measures.set_time_out_of_service(out_of_service.count());
  if (!spells.empty()) measures.set_breach(ns(spells.front().breach));
  if (!spells.empty() && !spells.front().recovered) {
    measures.set_rto_censored(true);
    measures.set_rto_at_least((spells.front().good_since - fault).count());
    record_milestones(milestone_dates(log, log.horizon), record);
    return;
  }
  // Users who weren't hurt count as served again at once.
  const Time recovered = spells.empty() ? fault : *spells.front().recovered;
  if (!spells.empty()) measures.set_recovered(ns(recovered));
  measures.set_rto((recovered - fault).count());
  MilestoneDates dates = milestone_dates(log, recovered);
  dates.back() = recovered;
  record_milestones(dates, record);
  record_rto_parts(dates, record);
}

void measure_users(const sim::RunLog& log, ReplicationRecord& record) {
  auto& measures = *record.mutable_measures();
  measures.set_users(log.users_hit.users());
  if (log.first_fault >= log.horizon || log.users_hit.users() == 0) return;
  measures.set_users_hit(log.users_hit.peak_share());
  measures.set_user_time_hit(sim::from_seconds(log.users_hit.seconds_hit(log.horizon)).count());
}

// 0 where nothing is lost; the worst of several stores.
void measure_loss(const sim::RunLog& log, ReplicationRecord& record) {
  auto& measures = *record.mutable_measures();
  Duration rpo{0};
  for (const auto& store : log.writes) {
    auto& outcome = *record.add_writes();
    outcome.set_component(store.component);
    outcome.set_acknowledged(store.acknowledged);
    outcome.set_lost(store.lost);
    outcome.set_unknown(store.unknown);
    if (store.oldest_lost) outcome.set_oldest_lost(ns(*store.oldest_lost));
    if (store.last_acknowledged) outcome.set_last_acknowledged(ns(*store.last_acknowledged));
    if (store.failed) outcome.set_failed(ns(*store.failed));
    outcome.set_recovered(store.recovered);

    measures.set_writes_acknowledged(measures.writes_acknowledged() + store.acknowledged);
    measures.set_writes_lost(measures.writes_lost() + store.lost);
    measures.set_writes_unknown(measures.writes_unknown() + store.unknown);
    if (!store.recovered) measures.set_rpo_censored(true);
    if (store.lost == 0) continue;
    WT_CHECK(store.oldest_lost, "a lost write has a date");
    WT_CHECK(store.failed || log.first_fault < log.horizon, "writes are lost by a failure");
    const Time failed = store.failed.value_or(log.first_fault);
    const Time until = std::max(failed, store.last_acknowledged.value_or(failed));
    rpo = std::max(rpo, until - *store.oldest_lost);
  }
  if (!measures.rpo_censored()) measures.set_rpo(rpo.count());
}

void measure_availability(const sim::RunLog& log, ReplicationRecord& record) {
  auto& measures = *record.mutable_measures();
  auto& windows = *record.mutable_windows();
  std::uint64_t decided = 0, good = 0, undecided = 0;
  for (const auto& window : log.windows) {
    decided += window.arrived;
    good += window.good;
    undecided += window.undecided;
    windows.add_arrived(window.arrived);
    windows.add_good(window.good);
    windows.add_fast(window.fast);
    windows.add_undecided(window.undecided);
  }
  measures.set_requests_decided(decided);
  measures.set_requests_good(good);
  measures.set_requests_undecided(undecided);
  if (decided > 0) {
    measures.set_availability(static_cast<double>(good) / static_cast<double>(decided));
  }
}

// The longest closed spell of a kind, unless one is still open at the horizon.
struct Lag {
  const sim::LagSpell* longest = nullptr;  // of the closed ones
  bool censored = false;
  Duration at_least{0};
};

Lag lag_of(const sim::RunLog& log, std::string_view kind) {
  Lag lag;
  for (const auto& spell : log.spells) {
    if (spell.kind != kind) continue;
    lag.at_least = std::max(lag.at_least, spell.end.value_or(log.horizon) - spell.start);
    if (!spell.end)
      lag.censored = true;
    else if (!lag.longest || *spell.end - spell.start > *lag.longest->end - lag.longest->start)
      lag.longest = &spell;
  }
  return lag;
}

template <typename Parts>
void record_parts(const sim::LagSpell& spell, Parts& parts) {
  for (const auto& part : spell.parts) {
    auto& recorded = *parts.Add();
    recorded.set_name(part.name);
    recorded.set_length(part.length.count());
  }
}

void measure_replacement(const sim::RunLog& log, ReplicationRecord& record) {
  auto& measures = *record.mutable_measures();
  const Lag lag = lag_of(log, "replacement");
  measures.set_replacement_lag_censored(lag.censored);
  if (lag.censored) {
    measures.set_replacement_lag_at_least(lag.at_least.count());
  } else if (lag.longest) {
    measures.set_replacement_lag((*lag.longest->end - lag.longest->start).count());
    record_parts(*lag.longest, *record.mutable_replacement_lag_parts());
  }
}

void measure_scaling(const sim::RunLog& log, ReplicationRecord& record) {
  auto& measures = *record.mutable_measures();
  const Lag lag = lag_of(log, "scaling");
  measures.set_scaling_lag_censored(lag.censored);
  if (lag.censored) {
    measures.set_scaling_lag_at_least(lag.at_least.count());
  } else if (lag.longest) {
    measures.set_scaling_lag((*lag.longest->end - lag.longest->start).count());
    record_parts(*lag.longest, *record.mutable_scaling_lag_parts());
  }
}

void record_spells(const sim::RunLog& log, ReplicationRecord& record) {
  for (const auto& spell : log.spells) {
    auto& recorded = *record.add_spells();
    recorded.set_component(spell.component);
    recorded.set_kind(spell.kind);
    recorded.set_start(ns(spell.start));
    if (spell.end) recorded.set_end(ns(*spell.end));
    Duration sum{0};
    for (const auto& part : spell.parts) {
      auto& recorded_part = *record.add_spell_parts();
      recorded_part.set_spell(static_cast<std::uint32_t>(record.spells_size() - 1));
      recorded_part.set_name(part.name);
      recorded_part.set_length(part.length.count());
      sum += part.length;
    }
    WT_CHECK(!spell.end || spell.parts.empty() || sum == *spell.end - spell.start,
             "the parts of a lag sum to it");
  }
}

void record_events(const sim::RunLog& log, ReplicationRecord& record) {
  for (const auto& event : log.events) {
    auto& recorded = *record.add_events();
    recorded.set_at(ns(event.at));
    recorded.set_milestone(sim::to_string(event.milestone));
    recorded.set_component(event.component);
    recorded.set_text(event.text);
  }
}

void record_throttling(const std::string& component, const sim::Throttling& throttling,
                       ReplicationRecord& record) {
  const sim::Throttling::Row total = throttling.total();
  if (total.offered == 0) return;
  auto& measures = *record.mutable_measures();
  const double share = static_cast<double>(total.refused) / static_cast<double>(total.offered);
  measures.set_throttled_share(std::max(measures.throttled_share(), share));
  measures.set_throttled_spell(std::max(measures.throttled_spell(), total.longest_spell.count()));
  for (const auto& row : throttling.rows()) {
    auto& recorded = *record.add_throttling();
    recorded.set_component(component);
    recorded.set_metric(std::string(throttling.name()));
    recorded.set_offers(std::string(throttling.sentence()));
    recorded.set_caller(std::string(row.caller));
    recorded.set_reason(std::string(row.reason));
    recorded.set_offered(row.offered);
    recorded.set_refused(row.refused);
    recorded.set_longest_spell(row.longest_spell.count());
  }
}

}  // namespace

std::vector<JudgedWindow> judged_windows(const sim::RunLog& log, const ServiceLevel& level) {
  std::vector<JudgedWindow> judged;
  sim::RequestWindow sum;
  Time start = log.warm_up;
  for (std::size_t i = 0; i < log.windows.size(); ++i) {
    const Time end =
        std::min(Time((static_cast<std::int64_t>(i) + 1) * log.window_length), log.horizon);
    if (end <= log.warm_up) continue;
    sum.arrived += log.windows[i].arrived;
    sum.good += log.windows[i].good;
    sum.fast += log.windows[i].fast;
    if (sum.arrived == 0 || sum.arrived < level.minimum_requests()) continue;
    judged.push_back({start, end, is_good(sum, level)});
    sum = {};
    start = end;
  }
  return judged;
}

void record_run(const sim::RunLog& log, const ServiceLevel& level, ReplicationRecord& record) {
  WT_CHECK(log.window_length.count() == level.window(), "the log has the service level's windows");
  measure_recovery(log, level, record);
  measure_users(log, record);
  measure_loss(log, record);
  measure_availability(log, record);
  measure_replacement(log, record);
  measure_scaling(log, record);
  record_spells(log, record);
  record_events(log, record);
}

void record_metrics(const std::string& component, const sim::MetricSet& metrics, sim::Time now,
                    ReplicationRecord& record) {
  for (const sim::Metric* metric : metrics.all()) {
    auto& recorded = *record.add_metrics();
    recorded.set_component(component);
    recorded.set_metric(std::string(metric->name()));
    recorded.set_unit(std::string(metric->unit()));
    recorded.set_sentence(std::string(metric->sentence()));
    for (const auto& [name, value] : metric->summary(now)) {
      auto& statistic = *recorded.add_statistics();
      statistic.set_name(name);
      statistic.set_value(value);
    }
    if (const auto* throttling = dynamic_cast<const sim::Throttling*>(metric)) {
      record_throttling(component, *throttling, record);
    }
  }
}

}  // namespace windtunnel::analysis
