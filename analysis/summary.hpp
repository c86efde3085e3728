// Measures over replications, and the verdict on what is claimed of them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/record.pb.h"
#include "analysis/statistics.hpp"

namespace windtunnel::analysis {

enum class Verdict { holds, fails, undecided };
const char* to_string(Verdict verdict);

struct PartSummary {
  std::string name;
  double mean;                   // s
  std::optional<Interval> ci95;  // of the mean
};

// Durations in seconds, shares in 0..1. What isn't known is absent: everything without values, mean
// and parts with a censored replication (its value is only bounded from below), an interval with
// fewer than two values.
struct MeasureSummary {
  std::string name;  // rto, rpo, availability, users_hit ... (kinds in summary.cpp)
  bool is_share = false;
  std::size_t n = 0;  // replications that have it, censored ones included
  std::size_t censored = 0;
  std::optional<double> mean;
  std::optional<Interval> ci95;  // of the mean
  // Censored replications rank beyond all others. p5 where more is better: the bad end.
  std::optional<double> p5, p50, p95, worst;
  std::vector<PartSummary> parts;  // their means sum to the mean
  std::vector<double> values;      // one a replication, NaN where it has none or is censored
};

struct ObjectiveSummary {
  Objective objective;
  std::optional<double> value;   // of the statistic
  std::optional<Interval> ci95;  // of the value; ends may be infinite
  // Set where the objective is judged by the share of replications within its limit: quantiles, and
  // means with censored replications.
  std::optional<double> share_within;
  std::optional<Interval> share_ci95;
  double share_required = 0;
  Verdict verdict = Verdict::undecided;
};

// What a component refused over all replications; empty: all callers, all reasons.
struct ThrottlingSummary {
  std::string component, metric, offers, caller, reason;
  std::uint64_t offered = 0, refused = 0;
  double longest_spell = 0;  // s

  double share() const {
    return offered > 0 ? static_cast<double>(refused) / static_cast<double>(offered) : 0;
  }
};

struct Summary {
  std::vector<MeasureSummary> measures;
  std::vector<ObjectiveSummary> objectives;
  std::size_t replications = 0;
  std::uint64_t requests = 0, writes_acknowledged = 0, writes_lost = 0, writes_unknown = 0;
  double cpu_seconds = 0;
  // Positions in the records; by RTO, or by scaling lag where there is no fault; the first of
  // equals; absent without either.
  std::optional<std::size_t> median, worst;
  // By component, metric, caller and reason; only what occurred.
  std::vector<ThrottlingSummary> throttling;
  // Mean over the replications that have it, by component, metric, statistic.
  std::map<std::string, std::map<std::string, std::map<std::string, double>>> components;

  const MeasureSummary& measure(std::string_view name) const;
  // nullptr: nothing is claimed of it.
  const ObjectiveSummary* objective_of(std::string_view measure) const;
  // 0: all hold, 1: one fails, 3: one is undecided and none fails.
  int exit_code() const;
};

// With a censored replication an objective on the mean is judged as one on this share of the
// replications. A choice of ours: the definitions name no share, and a mean says nothing of an
// unbounded tail.
inline constexpr double share_required_when_censored = 0.95;

// Names of the statistics an objective may be on, by measure; empty for an unknown measure.
std::vector<std::string_view> statistics_of(std::string_view measure);

// `records` in the order of their replications; the objectives name measures and statistics that
// exist.
Summary summarise(const ExperimentHeader& header, const std::vector<ReplicationRecord>& records);

}  // namespace windtunnel::analysis
