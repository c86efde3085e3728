#include "models/analytics/kcl_application.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/analytics/kcl_application.pb.h"
#include "models/mechanisms/regional_place.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

using namespace std::chrono_literals;
using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Outcome;
using sim::Time;

namespace {

// KCL: a GetRecords call is given up; SubscribeToShard ends after five minutes.
constexpr Duration read_timeout = 30s, subscription = 5min;
// Kinesis Data Streams guide, Quotas and limits.
constexpr int most_fan_out_consumers = 20;

bool fans_out(const settings::KclApplication& settings) {
  return settings.retrieval() == settings::KclApplication::ENHANCED_FAN_OUT;
}

}  // namespace

KclApplication::KclApplication(sim::Simulation& sim, const std::string& name,
                               const settings::KclApplication& settings)
    : Component(sim, name),
      stream_name_(settings.stream()),
      fleet_name_(settings.on()),
      leader_assigns_(settings.version() == settings::KclApplication::KCL_3X),
      fan_out_(fans_out(settings)),
      idle_time_(to_duration(settings.idle_time_between_reads())),
      failover_time_(to_duration(settings.failover_time())),
      checkpoint_interval_(to_duration(settings.checkpoint_interval())),
      leader_lease_(to_duration(settings.leader_lease())),
      max_records_(static_cast<std::uint32_t>(settings.max_records())),
      steals_(static_cast<std::uint32_t>(settings.max_leases_to_steal())),
      batch_time_(to_distribution(settings.batch_time())),
      record_time_(to_distribution(settings.record_time())),
      processing_errors_(settings.processing_errors()),
      time_chance_(stream("processing")),
      error_chance_(stream("failure")),
      phase_chance_(stream("phase")),
      lane_(*this, fan_out_ ? subscription : read_timeout),
      batches_(Messages::of(sim)),
      reader_(*this, messages_,
              settings.has_replay() ? to_duration(settings.replay().back()) : Duration(0)) {
  set_zone(regional_place(sim, settings.region()));
  if (settings.has_replay()) {
    replay_at_ = to_duration(settings.replay().at());
    replay_back_ = to_duration(settings.replay().back());
  }
  CloudWatch& cloudwatch = CloudWatch::of(sim);
  const auto named = [&](const char* metric_name, double scale) {
    return CloudWatch::Publication{.component = name,
                                   .space = "ApplicationName",
                                   .name = metric_name,
                                   .dimensions = {{"Operation", "ProcessTask"}},
                                   .delay = to_distribution(settings.metric_delay()),
                                   .scale = scale};
  };
  cloudwatch.publish_records(named("MillisBehindLatest", 1000), metric.behind);
  cloudwatch.publish_growth(named("RecordsProcessed", 1), metric.processed);
}

KclApplication::~KclApplication() = default;

void KclApplication::check(const settings::KclApplication& settings, SettingsCheck& check) {
  if (fans_out(settings)) {
    int consumers = 0;
    for (const std::string& name : check.components()) {
      const auto* other = dynamic_cast<const settings::KclApplication*>(check.settings_of(name));
      consumers += other != nullptr && fans_out(*other) && other->stream() == settings.stream();
    }
    if (consumers > most_fan_out_consumers) {
      check.error("retrieval",
                  fmt::format("{} applications have enhanced fan-out on '{}'; {} are allowed "
                              "(Kinesis Data Streams guide, Quotas and limits)",
                              consumers, settings.stream(), most_fan_out_consumers));
    }
    if (check.given("idle_time_between_reads")) {
      check.error("idle_time_between_reads", "is of polling; enhanced fan-out is pushed to");
    }
  }
}

void KclApplication::wire(sim::Wiring& wiring) {
  stream_ = &wiring.find<StreamPort>(stream_name_);
  callable_ = &wiring.find<Callable>(stream_name_);
  fleet_ = &wiring.find<Fleet>(fleet_name_);
  stream_->add_consumer(reader_);
  workers_.resize(fleet_->max_instances());
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    nodes_.push_back({fleet_->instance_host(i), 0});
    workers_[i].connector = std::make_unique<Connector>(*this, i, *callable_, connection_, "reads");
  }
  fleet_->observe_fleet(*this);
}

void KclApplication::start() {
  sim().after<&KclApplication::on_begin>(Duration(0), this);
  if (replay_at_) sim().after<&KclApplication::on_replay>(*replay_at_, this);
}

bool KclApplication::set_slow(double factor) {
  slow_ = factor;
  return true;
}
bool KclApplication::set_errors(double share) {
  errors_ = share;
  return true;
}

KclApplication::Lease* KclApplication::lease_of(Handle handle) {
  Lease& lease = leases_[handle.slot()];
  return lease.term == handle.life() && lease.owner != nobody ? &lease : nullptr;
}

