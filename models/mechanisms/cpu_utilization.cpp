#include "models/mechanisms/cpu_utilization.hpp"

namespace windtunnel {

double CpuUtilization::cpu_seconds(std::uint32_t instance) const {
  double sum = 0;
  for (const CpuMeter* meter : meters_) sum += meter->cpu_seconds(instance);
  return sum;
}

void CpuUtilization::begin(std::uint32_t instance, sim::Time now) {
  since_[instance] = {now, cpu_seconds(instance)};
}

double CpuUtilization::read(std::uint32_t instance, sim::Time now) {
  const Reading before = since_[instance];
  begin(instance, now);
  if (now <= before.at) return 0;
  return (since_[instance].cpu_seconds - before.cpu_seconds) / sim::seconds(now - before.at);
}

}  // namespace windtunnel
