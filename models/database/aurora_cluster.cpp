#include "models/database/aurora_cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "models/database/aurora_cluster.pb.h"
#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/placement.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Operation;
using sim::Outcome;
using sim::ZoneId;

namespace {

// Idle readers' positions are looked at every so many commits, so that the ledger can forget.
constexpr std::uint64_t commits_per_look = 1024;

// The writer's zone first, then the next ones of the list; three in all.
std::vector<ZoneId> volume_zones(sim::Simulation& sim, const settings::AuroraCluster& settings) {
  std::vector<ZoneId> zones = zones_of(sim, settings);
  WT_CHECK(!zones.empty(), "an Aurora cluster needs a zone");
  if (!settings.writer_az().empty()) {
    const auto first = std::find_if(zones.begin(), zones.end(), [&](ZoneId zone) {
      return sim.network().name(zone) == settings.writer_az();
    });
    WT_CHECK(first != zones.end(), "the writer's zone is none of the cluster's");
    std::rotate(zones.begin(), first, zones.end());
  }
  if (zones.size() > 3) zones.resize(3);
  return zones;
}

AuroraCluster::Shape shape_of(sim::Simulation& sim, const settings::AuroraCluster& settings) {
  AuroraCluster::Shape shape;
  shape.zones = volume_zones(sim, settings);
  shape.readers = static_cast<std::uint32_t>(settings.readers());
  shape.workers = settings.workers();
  shape.queue = settings.queue();
  shape.read_time = to_distribution(settings.read_time());
  shape.write_time = to_distribution(settings.write_time());
  shape.storage_write = to_distribution(settings.storage_write());
  shape.storage_repair = to_distribution(settings.storage_repair());
  shape.replica_lag = to_distribution(settings.replica_lag());
  shape.failure_detection = to_distribution(settings.failure_detection());
  shape.promotion = to_distribution(settings.promotion());
  shape.endpoint_update = to_distribution(settings.endpoint_update());
  shape.recreate = to_distribution(settings.recreate());
  shape.restart = to_distribution(settings.restart());
  shape.endpoint_ttl = to_duration(settings.endpoint_ttl());
  return shape;
}

}  // namespace

AuroraCluster::AuroraCluster(sim::Simulation& sim, const std::string& name,
                             const settings::AuroraCluster& settings)
    : AuroraCluster(sim, name, shape_of(sim, settings)) {
  publish_metrics(to_distribution(settings.metric_delay()));
}

AuroraCluster::AuroraCluster(sim::Simulation& sim, const std::string& name, const Shape& shape)
    : Component(sim, name),
      shape_(shape),
      storage_(*this, {.write_time = shape.storage_write}, shape.zones),
      ledger_(1 + shape.readers),
      read_chance_(stream("read time")),
      write_chance_(stream("write time")),
      error_chance_(stream("errors")),
      lag_chance_(stream("replica lag")),
      control_chance_(stream("control plane")) {
  zone_lost_.resize(1u + *std::max_element(shape.zones.begin(), shape.zones.end()), false);
  for (std::uint32_t i = 0; i <= shape.readers; ++i) {
    const ZoneId zone = shape.zones[i % shape.zones.size()];
    const auto add_host = [&](const std::string& host) {
      return sim.platform().add_host(host, zone, this, i);
    };
    nodes_.push_back({add_host(instance_name(i)), 0});
    // The connections are the bound, so the queue needs none of its own.
    instances_.push_back({.servers = Servers(shape.workers, Servers::unbounded),
                          .spare = add_host(instance_name(i) + "-spare"),
                          .listed = i != writer_});
  }
  failover_ = make_failover();
  on_writer_endpoint_due();
}

