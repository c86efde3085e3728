// Numbers with units, as users write them: `30s`, `1h30min`, `256KiB`, `10Mbit/s`, `400/s`, `20%`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "models/schema.pb.h"

namespace windtunnel {

// A value, or what is wrong with the text: "... is not a duration: unknown unit 'kg' ..."
template <typename T>
struct Parsed {
  std::optional<T> value;
  std::string error;
};

// T is std::int64_t (NONE, DURATION in ns, BYTES), std::uint64_t (NONE) or double (NONE, RATE per
// second, SHARE, BANDWIDTH in bit/s). Whole numbers are exact: a fraction finer than 1 ns or 1
// byte, or an overflow, is an error. A plain number is refused where a unit is needed, unless it is
// 0. The sign is for the caller's limits to judge.
template <typename T>
Parsed<T> parse_quantity(std::string_view text, schema::Unit unit);

// The shortest usual way to write it, which parses back to the same value: "1h30min", "1.5s",
// "256KiB".
template <typename T>
std::string format_quantity(T value, schema::Unit unit);

// "1998-06-30T18:00", or with a space or seconds; 24:00 is the end of a day. Returns what is wrong,
// or nothing.
std::string date_error(std::string_view text);

}  // namespace windtunnel
