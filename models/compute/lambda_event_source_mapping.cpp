#include "models/compute/lambda_event_source_mapping.hpp"

#include <fmt/format.h>

#include "models/compute/lambda_event_source_mapping.pb.h"
#include "models/mechanisms/cloudwatch.hpp"
#include "models/mechanisms/other_settings.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"
#include "models/settings_check.hpp"

namespace windtunnel {

using S = settings::LambdaEventSourceMapping;
using sim::Duration;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

LambdaQueueSource::Settings queue_settings(const S& s) {
  const auto& scaling = s.queue_scaling();
  std::int64_t most = scaling.most();
  if (s.has_maximum_concurrency()) most = std::min(most, s.maximum_concurrency());
  return {.batch_size = static_cast<std::uint32_t>(s.has_batch_size() ? s.batch_size() : 10),
          .window = to_duration(s.maximum_batching_window()),
          .partial = s.report_batch_item_failures(),
          .initial = static_cast<std::uint32_t>(std::min(scaling.initial(), most)),
          .most = static_cast<std::uint32_t>(most),
          .goes_below_initial = !s.has_maximum_concurrency(),
          .growth = scaling.growth(),
          .reduction_on_errors = scaling.reduction_on_errors(),
          .dispatch = to_distribution(scaling.dispatch())};
}

LambdaStreamSource::Settings stream_settings(const S& s) {
  LambdaStreamSource::Settings it{
      .batch_size = static_cast<std::uint32_t>(s.has_batch_size() ? s.batch_size() : 100),
      .lanes = static_cast<std::uint32_t>(s.parallelization_factor()),
      .window = to_duration(s.maximum_batching_window()),
      .polling_interval = {},
      .partial = s.report_batch_item_failures(),
      .bisect = s.bisect_batch_on_function_error(),
      .from_latest = s.starting_position() == S::LATEST,
      .maximum_retry_attempts = {},
      .maximum_record_age = {}};
  if (s.has_maximum_retry_attempts()) {
    it.maximum_retry_attempts = static_cast<std::uint32_t>(s.maximum_retry_attempts());
  }
  if (s.has_polling_interval()) it.polling_interval = to_duration(s.polling_interval());
  if (s.has_maximum_record_age()) it.maximum_record_age = to_duration(s.maximum_record_age());
  return it;
}

}  // namespace

LambdaEventSourceMapping::LambdaEventSourceMapping(sim::Simulation& sim, const std::string& name,
                                                   const S& settings)
    : Component(sim, name),
      function_(settings.function()),
      queue_name_(settings.queue()),
      stream_name_(settings.stream()),
      on_failure_(settings.on_failure()) {
  Messages& messages = Messages::of(sim);
  if (!queue_name_.empty()) {
    queue_ =
        std::make_unique<LambdaQueueSource>(*this, metric_set_, queue_settings(settings), messages);
  } else {
    stream_ = std::make_unique<LambdaStreamSource>(*this, metric_set_, stream_settings(settings),
                                                   messages);
    CloudWatch::of(sim).publish_records({.component = name,
                                         .space = "AWS/Lambda",
                                         .name = "IteratorAge",
                                         .dimensions = {{"FunctionName", function_}},
                                         .delay = {},
                                         .scale = 1000},
                                        stream_->metric.iterator_age);
  }
}

void LambdaEventSourceMapping::wire(sim::Wiring& wiring) {
  auto& function = wiring.find<Callable>(function_);
  const sim::ZoneId place = wiring.find<sim::Component>(function_).zone_of(0);
  set_zone(place);
  if (queue_ != nullptr) {
    queue_->wire(wiring.find<Callable>(queue_name_), wiring.find<QueuePort>(queue_name_), function,
                 wiring.find<FunctionPort>(function_).timeout(), place);
  } else {
    Callable* on_failure = on_failure_.empty() ? nullptr : &wiring.find<Callable>(on_failure_);
    stream_->wire(wiring.find<Callable>(stream_name_), wiring.find<StreamPort>(stream_name_),
                  function, on_failure, place);
  }
}

void LambdaEventSourceMapping::start() {
  if (queue_ != nullptr) return queue_->start();
  stream_->start();
}

// --- bad settings

namespace {

std::string seconds_of(Duration duration) { return fmt::format("{} s", duration / seconds(1)); }

class Check {
 public:
  Check(const S& s, SettingsCheck& check) : s_(s), check_(check) {}

  void run() {
    if (!s_.queue().empty()) {
      of_queues();
    } else {
      of_streams();
    }
    only_of();
  }

