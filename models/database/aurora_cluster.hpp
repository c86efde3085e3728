// Amazon Aurora: one volume of six copies in three zones, written by quorum; instances without data
// of their own, one of them the writer; failover by a control plane that nothing here can kill;
// endpoints by DNS.
//
// A write executes on one of the writer's workers and then waits for its commit without holding it
// (SIGMOD 2017, section 4.2.2: commits are asynchronous): the fourth fastest acknowledgement of
// six. Commits complete in the order of the log, so none overtakes an earlier one (the volume's
// durable LSN). With fewer than four copies in reach writes wait and reads go on (rule 47).
// Everything acknowledged is in the volume, whose read quorum finds it again: an in-region failover
// loses nothing, however far behind the promoted reader was.
//
// Failover: the silent writer is detected, the first reader in order is promoted, the endpoints'
// names follow, callers move when they ask DNS again. Without a reader the writer is recreated in
// its zone, if that has power. Other readers keep serving (Aurora MySQL 2.10 and later; before, all
// instances restarted).
//
// CloudWatch has no CPUUtilization of it: an instance is workers, not processors.
//
// Left out: promotion tiers and sizes (readers are alike, their order decides), cold caches after a
// failover, replica lag that grows with the write rate, locks and group commit, several protection
// groups (one stands for the volume), storage that rebuilds a lost zone's copies elsewhere,
// serverless, auto scaling of readers, Global Database, RDS Proxy. A zone that is cut off but has
// power counts as lost once on_zone_lost() says so; its writer is fenced and restarts.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/mechanisms/in_hand.hpp"
#include "models/mechanisms/ports.hpp"
#include "models/mechanisms/quorum.hpp"
#include "models/mechanisms/servers.hpp"
#include "models/mechanisms/write_ledger.hpp"
#include "sim/simulation.hpp"

namespace windtunnel {

namespace settings {
class AuroraCluster;
}

class AuroraCluster final : public sim::Component, public Callable {
 public:
  AuroraCluster(sim::Simulation& sim, const std::string& name,
                const settings::AuroraCluster& settings);

  // Made in C++, for tests and benchmarks. Instances are dealt to the zones in turn, the writer
  // to the first.
  struct Shape {
    std::vector<sim::ZoneId> zones;
    std::uint32_t readers = 1;
    std::int64_t workers = 64, queue = 1000;
    sim::Distribution read_time{}, write_time{};
    sim::Distribution storage_write{}, storage_repair{};
    sim::Distribution replica_lag{};
    sim::Distribution failure_detection{}, promotion{}, endpoint_update{}, recreate{}, restart{};
    sim::Duration endpoint_ttl{std::chrono::seconds(5)};
  };
  AuroraCluster(sim::Simulation& sim, const std::string& name, const Shape& shape);

  // A write asks the cluster endpoint, a read the reader endpoint.
  Resolution resolve(const Query& query) override;

  void on_request(sim::Call& call, sim::Handle handle) override;
  void on_host_lost(std::uint32_t node, sim::HostLoss loss) override;
  void on_host_restored(std::uint32_t node) override;
  void on_zone_lost(sim::ZoneId zone) override;
  void on_zone_restored(sim::ZoneId zone) override;
  bool set_slow(double factor) override;
  bool set_errors(double share) override;
  std::vector<std::uint32_t> running_nodes() const override;
  void report(sim::RunLog& log) override;

  // Both inside operations. The API FailoverDBCluster: the writer restarts, a reader takes over.
  void fail_over();
  // One storage copy breaks; it is rebuilt after `storage_repair`.
  void lose_storage_copy(std::uint32_t copy);

  std::uint32_t writer() const { return writer_; }
  bool takes_writes() const;
  const WriteLedger& ledger() const { return ledger_; }

