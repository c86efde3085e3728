// A plan of arrivals that a test writes as a lambda from a stream of chance to a source.
#pragma once

#include <memory>
#include <utility>

#include "models/mechanisms/rates.hpp"

namespace windtunnel::test {

template <typename Open>
std::shared_ptr<const ArrivalPlan> planned(Open open) {
  struct Plan final : ArrivalPlan {
    explicit Plan(Open how) : how_(std::move(how)) {}
    std::unique_ptr<ArrivalSource> open(sim::Stream chance) const override { return how_(chance); }
    Open how_;
  };
  return std::make_shared<const Plan>(std::move(open));
}

}  // namespace windtunnel::test
