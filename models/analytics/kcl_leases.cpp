// Who reads which shard.
#include <fmt/format.h>

#include <algorithm>

#include "models/analytics/kcl_application.hpp"

namespace windtunnel {

using namespace std::chrono_literals;
using sim::Duration;
using sim::Handle;
using sim::Time;

namespace {

// KCL CommonCalculations.java, DynamoDBLeaseCoordinator.java; 25 ms is its epsilon.
Duration renewal_interval(Duration failover_time) { return failover_time / 3 - 25ms; }
Duration look_interval(Duration failover_time) { return (failover_time + 25ms) * 2; }
// KCL 3 LeaseManagementConfig.java: assignment every 2 x failover time; of what the busiest has too
// much this share moves at once.
Duration assignment_interval(Duration failover_time) { return failover_time * 2; }
constexpr double damping = 0.6;
constexpr int heartbeats_a_lease = 4;

}  // namespace

// The run begins with everything in service.
void KclApplication::on_begin() {
  begun_ = true;
  leases_.reserve(stream_->shards().size());
  find_shards();
  leader_ = first_alive();
  for (std::uint32_t shard = 0; shard < leases_.size() && leader_ != nobody; ++shard) {
    give(shard, least_busy());
  }
  metric.taken.restart(sim().now());
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].alive && !leader_assigns_) {
      const Duration first =
          sim::from_seconds(phase_chance_.uniform() * sim::seconds(look_interval(failover_time_)));
      sim().after<&KclApplication::on_look>(first, this, Handle(i, workers_[i].life));
    }
  }
  if (leader_assigns_ && leader_ != nobody) {
    const Duration first = sim::from_seconds(phase_chance_.uniform() *
                                             sim::seconds(assignment_interval(failover_time_)));
    sim().after<&KclApplication::on_leader_look>(first, this, reign_);
  }
}

// New shards, and children whose parents are done with.
void KclApplication::find_shards() {
  for (const StreamPort::Shard& shard : stream_->shards()) {
    if (shard.number >= leases_.size()) leases_.resize(shard.number + 1);
    Lease& lease = leases_[shard.number];
    lease.ready =
        lease.ready || std::all_of(shard.parents.begin(), shard.parents.end(),
                                   [this](std::uint32_t it) { return leases_[it].finished; });
  }
  count_unowned();
}

void KclApplication::count_unowned() {
  const auto unowned = std::count_if(leases_.begin(), leases_.end(), [](const Lease& it) {
    return it.ready && !it.finished && (it.owner == nobody || it.owner_lost);
  });
  metric.unassigned.set(sim().now(), unowned);
}

// Workers ---------------------------------------------------------------------------------------

void KclApplication::on_instance_in_service(std::uint32_t instance) {
  if (!fleet_->booting(instance)) worker_starts(instance);
}
void KclApplication::on_instance_resumed(std::uint32_t instance) { worker_starts(instance); }
void KclApplication::on_instance_lost(std::uint32_t instance, sim::HostLoss) {
  worker_lost(instance);
}
void KclApplication::on_instance_terminated(std::uint32_t instance) {
  worker_lost(instance);
  ++nodes_[instance].life;
}

void KclApplication::worker_starts(std::uint32_t instance) {
  Worker& worker = workers_[instance];
  if (worker.alive) return;
  worker.alive = true;
  ++worker.life;
  worker.leases = 0;
  metric.workers.add(sim().now(), +1);
  const Duration interval = renewal_interval(failover_time_);
  worker.phase = sim::from_seconds(phase_chance_.uniform() * sim::seconds(interval));
  if (!begun_) return;
  if (!leader_assigns_) {
    sim().after<&KclApplication::on_look>(Duration(0), this, Handle(instance, worker.life));
  } else if (reign_ == 0 && leader_ == nobody) {
    leader_ = instance;
    sim().after<&KclApplication::on_leader_look>(Duration(0), this, ++reign_);
  }
}

void KclApplication::worker_lost(std::uint32_t instance) {
  Worker& worker = workers_[instance];
  if (!worker.alive) return;
  const Time now = sim().now();
  worker.alive = false;
  ++worker.life;
  worker.connector->reset();
  metric.workers.add(now, -1);
  const Duration interval = renewal_interval(failover_time_);
  const Duration since = (now - sim::time_zero + interval - worker.phase) % interval;
  for (Lease& lease : leases_) {
    if (lease.owner != instance) continue;
    lease.owner_lost = true;
    lease.lost = now;
    lease.renewed = now - since;
    lease.batch.clear();
    ++lease.term;
  }
  count_unowned();
  if (instance != leader_ || !leader_assigns_) return;
  // Its lock was last renewed at its last heartbeat.
  const double beat = sim::seconds(leader_lease_) / heartbeats_a_lease;
  const Duration left = leader_lease_ - sim::from_seconds(phase_chance_.uniform() * beat);
  leader_ = nobody;
  sim().after<&KclApplication::on_leader_look>(left, this, ++reign_);
}

