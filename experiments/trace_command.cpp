// `windtunnel trace`: what a recorded load holds, as text, JSON and a picture.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "experiments/commands.hpp"
#include "experiments/trace_picture.hpp"
#include "experiments/whole_file.hpp"
#include "models/load/client_load.hpp"
#include "models/traces/formats.hpp"
#include "models/traces/summary.hpp"
#include "models/traces/utf8.hpp"
#include "topologies/quantity.hpp"

namespace windtunnel::experiments {

namespace {

using traces::Kind;
using traces::Shape;
using traces::Span;
using traces::Summary;
using traces::Windows;

std::string duration(Span span) { return format_quantity(span.count(), schema::DURATION); }
double in_seconds(Span span) { return static_cast<double>(span.count()) * 1e-9; }
std::string date(const Summary& summary, Span at) {
  return traces::format_date(std::chrono::floor<std::chrono::seconds>(summary.start + at));
}

// 1352804107 as 1,352,804,107; fractions only of small numbers.
std::string number(double value) {
  if (value < 100 && value != std::floor(value)) return fmt::format("{:.3g}", value);
  const std::string digits = fmt::format("{:.0f}", value);
  std::string grouped;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) grouped += ',';
    grouped += digits[i];
  }
  return grouped;
}
std::string rate(double per_second) {
  if (per_second >= 1 || per_second == 0)
    return fmt::format("{}/s", number(std::round(per_second * 10) / 10));
  return per_second * 60 >= 1 ? fmt::format("{:.3g}/min", per_second * 60)
                              : fmt::format("{:.3g}/h", per_second * 3600);
}
std::string bytes(double count) {
  constexpr const char* units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  for (; count >= 1000 && unit < 5; ++unit) count /= 1000;
  return fmt::format("{:.3g} {}", count, units[unit]);
}
std::string time(double seconds) {
  if (seconds >= 1) return fmt::format("{:.3g} s", seconds);
  return seconds >= 1e-3 ? fmt::format("{:.3g} ms", seconds * 1e3)
                         : fmt::format("{:.3g} us", seconds * 1e6);
}

// Windows in which there is something to be said: as a rule at least 20.
std::vector<const Windows*> telling(const Shape& shape) {
  std::vector<const Windows*> all;
  for (const Windows& windows : shape.windows()) {
    if (windows.windows() >= 20) all.push_back(&windows);
  }
  return all;
}
// Where the peak is looked for: in bins, or in minutes of a log.
const Windows* peak_windows(const Shape& shape) {
  const Windows* found = nullptr;
  for (const Windows& windows : shape.windows()) {
    const bool fits = shape.grain() > Span(0) ? windows.length() == shape.grain()
                                              : windows.length() <= std::chrono::minutes(1);
    if (fits && windows.windows() > 0) found = &windows;
  }
  return found;
}
double mean_rate(const Shape& shape) {
  return shape.covered() > Span(0) ? shape.total() / in_seconds(shape.covered()) : 0;
}

template <std::size_t N>
std::string bars(const std::array<double, N>& rates) {
  constexpr const char* blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double most = *std::max_element(rates.begin(), rates.end());
  std::string text;
  for (const double each : rates) {
    const double step = most > 0 ? each / most * 7.999 : 0;
    text += each < 0 ? "·" : blocks[static_cast<std::size_t>(step)];
  }
  return text;
}

