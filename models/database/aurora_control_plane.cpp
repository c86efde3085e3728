// Aurora's instances as they are lost and come back, and the control plane that acts on it.
#include <fmt/format.h>

#include <utility>

#include "models/database/aurora_cluster.hpp"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::HostLoss;
using sim::Milestone;
using sim::Operation;
using sim::ZoneId;

namespace {

// An instance and the number of its start, in one event's argument.
std::uint64_t pack(std::uint32_t node, std::uint32_t start) {
  return node | static_cast<std::uint64_t>(start) << 32;
}
std::uint32_t node_of(std::uint64_t packed) { return static_cast<std::uint32_t>(packed); }
std::uint32_t start_of(std::uint64_t packed) { return static_cast<std::uint32_t>(packed >> 32); }

}  // namespace

// From the loss of a writer until the cluster endpoint names a living one.
class AuroraCluster::Failover final : public sim::Procedure {
 public:
  explicit Failover(AuroraCluster& cluster)
      : Procedure(cluster.sim(), cluster.name()), c_(cluster) {}

 private:
  void run() override {
    do {
      if (c_.notice_ == Notice::silence) wait(c_.control_time(c_.shape_.failure_detection));
      if (!c_.fenced_ && !c_.gone(c_.writer_)) return;  // its host came back sooner
      if (c_.notice_ != Notice::taken) {
        tell(Milestone::detection,
             fmt::format("DB instance {} is not reachable", c_.instance_name(c_.writer_)));
      }
      c_.notice_ = Notice::taken;
      const auto candidate = c_.next_in_line();
      if (!candidate) return c_.recreate_writer();
      promote(*candidate);
    } while (c_.fenced_ || c_.gone(c_.writer_));
  }

  void promote(std::uint32_t candidate) {
    if (!c_.fenced_) c_.fence();
    const bool same_zone = c_.zone_of(candidate) == c_.zone_of(c_.writer_);
    tell(Milestone::action_started,
         fmt::format("Started {} AZ failover to DB instance: {}", same_zone ? "same" : "cross",
                     c_.instance_name(candidate)));
    wait(c_.control_time(c_.shape_.promotion));
    // The volume is recovered by a read quorum; writes then wait for a write quorum by themselves.
    while (c_.in_service(candidate) && !c_.storage_.readable(c_.zone_of(candidate))) {
      wait(quorum_retry);
    }
    if (!c_.in_service(candidate)) {
      return tell(Milestone::none, fmt::format("DB instance {} was lost during its promotion",
                                               c_.instance_name(candidate)));
    }
    c_.writer_ = candidate;
    c_.fenced_ = false;
    c_.ledger_.recover(c_.ledger_.last());  // the volume holds whatever was acknowledged
    tell(Milestone::action_finished,
         fmt::format("Completed failover to DB instance: {}", c_.instance_name(candidate)));
    wait(c_.control_time(c_.shape_.endpoint_update));
    c_.on_writer_endpoint_due();
  }

  void tell(Milestone milestone, std::string text) {
    c_.sim().note(milestone, c_, std::move(text));
  }

  AuroraCluster& c_;
};

std::unique_ptr<sim::Procedure> AuroraCluster::make_failover() {
  return std::make_unique<Failover>(*this);
}

// As the control plane sees it.
bool AuroraCluster::in_service(std::uint32_t node) const {
  return instances_[node].state == State::available && !zone_lost_[zone_of(node)];
}
// It will not come back by itself soon.
bool AuroraCluster::gone(std::uint32_t node) const {
  return instances_[node].state == State::down || zone_lost_[zone_of(node)];
}

void AuroraCluster::on_host_lost(std::uint32_t node, HostLoss loss) {
  // It was the spare machine, or the instance is down already.
  if (sim().platform().up(nodes_[node].host) || instances_[node].state == State::down) return;
  take_down(node, loss, State::down);
  missing(node, loss == HostLoss::reset ? Notice::given : Notice::silence);
}

void AuroraCluster::take_down(std::uint32_t node, HostLoss loss, State state) {
  Instance& instance = instances_[node];
  instance.state = state;
  ++instance.starts;
  if (node == writer_) {
    if (!fenced_) ledger_.fail(sim().now());
    blocked_.clear();
  }
  instance.servers.clear([](Handle) {});
  metric.lost.add(static_cast<std::uint64_t>(instance.in_hand.size()));
  metric.connections.add(sim().now(), -instance.in_hand.size());
  instance.in_hand.lose(sim(), loss, [this](Call& call) {
    unblock(call);
    if (call.operation == Operation::write) ledger_.count_unknown();
  });
}

void AuroraCluster::missing(std::uint32_t node, Notice notice) {
  if (node == writer_ && !fenced_) return request_failover(notice);
  const Duration detection =
      notice == Notice::silence ? control_time(shape_.failure_detection) : Duration::zero();
  sim().after<&AuroraCluster::on_reader_endpoint_due>(
      detection + control_time(shape_.endpoint_update), this, node);
}

void AuroraCluster::on_host_restored(std::uint32_t node) {
  if (instances_[node].state != State::down || !sim().platform().up(nodes_[node].host)) return;
  start_up(node, control_time(shape_.restart));
}

void AuroraCluster::start_up(std::uint32_t node, Duration time) {
  instances_[node].state = State::restarting;
  sim().after<&AuroraCluster::on_started>(time, this, pack(node, instances_[node].starts));
}

