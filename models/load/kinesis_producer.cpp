#include "models/load/kinesis_producer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/load/kinesis_producer.pb.h"
#include "models/mechanisms/profile.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"
#include "models/settings_check.hpp"
#include "sim/hash.hpp"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Time;

namespace {

// Kinesis API, PutRecords.
constexpr std::uint32_t most_records = 500;
constexpr std::uint64_t most_bytes = 10u << 20;
// Kinesis Data Streams guide, Quotas and limits: what the KPL paces by.
constexpr double shard_records = 1000, shard_bytes = 1 << 20;

struct Lines final : ArrivalPlan {
  explicit Lines(std::vector<RatePoint> given) : points(std::move(given)) {}
  std::unique_ptr<ArrivalSource> open(sim::Stream chance) const override {
    return arrivals_at(lines(points, sim::forever), false, chance);
  }
  std::vector<RatePoint> points;
};

Arrivals arrivals_of(const settings::KinesisProducer::Load& load, sim::Stream chance) {
  if (load.has_poisson()) return Arrivals::poisson(load.poisson(), chance);
  if (load.has_deterministic()) return Arrivals::evenly(load.deterministic(), chance);
  std::vector<RatePoint> points;
  for (const auto& point : load.points().of()) {
    points.push_back({to_duration(point.at()), point.rate()});
  }
  return Arrivals::planned(std::make_unique<const Lines>(std::move(points)), chance);
}

}  // namespace

KinesisProducer::KinesisProducer(sim::Simulation& sim, const std::string& name,
                                 const settings::KinesisProducer& settings)
    : Component(sim, name),
      stream_name_(settings.stream()),
      kpl_(settings.library() == settings::KinesisProducer::KPL),
      aggregation_(settings.aggregation()),
      record_size_(static_cast<std::uint32_t>(settings.record_size())),
      connections_(static_cast<std::uint32_t>(settings.max_connections())),
      max_attempts_(static_cast<std::uint32_t>(settings.max_attempts())),
      aggregation_size_(static_cast<std::uint64_t>(settings.aggregation_max_size())),
      linger_(to_duration(settings.linger())),
      ttl_(to_duration(settings.record_ttl())),
      network_(to_duration(settings.network())),
      longest_(to_duration(settings.request_timeout()) + linger_),
      rate_limit_(settings.rate_limit()),
      backoff_{.base = to_duration(settings.backoff_base()),
               .cap = to_duration(settings.backoff_cap())},
      connection_{.operation = sim::Operation::write},
      keys_(settings.partition_keys()),
      arrivals_(arrivals_of(settings.load(), stream("arrivals"))),
      key_chance_(stream("partition key")),
      host_chance_(stream("host")),
      backoff_chance_(stream("backoff")),
      lane_(*this, to_duration(settings.request_timeout())),
      batches_(Messages::of(sim)) {
  set_zone(sim.network().add_zone("internet:" + name, ""));
  hosts_.resize(static_cast<std::size_t>(settings.hosts()));
  for (std::uint32_t n = 1; !kpl_ && n < max_attempts_ && longest_ < sim::horizon_limit; ++n) {
    longest_ += backoff_.longest(n) + to_duration(settings.request_timeout());
  }
  if (kpl_) longest_ += ttl_;
}

KinesisProducer::~KinesisProducer() = default;

void KinesisProducer::check(const settings::KinesisProducer& settings, SettingsCheck& check) {
  if (settings.load().has_points() && settings.load().points().of().empty()) {
    check.error("load.points", "has no points");
  }
  const bool kpl = settings.library() == settings::KinesisProducer::KPL;
  for (const char* name : {"record_ttl", "rate_limit", "aggregation", "aggregation_max_size"}) {
    if (!kpl && check.given(name)) check.error(name, "is the KPL's (library: kpl)");
  }
  for (const char* name : {"max_attempts", "backoff_base", "backoff_cap"}) {
    if (kpl && check.given(name)) {
      check.error(name, "is the SDK's: the KPL retries without backoff until record_ttl is over");
    }
  }
}

void KinesisProducer::wire(sim::Wiring& wiring) {
  sim::Network& network = sim().network();
  for (sim::ZoneId other = 0; other < network.zones(); ++other) {
    if (other != zone_of(0)) network.set_one_way(zone_of(0), other, network_);
  }
  stream_ = &wiring.find<StreamPort>(stream_name_);
  auto& callable = wiring.find<Callable>(stream_name_);
  for (std::uint32_t i = 0; i < hosts_.size(); ++i) {
    hosts_[i].connector = std::make_unique<Connector>(*this, i, callable, connection_, "puts");
  }
}

void KinesisProducer::start() {
  next_arrival_ = arrivals_.next(sim::time_zero).at;
  sim().after<&KinesisProducer::on_turn>(linger_ / static_cast<std::int64_t>(hosts_.size()), this);
}

