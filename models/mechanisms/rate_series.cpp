#include "models/mechanisms/rate_series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <string_view>

#include "sim/check.hpp"

namespace windtunnel {

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using Date = std::chrono::sys_seconds;

constexpr std::size_t most_problems = 20;
constexpr double most_per_bin = 1e12;

// "2014-04-10 00:04:00", "2014-04-10T00:04", "2014-04-10"; 24:00 is the end of the day.
std::optional<Date> parse_date(std::string_view text) {
  if (text.ends_with('Z')) text.remove_suffix(1);
  int part[6] = {0, 1, 1, 0, 0, 0};
  const std::string_view separators = "-- ::";
  int n = 0;
  const char* at = text.data();
  const char* end = at + text.size();
  for (; n < 6; ++n) {
    const auto result = std::from_chars(at, end, part[n]);
    if (result.ec != std::errc() || part[n] < 0) return std::nullopt;
    at = result.ptr;
    if (at == end) break;
    if (n == 5 && *at == '.') {  // fractions of a second are below a bin's grain
      at = end;
      break;
    }
    if (n == 5) return std::nullopt;
    const char separator = separators[static_cast<std::size_t>(n)];
    if (*at != separator && !(separator == ' ' && *at == 'T')) return std::nullopt;
    ++at;
  }
  if (at != end || n < 2 || n == 3) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(part[0]),
                                        std::chrono::month(static_cast<unsigned>(part[1])),
                                        std::chrono::day(static_cast<unsigned>(part[2]))};
  if (!day.ok() || part[3] > 24 || part[4] > 59 || part[5] > 60) return std::nullopt;
  if (part[3] == 24 && (part[4] > 0 || part[5] > 0)) return std::nullopt;
  return std::chrono::sys_days(day) + hours(part[3]) + minutes(part[4]) +
         std::chrono::seconds(part[5]);
}

struct Row {
  Date date;
  double count;
};

// One line of the file; a header (no digit at its start) is passed over.
void read_row(std::string_view line, std::size_t number, std::vector<Row>& rows,
              std::vector<TraceProblem>& problems) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (number == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  if (line.empty()) return;
  const std::size_t comma = line.find(',');
  const std::string_view date_text = line.substr(0, comma);
  const auto date = parse_date(date_text);
  if (!date) {
    const bool header = number == 1 && (line[0] < '0' || line[0] > '9');
    if (!header)
      problems.push_back({number, 1, fmt::format("'{}' is not a date", date_text.substr(0, 40))});
    return;
  }
  if (comma == std::string_view::npos) {
    problems.push_back({number, line.size() + 1, "a count is missing after the date"});
    return;
  }
  const std::string_view count_text = line.substr(comma + 1, line.find(',', comma + 1) - comma - 1);
  double count = 0;
  const auto result =
      std::from_chars(count_text.data(), count_text.data() + count_text.size(), count);
  if (result.ec != std::errc() || result.ptr != count_text.data() + count_text.size()) {
    problems.push_back(
        {number, comma + 2, fmt::format("'{}' is not a count", count_text.substr(0, 40))});
  } else if (!(count >= 0) || count > most_per_bin) {
    problems.push_back(
        {number, comma + 2,
         fmt::format("count {} is not within 0 and {}", count_text.substr(0, 40), most_per_bin)});
  } else if (!rows.empty() && *date <= rows.back().date) {
    problems.push_back(
        {number, 1, fmt::format("date '{}' is not after the one before", date_text)});
  } else {
    rows.push_back({*date, count});
  }
}

std::vector<Row> read_rows(const std::string& file, std::vector<TraceProblem>& problems) {
  std::vector<Row> rows;
  std::ifstream in(file);
  std::string line;
  if (!in || !in.good()) {
    problems.push_back({1, 1, "cannot be read"});
    return rows;
  }
  for (std::size_t number = 1; std::getline(in, line) && problems.size() < most_problems;
       ++number) {
    read_row(line, number, rows, problems);
  }
  if (problems.empty() && in.bad()) problems.push_back({1, 1, "cannot be read"});
  if (problems.empty() && rows.size() < 2) {
    problems.push_back(
        {1, 1,
         fmt::format("has {} rows of date and count; two are needed to know the width of a bin",
                     rows.size())});
  }
  return rows;
}

// The commonest distance between rows.
std::chrono::seconds bin_width(const std::vector<Row>& rows) {
  std::map<std::chrono::seconds, std::size_t> distances;
  for (std::size_t i = 1; i < rows.size(); ++i) ++distances[rows[i].date - rows[i - 1].date];
  return std::max_element(distances.begin(), distances.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

RateSeries series_of(const std::vector<Row>& rows, Date from, Date to, double scale) {
  RateSeries series;
  const std::chrono::seconds width = bin_width(rows);
  const auto time = [&](Date date) { return sim::time_zero + (date - from); };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Date end = rows[i].date + width;
    if (i + 1 < rows.size()) end = std::min(end, rows[i + 1].date);
    const double rate = rows[i].count * scale / static_cast<double>((end - rows[i].date).count());
    const Date start = std::max(rows[i].date, from);
    end = std::min(end, to);
    if (start >= end) continue;
    series.bins.push_back({time(start), time(end), rate});
    series.total += rate * static_cast<double>((end - start).count());
  }
  series.length = to - from;
  return series;
}

}  // namespace

std::shared_ptr<const RateSeries> read_trace(const TraceCut& cut,
                                             std::vector<TraceProblem>& problems) {
  const std::vector<Row> rows = read_rows(cut.file, problems);
  if (!problems.empty()) return nullptr;
  Date from = rows.front().date, to = rows.back().date + bin_width(rows);
  for (auto [text, date, what] : {std::tuple{&cut.from, &from, "from"}, {&cut.to, &to, "to"}}) {
    if (text->empty()) continue;
    const auto parsed = parse_date(*text);
    if (!parsed) {
      problems.push_back(
          {1, 1, fmt::format("{} '{}' is not a date such as 1998-06-30T18:00", what, *text)});
    } else {
      *date = *parsed;
    }
  }
  if (problems.empty() && from >= to) problems.push_back({1, 1, "the cut ends before it begins"});
  if (problems.empty() &&
      to - from > std::chrono::duration_cast<std::chrono::seconds>(sim::horizon_limit)) {
    problems.push_back({1, 1, "the cut is longer than ten years"});
  }
  if (!problems.empty()) return nullptr;
  auto series = std::make_shared<const RateSeries>(series_of(rows, from, to, cut.scale));
  if (series->bins.empty()) problems.push_back({1, 1, "there is no row within the cut"});
  return problems.empty() ? series : nullptr;
}

std::shared_ptr<const RateSeries> rate_series(const TraceCut& cut) {
  static std::map<TraceCut, std::shared_ptr<const RateSeries>> kept;
  auto& series = kept[cut];
  if (series == nullptr) {
    std::vector<TraceProblem> problems;
    series = read_trace(cut, problems);
    WT_CHECK(series != nullptr, "a trace that was checked cannot be read any more");
  }
  return series;
}

}  // namespace windtunnel