void AuroraCluster::on_started(std::uint64_t start) {
  const std::uint32_t node = node_of(start);
  Instance& instance = instances_[node];
  if (instance.state != State::restarting || instance.starts != start_of(start)) return;
  const bool as_writer = node == writer_ && !fenced_;
  if (as_writer && !storage_.readable(zone_of(node))) return start_up(node, quorum_retry);
  instance.state = State::available;
  if (as_writer) ledger_.recover(ledger_.last());
  sim().note(as_writer ? Milestone::action_finished : Milestone::none, *this,
             fmt::format("DB instance {} restarted", instance_name(node)));
  if (as_writer) return;
  sim().after<&AuroraCluster::on_reader_endpoint_due>(control_time(shape_.endpoint_update), this,
                                                      node);
  help_came();
}

void AuroraCluster::on_zone_lost(ZoneId zone) {
  storage_.set_power(zone, false);
  if (zone >= zone_lost_.size()) return;
  zone_lost_[zone] = true;
  // With power lost their hosts say it themselves; cut off they live on, unseen.
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    if (zone_of(i) == zone && instances_[i].state == State::available) missing(i, Notice::silence);
  }
}

void AuroraCluster::on_zone_restored(ZoneId zone) {
  storage_.set_power(zone, true);
  if (zone >= zone_lost_.size()) return;
  zone_lost_[zone] = false;
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    if (zone_of(i) != zone || instances_[i].state != State::available) continue;
    sim().after<&AuroraCluster::on_reader_endpoint_due>(control_time(shape_.endpoint_update), this,
                                                        i);
  }
  help_came();
}

std::optional<std::uint32_t> AuroraCluster::next_in_line() const {
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    if (i != writer_ && in_service(i)) return i;
  }
  if (fenced_ && in_service(writer_)) return writer_;  // the previous writer, back as a reader
  return std::nullopt;
}

// In an operation of its own: a fault that is being told to many must not be seen half.
void AuroraCluster::request_failover(Notice notice) {
  notice_ = notice;
  sim().operate<&AuroraCluster::spawn_failover>(this);
}

// A failover that ended for want of a reader, or of power, goes on.
void AuroraCluster::help_came() {
  if (gone(writer_) && failover_->state() != sim::Procedure::State::running) {
    request_failover(Notice::taken);
  }
}

void AuroraCluster::spawn_failover() {
  if (failover_->state() != sim::Procedure::State::running) sim().platform().spawn(*failover_);
}

// From here on nobody takes writes until the promotion is over. A writer that still runs is
// restarted, as a reader.
void AuroraCluster::fence() {
  if (instances_[writer_].state == State::available) {
    take_down(writer_, HostLoss::reset, State::restarting);
    start_up(writer_, control_time(shape_.restart));
  }
  fenced_ = true;
}

void AuroraCluster::fail_over() {
  if (fenced_ || !next_in_line()) {
    return sim().note(
        Milestone::none, *this,
        "Cluster failover failed, check the health of your cluster instances and try again");
  }
  fence();
  request_failover(Notice::taken);
}

void AuroraCluster::recreate_writer() {
  fenced_ = false;
  if (!gone(writer_)) return;
  if (zone_lost_[zone_of(writer_)] || !sim().platform().up(instances_[writer_].spare)) {
    return sim().note(
        Milestone::none, *this,
        fmt::format("No Aurora Replica to fail over to and {} is unavailable: a writer "
                    "elsewhere must be created by hand",
                    zone_name(writer_)));
  }
  sim().note(Milestone::action_started, *this,
             fmt::format("Recovery of the DB instance {} has started: it is created anew in {}",
                         instance_name(writer_), zone_name(writer_)));
  sim().after<&AuroraCluster::on_recreated>(control_time(shape_.recreate), this,
                                            pack(writer_, instances_[writer_].starts));
}

void AuroraCluster::on_recreated(std::uint64_t start) {
  const std::uint32_t node = node_of(start);
  Instance& instance = instances_[node];
  // Its own host was back sooner, a reader took over, or the zone has been lost meanwhile.
  if (instance.state != State::down || instance.starts != start_of(start) || node != writer_ ||
      fenced_ || !sim().platform().up(instance.spare)) {
    return;
  }
  std::swap(nodes_[node].host, instance.spare);
  ++nodes_[node].life;  // another machine, another address
  start_up(node, Duration::zero());
  sim().after<&AuroraCluster::on_writer_endpoint_due>(control_time(shape_.endpoint_update), this);
}

void AuroraCluster::lose_storage_copy(std::uint32_t copy) {
  storage_.set_broken(copy, true);
  sim().after<&AuroraCluster::on_copy_rebuilt>(control_time(shape_.storage_repair), this, copy);
}

void AuroraCluster::on_copy_rebuilt(std::uint32_t copy) {
  // From its peers, which takes a read quorum.
  if (storage_.readable(storage_.zone_of(copy))) return storage_.set_broken(copy, false);
  sim().after<&AuroraCluster::on_copy_rebuilt>(quorum_retry, this, copy);
}

void AuroraCluster::on_writer_endpoint_due() {
  cluster_endpoint_ = address_of(writer_);
  on_reader_endpoint_due(writer_);
}

void AuroraCluster::on_reader_endpoint_due(std::uint32_t node) {
  instances_[node].listed = in_service(node) && (node != writer_ || fenced_);
  reader_endpoint_.clear();
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    if (instances_[i].listed) reader_endpoint_.push_back(address_of(i));
  }
}

}  // namespace windtunnel
