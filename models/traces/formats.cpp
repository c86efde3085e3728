#include "models/traces/formats.hpp"

#include <fmt/format.h>

#include "models/traces/readers.hpp"
#include "models/traces/utf8.hpp"

namespace windtunnel::traces {

namespace {

std::string_view first_line(std::string_view sample) {
  while (!sample.empty() && (sample[0] == '\n' || sample[0] == '\r' || sample[0] == ' '))
    sample.remove_prefix(1);
  std::string_view line = sample.substr(0, sample.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string names() {
  std::string all;
  for (const Format& format : formats())
    all += (all.empty() ? "" : ", ") + std::string(format.name);
  return all;
}

[[noreturn]] void unrecognised(std::string_view first) {
  std::string looked_for;
  for (const Format& format : formats()) {
    looked_for +=
        fmt::format("{}{} ({})", looked_for.empty() ? "" : ", ", format.name, format.sentence);
  }
  throw Bad{1, 1,
            fmt::format("is not recognised by its beginning, {}; looked for {}", quoted(first),
                        looked_for)};
}

}  // namespace

const std::vector<Format>& formats() {
  static const std::vector<Format> all = {
      {"elb_log",
       "access log of an Application or Classic Load Balancer: [type] time elb client:port",
       looks_like_elb_log, open_elb_log},
      {"web_log", "access log of Apache or nginx, common or combined: host - - [date] \"request\"",
       looks_like_web_log, open_web_log},
      {"cloudwatch_json",
       "CloudWatch's GetMetricData or GetMetricStatistics: MetricDataResults, Datapoints",
       looks_like_cloudwatch_json, open_cloudwatch_json},
      {"k6_json", "k6's points as JSON lines: \"type\":\"Point\"", looks_like_k6_json,
       open_k6_json},
      {"k6_summary", "k6's summary at the end of a test: JSON with http_reqs",
       looks_like_k6_summary, open_k6_summary},
      {"k6_csv", "k6's points as CSV: metric_name,timestamp,metric_value", looks_like_k6_csv,
       open_k6_csv},
      {"azure_minutes",
       "Azure Functions, invocations a minute: HashOwner,HashApp,HashFunction,Trigger,1,2,...",
       looks_like_azure_minutes, open_azure_minutes},
      {"azure_durations",
       "Azure Functions, durations: HashOwner,HashApp,HashFunction,Average,Count,...",
       looks_like_azure_durations, open_azure_durations},
      {"azure_invocations", "Azure Functions 2021: app,func,end_timestamp,duration",
       looks_like_azure_invocations, open_azure_invocations},
      {"rate_csv",
       "rate series, CloudWatch's CSV too: a column of dates or times and one of numbers",
       looks_like_rate_csv, open_rate_csv}};
  return all;
}

Opened open_trace(std::unique_ptr<Source> source, const Options& options) {
  auto text = std::make_unique<Text>(std::move(source));
  const std::string_view sample = text->sample(), first = first_line(sample);
  for (const Format& format : formats()) {
    const bool taken =
        options.format.empty() ? format.looks_like(sample, first) : options.format == format.name;
    if (taken) return {&format, format.open(std::move(text), options)};
  }
  if (options.format.empty()) unrecognised(first);
  throw Bad{1, 1,
            fmt::format("there is no format {}; there are {}", quoted(options.format), names())};
}

Reading read_all(std::string_view bytes, const Options& options) {
  Reading reading;
  try {
    const Opened opened = open_trace(open_bytes(bytes), options);
    reading.format = opened.format->name;
    for (Row row; opened.reader->next(row); ++reading.rows) reading.requests += row.count;
  } catch (const Bad& bad) {
    reading.bad = bad;
  }
  return reading;
}

}  // namespace windtunnel::traces
