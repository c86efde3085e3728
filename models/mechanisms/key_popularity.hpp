// Draws partition keys: evenly, by Zipf's law, with one hot key on top. Keys are numbers from 1 on,
// the first is the most popular, and the hot one. Two producers' keys of one number are one key.
#pragma once

#include <boost/random/discrete_distribution.hpp>
#include <cstdint>
#include <optional>

#include "sim/random.hpp"

namespace windtunnel {

namespace settings {
class KeyPopularity;
}

class KeyPopularity {
 public:
  explicit KeyPopularity(const settings::KeyPopularity& settings);
  KeyPopularity(std::uint32_t count, double zipf = 0, double hot = 0);

  std::uint32_t draw(sim::Stream& chance) {
    if (hot_ > 0 && chance.chance(hot_)) return 1;
    return 1 + (alias_ ? (*alias_)(chance) : chance.below(count_));
  }
  std::uint32_t count() const { return count_; }

 private:
  std::uint32_t count_;
  double hot_;
  std::optional<boost::random::discrete_distribution<std::uint32_t, double>> alias_;
};

}  // namespace windtunnel
