#include "analysis/summary.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "analysis/measure_values.hpp"
#include "sim/check.hpp"

namespace windtunnel::analysis {
namespace {

constexpr double beyond = std::numeric_limits<double>::infinity();
constexpr double none = std::numeric_limits<double>::quiet_NaN();

// One measure of one replication.
struct Outcome {
  double value = none;  // NaN: none, or censored
  bool censored = false;
  double at_least = beyond;  // of a censored one
};

double in_seconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

// Exactly at the limit is within it, whatever the rounding of seconds: a nanosecond of slack.
bool is_within(double value, double limit) { return value <= limit + 1e-9; }

Outcome rto_of(const Measures& m) {
  if (m.rto_censored()) return {none, true, in_seconds(m.rto_at_least())};
  return {m.has_rto() ? in_seconds(m.rto()) : none};
}
Outcome rpo_of(const Measures& m) {
  // A store that never came back gives nothing back: beyond every limit.
  if (m.rpo_censored()) return {none, true};
  return {m.has_rpo() ? in_seconds(m.rpo()) : none};
}
Outcome availability_of(const Measures& m) {
  return {m.has_availability() ? m.availability() : none};
}
Outcome users_hit_of(const Measures& m) { return {m.has_users_hit() ? m.users_hit() : none}; }
Outcome user_time_hit_of(const Measures& m) {
  return {m.has_user_time_hit() ? in_seconds(m.user_time_hit()) : none};
}
Outcome replacement_lag_of(const Measures& m) {
  if (m.replacement_lag_censored()) return {none, true, in_seconds(m.replacement_lag_at_least())};
  return {m.has_replacement_lag() ? in_seconds(m.replacement_lag()) : none};
}

Outcome scaling_lag_of(const Measures& m) {
  if (m.scaling_lag_censored()) return {none, true, in_seconds(m.scaling_lag_at_least())};
  return {m.has_scaling_lag() ? in_seconds(m.scaling_lag()) : none};
}

Outcome throttled_share_of(const Measures& m) {
  return {m.has_throttled_share() ? m.throttled_share() : none};
}
Outcome throttled_spell_of(const Measures& m) {
  return {m.has_throttled_spell() ? in_seconds(m.throttled_spell()) : none};
}

using Parts = google::protobuf::RepeatedPtrField<Part>;

// The measures; a new one is a new line here and its fields in record.proto.
struct Kind {
  std::string_view name;
  bool is_share;
  Outcome (*outcome)(const Measures&);
  const Parts& (ReplicationRecord::*parts)() const;  // nullptr: it has none
};
constexpr std::array kinds{
    Kind{"rto", false, rto_of, &ReplicationRecord::rto_parts},
    Kind{"rpo", false, rpo_of, nullptr},
    Kind{"availability", true, availability_of, nullptr},
    Kind{"users_hit", true, users_hit_of, nullptr},
    Kind{"user_time_hit", false, user_time_hit_of, nullptr},
    Kind{"replacement_lag", false, replacement_lag_of, &ReplicationRecord::replacement_lag_parts},
    Kind{"scaling_lag", false, scaling_lag_of, &ReplicationRecord::scaling_lag_parts},
    Kind{"throttled_share", true, throttled_share_of, nullptr},
    Kind{"throttled_spell", false, throttled_spell_of, nullptr},
};

const Kind& kind_of(std::string_view measure) {
  const auto* found = std::find_if(kinds.begin(), kinds.end(),
                                   [&](const Kind& kind) { return kind.name == measure; });
  WT_CHECK(found != kinds.end(), "an objective names a measure");
  return *found;
}

// The outcomes that exist, worst last. Where more is better the sign is turned, so that more is
// always worse.
struct Sample {
  std::vector<Outcome> outcomes;
  std::vector<double> sorted;  // censored ones infinite
  double sign = 1;
  std::size_t censored = 0;

