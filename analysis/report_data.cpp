// What the page of the report shows, as JSON.
#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "analysis/compare.hpp"
#include "analysis/measure_values.hpp"
#include "analysis/recorder.hpp"
#include "analysis/report.hpp"
#include "analysis/report_bands.hpp"
#include "analysis/summary.hpp"
#include "analysis/verdict.hpp"

namespace windtunnel::analysis {
namespace {

using nlohmann::json;

// A page stays under some megabytes, whatever the files hold.
constexpr std::size_t numbers_max = 240'000;  // of series, over all variants
constexpr std::size_t runs_max = 400;         // replications drawn one by one
constexpr std::size_t events_max = 400;       // of a replication
constexpr std::size_t story_max = 24;
constexpr std::size_t components_max = 2000;
constexpr std::size_t texts_max = 200'000;  // characters of an input

double in_seconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

// ---- what happened, replication by replication

json run_data(const ReplicationRecord& record) {
  json milestones = json::object(), parts = json::array(), measures = json::object();
  for (const auto& milestone : record.milestones()) {
    milestones[milestone.name()] = in_seconds(milestone.at());
  }
  for (const auto& part : record.rto_parts()) {
    parts.push_back({part.name(), in_seconds(part.length())});
  }
  for (const std::string& name : measure_names()) {
    const MeasureValue value = value_of(record.measures(), name);
    if (value.exists) measures[name] = value.censored ? json("censored") : json(value.value);
  }
  return {{"replication", record.replication() + 1},
          {"milestones", milestones},
          {"parts", parts},
          {"measures", measures}};
}

json story_data(const ReplicationRecord& record) {
  std::size_t left_out = 0;
  json lines = json::array(), events = json::array();
  for (const auto& line : story_lines(record, story_max, left_out)) {
    lines.push_back(
        {{"at", in_seconds(line.at)}, {"text", line.text}, {"milestone", line.is_milestone}});
  }
  for (const auto& event : record.events()) {
    if (events.size() == events_max) break;
    events.push_back({in_seconds(event.at()), event.milestone(), event.component(), event.text()});
  }
  return {{"replication", record.replication() + 1},
          {"lines", lines},
          {"left_out", left_out},
          {"events", events}};
}

// Those drawn one by one: all, or evenly chosen ones with the worst and the median among them.
std::vector<std::size_t> drawn(const Results& results, const Summary& summary) {
  const std::size_t n = results.records.size();
  std::set<std::size_t> chosen;
  const std::size_t step = std::max<std::size_t>((n + runs_max - 1) / runs_max, 1);
  for (std::size_t i = 0; i < n; i += step) chosen.insert(i);
  for (const auto& story : {summary.median, summary.worst}) {
    if (story) chosen.insert(*story);
  }
  return {chosen.begin(), chosen.end()};
}

// ---- what it was made from

json topology_data(const ExperimentHeader& header) {
  json components = json::array(), references = json::array(), faults = json::array();
  for (const auto& component : header.components()) {
    if (components.size() == components_max) break;
    components.push_back({{"name", component.name()},
                          {"model", component.model()},
                          {"sentence", component.sentence()},
                          {"zones", component.zones()},
                          {"left_out", component.left_out()},
                          {"store", component.is_store()}});
  }
  std::set<std::array<std::string, 3>> seen;
  for (const auto& reference : header.references()) {
    if (!seen.insert({reference.from(), reference.to(), reference.port()}).second) continue;
    if (references.size() == components_max) break;
    references.push_back(
        {{"from", reference.from()}, {"to", reference.to()}, {"port", reference.port()}});
  }
  for (const auto& fault : header.faults()) {
    faults.push_back(
        {{"at", in_seconds(fault.at())},
         {"lasting", fault.has_lasting() ? json(in_seconds(fault.lasting())) : json(nullptr)},
         {"target", fault.target()},
         {"text", fault.text()}});
  }
  return {{"zones", header.zones()},
          {"components", components},
          {"references", references},
          {"faults", faults}};
}

json header_data(const ExperimentHeader& header) {
  json inputs = json::array(), overrides = json::array(), options = json::array();
  for (const auto& input : header.inputs()) {
    inputs.push_back({{"name", input.name()}, {"text", input.text().substr(0, texts_max)}});
  }
  for (const auto& set : header.overrides()) overrides.push_back(set.path() + "=" + set.value());
  for (const auto& option : header.options()) options.push_back({option.path(), option.value()});
  const auto& level = header.service_level();
  return {{"input_file", header.input_file()},
          {"inputs", inputs},
          {"overrides", overrides},
          {"options", options},
          {"replications_asked", header.replications()},
          {"machine", header.machine()},
          {"created", header.created()},
          {"schema_version", header.schema_version()},
          {"service_level",
           {{"success", level.success()},
            {"p99", level.has_p99() ? json(in_seconds(level.p99())) : json(nullptr)}}}};
}

// Null for the first and where replications make no pairs.
json changes_data(const Results& first, const Results& other) {
  if (&first == &other || first.header.seed() != other.header.seed()) return nullptr;
  json changes = json::array();
  for (const auto& change : compare(first, other)) {
    changes.push_back({{"name", change.name},
                       {"difference", change.difference ? json(*change.difference) : json(nullptr)},
                       {"change", to_string(change.change)}});
  }
  return changes;
}

json variant_data(const Variant& variant, const Results& first, std::size_t& room) {
  const Results& results = variant.results;
  const Summary summary = summarise(results.header, results.records);
  json runs = json::array(), stories = json::object();
  for (const std::size_t i : drawn(results, summary)) runs.push_back(run_data(results.records[i]));
  if (summary.median) stories["median"] = story_data(results.records[*summary.median]);
  if (summary.worst) stories["worst"] = story_data(results.records[*summary.worst]);
  return {{"file", variant.file},
          {"lost", variant.lost},
          {"verdict", verdict_json(results, summary, {})},
          {"header", header_data(results.header)},
          {"topology", topology_data(results.header)},
          {"runs", runs},
          {"stories", stories},
          {"time", series_data(results, summary, room)},
          {"windows", windows_data(results, summary)},
          {"changes", changes_data(first, results)}};
}

}  // namespace

json report_data(const std::vector<Variant>& variants) {
  json all = json::array();
  for (const Variant& variant : variants) {
    std::size_t room = numbers_max / variants.size();
    all.push_back(variant_data(variant, variants.front().results, room));
  }
  return {{"program_version", WINDTUNNEL_VERSION}, {"variants", all}};
}

}  // namespace windtunnel::analysis
