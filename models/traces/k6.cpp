// What k6 leaves behind: the summary at a test's end (handleSummary's JSON or --summary-export),
// and every point as JSON lines or CSV (--out json, --out csv). Of the points, one of
// http_req_duration is one request, which came its duration before the point; `series` names
// another metric, whose points then are requests without a duration. A summary has one number, so
// its requests are spread evenly over the test.
#include <fmt/format.h>

#include <cmath>

#include "models/traces/fields.hpp"
#include "models/traces/json.hpp"
#include "models/traces/readers.hpp"
#include "models/traces/url.hpp"
#include "models/traces/utf8.hpp"

namespace windtunnel::traces {

namespace {

using Token = Json::Token;

constexpr std::string_view request_metric = "http_req_duration";

class K6Summary final : public Reader {
 public:
  explicit K6Summary(std::unique_ptr<Text> text) : text_(std::move(text)), json_(*text_) {
    kind = Kind::counts;
    json_.another();
    if (json_.next() != Token::begin_object) json_.bad("a k6 summary {...} is expected here");
    for (Token token = json_.next(); token == Token::key; token = json_.next()) {
      if (json_.value() == "metrics") {
        object([&](const std::string& metric) { read_metric(metric); });
      } else if (json_.value() == "state") {
        object([&](const std::string& key) {
          const double number = read_number();
          if (key == "testRunDurationMs") seconds_ = number * 1e-3;
        });
      } else {
        json_.skip_value();
      }
    }
    if (seconds_ <= 0 && rate_ > 0) seconds_ = count_ / rate_;
    if (!(count_ > 0) || !(seconds_ > 0) || count_ > 1e12 || seconds_ > 1e9) {
      throw Bad{1, 1, "the summary has no count of http_reqs and duration of the test"};
    }
    detail = "http_reqs of a whole test" + latencies_;
  }

  bool next(Row& row) override {
    if (done_) return false;
    done_ = true;
    row = Row{};
    row.count = count_;
    row.width = Nanoseconds(std::llround(seconds_ * 1e9));
    return true;
  }
  std::size_t line() const override { return 1; }

 private:
  // Calls `member` behind each key of the object that is the next value.
  template <typename Member>
  void object(Member member) {
    const Token first = json_.next();
    if (first != Token::begin_object) return json_.skip_rest(first);
    for (Token token = json_.next(); token == Token::key; token = json_.next()) {
      member(std::string(json_.value()));
    }
  }
  double read_number() {
    const Token token = json_.next();
    if (token == Token::number) return json_.number();
    json_.skip_rest(token);
    return 0;
  }

  // {"type": ..., "values": {"count": 1}}, or without "values" in an export.
  void read_metric(const std::string& metric) {
    object([&](const std::string& key) {
      if (key == "values") {
        object([&](const std::string& statistic) { take(metric, statistic, read_number()); });
      } else {
        take(metric, key, read_number());
      }
    });
  }
  void take(const std::string& metric, const std::string& statistic, double number) {
    if (metric == "http_reqs" && statistic == "count") count_ = number;
    if (metric == "http_reqs" && statistic == "rate") rate_ = number;
    const bool told = statistic == "avg" || statistic == "med" || statistic.starts_with("p(");
    if (metric == request_metric && told)
      latencies_ += fmt::format(", {} {:.3g} ms", statistic, number);
  }

  std::unique_ptr<Text> text_;
  Json json_;
  double count_ = 0, rate_ = 0, seconds_ = 0;
  std::string latencies_;
  bool done_ = false;
};

// What a point says, in either form.
struct Point {
  std::string metric, time, status, method, url;
  double value = 0;
  bool is_point = true;
};

class K6Points : public Reader {
 public:
  K6Points(std::unique_ptr<Text> text, const Options& options)
      : text_(std::move(text)), metric_(options.series.empty() ? request_metric : options.series) {
    detail = "points of " + metric_;
  }

  bool next(Row& row) override {
    while (read(point_)) {
      if (!point_.is_point || point_.metric != metric_) continue;
      found_ = true;
      fill(row);
      return true;
    }
    if (!found_) throw Bad{1, 1, fmt::format("there are no points of {}", quoted(metric_))};
    return false;
  }

 protected:
  virtual bool read(Point& point) = 0;
  [[noreturn]] virtual void bad(std::string text) const = 0;

  std::unique_ptr<Text> text_;
  Point point_;

 private:
  void fill(Row& row) {
    row = Row{};
    const auto date = read_date(point_.time);
    if (!date) bad(fmt::format("{} is not a date", quoted(point_.time)));
    row.at = date->date;
    if (metric_ == request_metric) {
      if (!(point_.value >= 0 && point_.value < longest_time * 1e3)) bad("a duration that is none");
      row.total = row.service = Nanoseconds(std::llround(point_.value * 1e6));
      row.at -= row.total;
      row.waited = Nanoseconds(0);
    }
    to_number(std::string_view(point_.status), row.status);
    row.target_status = row.status;
    row.method = point_.method;
    if (!point_.url.empty()) read_url(point_.url, row);
  }

