#include "experiments/trace_picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "models/traces/utf8.hpp"

namespace windtunnel::experiments {

namespace {

using traces::Shape;
using traces::Span;
using traces::Summary;

constexpr double width = 1200, height = 760;
constexpr const char* ink = "#22303c";
constexpr const char* faint = "#7c8b99";
constexpr const char* grid = "#e3e8ed";
constexpr const char* strong = "#1f6fb2";
constexpr const char* light = "#b9d8f0";
constexpr const char* absent = "#f0e4d7";

double in_seconds(Span span) { return static_cast<double>(span.count()) * 1e-9; }

// Text that may stand in XML: what has a meaning there is replaced, control characters go.
std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = traces::utf8_size(text.substr(i));
    const char c = text[i];
    if (size == 0 || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += "?";
      ++i;
      continue;
    }
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out.append(text.substr(i, size));
    }
    i += size;
  }
  return out;
}

std::string shorter(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t end = 0;
  while (end < most) end += std::max<std::size_t>(1, traces::utf8_size(text.substr(end)));
  return std::string(text.substr(0, end)) + "…";
}

struct Box {
  double x, y, w, h;
};

class Svg {
 public:
  Svg() {
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
        "height=\"{1}\" font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\">\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n",
        width, height);
  }
  void text(double x, double y, std::string_view what, const char* style = "start",
            double size = 12, const char* colour = ink, bool bold = false) {
    out_ += fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{}\" text-anchor=\"{}\" "
        "fill=\"{}\"{}>{}</text>\n",
        x, y, size, style, colour, bold ? " font-weight=\"bold\"" : "", escaped(what));
  }
  void rectangle(const Box& b, const std::string& colour) {
    out_ += fmt::format(
        "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"{}\"/>\n", b.x,
        b.y, b.w, b.h, colour);
  }
  void line(double x1, double y1, double x2, double y2, const char* colour) {
    out_ += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x1, y1,
        x2, y2, colour);
  }
  std::string take() { return out_ + "</svg>\n"; }

 private:
  std::string out_;
};

// 1, 2 or 5 times a power of ten, so that about five steps reach `most`.
double nice_step(double most) {
  const double raw = most / 5, power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (raw <= factor * power) return factor * power;
  }
  return 10 * power;
}

std::string short_number(double value) {
  if (value >= 1e9) return fmt::format("{:.3g} G", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.3g} M", value / 1e6);
  if (value >= 1e3) return fmt::format("{:.3g} k", value / 1e3);
  return fmt::format("{:.3g}", value);
}

Span tick_length(Span whole) {
  for (const std::int64_t s :
       {1,    2,    5,     10,    30,    60,    120,    300,    600,     1800,
        3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2419200}) {
    if (whole <= std::chrono::seconds(s) * 9) return std::chrono::seconds(s);
  }
  return whole / 8;
}

void time_axis(Svg& svg, const Summary& summary, const Box& box, Span whole) {
  const Span step = tick_length(whole);
  const auto since = summary.start.time_since_epoch();
  Span at = (step - since % step) % step;
  for (; at <= whole; at += step) {
    const double x = box.x + box.w * in_seconds(at) / in_seconds(whole);
    const std::string date =
        traces::format_date(std::chrono::floor<std::chrono::seconds>(summary.start + at));
    const std::string label = step >= std::chrono::hours(24)    ? date.substr(0, 10)
                              : step >= std::chrono::minutes(1) ? date.substr(5, 11)
                                                                : date.substr(11, 8);
    svg.line(x, box.y + box.h, x, box.y + box.h + 5, faint);
    if (x > box.x + 25 && x < box.x + box.w - 20) {
      svg.text(x, box.y + box.h + 19, label, "middle", 11, faint);
    }
  }
}

void rate_axis(Svg& svg, const Box& box, double most) {
  const double step = nice_step(most);
  for (double value = 0; value <= most * 1.0001; value += step) {
    const double y = box.y + box.h * (1 - value / most);
    svg.line(box.x, y, box.x + box.w, y, grid);
    svg.text(box.x - 8, y + 4, short_number(value), "end", 11, faint);
  }
}

