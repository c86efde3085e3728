// The queue of the textbooks, for theory and for capacity research: c servers, first come first
// served or processor sharing, a bounded queue, abandonment from the queue, a next station. Left
// out: priorities, preemption, setup times, breakdowns other than the faults `slow` and `errors`;
// it has no host, so faults of zones and instances do not touch it.
#pragma once

#include <memory>
#include <optional>

#include "models/mechanisms/connector.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/processor_sharing.hpp"
#include "models/mechanisms/servers.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

namespace settings {
class Station;
}

class Station final : public sim::Component, public Callable, public ProcessorSharing::Owner {
 public:
  Station(sim::Simulation& sim, const std::string& name, const settings::Station& settings);
  ~Station() override;

  // Made in C++, for tests and benchmarks.
  struct Shape {
    std::int64_t servers = 1;
    sim::Distribution service_time;
    bool processor_sharing = false;
    bool last_first = false;  // last come first served
    std::int64_t queue = Servers::unbounded;
    std::optional<sim::Distribution> patience;
    double failure_share = 0;
    std::string next;  // empty: none
  };
  Station(sim::Simulation& sim, const std::string& name, const Shape& shape);

  Resolution resolve(const Query&) override { return {.addresses = {address_of(0)}}; }
  bool direct() const override { return true; }

  void wire(sim::Wiring& wiring) override;
  void on_request(sim::Call& call, sim::Handle handle) override;
  void on_answer(sim::Call& call, sim::Handle handle) override;
  bool set_slow(double factor) override;
  bool set_errors(double share) override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter arrived{set, "Arrivals", "calls that arrived"};
    sim::Counter served{set, "Completions", "calls whose service ended"};
    sim::Counter refused{set, "Refused", "calls refused because all places were taken"};
    sim::Counter abandoned{set, "Abandoned", "calls whose patience ended in the queue"};
    sim::Counter waited{set, "Waited", "calls that found all servers busy"};
    sim::Level in_system{set, "InSystem", "Count", "calls waiting or in service"};
    sim::Level busy{set, "BusyServers", "Count", "servers at work"};
    sim::Histogram waiting{set, "WaitingTime", "time from arrival to the start of service"};
    sim::Histogram response{set, "ResponseTime", "time from arrival to the end of service"};
  };
  Metrics metric{metric_set_};

 private:
  void begin(sim::Call& call, sim::Handle handle);
  void on_served(sim::Handle handle);
  void on_patience_over(sim::Handle handle);
  void on_job_done(ProcessorSharing&, sim::Handle job) override { finish(job); }
  void finish(sim::Handle handle);
  void leave_with(sim::Handle handle, sim::Outcome outcome);
  sim::Duration work(const sim::Call& call);

  Shape shape_;
  Servers servers_;
  std::unique_ptr<ProcessorSharing> sharing_;
  std::unique_ptr<Connector> next_;
  Connector::Settings next_settings_;
  sim::Stream service_chance_, patience_chance_, failure_chance_;
  double slow_ = 1, errors_ = 0;
};

}  // namespace windtunnel
