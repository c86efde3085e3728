#include "models/analytics/firehose_delivery_stream.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/analytics/firehose_delivery_stream.pb.h"
#include "models/mechanisms/other_settings.hpp"
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

// Amazon Data Firehose guide, Data delivery: to S3 for 24 hours; reads of a stream once a second.
constexpr Duration s3_retries = 24h, read_interval = 1s, read_timeout = 30s;
// Amazon Data Firehose guide, Quotas: a PutRecordBatch.
constexpr std::size_t most_records = 500;
constexpr std::uint64_t most_bytes = 4u << 20;

// Amazon Data Firehose guide, Dynamic partitioning: the least buffer, and how much later than its
// interval says data is in S3, for it is gathered twice.
constexpr std::uint64_t least_partition_buffer = 64u << 20;
constexpr int partition_delay_halves = 3;
constexpr Duration longest_function = 5min;  // Amazon Data Firehose guide, Data transformation

// Which of its calls a call is.
enum class CallKind : std::uint32_t { read, delivery };
constexpr std::uint32_t kind_bits = 1;
std::uint32_t tag_of(CallKind kind, std::uint32_t number) {
  return (number << kind_bits) | static_cast<std::uint32_t>(kind);
}

double quota(const settings::FirehoseDeliveryStream& settings, double large, double other) {
  return settings.quota() == settings::FirehoseDeliveryStream::LARGE_REGION ? large : other;
}
TokenBucket second_of(double rate) { return {rate, rate}; }

}  // namespace

FirehoseDeliveryStream::FirehoseDeliveryStream(sim::Simulation& sim, const std::string& name,
                                               const settings::FirehoseDeliveryStream& settings)
    : Component(sim, name),
      stream_name_(settings.stream()),
      destination_name_(settings.to()),
      http_(settings.destination() == settings::FirehoseDeliveryStream::HTTP_ENDPOINT),
      record_size_(static_cast<std::uint32_t>(settings.record_size())),
      retry_duration_(http_ ? to_duration(settings.retry_duration()) : s3_retries),
      put_time_(to_distribution(settings.put_time())),
      delivery_time_(to_distribution(settings.delivery_time())),
      backoff_{.base = 1s, .cap = 2min},
      put_chance_(stream("put")),
      delivery_chance_(stream("delivery")),
      error_chance_(stream("failure")),
      backoff_chance_(stream("backoff")),
      partition_chance_(stream("partition")),
      records_(second_of(quota(settings, 500'000, 100'000))),
      requests_(second_of(quota(settings, 2000, 1000))),
      bytes_(second_of(quota(settings, 5 << 20, 1 << 20))),
      batches_(Messages::of(sim)),
      account_(batches_.ledger().open(*this, messages_, *this)),
      buffer_(*this, *this, static_cast<std::uint64_t>(settings.buffering_size()),
              to_duration(settings.buffering_interval())),
      delivery_lane_(*this, to_duration(settings.delivery_timeout())),
      read_lane_(*this, read_timeout) {
  set_zone(regional_place(sim, settings.region()));
  if (!stream_name_.empty()) {
    source_account_.reset(new MessageAccount{source_metrics_});
    reader_ = std::make_unique<StreamConsumer>(*this, *source_account_);
  }
  if (settings.has_processing()) {
    const auto& p = settings.processing();
    function_name_ = p.function();
    transform_ = std::make_unique<FirehoseTransform>(
        *this, *this, metric_set_,
        FirehoseTransform::Settings{
            .buffering_size = static_cast<std::uint64_t>(p.buffering_size()),
            .buffering_interval = to_duration(p.buffering_interval()),
            .retries = static_cast<std::uint32_t>(p.number_of_retries()),
            .outstanding = static_cast<std::uint32_t>(p.outstanding_invocations()),
            .output_ratio = p.output_ratio()},
        batches_);
  }
  if (settings.has_dynamic_partitioning()) {
    const auto& p = settings.dynamic_partitioning();
    partition_keys_.emplace(p.keys());
    partitions_ = std::make_unique<FirehosePartitions>(
        *this, *this,
        std::max(static_cast<std::uint64_t>(settings.buffering_size()), least_partition_buffer),
        to_duration(settings.buffering_interval()) * partition_delay_halves / 2,
        static_cast<std::size_t>(p.active_partition_quota()));
  }
  publish_metrics(settings);
}

FirehoseDeliveryStream::~FirehoseDeliveryStream() = default;

