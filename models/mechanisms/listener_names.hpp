// "nlb": the DNS names of a Network Load Balancer beyond its own: of one listener (a port), of one
// zone.
#pragma once

#include <optional>
#include <string_view>

#include "models/mechanisms/ports.hpp"

namespace windtunnel {

class ListenerNames {
 public:
  virtual ~ListenerNames() = default;
  // An empty listener: the first. No zone: the addresses of all zones that stand in DNS.
  virtual Resolution resolve(std::string_view listener, std::optional<sim::ZoneId> zone,
                             sim::Stream& chance) = 0;
};

}  // namespace windtunnel