void AuroraCluster::publish_metrics(const sim::Distribution& delay) {
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  const auto named = [&](const char* metric, double scale) {
    return CloudWatch::Publication{.component = name(),
                                   .space = "AWS/RDS",
                                   .name = metric,
                                   .dimensions = {{"DBClusterIdentifier", name()}},
                                   .delay = delay,
                                   .scale = scale};
  };
  constexpr double milliseconds = 1000, per_second = 1.0 / 60;
  cloudwatch.publish_records(named("AuroraReplicaLag", milliseconds), metric.lag);
  cloudwatch.publish_records(named("CommitLatency", milliseconds), metric.commit);
  cloudwatch.publish_mean(named("DatabaseConnections", 1), metric.connections);
  cloudwatch.publish_records(named("DMLLatency", milliseconds), metric.dml);
  cloudwatch.publish_growth(named("Queries", per_second), metric.queries, true);
  cloudwatch.publish_records(named("SelectLatency", milliseconds), metric.select);
}

std::string AuroraCluster::instance_name(std::uint32_t node) const {
  return fmt::format("{}-{}", name(), node + 1);
}
const std::string& AuroraCluster::zone_name(std::uint32_t node) const {
  return sim().network().name(zone_of(node));
}

// The reader endpoint balances per resolution, not per query (rule 47): one reader at random.
Resolution AuroraCluster::resolve(const Query& query) {
  const bool to_writer = query.operation == Operation::write || reader_endpoint_.empty();
  const auto readers = static_cast<std::uint32_t>(reader_endpoint_.size());
  return {
      .addresses = {to_writer ? cluster_endpoint_ : reader_endpoint_[query.chance.below(readers)]},
      .ttl = shape_.endpoint_ttl};
}

bool AuroraCluster::set_slow(double factor) {
  slow_ = factor;
  return true;
}
bool AuroraCluster::set_errors(double share) {
  errors_ = share;
  return true;
}

std::vector<std::uint32_t> AuroraCluster::running_nodes() const {
  std::vector<std::uint32_t> running;
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    if (instances_[i].state != State::down) running.push_back(i);
  }
  return running;
}

bool AuroraCluster::takes_writes() const {
  return !fenced_ && in_service(writer_) && storage_.writable(zone_of(writer_));
}

void AuroraCluster::report(sim::RunLog& log) {
  log.writes.push_back(ledger_.outcome(name(), takes_writes()));
}

void AuroraCluster::on_request(Call& call, Handle handle) {
  const std::uint32_t node = call.callee_node;
  Instance& instance = instances_[node];
  if (instance.state != State::available) {  // the machine runs, the database does not yet
    metric.errors.add();
    return sim().answer(handle, Outcome::connection_reset);
  }
  if (call.operation == Operation::write && (node != writer_ || fenced_)) {
    metric.misdirected.add();
    return sim().answer(handle, Outcome::read_only);
  }
  // A statement holds its connection until its answer, so commits that wait use them up too.
  if (instance.in_hand.size() >= shape_.workers + shape_.queue) {
    metric.refused.add();
    return sim().answer(handle, Outcome::overloaded);
  }
  instance.in_hand.take(call, handle);
  metric.connections.add(sim().now(), +1);
  if (instance.servers.enter(handle) == Servers::Entry::served) begin(call, handle);
}

bool AuroraCluster::holds(Call* call, Handle handle) {
  return call != nullptr && call->callee == this &&
         instances_[call->callee_node].in_hand.holds(*call, handle);
}

Duration AuroraCluster::execution_time(const Call& call) {
  const Duration time = call.operation == Operation::write ? shape_.write_time.sample(write_chance_)
                                                           : shape_.read_time.sample(read_chance_);
  return slow_ == 1 ? time : sim::from_seconds(sim::seconds(time) * slow_);
}

void AuroraCluster::begin(Call& call, Handle handle) {
  sim().after<&AuroraCluster::on_executed>(execution_time(call), this, handle);
}

