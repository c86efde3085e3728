// An Elastic IP address, or a network interface, that moves between two instances: one has it, the
// other stands by. A monitor (a script, an alarm) asks both for their health; when the holder fails
// and the other does not, somebody decides, calls the API, and after a while packets to the same
// address arrive at the other instance. No DNS is involved; but connections are the instance's, so
// that the other one resets what comes on old ones, and clients open new ones. It does not move
// back by itself while the present holder is well.
// Left out: quotas and failures of EC2's API; which zone the monitor lives in (it is always up and
// reaches what clients reach).
#pragma once

#include <array>
#include <memory>
#include <string>

#include "models/mechanisms/flows.hpp"
#include "models/mechanisms/health_state.hpp"
#include "models/mechanisms/ports.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class SettingsCheck;

namespace settings {
class ElasticIp;
}

class ElasticIp final : public sim::Component, public Callable, public Flows::Owner {
 public:
  ElasticIp(sim::Simulation& sim, const std::string& name, const settings::ElasticIp& settings);
  ~ElasticIp() override;
  static void check(const settings::ElasticIp& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void start() override;
  Resolution resolve(const Query& query) override;
  bool healthy() const override { return instances_[holder_].health.healthy(); }
  void on_connect(sim::Call& call, sim::Handle handle) override;
  void on_request(sim::Call& call, sim::Handle handle) override;
  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter opened{set, "NewConnections", "connections that an instance accepted"};
    sim::Counter refused{set, "RefusedConnections", "connections that no instance accepted"};
    sim::Counter own_resets{set, "ResetConnections",
                            "packets for a connection that the instance does not know"};
    sim::Counter far_resets{set, "InstanceResets", "resets by instances"};
    sim::Counter moves{set, "Remaps", "times that it moved"};
  };
  Metrics metric{metric_set_};

 private:
  struct Instance {
    std::string name;
    HealthState health;
    Callable* service = nullptr;
  };

  std::optional<Flows::Route> route(std::uint32_t node, const sim::Call& opening) override;
  sim::Address address_of_instance(std::uint32_t instance);
  void follow();
  void on_check_due(std::uint32_t instance);
  void checked(std::uint32_t instance, bool passed);
  bool should_move() const;
  void consider();
  void on_decided();
  void on_moved();

  std::array<Instance, 2> instances_;
  std::uint32_t holder_ = 0;
  bool moving_ = false;
  sim::Duration interval_;
  sim::Distribution decision_, remap_time_;
  std::unique_ptr<Flows> flows_;
  sim::Lane check_lane_;
  sim::Stream dns_chance_, move_chance_;
};

}  // namespace windtunnel
