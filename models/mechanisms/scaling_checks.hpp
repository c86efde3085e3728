// What is wrong with scaling policies and scheduled actions before the run, and what they can never
// do.
#pragma once

#include "models/mechanisms/scaling_policies.hpp"

namespace google::protobuf {
class Message;
}

namespace windtunnel {

class SettingsCheck;

struct ScalingToCheck {
  ScalingDefaults::Flavour flavour = ScalingDefaults::Flavour::ec2;
  CapacityLimits bounds;
  // Settings of the component whose metrics predefined types mean; nullptr: it is not known.
  const google::protobuf::Message* resource = nullptr;
};

// Of settings `scaling_policies` and `scheduled_actions`.
void check_scaling(const ScalingPolicyList& policies, const ScheduledActionList& actions,
                   const ScalingToCheck& target, SettingsCheck& check);

}  // namespace windtunnel