std::string when_text(const Summary& summary) {
  const Shape& shape = *summary.shape;
  const std::string clock = summary.zone == std::chrono::seconds(0)
                                ? ""
                                : fmt::format(", UTC{:+03}:{:02}", summary.zone.count() / 3600,
                                              std::abs(summary.zone.count()) / 60 % 60);
  std::string text = fmt::format("  {} to {}{} ({})\n", date(summary, Span(0)),
                                 date(summary, shape.length()), clock, duration(shape.length()));
  if (shape.grain() == Span(0)) {
    return text + fmt::format("  {} requests\n", number(shape.total()));
  }
  text += fmt::format("  {} requests in {} bin{} of {}\n", number(shape.total()),
                      number(static_cast<double>(shape.pieces())), shape.pieces() == 1 ? "" : "s",
                      duration(shape.grain()));
  if (shape.gaps() == 0) return text + "  no bins are missing\n";
  const auto longest = shape.longest_gap();
  return text + fmt::format("  {} gap{}, {} in all, the longest {} from {}\n", shape.gaps(),
                            shape.gaps() == 1 ? "" : "s", duration(shape.missing()),
                            duration(longest.to - longest.from), date(summary, longest.from));
}

std::string shape_text(const Summary& summary) {
  const Shape& shape = *summary.shape;
  const double mean = mean_rate(shape);
  std::string text = fmt::format("  mean {}", rate(mean));
  if (const Windows* peak = peak_windows(shape); peak != nullptr && mean > 0) {
    const double height = peak->peak() / in_seconds(peak->length());
    text += fmt::format(", peak {} in {} at {}, {:.3g} times the mean", rate(height),
                        duration(peak->length()), date(summary, peak->peak_at()), height / mean);
  }
  text += "\n";
  std::string scales;
  for (const Windows* windows : telling(shape)) {
    scales += fmt::format("  {} {:.3g}", duration(windows->length()), windows->dispersion());
  }
  if (!scales.empty()) text += fmt::format("  index of dispersion (1 is Poisson):{}\n", scales);
  if (shape.grain() <= std::chrono::hours(1) && shape.length() >= std::chrono::hours(12)) {
    text += fmt::format("  hours 0 to 23   {}\n", bars(shape.hours()));
  }
  if (shape.grain() <= std::chrono::hours(24) && shape.length() >= std::chrono::hours(72)) {
    text += fmt::format("  Monday to Sunday {}\n", bars(shape.days()));
  }
  return text;
}

std::string requests_text(const Summary& summary) {
  const auto& asked = *summary.requested;
  std::string text;
  const auto times = [&](const char* name, const sim::Histogram& histogram) {
    if (histogram.count() == 0) return;
    text += fmt::format("  {:<14} mean {}, p50 {}, p90 {}, p99 {}, p99.9 {} ({} known)\n", name,
                        time(histogram.mean()), time(histogram.quantile(0.5)),
                        time(histogram.quantile(0.9)), time(histogram.quantile(0.99)),
                        time(histogram.quantile(0.999)),
                        number(static_cast<double>(histogram.count())));
  };
  times("service time", asked.service);
  times("response time", asked.total);
  std::string statuses;
  for (const auto& [status, count] : asked.statuses) {
    if (status == 0 && asked.statuses.size() == 1) break;
    statuses += fmt::format("{}{} {:.3g} %", statuses.empty() ? "" : ", ",
                            status == 0 ? "none" : std::to_string(status),
                            100 * static_cast<double>(count) / static_cast<double>(summary.rows));
  }
  if (!statuses.empty()) text += fmt::format("  status         {}\n", statuses);
  if (asked.with_sent > 0) {
    text += fmt::format("  sent           {}, mean {}\n", bytes(asked.sent),
                        bytes(asked.sent / static_cast<double>(asked.with_sent)));
  }
  if (asked.with_received > 0) {
    text += fmt::format("  received       {}, mean {}\n", bytes(asked.received),
                        bytes(asked.received / static_cast<double>(asked.with_received)));
  }
  const auto top = asked.paths.top(10);
  if (!top.empty()) text += "  top paths\n";
  for (const auto& [path, count] : top) {
    text += fmt::format("    {:>6.2f} %  {}\n",
                        100 * static_cast<double>(count) / static_cast<double>(summary.rows),
                        path.size() > 70 ? traces::quoted(path, 70) : path);
  }
  if (asked.paths.error() > 0) {
    text += fmt::format("    each up to {} requests more: there are very many paths\n",
                        asked.paths.error());
  }
  return text;
}