void rate_over_time(Svg& svg, const Summary& summary, const Box& box) {
  const Shape& shape = *summary.shape;
  const auto& cells = shape.chart().all();
  const bool counts = shape.grain() > Span(0);
  const double cell_seconds = in_seconds(shape.chart().width());
  const Span whole = std::max<Span>(shape.length(), shape.chart().width());
  const auto mean = [&](const traces::Chart::Cell& cell) {
    const double seconds = counts ? in_seconds(cell.covered) : cell_seconds;
    return seconds > 0 ? cell.count / seconds : -1;
  };
  double most = 0;
  for (const auto& cell : cells) most = std::max({most, mean(cell), cell.peak_rate});
  if (most <= 0) most = 1;
  most *= 1.04;
  rate_axis(svg, box, most);
  const auto x_of = [&](std::size_t i) {
    return box.x + box.w * std::min(1.0, cell_seconds * static_cast<double>(i) / in_seconds(whole));
  };
  const auto y_of = [&](double rate) { return box.y + box.h * (1 - rate / most); };
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const double rate = mean(cells[i]), x = x_of(i), w = std::max(x_of(i + 1) - x, 0.1);
    if (rate < 0) {
      svg.rectangle({x, box.y, w, box.h}, absent);
      continue;
    }
    // A hair wider, so that no seams show.
    if (cells[i].peak_rate > rate * 1.001) {
      svg.rectangle({x, y_of(cells[i].peak_rate), w + 0.3, y_of(rate) - y_of(cells[i].peak_rate)},
                    light);
    }
    svg.rectangle({x, y_of(rate), w + 0.3, box.y + box.h - y_of(rate)}, strong);
  }
  svg.line(box.x, box.y + box.h, box.x + box.w, box.y + box.h, faint);
  time_axis(svg, summary, box, whole);
}

// White to dark blue.
std::string shade(double share) {
  const auto mix = [&](double from, double to) {
    return static_cast<int>(std::lround(from + (to - from) * std::clamp(share, 0.0, 1.0)));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(240, 16), mix(246, 62), mix(251, 110));
}

constexpr const char* day_names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

void hour_labels(Svg& svg, const Box& box) {
  for (std::size_t hour = 0; hour < 24; hour += 3) {
    svg.text(box.x + box.w * (static_cast<double>(hour) + 0.5) / 24, box.y + box.h + 17,
             std::to_string(hour), "middle", 11, faint);
  }
  svg.text(box.x + box.w, box.y + box.h + 17, "h", "end", 11, faint);
}

void heat_map(Svg& svg, const Shape& shape, const Box& box) {
  const auto week = shape.week();
  double most = 0;
  for (const auto& day : week) most = std::max(most, *std::max_element(day.begin(), day.end()));
  for (std::size_t day = 0; day < 7; ++day) {
    const double y = box.y + box.h * static_cast<double>(day) / 7;
    svg.text(box.x - 8, y + box.h / 14 + 4, day_names[day], "end", 11, faint);
    for (std::size_t hour = 0; hour < 24; ++hour) {
      const double rate = week[day][hour];
      svg.rectangle(
          {box.x + box.w * static_cast<double>(hour) / 24, y, box.w / 24 - 1, box.h / 7 - 1},
          rate < 0 ? absent : shade(most > 0 ? rate / most : 0));
    }
  }
  hour_labels(svg, box);
}

void hour_bars(Svg& svg, const Shape& shape, const Box& box) {
  const auto hours = shape.hours();
  double most = std::max(*std::max_element(hours.begin(), hours.end()), 1e-12) * 1.04;
  rate_axis(svg, box, most);
  for (std::size_t hour = 0; hour < 24; ++hour) {
    const double x = box.x + box.w * static_cast<double>(hour) / 24;
    if (hours[hour] < 0) {
      svg.rectangle({x, box.y, box.w / 24 - 2, box.h}, absent);
      continue;
    }
    const double h = box.h * hours[hour] / most;
    svg.rectangle({x, box.y + box.h - h, box.w / 24 - 2, h}, strong);
  }
  hour_labels(svg, box);
}

struct Bar {
  std::string name, value;
  double length;  // 0 to 1
};

