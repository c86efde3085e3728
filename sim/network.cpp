#include "sim/network.hpp"

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>

#include "sim/check.hpp"
#include "sim/platform.hpp"

namespace windtunnel::sim {

Network::Network() { jitter_table_.fill(1u << jitter_bits); }

ZoneId Network::add_zone(std::string name, std::string region, Kind kind) {
  WT_CHECK(zones_.size() < 0xffff, "more than 65,535 zones");
  zones_.push_back({.name = std::move(name), .region = std::move(region), .kind = kind});
  const std::size_t n = zones_.size();
  std::vector<Path> wider(n * n);
  for (std::size_t a = 0; a + 1 < n; ++a) {
    for (std::size_t b = 0; b + 1 < n; ++b) wider[a * n + b] = paths_[a * stride_ + b];
  }
  paths_ = std::move(wider);
  stride_ = n;
  return static_cast<ZoneId>(n - 1);
}

std::optional<ZoneId> Network::find(std::string_view name) const {
  for (std::size_t i = 0; i < zones_.size(); ++i) {
    if (zones_[i].name == name) return static_cast<ZoneId>(i);
  }
  return std::nullopt;
}

std::vector<ZoneId> Network::zones_of(std::string_view region) const {
  std::vector<ZoneId> found;
  for (std::size_t i = 0; i < zones_.size(); ++i) {
    if (zones_[i].region == region) found.push_back(static_cast<ZoneId>(i));
  }
  return found;
}

void Network::set_one_way(ZoneId a, ZoneId b, Duration median) {
  path(a, b).median = path(b, a).median = median;
}

void Network::set_jitter(double p90_over_median) {
  jitter_ = p90_over_median > 1;
  constexpr double z90 = 1.2815515655446004;
  const double sigma = std::log(p90_over_median) / z90;
  for (std::size_t i = 0; i < jitter_table_.size(); ++i) {
    const double q = (static_cast<double>(i) + 0.5) / static_cast<double>(jitter_table_.size());
    const double z = std::sqrt(2.0) * boost::math::erf_inv(2 * q - 1);
    jitter_table_[i] =
        static_cast<std::uint32_t>(std::lround(std::exp(sigma * z) * (1 << jitter_bits)));
  }
}

void Network::set_island(ZoneId zone, std::uint32_t island) {
  zones_[zone].island = island;
  refresh(zone);
  if (platform_ != nullptr) platform_->reachability_changed(zone);
}
void Network::set_severed(ZoneId a, ZoneId b, bool severed) {
  path(a, b).severed = path(b, a).severed = severed;
  refresh(a);
}
void Network::set_slow(ZoneId zone, double factor) {
  zones_[zone].slow = factor;
  refresh(zone);
}
void Network::set_loss(ZoneId zone, double share) {
  zones_[zone].loss = share;
  refresh(zone);
}

void Network::refresh(ZoneId zone) {
  for (std::size_t i = 0; i < zones_.size(); ++i) {
    const auto other = static_cast<ZoneId>(i);
    const Zone &a = zones_[zone], &b = zones_[other];
    for (Path* p : {&path(zone, other), &path(other, zone)}) {
      p->open = a.island == b.island && !p->severed;
      // The worse end decides: a fault of a whole region is not felt twice between its zones.
      p->slow = std::max(a.slow, b.slow);
      p->loss = std::max(a.loss, b.loss);
      p->plain = p->slow == 1 && p->loss == 0;
    }
  }
}

Duration Network::troubled(const Path& p, Operation operation, Stream& chance) const {
  const std::uint64_t factor = jitter_table_[chance() >> 54];
  double time = static_cast<double>(p.median.count()) * p.slow * static_cast<double>(factor) /
                (1 << jitter_bits) * 1e-9;
  constexpr int most_tries = 15;
  double wait = operation == Operation::connect ? 1.0 : 0.2;
  for (int tries = 0; chance.chance(p.loss); ++tries, wait = std::min(2 * wait, 120.0)) {
    if (tries == most_tries) return lost;
    time += wait;
  }
  return from_seconds(time);
}

}  // namespace windtunnel::sim
