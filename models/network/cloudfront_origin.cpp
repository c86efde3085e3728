#include "models/network/cloudfront_origin.hpp"

#include <algorithm>

#include "models/mechanisms/geography.hpp"

namespace windtunnel {

CloudFrontOriginLink::CloudFrontOriginLink(sim::Entity& location, const CloudFrontOrigin& origin)
    : origin(origin),
      connecting(location, origin.connection_timeout),
      answering(location, origin.response_timeout),
      chance_(location.stream("dns of " + origin.name)),
      here_(location_of(location.sim().network(), location.zone_of(0))) {}

std::optional<sim::Address> CloudFrontOriginLink::take_connection(sim::Time now) {
  if (idle_.empty()) return std::nullopt;
  const Idle last = idle_.back();
  if (now - last.since >= std::min(origin.keep_alive, answer_.connection_idle)) {
    idle_.clear();  // all others were idle for longer
    return std::nullopt;
  }
  idle_.pop_back();
  return last.address;
}

void CloudFrontOriginLink::discard(const sim::Address& address) {
  std::erase_if(idle_, [&](const Idle& idle) { return idle.address == address; });
}

std::optional<sim::Address> CloudFrontOriginLink::next_address(sim::Time now) {
  if (now >= answer_expires_) {
    answer_ = origin.service->resolve(
        {.operation = sim::Operation::read, .chance = chance_, .from = here_, .client = here_});
    const bool none = answer_.addresses.empty();
    answer_expires_ = none                                   ? now
                      : answer_.ttl < sim::Time::max() - now ? now + answer_.ttl
                                                             : sim::Time::max();
    next_ = 0;
  }
  if (answer_.addresses.empty()) return std::nullopt;
  return answer_.addresses[next_++ % answer_.addresses.size()];
}

}  // namespace windtunnel
