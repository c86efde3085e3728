#include "models/mechanisms/ports.hpp"

namespace windtunnel {

const InstanceType& Fleet::instance_type(std::uint32_t) const {
  static const InstanceType unknown;
  return unknown;
}

const LaunchRecord& Fleet::launch_record(std::uint32_t) const {
  static const LaunchRecord none;
  return none;
}

}  // namespace windtunnel