void AuroraCluster::on_executed(Handle handle) {
  Call* call = sim().find_call(handle);
  if (!holds(call, handle)) return;  // its instance was lost
  metric.queries.add();
  const Handle next = instances_[call->callee_node].servers.leave([](Handle) { return true; });
  if (next) begin(sim().call(next), next);
  if (error_chance_.chance(errors_)) return finish(*call, handle, Outcome::error);
  if (call->operation == Operation::write) {
    call->work_as<Work>().commit_begun = sim().now();
    return commit(*call, handle);
  }
  if (call->callee_node != writer_) look_at_lag(call->callee_node);
  finish(*call, handle, Outcome::ok);
}

void AuroraCluster::commit(Call& call, Handle handle) {
  // In the order of the log: one that waits holds up all later ones.
  const auto quorum = blocked_.empty() ? storage_.write(zone_of(call.callee_node)) : std::nullopt;
  if (!quorum) return block(call, handle);
  durable_ = std::max(durable_, sim().now() + *quorum);
  sim().after<&AuroraCluster::on_committed>(durable_ - sim().now(), this, handle);
}

void AuroraCluster::on_committed(Handle handle) {
  Call* call = sim().find_call(handle);
  if (!holds(call, handle)) return;
  // Copies that were lost meanwhile have not acknowledged, as far as the writer can know.
  if (!blocked_.empty() || !storage_.writable(zone_of(call->callee_node))) {
    return block(*call, handle);
  }
  metric.commit.record(sim().now() - call->work_as<Work>().commit_begun);
  acknowledge(*call);
  finish(*call, handle, Outcome::ok);
}

void AuroraCluster::block(Call& call, Handle handle) {
  call.work_as<Work>().blocked = true;
  metric.blocked.add(sim().now(), +1);
  const auto later =
      std::upper_bound(blocked_.begin(), blocked_.end(), call.work_as<Work>().commit_begun,
                       [this](sim::Time begun, Handle other) {
                         return begun < sim().call(other).work_as<Work>().commit_begun;
                       });
  blocked_.insert(later, handle);
  if (retrying_) return;
  retrying_ = true;
  sim().after<&AuroraCluster::on_storage_retry>(quorum_retry, this);
}

void AuroraCluster::on_storage_retry() {
  retrying_ = false;
  retried_.swap(blocked_);
  for (const Handle handle : retried_) {
    Call& call = sim().call(handle);
    unblock(call);
    commit(call, handle);
  }
  retried_.clear();
}

void AuroraCluster::unblock(Call& call) {
  if (!std::exchange(call.work_as<Work>().blocked, false)) return;
  metric.blocked.add(sim().now(), -1);
}

void AuroraCluster::acknowledge(const Call& call) {
  if (call.caller_done || !sim().network().reaches(call.to, call.from)) {
    return ledger_.count_unknown();
  }
  if (ledger_.acknowledge(sim().now()) % commits_per_look != 0) return;
  for (std::uint32_t i = 0; i < instances_.size(); ++i) look_at_lag(i);
}

// The writer lacks nothing, and who is away attaches to the volume as it will be.
void AuroraCluster::look_at_lag(std::uint32_t node) {
  if (node == writer_ || !in_service(node)) return ledger_.apply_all(node);
  const Duration lag = shape_.replica_lag.sample(lag_chance_);
  metric.lag.record(lag);
  ledger_.apply_until(node, sim().now() - lag);
}

void AuroraCluster::finish(Call& call, Handle handle, Outcome outcome) {
  instances_[call.callee_node].in_hand.forget(sim(), call);
  metric.connections.add(sim().now(), -1);
  const Duration time = sim().now() - call.arrived;
  (call.operation == Operation::write ? metric.dml : metric.select).record(time);
  if (outcome != Outcome::ok) metric.errors.add();
  if (call.caller_done) metric.wasted.add();
  sim().answer(handle, outcome);
}

REGISTER_MODEL(AuroraCluster, settings::AuroraCluster);

}  // namespace windtunnel
