// What a recorded load is, whatever its format: rows in the order of the file. A format is a
// Reader; formats.hpp knows them all. Rows stream: nothing here grows with the file.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "models/traces/bad.hpp"
#include "models/traces/dates.hpp"

namespace windtunnel::traces {

using Nanoseconds = std::chrono::nanoseconds;

enum class Kind : std::uint8_t {
  counts,     // a row is a bin with its number of requests
  requests,   // a row is one request
  durations,  // a row is a function with its number of calls and their mean time: no dates
};

inline constexpr Nanoseconds unknown{-1};
inline constexpr double longest_time = 1e8;  // seconds, three years

struct Row {
  Date at;               // of a bin its start; of a request when it came to the service's door
  Nanoseconds width{0};  // of a bin whose format says it; 0: the distance of rows does
  double count = 1;      // requests; in a bin perhaps a fraction
  bool is_rate = false;  // count is requests a second

  // Of a request, as far as the format tells. Texts hold until the next row is read.
  Nanoseconds service = unknown;  // what the target took
  Nanoseconds waited = unknown;   // from `at` until the target was asked
  Nanoseconds total = unknown;    // from `at` to the answer
  int status = 0;                 // HTTP; 0: not known, or no answer
  int target_status = 0;
  std::int64_t received = -1, sent = -1;  // bytes
  std::string_view method, host, path, target;
};

enum class Values : std::uint8_t { as_named, counts, per_second, per_minute };

// What a user may say of a file where its content does not say enough.
struct Options {
  std::string format{};  // a name of formats.hpp; empty: recognised
  std::string series{};  // which one, where there are several: a column, a metric, a function
  Values values = Values::as_named;
  bool day_first = false;
  bool add_repeated = false;  // counts of one date add up instead of being an error
  Nanoseconds bin{0};         // width of a bin where the rows do not show it
};

class Reader {
 public:
  virtual ~Reader() = default;
  // The next row; false: there is none. Throws Bad.
  virtual bool next(Row& row) = 0;
  // Line of the row that was read last.
  virtual std::size_t line() const = 0;

  Kind kind = Kind::requests;
  // Dates are truncated to this: requests within it stand at its start.
  Nanoseconds resolution{0};
  // What the dates had taken off to become UTC: a date without a zone means this clock.
  std::chrono::seconds zone{0};
  std::string detail;  // "column value", for people
};

}  // namespace windtunnel::traces