 private:
  void of_queues() {
    const auto* queue = check_.settings_of(s_.queue());
    const std::int64_t size = s_.has_batch_size() ? s_.batch_size() : 10;
    const auto window = to_duration(s_.maximum_batching_window());
    constexpr auto source = "Lambda API, CreateEventSourceMapping";
    if (has_setting(queue, "fifo")) {
      if (size > 10) {
        check_.error("batch_size",
                     fmt::format("{} is above 10, the most of a FIFO queue ({})", size, source));
      }
      if (window > Duration::zero()) {
        check_.error("maximum_batching_window", fmt::format("FIFO queues have none ({})", source));
      }
    } else if (size > 10 && window < seconds(1)) {
      check_.error("batch_size",
                   fmt::format("{} is above 10 and needs a maximum_batching_window of 1s or more "
                               "({})",
                               size, source));
    }
    visibility(queue, window);
    throttled_receives(queue);
    poison(queue);
  }

  void visibility(const google::protobuf::Message* queue, Duration window) {
    const auto* function = check_.settings_of(s_.function());
    const auto visible = integer_setting(queue, "visibility_timeout");
    const auto limit = integer_setting(function, "timeout");
    if (!visible || !limit) return;
    constexpr auto source = "Lambda guide, Configuring a queue to use with Lambda";
    const Duration timeout(*limit), lease(*visible);
    if (lease < timeout && window == Duration::zero()) {
      check_.error("queue",
                   fmt::format("{} has a visibility timeout of {}, below the {} that {} "
                               "may take (Lambda API, CreateEventSourceMapping)",
                               s_.queue(), seconds_of(lease), seconds_of(timeout), s_.function()));
    } else if (lease < 6 * timeout + window) {
      check_.warning("queue",
                     fmt::format("{} has a visibility timeout of {}: AWS recommends six "
                                 "times the timeout of {}{}, {}, so that throttled batches "
                                 "can be tried again ({})",
                                 s_.queue(), seconds_of(lease), s_.function(),
                                 window > Duration::zero() ? " plus the window" : "",
                                 seconds_of(6 * timeout + window), source));
    }
  }

  // Rule 23
  void throttled_receives(const google::protobuf::Message* queue) {
    const auto* function = check_.settings_of(s_.function());
    if (!has_setting(function, "reserved_concurrency") || s_.has_maximum_concurrency() ||
        !has_setting(queue, "redrive_policy")) {
      return;
    }
    check_.note(
        "maximum_concurrency",
        fmt::format("absent: {} is throttled at its reserved concurrency, and each throttle "
                    "that lasts costs its messages a receive on their way to the "
                    "dead-letter queue (Lambda guide, Configuring maximum concurrency)",
                    s_.function()));
  }

  void poison(const google::protobuf::Message* queue) {
    const auto* function = check_.settings_of(s_.function());
    if (!has_setting(function, "poison") || has_setting(queue, "redrive_policy")) return;
    check_.warning("queue",
                   fmt::format("messages that {} fails on come back until they expire: {} has no "
                               "redrive_policy (SQS, Using dead-letter queues)",
                               s_.function(), s_.queue()));
  }

  void of_streams() {
    const auto* stream = check_.settings_of(s_.stream());
    const bool dynamodb = stream != nullptr && stream->GetDescriptor()->name() == "DynamodbStream";
    if (dynamodb && to_duration(s_.maximum_record_age()) > hours(24)) {
      check_.warning("maximum_record_age",
                     "has no effect: after 24 h a DynamoDB stream has its records no more "
                     "(DynamoDB developer guide, Change data capture for DynamoDB Streams)");
    }
    if (s_.has_maximum_retry_attempts() || s_.has_maximum_record_age()) return;
    check_.note("stream", fmt::format("a batch on which {} always fails blocks its shard until its "
                                      "records expire: maximum_retry_attempts is absent (Lambda "
                                      "guide, Using Lambda with {})",
                                      s_.function(), dynamodb ? "DynamoDB" : "Kinesis"));
  }

  void only_of() {
    const bool queue = !s_.queue().empty();
    const auto belongs = [&](const char* field, bool to_queues) {
      if (queue == to_queues || !check_.given(field)) return;
      check_.error(field, fmt::format("is of {} (Lambda API, CreateEventSourceMapping)",
                                      to_queues ? "queues" : "streams"));
    };
    belongs("maximum_concurrency", true);
    belongs("queue_scaling", true);
    for (const char* field :
         {"starting_position", "parallelization_factor", "bisect_batch_on_function_error",
          "maximum_retry_attempts", "maximum_record_age", "on_failure", "polling_interval"}) {
      belongs(field, false);
    }
  }

  const S& s_;
  SettingsCheck& check_;
};

}  // namespace

void LambdaEventSourceMapping::check(const S& settings, SettingsCheck& check) {
  Check(settings, check).run();
}

REGISTER_MODEL(LambdaEventSourceMapping, settings::LambdaEventSourceMapping);

}  // namespace windtunnel
