#include "topologies/quantity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <system_error>
#include <type_traits>
#include <vector>

#include "topologies/diagnostics.hpp"

namespace windtunnel {

namespace {

__extension__ typedef unsigned __int128 Wide;  // products of 19 digits and a scale

struct WholeUnit {
  std::string_view word;
  std::int64_t scale;
};

// Largest first: so are compounds written.
constexpr std::array<WholeUnit, 7> durations{{{"d", 86'400'000'000'000},
                                              {"h", 3'600'000'000'000},
                                              {"min", 60'000'000'000},
                                              {"s", 1'000'000'000},
                                              {"ms", 1'000'000},
                                              {"us", 1'000},
                                              {"ns", 1}}};
constexpr std::array<WholeUnit, 9> sizes{{{"TiB", 1'099'511'627'776},
                                          {"TB", 1'000'000'000'000},
                                          {"GiB", 1'073'741'824},
                                          {"GB", 1'000'000'000},
                                          {"MiB", 1'048'576},
                                          {"MB", 1'000'000},
                                          {"KiB", 1'024},
                                          {"KB", 1'000},
                                          {"B", 1}}};

// value = number * 10^exponent / divisor
struct RealUnit {
  std::string_view word;
  int exponent;
  double divisor;
};

constexpr std::array<RealUnit, 4> rates{
    {{"/s", 0, 1.0}, {"/min", 0, 60.0}, {"/h", 0, 3600.0}, {"/d", 0, 86400.0}}};
constexpr std::array<RealUnit, 2> shares{{{"%", -2, 1.0}, {"", 0, 1.0}}};
constexpr std::array<RealUnit, 4> bandwidths{
    {{"Gbit/s", 9, 1.0}, {"Mbit/s", 6, 1.0}, {"kbit/s", 3, 1.0}, {"bit/s", 0, 1.0}}};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <typename Units>
std::string words_of(const Units& units) {
  std::string words;
  for (const auto& unit : units) {
    if (!words.empty() && !unit.word.empty()) words += ", ";
    words += unit.word;
  }
  return words;
}

std::string_view take(std::string_view& rest, bool (*wanted)(char)) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), wanted);
  const auto size = static_cast<std::size_t>(end - rest.begin());
  const std::string_view taken = rest.substr(0, size);
  rest.remove_prefix(size);
  return taken;
}

// The words of a kind of quantity, for its messages.
struct Kind {
  std::string_view noun;
  std::string_view example;
  std::string_view finest;
};

constexpr Kind duration_kind{"a duration", "30s or 5min", "1 ns"};
constexpr Kind size_kind{"a size", "256KiB or 10MB", "1 byte"};

// Parses `1h30min`: decimals with units, each unit smaller than the one before.
template <typename Units>
class WholeParser {
 public:
  WholeParser(std::string_view text, const Units& units, const Kind& kind)
      : rest_(text), units_(units), kind_(kind) {}

  Parsed<std::int64_t> parse() {
    const bool negative = rest_.starts_with('-');
    if (negative || rest_.starts_with('+')) rest_.remove_prefix(1);
    if (rest_ == "0") return {0, ""};
    std::size_t next_unit = 0;
    do {
      if (std::string error = part(next_unit); !error.empty()) return {{}, std::move(error)};
      take(rest_, [](char c) { return c == ' '; });
    } while (!rest_.empty());
    const auto total = static_cast<std::int64_t>(total_);
    return {negative ? -total : total, ""};
  }

 private:
  std::string part(std::size_t& next_unit) {
    const std::string_view whole = take(rest_, is_digit);
    std::string_view fraction;
    if (rest_.starts_with('.')) {
      rest_.remove_prefix(1);
      fraction = take(rest_, is_digit);
      if (fraction.empty()) return fmt::format("is not {}", kind_.noun);
    }
    if (whole.empty()) return fmt::format("is not {}; write it as {}", kind_.noun, kind_.example);
    take(rest_, [](char c) { return c == ' '; });
    const std::string_view word =
        take(rest_, [](char c) { return !is_digit(c) && c != ' ' && c != '.'; });
    if (word.empty()) {
      return fmt::format("has no unit; {} is written as {}", kind_.noun, kind_.example);
    }
    const auto unit = std::find_if(units_.begin(), units_.end(),
                                   [&](const WholeUnit& known) { return known.word == word; });
    if (unit == units_.end()) {
      return fmt::format("is not {}: unknown unit {}; units are {}", kind_.noun, shown(word),
                         words_of(units_));
    }
    const auto index = static_cast<std::size_t>(unit - units_.begin());
    if (index < next_unit) {
      return fmt::format("is not {}: larger units come first, each once", kind_.noun);
    }
    next_unit = index + 1;
    return add(whole, fraction, unit->scale);
  }

  std::string add(std::string_view whole, std::string_view fraction, std::int64_t scale) {
    while (fraction.ends_with('0')) fraction.remove_suffix(1);
    if (fraction.size() > 18) return fmt::format("is finer than {}", kind_.finest);
    Wide tens = 1;
    Wide parts = 0;
    for (const char c : fraction) {
      parts = parts * 10 + static_cast<Wide>(c - '0');
      tens *= 10;
    }
    parts *= static_cast<Wide>(scale);
    if (parts % tens != 0) return fmt::format("is finer than {}", kind_.finest);
    total_ += parts / tens;

    std::uint64_t number = 0;
    const auto result = std::from_chars(whole.data(), whole.data() + whole.size(), number);
    total_ += static_cast<Wide>(number) * static_cast<Wide>(scale);
    constexpr auto largest = static_cast<Wide>(std::numeric_limits<std::int64_t>::max());
    return result.ec != std::errc() || total_ > largest ? "is too large" : "";
  }

  std::string_view rest_;
  const Units& units_;
  const Kind& kind_;
  Wide total_ = 0;
};

template <typename Units>
Parsed<std::int64_t> parse_whole(std::string_view text, const Units& units, const Kind& kind) {
  return WholeParser<Units>(text, units, kind).parse();
}

// No sign but one '-' or '+', no "nan", no "inf"; `number` ends before the first character that is
// not part of it.
std::string_view number_prefix(std::string_view text, bool exponents) {
  const std::string_view all = text;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (take(text, is_digit).empty()) return {};
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    take(text, is_digit);
  }
  if (exponents && (text.starts_with('e') || text.starts_with('E'))) {
    std::string_view exponent = text.substr(1);
    if (exponent.starts_with('-') || exponent.starts_with('+')) exponent.remove_prefix(1);
    if (!take(exponent, is_digit).empty()) text = exponent;
  }
  return all.substr(0, all.size() - text.size());
}

// The decimal exponent goes into the text, so that 99.9% is the double next to 0.999.
Parsed<double> to_double(std::string_view number, int exponent) {
  if (number.starts_with('+')) number.remove_prefix(1);
  const std::string text =
      exponent == 0 ? std::string(number) : fmt::format("{}e{}", number, exponent);
  double value = 0.0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || !std::isfinite(value)) return {{}, "is too large or too small"};
  return {value, ""};
}

template <typename Units>
Parsed<double> parse_real(std::string_view text, const Units& units, std::string_view noun,
                          std::string_view example) {
  const std::string_view number = number_prefix(text, false);
  if (number.empty()) return {{}, fmt::format("is not {}; write it as {}", noun, example)};
  std::string_view word = text.substr(number.size());
  while (word.starts_with(' ')) word.remove_prefix(1);
  for (const RealUnit& unit : units) {
    if (unit.word != word) continue;
    Parsed<double> parsed = to_double(number, unit.exponent);
    if (parsed.value) *parsed.value /= unit.divisor;
    return parsed;
  }
  if (word.empty()) {
    const Parsed<double> plain = to_double(number, 0);
    if (plain.value == 0.0) return plain;
    return {{}, fmt::format("has no unit; {} is written as {}", noun, example)};
  }
  return {
      {},
      fmt::format("is not {}: unknown unit {}; units are {}", noun, shown(word), words_of(units))};
}

template <typename T>
Parsed<T> parse_plain_whole(std::string_view text) {
  T value{};
  const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool all = end == digits.data() + digits.size() && !digits.empty();
  if (all && error == std::errc::result_out_of_range) return {{}, "is too large"};
  if (!all || error != std::errc()) return {{}, "is not a whole number"};
  return {value, ""};
}

Parsed<double> parse_plain_real(std::string_view text) {
  const std::string_view number = number_prefix(text, true);
  if (number.empty() || number.size() != text.size()) return {{}, "is not a number"};
  return to_double(number, 0);
}

std::string decimal(std::int64_t value, std::int64_t scale, std::string_view word) {
  std::string text = fmt::format("{}", value / scale);
  std::string fraction;
  for (std::int64_t rest = value % scale, unit = scale; rest != 0; rest %= unit) {
    unit /= 10;
    fraction += static_cast<char>('0' + rest / unit);
  }
  return text + (fraction.empty() ? "" : "." + fraction) + std::string(word);
}

std::string format_duration(std::int64_t value) {
  if (value == 0) return "0s";
  if (value == std::numeric_limits<std::int64_t>::min()) return "-9223372036854775808ns";
  if (value < 0) return "-" + format_duration(-value);
  std::string text;
  for (const WholeUnit& unit : durations) {
    if (value == 0 || value < unit.scale) continue;
    if (unit.scale <= 1'000'000'000) return text + decimal(value, unit.scale, unit.word);
    text += fmt::format("{}{}", value / unit.scale, unit.word);
    value %= unit.scale;
  }
  return text;
}

std::string format_size(std::int64_t value) {
  for (const WholeUnit& unit : sizes) {
    if (value != 0 && value % unit.scale == 0) {
      return fmt::format("{}{}", value / unit.scale, unit.word);
    }
  }
  return "0B";
}

// value / 10^exponent, with the fewest digits that parse back to the value: its own shortest
// digits, the point moved.
std::string format_real(double value, int exponent, std::string_view word) {
  std::array<char, 32> buffer{};
  const auto [end, unused] = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                           std::abs(value), std::chars_format::scientific);
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  const std::size_t e = text.find('e');
  int point = 1 - exponent;  // digits before the decimal point
  const std::size_t power = text[e + 1] == '+' ? e + 2 : e + 1;
  int parsed = 0;
  std::from_chars(text.data() + power, end, parsed);
  point += parsed;
  std::string digits(text.substr(0, 1));
  if (e > 2) digits += text.substr(2, e - 2);

  if (value == 0.0) point = 1;
  if (point <= 0) digits.insert(0, static_cast<std::size_t>(1 - point), '0');
  const auto before = static_cast<std::size_t>(std::max(1, point));
  if (digits.size() < before) digits.resize(before, '0');
  if (digits.size() > before) digits.insert(before, ".");
  return (value < 0 ? "-" : "") + digits + std::string(word);
}

std::string format_bandwidth(double value) {
  for (const RealUnit& unit : bandwidths) {
    if (std::abs(value) >= std::pow(10.0, unit.exponent)) {
      return format_real(value, unit.exponent, unit.word);
    }
  }
  return format_real(value, 0, "bit/s");
}

}  // namespace

template <typename T>
Parsed<T> parse_quantity(std::string_view text, schema::Unit unit) {
  if constexpr (std::is_same_v<T, std::int64_t>) {
    if (unit == schema::DURATION) return parse_whole(text, durations, duration_kind);
    if (unit == schema::BYTES) return parse_whole(text, sizes, size_kind);
    return parse_plain_whole<T>(text);
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    return parse_plain_whole<T>(text);
  } else {
    if (unit == schema::RATE) return parse_real(text, rates, "a rate", "400/s or 10/min");
    if (unit == schema::SHARE) return parse_real(text, shares, "a share", "20% or 0.2");
    if (unit == schema::BANDWIDTH) return parse_real(text, bandwidths, "a bandwidth", "10Mbit/s");
    return parse_plain_real(text);
  }
}

template <typename T>
std::string format_quantity(T value, schema::Unit unit) {
  if constexpr (std::is_same_v<T, std::int64_t>) {
    if (unit == schema::DURATION) return format_duration(value);
    if (unit == schema::BYTES) return format_size(value);
  } else if constexpr (std::is_same_v<T, double>) {
    if (unit == schema::RATE) return format_real(value, 0, "/s");
    if (unit == schema::SHARE) return format_real(value, -2, "%");
    if (unit == schema::BANDWIDTH) return format_bandwidth(value);
  }
  return fmt::format("{}", value);
}

template Parsed<std::int64_t> parse_quantity(std::string_view, schema::Unit);
template Parsed<std::uint64_t> parse_quantity(std::string_view, schema::Unit);
template Parsed<double> parse_quantity(std::string_view, schema::Unit);
template std::string format_quantity(std::int64_t, schema::Unit);
template std::string format_quantity(std::uint64_t, schema::Unit);
template std::string format_quantity(double, schema::Unit);

std::string date_error(std::string_view text) {
  const std::string wrong = "is not a date; write it as 1998-06-30T18:00";
  constexpr std::string_view pattern = "dddd-dd-ddTdd:dd:dd";
  if (text.size() != 16 && text.size() != pattern.size()) return wrong;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool fits = pattern[i] == 'd'   ? is_digit(c)
                      : pattern[i] == 'T' ? c == 'T' || c == ' '
                                          : c == pattern[i];
    if (!fits) return wrong;
  }
  const auto number = [&](std::size_t from, std::size_t size) {
    int value = 0;
    std::from_chars(text.data() + from, text.data() + from + size, value);
    return value;
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  if (!day.ok()) return "is not a date: there is no such day";
  const int hour = number(11, 2);
  const int minute = number(14, 2);
  const int second = text.size() > 16 ? number(17, 2) : 0;
  const bool ends_day = hour == 24 && minute == 0 && second == 0;
  if ((hour > 23 && !ends_day) || minute > 59 || second > 59) {
    return "is not a date: there is no such time of day";
  }
  return "";
}

}  // namespace windtunnel
