// A program on every instance of a group of EC2 instances. On burstable types (T2, T3, T3a, T4g) it
// spends CPU credits, and is slowed to the baseline without them in standard mode. Left out:
// programs that share a burstable instance count its credits each for itself.
#pragma once

#include <memory>
#include <optional>

#include "models/mechanisms/cpu_credits.hpp"
#include "models/mechanisms/program.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class Ec2Service;
}

class Ec2Service final : public Program, public CpuCredits::Owner {
 public:
  Ec2Service(sim::Simulation& sim, const std::string& name, const settings::Ec2Service& settings);
  ~Ec2Service() override;
  static void check(const settings::Ec2Service& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void on_instance_in_service(std::uint32_t instance) override;
  void on_instance_terminated(std::uint32_t instance) override;
  void on_cpu_share(std::uint32_t instance, double share) override {
    set_cpu_share(instance, share);
  }
  double cpu_used(std::uint32_t instance) const override { return cpu_seconds(instance); }
  double vcpus() const override { return static_cast<double>(vcpus_.value_or(2)); }

 private:
  Cpu cpu_of(std::uint32_t instance) const override;

  std::string group_;
  std::optional<std::int64_t> vcpus_;
  CpuCredits::Specification specification_;
  const Fleet* fleet_ = nullptr;
  std::unique_ptr<CpuCredits> credits_;
};

}  // namespace windtunnel