std::string text_of(const Summary& summary) {
  std::string text = fmt::format("{}\n  {}: {}\n", summary.file, summary.format, summary.sentence);
  if (!summary.detail.empty()) text += fmt::format("  {}\n", summary.detail);
  if (summary.kind == Kind::durations) {
    text += fmt::format("  {} functions, {} invocations; no dates: nothing arrives by it\n",
                        summary.rows, number(summary.requests));
    return text + requests_text(summary);
  }
  text += when_text(summary) + shape_text(summary);
  return summary.kind == Kind::requests ? text + requests_text(summary) : text;
}

nlohmann::json json_of(const Summary& summary) {
  nlohmann::json json = {{"file", summary.file},
                         {"format", summary.format},
                         {"rows", summary.rows},
                         {"requests", summary.requests}};
  if (summary.shape) {
    const Shape& shape = *summary.shape;
    json["from"] = traces::format_date(summary.start);
    json["to"] = traces::format_date(summary.start + shape.length());
    json["bin"] = in_seconds(shape.grain());
    json["gaps"] = shape.gaps();
    json["missing"] = in_seconds(shape.missing());
    json["mean_rate"] = mean_rate(shape);
    if (const Windows* peak = peak_windows(shape); peak != nullptr) {
      json["peak_rate"] = peak->peak() / in_seconds(peak->length());
      json["peak_at"] = traces::format_date(summary.start + peak->peak_at());
    }
    json["dispersion"] = nlohmann::json::array();
    for (const Windows* windows : telling(shape)) {
      json["dispersion"].push_back({{"window", in_seconds(windows->length())},
                                    {"index", windows->dispersion()},
                                    {"windows", windows->windows()}});
    }
    json["hours"] = shape.hours();
    json["days"] = shape.days();
  }
  const auto& asked = *summary.requested;
  if (summary.kind == Kind::counts) return json;
  for (const auto& [status, count] : asked.statuses)
    json["statuses"][std::to_string(status)] = count;
  for (const auto* histogram : {&asked.service, &asked.total}) {
    if (histogram->count() == 0) continue;
    json[std::string(histogram->name())] = {{"mean", histogram->mean()},
                                            {"p50", histogram->quantile(0.5)},
                                            {"p90", histogram->quantile(0.9)},
                                            {"p99", histogram->quantile(0.99)}};
  }
  json["sent"] = asked.sent;
  json["received"] = asked.received;
  json["paths"] = nlohmann::json::array();
  for (const auto& [path, count] : asked.paths.top(100)) {
    json["paths"].push_back({{"path", path}, {"requests", count}});
  }
  return json;
}

std::string option_name(const std::string& field) {
  return field == "format" ? "--read-as" : fmt::format("--{}", dashed(field));
}

}  // namespace

int trace(const TraceCommand& command) {
  Diagnostics diagnostics;
  std::vector<Summary> summaries;
  for (const std::string& file : command.files) {
    const auto settings = read_trace_options(command.options, file, option_name, diagnostics);
    if (diagnostics.has_errors()) break;
    try {
      summaries.push_back(traces::summarise(cut_of(settings)));
    } catch (const traces::Bad& bad) {
      tell(bad, {file, 1, 1}, diagnostics);
    }
  }
  nlohmann::json all = nlohmann::json::array();
  for (const Summary& summary : summaries) {
    if (command.json) {
      all.push_back(json_of(summary));
    } else {
      fmt::print("{}", text_of(summary));
    }
  }
  if (command.json) {
    fmt::print("{}\n", all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  fmt::print(stderr, "{}", diagnostics.print());
  if (diagnostics.has_errors()) return 2;
  if (!command.picture.empty()) {
    write_whole(command.picture, traces_picture(summaries.front()));
  }
  return 0;
}

int trace_formats() {
  for (const auto& format : traces::formats()) {
    fmt::print("  {:<18} {}\n", format.name, format.sentence);
  }
  return 0;
}

}  // namespace windtunnel::experiments
