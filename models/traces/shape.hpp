// The shape of a load over time, gathered from pieces in order in constant memory: dispersion and
// peaks at several scales, hours and days of the week, a chart.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "models/traces/trace.hpp"

namespace windtunnel::traces {

using Span = std::chrono::nanoseconds;

// Counts in windows of one length, from time 0 on; windows that are not wholly covered are left
// out.
class Windows {
 public:
  explicit Windows(Span length) : length_(length) {}

  // `count` requests spread over [from, to), or at one instant.
  void add(Span from, Span to, double count);
  // What was not added up to here had no requests (a log), or is not known (counts).
  void end(Span at, bool covered);

  Span length() const { return length_; }
  std::uint64_t windows() const { return windows_; }
  double mean() const { return mean_; }
  // Variance over mean of the counts; 1 for a Poisson process.
  double dispersion() const;
  double peak() const { return peak_; }
  Span peak_at() const { return static_cast<std::int64_t>(peak_window_) * length_; }

 private:
  void close();
  void take(double count, std::uint64_t times);

  Span length_;
  std::int64_t window_ = 0;
  double count_ = 0;
  Span covered_{0}, until_{0};
  std::uint64_t windows_ = 0;
  double mean_ = 0, squares_ = 0, peak_ = -1;
  std::int64_t peak_window_ = 0;
};

// At most `cells` cells; as time goes on they become twice as wide, again and again.
class Chart {
 public:
  static constexpr std::size_t cells = 960;
  struct Cell {
    double count = 0, peak_rate = 0;
    Span covered{0};
  };
  explicit Chart(Span width) : width_(width) {}
  void add(Span from, Span to, double count);
  Span width() const { return width_; }
  const std::vector<Cell>& all() const { return cells_; }

 private:
  void widen();
  Span width_;
  std::vector<Cell> cells_;
};

class Shape {
 public:
  // `grain` is the width of a bin of counts, 0 for single requests. `start` is the date of time 0
  // on the clock of the file.
  Shape(Span grain, Date start);

  void add(Span from, Span to, double count);
  // A log's silence is known to be one; missing bins are not.
  void end(Span at);

  Span grain() const { return grain_; }
  double total() const { return total_; }
  std::uint64_t pieces() const { return pieces_; }
  Span covered() const { return covered_; }
  Span length() const { return until_; }
  const std::vector<Windows>& windows() const { return windows_; }
  const Chart& chart() const { return chart_; }
  // Requests a second by weekday (Monday first) and hour; below 0 where nothing is known.
  std::array<std::array<double, 24>, 7> week() const;
  std::array<double, 24> hours() const;
  std::array<double, 7> days() const;

  struct Gap {
    Span from{0}, to{0};
  };
  std::uint64_t gaps() const { return gaps_; }
  Span missing() const { return missing_; }
  Gap longest_gap() const { return longest_gap_; }

 private:
  struct Cell {
    double count = 0;
    Span covered{0};
  };
  void cover_hours(Span from, Span to, double count);
  Cell& hour_of(Span at);

  Span grain_;
  Date start_;
  std::vector<Windows> windows_;
  Chart chart_;
  std::array<std::array<Cell, 24>, 7> week_{};
  double total_ = 0;
  std::uint64_t pieces_ = 0, gaps_ = 0;
  Span covered_{0}, missing_{0}, until_{0};
  Gap longest_gap_;
};

}  // namespace windtunnel::traces
