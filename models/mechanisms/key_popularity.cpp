#include "models/mechanisms/key_popularity.hpp"

#include <cmath>
#include <vector>

#include "models/mechanisms/key_popularity.pb.h"

namespace windtunnel {

KeyPopularity::KeyPopularity(const settings::KeyPopularity& settings)
    : KeyPopularity(static_cast<std::uint32_t>(settings.count()), settings.zipf(), settings.hot()) {
}

KeyPopularity::KeyPopularity(std::uint32_t count, double zipf, double hot)
    : count_(count), hot_(hot) {
  if (zipf == 0) return;
  std::vector<double> weights(count);
  for (std::uint32_t i = 0; i < count; ++i) weights[i] = std::pow(i + 1.0, -zipf);
  alias_.emplace(weights);
}

}  // namespace windtunnel
