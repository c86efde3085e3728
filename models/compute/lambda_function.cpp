#include "models/compute/lambda_function.hpp"

#include "models/compute/lambda_function.pb.h"
#include "models/mechanisms/regional_place.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"

namespace windtunnel {

using sim::Call;
using sim::Handle;
using sim::Outcome;
using S = settings::LambdaFunction;

namespace {

// Lambda guide, Configure Lambda function memory: at 1,769 MB a function has one vCPU.
constexpr double memory_of_a_vcpu = 1769.0 * 1024 * 1024;

const LambdaInit& init_of(const S& settings) {
  const auto* init = LambdaInit::find(
      settings.runtime(),
      settings.package() == S::IMAGE ? LambdaInit::Package::image : LambdaInit::Package::zip,
      settings.architecture() == S::ARM64 ? LambdaInit::Architecture::arm64
                                          : LambdaInit::Architecture::x86_64);
  WT_CHECK(init != nullptr, "a runtime that check() accepted has no figures");
  return *init;
}

LambdaEvents::Settings events_of(const S::Asynchronous& settings) {
  return {.maximum_retry_attempts = static_cast<std::uint32_t>(settings.maximum_retry_attempts()),
          .maximum_event_age = to_duration(settings.maximum_event_age()),
          .dispatch = to_distribution(settings.dispatch()),
          .on_success = settings.on_success(),
          .on_failure = settings.on_failure(),
          .dead_letter_queue = settings.dead_letter_queue()};
}

// As many at once as may run at once.
TokenBucket requests_of(std::int64_t concurrency) {
  return {10 * static_cast<double>(concurrency), static_cast<double>(concurrency)};
}

}  // namespace

LambdaFunction::LambdaFunction(sim::Simulation& sim, const std::string& name, const S& settings)
    : Component(sim, name),
      throttles(
          *this, metric_set_,
          {{{"ConcurrentInvocationLimitExceeded",
             "throttled: the account's concurrency was used up"},
            {"ReservedFunctionConcurrentInvocationLimitExceeded",
             "throttled: the reserved concurrency was used up"},
            {"FunctionInvocationRateLimitExceeded",
             "throttled: more than ten requests a second for each concurrency"},
            {"FunctionScalingRateExceeded", "throttled: too many new environments at once"}}}),
      region_(settings.region()),
      timeout_(to_duration(settings.timeout())),
      init_(init_of(settings)),
      sandbox_(to_distribution(settings.sandbox())),
      dependencies_init_(to_distribution(settings.dependencies_init())),
      cpu_time_(to_distribution(settings.cpu_time())),
      time_per_record_(to_distribution(settings.time_per_record())),
      cpu_stretch_(std::max(1.0, memory_of_a_vcpu / static_cast<double>(settings.memory()))),
      laws_{
          Law{to_distribution(settings.service_time()), settings.errors()},
          Law{to_distribution(settings.alias().has_service_time() ? settings.alias().service_time()
                                                                  : settings.service_time()),
              settings.alias().errors()}},
      additional_weight_(settings.alias().additional_version_weight()),
      poison_(settings.poison()),
      resets_on_error_(settings.error_resets_environment()),
      reports_failures_(settings.report_batch_item_failures()),
      desired_provisioned_(settings.provisioned_concurrency()),
      provisioning_rate_(settings.provisioning_rate()),
      messages_(Messages::of(sim)),
      environments_(*this, to_duration(settings.idle_lifetime()),
                    to_duration(settings.environment_lifetime())),
      running_(*this, "timeouts", *this, timeout_),
      dependencies_(*this, *this, settings.calls(), settings.parallel()),
      events_(*this, metric_set_, events_of(settings.asynchronous()), messages_),
      own_requests_(requests_of(settings.reserved_concurrency())),
      provisioned_requests_(requests_of(0)),
      scaling_(static_cast<double>(settings.scaling_rate()) / 10,
               static_cast<double>(settings.scaling_rate())),
      version_chance_(stream("version")),
      init_chance_(stream("init")),
      service_chance_(stream("service")),
      error_chance_(stream("errors")) {
  if (settings.has_snap_start()) restore_ = to_distribution(settings.snap_start().restore());
  if (settings.has_reserved_concurrency()) reserved_ = settings.reserved_concurrency();
  set_zone(regional_place(sim, region_));
  publish_metrics();
}

LambdaFunction::~LambdaFunction() = default;

void LambdaFunction::wire(sim::Wiring& wiring) {
  quotas_ = &AccountQuotas::of(sim(), region_);
  dependencies_.wire(wiring);
  events_.wire(wiring);
  reserve();
}

bool LambdaFunction::set_slow(double factor) {
  slow_ = factor;
  return true;
}
bool LambdaFunction::set_errors(double share) {
  errors_ = share;
  return true;
}

std::optional<std::uint32_t> LambdaFunction::reserved_concurrency() const {
  return reserved_ ? std::optional(static_cast<std::uint32_t>(*reserved_)) : std::nullopt;
}

void LambdaFunction::on_request(Call& call, Handle handle) {
  const Batch* batch = messages_.find(call);
  if (batch != nullptr && batch->action != Batch::Action::invoke) {
    return events_.take(call, handle);
  }
  invoke(call, handle);
}

// Provisioned concurrency goes first, within its own requests a second.
bool LambdaFunction::take_provisioned(std::uint8_t version,
                                      LambdaEnvironments::Number& environment) {
  if (version != 0 || environments_.provisioned() == 0) return false;
  const auto idle = environments_.take(true, 0);
  if (!idle) return false;
  if (!provisioned_requests_.take(sim().now())) {
    environments_.give_back(*idle);
    return false;
  }
  environment = *idle;
  return true;
}

std::optional<LambdaFunction::Refusal> LambdaFunction::admit(
    std::uint8_t version, LambdaEnvironments::Number& environment, bool& cold) {
  if (take_provisioned(version, environment)) {
    metric.on_provisioned.add();
    return std::nullopt;
  }
  const sim::Time now = sim().now();
  if (!pool().take()) {
    return own_ ? Refusal::reserved_concurrency : Refusal::concurrent_invocation_limit;
  }
  const auto refuse = [this](Refusal why) {
    pool().give_back();
    return why;
  };
  if (!(own_ ? own_requests_ : quotas_->lambda_requests).take(now)) {
    return refuse(Refusal::invocation_rate);
  }
  if (const auto idle = environments_.take(false, version)) {
    environment = *idle;
  } else {
    TokenBucket& scaling = quotas_->lambda_scaling ? *quotas_->lambda_scaling : scaling_;
    if (!scaling.take(now)) return refuse(Refusal::scaling_rate);
    environment = environments_.make(false, version);
    cold = true;
  }
  if (environments_.provisioned() > 0) metric.spillover.add();
  return std::nullopt;
}

REGISTER_MODEL(LambdaFunction, settings::LambdaFunction);

}  // namespace windtunnel
