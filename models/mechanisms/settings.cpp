#include "models/mechanisms/settings.hpp"

#include "models/mechanisms/distribution.pb.h"

namespace windtunnel {

sim::Distribution to_distribution(const settings::Distribution& message) {
  using D = sim::Distribution;
  const auto in_seconds = [](std::int64_t ns) { return sim::seconds(sim::Duration(ns)); };
  switch (message.shape_case()) {
    case settings::Distribution::kConstant:
      return D::constant(to_duration(message.constant()));
    case settings::Distribution::kUniform:
      return D::uniform(in_seconds(message.uniform().min()), in_seconds(message.uniform().max()));
    case settings::Distribution::kExponential:
      return D::exponential(in_seconds(message.exponential().mean()));
    case settings::Distribution::kLognormal: {
      const auto& l = message.lognormal();
      return l.has_p50() ? D::lognormal(in_seconds(l.p50()), in_seconds(l.p99()))
                         : D::lognormal_mean_cv(in_seconds(l.mean()), l.cv());
    }
    case settings::Distribution::kGamma:
      return D::gamma(in_seconds(message.gamma().mean()), message.gamma().cv());
    case settings::Distribution::kPareto:
      return D::pareto(in_seconds(message.pareto().min()), message.pareto().alpha());
    case settings::Distribution::SHAPE_NOT_SET:
      break;
  }
  return {};
}

}  // namespace windtunnel
