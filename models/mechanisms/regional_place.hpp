// Where a regional service (SQS, SNS, Lambda, ...) is: in none of a region's availability zones, so
// that no zone's fault is meant for it, but cut off and lost with the region as a whole. All of a
// region's services are in one place; between them the network takes no time, the services' own
// laws do. Left out: an endpoint in each zone that is lost with it.
#pragma once

#include <string>

#include "sim/simulation.hpp"

namespace windtunnel {

// The place of `region`'s services, made when first asked for; empty: of the first region there is,
// or a place in no time's reach of any other where there is none. In a constructor.
sim::ZoneId regional_place(sim::Simulation& sim, std::string region);

}  // namespace windtunnel
