#include "analysis/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "analysis/measure_values.hpp"
#include "analysis/text.hpp"

namespace windtunnel::analysis {
namespace {

constexpr int label_width = 14, value_width = 12;

std::string line(std::string_view label, std::string_view text) {
  return fmt::format("{:<{}}{}\n", label, label_width, text);
}

std::string value_text(double value, bool is_share) {
  return is_share ? share_text(value) : duration_text(value);
}

std::string interval_text(const Interval& interval, bool is_share) {
  if (is_share) {
    std::string low = share_text(interval.low), high = share_text(interval.high);
    for (std::string* end : {&low, &high}) end->resize(end->size() - 2);  // the value has the unit
    return fmt::format("[{}, {}]", low, high);
  }
  // A clock has no fractions of a second.
  if (interval.high < 10) {
    return fmt::format("[{:.3g} s, {:.3g} s]", interval.low, interval.high);
  }
  return fmt::format("[{}, {}]", clock_text(interval.low), clock_text(interval.high));
}

double horizon_seconds(const Results& results) {
  return static_cast<double>(results.header.horizon()) / 1e9;
}

// The eight parts of RTO in four groups, as operators speak of them.
std::string rto_parts_text(const std::vector<PartSummary>& parts) {
  constexpr std::array<std::pair<const char*, const char*>, 4> group_ends{
      {{"detect", "last_detection"},
       {"decide", "action_started"},
       {"act", "action_finished"},
       {"clients", "recovered"}}};
  std::string text;
  auto part = parts.begin();
  for (const auto& [group, end] : group_ends) {
    double sum = 0;
    for (bool more = true; more && part != parts.end(); ++part) {
      sum += part->mean;
      more = part->name != end;
    }
    text += fmt::format("{}{} {}", text.empty() ? "" : " | ", group, duration_text(sum));
  }
  return text;
}

std::string parts_text(const MeasureSummary& measure) {
  if (measure.name == "rto") return rto_parts_text(measure.parts);
  constexpr double worth_telling = 0.05;
  std::string text;
  double rest = 0;
  const auto tell = [&](const std::string& name, double seconds) {
    text += fmt::format("{}{} {}", text.empty() ? "" : " | ", name, duration_text(seconds));
  };
  for (const auto& part : measure.parts) {
    const bool told = part.mean >= worth_telling * *measure.mean;
    told ? tell(part.name, part.mean) : void(rest += part.mean);
  }
  if (rest > 0) tell("other", rest);
  return text;
}

std::string none_text(const MeasureSummary& measure) {
  if (measure.name == "rto") return "none, there was no fault";
  if (measure.name == "replacement_lag") return "none, no target was lost";
  if (measure.name == "scaling_lag") return "none, demand stayed within capacity";
  if (measure.name.starts_with("throttled")) return "none, no component has quotas";
  if (measure.name == "availability") return "none, no request was decided";
  return "none";
}

std::string censored_text(const MeasureSummary& measure, const Results& results) {
  return fmt::format("{} of {} not recovered within {}", measure.censored, measure.n,
                     duration_text(horizon_seconds(results)));
}

void add(std::string& text, const std::string& more) {
  if (!more.empty()) text += (text.empty() ? "" : "  ") + more;
}

std::string measure_text(const MeasureSummary& measure, const Results& results) {
  if (measure.n == 0) return none_text(measure);
  std::string text;
  if (measure.censored > 0) {
    text = censored_text(measure, results);
    if (measure.p50) add(text, "p50 " + value_text(*measure.p50, measure.is_share));
    return text;
  }
  const bool same = measure.ci95 && measure.ci95->low == measure.ci95->high;
  text = fmt::format("{:<{}}", value_text(*measure.mean, measure.is_share), value_width - 2);
  if (measure.ci95 && !same) add(text, interval_text(*measure.ci95, measure.is_share));
  if (!more_is_better(measure.name) && !same && measure.n > 1 && measure.p95) {
    const bool is_clock = !measure.is_share && *measure.p95 >= 10;
    add(text, "p95 " + (is_clock ? clock_text(*measure.p95)
                                 : value_text(*measure.p95, measure.is_share)));
  }
  if (*measure.mean > 0) add(text, parts_text(measure));
  if (measure.n < results.records.size()) {
    add(text, fmt::format("in {} of {} replications", measure.n, results.records.size()));
  }
  return text;
}

// Why an undecided objective is undecided, where it isn't plain from the interval.
std::string doubt_text(const ObjectiveSummary& objective, const Summary& summary) {
  if (objective.verdict != Verdict::undecided) return {};
  const auto& measure = summary.measure(objective.objective.measure());
  if (measure.n == 0) return " (nothing was measured)";
  if (objective.share_within) {
    const auto n = static_cast<std::size_t>(
        std::ceil(std::log((1 - confidence) / 2) / std::log(objective.share_required)));
    if (measure.n < n) return fmt::format(" (needs {} replications or more)", n);
    return {};
  }
  return measure.n == 1 ? " (one replication has no interval)" : "";
}

std::string objective_text(const ObjectiveSummary& objective, const Summary& summary) {
  const auto& claim = objective.objective;
  const bool is_share = summary.measure(claim.measure()).is_share;
  std::string text = "objective ";
  if (claim.statistic() != "mean") text += claim.statistic() + " ";
  text += is_share ? fmt::format("{:g} %", claim.limit() * 100) : duration_text(claim.limit());
  if (objective.share_within) {
    text += fmt::format(", {:.3g} % within it [{:.0f}, {:.0f}]", *objective.share_within * 100,
                        objective.share_ci95->low * 100, objective.share_ci95->high * 100);
  }
  return fmt::format("{:<22} {}{}", text, to_string(objective.verdict),
                     doubt_text(objective, summary));
}

std::string fault_lines(const Results& results) {
  std::string text;
  for (const auto& record : results.records) {
    for (const auto& event : record.events()) {
      if (event.milestone() != "fault") continue;
      const std::string date = clock_text(static_cast<double>(event.at()) / 1e9);
      text += line(text.empty() ? "fault" : "",
                   fmt::format("{}  {} {}", date, event.component(), event.text()));
    }
    if (!text.empty()) break;  // the same in every replication
  }
  return text;
}

// What the share of users hit comes to over time.
std::string users_text(const Results& results, const Summary& summary) {
  const double of_a_user = *summary.measure("user_time_hit").mean;
  const auto users = static_cast<double>(results.records.front().measures().users());
  return fmt::format("at the worst; a user for {}, {} user-minutes", duration_text(of_a_user),
                     count_text(static_cast<std::uint64_t>(of_a_user * users / 60)));
}

std::string measure_lines(const Results& results, const Summary& summary) {
  std::vector<std::array<std::string, 3>> rows;
  std::size_t width = 0;
  for (const auto& measure : summary.measures) {
    const auto* objective = summary.objective_of(measure.name);
    // What never lagged has no lag worth a line.
    if (measure.n == 0 && !objective && measure.name.ends_with("_lag")) continue;
    if (measure.name == "user_time_hit" || (measure.name == "users_hit" && measure.n == 0))
      continue;
    // Nor has a topology that stores nothing an RPO.
    // Nor one without quotas, or within them, a throttled share.
    const bool throttled = measure.worst.value_or(0) > 0;
    if (measure.name.starts_with("throttled") && !throttled && !objective) continue;
    const bool stores =
        summary.writes_acknowledged + summary.writes_lost + summary.writes_unknown > 0;
    if (measure.name == "rpo" && !stores && !objective) continue;
    std::string label = measure.name;
    if (label == "rto") label = "RTO";
    if (label == "rpo") label = "RPO";
    if (label == "users_hit") label = "users hit";
    if (label == "replacement_lag") label = "replacement";
    if (label == "scaling_lag") label = "scaling lag";
    if (label == "throttled_share") label = "throttled";
    if (label == "throttled_spell") label = "longest spell";
    std::string text = measure_text(measure, results);
    if (measure.name == "rpo") {
      add(text,
          fmt::format("{} of {} acknowledged writes lost, {} unknown",
                      count_text(summary.writes_lost), count_text(summary.writes_acknowledged),
                      count_text(summary.writes_unknown)));
    }
    if (measure.name == "users_hit") add(text, users_text(results, summary));
    if (objective) width = std::max(width, text.size());
    rows.push_back({label, text, objective ? objective_text(*objective, summary) : ""});
  }
  std::string lines;
  for (const auto& [label, text, objective] : rows) {
    lines += objective.empty() ? line(label, text)
                               : line(label, fmt::format("{:<{}}    {}", text, width, objective));
  }
  return lines;
}

// What lag cost, and what staying ahead of it did, by component that scales.
std::string capacity_lines(const Summary& summary) {
  std::string text;
  for (const auto& [component, metrics] : summary.components) {
    const auto below = metrics.find("InstanceSecondsBelowNeed");
    if (below == metrics.end()) continue;
    std::string of_component =
        fmt::format("{}: {:.0f} instance-seconds below need, {:.0f} above", component,
                    below->second.at("sum"), metrics.at("InstanceSecondsAboveNeed").at("sum"));
    if (const auto& drain = metrics.at("DrainTime"); drain.at("count") > 0) {
      of_component += fmt::format("; queues drained in {}", duration_text(drain.at("mean")));
    }
    text += line(text.empty() ? "capacity" : "", of_component);
  }
  return text;
}

// Who was refused by which component, and why; a line a component, the totals of all replications.
std::string throttling_lines(const Summary& summary) {
  std::string text, of_component;
  const auto end_line = [&] {
    if (!of_component.empty()) text += line(text.empty() ? "throttling" : "", of_component);
    of_component.clear();
  };
  for (const auto& row : summary.throttling) {
    if (row.caller.empty()) end_line();
    if (row.refused == 0) continue;
    if (row.caller.empty()) {
      of_component = fmt::format("{}: {} of {} {} refused, longest spell {}", row.component,
                                 count_text(row.refused), count_text(row.offered), row.offers,
                                 duration_text(row.longest_spell));
    } else if (!row.reason.empty()) {
      of_component +=
          fmt::format("; {} of {}: {}", share_text(row.share()), row.caller, row.reason);
    }
  }
  end_line();
  return text;
}

// What became of the messages of each queue, topic, bus and stream; means over the replications.
std::string message_lines(const Summary& summary) {
  static constexpr std::pair<const char*, const char*> ends[] = {
      {"MessagesDelivered", "delivered"},
      {"MessagesForwarded", "forwarded"},
      {"MessagesDeadLettered", "dead-lettered"},
      {"MessagesDiscarded", "discarded"},
      {"MessagesExpired", "expired"},
      {"MessagesLost", "lost"},
      {"MessagesLeft", "left"},
      {"DuplicateEffects", "done twice"},
      {"MessagesReordered", "out of order"}};
  std::string text;
  for (const auto& [component, metrics] : summary.components) {
    const auto accepted = metrics.find("MessagesAccepted");
    if (accepted == metrics.end() || accepted->second.at("sum") == 0) continue;
    const auto mean = [](double value) {
      return value == std::floor(value) ? fmt::format("{:.0f}", value)
                                        : fmt::format("{:.1f}", value);
    };
    std::string of_component =
        fmt::format("{}: {} accepted", component, mean(accepted->second.at("sum")));
    for (const auto& [metric, word] : ends) {
      const double value = metrics.at(metric).at("sum");
      if (value > 0) of_component += fmt::format(", {} {}", mean(value), word);
    }
    if (const auto& effect = metrics.at("ProducerToEffect"); effect.at("count") > 0) {
      of_component += fmt::format("; to the effect p50 {}, p99 {}", duration_text(effect.at("p50")),
                                  duration_text(effect.at("p99")));
    }
    const auto drain = metrics.find("TimeToDrain");
    if (drain != metrics.end() && drain->second.at("count") > 0) {
      of_component +=
          fmt::format("; backlog drained in {}", duration_text(drain->second.at("max")));
    }
    text += line(text.empty() ? "messages" : "", of_component);
  }
  return text;
}

std::string stories_text(const Results& results, const Summary& summary,
                         const VerdictContext& context) {
  std::string text;
  const auto tell = [&](const char* which, std::size_t position) {
    const auto& record = results.records[position];
    text += fmt::format("{} replication (seed {}/{}): {}\n", which, results.header.seed(),
                        record.replication() + 1, story_text(record, context.story_events));
  };
  if (!summary.median) return text;
  tell("median", *summary.median);
  if (summary.worst != summary.median) tell("worst", *summary.worst);
  return text;
}

std::string assumption_line(const Results& results, const VerdictContext& context) {
  constexpr int named_max = 6;
  int defaults = 0, unsourced = 0;
  std::string named;
  for (const auto& assumption : results.header.assumptions()) {
    if (!assumption.at_default()) continue;
    ++defaults;
    if (!assumption.unsourced()) continue;
    if (++unsourced > named_max) continue;
    named +=
        fmt::format("{}{} {}", unsourced > 1 ? ", " : ": ", assumption.path(), assumption.value());
  }
  if (unsourced > named_max) named += ", ...";
  std::string text = fmt::format("{} {} at AWS defaults, {} of them unsourced{}", defaults,
                                 defaults == 1 ? "value" : "values", unsourced, named);
  if (!context.results_path.empty()) {
    text += fmt::format(" (windtunnel show {} assumptions)", context.results_path);
  }
  return line("assumptions", text);
}

}  // namespace

std::string verdict_text(const Results& results, const Summary& summary,
                         const VerdictContext& context) {
  const double seconds = context.wall_seconds > 0 ? context.wall_seconds : summary.cpu_seconds;
  std::string text =
      line("experiment", fmt::format("{}    seed {}    {} replication{}    {} requests in {}{}",
                                     results.header.experiment(), results.header.seed(),
                                     summary.replications, summary.replications == 1 ? "" : "s",
                                     short_count_text(summary.requests), duration_text(seconds),
                                     context.wall_seconds > 0 ? "" : " of processor time"));
  if (summary.replications < results.header.replications()) {
    text += line("", fmt::format("{} of {} replications are missing",
                                 results.header.replications() - summary.replications,
                                 results.header.replications()));
  }
  text += fault_lines(results);
  text += measure_lines(results, summary);
  text += capacity_lines(summary);
  text += throttling_lines(summary);
  text += message_lines(summary);
  text += stories_text(results, summary, context);
  text += assumption_line(results, context);
  if (!context.results_path.empty()) text += line("results", context.results_path);
  return text;
}

std::string assumptions_text(const ExperimentHeader& header) {
  std::string text;
  for (const auto& assumption : header.assumptions()) {
    text += fmt::format("{:<44} {:<12} {:<9} {}{}\n", assumption.path(), assumption.value(),
                        assumption.at_default() ? "default" : "given", assumption.sentence(),
                        assumption.source().empty() ? "" : " [" + assumption.source() + "]");
  }
  return text;
}

}  // namespace windtunnel::analysis
