#include "models/traces/summary.hpp"

#include <algorithm>
#include <cmath>

namespace windtunnel::traces {

namespace {

// Everything of a row that needs no order.
class Listener final : public Watcher {
 public:
  Listener(Summary& summary, Requested& requested) : summary_(summary), requested_(requested) {}

  void saw(const Row& row) override {
    first = summary_.rows++ == 0 ? row.at : std::min(first, row.at);
    if (summary_.kind == Kind::counts) return;
    if (row.service >= Nanoseconds(0)) requested_.service.record(row.service);
    if (row.total >= Nanoseconds(0)) requested_.total.record(row.total);
    ++requested_.statuses[row.status];
    if (!row.path.empty()) requested_.paths.add(row.path);
    if (row.received >= 0) {
      ++requested_.with_received;
      requested_.received += static_cast<double>(row.received);
    }
    if (row.sent >= 0) {
      ++requested_.with_sent;
      requested_.sent += static_cast<double>(row.sent);
    }
  }

  void bins_are(Nanoseconds width) override { bin = width; }

  Date first{};
  Nanoseconds bin{0};

 private:
  Summary& summary_;
  Requested& requested_;
};

void add_counts(OpenedCut& opened, Summary& summary, Nanoseconds bin) {
  RatePiece piece;
  while (opened.rates->next(piece)) {
    if (!summary.shape) summary.shape.emplace(bin, summary.start);
    summary.shape->add(piece.start, piece.end, piece.expected);
  }
}

void add_requests(OpenedCut& opened, Summary& summary, const Listener& listener, bool cut) {
  Request request;
  while (opened.requests->next(request)) {
    if (!summary.shape) {
      if (!cut) summary.start = listener.first + summary.zone;
      summary.shape.emplace(Span(0), summary.start);
    }
    summary.shape->add(request.at, request.at, 1);
  }
  summary.shape->end(opened.requests->length());
}

// Functions with their calls: each call takes the function's mean.
void add_durations(const Cut& cut, Summary& summary, Listener& listener) {
  Opened opened = open_trace(open_file(cut.file), cut.options);
  for (Row row; opened.reader->next(row);) {
    listener.saw(row);
    summary.requests += row.count;
  }
}

bool has_dates(const Cut& cut, Summary& summary) {
  const Opened opened = open_trace(open_file(cut.file), cut.options);
  summary.format = opened.format->name;
  summary.sentence = opened.format->sentence;
  summary.kind = opened.reader->kind;
  summary.zone = opened.reader->zone;
  summary.detail = opened.reader->detail;
  return summary.kind != Kind::durations;
}

}  // namespace

Summary summarise(Cut cut) {
  Summary summary;
  summary.file = cut.file;
  summary.requested = std::make_unique<Requested>();
  Listener listener(summary, *summary.requested);
  cut.watcher = &listener;
  cut.spread = false;
  cut.paths.clear();
  try {
    if (!has_dates(cut, summary)) {
      add_durations(cut, summary, listener);
      return summary;
    }
    OpenedCut opened = open_cut(cut, sim::Stream(1));
    const Date from = end_of_cut(cut.from, listener.first, summary.zone);
    summary.start = from + summary.zone;
    if (opened.rates != nullptr) {
      add_counts(opened, summary, listener.bin);
    } else {
      add_requests(opened, summary, listener, !cut.from.empty());
    }
  } catch (Bad& bad) {
    if (bad.file.empty()) bad.file = cut.file;
    throw;
  }
  summary.requests = summary.shape->total();
  return summary;
}

}  // namespace windtunnel::traces
