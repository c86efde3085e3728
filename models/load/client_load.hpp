// A client's open load as its settings say it: recorded loads and laws, made into arrivals.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/load/client.pb.h"
#include "models/mechanisms/arrivals.hpp"
#include "models/traces/cut.hpp"

namespace windtunnel {

// Everything but poisson and deterministic. It, and what it opens, throw traces::Bad; a run's
// traces were read through before it, so there it means that a file has changed.
std::shared_ptr<const ArrivalPlan> plan_of(const settings::Client::Open& open);

// All traces that it names, those of factors included.
std::vector<settings::Trace*> traces_of(settings::Client::Open& open);

// Its first cut.
traces::Cut cut_of(const settings::Trace& trace);

// A trace from end to end, as a run will read it. Throws traces::Bad.
struct TraceExtent {
  std::string format;
  bool recorded = false;  // arrival by arrival
  double requests = 0;
  sim::Duration length{0};
  std::uint64_t hash = 0;  // of what arrives when
};
TraceExtent read_through(const settings::Trace& trace);

}  // namespace windtunnel
