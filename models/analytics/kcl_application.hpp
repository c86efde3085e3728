// An application of the Kinesis Client Library on a fleet: each instance is a worker. Its work
// stands in files of its own:
//   kcl_application.cpp   reading, processing, checkpoints
//   kcl_leases.cpp        who reads which shard: expiry, taking, assignment, children
//
// A shard's lease names the worker that reads it and the last checkpoint. A worker that does not
// renew its leases for the failover time has lost them; they are found at the next look: of any
// worker, each at dates of its own (2.x), or of the leader (3.x), and if that died, of its
// successor when the leader's own lock has expired (rule 34). The new owner begins at the
// checkpoint: what the old one had processed since is processed again. An exception in
// processRecords skips the batch. Children wait until all their parents are processed to the end.
// A run begins with the leases evenly spread over the workers in service.
//
// Left out: the lease table's own throttling; prefetching while a batch is processed; CPU: batches
// take their time whatever else the instance does, and 3.x balances numbers of leases, not CPU; a
// worker cut off from the stream that goes on processing; an orderly end: instances that terminate
// leave their leases to expire.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/connector.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/ports_messaging.hpp"

namespace windtunnel {

namespace settings {
class KclApplication;
}
class SettingsCheck;

class KclApplication final : public sim::Component, public FleetObserver {
 public:
  KclApplication(sim::Simulation& sim, const std::string& name,
                 const settings::KclApplication& settings);
  ~KclApplication() override;
  static void check(const settings::KclApplication& settings, SettingsCheck& check);

  void wire(sim::Wiring& wiring) override;
  void start() override;
  void on_answer(sim::Call& call, sim::Handle handle) override;
  void on_timeout(sim::Call& call, sim::Handle handle) override;
  bool set_slow(double factor) override;
  bool set_errors(double share) override;

  void on_instance_in_service(std::uint32_t instance) override;
  void on_instance_terminating(std::uint32_t) override {}
  void on_instance_terminated(std::uint32_t instance) override;
  void on_instance_lost(std::uint32_t instance, sim::HostLoss loss) override;
  void on_instance_resumed(std::uint32_t instance) override;

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter processed{set, "RecordsProcessed", "records given to processRecords"};
    sim::Counter batches{set, "ProcessTaskSuccess", "batches processed"};
    sim::Counter skipped{set, "ProcessTaskSkipped", "batches skipped after an exception"};
    sim::Counter reads{set, "GetRecordsSuccess", "reads and pushes that were answered"};
    sim::Counter reads_refused{set, "GetRecordsThrottled", "reads refused by the shard's limits"};
    sim::Counter taken{set, "LeasesTaken", "leases that changed their owner"};
    sim::Level unassigned{set, "LeasesUnowned", "Count", "shards to be read that nobody reads"};
    sim::Level workers{set, "Workers", "Count", "workers alive"};
    sim::Histogram behind{set, "BehindLatest", "how far a read was behind the tip of its shard"};
    sim::Histogram failover{set, "LeaseFailoverTime",
                            "from the loss of its worker until a shard is read again"};
  };
  Metrics metric{metric_set_};

 private:
  static constexpr std::uint32_t nobody = 0xffffffff;
  struct Lease {
    std::uint32_t owner = nobody;
    std::uint32_t term = 0;         // what was begun in an earlier one is stale
    bool finished = false;          // SHARD_END is checkpointed
    bool ready = false;             // its parents are finished
    bool owner_lost = false;        // its owner is dead and does not renew it
    sim::Time renewed{};            // of a lost owner: for the last time
    std::optional<sim::Time> lost;  // when its owner was lost
    std::uint64_t position = 0;     // where the next read begins
    sim::Time checkpointed{}, read_at{};
    std::vector<Message> batch{};  // in the hands of processRecords
  };
  struct Worker {
    bool alive = false;
    std::uint32_t life = 0;  // looks of an earlier one are stale
    std::uint32_t leases = 0;
    sim::Duration phase{0};  // of its renewals
    std::unique_ptr<Connector> connector{};
  };

  // Reading and processing.
  static sim::Handle handle_of(std::uint32_t shard, const Lease& lease) {
    return {shard, lease.term};
  }
  Lease* lease_of(sim::Handle handle);
  void read(std::uint32_t shard);
  void on_read_due(sim::Handle lease);
  void read_again(std::uint32_t shard, sim::Time at);
  void process(std::uint32_t shard, Lease& lease);
  void on_processed(sim::Handle lease);
  void finish(std::uint32_t shard, Lease& lease);
  void checkpoint(std::uint32_t shard, Lease& lease);
  void on_replay();

  // Leases.
  void on_begin();
  void find_shards();
  void worker_starts(std::uint32_t instance);
  void worker_lost(std::uint32_t instance);
  bool expired(const Lease& lease) const;
  bool takeable(const Lease& lease) const;
  void give(std::uint32_t shard, std::uint32_t worker);
  void let_go(Lease& lease);
  void on_look(sim::Handle worker);
  void take_leases(std::uint32_t worker);
  void on_leader_look(std::uint64_t reign);
  void assign_leases();
  void balance_leases();
  std::uint32_t least_busy() const;
  std::uint32_t busiest() const;
  std::uint32_t first_alive() const;
  void count_unowned();

  std::string stream_name_, fleet_name_;
  bool leader_assigns_, fan_out_;
  sim::Duration idle_time_, failover_time_, checkpoint_interval_, leader_lease_;
  std::uint32_t max_records_, steals_;
  sim::Distribution batch_time_, record_time_;
  double processing_errors_, slow_ = 1, errors_ = 0;
  std::optional<sim::Duration> replay_at_;
  sim::Duration replay_back_{0};
  sim::Stream time_chance_, error_chance_, phase_chance_;
  Connector::Settings connection_;
  sim::Lane lane_;
  Messages& batches_;
  MessageAccount messages_{metric_set_};
  StreamConsumer reader_;
  StreamPort* stream_ = nullptr;
  Callable* callable_ = nullptr;
  Fleet* fleet_ = nullptr;
  std::vector<Lease> leases_;  // by shard
  std::vector<Worker> workers_;
  std::uint32_t leader_ = nobody, reign_ = 0;
  bool begun_ = false;
};

}  // namespace windtunnel