// Records that came to be since the last turn of any machine.
void KinesisProducer::gather() {
  const Time now = sim().now();
  std::uint64_t count = 0;
  while (next_arrival_ <= now) {
    const auto hosts = static_cast<std::uint32_t>(hosts_.size());
    Host& host = hosts_[hosts == 1 ? 0 : host_chance_.below(hosts)];
    host.fresh.push_back({keys_.draw(key_chance_), 0, next_arrival_});
    ++count;
    next_arrival_ = arrivals_.next(next_arrival_).at;
  }
  metric.received.add(count);
  metric.pending.add(now, static_cast<std::int64_t>(count));
}

void KinesisProducer::on_turn() {
  const auto hosts = static_cast<std::int64_t>(hosts_.size());
  gather();
  pack(hosts_[turn_]);
  if (kpl_) {
    send_at_pace(turn_);
  } else {
    send_ready(turn_, 1);
  }
  turn_ = (turn_ + 1) % static_cast<std::uint32_t>(hosts);
  sim().after<&KinesisProducer::on_turn>(linger_ / hosts, this);
}

void KinesisProducer::pack(Host& host) {
  if (kpl_ && aggregation_) {
    pack_by_shard(host);
  } else {
    pack_by_key(host);
  }
  host.fresh.clear();
}

// Records of one key stand together, in their order; of the keys' order nobody knows.
void KinesisProducer::pack_by_key(Host& host) {
  std::sort(host.fresh.begin(), host.fresh.end(), [](const Record& a, const Record& b) {
    return a.key != b.key ? a.key < b.key : a.sent < b.sent;
  });
  for (std::size_t i = 0, end = 0; i < host.fresh.size(); i = end) {
    Duration sum{0};
    while (end < host.fresh.size() && host.fresh[end].key == host.fresh[i].key &&
           end - i < most_records) {
      sum += host.fresh[end++].sent - host.fresh[i].sent;
    }
    const auto count = static_cast<std::uint32_t>(end - i);
    host.ready.push_back({.sent = host.fresh[i].sent + sum / count,
                          .content = sim::mix(name_hash() + ++contents_),
                          .bytes = count * record_size_,
                          .key = host.fresh[i].key,
                          .count = count});
  }
}

void KinesisProducer::pack_by_shard(Host& host) {
  for (Record& it : host.fresh) it.shard = stream_->shard_of(it.key);
  std::sort(host.fresh.begin(), host.fresh.end(), [](const Record& a, const Record& b) {
    return a.shard != b.shard ? a.shard < b.shard : a.sent < b.sent;
  });
  const auto most = std::max<std::uint64_t>(1, aggregation_size_ / record_size_);
  for (std::size_t i = 0, end = 0; i < host.fresh.size(); i = end) {
    Duration sum{0};
    while (end < host.fresh.size() && host.fresh[end].shard == host.fresh[i].shard &&
           end - i < most) {
      sum += host.fresh[end++].sent - host.fresh[i].sent;
    }
    const auto count = static_cast<std::uint32_t>(end - i);
    host.ready.push_back({.sent = host.fresh[i].sent + sum / count,
                          .content = sim::mix(name_hash() + ++contents_),
                          .bytes = count * record_size_,
                          .key = host.fresh[i].key,
                          .count = count,
                          .aggregated = true});
  }
}

// KPL: the shards' own pace, and what is too old goes.
void KinesisProducer::send_at_pace(std::uint32_t number) {
  const Time now = sim().now();
  Host& host = hosts_[number];
  kept_.clear();
  failed_.clear();  // here: what may go
  for (const Message& it : host.ready) {
    if (now - it.sent >= ttl_) {
      drop(it);
      continue;
    }
    const std::uint32_t shard = stream_->shard_of(it.key);
    while (host.pace.size() <= shard) {
      host.pace.push_back({TokenBucket(rate_limit_ * shard_records, rate_limit_ * shard_records),
                           TokenBucket(rate_limit_ * shard_bytes, rate_limit_ * shard_bytes)});
    }
    ShardPace& pace = host.pace[shard];
    const double records = it.aggregated ? 1 : it.count;
    const bool may = pace.records.available(now) >= records &&
                     pace.bytes.available(now) >= static_cast<double>(it.bytes);
    if (may) {
      pace.records.take(now, records);
      pace.bytes.take(now, it.bytes);
    }
    (may ? failed_ : kept_).push_back(it);
  }
  host.ready.swap(failed_);
  send_ready(number, 1);
  host.ready.insert(host.ready.end(), kept_.begin(), kept_.end());
}

