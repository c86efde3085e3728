// From a target group as a topology writes it to one of a load balancer.
#pragma once

#include "models/mechanisms/target_group.hpp"

namespace windtunnel {

namespace settings {
class TargetGroup;
}

// As it is written, or that of its targets.
std::string name_of(const settings::TargetGroup& group);
TargetGroup::Settings to_target_group(const settings::TargetGroup& group);

}  // namespace windtunnel