  Sample(const Kind& kind, const std::vector<ReplicationRecord>& records)
      : sign(more_is_better(kind.name) ? -1 : 1) {
    for (const auto& record : records) {
      const Outcome outcome = kind.outcome(record.measures());
      if (std::isnan(outcome.value) && !outcome.censored) continue;
      outcomes.push_back(outcome);
      censored += outcome.censored;
      sorted.push_back(outcome.censored ? beyond : sign * outcome.value);
    }
    std::sort(sorted.begin(), sorted.end());
  }

  // q from the good end; absent if it falls among the censored.
  std::optional<double> at(double q) const {
    if (sorted.empty()) return std::nullopt;
    const double value = quantile(sorted, q);
    return std::isinf(value) ? std::nullopt : std::optional(sign * value);
  }
};

Interval clipped(Interval interval, bool is_share) {
  return {std::max(interval.low, 0.0), is_share ? std::min(interval.high, 1.0) : interval.high};
}

std::optional<Interval> mean_interval_of(const Sample& sample, bool is_share) {
  if (sample.censored > 0) return std::nullopt;
  std::vector<double> values = sample.sorted;
  for (double& value : values) value *= sample.sign;
  const auto interval = mean_interval(values);
  return interval ? std::optional(clipped(*interval, is_share)) : std::nullopt;
}

// A part that a replication lacks was 0 in it.
std::vector<PartSummary> summarise_parts(const Kind& kind,
                                         const std::vector<ReplicationRecord>& records) {
  std::vector<std::string> names;
  std::map<std::string, std::vector<double>> lengths;
  std::size_t n = 0;
  for (const auto& record : records) {
    if (std::isnan(kind.outcome(record.measures()).value)) continue;
    for (const auto& part : (record.*kind.parts)()) {
      auto& of_part = lengths[part.name()];
      if (of_part.empty()) names.push_back(part.name());
      of_part.resize(n + 1);
      of_part[n] += in_seconds(part.length());
    }
    ++n;
  }
  std::vector<PartSummary> parts;
  for (const auto& name : names) {
    auto& of_part = lengths[name];
    of_part.resize(n);
    auto interval = mean_interval(of_part);
    if (interval) interval = clipped(*interval, false);
    parts.push_back({name, mean_of(of_part), interval});
  }
  return parts;
}

MeasureSummary summarise_measure(const Kind& kind, const std::vector<ReplicationRecord>& records) {
  MeasureSummary summary;
  summary.name = kind.name;
  summary.is_share = kind.is_share;
  for (const auto& record : records) {
    summary.values.push_back(kind.outcome(record.measures()).value);
  }
  const Sample sample(kind, records);
  summary.n = sample.sorted.size();
  summary.censored = sample.censored;
  if (summary.n == 0) return summary;
  summary.p50 = sample.at(0.5);
  summary.worst = sample.at(1);
  if (sample.sign < 0) {
    // Turned samples: the 5th percentile is the 95th from their good end.
    summary.p5 = sample.at(0.95);
    summary.p95 = sample.at(0.05);
  } else {
    summary.p95 = sample.at(0.95);
  }
  if (sample.censored > 0) return summary;
  summary.mean = sample.sign * mean_of(sample.sorted);
  summary.ci95 = mean_interval_of(sample, kind.is_share);
  if (kind.parts) summary.parts = summarise_parts(kind, records);
  return summary;
}

// Is the share of replications within the limit at least `required`? A censored one whose bound
// lies within the limit may be on either side.
void judge_by_share(const Sample& sample, double required, ObjectiveSummary& summary) {
  const double limit = sample.sign * summary.objective.limit();
  std::size_t within = 0, perhaps = 0;
  for (const auto& outcome : sample.outcomes) {
    if (outcome.censored)
      perhaps += is_within(outcome.at_least, limit);
    else
      within += is_within(sample.sign * outcome.value, limit);
  }
  const std::size_t n = sample.outcomes.size();
  summary.share_required = required;
  summary.share_within = static_cast<double>(within) / static_cast<double>(n);
  summary.share_ci95 = share_interval(within, n);
  if (summary.share_ci95->low >= required)
    summary.verdict = Verdict::holds;
  else if (share_interval(within + perhaps, n).high < required)
    summary.verdict = Verdict::fails;
}

// What was seen, not what is to be expected: the worst of these replications.
void judge_worst(const Sample& sample, ObjectiveSummary& summary) {
  const double limit = sample.sign * summary.objective.limit();
  const bool fails =
      std::any_of(sample.outcomes.begin(), sample.outcomes.end(), [&](const Outcome& outcome) {
        return !is_within(outcome.censored ? outcome.at_least : sample.sign * outcome.value, limit);
      });
  if (fails)
    summary.verdict = Verdict::fails;
  else if (sample.censored == 0)
    summary.verdict = Verdict::holds;
}

void judge_mean(const Sample& sample, bool is_share, ObjectiveSummary& summary) {
  summary.value = sample.sign * mean_of(sample.sorted);
  summary.ci95 = mean_interval_of(sample, is_share);
  if (!summary.ci95) return;
  const double limit = sample.sign * summary.objective.limit();
  const auto [low, high] = *summary.ci95;
  const bool turned = sample.sign < 0;
  const double good_end = turned ? -high : low, bad_end = turned ? -low : high;
  if (is_within(bad_end, limit))
    summary.verdict = Verdict::holds;
  else if (!is_within(good_end, limit))
    summary.verdict = Verdict::fails;
}

// The share of replications that a quantile objective asks to be within the limit.
double share_required(std::string_view statistic) {
  if (statistic == "p50") return 0.5;
  if (statistic == "p5" || statistic == "p95") return 0.95;
  WT_CHECK(statistic == "p99", "an objective names a statistic");
  return 0.99;
}

ObjectiveSummary judge(const Objective& objective, const std::vector<ReplicationRecord>& records) {
  ObjectiveSummary summary;
  summary.objective = objective;
  const Kind& kind = kind_of(objective.measure());
  const Sample sample(kind, records);
  if (sample.sorted.empty()) return summary;  // nothing was measured: nothing was shown
  if (objective.statistic() == "worst") {
    summary.value = sample.at(1);
    judge_worst(sample, summary);
  } else if (objective.statistic() != "mean") {
    const double q = share_required(objective.statistic());
    summary.value = sample.at(q);
    const auto [low, high] = quantile_interval(sample.sorted, q);
    summary.ci95 = sample.sign < 0 ? Interval{-high, -low} : Interval{low, high};
    judge_by_share(sample, q, summary);
  } else if (sample.censored > 0) {
    judge_by_share(sample, share_required_when_censored, summary);
  } else {
    judge_mean(sample, kind.is_share, summary);
  }
  return summary;
}

void pick_stories(const std::vector<ReplicationRecord>& records, Summary& summary) {
  const bool faults = std::any_of(records.begin(), records.end(),
                                  [](const auto& record) { return record.measures().has_fault(); });
  const auto lag = [&](std::size_t i) {
    const Measures& measures = records[i].measures();
    const Outcome outcome = faults ? rto_of(measures) : scaling_lag_of(measures);
    if (outcome.censored) return beyond;
    return outcome.value;
  };
  std::vector<std::size_t> order(records.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t i) { return std::isnan(lag(i)); });
  if (order.empty()) return;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lag(a) < lag(b); });
  const auto first_like = [&](std::size_t position) {
    return *std::find_if(order.begin(), order.end(),
                         [&](std::size_t i) { return lag(i) == lag(order[position]); });
  };
  summary.median = first_like((order.size() - 1) / 2);
  summary.worst = first_like(order.size() - 1);
}

