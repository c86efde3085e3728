// What a listener's settings amount to where they leave something out.
#pragma once

#include <string>

#include "models/network/network_load_balancer.pb.h"
#include "sim/time.hpp"

namespace windtunnel {

// As it is written, or that of its targets.
std::string name_of(const settings::NetworkLoadBalancer::Listener& listener);
settings::NetworkLoadBalancer::HealthCheck::Protocol check_protocol_of(
    const settings::NetworkLoadBalancer::Listener& listener);
sim::Duration check_timeout_of(const settings::NetworkLoadBalancer::Listener& listener);
sim::Duration idle_timeout_of(const settings::NetworkLoadBalancer::Listener& listener);

}  // namespace windtunnel
