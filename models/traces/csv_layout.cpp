#include "models/traces/csv_layout.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/traces/fields.hpp"
#include "models/traces/utf8.hpp"

namespace windtunnel::traces {

namespace {

constexpr std::size_t header_lines_max = 20;
constexpr std::size_t lines_looked_at = 60;

struct Line {
  std::size_t number;
  std::vector<std::string_view> fields;
};

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}
bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool is_number(std::string_view field) {
  double value = 0;
  std::string copy(field);
  std::replace(copy.begin(), copy.end(), ',', '.');
  return to_number<double>(copy, value);
}
// A date that is not just a number.
bool is_written_date(std::string_view field, const DateOptions& dates) {
  return field.size() > 5 && !is_number(field) && read_date(field, dates).has_value();
}

bool names_time(std::string_view name) {
  return is_one_of(name, {"t", "ts", "time", "timestamp", "date", "datetime", "period", "minute",
                          "minutes", "hour", "hours", "second", "seconds", "epoch", "unix", "bin",
                          "start", "x", "ds"}) ||
         has(name, "time") || has(name, "date") || has(name, "elapsed") || name.starts_with("bin(");
}

// What a number counts from some start, by the column's name.
double unit_of(std::string_view name) {
  if (has(name, "milli") || name.ends_with("_ms") || name.ends_with("(ms)")) return 1e-3;
  if (has(name, "minute") || name.ends_with("_min")) return 60;
  if (has(name, "hour")) return 3600;
  return 1;
}

Values values_of(std::string_view name) {
  if (has(name, "per_min") || has(name, "per min") || has(name, "/min") ||
      is_one_of(name, {"rpm", "tpm"}))
    return Values::per_minute;
  if (has(name, "per_sec") || has(name, "per sec") || name.ends_with("/s") || has(name, "/sec") ||
      is_one_of(name, {"rate", "rps", "qps", "tps", "request_rate", "requestrate"}))
    return Values::per_second;
  return Values::counts;
}

// How likely a column of this name is meant; 0: not at all by its name.
int meant(std::string_view name) {
  if (is_one_of(name, {"requests", "requestcount", "request_count", "invocations", "http_reqs"}))
    return 4;
  if (is_one_of(name, {"count", "counts", "value", "hits", "sum", "arrivals", "calls", "events"}))
    return 3;
  if (has(name, "request") || has(name, "count") || has(name, "hits")) return 2;
  return values_of(name) != Values::counts || is_one_of(name, {"n", "y", "volume", "samplecount"})
             ? 1
             : 0;
}

class LayoutFinder {
 public:
  LayoutFinder(std::string_view sample, const Options& options) : options_(options) {
    layout_.dates.day_first = options.day_first;
    for (const char delimiter : {'\t', ';', ',', '|', ' '}) {
      layout_.delimiter = delimiter;
      split(sample);
      if (find_data()) return;
    }
    throw Bad{1, 1, "no line begins with a date, or a time in numbers, beside a number"};
  }

  CsvLayout take() {
    name_columns();
    find_time();
    find_value();
    const auto first = read_date(field(layout_.time_column), layout_.dates);
    if (!first) bad(layout_.time_column, "is not a date");
    layout_.zone = first->zone.value_or(std::chrono::seconds(0));
    return layout_;
  }

 private:
  void split(std::string_view sample) {
    lines_.clear();
    for (std::size_t number = 1; !sample.empty() && number <= lines_looked_at; ++number) {
      const std::size_t end = sample.find('\n');
      std::string_view line = sample.substr(0, end);
      if (end == std::string_view::npos && number > 1) break;  // it may be cut off
      sample.remove_prefix(end == std::string_view::npos ? sample.size() : end + 1);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.empty()) continue;
      Line& made = lines_.emplace_back(Line{number, {}});
      if (!split_csv(line, layout_.delimiter, made.fields)) lines_.pop_back();
    }
  }

  // The first line with a date and a number in it.
  bool find_data() {
    for (data_ = 0; data_ < lines_.size() && data_ <= header_lines_max; ++data_) {
      const auto& fields = lines_[data_].fields;
      if (fields.size() < 2) continue;
      const auto numbers = std::count_if(fields.begin(), fields.end(), is_number);
      const bool date = std::any_of(fields.begin(), fields.end(), [&](std::string_view field) {
        return is_written_date(field, layout_.dates);
      });
      const bool only_value_missing = date && std::any_of(fields.begin(), fields.end(), is_missing);
      if ((date && (numbers >= 1 || only_value_missing)) ||
          (numbers >= 2 && read_date(fields[0]).has_value())) {
        layout_.header_lines = lines_[data_].number - 1;
        return true;
      }
    }
    return false;
  }

