// The checkers of one Route 53 health check. Each has a clock and a verdict of its own; nobody
// coordinates them, so the target sees requests at random phases. Healthy while more than a share
// of them say so (rule 38). A checker asks for the target's addresses at every check, as Route 53
// does for an endpoint given by its domain name, and opens a new connection to the first of them.
//
// The next request follows `interval` after the answer. If there was no answer it follows
// `interval` after the last request: AWS does not say, and this agrees with its 30 s for three
// checks of 10 s.
//
// HTTP and HTTPS: connected within one limit, a good status within another; with string matching
// the string within a third, after the status. TCP: connected, no more. Left out: TLS's own round
// trips (its certificate is not looked at by AWS either), what a body says (a string is there if it
// comes in time), a choice of regions, and distances: the checkers are shared out over the regions
// that Route 53 checks from (a partition cuts off those of some regions, and they disagree with the
// others), but all are equally far from everything.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/mechanisms/health_state.hpp"
#include "models/mechanisms/ports.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class Route53Checkers final : public sim::Entity {
 public:
  enum class Type : std::uint8_t { http, string_match, tcp };
  struct Settings {
    sim::Duration interval{std::chrono::seconds(30)};
    std::uint32_t failure_threshold =
        3;  // consecutive results that change a checker's mind, both ways
    std::uint32_t checkers = 16;
    double healthy_above = 0.18;
    sim::Duration connect_timeout{std::chrono::seconds(4)};
    sim::Duration response_timeout{std::chrono::seconds(2)};
    sim::Duration one_way{std::chrono::milliseconds(40)};
    Type type = Type::http;
    sim::Duration string_timeout{std::chrono::seconds(2)};
    sim::Distribution string_time{};  // from the status until the string is there
  };

  // Hears when a checker changes its mind, and whether that changed the verdict of all.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_checker_changed(bool verdict_changed) = 0;
  };

  // The places of checkers, outside a region's availability zones, one for each region that Route
  // 53 checks from; made at the first call for this distance.
  static std::vector<sim::ZoneId> zones_of_checkers(sim::Simulation& sim, sim::Duration one_way);

  // Checks `target` on behalf of `owner`. Until results say otherwise the target is healthy.
  Route53Checkers(sim::Component& owner, Callable& target, const Settings& settings,
                  Listener& listener);
  ~Route53Checkers() override;

  // Every checker begins within one interval.
  void start();

  bool healthy() const { return is_healthy_; }
  std::uint32_t healthy_checkers() const { return healthy_checkers_; }
  std::uint32_t checkers() const { return static_cast<std::uint32_t>(checkers_.size()); }

  void on_timeout(sim::Call& call, sim::Handle handle) override;

 private:
  // The checkers in one region.
  class Site;
  struct Checker {
    HealthState state;
    sim::Time asked{};  // when its last check began
  };
  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_check_due(std::uint32_t checker);
  void ask(std::uint32_t checker, sim::Operation operation, const sim::Address& address);
  void conclude(std::uint32_t checker, bool passed, sim::Time next_check);

  Settings settings_;
  Callable& target_;
  Listener& listener_;
  sim::Stream phase_chance_, dns_chance_, string_chance_;
  sim::Lane connect_lane_, response_lane_;
  std::vector<std::unique_ptr<Site>> sites_;
  std::vector<Checker> checkers_;
  std::uint32_t healthy_checkers_;
  bool is_healthy_ = true;
};

}  // namespace windtunnel
