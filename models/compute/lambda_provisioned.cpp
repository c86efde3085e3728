// Concurrency that is set aside: reserved for the function, or initialised beforehand.
#include <fmt/format.h>

#include "models/compute/lambda_function.hpp"

namespace windtunnel {

using sim::Duration;

void LambdaFunction::reserve() {
  if (reserved_) {
    quotas_->lambda.claim(*reserved_);
    own_.emplace(*reserved_);
  }
  provision(desired_provisioned_);  // a run begins with everything in service
}

// What is provisioned is no on-demand invocation's any more.
void LambdaFunction::provision(std::int64_t ready) {
  const std::int64_t change = ready - metric.provisioned.value();
  if (own_) {
    own_->claim(change);
  } else {
    quotas_->lambda.claim(change);
  }
  environments_.set_provisioned(ready);
  provisioned_requests_ = {10 * static_cast<double>(ready), static_cast<double>(ready)};
  metric.provisioned.set(sim().now(), ready);
  metric.environments.set(sim().now(), environments_.alive());
  quotas_->lambda_changed();
}

Capacity LambdaFunction::capacity() const {
  const std::int64_t ready = metric.provisioned.value();
  return {.desired = desired_provisioned_,
          .in_service = ready,
          .pending = std::max<std::int64_t>(0, desired_provisioned_ - ready)};
}

// More is of use when all of it is ready; less is given up at once.
void LambdaFunction::set_desired_capacity(std::int64_t desired, const ScalingCause&) {
  desired_provisioned_ = desired;
  ++allocations_;
  const std::int64_t more = desired - metric.provisioned.value();
  if (more <= 0) return provision(desired);
  const Duration init = sandbox_.sample(init_chance_) + init_time();
  const Duration takes = sim::from_seconds(static_cast<double>(more) / provisioning_rate_) + init;
  allocation_end_ = sim().now() + takes;
  sim().after<&LambdaFunction::on_allocated>(takes, this, allocations_);
}

void LambdaFunction::on_allocated(std::uint64_t allocation) {
  if (allocation != allocations_) return;  // another request came meanwhile
  provision(desired_provisioned_);
  sim().note(sim::Milestone::none, *this,
             fmt::format("{} provisioned environments are ready", desired_provisioned_));
}

std::optional<sim::Time> LambdaFunction::last_activity_end() const {
  if (allocation_end_ == sim::time_zero) return std::nullopt;
  return allocation_end_;
}

}  // namespace windtunnel