  void name_columns() {
    const std::size_t columns = lines_[data_].fields.size();
    const Line* header = nullptr;
    for (std::size_t i = 0; i < data_; ++i) {
      const Line& line = lines_[i];
      if (line.fields.size() != columns) continue;
      const std::string first = lower_case(line.fields[0]);
      // CloudWatch's export has lines of ids, labels and more before the data.
      if (header == nullptr || first == "label" || names_time(first)) header = &line;
    }
    for (std::size_t i = 0; header != nullptr && i < columns; ++i) {
      names_.push_back(lower_case(header->fields[i]));
      written_names_.emplace_back(header->fields[i]);
    }
  }
  std::string name(std::size_t column) const {
    return column < names_.size() ? names_[column] : std::string();
  }
  std::string_view field(std::size_t column) const { return lines_[data_].fields[column]; }

  void find_time() {
    const auto& fields = lines_[data_].fields;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (!is_written_date(fields[i], layout_.dates)) continue;
      layout_.time_column = i;
      return;
    }
    const auto named = std::find_if(names_.begin(), names_.end(), names_time);
    if (named != names_.end()) {
      layout_.time_column = static_cast<std::size_t>(named - names_.begin());
    } else if (!names_.empty()) {
      throw Bad{lines_[data_].number, 1, "no column holds dates, or is named as one of times"};
    }
    layout_.dates.small_number_seconds = unit_of(name(layout_.time_column));
  }

  // Most of what a column has is numbers; the rest is for the reader to complain about.
  bool is_numeric(std::size_t column) const {
    std::size_t numbers = 0, others = 0;
    for (std::size_t i = data_; i < lines_.size(); ++i) {
      if (column >= lines_[i].fields.size() || is_missing(lines_[i].fields[column])) continue;
      ++(is_number(lines_[i].fields[column]) ? numbers : others);
    }
    return numbers > 0 && numbers >= others;
  }

  void find_value() {
    std::vector<std::size_t> numeric;
    for (std::size_t i = 0; i < lines_[data_].fields.size(); ++i) {
      if (i != layout_.time_column && is_numeric(i)) numeric.push_back(i);
    }
    if (numeric.empty()) bad(layout_.time_column, "has no column of numbers beside it");
    const std::size_t chosen = options_.series.empty() ? by_name(numeric) : by_series(numeric);
    layout_.value_column = chosen;
    const std::string written = chosen < written_names_.size() ? written_names_[chosen] : "";
    layout_.value_name = written.empty() ? fmt::format("column {}", chosen + 1)
                                         : fmt::format("column {}", quoted(written));
    layout_.values =
        options_.values == Values::as_named ? values_of(name(chosen)) : options_.values;
  }

  std::size_t by_name(const std::vector<std::size_t>& numeric) {
    if (numeric.size() == 1) return numeric.front();
    int best = 0, of_best = 0;
    std::size_t found = 0;
    for (const std::size_t column : numeric) {
      const int score = meant(name(column));
      if (score > best) of_best = 0;
      if (score >= best) ++of_best;
      if (score > best) {
        best = score;
        found = column;
      }
    }
    if (best > 0 && of_best == 1) return found;
    throw Bad{lines_[data_].number, 1,
              fmt::format("several columns have numbers: {}; say which one by `series`",
                          names_of(numeric))};
  }

  std::size_t by_series(const std::vector<std::size_t>& numeric) {
    const std::string wanted = lower_case(options_.series);
    for (const std::size_t column : numeric) {
      if (name(column) == wanted || std::to_string(column + 1) == wanted) return column;
    }
    throw Bad{lines_[data_].number, 1,
              fmt::format("there is no column {} of numbers; there are: {}",
                          quoted(options_.series), names_of(numeric))};
  }

  std::string names_of(const std::vector<std::size_t>& columns) const {
    std::string all;
    for (std::size_t i = 0; i < columns.size() && i < 20; ++i) {
      all += (i > 0 ? ", " : "") + (columns[i] < written_names_.size()
                                        ? quoted(written_names_[columns[i]])
                                        : std::to_string(columns[i] + 1));
    }
    return all;
  }

  [[noreturn]] void bad(std::size_t column, std::string_view what) const {
    throw Bad{lines_[data_].number, 1, fmt::format("{} {}", quoted(field(column)), what)};
  }

  const Options& options_;
  CsvLayout layout_;
  std::vector<Line> lines_;
  std::size_t data_ = 0;
  std::vector<std::string> names_, written_names_;
};

}  // namespace

bool is_missing(std::string_view field) {
  if (field.empty() || field == "-") return true;
  if (field.size() > 4 || (field[0] >= '0' && field[0] <= '9')) return false;
  const std::string lower = lower_case(field);
  return is_one_of(lower, {"nan", "null", "na", "n/a", "none"});
}

CsvLayout csv_layout(std::string_view sample, const Options& options) {
  return LayoutFinder(sample, options).take();
}

}  // namespace windtunnel::traces
