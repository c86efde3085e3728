#include "models/compute/ec2_service.hpp"

#include "models/compute/ec2_service.pb.h"
#include "models/mechanisms/queue_consumer.hpp"
#include "models/registry.hpp"

namespace windtunnel {

namespace {
CpuCredits::Specification specification_of(const settings::Ec2Service& settings) {
  switch (settings.credit_specification()) {
    case settings::Ec2Service::STANDARD:
      return CpuCredits::Specification::standard;
    case settings::Ec2Service::UNLIMITED:
      return CpuCredits::Specification::unlimited;
    default:
      return CpuCredits::Specification::by_type;
  }
}
}  // namespace

Ec2Service::Ec2Service(sim::Simulation& sim, const std::string& name,
                       const settings::Ec2Service& settings)
    : Program(sim, name, settings.program()),
      group_(settings.on()),
      specification_(specification_of(settings)) {
  if (settings.has_vcpus()) vcpus_ = settings.vcpus();
}

Ec2Service::~Ec2Service() = default;

void Ec2Service::check(const settings::Ec2Service& settings, SettingsCheck& check) {
  QueueConsumer::check(settings.program().polls(), "polls", check);
}

void Ec2Service::wire(sim::Wiring& wiring) {
  auto& fleet = wiring.find<Fleet>(group_);
  fleet_ = &fleet;
  run_on(fleet, wiring);
  credits_ = std::make_unique<CpuCredits>(*this, *this, specification_, fleet);
  credits_->publish(group_);
}

Program::Cpu Ec2Service::cpu_of(std::uint32_t instance) const {
  const InstanceType& type = fleet_->instance_type(instance);
  return {.vcpus = static_cast<double>(vcpus_.value_or(type.vcpus)),
          .may_be_slowed = credits_->may_slow(type)};
}

void Ec2Service::on_instance_in_service(std::uint32_t instance) {
  Program::on_instance_in_service(instance);
  credits_->on_launched(instance);
}

void Ec2Service::on_instance_terminated(std::uint32_t instance) {
  Program::on_instance_terminated(instance);
  credits_->on_terminated(instance);
}

REGISTER_MODEL(Ec2Service, settings::Ec2Service);

}  // namespace windtunnel