void summarise_throttling(const std::vector<ReplicationRecord>& records, Summary& summary) {
  using Key = std::array<std::string_view, 4>;
  std::map<Key, std::size_t> rows;
  for (const auto& record : records) {
    for (const auto& row : record.throttling()) {
      const Key key{row.component(), row.metric(), row.caller(), row.reason()};
      const auto [found, is_new] = rows.try_emplace(key, summary.throttling.size());
      if (is_new) {
        summary.throttling.push_back(
            {row.component(), row.metric(), row.offers(), row.caller(), row.reason()});
      }
      auto& of_row = summary.throttling[found->second];
      of_row.offered += row.offered();
      of_row.refused += row.refused();
      of_row.longest_spell = std::max(of_row.longest_spell, in_seconds(row.longest_spell()));
    }
  }
  // A reason's share is of all that its caller offered, also where the reason did not occur.
  for (auto& row : summary.throttling) {
    const auto all = rows.find({row.component, row.metric, row.caller, ""});
    if (all != rows.end()) row.offered = summary.throttling[all->second].offered;
  }
}

void summarise_components(const std::vector<ReplicationRecord>& records, Summary& summary) {
  std::map<std::string, std::map<std::string, std::map<std::string, std::vector<double>>>> values;
  for (const auto& record : records) {
    for (const auto& metric : record.metrics()) {
      for (const auto& statistic : metric.statistics()) {
        values[metric.component()][metric.metric()][statistic.name()].push_back(statistic.value());
      }
    }
  }
  for (const auto& [component, metrics] : values) {
    for (const auto& [metric, statistics] : metrics) {
      for (const auto& [statistic, sample] : statistics) {
        summary.components[component][metric][statistic] = mean_of(sample);
      }
    }
  }
}

}  // namespace

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::holds:
      return "holds";
    case Verdict::fails:
      return "fails";
    case Verdict::undecided:
      return "undecided";
  }
  return "?";
}

