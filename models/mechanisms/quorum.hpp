// Copies of one thing spread over zones and written by quorum. A record goes to all copies at once
// and is durable with the k-th fastest acknowledgement: slow copies do not matter until too few
// fast ones are left.
// Left out: the copies' own queues (acknowledgements are independent draws); a
// copy that comes back acknowledges new records at once and fills its holes from its peers unseen
// (Aurora's gossip).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "sim/simulation.hpp"

namespace windtunnel {

class Quorum {
 public:
  static constexpr std::uint32_t max_copies = 16;
  struct Shape {
    // Aurora's: a write survives the loss of a zone, a read that of a zone and a copy.
    std::uint32_t copies = 6, write = 4, read = 3;
    sim::Distribution write_time;  // until a copy has made a record durable
  };

  // Copies are dealt to the zones in turn.
  Quorum(sim::Entity& owner, const Shape& shape, const std::vector<sim::ZoneId>& zones);

  // Time from sending a record from a zone to the last acknowledgement that its quorum needs.
  // Nothing if too few come.
  std::optional<sim::Duration> write(sim::ZoneId from);
  bool writable(sim::ZoneId from) const { return reachable(from) >= shape_.write; }
  bool readable(sim::ZoneId from) const { return reachable(from) >= shape_.read; }
  // Copies that live and can be talked to.
  std::uint32_t reachable(sim::ZoneId from) const;

  std::uint32_t copies() const { return shape_.copies; }
  sim::ZoneId zone_of(std::uint32_t copy) const { return copies_[copy].zone; }
  // A copy serves if its zone has power and it is not broken itself.
  void set_power(sim::ZoneId zone, bool on);
  void set_broken(std::uint32_t copy, bool broken) { copies_[copy].broken = broken; }

 private:
  struct Copy {
    sim::ZoneId zone = 0;
    bool power = true, broken = false;
  };

  // `forever`: it never arrives.
  sim::Duration travel(sim::ZoneId from, sim::ZoneId to) {
    return network_.travel(from, to, sim::Operation::write, network_chance_);
  }

  const sim::Network& network_;
  Shape shape_;
  std::array<Copy, max_copies> copies_;
  sim::Stream time_chance_, network_chance_;
};

}  // namespace windtunnel
