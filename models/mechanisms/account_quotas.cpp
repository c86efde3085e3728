#include "models/mechanisms/account_quotas.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "models/mechanisms/regional_place.hpp"

namespace windtunnel {

namespace {

using Bucket = AccountQuotas::Bucket;

template <std::size_t n>
bool is_one_of(const std::string& region, const std::array<std::string_view, n>& regions) {
  return std::find(regions.begin(), regions.end(), region) != regions.end();
}

constexpr std::array<std::string_view, 3> large = {"us-east-1", "us-west-2", "eu-west-1"};
// API Gateway developer guide, quotas: Cape Town, Milan, Jakarta, UAE, Hyderabad, Melbourne, Spain,
// Zurich, Tel Aviv, Calgary, Malaysia, Thailand, Mexico.
constexpr std::array<std::string_view, 13> newer = {
    "af-south-1",     "eu-south-1",     "ap-southeast-3", "me-central-1", "ap-south-2",
    "ap-southeast-4", "eu-south-2",     "eu-central-2",   "il-central-1", "ca-west-1",
    "ap-southeast-5", "ap-southeast-7", "mx-central-1"};

TokenBucket filled(const Bucket& bucket) { return {bucket.rate, bucket.burst}; }

// Lambda guide, Understanding function scaling: requests a second are at most ten times the
// concurrency. How many may come at once is not said: as many as may run at once.
TokenBucket requests_of(std::int64_t concurrency) {
  return {10 * static_cast<double>(concurrency), static_cast<double>(concurrency)};
}

}  // namespace

// API Gateway developer guide, quotas.
Bucket AccountQuotas::api_gateway_of(const std::string& region) {
  return is_one_of(region, newer) ? Bucket{2500, 1250} : Bucket{10'000, 5000};
}
// Step Functions developer guide, Service quotas.
Bucket AccountQuotas::start_standard_of(const std::string& region) {
  return is_one_of(region, large) ? Bucket{300, 1300} : Bucket{150, 800};
}
Bucket AccountQuotas::state_transitions_of(const std::string& region) {
  return is_one_of(region, large) ? Bucket{5000, 5000} : Bucket{800, 800};
}
// Lambda guide of 2022, Function scaling: burst concurrency quotas, then 500 more each minute.
Bucket AccountQuotas::lambda_burst_before_2023_of(const std::string& region) {
  constexpr std::array<std::string_view, 3> middle = {"ap-northeast-1", "eu-central-1",
                                                      "us-east-2"};
  const double burst = is_one_of(region, large) ? 3000 : is_one_of(region, middle) ? 1000 : 500;
  return {500.0 / 60, burst};
}

AccountQuotas::AccountQuotas(sim::Simulation& sim, std::string name, std::string region,
                             const Limits& limits)
    : Component(sim, std::move(name)),
      lambda(limits.lambda_concurrency),
      lambda_requests(requests_of(limits.lambda_concurrency)),
      api_gateway(filled(limits.api_gateway.value_or(api_gateway_of(region)))),
      start_standard(filled(limits.start_standard.value_or(start_standard_of(region)))),
      start_express(filled(limits.start_express.value_or(Bucket{6000, 6000}))),
      state_transitions(limits.state_transitions.value_or(state_transitions_of(region)).rate,
                        limits.state_transitions.value_or(state_transitions_of(region)).burst),
      region_(std::move(region)) {
  if (limits.lambda_shared_scaling) lambda_scaling = filled(*limits.lambda_shared_scaling);
}

AccountQuotas& AccountQuotas::of(sim::Simulation& sim, const std::string& region) {
  const std::string whole = sim.network().region(regional_place(sim, region));
  for (const auto& component : sim.components()) {
    auto* found = dynamic_cast<AccountQuotas*>(component.get());
    if (found != nullptr && found->region() == whole) return *found;
  }
  return static_cast<AccountQuotas&>(sim.add(std::make_unique<AccountQuotas>(
      sim, "(quotas of " + whole + ")", whole, AccountQuotas::Limits{})));
}

void AccountQuotas::lambda_changed() {
  metric.claimed.set(sim().now(), lambda.claimed() + lambda.in_use());
}

}  // namespace windtunnel