const MeasureSummary& Summary::measure(std::string_view name) const {
  const auto found = std::find_if(measures.begin(), measures.end(),
                                  [&](const MeasureSummary& m) { return m.name == name; });
  WT_CHECK(found != measures.end(), "a measure is asked for by its name");
  return *found;
}

const ObjectiveSummary* Summary::objective_of(std::string_view measure) const {
  const auto found =
      std::find_if(objectives.begin(), objectives.end(),
                   [&](const ObjectiveSummary& o) { return o.objective.measure() == measure; });
  return found == objectives.end() ? nullptr : &*found;
}

int Summary::exit_code() const {
  const auto any = [&](Verdict verdict) {
    return std::any_of(objectives.begin(), objectives.end(),
                       [&](const ObjectiveSummary& o) { return o.verdict == verdict; });
  };
  return any(Verdict::fails) ? 1 : any(Verdict::undecided) ? 3 : 0;
}

std::vector<std::string_view> statistics_of(std::string_view measure) {
  for (const Kind& kind : kinds) {
    if (kind.name != measure) continue;
    if (more_is_better(measure)) return {"mean", "p50", "p5", "worst"};
    return {"mean", "p50", "p95", "p99", "worst"};
  }
  return {};
}

Summary summarise(const ExperimentHeader& header, const std::vector<ReplicationRecord>& records) {
  Summary summary;
  summary.replications = records.size();
  for (const auto& record : records) {
    summary.requests += record.requests();
    summary.cpu_seconds += record.cpu_seconds();
    summary.writes_acknowledged += record.measures().writes_acknowledged();
    summary.writes_lost += record.measures().writes_lost();
    summary.writes_unknown += record.measures().writes_unknown();
  }
  for (const Kind& kind : kinds) summary.measures.push_back(summarise_measure(kind, records));
  for (const auto& objective : header.objectives()) {
    summary.objectives.push_back(judge(objective, records));
  }
  pick_stories(records, summary);
  summarise_throttling(records, summary);
  summarise_components(records, summary);
  return summary;
}

}  // namespace windtunnel::analysis