  struct Metrics {
    sim::MetricSet& set;
    sim::Counter queries{set, "Queries", "statements that were executed"};
    sim::Counter refused{set, "Refused", "statements refused because all connections were taken"};
    sim::Counter misdirected{set, "ReadOnlyErrors", "writes that reached a reader"};
    sim::Counter errors{set, "Errors", "statements answered with an error or met by a restart"};
    sim::Counter wasted{set, "WastedWork", "statements finished after their caller had given up"};
    sim::Counter lost{set, "LostStatements", "statements in hand of an instance that was lost"};
    sim::Level connections{set, "DatabaseConnections", "Count",
                           "statements under way; idle connections are not counted"};
    sim::Level blocked{set, "BlockedCommits", "Count", "commits that find no write quorum"};
    sim::Histogram select{set, "SelectLatency", "from a read's arrival to its answer"};
    sim::Histogram dml{set, "DMLLatency", "from a write's arrival to its answer, commit included"};
    sim::Histogram commit{set, "CommitLatency", "a commit's wait for the storage quorum"};
    sim::Histogram lag{set, "AuroraReplicaLag",
                       "how far behind readers were when looked at: at reads, "
                       "and at every 1,024th commit"};
  };
  Metrics metric{metric_set_};

 private:
  class Failover;
  // Until records that found no quorum are sent again and a recovery looks for one. UNSOURCED.
  static constexpr sim::Duration quorum_retry = std::chrono::seconds(1);
  // How the control plane knows of a loss: not yet; it stopped the instance itself; it acts on it
  // already.
  enum class Notice : std::uint8_t { silence, given, taken };
  enum class State : std::uint8_t { available, down, restarting };
  // What it remembers of a statement.
  struct Work {
    sim::Time commit_begun;
    std::uint32_t place;
    bool blocked;  // its commit found no write quorum
  };
  struct Instance {
    Servers servers;
    InHand<Work> in_hand{};  // waiting, executing or committing
    sim::HostId spare;       // a machine of the same zone, for an instance that is recreated
    State state = State::available;
    bool listed = false;       // in the reader endpoint
    std::uint32_t starts = 0;  // a start-up that was begun for an earlier life is stale
  };

  void publish_metrics(const sim::Distribution& delay);

  // Statements (aurora_cluster.cpp).
  bool holds(sim::Call* call, sim::Handle handle);
  void begin(sim::Call& call, sim::Handle handle);
  void on_executed(sim::Handle handle);
  void commit(sim::Call& call, sim::Handle handle);
  void on_committed(sim::Handle handle);
  void block(sim::Call& call, sim::Handle handle);
  void on_storage_retry();
  void unblock(sim::Call& call);
  void acknowledge(const sim::Call& call);
  void finish(sim::Call& call, sim::Handle handle, sim::Outcome outcome);
  void look_at_lag(std::uint32_t node);
  sim::Duration execution_time(const sim::Call& call);

  // Instances (aurora_control_plane.cpp).
  bool in_service(std::uint32_t node) const;
  bool gone(std::uint32_t node) const;
  void take_down(std::uint32_t node, sim::HostLoss loss, State state);
  void start_up(std::uint32_t node, sim::Duration time);
  void on_started(std::uint64_t start);
  void missing(std::uint32_t node, Notice notice);

  // The control plane.
  std::unique_ptr<sim::Procedure> make_failover();
  std::optional<std::uint32_t> next_in_line() const;
  void request_failover(Notice notice);
  void help_came();
  void spawn_failover();
  void fence();
  void recreate_writer();
  void on_recreated(std::uint64_t start);
  void on_copy_rebuilt(std::uint32_t copy);
  void on_writer_endpoint_due();
  void on_reader_endpoint_due(std::uint32_t node);
  sim::Duration control_time(const sim::Distribution& time) {
    return std::min(time.sample(control_chance_), sim::horizon_limit);  // sums of two stay in range
  }
  std::string instance_name(std::uint32_t node) const;
  const std::string& zone_name(std::uint32_t node) const;

  Shape shape_;
  std::vector<Instance> instances_;
  std::vector<bool> zone_lost_;  // by zone
  Quorum storage_;
  WriteLedger ledger_;
  std::unique_ptr<sim::Procedure> failover_;
  sim::Stream read_chance_, write_chance_, error_chance_, lag_chance_, control_chance_;
  double slow_ = 1, errors_ = 0;

  std::uint32_t writer_ = 0;
  bool fenced_ = false;  // nobody writes: the role is on its way from `writer_` to a reader
  Notice notice_ = Notice::taken;  // of the writer's loss
  sim::Address cluster_endpoint_;
  std::vector<sim::Address> reader_endpoint_;  // in order of instances

  sim::Time durable_{};                         // when the last commit under way will be durable
  std::vector<sim::Handle> blocked_, retried_;  // the writer's commits without a quorum, in order
  bool retrying_ = false;
};

}  // namespace windtunnel
