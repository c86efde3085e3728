#include "models/traces/cut.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <utility>

#include "models/mechanisms/wildcard.hpp"
#include "models/traces/sort_buffer.hpp"
#include "models/traces/utf8.hpp"

namespace windtunnel::traces {

namespace {

using sim::Duration;

struct Ends {
  Ends(const Cut& cut, const Reader& reader)
      : from(end_of_cut(cut.from, Date::min(), reader.zone)),
        to(end_of_cut(cut.to, Date::max(), reader.zone)) {
    if (from < to) return;
    throw Bad{1, 1, fmt::format("the cut from '{}' to '{}' is empty", cut.from, cut.to)};
  }
  Date from, to;
};

// Rows of dates and counts as rates. A row holds for the width of a bin, the commonest distance
// between the first rows; where rows are further apart bins are missing.
class Bins final : public Rates {
 public:
  Bins(const Cut& cut, std::unique_ptr<Reader> reader)
      : cut_(cut), reader_(std::move(reader)), ends_(cut_, *reader_), start_(ends_.from) {
    find_width();
    if (!ahead_.empty() && ends_.from == Date::min()) start_ = ahead_.front().at;
  }

  bool next(RatePiece& piece) override {
    while (true) {
      RatePiece whole;
      if (!next_whole(whole)) break;
      piece = whole.within(Duration(0), longest_piece());
      if (piece.end <= piece.start) continue;
      piece.expected *= cut_.scale;
      piece.slope *= cut_.scale;
      any_ = true;
      return true;
    }
    if (!any_) throw Bad{1, 1, "there is no row within the cut"};
    return false;
  }
  Duration length() const override {
    return ends_.to == Date::max() ? end_ : Duration(ends_.to - start_);
  }

 private:
  struct Bin {
    Date at;
    double count;
    bool is_rate;
    std::size_t line;
  };
  static constexpr std::size_t looked_at = 1000;

  Duration longest_piece() const {
    return ends_.to == Date::max() ? sim::forever : Duration(ends_.to - start_);
  }
  Duration since_start(Date date) const { return Duration(date - start_); }

  bool read_row() {
    Row row;
    if (ended_ || !reader_->next(row)) {
      ended_ = true;
      return false;
    }
    if (row.width > Nanoseconds(0)) width_ = row.width;
    if (cut_.watcher != nullptr && row.at < ends_.to) cut_.watcher->saw(row);
    if (!ahead_.empty()) {
      Bin& last = ahead_.back();
      if (row.at == last.at && cut_.options.add_repeated) {
        last.count += row.count;
        return true;
      }
      if (row.at <= last.at) not_after(row.at, last.at);
    }
    ahead_.push_back({row.at, row.count, row.is_rate, reader_->line()});
    if (row.at >= ends_.to) ended_ = true;
    return true;
  }

  [[noreturn]] void not_after(Date date, Date last) const {
    const std::string dates =
        fmt::format("date '{}' is not after the one before, '{}'",
                    format_date(date + reader_->zone), format_date(last + reader_->zone));
    throw Bad{reader_->line(), 1,
              date == last ? dates + "; repeated_dates: add would add their counts up"
                           : dates + ": rows are not sorted, or times overlap"};
  }

  void find_width() {
    while (ahead_.size() < looked_at && read_row()) {
    }
    if (cut_.options.bin > Nanoseconds(0)) width_ = cut_.options.bin;
    if (width_ == Nanoseconds(0)) width_ = commonest_distance();
    if (width_ > sim::horizon_limit) {
      throw Bad{1, 1, "bins of more than ten years: the distance between its rows"};
    }
    if (cut_.watcher != nullptr) cut_.watcher->bins_are(width_);
  }

