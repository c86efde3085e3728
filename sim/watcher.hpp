// Who looks on while a run goes: recorders of series, tracers. What a watcher sees is what happens;
// it changes nothing, and the fingerprint is the same with and without it.
#pragma once

#include <cstdint>

#include "sim/call.hpp"
#include "sim/event.hpp"

namespace windtunnel::sim {

// The stations of a call's life, in the order in which most calls pass them.
enum class CallStep : std::uint8_t {
  opened,     // by its caller
  sent,       // onto the network
  arrived,    // at the callee
  answered,   // the callee has finished; its answer sets out
  ended,      // the answer is with the caller
  late,       // the answer found nobody waiting
  timed_out,  // its caller's time is over
  given_up,   // its caller waits no longer, for another reason
  dropped,    // the callee forgot it without a word: lost with its host, or on the way
};
const char* to_string(CallStep step);

class Watcher {
 public:
  virtual ~Watcher() = default;
  // Before the first thing that happens at this date or later: what is seen is the state after all
  // that was earlier than it. For the horizon too.
  virtual void on_sample(Time /*date*/) {}
  // The warm-up is over: all metrics begin anew.
  virtual void on_metrics_restarted() {}
  // Before its handler is called; now() is its date.
  virtual void on_event(const Event&) {}
  virtual void on_operation(const Event&) {}
  virtual void on_call(CallStep, Handle, Call&) {}
};

// What a watcher wants to see; what nobody wants costs nothing.
struct Watch {
  Duration interval = forever;  // between samples, the first one interval after the start
  bool events = false;          // and operations
  bool calls = false;
};

}  // namespace windtunnel::sim
