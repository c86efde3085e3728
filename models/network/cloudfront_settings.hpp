// What a CloudFront distribution's settings amount to, for the model and for its check.
#pragma once

#include <string>

#include "models/network/cloudfront_distribution.pb.h"
#include "sim/time.hpp"

namespace windtunnel::cloudfront {

using Settings = settings::CloudFrontDistribution;

std::string name_of(const Settings::Origin& origin);

// The origin or origin group that a behaviour names, or that is meant where it names none; empty:
// there is none, or there are several.
std::string target_of(const Settings& settings, const Settings::CacheBehavior& behavior);

struct Ttls {
  sim::Duration least, otherwise, most;  // minimum, default, maximum TTL
  sim::Duration of_origin;               // of what this origin sends; 0: it is not kept
};
Ttls ttls_of(const Settings::CacheBehavior& behavior);

}  // namespace windtunnel::cloudfront
