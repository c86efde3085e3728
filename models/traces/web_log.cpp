// Access logs of Apache and nginx: HOST ... [10/Apr/2014:00:04:00 +0200] "request" status bytes
// ["referer" "agent"], whatever stands before the date (a virtual host, a user with spaces) and
// behind the agent. Behind it a request's time is taken from rt=0.12, request_time=0.12 or a number
// with a point (nginx, seconds), or a whole number (Apache's %D, microseconds); a second one, or
// urt= or upstream_response_time=, is the upstream's. Dates have whole seconds.
#include <fmt/format.h>

#include <cmath>

#include "models/traces/fields.hpp"
#include "models/traces/log_reader.hpp"
#include "models/traces/readers.hpp"
#include "models/traces/url.hpp"
#include "models/traces/utf8.hpp"

namespace windtunnel::traces {

namespace {

class WebLog final : public LogReader {
 public:
  WebLog(std::unique_ptr<Text> text, std::chrono::seconds clock) : LogReader(std::move(text)) {
    resolution = std::chrono::seconds(1);
    zone = clock;
  }

 private:
  void read(std::string_view line, Row& row) override {
    const std::size_t open = line.find(" [");
    const std::size_t close = open == std::string_view::npos ? open : line.find(']', open);
    if (close == std::string_view::npos) text_->bad(1, "there is no [date] in the line");
    const std::string_view date_text = line.substr(open + 2, close - open - 2);
    const auto date = read_date(date_text);
    if (!date) text_->bad(date_text, fmt::format("{} is not a date", quoted(date_text)));
    row.at = date->date;
    if (close + 2 > line.size()) text_->bad(line.size(), "the line ends before its request");
    SpacedFields fields(line.substr(close + 2));
    std::string_view request, status, bytes;
    if (!fields.next(request) || !fields.next(status)) truncated(fields, line);
    read_request_line(request, row);
    if (status != "-" && (!to_number(status, row.status) || row.status < 0 || row.status > 999)) {
      text_->bad(status, fmt::format("{} is not a status", quoted(status)));
    }
    if (fields.next(bytes) && bytes != "-" && (!to_number(bytes, row.sent) || row.sent < 0)) {
      text_->bad(bytes, fmt::format("{} is not a number of bytes", quoted(bytes)));
    }
    row.target_status = row.status;
    std::string_view skipped;
    if (fields.next(skipped) && fields.next(skipped)) read_times(fields, row);
    // Agents are cut off in real logs; only the file's last line is suspicious for it.
    if (fields.open_quote() && !text_->complete()) truncated(fields, line);
  }

  void read_times(SpacedFields& fields, Row& row) {
    std::string_view field;
    while (fields.next(field)) {
      bool upstream = row.total >= Nanoseconds(0);
      const std::size_t equals = field.find('=');
      if (equals != std::string_view::npos) {
        const std::string_view name = field.substr(0, equals);
        upstream = name == "urt" || name == "upstream_response_time";
        if (!upstream && name != "rt" && name != "request_time") continue;
        field.remove_prefix(equals + 1);
        while (field.starts_with('"')) field.remove_prefix(1);
        while (field.ends_with('"') || field.ends_with(',')) field.remove_suffix(1);
      }
      double value = 0;
      if (!to_number(field, value) || !(value >= 0)) continue;
      if (field.find('.') == std::string_view::npos) value *= 1e-6;
      if (value > longest_time) continue;
      (upstream ? row.service : row.total) = Nanoseconds(std::llround(value * 1e9));
    }
    if (row.service == unknown) row.service = row.total;
    row.waited = row.total >= row.service ? row.total - row.service : Nanoseconds(0);
  }

  [[noreturn]] void truncated(const SpacedFields& fields, std::string_view line) {
    text_->bad(line.size(), fields.open_quote() ? "a quote is not closed: the line is truncated"
                                                : "the line ends before its status");
  }
};

std::optional<ReadDate> bracketed_date(std::string_view line) {
  const std::size_t open = line.find(" [");
  const std::size_t close = open == std::string_view::npos ? open : line.find(']', open);
  if (close == std::string_view::npos) return {};
  return read_date(line.substr(open + 2, close - open - 2));
}

}  // namespace

bool looks_like_web_log(std::string_view, std::string_view first) {
  return first.find("] \"") != std::string_view::npos && bracketed_date(first).has_value();
}

MadeReader open_web_log(std::unique_ptr<Text> text, const Options&) {
  const std::string_view sample = text->sample();
  const auto date = bracketed_date(sample.substr(0, sample.find('\n')));
  const auto zone = date && date->zone ? *date->zone : std::chrono::seconds(0);
  return std::make_unique<WebLog>(std::move(text), zone);
}

}  // namespace windtunnel::traces
