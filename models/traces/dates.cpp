#include "models/traces/dates.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstring>

namespace windtunnel::traces {

namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

constexpr std::string_view month_names = "janfebmaraprmayjunjulaugsepoctnovdec";

struct Parts {
  int year = 0, month = 0, day = 0;
  int hour = 0, minute = 0, second = 0;
  std::int64_t nanosecond = 0;
  std::optional<seconds> zone;
};

class Scanner {
 public:
  explicit Scanner(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  bool done() const { return at_ == end_; }
  char front() const { return at_ < end_ ? *at_ : '\0'; }
  bool take(char c) {
    if (front() != c || done()) return false;
    ++at_;
    return true;
  }
  bool take_any(const char* of) {
    if (done() || std::strchr(of, *at_) == nullptr) return false;
    ++at_;
    return true;
  }
  // One to `most` digits.
  bool number(int most, int& value) {
    value = 0;
    int digits = 0;
    for (; digits < most && at_ < end_ && is_digit(*at_); ++digits)
      value = value * 10 + (*at_++ - '0');
    return digits > 0;
  }
  // Exactly two.
  bool two(int& value) {
    if (end_ - at_ < 2 || !is_digit(at_[0]) || !is_digit(at_[1])) return false;
    value = (at_[0] - '0') * 10 + (at_[1] - '0');
    at_ += 2;
    return true;
  }
  bool month_name(int& month) {
    if (end_ - at_ < 3) return false;
    char name[3];
    for (int i = 0; i < 3; ++i) name[i] = static_cast<char>(at_[i] | 0x20);
    const std::size_t found = month_names.find(std::string_view(name, 3));
    if (found == std::string_view::npos || found % 3 != 0) return false;
    month = static_cast<int>(found / 3) + 1;
    at_ += 3;
    while (is_letter(front())) ++at_;
    return true;
  }
  bool word(std::string_view lower) {
    if (static_cast<std::size_t>(end_ - at_) < lower.size()) return false;
    for (std::size_t i = 0; i < lower.size(); ++i) {
      if ((at_[i] | 0x20) != lower[i]) return false;
    }
    at_ += lower.size();
    return true;
  }
  void spaces() {
    while (take(' ')) {
    }
  }

 private:
  const char* at_;
  const char* end_;
};

bool read_fraction(Scanner& s, Parts& parts) {
  if (!s.take('.') && !s.take(',')) return true;
  std::int64_t scale = 100'000'000;
  if (!is_digit(s.front())) return false;
  for (int digit = 0; is_digit(s.front()); scale /= 10) {
    s.number(1, digit);
    parts.nanosecond += digit * scale;
  }
  return true;
}

// "", "Z", " UTC", "+02:00", " -0700", "+02".
bool read_zone(Scanner& s, Parts& parts) {
  s.spaces();
  if (s.done()) return true;
  if (s.take('Z') || s.take('z') || s.word("utc") || s.word("gmt")) {
    parts.zone = seconds(0);
    return s.done();
  }
  const bool west = s.front() == '-';
  int hours = 0, minutes = 0;
  if (!s.take_any("+-") || !s.two(hours)) return false;
  s.take(':');
  if (!s.done() && !s.two(minutes)) return false;
  const seconds offset(hours * 3600 + minutes * 60);
  parts.zone = west ? -offset : offset;
  return s.done() && hours < 24 && minutes < 60;
}

// "00:04", "00:04:00.5", "12:04 AM", then a zone; nothing at all is midnight.
bool read_time(Scanner& s, Parts& parts) {
  if (s.done()) return true;
  if (!s.number(2, parts.hour) || !s.take(':') || !s.two(parts.minute)) return false;
  if (s.take(':') && (!s.two(parts.second) || !read_fraction(s, parts))) return false;
  s.spaces();
  const bool evening = s.word("pm");
  if (evening || s.word("am")) {
    if (parts.hour < 1 || parts.hour > 12) return false;
    parts.hour = parts.hour % 12 + (evening ? 12 : 0);
  }
  return read_zone(s, parts);
}

// Days since 1970 of a day in the Gregorian calendar, or nothing.
std::optional<std::int64_t> days_of(const Parts& p) {
  constexpr int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (p.year < 1950 || p.year > 2200 || p.month < 1 || p.month > 12 || p.day < 1) return {};
  const bool leap = p.year % 4 == 0 && (p.year % 100 != 0 || p.year % 400 == 0);
  if (p.day > lengths[p.month - 1] || (p.month == 2 && p.day == 29 && !leap)) return {};
  const int year =
      p.month <= 2 ? p.year - 1 : p.year;  // years begin in March: the leap day is last
  const int era = year / 400, of_era = year % 400;
  const int of_year = (153 * (p.month + (p.month > 2 ? -3 : 9)) + 2) / 5 + p.day - 1;
  const int day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
  return std::int64_t{era} * 146097 + day_of_era - 719468;
}

std::optional<ReadDate> date_of(const Parts& p) {
  const auto days = days_of(p);
  const bool ends_day = p.hour == 24 && p.minute == 0 && p.second == 0 && p.nanosecond == 0;
  if (!days || (p.hour > 23 && !ends_day) || p.minute > 59 || p.second > 60) return {};
  const std::int64_t s = *days * 86400 + p.hour * 3600 + p.minute * 60 + p.second -
                         p.zone.value_or(seconds(0)).count();
  return ReadDate{Date(seconds(s) + nanoseconds(p.nanosecond)), p.zone};
}

// 2014-04-10..., 2014/04/10..., 20140410T...
std::optional<ReadDate> read_year_first(std::string_view text) {
  Scanner s(text);
  Parts p;
  if (!s.number(4, p.year)) return {};
  if (s.take_any("-/.")) {
    if (!s.number(2, p.month) || !s.take_any("-/.") || !s.number(2, p.day)) return {};
    if (!s.done() && (!s.take_any("Tt _") || s.done())) return {};
    if (!read_time(s, p)) return {};
  } else {
    if (!s.two(p.month) || !s.two(p.day) || !s.take('T') || !s.two(p.hour)) return {};
    if (!s.two(p.minute) || (is_digit(s.front()) && !s.two(p.second))) return {};
    if (!read_zone(s, p)) return {};
  }
  return date_of(p);
}

// 10/Apr/2014:00:04:00 +0200, 10-Apr-2014 00:04, Thu, 10 Apr 2014 00:04:00 GMT.
std::optional<ReadDate> read_named_month(std::string_view text) {
  Scanner s(text);
  Parts p;
  while (is_letter(s.front())) s.take(s.front());
  s.take(',');
  s.spaces();
  if (!s.number(2, p.day) || !s.take_any("/- .") || !s.month_name(p.month)) return {};
  if (!s.take_any("/- .") || !s.number(4, p.year)) return {};
  if (!s.done() && !s.take_any(": T")) return {};
  if (!read_time(s, p)) return {};
  return date_of(p);
}

// 4/10/2014 12:04:00 AM, 10.04.2014 00:04, 4/10/14 0:04.
std::optional<ReadDate> read_year_last(std::string_view text, bool day_first) {
  Scanner s(text);
  Parts p;
  int first = 0, second = 0;
  if (!s.number(2, first)) return {};
  const bool dots = s.front() == '.';
  if (!s.take_any("/-.") || !s.number(2, second) || !s.take_any("/-.")) return {};
  if (!s.two(p.year)) return {};
  if (int rest = 0; s.two(rest)) {
    p.year = p.year * 100 + rest;
  } else {
    p.year += p.year < 70 ? 2000 : 1900;
  }
  day_first = day_first || dots;
  p.day = day_first ? first : second;
  p.month = day_first ? second : first;
  s.take(',');
  if (!s.done() && !s.take_any(" T")) return {};
  if (!read_time(s, p)) return {};
  return date_of(p);
}

// Numbers since 1970, their unit by their size; exact where they are whole.
std::optional<ReadDate> read_epoch(std::string_view text, const DateOptions& options) {
  const char* end = text.data() + text.size();
  std::int64_t whole = 0;
  double fraction = 0;
  if (text.find_first_of("eE") != std::string_view::npos) {  // 1.7e9
    double all = 0;
    const auto result = std::from_chars(text.data(), end, all);
    if (result.ec != std::errc() || result.ptr != end || !(all >= 0) || all > 9e18) return {};
    whole = static_cast<std::int64_t>(all);
    fraction = all - static_cast<double>(whole);
  } else {
    const auto result = std::from_chars(text.data(), end, whole);
    if (result.ec != std::errc() || whole < 0) return {};
    if (result.ptr != end) {
      const auto rest = std::from_chars(result.ptr, end, fraction);
      if (*result.ptr != '.' || rest.ec != std::errc() || rest.ptr != end) return {};
    }
  }
  constexpr std::int64_t least = 100'000'000;  // seconds: March 1973
  double unit = 1;
  if (whole >= least * 1'000'000'000) {
    unit = 1e-9;
  } else if (whole >= least * 1'000'000) {
    unit = 1e-6;
  } else if (whole >= least * 1000) {
    unit = 1e-3;
  } else if (whole < least) {
    unit = options.small_number_seconds;
  }
  const double ns_of_unit = unit * 1e9;
  const double ns_of_fraction = std::round(fraction * ns_of_unit);
  const auto step = static_cast<std::int64_t>(ns_of_unit);
  if (whole > 7'258'118'400'000'000'000 / step) return {};
  return ReadDate{Date(nanoseconds(whole * step + static_cast<std::int64_t>(ns_of_fraction))),
                  std::nullopt};
}

}  // namespace

std::optional<ReadDate> read_date(std::string_view text, const DateOptions& options) {
  if (text.empty() || text.size() > 48) return {};
  if (text.size() > 4 && is_digit(text[0]) && is_digit(text[1]) && is_digit(text[2]) &&
      is_digit(text[3])) {
    if (text[4] == '-' || text[4] == '/' || (text[4] == '.' && text.size() > 7 && text[7] == '.')) {
      return read_year_first(text);
    }
    if (text.size() > 12 && text[8] == 'T') return read_year_first(text);
  }
  if (!is_digit(text[0])) return is_letter(text[0]) ? read_named_month(text) : std::nullopt;
  for (std::size_t i = 1; i < 4 && i < text.size(); ++i) {
    const char c = text[i];
    if (is_digit(c)) continue;
    const bool separates = c == '/' || c == '-' || c == ' ' || c == '.';
    if (!separates || i > 2) break;
    if (i + 1 < text.size() && is_letter(text[i + 1])) return read_named_month(text);
    if (c == '.' && text.find('.', i + 1) == std::string_view::npos) break;
    return read_year_last(text, options.day_first);
  }
  return read_epoch(text, options);
}

std::string format_date(Date date) {
  const std::int64_t ns = date.time_since_epoch().count();
  std::int64_t s = ns / 1'000'000'000, rest = ns % 1'000'000'000;
  if (rest < 0) {
    rest += 1'000'000'000;
    --s;
  }
  const auto day = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(seconds(s)));
  const std::chrono::year_month_day ymd(day);
  const std::int64_t of_day = s - day.time_since_epoch().count() * 86400;
  std::string text =
      fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(ymd.year()),
                  static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()),
                  of_day / 3600, of_day / 60 % 60, of_day % 60);
  if (rest != 0) {
    text += fmt::format(".{:09}", rest);
    while (text.back() == '0') text.pop_back();
  }
  return text;
}

}  // namespace windtunnel::traces