  Nanoseconds commonest_distance() const {
    std::map<Nanoseconds, std::size_t> distances;
    for (std::size_t i = 1; i < ahead_.size(); ++i) ++distances[ahead_[i].at - ahead_[i - 1].at];
    if (distances.empty()) {
      throw Bad{1, 1,
                fmt::format("has {} rows of date and count; two are needed to know the width of a "
                            "bin, or say it by `bin`",
                            ahead_.size())};
    }
    return std::max_element(distances.begin(), distances.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
  }

  // The next bin, or a filled gap, not yet cut.
  bool next_whole(RatePiece& piece) {
    if (filling_) {
      piece = gap_;
      filling_ = false;
      return true;
    }
    while (ahead_.size() < 2 && read_row()) {
    }
    if (ahead_.empty() || ahead_.front().at >= ends_.to) return false;
    const Bin bin = ahead_.front();
    ahead_.pop_front();
    Date end = bin.at + width_;
    if (!ahead_.empty()) end = std::min(end, ahead_.front().at);
    piece = {since_start(bin.at), since_start(end), bin.count, 0};
    if (bin.is_rate) piece.expected *= piece.length();
    end_ = piece.end;
    if (!ahead_.empty() && end < ahead_.front().at) fill(piece, ahead_.front());
    return true;
  }

  void fill(const RatePiece& before, const Bin& after) {
    if (cut_.gaps == Gaps::empty) return;
    gap_ = {before.end, since_start(after.at), 0, 0};
    const double rate = before.expected / before.length();
    const double next = after.is_rate ? after.count : after.count / sim::seconds(width_);
    const double length = gap_.length();
    const bool level = cut_.gaps == Gaps::hold;
    gap_.expected = (level ? rate : (rate + next) / 2) * length;
    gap_.slope = level ? 0 : (next - rate) / length;
    filling_ = true;
  }

  Cut cut_;
  std::unique_ptr<Reader> reader_;
  Ends ends_;
  Date start_;
  Nanoseconds width_{0};
  std::deque<Bin> ahead_;
  RatePiece gap_;
  bool filling_ = false, ended_ = false, any_ = false;
  Duration end_{0};
};

// The rows of a log in order, cut, thinned or repeated by the scale.
class LoggedRequests final : public Requests {
 public:
  LoggedRequests(const Cut& cut, std::unique_ptr<Reader> reader, sim::Stream chance)
      : cut_(cut),
        reader_(std::move(reader)),
        ends_(cut_, *reader_),
        start_(ends_.from),
        chance_(chance),
        buffer_(cut_.sort_window) {}

  bool next(Request& request) override {
    while (copy_ == copies_) {
      if (!step()) return false;
      copy_ = 0;
      copies_ = number_of_copies();
      copy_at_ = current_.at;
    }
    if (copy_ > 0) spread_copy();
    ++copy_;
    request = current_;
    request.at = copy_at_;
    return true;
  }
  Duration length() const override {
    if (ends_.to != Date::max()) return Duration(ends_.to - start_);
    const Duration second = std::chrono::seconds(1);
    return (last_ / second + 1) * second;
  }

 private:
  // The next row into current_, the one behind it into following_.
  bool step() {
    if (!begun_) {
      begun_ = true;
      has_following_ = sorted(following_);
    }
    if (!has_following_) {
      if (!any_) throw Bad{1, 1, "there is no request within the cut"};
      return false;
    }
    any_ = true;
    current_ = following_;
    last_ = current_.at;
    has_following_ = sorted(following_);
    return true;
  }

  // With a scale of 2.3: two of each, and a third of three in ten.
  int number_of_copies() {
    if (cut_.scale == 1) return 1;
    const int whole = static_cast<int>(cut_.scale);
    return whole + (chance_.chance(cut_.scale - whole) ? 1 : 0);
  }
  // The first stands where it was recorded, the others anywhere up to the next request: the least
  // of the uniform draws that are left.
  void spread_copy() {
    const Duration to = has_following_ ? following_.at : current_.at;
    const double left = sim::seconds(to - copy_at_);
    const double share = 1 - std::pow(chance_.uniform(), 1.0 / (copies_ - copy_));
    copy_at_ = std::min(to, copy_at_ + sim::from_seconds(left * share));
  }

  bool sorted(Request& request) {
    while (!buffer_.ready() && !ended_) read_row();
    if (buffer_.empty()) return false;
    const Date at = buffer_.pop(request);
    if (start_ == Date::min()) start_ = at;
    request.at = Duration(at - start_);
    return true;
  }

