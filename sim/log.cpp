#include "sim/log.hpp"

namespace windtunnel::sim {

const char* to_string(Milestone milestone) {
  switch (milestone) {
    case Milestone::none:
      return "none";
    case Milestone::fault:
      return "fault";
    case Milestone::repair:
      return "repair";
    case Milestone::failed_request:
      return "failed_request";
    case Milestone::detection:
      return "detection";
    case Milestone::action_started:
      return "action_started";
    case Milestone::action_finished:
      return "action_finished";
    case Milestone::caches_expired:
      return "caches_expired";
    case Milestone::clients_moved:
      return "clients_moved";
  }
  return "?";
}

void RunLog::configure(Duration window, Duration bound, Time warm_up_end, Time horizon_date) {
  WT_CHECK(window > Duration::zero(), "a window has a length");
  window_length = window;
  latency_bound = bound;
  warm_up = warm_up_end;
  horizon = horizon_date;
  const auto span = horizon.time_since_epoch();
  windows.assign(static_cast<std::size_t>((span + window - Duration(1)) / window), {});
}

void RunLog::note(Time at, Milestone milestone, std::string component, std::string text) {
  if (milestone == Milestone::fault && at < first_fault) {
    first_fault = at;
    users_hit.restart(at);
  }
  events.push_back({at, milestone, std::move(component), std::move(text)});
}

}  // namespace windtunnel::sim
