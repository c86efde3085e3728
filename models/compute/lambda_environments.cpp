#include "models/compute/lambda_environments.hpp"

namespace windtunnel {

LambdaEnvironments::LambdaEnvironments(sim::Component& owner, sim::Duration idle_lifetime,
                                       sim::Duration lifetime)
    : sim_(owner.sim()),
      lifetime_(lifetime),
      idle_{TimedList(owner, "idle environments", *this, idle_lifetime),
            TimedList(owner, "idle environments of the additional version", *this, idle_lifetime)},
      idle_provisioned_(owner, "idle provisioned environments", *this, sim::forever) {}

std::optional<LambdaEnvironments::Number> LambdaEnvironments::take(bool provisioned,
                                                                   std::uint8_t version) {
  TimedList& idle = provisioned ? idle_provisioned_ : idle_[version];
  const auto number = idle.newest();
  if (!number) return std::nullopt;
  idle.leave(*number);
  if (provisioned) ++provisioned_in_use_;
  return number;
}

LambdaEnvironments::Number LambdaEnvironments::make(bool provisioned, std::uint8_t version) {
  if (free_.empty()) {
    free_.push_back(static_cast<Number>(environments_.size()));
    environments_.emplace_back();
  }
  const Number number = free_.back();
  free_.pop_back();
  Environment& it = environments_[number];
  it.born = sim_.now();
  it.version = version;
  it.provisioned = provisioned;
  it.reset = false;
  if (it.connections) it.connections->reset();  // of the one before in this place
  ++alive_;
  return number;
}

void LambdaEnvironments::give_back(Number number) {
  Environment& it = environments_[number];
  it.invocation = {};
  if (it.provisioned) {
    --provisioned_in_use_;
    if (provisioned_ > wanted_) return end(number);
    return idle_provisioned_.enter(number);
  }
  if (sim_.now() - it.born >= lifetime_) return end(number);
  idle_[it.version].enter(number);
}

void LambdaEnvironments::set_provisioned(std::int64_t wanted) {
  wanted_ = wanted;
  for (; provisioned_ < wanted_; ++provisioned_) idle_provisioned_.enter(make(true, 0));
  while (provisioned_ > wanted_) {
    const auto idle = idle_provisioned_.newest();
    if (!idle) break;
    idle_provisioned_.leave(*idle);
    end(*idle);
  }
}

void LambdaEnvironments::end(Number number) {
  Environment& it = environments_[number];
  if (it.provisioned) --provisioned_;
  --alive_;
  free_.push_back(number);
}

}  // namespace windtunnel