void FirehoseDeliveryStream::publish_metrics(const settings::FirehoseDeliveryStream& settings) {
  CloudWatch& cloudwatch = CloudWatch::of(sim());
  const auto named = [&](const char* metric) {
    return CloudWatch::Publication{.component = name(),
                                   .space = "AWS/Firehose",
                                   .name = metric,
                                   .dimensions = {{"DeliveryStreamName", name()}},
                                   .delay = to_distribution(settings.metric_delay())};
  };
  cloudwatch.publish_growth(named("IncomingRecords"), metric.incoming_records);
  cloudwatch.publish_growth(named("IncomingBytes"), metric.incoming_bytes);
  cloudwatch.publish_growth(named("ThrottledRecords"), metric.throttled, true);
  cloudwatch.publish_growth(named("DeliveryToS3.Records"), metric.delivered);
  cloudwatch.publish_growth(named("BackupToS3.Records"), metric.backed_up);
  cloudwatch.publish(named("DeliveryToS3.DataFreshness"), *this);
  cloudwatch.publish_sample(named("PartitionCount"), metric.partitions);
  if (transform_ == nullptr) return;
  cloudwatch.publish_growth(named("SucceedProcessing.Records"), transform_->metric.processed);
  auto time = named("ExecuteProcessing.Duration");
  time.scale = 1000;
  cloudwatch.publish_records(time, transform_->metric.time);
}

void FirehoseDeliveryStream::check(const settings::FirehoseDeliveryStream& settings,
                                   SettingsCheck& check) {
  if (settings.destination() == settings::FirehoseDeliveryStream::S3 &&
      check.given("retry_duration")) {
    check.error("retry_duration",
                "is of HTTP endpoints; deliveries to S3 are tried for 24 hours (Amazon Data "
                "Firehose guide, Data delivery)");
  }
  if (settings.has_dynamic_partitioning()) {
    constexpr auto source = "(Amazon Data Firehose guide, Dynamic partitioning)";
    if (settings.destination() != settings::FirehoseDeliveryStream::S3) {
      check.error("dynamic_partitioning", fmt::format("is of S3 as the destination {}", source));
    }
    if (check.given("buffering_size") &&
        static_cast<std::uint64_t>(settings.buffering_size()) < least_partition_buffer) {
      check.error("buffering_size",
                  fmt::format("is below the 64 MiB that dynamic partitioning needs {}", source));
    }
  }
  const auto limit =
      integer_setting(check.settings_of(settings.processing().function()), "timeout");
  if (settings.has_processing() && limit && Duration(*limit) > longest_function) {
    check.error("processing.function",
                fmt::format("{} may take {} s, more than the 5 minutes that Firehose waits (Amazon "
                            "Data Firehose guide, Data transformation)",
                            settings.processing().function(), Duration(*limit) / 1s));
  }
  if (!settings.stream().empty() && check.given("quota")) {
    check.error("quota",
                "is of direct PUT; a stream as the source has no quota of this kind "
                "(Amazon Data Firehose guide, Quotas)");
  }
}

void FirehoseDeliveryStream::wire(sim::Wiring& wiring) {
  if (!destination_name_.empty()) {
    connection_.operation = sim::Operation::write;
    destination_ = std::make_unique<Connector>(*this, 0, wiring.find<Callable>(destination_name_),
                                               connection_, "deliveries");
  }
  if (transform_ != nullptr) transform_->wire(wiring.find<Callable>(function_name_));
  if (stream_name_.empty()) return;
  stream_port_ = &wiring.find<StreamPort>(stream_name_);
  stream_port_->add_consumer(*reader_);
  stream_ = std::make_unique<Connector>(*this, 0, wiring.find<Callable>(stream_name_), connection_,
                                        "reads");
}

void FirehoseDeliveryStream::start() {
  if (stream_port_ != nullptr) find_shards();
}

bool FirehoseDeliveryStream::set_errors(double share) {
  errors_ = share;
  return true;
}

// Direct PUT ------------------------------------------------------------------------------------

void FirehoseDeliveryStream::on_request(Call& call, Handle handle) {
  const bool plain = batches_.find(call) == nullptr;
  Batch& batch = batches_.of_call(call, record_size_);
  if (batch.action != Batch::Action::send || stream_port_ != nullptr) {
    return sim().answer(handle, Outcome::error);  // with a stream as its source it takes no puts
  }
  put(call, batch, plain);
  sim().after<&FirehoseDeliveryStream::on_put_done>(put_time_.sample(put_chance_), this, handle);
}

