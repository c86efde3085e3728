// A rate series as CSV: a date (dates.hpp knows the ways to write one) or a time in numbers, and a
// count or a rate; a header or not, delimiter , ; tab | or a space. CloudWatch's export is one.
// What a count that is not there (empty, NaN, -) leaves is a gap.
#include <fmt/format.h>

#include <algorithm>

#include "models/traces/csv_layout.hpp"
#include "models/traces/fields.hpp"
#include "models/traces/readers.hpp"
#include "models/traces/utf8.hpp"

namespace windtunnel::traces {

namespace {

constexpr double count_max = 1e12;

class RateCsv final : public Reader {
 public:
  RateCsv(std::unique_ptr<Text> text, const Options& options)
      : text_(std::move(text)), layout_(csv_layout(text_->sample(), options)) {
    kind = Kind::counts;
    zone = layout_.zone;
    detail = layout_.value_name;
    per_second_ = layout_.values == Values::per_minute ? 1.0 / 60 : 1;
  }

  bool next(Row& row) override {
    std::string_view line;
    while (text_->line(line)) {
      if (line.empty() || text_->line_number() <= layout_.header_lines) continue;
      if (read(line, row)) return true;
    }
    return false;
  }
  std::size_t line() const override { return text_->line_number(); }

 private:
  bool read(std::string_view line, Row& row) {
    if (!split_csv(line, layout_.delimiter, fields_)) {
      text_->bad(line.size(), "a quote is not closed: the line is truncated");
    }
    if (layout_.time_column >= fields_.size()) text_->bad(line.size() + 1, "a date is missing");
    const std::string_view date_text = fields_[layout_.time_column];
    const auto date = read_date(date_text, layout_.dates);
    if (!date) {
      text_->bad(date_text, fmt::format("{} is not a date{}", quoted(date_text), hint(date_text)));
    }
    if (layout_.value_column >= fields_.size()) {
      text_->bad(line.size() + 1, "a count is missing after the date");
    }
    const std::string_view text = fields_[layout_.value_column];
    if (is_missing(text)) return false;
    row = Row{};
    row.at = date->date;
    row.count = count_of(text);
    row.is_rate = layout_.values != Values::counts;
    if (row.is_rate) row.count *= per_second_;
    return true;
  }

  double count_of(std::string_view text) {
    double count = 0;
    bool good = to_number(text, count);
    if (!good && layout_.delimiter != ',') {  // 12,5 where the comma does not delimit
      std::string with_point(text);
      std::replace(with_point.begin(), with_point.end(), ',', '.');
      good = to_number<double>(with_point, count);
    }
    if (!good) text_->bad(text, fmt::format("{} is not a count", quoted(text)));
    if (!(count >= 0) || count > count_max) {
      text_->bad(text,
                 fmt::format("count {} is not within 0 and {}", text.substr(0, 40), count_max));
    }
    return count;
  }

  // 13/4/2014 behind 12/4/2014.
  std::string hint(std::string_view text) const {
    DateOptions other = layout_.dates;
    other.day_first = !other.day_first;
    if (!read_date(text, other)) return "";
    return fmt::format("; the {} stands first? say so by `dates`",
                       other.day_first ? "day" : "month");
  }

  std::unique_ptr<Text> text_;
  CsvLayout layout_;
  double per_second_ = 1;
  std::vector<std::string_view> fields_;
};

}  // namespace

bool looks_like_rate_csv(std::string_view sample, std::string_view) {
  try {
    csv_layout(sample, {});
    return true;
  } catch (const Bad& bad) {
    return bad.text.find("several columns") != std::string::npos;  // the user has to say more
  }
}

MadeReader open_rate_csv(std::unique_ptr<Text> text, const Options& options) {
  return std::make_unique<RateCsv>(std::move(text), options);
}

}  // namespace windtunnel::traces
