#include "models/traces/shape.hpp"

#include <algorithm>
#include <cmath>

namespace windtunnel::traces {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

double in_seconds(Span span) { return static_cast<double>(span.count()) * 1e-9; }

std::vector<Windows> windows_from(Span grain) {
  std::vector<Windows> all;
  for (const Span length : {Span(seconds(1)), Span(seconds(10)), Span(minutes(1)), Span(minutes(5)),
                            Span(minutes(30)), Span(hours(1)), Span(hours(6)), Span(hours(24))}) {
    if (grain == Span(0) || (length >= grain && length % grain == Span(0))) {
      all.emplace_back(length);
    }
  }
  const bool has_grain = !all.empty() && (grain == Span(0) || all.front().length() == grain);
  if (!has_grain) all.insert(all.begin(), Windows(grain));
  return all;
}

}  // namespace

void Windows::add(Span from, Span to, double count) {
  if (from == to) {
    end(from, true);
    count_ += count;
    return;
  }
  end(from, false);
  const double rate = count / in_seconds(to - from);
  while (from < to) {
    const Span stop = std::min(to, (window_ + 1) * length_);
    count_ += rate * in_seconds(stop - from);
    covered_ += stop - from;
    until_ = from = stop;
    if (stop == (window_ + 1) * length_) close();
  }
}

void Windows::end(Span at, bool covered) {
  if (at < until_) return;
  const std::int64_t window = at / length_;
  if (covered) covered_ += std::min(at, (window_ + 1) * length_) - until_;
  until_ = at;
  if (window <= window_) return;
  const auto skipped = static_cast<std::uint64_t>(window - window_ - 1);
  close();
  if (covered && skipped > 0) {
    if (peak_ < 0) peak_ = 0;
    take(0, skipped);
  }
  window_ = window;
  covered_ = covered ? at - window * length_ : Span(0);
}

void Windows::close() {
  if (covered_ == length_) {
    if (count_ > peak_) {
      peak_ = count_;
      peak_window_ = window_;
    }
    take(count_, 1);
  }
  ++window_;
  count_ = 0;
  covered_ = Span(0);
}

// Welford's update, for several equal counts at once (Chan et al. 1979).
void Windows::take(double count, std::uint64_t times) {
  const double before = static_cast<double>(windows_), added = static_cast<double>(times);
  const double distance = count - mean_;
  windows_ += times;
  mean_ += distance * added / (before + added);
  squares_ += distance * distance * before * added / (before + added);
}

double Windows::dispersion() const {
  return windows_ > 1 && mean_ > 0 ? squares_ / static_cast<double>(windows_ - 1) / mean_ : 0;
}

void Chart::add(Span from, Span to, double count) {
  const Span last = to > from ? to - Span(1) : from;
  while (static_cast<std::size_t>(last / width_) >= cells) widen();
  const auto needed = static_cast<std::size_t>(last / width_) + 1;
  if (cells_.size() < needed) cells_.resize(needed);
  if (to <= from) {
    cells_[static_cast<std::size_t>(from / width_)].count += count;
    return;
  }
  const double rate = count / in_seconds(to - from);
  for (Span at = from; at < to;) {
    const auto index = at / width_;
    const Span stop = std::min(to, (index + 1) * width_);
    Cell& cell = cells_[static_cast<std::size_t>(index)];
    cell.count += rate * in_seconds(stop - at);
    cell.covered += stop - at;
    cell.peak_rate = std::max(cell.peak_rate, rate);
    at = stop;
  }
}

void Chart::widen() {
  for (std::size_t i = 0; i < cells_.size(); i += 2) {
    Cell merged = cells_[i];
    if (i + 1 < cells_.size()) {
      merged.count += cells_[i + 1].count;
      merged.covered += cells_[i + 1].covered;
      merged.peak_rate = std::max(merged.peak_rate, cells_[i + 1].peak_rate);
    }
    cells_[i / 2] = merged;
  }
  cells_.resize((cells_.size() + 1) / 2);
  width_ *= 2;
}

Shape::Shape(Span grain, Date start)
    : grain_(grain),
      start_(start),
      windows_(windows_from(grain)),
      chart_(grain > Span(0) ? grain : Span(std::chrono::milliseconds(100))) {}

void Shape::add(Span from, Span to, double count) {
  total_ += count;
  ++pieces_;
  if (grain_ > Span(0) && from > until_ && pieces_ > 1) {
    ++gaps_;
    missing_ += from - until_;
    if (from - until_ > longest_gap_.to - longest_gap_.from) longest_gap_ = {until_, from};
  }
  if (grain_ == Span(0)) {
    cover_hours(until_, from, 0);
    hour_of(from).count += count;
  } else {
    cover_hours(from, to, count);
    covered_ += to - from;
  }
  for (Windows& windows : windows_) windows.add(from, to, count);
  chart_.add(from, to, count);
  until_ = std::max(until_, to);
}

void Shape::end(Span at) {
  if (grain_ == Span(0)) {
    cover_hours(until_, at, 0);
    covered_ = at;
  }
  for (Windows& windows : windows_) windows.end(at, grain_ == Span(0));
  until_ = std::max(until_, at);
}

Shape::Cell& Shape::hour_of(Span at) {
  const auto hour = std::chrono::floor<std::chrono::hours>(start_ + at).time_since_epoch().count();
  const std::int64_t of_week = ((hour + 3 * 24) % 168 + 168) % 168;  // 1970 began on a Thursday
  return week_[static_cast<std::size_t>(of_week / 24)][static_cast<std::size_t>(of_week % 24)];
}

void Shape::cover_hours(Span from, Span to, double count) {
  const double rate = to > from ? count / in_seconds(to - from) : 0;
  while (from < to) {
    const Date hour = std::chrono::floor<std::chrono::hours>(start_ + from);
    const Span stop = std::min(to, Span(hour + std::chrono::hours(1) - start_));
    Cell& cell = hour_of(from);
    cell.count += rate * in_seconds(stop - from);
    cell.covered += stop - from;
    from = stop;
  }
}

namespace {

template <typename Cell>
double rate_of(const Cell& cell) {
  return cell.covered > Span(0) ? cell.count / in_seconds(cell.covered) : -1;
}

}  // namespace

std::array<std::array<double, 24>, 7> Shape::week() const {
  std::array<std::array<double, 24>, 7> rates{};
  for (std::size_t day = 0; day < 7; ++day) {
    for (std::size_t hour = 0; hour < 24; ++hour) {
      const Cell& cell = week_[day][hour];
      // A few minutes of an hour say little of it.
      rates[day][hour] = cell.covered >= std::chrono::minutes(30) ? rate_of(cell) : -1;
    }
  }
  return rates;
}

std::array<double, 24> Shape::hours() const {
  std::array<double, 24> rates{};
  for (std::size_t hour = 0; hour < 24; ++hour) {
    Cell sum;
    for (const auto& day : week_) {
      sum.count += day[hour].count;
      sum.covered += day[hour].covered;
    }
    rates[hour] = rate_of(sum);
  }
  return rates;
}

std::array<double, 7> Shape::days() const {
  std::array<double, 7> rates{};
  for (std::size_t day = 0; day < 7; ++day) {
    Cell sum;
    for (const Cell& hour : week_[day]) {
      sum.count += hour.count;
      sum.covered += hour.covered;
    }
    rates[day] = rate_of(sum);
  }
  return rates;
}

}  // namespace windtunnel::traces