void horizontal_bars(Svg& svg, const std::vector<Bar>& bars, const Box& box, double label_width) {
  const double step =
      std::min(26.0, box.h / static_cast<double>(std::max<std::size_t>(bars.size(), 1)));
  double y = box.y;
  for (const Bar& bar : bars) {
    svg.text(box.x + label_width - 8, y + step / 2 + 3, bar.name, "end", 11, ink);
    const double w = std::max(1.0, (box.w - label_width - 70) * bar.length);
    svg.rectangle({box.x + label_width, y + 3, w, step - 7}, strong);
    svg.text(box.x + label_width + w + 6, y + step / 2 + 3, bar.value, "start", 11, faint);
    y += step;
  }
}

std::vector<Bar> path_bars(const Summary& summary) {
  std::vector<Bar> bars;
  const auto top = summary.requested->paths.top(9);
  for (const auto& [path, count] : top) {
    bars.push_back({shorter(path, 34),
                    fmt::format("{:.3g} %", 100 * static_cast<double>(count) /
                                                static_cast<double>(summary.rows)),
                    static_cast<double>(count) / static_cast<double>(top.front().count)});
  }
  return bars;
}

// On a logarithmic scale from 1, Poisson's.
std::vector<Bar> dispersion_bars(const Shape& shape) {
  std::vector<Bar> bars;
  double most = 10;
  for (const auto& windows : shape.windows()) most = std::max(most, windows.dispersion());
  for (const auto& windows : shape.windows()) {
    if (windows.windows() < 20) continue;
    const auto seconds = in_seconds(windows.length());
    const std::string name = seconds < 60     ? fmt::format("{:g} s", seconds)
                             : seconds < 3600 ? fmt::format("{:g} min", seconds / 60)
                                              : fmt::format("{:g} h", seconds / 3600);
    const double index = windows.dispersion();
    bars.push_back(
        {name, short_number(index), std::log10(std::max(1.0, index)) / std::log10(most)});
  }
  return bars;
}

void head(Svg& svg, const Summary& summary) {
  const std::string name = std::filesystem::path(summary.file).filename().string();
  svg.text(60, 44, shorter(name, 70), "start", 22, ink, true);
  std::string line = fmt::format("{} requests", short_number(summary.requests));
  if (summary.shape) {
    const Shape& shape = *summary.shape;
    line += fmt::format(", {} to {}", traces::format_date(summary.start).substr(0, 16),
                        traces::format_date(summary.start + shape.length()).substr(0, 16));
    if (shape.covered() > Span(0)) {
      line += fmt::format(", mean {}/s", short_number(shape.total() / in_seconds(shape.covered())));
    }
    if (shape.gaps() > 0) line += fmt::format(", {} gaps", shape.gaps());
  }
  svg.text(60, 68, line, "start", 13, faint);
}

}  // namespace

std::string traces_picture(const Summary& summary) {
  Svg svg;
  head(svg, summary);
  if (!summary.shape) {
    svg.text(60, 120, "no dates: nothing arrives by it", "start", 14, faint);
    return svg.take();
  }
  const Shape& shape = *summary.shape;
  svg.text(60, 108, "requests per second", "start", 13, ink, true);
  svg.text(1160, 108,
           shape.gaps() > 0 ? "dark: mean, light: highest bin, sand: missing"
                            : "dark: mean, light: highest bin",
           "end", 11, faint);
  rate_over_time(svg, summary, {80, 124, 1080, 290});
  const Box left{80, 500, 500, 200}, right{640, 500, 520, 220};
  const bool hours_known = shape.grain() <= std::chrono::hours(1);
  if (hours_known && shape.length() >= std::chrono::hours(72)) {
    svg.text(60, 482, "rate by weekday and hour", "start", 13, ink, true);
    heat_map(svg, shape, left);
  } else if (hours_known) {
    svg.text(60, 482, "requests per second by hour of the day", "start", 13, ink, true);
    hour_bars(svg, shape, left);
  }
  const std::vector<Bar> paths = path_bars(summary);
  svg.text(640, 482,
           paths.empty() ? "index of dispersion by window (1 is Poisson, logarithmic)"
                         : "commonest paths",
           "start", 13, ink, true);
  horizontal_bars(svg, paths.empty() ? dispersion_bars(shape) : paths, right,
                  paths.empty() ? 70 : 260);
  return svg.take();
}

}  // namespace windtunnel::experiments
