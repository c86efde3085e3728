// The quotas of an AWS account in one region, where they are not AWS's defaults, and what
// CloudWatch knows of the account as a whole. Left out: quotas that change during the run, several
// accounts.
#pragma once

#include "models/mechanisms/account_quotas.hpp"
#include "models/mechanisms/cloudwatch.hpp"

namespace windtunnel {

class SettingsCheck;
namespace settings {
class ServiceQuotas;
}

class ServiceQuotas final : public AccountQuotas {
 public:
  ServiceQuotas(sim::Simulation& sim, const std::string& name,
                const settings::ServiceQuotas& settings);
  static void check(const settings::ServiceQuotas& settings, SettingsCheck& check);
};

}  // namespace windtunnel