  std::string metric_;
  bool found_ = false;
};

class K6Json final : public K6Points {
 public:
  K6Json(std::unique_ptr<Text> text, const Options& options)
      : K6Points(std::move(text), options), json_(*text_) {}
  std::size_t line() const override { return text_->line_number() + 1; }

 private:
  bool read(Point& point) override {
    if (!json_.another()) return false;
    for (std::string* part : {&point.metric, &point.time, &point.status, &point.method, &point.url})
      part->clear();
    if (json_.next() != Token::begin_object) json_.bad("a k6 point {...} is expected here");
    for (Token token = json_.next(); token == Token::key; token = json_.next()) {
      if (json_.value() == "data") {
        data(point);
      } else {
        const bool type = json_.value() == "type", metric = json_.value() == "metric";
        const Token value = json_.next();
        if (type) point.is_point = json_.value() == "Point";
        if (metric) point.metric = json_.value();
        json_.skip_rest(value);
      }
    }
    return true;
  }

  // {"time": ..., "value": ..., "tags": {...}}
  void data(Point& point) {
    Token token = json_.next();
    if (token != Token::begin_object) return json_.skip_rest(token);
    for (token = json_.next(); token == Token::key; token = json_.next()) {
      const std::string_view key = json_.value();
      const bool tags = key == "tags", time = key == "time", value = key == "value";
      const Token item = json_.next();
      if (time) point.time = json_.value();
      if (value && item == Token::number) point.value = json_.number();
      if (tags && item == Token::begin_object) {
        read_tags(point);
      } else {
        json_.skip_rest(item);
      }
    }
  }

  void read_tags(Point& point) {
    for (Token token = json_.next(); token == Token::key; token = json_.next()) {
      std::string* part = json_.value() == "status"   ? &point.status
                          : json_.value() == "method" ? &point.method
                          : json_.value() == "url"    ? &point.url
                                                      : nullptr;
      const Token item = json_.next();
      if (part != nullptr) *part = json_.value();
      json_.skip_rest(item);
    }
  }

  void bad(std::string text) const override { json_.bad(std::move(text)); }

  Json json_;
};

class K6Csv final : public K6Points {
 public:
  K6Csv(std::unique_ptr<Text> text, const Options& options) : K6Points(std::move(text), options) {
    std::string_view line;
    text_->line(line);
    split_csv(line, ',', fields_);
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (fields_[i] == "status") status_ = i;
      if (fields_[i] == "method") method_ = i;
      if (fields_[i] == "url") url_ = i;
    }
    const std::string_view rest = text_->sample();
    if (split_csv(rest.substr(0, rest.find('\n')), ',', fields_) && fields_.size() > 2 &&
        fields_[1].size() <= 10) {
      resolution = std::chrono::seconds(1);  // the default; timeFormat can say finer ones
    }
  }
  std::size_t line() const override { return text_->line_number(); }

 private:
  bool read(Point& point) override {
    std::string_view line;
    do {
      if (!text_->line(line)) return false;
    } while (line.empty());
    if (!split_csv(line, ',', fields_)) bad("a quote is not closed: the line is truncated");
    if (fields_.size() < 3) bad("the line ends before its value");
    if (!to_number(fields_[2], point.value)) {
      bad(fmt::format("{} is not a number", quoted(fields_[2])));
    }
    point.metric = fields_[0];
    point.time = fields_[1];
    const auto part = [&](std::size_t column) {
      return column > 0 && column < fields_.size() ? fields_[column] : std::string_view();
    };
    point.status = part(status_);
    point.method = part(method_);
    point.url = part(url_);
    return true;
  }
  void bad(std::string text) const override { text_->bad(1, std::move(text)); }

  std::size_t status_ = 0, method_ = 0, url_ = 0;
  std::vector<std::string_view> fields_;
};

}  // namespace

bool looks_like_k6_summary(std::string_view sample, std::string_view first) {
  return first.starts_with('{') && sample.find("\"http_reqs\"") != std::string_view::npos &&
         first.find("\"Point\"") == std::string_view::npos &&
         first.find("\"Metric\"") == std::string_view::npos;
}
bool looks_like_k6_json(std::string_view, std::string_view first) {
  return first.starts_with('{') && first.find("\"metric\"") != std::string_view::npos &&
         (first.find("\"Point\"") != std::string_view::npos ||
          first.find("\"Metric\"") != std::string_view::npos);
}
bool looks_like_k6_csv(std::string_view, std::string_view first) {
  return first.starts_with("metric_name,timestamp,metric_value");
}

MadeReader open_k6_summary(std::unique_ptr<Text> text, const Options&) {
  return std::make_unique<K6Summary>(std::move(text));
}
MadeReader open_k6_json(std::unique_ptr<Text> text, const Options& options) {
  return std::make_unique<K6Json>(std::move(text), options);
}
MadeReader open_k6_csv(std::unique_ptr<Text> text, const Options& options) {
  return std::make_unique<K6Csv>(std::move(text), options);
}

}  // namespace windtunnel::traces