std::uint32_t KclApplication::first_alive() const {
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].alive) return i;
  }
  return nobody;
}

std::uint32_t KclApplication::least_busy() const {
  std::uint32_t found = nobody;
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    if (!workers_[i].alive) continue;
    if (found == nobody || workers_[i].leases < workers_[found].leases) found = i;
  }
  return found;
}

std::uint32_t KclApplication::busiest() const {
  std::uint32_t found = nobody;
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    if (!workers_[i].alive) continue;
    if (found == nobody || workers_[i].leases > workers_[found].leases) found = i;
  }
  return found;
}

// Leases ----------------------------------------------------------------------------------------

bool KclApplication::expired(const Lease& lease) const {
  return lease.owner_lost && sim().now() - lease.renewed >= failover_time_;
}

bool KclApplication::takeable(const Lease& lease) const {
  return lease.ready && !lease.finished && (lease.owner == nobody || expired(lease));
}

void KclApplication::give(std::uint32_t shard, std::uint32_t worker) {
  Lease& lease = leases_[shard];
  if (lease.owner != nobody && !lease.owner_lost) --workers_[lease.owner].leases;
  lease.owner = worker;
  lease.owner_lost = false;
  ++lease.term;
  ++workers_[worker].leases;
  lease.batch.clear();
  lease.position = std::max(reader_.checkpointed(shard), stream_->shard(shard).first);
  lease.checkpointed = sim().now();
  metric.taken.add();
  count_unowned();
  read(shard);
}

void KclApplication::let_go(Lease& lease) {
  if (lease.owner != nobody && !lease.owner_lost) --workers_[lease.owner].leases;
  lease.owner = nobody;
  ++lease.term;
}

// 2.x: every worker for itself.
void KclApplication::on_look(Handle handle) {
  if (workers_[handle.slot()].life != handle.life()) return;
  find_shards();
  take_leases(handle.slot());
  sim().after<&KclApplication::on_look>(look_interval(failover_time_), this, handle);
}

void KclApplication::take_leases(std::uint32_t number) {
  Worker& worker = workers_[number];
  std::uint32_t active = 0, holders = 1;
  std::vector<std::uint32_t> free;
  for (std::uint32_t shard = 0; shard < leases_.size(); ++shard) {
    if (!leases_[shard].ready || leases_[shard].finished) continue;
    ++active;
    if (takeable(leases_[shard])) free.push_back(shard);
  }
  for (const Worker& it : workers_) holders += &it != &worker && it.leases > 0 && it.alive;
  const std::uint32_t target = (active + holders - 1) / holders;
  for (const std::uint32_t shard : free) {
    if (worker.leases >= target) return;
    give(shard, number);
  }
  if (!free.empty()) return;
  for (std::uint32_t i = 0; i < steals_ && worker.leases < target; ++i) {
    const std::uint32_t from = busiest();
    if (from == number || workers_[from].leases <= target) return;
    const auto stolen = std::find_if(leases_.begin(), leases_.end(), [from](const Lease& it) {
      return it.owner == from && !it.owner_lost;
    });
    give(static_cast<std::uint32_t>(stolen - leases_.begin()), number);
  }
}

// 3.x: the leader for all.
void KclApplication::on_leader_look(std::uint64_t reign) {
  if (reign != reign_) return;
  if (leader_ == nobody) leader_ = first_alive();
  if (leader_ != nobody) {
    find_shards();
    assign_leases();
    balance_leases();
  }
  sim().after<&KclApplication::on_leader_look>(assignment_interval(failover_time_), this, reign);
}

void KclApplication::assign_leases() {
  for (std::uint32_t shard = 0; shard < leases_.size(); ++shard) {
    if (takeable(leases_[shard])) give(shard, least_busy());
  }
}

// The old owner checkpoints before it lets go: nothing is processed twice.
void KclApplication::balance_leases() {
  const std::uint32_t from = busiest(), to = least_busy();
  const double surplus = (workers_[from].leases - workers_[to].leases) * 0.5;
  auto moves = static_cast<std::uint32_t>(surplus * damping + 0.5);
  if (surplus >= 1) moves = std::max(moves, 1u);
  for (std::uint32_t shard = 0; shard < leases_.size() && moves > 0; ++shard) {
    Lease& lease = leases_[shard];
    if (lease.owner != from || lease.owner_lost || !lease.batch.empty()) continue;
    checkpoint(shard, lease);
    give(shard, to);
    --moves;
  }
}

}  // namespace windtunnel
