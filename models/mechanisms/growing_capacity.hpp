// What a service that scales itself can take: so many requests a second, each node its part, more
// is refused. A minute of too much makes it grow by one step, which takes its time; a long while
// without need of the last step makes it shrink. Capacity reserved beforehand (pre-warming) is
// always there. AWS publishes no such figures: all of them are assumptions of the settings.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/mechanisms/token_bucket.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class GrowingCapacity final : public sim::Entity {
 public:
  struct Settings {
    double initial = 0, reserved = 0;  // requests/s
    double utilization = 0.7;
    double growth = 2;
    sim::Duration growth_time{std::chrono::minutes(5)};
    sim::Duration shrink_after{std::chrono::hours(1)};
  };

  GrowingCapacity(sim::Component& owner, const Settings& settings, std::size_t nodes);

  void start();
  // A request reaches a node; false: it is refused.
  bool admits(std::uint32_t node) {
    ++offered_;
    return nodes_left_[node].take(sim().now());
  }
  double capacity() const { return capacity_; }

 private:
  void on_minute_over();
  void on_grown();
  void set_capacity(double capacity);

  sim::Component& owner_;
  Settings settings_;
  double least_, capacity_ = 0;
  std::vector<TokenBucket> nodes_left_;
  std::uint64_t offered_ = 0;  // this minute
  bool growing_ = false;
  sim::Time needed_{};  // when the last step was last needed
};

}  // namespace windtunnel
