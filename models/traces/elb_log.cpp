// Access logs of load balancers, the two kinds mixed or not.
//   classic  time elb client:port backend:port 3 times 2 statuses 2 sizes "request" ["agent" ...]
//   ALB      type time elb client:port target:port 3 times 2 statuses 2 sizes "request" "agent" ...
// In a classic log `time` is when the request came (Classic Load Balancers guide, access log
// entries); in an ALB's it is when the answer was made, and newer ones have the request's own time
// (Application Load Balancers guide, access log entries: request_creation_time).
#include <fmt/format.h>

#include <cmath>

#include "models/traces/fields.hpp"
#include "models/traces/log_reader.hpp"
#include "models/traces/readers.hpp"
#include "models/traces/url.hpp"
#include "models/traces/utf8.hpp"

namespace windtunnel::traces {

namespace {

class ElbLog final : public LogReader {
 public:
  using LogReader::LogReader;

 private:
  void read(std::string_view line, Row& row) override {
    SpacedFields fields(line);
    std::string_view first, time;
    const bool alb = line[0] < '0' || line[0] > '9';
    take(fields, line, alb ? "type" : "time", first);
    if (alb) take(fields, line, "time", time);
    const std::string_view date_text = alb ? time : first;
    const auto date = read_date(date_text);
    if (!date) text_->bad(date_text, fmt::format("{} is not a date", quoted(date_text)));
    std::string_view skipped;
    take(fields, line, "elb", skipped);
    take(fields, line, "client:port", skipped);
    take(fields, line, "target:port", row.target);
    const Nanoseconds asked = time_of(fields, line, "request_processing_time");
    row.service = time_of(fields, line, "target_processing_time");
    const Nanoseconds answered = time_of(fields, line, "response_processing_time");
    row.status = status_of(fields, line, "elb_status_code");
    row.target_status = status_of(fields, line, "target_status_code");
    row.received = bytes_of(fields, line, "received_bytes");
    row.sent = bytes_of(fields, line, "sent_bytes");
    std::string_view request;
    take(fields, line, "request", request);
    read_request_line(request, row);
    row.waited = asked;
    if (asked >= Nanoseconds(0) && row.service >= Nanoseconds(0) && answered >= Nanoseconds(0)) {
      row.total = asked + row.service + answered;
    }
    row.at = date->date;
    if (alb) row.at = arrival(fields, row, *date);
    if (fields.open_quote() && !text_->complete()) {
      text_->bad(line.size(), "a quote is not closed: the line is truncated");
    }
  }

  // When the request came, of an ALB's line whose first 13 fields are read.
  Date arrival(SpacedFields& fields, const Row& row, const ReadDate& answered) {
    std::string_view creation;
    // agent, cipher, protocol, target group, trace id, domain, certificate, rule priority
    if (fields.skip(8) && fields.next(creation)) {
      if (const auto date = read_date(creation)) return date->date;
    }
    return row.total > Nanoseconds(0) ? answered.date - row.total : answered.date;
  }

  void take(SpacedFields& fields, std::string_view line, const char* name,
            std::string_view& field) {
    if (fields.next(field)) return;
    if (fields.open_quote())
      text_->bad(line.size(), "a quote is not closed: the line is truncated");
    text_->bad(line.size() + 1, fmt::format("the line ends before its {}", name));
  }

  // Seconds; -1 and - stand for none.
  Nanoseconds time_of(SpacedFields& fields, std::string_view line, const char* name) {
    std::string_view field;
    take(fields, line, name, field);
    if (field == "-1" || field == "-") return unknown;
    double seconds = 0;
    if (!to_number(field, seconds) || !(std::abs(seconds) < longest_time)) {
      text_->bad(field, fmt::format("{} {} is not a number of seconds", name, quoted(field)));
    }
    return seconds < 0 ? unknown : Nanoseconds(std::llround(seconds * 1e9));
  }

  int status_of(SpacedFields& fields, std::string_view line, const char* name) {
    std::string_view field;
    take(fields, line, name, field);
    int status = 0;
    if (field == "-" || field == "0" || field == "-1") return 0;
    if (!to_number(field, status) || status < 0 || status > 999) {
      text_->bad(field, fmt::format("{} {} is not a status", name, quoted(field)));
    }
    return status;
  }

  std::int64_t bytes_of(SpacedFields& fields, std::string_view line, const char* name) {
    std::string_view field;
    take(fields, line, name, field);
    std::int64_t bytes = -1;
    if (field == "-" || field == "-1") return -1;
    if (!to_number(field, bytes) || bytes < 0) {
      text_->bad(field, fmt::format("{} {} is not a number of bytes", name, quoted(field)));
    }
    return bytes;
  }
};

}  // namespace

bool looks_like_elb_log(std::string_view, std::string_view first) {
  SpacedFields fields(first);
  std::string_view time, elb, client;
  if (!fields.next(time)) return false;
  if (!time.empty() && (time[0] < '0' || time[0] > '9') && !fields.next(time)) return false;
  if (!read_date(time) || time.find('T') == std::string_view::npos) return false;
  return fields.next(elb) && fields.next(client) && elb.find(',') == std::string_view::npos &&
         (client.find(':') != std::string_view::npos || client == "-");
}

MadeReader open_elb_log(std::unique_ptr<Text> text, const Options&) {
  return std::make_unique<ElbLog>(std::move(text));
}

}  // namespace windtunnel::traces
