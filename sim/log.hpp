// What a run leaves behind for the measures: request windows, events with milestones, spells of
// lag, write outcomes. analysis/ turns it into RTO, RPO and the rest; definitions stand there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/check.hpp"
#include "sim/time.hpp"

namespace windtunnel::sim {

// What an event means for the parts of RTO.
enum class Milestone : std::uint8_t {
  none,             // part of the story only
  fault,            // something was broken
  repair,           // a fault ended
  failed_request,   // the first failed request after a fault (the log finds it itself)
  detection,        // a detector fired
  action_started,   // a remedy began: promotion, launch, change of an answer
  action_finished,  // a remedy is in effect
  caches_expired,   // caches of DNS have let go of an answer that led nowhere
  clients_moved,    // clients reach something else than before
};
const char* to_string(Milestone milestone);

struct LoggedEvent {
  Time at;
  Milestone milestone;
  std::string component;
  std::string text;  // AWS's wording; a sentence without its subject
};

// Requests of one window, by the date of their first attempt.
struct RequestWindow {
  std::uint32_t arrived = 0;  // decided ones only
  std::uint32_t good = 0;     // succeeded, within the latency bound if there is one
  std::uint32_t fast =
      0;  // answered within the bound, well or not; all answered ones without a bound
  std::uint32_t undecided = 0;  // their last deadline lies beyond the horizon
};

// A spell of lag and its parts in order; the parts sum to end - start.
struct LagSpell {
  struct Part {
    std::string name;
    Duration length;
  };
  std::string component;
  std::string kind;  // "replacement" or "scaling"
  Time start{};
  std::optional<Time> end;  // absent: not over at the horizon
  std::vector<Part> parts;
};

// What happened to the writes of one store.
struct WriteOutcome {
  std::string component;
  std::uint64_t acknowledged = 0, lost = 0, unknown = 0;
  std::optional<Time> oldest_lost;        // when the oldest lost write was acknowledged
  std::optional<Time> last_acknowledged;  // before its (last) failure
  std::optional<Time> failed;             // when it failed last
  bool recovered = true;                  // it takes writes at the horizon
};

// The users of all clients: how many there are, and how many of them are hit.
class UsersHit {
 public:
  void join(std::uint32_t users) { users_ += users; }
  // A user's last request failed, or he cannot connect; or he is served again.
  void add(Time now, int change) {
    hit_seconds_ = user_seconds(now);
    since_ = now;
    hit_ += change;
    peak_ = std::max(peak_, hit_);
  }
  // What came before does not count: the first fault.
  void restart(Time now) {
    hit_seconds_ = 0;
    since_ = now;
    peak_ = hit_;
  }

  std::uint32_t users() const { return users_; }
  double peak_share() const { return static_cast<double>(peak_) / users_; }
  // Of a user, on average.
  double seconds_hit(Time now) const { return user_seconds(now) / users_; }

 private:
  double user_seconds(Time now) const { return hit_seconds_ + hit_ * seconds(now - since_); }

  std::uint32_t users_ = 0;
  std::int32_t hit_ = 0, peak_ = 0;
  double hit_seconds_ = 0;  // of all users together
  Time since_{};
};

struct RunLog {
  // Window length, latency bound (forever: none), start of the measures, end of the run.
  void configure(Duration window, Duration bound, Time warm_up_end, Time horizon_date);

  // A request has ended, `arrival` being its first attempt's date and `last_deadline` when it must
  // have ended.
  void request_ended(Time arrival, Time last_deadline, bool success, Duration latency, Time now) {
    if (arrival < warm_up) return;
    RequestWindow& window = window_of(arrival);
    if (last_deadline >= horizon) {
      ++window.undecided;
      return;
    }
    ++window.arrived;
    const bool within = latency <= latency_bound;
    window.good += success && within;
    window.fast += within;
    if (!success && now >= first_fault && now < first_failed) first_failed = now;
  }
  // A request that is still open at the horizon.
  void request_open(Time arrival) {
    if (arrival >= warm_up) ++window_of(arrival).undecided;
  }

  void note(Time at, Milestone milestone, std::string component, std::string text);

  Duration window_length{0};
  Duration latency_bound = forever;
  Time warm_up{}, horizon{};
  std::vector<RequestWindow> windows;
  Time first_fault = Time::max();
  Time first_failed = Time::max();  // max: none
  UsersHit users_hit;               // from the first fault on
  std::vector<LoggedEvent> events;
  std::vector<LagSpell> spells;
  std::vector<WriteOutcome> writes;

 private:
  RequestWindow& window_of(Time arrival) {
    const auto i = static_cast<std::size_t>(arrival.time_since_epoch() / window_length);
    WT_CHECK(i < windows.size(), "a request arrived beyond the horizon");
    return windows[i];
  }
};

}  // namespace windtunnel::sim
