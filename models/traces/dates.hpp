// Dates as people and programs write them, each as nanoseconds since 1970. Hand-written: a date is
// read for every line of a log.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace windtunnel::traces {

// UTC where the text names a zone, else the clock of the text.
using Date = std::chrono::sys_time<std::chrono::nanoseconds>;

struct ReadDate {
  Date date;
  std::optional<std::chrono::seconds> zone;  // what was taken off to get UTC; absent: none named
};

struct DateOptions {
  bool day_first = false;           // 3/4/2014 is the third of April; else March the fourth
  double small_number_seconds = 1;  // what a number below 1e8 counts: time from some start
};

// The whole text is one of
//   2014-04-10 00:04:00.123  2014-04-10T00:04Z  2014/04/10 00:04:00+02:00  20140410T000400Z
//   2014-04-10  10/Apr/2014:00:04:00 +0200  10-Apr-2014 00:04  10 Apr 2014 00:04:00
//   Thu, 10 Apr 2014 00:04:00 GMT  4/10/2014 12:04:00 AM  10.04.2014 00:04
//   seconds, milliseconds, microseconds or nanoseconds since 1970 by their size
// 24:00 is the end of the day; years are 1950 to 2200, so that no difference overflows. Nothing
// where it is none of these.
std::optional<ReadDate> read_date(std::string_view text, const DateOptions& options = {});

// "2014-04-10 00:04:00", with a fraction where there is one.
std::string format_date(Date date);

}  // namespace windtunnel::traces
