// One way from a CloudFront location to an origin: what DNS says of it, the connections kept alive,
// the timeouts. Every attempt has a connection of its own for as long as it lasts, as HTTP/1.1 has,
// so that each miss pays for its own attempts to connect.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/ports.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

// An origin as the distribution's settings have it.
struct CloudFrontOrigin {
  std::string name, target;
  std::uint8_t attempts = 3;
  sim::Duration connection_timeout{std::chrono::seconds(10)};
  sim::Duration response_timeout{std::chrono::seconds(30)};
  sim::Duration keep_alive{std::chrono::seconds(5)};
  std::string shield;  // region; empty: none
  Callable* service = nullptr;
};

class CloudFrontOriginLink {
 public:
  // `location` hears of timeouts.
  CloudFrontOriginLink(sim::Entity& location, const CloudFrontOrigin& origin);

  // A connection that was not idle for too long: the one used last.
  std::optional<sim::Address> take_connection(sim::Time now);
  void give_back(const sim::Address& address, sim::Time now) { idle_.push_back({address, now}); }
  // It broke: those to the same address are not to be trusted either.
  void discard(const sim::Address& address);
  // The next address to connect to; nothing: DNS has none.
  std::optional<sim::Address> next_address(sim::Time now);

  const CloudFrontOrigin& origin;
  sim::Lane connecting, answering;

 private:
  struct Idle {
    sim::Address address;
    sim::Time since;
  };
  sim::Stream chance_;
  const Location* here_;
  Resolution answer_;
  sim::Time answer_expires_{};
  std::size_t next_ = 0;
  std::vector<Idle> idle_;  // ascending
};

}  // namespace windtunnel