void FirehoseDeliveryStream::put(Call& call, Batch& batch, bool plain) {
  const Time now = sim().now();
  std::uint64_t records = 0, bytes = 0;
  for (const Message& it : batch.messages) {
    records += it.count;
    bytes += it.bytes;
  }
  Outcome& outcome = call.work_as<Outcome>();
  outcome = Outcome::ok;
  const bool too_large = records > most_records || bytes > most_bytes;
  const bool fits = requests_.take(now) && records_.take(now, static_cast<double>(records)) &&
                    bytes_.take(now, static_cast<double>(bytes));
  const Entry result = too_large ? Entry::refused : fits ? Entry::accepted : Entry::throttled;
  for (Message& it : batch.messages) {
    it.result = result;
    if (result == Entry::accepted) take(it);
  }
  throttling.offer(*call.caller, records);
  if (result == Entry::throttled) {
    metric.throttled.add(records);
    throttling.refuse(*call.caller, 0, records);
  }
  if (result == Entry::refused) outcome = Outcome::error;
  if (result == Entry::throttled && plain) outcome = Outcome::throttled;
}

void FirehoseDeliveryStream::on_put_done(Handle handle) {
  sim().answer(handle, sim().call(handle).work_as<Outcome>());
}

void FirehoseDeliveryStream::take(Message message) {
  metric.incoming_records.add(message.count);
  metric.incoming_bytes.add(message.bytes);
  batches_.ledger().accept_many(message, account_);
  transform_ != nullptr ? transform_->add(message) : on_processed(message);
}

void FirehoseDeliveryStream::on_processed(const Message& message) {
  if (partitions_ == nullptr) return buffer_.add(message);
  const std::uint32_t key = partition_keys_->draw(partition_chance_);
  if (!partitions_->add(key, message)) on_processing_failed(message);
  metric.partitions.set(sim().now(), static_cast<std::int64_t>(partitions_->active()));
}

// The error prefix of the bucket takes it.
void FirehoseDeliveryStream::on_processing_failed(const Message& message) {
  metric.errors.add(message.count);
  batches_.ledger().forward_many(account_, message.count);
}

// A stream as the source ------------------------------------------------------------------------

// Shards whose parents are read to their ends.
void FirehoseDeliveryStream::find_shards() {
  for (const StreamPort::Shard& shard : stream_port_->shards()) {
    if (shard.number >= shards_.size()) shards_.resize(shard.number + 1);
    ShardState& state = shards_[shard.number];
    const bool ready = std::all_of(shard.parents.begin(), shard.parents.end(),
                                   [this](std::uint32_t it) { return shards_[it].finished; });
    if (state.reading || !ready) continue;
    state.reading = true;
    read(shard.number);
  }
}

void FirehoseDeliveryStream::read(std::uint32_t shard) {
  const Handle handle = sim().open_call(*this, 0, sim::Operation::read);
  Call& call = sim().call(handle);
  call.tag = tag_of(CallKind::read, shard);
  Batch& batch = batches_.put_into(call, Batch::Action::read_records);
  batch.shard = shard;
  batch.position = shards_[shard].position;
  batch.most = 10'000;
  batch.account = reader_->account();
  read_lane_.enter(call, handle);
  stream_->dispatch(handle);
}

void FirehoseDeliveryStream::on_read_due(std::uint64_t shard) {
  read(static_cast<std::uint32_t>(shard));
}

void FirehoseDeliveryStream::got_records(Call& call, Batch& batch) {
  const std::uint32_t shard = batch.shard;
  ShardState& state = shards_[shard];
  if (call.outcome == Outcome::ok) {
    state.position = batch.position;
    for (const Message& it : batch.messages) {
      reader_->forward(shard, it);
      take(it);
    }
    reader_->checkpoint(shard, state.position);
    const StreamPort::Shard now = stream_port_->shard(shard);
    if (now.closed && state.position >= now.next) {
      state.finished = true;
      return find_shards();
    }
  }
  sim().after<&FirehoseDeliveryStream::on_read_due>(read_interval, this, shard);
}

