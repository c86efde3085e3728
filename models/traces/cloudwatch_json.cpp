// CloudWatch's answers as the CLI and the SDKs write them: GetMetricData (one or several metrics,
// one or several pages in a file) and GetMetricStatistics. Points come in any order, newest first
// by default, so they are kept and sorted; there may be no more than points_max of them. A metric's
// values are taken as requests per period; the period is the commonest distance of points.
#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "models/traces/fields.hpp"
#include "models/traces/json.hpp"
#include "models/traces/readers.hpp"
#include "models/traces/utf8.hpp"

namespace windtunnel::traces {

namespace {

using Token = Json::Token;

constexpr std::size_t points_max = 4'000'000;  // 40 calls of 100,800 points
constexpr std::size_t series_max = 5'000;      // ten calls of 500 metrics

struct Series {
  std::string id, label;
  std::vector<Date> dates;
  std::vector<std::uint32_t> lines;
  std::vector<double> values;
};

class CloudWatchJson final : public Reader {
 public:
  CloudWatchJson(std::unique_ptr<Text> text, const Options& options)
      : text_(std::move(text)), json_(*text_), options_(options) {
    kind = Kind::counts;
    while (json_.another()) document();
    choose();
  }

  bool next(Row& row) override {
    if (at_ == order_.size()) return false;
    const std::size_t i = order_[at_++];
    row = Row{};
    row.at = chosen_->dates[i];
    row.count = chosen_->values[i];
    row.is_rate = options_.values == Values::per_second || options_.values == Values::per_minute;
    if (options_.values == Values::per_minute) row.count /= 60;
    return true;
  }
  std::size_t line() const override { return at_ == 0 ? 1 : chosen_->lines[order_[at_ - 1]]; }

 private:
  void expect(Token token, const char* what) {
    if (json_.next() != token) json_.bad(fmt::format("{} is expected here", what));
  }

  // Of the list that is the next value; `read` goes behind the object's end.
  template <typename Read>
  void each_object(Read read) {
    expect(Token::begin_list, "a list");
    for (Token token = json_.next(); token != Token::end_list; token = json_.next()) {
      if (token != Token::begin_object) json_.bad("an object {...} is expected here");
      read();
    }
  }

  void document() {
    expect(Token::begin_object, "a CloudWatch answer {...}");
    std::string label;
    for (Token token = json_.next(); token == Token::key; token = json_.next()) {
      if (json_.value() == "MetricDataResults") {
        each_object([&] { result(); });
      } else if (json_.value() == "Datapoints") {
        each_object([&] { datapoint(); });
      } else if (json_.value() == "Label") {
        json_.skip_value();
        label = json_.value();
      } else {
        json_.skip_value();
      }
    }
    for (Series& series : series_) {
      if (series.label.empty()) series.label = label;
    }
  }

  Series& named(const std::string& id) {
    for (Series& series : series_) {
      if (series.id == id) return series;
    }
    if (series_.size() == series_max) json_.bad(fmt::format("more than {} metrics", series_max));
    series_.emplace_back().id = id;
    return series_.back();
  }

