#include "models/operations/service_quotas.hpp"

#include <fmt/format.h>

#include "models/mechanisms/regional_place.hpp"
#include "models/operations/service_quotas.pb.h"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

namespace {

using S = settings::ServiceQuotas;

std::string region_of(sim::Simulation& sim, const S& settings) {
  return sim.network().region(regional_place(sim, settings.region()));
}

std::optional<AccountQuotas::Bucket> bucket_of(bool given, const S::Bucket& bucket) {
  if (!given) return std::nullopt;
  return AccountQuotas::Bucket{bucket.rate(), bucket.burst()};
}

AccountQuotas::Limits limits_of(const S& settings, const std::string& region) {
  const auto& lambda = settings.lambda();
  const auto& steps = settings.step_functions();
  AccountQuotas::Limits limits;
  limits.lambda_concurrency = lambda.concurrent_executions();
  if (lambda.scaling() == S::Lambda::REGIONAL_BURST) {
    limits.lambda_shared_scaling = AccountQuotas::lambda_burst_before_2023_of(region);
    if (lambda.has_burst()) {
      limits.lambda_shared_scaling->burst = static_cast<double>(lambda.burst());
    }
  }
  limits.api_gateway = bucket_of(settings.has_api_gateway(), settings.api_gateway());
  limits.start_standard = bucket_of(steps.has_start_standard(), steps.start_standard());
  limits.start_express = bucket_of(steps.has_start_express(), steps.start_express());
  limits.state_transitions = bucket_of(steps.has_state_transitions(), steps.state_transitions());
  return limits;
}

}  // namespace

void ServiceQuotas::check(const S& settings, SettingsCheck& check) {
  if (settings.lambda().has_burst() && settings.lambda().scaling() != S::Lambda::REGIONAL_BURST) {
    check.error("lambda.burst", "is of scaling: regional_burst, the rule before 2023-11");
  }
  for (const std::string& other : check.components()) {
    const auto* quotas = dynamic_cast<const S*>(check.settings_of(other));
    if (quotas == nullptr || quotas == &settings || quotas->region() != settings.region()) continue;
    check.error("", fmt::format("{} has the quotas of the same region", other));
  }
}

ServiceQuotas::ServiceQuotas(sim::Simulation& sim, const std::string& name, const S& settings)
    : AccountQuotas(sim, name, region_of(sim, settings),
                    limits_of(settings, region_of(sim, settings))) {
  CloudWatch& cloudwatch = CloudWatch::of(sim);
  const auto as = [&](const char* metric_name) {
    return CloudWatch::Publication{.component = name,
                                   .space = "AWS/Lambda",
                                   .name = metric_name,
                                   .dimensions = {},
                                   .delay = {}};
  };
  cloudwatch.publish_mean(as("ConcurrentExecutions"), metric.concurrent);
  cloudwatch.publish_mean(as("ClaimedAccountConcurrency"), metric.claimed);
}

REGISTER_MODEL(ServiceQuotas, settings::ServiceQuotas);

}  // namespace windtunnel
