// A recorded load as a picture: SVG with nothing to load from elsewhere.
#pragma once

#include <string>

#include "models/traces/summary.hpp"

namespace windtunnel::experiments {

// The rate over time; the week's hours, or the day's; dispersion, or the commonest paths. Empty
// panels where there are no dates.
std::string traces_picture(const traces::Summary& summary);

}  // namespace windtunnel::experiments