  // {"Id": ..., "Label": ..., "Timestamps": [...], "Values": [...]}; pages repeat ids.
  void result() {
    Series read;
    for (Token token = json_.next(); token == Token::key; token = json_.next()) {
      const std::string key = json_.value();
      if (key == "Timestamps" || key == "Values") {
        expect(Token::begin_list, "a list");
        for (Token item = json_.next(); item != Token::end_list; item = json_.next()) {
          key == "Values" ? value(item, read) : date(item, read);
        }
      } else {
        json_.skip_value();
        if (key == "Id") read.id = json_.value();
        if (key == "Label") read.label = json_.value();
      }
    }
    if (read.dates.size() != read.values.size()) {
      json_.bad(fmt::format("metric {} has {} timestamps and {} values", quoted(read.id),
                            read.dates.size(), read.values.size()));
    }
    Series& kept = named(read.id);
    if (kept.label.empty()) kept.label = read.label;
    const auto append = [](auto& to, const auto& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    append(kept.dates, read.dates);
    append(kept.lines, read.lines);
    append(kept.values, read.values);
  }

  // {"Timestamp": ..., "Sum": 12.0, "Unit": "Count"}: every statistic is a series.
  void datapoint() {
    Series point;
    std::vector<std::pair<std::string, double>> statistics;
    for (Token token = json_.next(); token == Token::key; token = json_.next()) {
      const std::string key = json_.value();
      const Token item = json_.next();
      if (key == "Timestamp") {
        date(item, point);
      } else if (item == Token::number) {
        if (statistics.size() < 20) statistics.emplace_back(key, json_.number());
      } else {
        json_.skip_rest(item);
      }
    }
    if (point.dates.size() != 1) json_.bad("a data point has no Timestamp");
    for (const auto& [statistic, number] : statistics) {
      Series& series = named(statistic);
      series.dates.push_back(point.dates[0]);
      series.lines.push_back(point.lines[0]);
      check(number);
      series.values.push_back(number);
    }
  }

  void date(Token item, Series& series) {
    const auto read =
        item == Token::text || item == Token::number ? read_date(json_.value()) : std::nullopt;
    if (!read) json_.bad(fmt::format("{} is not a date", quoted(json_.value())));
    if (++points_ > points_max) json_.bad(fmt::format("more than {} points", points_max));
    series.dates.push_back(read->date);
    series.lines.push_back(static_cast<std::uint32_t>(text_->line_number() + 1));
  }

  void value(Token item, Series& series) {
    if (item != Token::number) json_.bad(fmt::format("{} is not a number", quoted(json_.value())));
    check(json_.number());
    if (++points_ > 2 * points_max) json_.bad(fmt::format("more than {} points", points_max));
    series.values.push_back(json_.number());
  }

  void check(double number) const {
    if (!(number >= 0 && number <= 1e12))
      json_.bad(fmt::format("{} is not within 0 and 1e12", number));
  }

  void choose() {
    std::erase_if(series_, [](const Series& series) { return series.values.empty(); });
    if (series_.empty()) throw Bad{1, 1, "CloudWatch's answer holds no data points"};
    chosen_ = &series_.front();
    if (!options_.series.empty()) {
      const auto found = std::find_if(series_.begin(), series_.end(), [&](const Series& series) {
        return series.id == options_.series || series.label == options_.series;
      });
      if (found == series_.end()) {
        throw Bad{
            1, 1,
            fmt::format("there is no metric {}; there are: {}", quoted(options_.series), names())};
      }
      chosen_ = &*found;
    } else if (series_.size() > 1) {
      chosen_ = most_like_requests();
    }
    detail = "metric " + quoted(chosen_->label.empty() ? chosen_->id : chosen_->label);
    if (!chosen_->label.empty() && !chosen_->id.empty()) detail += " (" + chosen_->id + ")";
    order_.resize(chosen_->dates.size());
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<std::uint32_t>(i);
    std::stable_sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return chosen_->dates[a] < chosen_->dates[b];
    });
  }

  const Series* most_like_requests() const {
    for (const std::string_view statistic : {"Sum", "SampleCount", "Average"}) {
      for (const Series& series : series_) {
        if (series.id == statistic) return &series;
      }
    }
    const Series* found = nullptr;
    int matches = 0;
    for (const Series& series : series_) {
      const std::string name = lower_case(series.label + " " + series.id);
      const bool like = name.find("requestcount") != std::string::npos ||
                        name.find("invocations") != std::string::npos ||
                        name.find("requests") != std::string::npos;
      if (!like) continue;
      found = &series;
      ++matches;
    }
    if (matches == 1) return found;
    throw Bad{1, 1,
              fmt::format("there are several metrics: {}; say which one by `series`", names())};
  }

  std::string names() const {
    std::string all;
    for (std::size_t i = 0; i < series_.size() && i < 20; ++i) {
      all += (i > 0 ? ", " : "") + quoted(series_[i].id.empty() ? series_[i].label : series_[i].id);
    }
    return all;
  }

  std::unique_ptr<Text> text_;
  Json json_;
  Options options_;
  std::deque<Series> series_;
  std::size_t points_ = 0;
  const Series* chosen_ = nullptr;
  std::vector<std::uint32_t> order_;
  std::size_t at_ = 0;
};

}  // namespace

bool looks_like_cloudwatch_json(std::string_view sample, std::string_view first) {
  const auto has = [&](std::string_view word) {
    return sample.find(word) != std::string_view::npos;
  };
  return first.starts_with('{') && (has("\"MetricDataResults\"") || has("\"Datapoints\""));
}

MadeReader open_cloudwatch_json(std::unique_ptr<Text> text, const Options& options) {
  return std::make_unique<CloudWatchJson>(std::move(text), options);
}

}  // namespace windtunnel::traces
