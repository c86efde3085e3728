// A program that runs on every instance of a fleet: an EC2 instance of a group, a task of a
// service. A request takes a worker (or waits in the bounded queue), computes on the instance's
// vCPUs, makes its calls, and answers. The worker is held while it waits for its calls, unless the
// program is asynchronous: this decides whether a stalled database takes the web tier down. Classes
// of requests may take other work. Left out: memory, garbage collection, the time of day;
// connections do not limit concurrency; a single request is slowed by a lack of CPU only when it
// shares what there is.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "models/mechanisms/demand_meter.hpp"
#include "models/mechanisms/dependencies.hpp"
#include "models/mechanisms/in_hand.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/processor_sharing.hpp"
#include "models/mechanisms/servers.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

class QueueConsumer;

namespace settings {
class Program;
}

class Program : public sim::Component,
                public Callable,
                public Targets,
                public FleetObserver,
                public CpuMeter,
                public ProcessorSharing::Owner,
                private Dependencies::Owner {
 public:
  ~Program() override;

  void attach() override;
  void start() override;
  void report(sim::RunLog& log) override;
  void on_connect(sim::Call& call, sim::Handle handle) override;
  void on_request(sim::Call& call, sim::Handle handle) override;
  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;
  void on_late_answer(const sim::Call& call) override;
  bool set_slow(double factor) override;
  bool set_errors(double share) override;
  std::vector<std::uint32_t> running_nodes() const override;

  // Without a load balancer: the addresses of all instances in service.
  Resolution resolve(const Query& query) override;

  std::uint32_t max_targets() const override;
  sim::Address target_address(std::uint32_t target) override { return address_of(target); }
  void observe_targets(TargetObserver& observer) override { observers_.push_back(&observer); }
  void report_target_health(std::uint32_t target, bool healthy) override;
  void set_deregistration_delay(sim::Duration delay) override;

  void on_instance_in_service(std::uint32_t instance) override;
  void on_instance_terminating(std::uint32_t instance) override;
  void on_instance_terminated(std::uint32_t instance) override;
  void on_instance_lost(std::uint32_t instance, sim::HostLoss loss) override;
  void on_instance_resumed(std::uint32_t instance) override;
  double cpu_seconds(std::uint32_t instance) const override;
  void on_job_done(ProcessorSharing& from, sim::Handle job) override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter requests{set, "RequestCount",
                          "requests that reached an instance, health checks not counted"};
    sim::Counter errors{set, "Errors", "requests answered with an error"};
    sim::Counter overloaded{set, "Overloaded", "requests refused because the queue was full"};
    sim::Counter lost{set, "LostRequests", "requests in the hands of an instance when it was lost"};
    sim::Counter wasted{set, "WastedWork",
                        "answers nobody waited for any more, of calls made and of requests served"};
    sim::Level busy_workers{set, "BusyWorkers", "Count", "workers held, all instances"};
    sim::Level workers{set, "InServiceWorkers", "Count", "workers of the instances in service"};
    sim::Level queued{set, "QueueLength", "Count", "requests waiting for a worker, all instances"};
    sim::Level busy_cpu{set, "BusyCpuUnits", "Count",
                        "CPU units (1,024 a vCPU) computing, all instances"};
    sim::Level cpu_in_service{set, "InServiceCpuUnits", "Count",
                              "CPU units of the instances in service"};
    sim::Ratio cpu{set, "CPUUtilization", "vCPUs computing / vCPUs in service", busy_cpu,
                   cpu_in_service};
    sim::Histogram queueing{set, "QueueTime", "time a request waited for a worker"};
    sim::Histogram response{set, "ResponseTime", "from a request's arrival to its answer"};
  };
  Metrics metric{metric_set_};

 protected:
  Program(sim::Simulation& sim, const std::string& name, const settings::Program& settings);

  // What an instance computes with, asked for when it begins.
  struct Cpu {
    double vcpus = 2;
    bool may_be_slowed = false;  // set_cpu_share() may be called
  };
  virtual Cpu cpu_of(std::uint32_t instance) const = 0;
  // In wire().
  void run_on(Fleet& fleet, sim::Wiring& wiring);
  // It may use this share of its vCPUs from now on.
  void set_cpu_share(std::uint32_t instance, double share);
  // Taken and not answered yet.
  std::int64_t requests_in_hand(std::uint32_t instance) const {
    return instances_[instance]->in_hand.size();
  }

 private:
  // The work of a class of requests.
  struct Law {
    std::string host, path;  // with wildcards
    sim::Distribution service_time;
    bool makes_calls = true;
  };
  // What it remembers of a request.
  struct Progress {
    std::uint32_t place;  // in in_hand
    Dependencies::Progress calls;
    bool has_worker;
  };
  struct Instance {
    Instance(std::int64_t workers, std::int64_t queue, Servers::Order order)
        : workers(workers, queue, order) {}
    Servers workers;
    std::unique_ptr<ProcessorSharing> cpu;  // where more requests may compute than there are vCPUs
    std::optional<Dependencies::Connections> connections;
    InHand<Progress> in_hand;                 // everything it has not answered yet
    std::int64_t computing = 0, holding = 0;  // requests on CPU, and those with a worker but checks
    double vcpus = 0, cpu_share = 1;
    double busy = 0, cpu_seconds = 0;  // vCPUs computing now, and used until `busy_since`
    sim::Time busy_since{};
    bool serving = false;                      // its machine is up
    bool registered = false, healthy = false;  // with the load balancer, and in its eyes
  };

  Instance& instance_of(const sim::Call& call) { return *instances_[call.callee_node]; }
  bool holds(sim::Call* call, sim::Handle handle);
  void equip(std::uint32_t number);
  const Law& law_of(const sim::Call& call) {
    return laws_.size() == 1 ? laws_.front() : law_of_class(call.request_class);
  }
  const Law& law_of_class(std::uint16_t request_class);
  void begin(Instance& instance, sim::Call& call, sim::Handle handle);
  void on_computed(sim::Handle handle);
  void computed(Instance& instance, sim::Call& call, sim::Handle handle);
  Dependencies::Progress* progress_of(sim::Handle request) override;
  Dependencies::Connections& connections_of(std::uint32_t node) override {
    return *instances_[node]->connections;
  }
  void on_dependency_ended(sim::Handle request, bool success) override;
  void on_wasted_work() override { metric.wasted.add(); }
  bool expires(Instance& instance, sim::Handle waiting);
  void free_worker(Instance& instance, bool of_check);
  void finish(sim::Handle handle, sim::Outcome outcome);
  void count_computing(Instance& instance, std::int64_t change);
  void count_instances();
  void now_healthy(std::uint32_t instance);

  std::int64_t workers_, queue_;
  Servers::Order order_;
  sim::Duration queue_expiry_;
  bool asynchronous_;
  sim::Distribution health_check_time_;
  std::vector<Law> laws_;  // of all requests first
  std::vector<std::uint16_t> law_by_class_;
  Dependencies dependencies_;
  Fleet* fleet_ = nullptr;
  std::vector<std::unique_ptr<Instance>> instances_;
  std::vector<TargetObserver*> observers_;
  bool behind_elb_ = false;
  WorkerUse use_;
  DemandMeter::Settings lag_;
  std::unique_ptr<DemandMeter> demand_;      // where the fleet scales
  std::unique_ptr<QueueConsumer> consumer_;  // where it polls queues
  sim::Stream service_chance_, check_chance_, error_chance_, order_chance_;
  double slow_ = 1, errors_ = 0;
};

}  // namespace windtunnel