  void read_row() {
    Row row;
    if (!reader_->next(row)) {
      ended_ = true;
      return;
    }
    if (reader_->resolution > Nanoseconds(0) && cut_.spread) {
      row.at += Nanoseconds(chance_.below(static_cast<std::uint32_t>(
          std::min<std::int64_t>(reader_->resolution.count(), UINT32_MAX))));
    }
    if (row.at < ends_.from) return;
    if (row.at >= ends_.to) {
      ended_ = row.at - ends_.to >= cut_.sort_window;
      return;
    }
    if (cut_.watcher != nullptr) cut_.watcher->saw(row);
    Request request;
    request.service_time = std::max(Nanoseconds(0), row.service);
    for (std::size_t i = 0; i < cut_.paths.size(); ++i) {
      if (!matches_wildcard(cut_.paths[i], row.path)) continue;
      request.path_class = static_cast<std::int32_t>(i);
      break;
    }
    if (!buffer_.push(row.at, request)) too_late(row.at);
  }

  [[noreturn]] void too_late(Date at) const {
    throw Bad{reader_->line(), 1,
              fmt::format("the request of '{}' comes {:.0f} s behind a later one, too late to be "
                          "put in order; sort the log, or say more than {} s by sort_window",
                          format_date(at + reader_->zone),
                          std::chrono::duration<double>(buffer_.newest() - at).count(),
                          std::chrono::duration<double>(cut_.sort_window).count())};
  }

  Cut cut_;
  std::unique_ptr<Reader> reader_;
  Ends ends_;
  Date start_;
  sim::Stream chance_;
  SortBuffer<Request> buffer_;
  Request current_, following_;
  int copies_ = 0, copy_ = 0;
  Duration copy_at_{0}, last_{0};
  bool begun_ = false, has_following_ = false, ended_ = false, any_ = false;
};

class Counted final : public Rates {
 public:
  Counted(std::unique_ptr<Requests> requests, Duration bin)
      : requests_(std::move(requests)), bin_(bin) {}

  bool next(RatePiece& piece) override {
    if (!has_ && !(has_ = requests_->next(request_))) return false;
    const Duration start = request_.at / bin_ * bin_;
    piece = {start, start + bin_, 0, 0};
    while (has_ && request_.at < piece.end) {
      ++piece.expected;
      has_ = requests_->next(request_);
    }
    return true;
  }
  Duration length() const override { return requests_->length(); }

 private:
  std::unique_ptr<Requests> requests_;
  Duration bin_;
  Request request_;
  bool has_ = false;
};

// Whatever is wrong with a file is told with its name.
template <typename Base, typename Item>
class Named final : public Base {
 public:
  Named(std::string file, std::unique_ptr<Base> inner)
      : file_(std::move(file)), inner_(std::move(inner)) {}
  bool next(Item& item) override {
    try {
      return inner_->next(item);
    } catch (Bad& bad) {
      bad.file = file_;
      throw;
    }
  }
  Duration length() const override { return inner_->length(); }

 private:
  std::string file_;
  std::unique_ptr<Base> inner_;
};

OpenedCut open_plain(const Cut& cut, sim::Stream chance) {
  Opened opened = open_trace(open_file(cut.file), cut.options);
  OpenedCut made{opened.format, opened.reader->detail, opened.reader->zone, nullptr, nullptr};
  switch (opened.reader->kind) {
    case Kind::counts:
      if (!cut.paths.empty()) throw Bad{1, 1, "holds counts: there are no paths to class by"};
      made.rates = std::make_unique<Named<Rates, RatePiece>>(
          cut.file, std::make_unique<Bins>(cut, std::move(opened.reader)));
      break;
    case Kind::requests:
      made.requests = std::make_unique<Named<Requests, Request>>(
          cut.file, std::make_unique<LoggedRequests>(cut, std::move(opened.reader), chance));
      break;
    case Kind::durations:
      throw Bad{1, 1, "holds durations without dates: nothing arrives by it"};
  }
  return made;
}

}  // namespace

Date end_of_cut(const std::string& text, Date without, std::chrono::seconds zone) {
  if (text.empty()) return without;
  const auto read = read_date(text);
  if (!read) throw Bad{1, 1, fmt::format("{} is not a date, to cut the trace there", quoted(text))};
  return read->zone ? read->date : read->date - zone;
}

OpenedCut open_cut(const Cut& cut, sim::Stream chance) {
  try {
    return open_plain(cut, chance);
  } catch (Bad& bad) {
    bad.file = cut.file;
    throw;
  }
}

std::unique_ptr<Rates> counted(std::unique_ptr<Requests> requests, Duration bin) {
  return std::make_unique<Counted>(std::move(requests), bin);
}

}  // namespace windtunnel::traces
