#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/measure_values.hpp"
#include "analysis/verdict.hpp"

namespace windtunnel::analysis {
namespace {

using nlohmann::json;

// JSON knows neither NaN nor infinity.
json number(std::optional<double> value) {
  return value && std::isfinite(*value) ? json(*value) : json(nullptr);
}

json interval(const std::optional<Interval>& ci95) {
  return ci95 ? json::array({number(ci95->low), number(ci95->high)}) : json(nullptr);
}

json measure_json(const MeasureSummary& measure) {
  json parts = json::array();
  for (const auto& part : measure.parts) {
    parts.push_back(
        {{"name", part.name}, {"mean", number(part.mean)}, {"ci95", interval(part.ci95)}});
  }
  json values = json::array();
  for (const double value : measure.values) values.push_back(number(value));
  json result{{"mean", number(measure.mean)},
              {"ci95", interval(measure.ci95)},
              {"p50", number(measure.p50)},
              {"p95", number(measure.p95)},
              {"worst", number(measure.worst)},
              {"censored", measure.censored},
              {"n", measure.n},
              {"parts", parts},
              {"values", values}};
  if (more_is_better(measure.name)) result["p5"] = number(measure.p5);
  return result;
}

// What was counted beside the measure itself.
void add_totals(const Results& results, const Summary& summary, json& measures) {
  std::uint64_t decided = 0, good = 0, undecided = 0;
  json out_of_service = json::array();
  for (const auto& record : results.records) {
    decided += record.measures().requests_decided();
    good += record.measures().requests_good();
    undecided += record.measures().requests_undecided();
    const auto nanoseconds = static_cast<double>(record.measures().time_out_of_service());
    out_of_service.push_back(nanoseconds / 1e9);
  }
  measures["rto"]["time_out_of_service"] = out_of_service;
  measures["rpo"]["acknowledged_writes"] = summary.writes_acknowledged;
  measures["rpo"]["lost_writes"] = summary.writes_lost;
  measures["rpo"]["unknown_writes"] = summary.writes_unknown;
  measures["availability"]["decided_requests"] = decided;
  measures["availability"]["good_requests"] = good;
  measures["availability"]["undecided_requests"] = undecided;
}

json objective_json(const ObjectiveSummary& objective) {
  return {{"name", objective.objective.measure()},
          {"statistic", objective.objective.statistic()},
          {"limit", objective.objective.limit()},
          {"value", number(objective.value)},
          {"ci95", interval(objective.ci95)},
          {"share_within", number(objective.share_within)},
          {"share_ci95", interval(objective.share_ci95)},
          {"verdict", to_string(objective.verdict)}};
}

// A metric with one statistic is a number (a counter's sum), others are an object of them.
json components_json(const Summary& summary) {
  json components = json::object();
  for (const auto& [component, metrics] : summary.components) {
    json& of_component = components[component] = json::object();
    for (const auto& [metric, statistics] : metrics) {
      if (statistics.size() == 1) {
        of_component[metric] = number(statistics.begin()->second);
        continue;
      }
      for (const auto& [statistic, value] : statistics) {
        of_component[metric][statistic] = number(value);
      }
    }
  }
  return components;
}

// Over all replications; an empty caller or reason stands for all.
json throttling_json(const Summary& summary) {
  json rows = json::array();
  for (const auto& row : summary.throttling) {
    rows.push_back({{"component", row.component},
                    {"metric", row.metric},
                    {"offers", row.offers},
                    {"caller", row.caller},
                    {"reason", row.reason},
                    {"offered", row.offered},
                    {"refused", row.refused},
                    {"share", row.share()},
                    {"longest_spell", row.longest_spell}});
  }
  return rows;
}

json assumptions_json(const ExperimentHeader& header) {
  json assumptions = json::array();
  for (const auto& assumption : header.assumptions()) {
    assumptions.push_back({{"path", assumption.path()},
                           {"value", assumption.value()},
                           {"sentence", assumption.sentence()},
                           {"source", assumption.source()},
                           {"unsourced", assumption.unsourced()},
                           {"at_default", assumption.at_default()}});
  }
  return assumptions;
}

}  // namespace

json verdict_json(const Results& results, const Summary& summary, const VerdictContext& context) {
  const auto& header = results.header;
  json fingerprints = json::array(), measures = json::object(), objectives = json::array();
  for (const auto& record : results.records) {
    fingerprints.push_back(fmt::format("{:016x}", record.fingerprint()));
  }
  for (const auto& measure : summary.measures) measures[measure.name] = measure_json(measure);
  add_totals(results, summary, measures);
  for (const auto& objective : summary.objectives) objectives.push_back(objective_json(objective));
  std::uint64_t memory = 0;
  for (const auto& record : results.records) memory = std::max(memory, record.memory_bytes_max());
  const auto replication = [&](const std::optional<std::size_t>& position) {
    return position ? json(results.records[*position].replication() + 1) : json(nullptr);
  };
  return {{"experiment", header.experiment()},
          {"question", header.question()},
          {"seed", header.seed()},
          {"replications", summary.replications},
          {"horizon", static_cast<double>(header.horizon()) / 1e9},
          {"warm_up", static_cast<double>(header.warm_up()) / 1e9},
          {"program_version", header.program_version()},
          {"requests", summary.requests},
          {"cpu_seconds", summary.cpu_seconds},
          {"memory_bytes_max", memory},
          {"fingerprints", fingerprints},
          {"measures", measures},
          {"objectives", objectives},
          {"median_replication", replication(summary.median)},
          {"worst_replication", replication(summary.worst)},
          {"throttling", throttling_json(summary)},
          {"components", components_json(summary)},
          {"assumptions", assumptions_json(header)},
          {"results", context.results_path.empty() ? json(nullptr) : json(context.results_path)}};
}

}  // namespace windtunnel::analysis
