#include "analysis/text.hpp"

#include <fmt/format.h>

#include <cmath>

namespace windtunnel::analysis {

std::string duration_text(double seconds) {
  constexpr std::int64_t day_minutes = 1440;
  if (seconds < 0) return fmt::format("-{}", duration_text(-seconds));
  if (seconds == 0) return "0 s";
  if (seconds < 0.9995) return fmt::format("{:.3g} ms", seconds * 1e3);
  if (seconds < 9.95) return fmt::format("{:g} s", std::round(seconds * 10) / 10);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  const auto two = [](std::int64_t n, const char* unit, std::int64_t rest, const char* small) {
    return rest == 0 ? fmt::format("{} {}", n, unit)
                     : fmt::format("{} {} {} {}", n, unit, rest, small);
  };
  if (whole < 3600) return two(whole / 60, "min", whole % 60, "s");
  const std::int64_t minutes = (whole + 30) / 60;
  if (minutes < day_minutes) return two(minutes / 60, "h", minutes % 60, "min");
  const std::int64_t hours = (whole + 1800) / 3600;
  return two(hours / 24, "d", hours % 24, "h");
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string date_text(std::int64_t nanoseconds) {
  const std::int64_t tenths =
      nanoseconds / 100'000'000;  // cut, not rounded: never before it happens
  const std::int64_t whole = tenths / 10;
  return fmt::format("{}.{}", clock_text(static_cast<double>(whole)), tenths % 10);
}

std::string share_text(double share) {
  // Near 1 the digits that count are those of the rest: 99.9987 %, not 100.00 %.
  const double rest = 1 - share;
  int digits = 2;
  while (digits < 6 && rest > 0 && rest * 100 < 0.5 * std::pow(10, -digits)) ++digits;
  return fmt::format("{:.{}f} %", share * 100, share == 1 ? 0 : digits);
}

std::string count_text(std::uint64_t count) {
  if (count < 1000) return std::to_string(count);
  return fmt::format("{},{:03}", count_text(count / 1000), count % 1000);
}

std::string short_count_text(std::uint64_t count) {
  const auto n = static_cast<double>(count);
  if (count < 1000) return std::to_string(count);
  if (n < 999.5e3) return fmt::format("{:.3g} k", n / 1e3);
  if (n < 999.5e6) return fmt::format("{:.3g} M", n / 1e6);
  return fmt::format("{:.4g} G", n / 1e9);
}

}  // namespace windtunnel::analysis