// In calls of 500 records, as far as there are connections; the rest waits for the next turn.
void KinesisProducer::send_ready(std::uint32_t number, std::uint32_t attempt) {
  Host& host = hosts_[number];
  std::size_t at = 0;
  while (at < host.ready.size() && host.calls < connections_) {
    const Handle handle = sim().open_call(*this, number, sim::Operation::write);
    Call& call = sim().call(handle);
    call.tag = attempt;
    Batch& batch = batches_.put_into(call, Batch::Action::send);
    std::uint64_t records = 0, bytes = 0;
    while (at < host.ready.size()) {
      Message& next = host.ready[at];
      const std::uint32_t count = next.aggregated ? 1 : next.count;
      if (records > 0 && (records + count > most_records || bytes + next.bytes > most_bytes)) break;
      records += count;
      bytes += next.bytes;
      batch.messages.push_back(next);
      ++at;
    }
    metric.calls.add();
    ++host.calls;
    lane_.enter(call, handle);
    host.connector->dispatch(handle);
  }
  host.ready.erase(host.ready.begin(), host.ready.begin() + static_cast<std::ptrdiff_t>(at));
}

void KinesisProducer::on_answer(Call& call, Handle) {
  const bool unknown = call.outcome != sim::Outcome::ok;
  if (unknown) hosts_[call.caller_node].connector->on_call_failed(call);
  ended(call.caller_node, call.tag, batches_.find(call), unknown);
}

void KinesisProducer::on_timeout(Call& call, Handle) {
  hosts_[call.caller_node].connector->on_call_failed(call);
  ended(call.caller_node, call.tag, batches_.find(call), true);
}

void KinesisProducer::ended(std::uint32_t host, std::uint32_t attempt, Batch* batch, bool unknown) {
  --hosts_[host].calls;
  failed_.clear();
  for (Message& it : batch->messages) {
    if (it.result == Entry::accepted && !unknown) {
      metric.put.add(it.count);
      metric.kinesis_records.add(it.aggregated ? 1 : it.count);
      count_end(it, true);
      continue;
    }
    if (it.result == Entry::accepted) metric.twice.add(it.count);
    metric.errors.add(it.count);
    const bool refused = it.result == Entry::refused;
    it.result = Entry::none;
    if (refused || (!kpl_ && attempt >= max_attempts_)) {
      drop(it);
    } else {
      failed_.push_back(it);
    }
  }
  if (failed_.empty()) return;
  if (!kpl_) return try_again(host, attempt);
  auto& ready = hosts_[host].ready;
  ready.insert(ready.begin(), failed_.begin(), failed_.end());
}

void KinesisProducer::try_again(std::uint32_t host, std::uint32_t attempt) {
  if (free_retries_.empty()) {
    free_retries_.push_back(static_cast<std::uint32_t>(retries_.size()));
    retries_.emplace_back();
  }
  const std::uint32_t number = free_retries_.back();
  free_retries_.pop_back();
  Retry& retry = retries_[number];
  retry.host = host;
  retry.attempt = attempt + 1;
  retry.messages.swap(failed_);
  sim().after<&KinesisProducer::on_retry_due>(backoff_.pause(attempt, Duration(0), backoff_chance_),
                                              this, number);
}

void KinesisProducer::on_retry_due(std::uint64_t number) {
  Retry& retry = retries_[number];
  Host& host = hosts_[retry.host];
  // They go by themselves: a call's records have one number of attempts.
  kept_.swap(host.ready);
  host.ready.swap(retry.messages);
  send_ready(retry.host, retry.attempt);
  if (host.ready.empty()) {
    host.ready.swap(kept_);
  } else {  // no connection is free: with the others, as a first attempt
    host.ready.insert(host.ready.end(), kept_.begin(), kept_.end());
  }
  kept_.clear();
  retry.messages.clear();
  free_retries_.push_back(static_cast<std::uint32_t>(number));
}

void KinesisProducer::drop(const Message& message) {
  metric.dropped.add(message.count);
  count_end(message, false);
}

void KinesisProducer::count_end(const Message& message, bool success) {
  const Time now = sim().now();
  metric.pending.add(now, -std::int64_t{message.count});
  for (std::uint32_t i = 0; i < message.count; ++i) {
    if (success) metric.put_time.record(now - message.sent);
    sim().log().request_ended(message.sent, message.sent + longest_, success, now - message.sent,
                              now);
  }
}

void KinesisProducer::report(sim::RunLog& log) {
  gather();
  const auto open = [&log](const Message& it) {
    for (std::uint32_t i = 0; i < it.count; ++i) log.request_open(it.sent);
  };
  for (const Host& host : hosts_) {
    for (const Message& it : host.ready) open(it);
    for (const Record& it : host.fresh) log.request_open(it.sent);
  }
  for (const Retry& retry : retries_) {
    for (const Message& it : retry.messages) open(it);
  }
}

REGISTER_MODEL(KinesisProducer, settings::KinesisProducer);

}  // namespace windtunnel
