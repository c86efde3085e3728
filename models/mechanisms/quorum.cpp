#include "models/mechanisms/quorum.hpp"

#include <algorithm>

namespace windtunnel {

using sim::Duration;
using sim::ZoneId;

Quorum::Quorum(sim::Entity& owner, const Shape& shape, const std::vector<ZoneId>& zones)
    : network_(owner.sim().network()),
      shape_(shape),
      time_chance_(owner.stream("storage")),
      network_chance_(owner.stream("storage network")) {
  WT_CHECK(shape.copies <= max_copies && shape.write <= shape.copies && shape.write > 0,
           "a quorum is larger than its set of copies");
  WT_CHECK(!zones.empty(), "copies need a zone");
  for (std::uint32_t i = 0; i < shape.copies; ++i) copies_[i].zone = zones[i % zones.size()];
}

std::optional<Duration> Quorum::write(ZoneId from) {
  std::array<std::int64_t, max_copies> fastest;  // the `write` fastest so far in ns, in order
  std::fill_n(fastest.begin(), shape_.write, sim::forever.count());
  for (std::uint32_t i = 0; i < shape_.copies; ++i) {
    const Copy& copy = copies_[i];
    if (!copy.power || copy.broken) continue;
    const Duration there = travel(from, copy.zone), back = travel(copy.zone, from);
    if (there == sim::forever || back == sim::forever) continue;
    const Duration work = std::min(shape_.write_time.sample(time_chance_), sim::horizon_limit);
    std::int64_t ack = (there + work + back).count();
    for (std::uint32_t place = 0; place < shape_.write; ++place) {
      // Keeps the smaller and hands on the larger, without a branch: which copy is fast is anyone's
      // guess, and a wrong guess costs as much as a draw.
      const std::int64_t ahead = ack - fastest[place], smaller = ahead & (ahead >> 63);
      fastest[place] += smaller;
      ack -= smaller;
    }
  }
  const Duration last(fastest[shape_.write - 1]);
  return last == sim::forever ? std::nullopt : std::optional(last);
}

std::uint32_t Quorum::reachable(ZoneId from) const {
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < shape_.copies; ++i) {
    const Copy& copy = copies_[i];
    count += copy.power && !copy.broken && network_.reaches(from, copy.zone) &&
             network_.reaches(copy.zone, from);
  }
  return count;
}

void Quorum::set_power(ZoneId zone, bool on) {
  for (Copy& copy : copies_) {
    if (copy.zone == zone) copy.power = on;
  }
}

}  // namespace windtunnel