void KclApplication::read(std::uint32_t shard) {
  Lease& lease = leases_[shard];
  lease.read_at = sim().now();
  const Handle handle =
      sim().open_call(*this, lease.owner, sim::Operation::read, handle_of(shard, lease));
  Call& call = sim().call(handle);
  Batch& batch = batches_.put_into(call, Batch::Action::read_records);
  batch.shard = shard;
  batch.position = lease.position;
  batch.most = max_records_;
  batch.account = reader_.account();
  if (fan_out_) batch.wait = subscription;
  lane_.enter(call, handle);
  workers_[lease.owner].connector->dispatch(handle);
}

void KclApplication::on_read_due(Handle handle) {
  if (lease_of(handle) != nullptr) read(handle.slot());
}

void KclApplication::read_again(std::uint32_t shard, Time at) {
  sim().at<&KclApplication::on_read_due>(at, this, handle_of(shard, leases_[shard]));
}

void KclApplication::on_answer(Call& call, Handle) {
  Lease* lease = lease_of(call.context);
  if (lease == nullptr) return;
  const std::uint32_t shard = call.context.slot();
  if (call.outcome != Outcome::ok) {
    metric.reads_refused.add(call.outcome == Outcome::throttled);
    return read_again(shard, sim().now() + idle_time_);
  }
  metric.reads.add();
  Batch& batch = *batches_.find(call);
  if (lease->lost) {
    metric.failover.record(sim().now() - *lease->lost);
    lease->lost.reset();
  }
  lease->position = batch.position;
  const StreamPort::Shard state = stream_->shard(shard);
  if (batch.messages.empty()) {
    metric.behind.record(Duration(0));
    if (state.closed && lease->position >= state.next) return finish(shard, *lease);
    return read_again(shard, fan_out_ ? sim().now() : lease->read_at + idle_time_);
  }
  const bool at_tip = lease->position >= state.next;
  metric.behind.record(at_tip ? Duration(0) : sim().now() - batch.messages.back().sent);
  lease->batch.swap(batch.messages);
  process(shard, *lease);
}

void KclApplication::on_timeout(Call& call, Handle) {
  workers_[call.caller_node].connector->on_call_failed(call);
  if (lease_of(call.context) != nullptr) read_again(call.context.slot(), sim().now());
}

void KclApplication::process(std::uint32_t shard, Lease& lease) {
  std::uint64_t records = 0;
  for (const Message& it : lease.batch) records += it.count;
  const double seconds =
      sim::seconds(batch_time_.sample(time_chance_)) +
      sim::seconds(record_time_.sample(time_chance_)) * static_cast<double>(records);
  sim().after<&KclApplication::on_processed>(sim::from_seconds(seconds * slow_), this,
                                             handle_of(shard, lease));
}

void KclApplication::on_processed(Handle handle) {
  Lease* lease = lease_of(handle);
  if (lease == nullptr) return;
  const std::uint32_t shard = handle.slot();
  const bool thrown = error_chance_.chance(processing_errors_) || error_chance_.chance(errors_);
  (thrown ? metric.skipped : metric.batches).add();
  for (const Message& it : lease->batch) {
    if (thrown) {
      reader_.skip(shard, it);
    } else {
      metric.processed.add(it.count);
      reader_.effect(shard, it);
    }
  }
  lease->batch.clear();
  if (sim().now() - lease->checkpointed >= checkpoint_interval_) checkpoint(shard, *lease);
  const StreamPort::Shard state = stream_->shard(shard);
  if (state.closed && lease->position >= state.next) return finish(shard, *lease);
  const Time now = sim().now();
  read_again(shard, fan_out_ ? now : std::max(now, lease->read_at + idle_time_));
}

void KclApplication::checkpoint(std::uint32_t shard, Lease& lease) {
  lease.checkpointed = sim().now();
  reader_.checkpoint(shard, lease.position);
}

// SHARD_END: its children may be read, when somebody takes them.
void KclApplication::finish(std::uint32_t shard, Lease& lease) {
  checkpoint(shard, lease);
  lease.finished = true;
  let_go(lease);
  find_shards();
}

void KclApplication::on_replay() {
  const Time from = std::max(sim::time_zero, sim().now() - replay_back_);
  for (std::uint32_t shard = 0; shard < leases_.size(); ++shard) {
    Lease& lease = leases_[shard];
    const StreamPort::Shard state = stream_->shard(shard);
    const std::uint64_t position = stream_->position_at(shard, from);
    if (position >= state.next && lease.finished) continue;
    lease.finished = false;
    ++lease.term;
    lease.batch.clear();
    lease.position = std::min(position, reader_.done_until(shard));
    if (lease.owner != nobody && !lease.owner_lost) read(shard);
  }
  find_shards();
  sim().note(sim::Milestone::none, *this, "reads again what it has read");
}

REGISTER_MODEL(KclApplication, settings::KclApplication);

}  // namespace windtunnel
