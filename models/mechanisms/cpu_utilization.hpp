// The CPU use of a group's instances as EC2 measures it, from the meters of the programs that run
// on them.
#pragma once

#include <cstdint>
#include <vector>

#include "models/mechanisms/ports.hpp"
#include "sim/time.hpp"

namespace windtunnel {

class CpuUtilization {
 public:
  void set_instances(std::uint32_t instances) { since_.resize(instances); }
  void add_meter(const CpuMeter& meter) { meters_.push_back(&meter); }

  // Of an instance whose type is not told.
  double vcpus() const { return meters_.empty() ? 2 : meters_.front()->vcpus(); }

  // The instance counts from now on.
  void begin(std::uint32_t instance, sim::Time now);
  // vCPUs in use since it was read last, in the mean; it is read only once for a period.
  double read(std::uint32_t instance, sim::Time now);

 private:
  struct Reading {
    sim::Time at{};
    double cpu_seconds = 0;
  };
  double cpu_seconds(std::uint32_t instance) const;

  std::vector<const CpuMeter*> meters_;
  std::vector<Reading> since_;
};

}  // namespace windtunnel
