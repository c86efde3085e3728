// Traces of Azure Functions, as published: per day a wide CSV of invocations a minute (2019), a CSV
// of durations, and a CSV with a row an invocation (2021). They name no date: a trace begins at 0.
// `series` picks one owner, app, function or trigger by its hash or name; else all add up.
#include <fmt/format.h>

#include <cmath>

#include "models/traces/fields.hpp"
#include "models/traces/readers.hpp"
#include "models/traces/utf8.hpp"

namespace windtunnel::traces {

namespace {

constexpr std::size_t minutes_max = 60 * 24 * 31;

// What the three files share: a header, then rows with as many fields.
class AzureCsv : public Reader {
 public:
  AzureCsv(std::unique_ptr<Text> text, const Options& options)
      : text_(std::move(text)), series_(options.series) {
    std::string_view line;
    if (!text_->line(line) || !split_csv(line, ',', fields_)) text_->bad(1, "a header is missing");
    for (const std::string_view field : fields_) header_.emplace_back(field);
  }
  std::size_t line() const override { return text_->line_number(); }

 protected:
  // The next row that is of the series.
  bool read_row(std::size_t names) {
    std::string_view line;
    while (text_->line(line)) {
      if (line.empty()) continue;
      if (!split_csv(line, ',', fields_)) text_->bad(line.size(), "a quote is not closed");
      if (fields_.size() != header_.size()) {
        text_->bad(line.size() + 1, fmt::format("the row has {} fields, the header {}",
                                                fields_.size(), header_.size()));
      }
      bool wanted = series_.empty();
      for (std::size_t i = 0; i < names; ++i) wanted = wanted || fields_[i] == series_;
      if (wanted) return true;
    }
    return false;
  }
  double number(std::size_t column, const char* what) {
    double value = 0;
    const std::string_view text = fields_[column];
    if (!to_number(text, value) || !(value >= 0) || value > 1e12) {
      text_->bad(text, fmt::format("{} is not {}", quoted(text), what));
    }
    return value;
  }
  std::size_t column(std::string_view name) const {
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (lower_case(header_[i]) == name) return i;
    }
    throw Bad{1, 1, fmt::format("there is no column {}", quoted(name))};
  }

  std::unique_ptr<Text> text_;
  std::string series_;
  std::vector<std::string> header_;
  std::vector<std::string_view> fields_;
};

// HashOwner,HashApp,HashFunction,Trigger,1,2,...,1440
class AzureMinutes final : public AzureCsv {
 public:
  AzureMinutes(std::unique_ptr<Text> text, const Options& options)
      : AzureCsv(std::move(text), options) {
    kind = Kind::counts;
    while (first_ < header_.size() && header_[first_] != "1") ++first_;
    if (header_.size() <= first_) text_->bad(1, "the header has no column for minute 1");
    if (header_.size() - first_ > minutes_max) text_->bad(1, "the header has more than 31 days");
    sums_.resize(header_.size() - first_);
    std::size_t rows = 0;
    for (; read_row(first_); ++rows) {
      for (std::size_t i = 0; i < sums_.size(); ++i) {
        sums_[i] += number(first_ + i, "a number of invocations");
      }
    }
    if (rows == 0) {
      throw Bad{1, 1,
                series_.empty() ? "has no rows" : fmt::format("has no row of {}", quoted(series_))};
    }
    detail = series_.empty() ? fmt::format("sum of {} functions", rows) : quoted(series_);
  }

  bool next(Row& row) override {
    if (at_ == sums_.size()) return false;
    row = Row{};
    row.at = Date(std::chrono::minutes(at_));
    row.width = std::chrono::minutes(1);
    row.count = sums_[at_++];
    return true;
  }

 private:
  std::size_t first_ = 0, at_ = 0;
  std::vector<double> sums_;
};

// ...,Average,Count,... in milliseconds
class AzureDurations final : public AzureCsv {
 public:
  AzureDurations(std::unique_ptr<Text> text, const Options& options)
      : AzureCsv(std::move(text), options), average_(column("average")), count_(column("count")) {
    kind = Kind::durations;
  }
  bool next(Row& row) override {
    if (!read_row(3)) return false;
    row = Row{};
    row.count = number(count_, "a number of invocations");
    row.service = Nanoseconds(std::llround(number(average_, "milliseconds") * 1e6));
    row.total = row.service;
    return true;
  }

 private:
  std::size_t average_, count_;
};

// app,func,end_timestamp,duration in seconds; an invocation came at its end less its duration.
class AzureInvocations final : public AzureCsv {
 public:
  AzureInvocations(std::unique_ptr<Text> text, const Options& options)
      : AzureCsv(std::move(text), options),
        end_(column("end_timestamp")),
        duration_(column("duration")) {}
  bool next(Row& row) override {
    if (!read_row(2)) return false;
    row = Row{};
    const double end = number(end_, "a time in seconds");
    const double duration = number(duration_, "a number of seconds");
    if (end > 7e9 || duration > longest_time) text_->bad(1, "a time of more than 200 years");
    row.total = row.service = Nanoseconds(std::llround(duration * 1e9));
    row.at = Date(Nanoseconds(std::llround(end * 1e9)) - row.total);
    row.path = fields_[1];
    return true;
  }

 private:
  std::size_t end_, duration_;
};

}  // namespace

bool looks_like_azure_minutes(std::string_view, std::string_view first) {
  return first.starts_with("HashOwner,HashApp,HashFunction") &&
         first.find(",1,2,") != std::string_view::npos;
}
bool looks_like_azure_durations(std::string_view, std::string_view first) {
  return first.starts_with("HashOwner,HashApp,HashFunction") &&
         first.find("Average,Count,Minimum,Maximum") != std::string_view::npos;
}
bool looks_like_azure_invocations(std::string_view, std::string_view first) {
  return first.starts_with("app,func,end_timestamp,duration");
}

MadeReader open_azure_minutes(std::unique_ptr<Text> text, const Options& options) {
  return std::make_unique<AzureMinutes>(std::move(text), options);
}
MadeReader open_azure_durations(std::unique_ptr<Text> text, const Options& options) {
  return std::make_unique<AzureDurations>(std::move(text), options);
}
MadeReader open_azure_invocations(std::unique_ptr<Text> text, const Options& options) {
  return std::make_unique<AzureInvocations>(std::move(text), options);
}

}  // namespace windtunnel::traces