void FirehoseDeliveryStream::on_answer(Call& call, Handle) {
  const std::uint32_t number = call.tag >> kind_bits;
  if (call.tag % 2 == static_cast<std::uint32_t>(CallKind::read)) {
    return got_records(call, *batches_.find(call));
  }
  if (call.outcome != Outcome::ok) destination_->on_call_failed(call);
  delivery_ended(number, call.outcome == Outcome::ok);
}

void FirehoseDeliveryStream::on_timeout(Call& call, Handle) {
  const std::uint32_t number = call.tag >> kind_bits;
  if (call.tag % 2 == static_cast<std::uint32_t>(CallKind::read)) {
    stream_->on_call_failed(call);
    return read(number);
  }
  destination_->on_call_failed(call);
  delivery_ended(number, false);
}

// Delivery --------------------------------------------------------------------------------------

void FirehoseDeliveryStream::on_flush(std::vector<Message>& messages, Time opened) {
  if (partitions_ != nullptr) {
    metric.partitions.set(sim().now(), static_cast<std::int64_t>(partitions_->active()));
  }
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(deliveries_.size()));
    deliveries_.emplace_back();
  }
  const std::uint32_t number = free_.back();
  free_.pop_back();
  Delivery& delivery = deliveries_[number];
  delivery.messages.swap(messages);
  delivery.oldest = opened;
  delivery.first_try = sim().now();
  delivery.attempt = 1;
  deliver(number);
}

void FirehoseDeliveryStream::deliver(std::uint64_t argument) {
  const auto number = static_cast<std::uint32_t>(argument);
  if (destination_ == nullptr) {
    sim().after<&FirehoseDeliveryStream::on_delivery_done>(delivery_time_.sample(delivery_chance_),
                                                           this, number);
    return;
  }
  const Handle handle = sim().open_call(*this, 0, sim::Operation::write);
  Call& call = sim().call(handle);
  call.tag = tag_of(CallKind::delivery, number);
  delivery_lane_.enter(call, handle);
  destination_->dispatch(handle);
}

void FirehoseDeliveryStream::on_delivery_done(std::uint64_t number) {
  delivery_ended(static_cast<std::uint32_t>(number), !error_chance_.chance(errors_));
}

void FirehoseDeliveryStream::delivery_ended(std::uint32_t number, bool success) {
  const Time now = sim().now();
  Delivery& delivery = deliveries_[number];
  if (success) {
    metric.deliveries.add();
    metric.freshness.record(now - delivery.oldest);
    for (const Message& it : delivery.messages) {
      metric.delivered.add(it.count);
      batches_.ledger().effect_many(account_, it.count, it.sent, false);
      batches_.ledger().end_many(account_, it.count, Fate::delivered);
    }
    return end(delivery, number);
  }
  metric.failures.add();
  if (now - delivery.first_try < retry_duration_) {
    const Duration pause = backoff_.pause(delivery.attempt++, Duration(0), backoff_chance_);
    sim().after<&FirehoseDeliveryStream::deliver>(pause, this, number);
    return;
  }
  for (const Message& it : delivery.messages) {
    if (http_) {
      metric.backed_up.add(it.count);
      batches_.ledger().forward_many(account_, it.count);
    } else {
      batches_.ledger().end_many(account_, it.count, Fate::lost);
    }
  }
  end(delivery, number);
}

void FirehoseDeliveryStream::end(Delivery& delivery, std::uint32_t number) {
  delivery.messages.clear();
  delivery.attempt = 0;
  free_.push_back(number);
}

// Age of the oldest record that is not delivered.
void FirehoseDeliveryStream::collect(std::uint32_t, Time, Time to, StatisticSet& out) {
  Time oldest = buffer_.empty() ? to : buffer_.opened();
  if (transform_ != nullptr) oldest = transform_->oldest(oldest);
  if (partitions_ != nullptr) oldest = partitions_->oldest(oldest);
  for (const Delivery& it : deliveries_) {
    if (it.attempt > 0) oldest = std::min(oldest, it.oldest);
  }
  out.add(sim::seconds(to - oldest));
}

std::uint64_t FirehoseDeliveryStream::messages_held() const {
  std::uint64_t held = buffer_.count();
  if (transform_ != nullptr) held += transform_->count();
  if (partitions_ != nullptr) held += partitions_->count();
  for (const Delivery& delivery : deliveries_) {
    for (const Message& it : delivery.messages) held += it.count;
  }
  return held;
}

REGISTER_MODEL(FirehoseDeliveryStream, settings::FirehoseDeliveryStream);

}  // namespace windtunnel
