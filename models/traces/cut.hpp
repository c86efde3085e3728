// Which part of which file, and how its rows are to be read: what a user says of one trace.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/mechanisms/rates.hpp"
#include "models/traces/formats.hpp"

namespace windtunnel::traces {

enum class Gaps : std::uint8_t { empty, hold, interpolate };

// Sees every row within the cut as it is read, before rows are put in order.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void saw(const Row& row) = 0;
  // Of counts, once it is known.
  virtual void bins_are(Nanoseconds) {}
};

struct Cut {
  std::string file;
  std::string from, to;  // dates; without a zone on the clock of the file; empty: all of it
  Options options;
  double scale = 1;
  // Of counts.
  Gaps gaps = Gaps::empty;
  // Of logs.
  std::vector<std::string> paths;  // patterns; the first that matches is a request's class
  Nanoseconds sort_window{std::chrono::minutes(1)};
  bool spread = true;  // over the second that their dates were rounded down to
  Watcher* watcher = nullptr;
};

// One request of a log, time 0 being the start of the cut.
struct Request {
  sim::Duration at{0};
  std::int32_t path_class = -1;
  sim::Duration service_time{0};
};

class Requests {
 public:
  virtual ~Requests() = default;
  virtual bool next(Request& request) = 0;
  // Of the cut, once next() was false.
  virtual sim::Duration length() const = 0;
};

// A cut as what its rows are: one of the two. Everything here throws Bad with the file's name.
struct OpenedCut {
  const Format* format = nullptr;
  std::string detail;
  std::chrono::seconds zone{0};
  std::unique_ptr<Rates> rates;
  std::unique_ptr<Requests> requests;
};
// `chance` spreads requests over the second that their log rounds them down to, and thins or
// repeats them where the scale says so.
OpenedCut open_cut(const Cut& cut, sim::Stream chance);

// An end of a cut as a date; `zone` is the file's.
Date end_of_cut(const std::string& text, Date without, std::chrono::seconds zone);

// Requests counted in bins from time 0 on.
std::unique_ptr<Rates> counted(std::unique_ptr<Requests> requests, sim::Duration bin);

}  // namespace windtunnel::traces
