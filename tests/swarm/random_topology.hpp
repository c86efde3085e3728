// A topology of messaging services, with faults, drawn from a seed. What can stand in it is a list
// of kinds: a kind adds components that take messages (targets) or work on them (sinks), what may
// be broken of them, and what they may never exceed. A new service joins by one function and its
// name in random_experiment().
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "sim/random.hpp"

namespace windtunnel::test {

struct RandomTopology {
  explicit RandomTopology(std::uint64_t seed) : chance(sim::mix(seed) | 1) {}

  sim::Stream chance;
  std::string components;
  std::vector<std::string> targets;             // take messages
  std::vector<std::string> subscribers;         // of these, what a topic may push to
  std::vector<std::string> queues, fifos;       // of these, what can be polled
  std::vector<std::string> streams, functions;  // what can be read, and what readers may invoke
  std::vector<std::string> breakable;           // answer calls: faults `errors` and `slow`
  std::vector<std::string> groups;  // of instances: faults `instance_crash`, `instance_stop`
  struct Limit {
    std::string component, metric, statistic;
    double most;
  };
  std::vector<Limit> limits;

  std::uint32_t below(std::uint32_t n) { return chance.below(n); }
  std::uint32_t between(std::uint32_t low, std::uint32_t high) {
    return low + below(high - low + 1);
  }
  bool maybe(double share) { return chance.chance(share); }
  const std::string& one_of(const std::vector<std::string>& all) {
    return all[below(static_cast<std::uint32_t>(all.size()))];
  }
  std::string maybe_to(double share, const std::string& setting,
                       const std::vector<std::string>& all) {
    return !all.empty() && maybe(share) ? fmt::format(", {}: {}", setting, one_of(all)) : "";
  }
  void add(const std::string& name, const std::string& model, const std::string& settings) {
    components += fmt::format("    {}: {{{}: {{{}}}}}\n", name, model, settings);
  }
};

inline std::string queue_settings(RandomTopology& it, bool fifo) {
  std::string settings = fmt::format(
      "visibility_timeout: {}s, message_retention_period: {}s, delay_seconds: {}s, "
      "in_flight_limit: {}, request_time: {}",
      it.maybe(0.5) ? it.between(2, 6) : it.between(2, 60),
      it.maybe(0.3) ? it.between(60, 300) : 86400, it.maybe(0.2) ? it.between(1, 30) : 0,
      it.maybe(0.3) ? it.between(3, 40) : 120000, it.maybe(0.5) ? "{exponential: 5ms}" : "1ms");
  if (it.maybe(0.4)) settings += fmt::format(", message_groups: {}", it.between(1, 30));
  if (fifo) {
    settings +=
        it.maybe(0.5) ? ", fifo: {high_throughput: true}" : ", fifo: {partition_calls: 20/s}";
  } else if (it.maybe(0.5)) {
    settings += fmt::format(", duplicates: {}%", it.between(0, 20));
  }
  return settings;
}

inline void add_queue(RandomTopology& it) {
  const std::string name = fmt::format("queue{}", it.targets.size());
  const bool fifo = it.maybe(0.4);
  std::string settings = queue_settings(it, fifo);
  if (it.maybe(0.6)) {
    const std::string dead = name + "-dead";
    std::string redrive;
    if (it.maybe(0.5)) {
      redrive = fmt::format(
          ", message_move_tasks: [{{at: {}s, max_number_of_messages_per_second: "
          "{}/s}}]",
          it.between(60, 400), it.between(1, 50));
    }
    it.add(dead, "sqs_queue", queue_settings(it, fifo) + redrive);
    settings += fmt::format(", redrive_policy: {{dead_letter_queue: {}, max_receive_count: {}}}",
                            dead, it.between(1, 5));
  }
  it.add(name, "sqs_queue", settings);
  it.targets.push_back(name);
  it.subscribers.push_back(name);
  (fifo ? it.fifos : it.queues).push_back(name);
  it.breakable.push_back(name);
}

// To some of the targets before it, so that there is no cycle.
inline void add_topic(RandomTopology& it) {
  const std::string name = fmt::format("topic{}", it.targets.size());
  std::string subscriptions;
  for (std::uint32_t i = it.between(1, 3); i-- > 0;) {
    subscriptions += fmt::format("{{endpoint: {}{}{}}}, ", it.one_of(it.subscribers),
                                 it.maybe(0.3) ? ", filter_policy: /a*" : "",
                                 it.maybe_to(0.3, "dead_letter_queue", it.queues));
  }
  it.add(name, "sns_topic",
         fmt::format("subscriptions: [{}], publish_quota: {}/s{}", subscriptions,
                     it.maybe(0.2) ? 5 : 1000, it.maybe(0.3) ? ", fifo: {}" : ""));
  it.targets.push_back(name);
  it.breakable.push_back(name);
}

inline void add_bus(RandomTopology& it) {
  const std::string name = fmt::format("bus{}", it.targets.size());
  std::string rules;
  for (std::uint32_t i = it.between(1, 2); i-- > 0;) {
    rules += fmt::format(
        "{{path: '{}', targets: [{{to: {}, retry_policy: {{maximum_retry_attempts: {}}}{}}}]}}, ",
        it.maybe(0.3) ? "/a*" : "*", it.one_of(it.targets), it.between(0, 3),
        it.maybe_to(0.3, "dead_letter_queue", it.queues));
  }
  it.add(name, "eventbridge_bus",
         fmt::format("rules: [{}], put_events_quota: {}/s, invocations_quota: {}/s, archive: {{}}, "
                     "replays: [{{at: {}s, event_start_time: 10s, event_end_time: 60s, rate: "
                     "20/s}}]",
                     rules, it.maybe(0.2) ? 5 : 1000, it.maybe(0.3) ? 10 : 1000,
                     it.between(100, 400)));
  it.targets.push_back(name);
  it.breakable.push_back(name);
}

inline void add_function(RandomTopology& it) {
  const std::string name = fmt::format("fn{}", it.functions.size());
  static constexpr const char* runtimes[] = {"rust", "python3.13", "java21"};
  std::string settings = fmt::format(
      "runtime: {}, timeout: {}s, service_time: {{exponential: {}ms}}, errors: {}%, poison: {}%, "
      "report_batch_item_failures: {}, idle_lifetime: 30s",
      runtimes[it.below(3)], it.between(1, 2), it.between(1, 600),
      it.maybe(0.5) ? it.between(5, 60) : 0, it.maybe(0.5) ? 5 : 0, it.maybe(0.5));
  if (it.maybe(0.5)) {
    const std::uint32_t reserved = it.between(0, 4);
    settings += fmt::format(", reserved_concurrency: {}", reserved);
    if (it.maybe(0.3)) settings += fmt::format(", provisioned_concurrency: {}", reserved / 2);
    it.limits.push_back({name, "ConcurrentExecutions", "max", static_cast<double>(reserved)});
  }
  const bool destination = it.maybe(0.5);
  settings +=
      fmt::format(", asynchronous: {{maximum_retry_attempts: {}, maximum_event_age: {}s{}{}}}",
                  it.between(0, 2), it.between(60, 300), it.maybe_to(0.3, "on_success", it.targets),
                  destination ? it.maybe_to(0.7, "on_failure", it.targets)
                              : it.maybe_to(0.7, "dead_letter_queue", it.queues));
  if (!it.queues.empty() && it.maybe(0.3)) {
    settings += fmt::format(", calls: [{{to: {}, writes: 100%}}]", it.one_of(it.queues));
  }
  it.add(name, "lambda_function", settings);
  it.functions.push_back(name);
  it.targets.push_back(name);
  it.subscribers.push_back(name);
  it.breakable.push_back(name);
}

inline std::string random_reshard(RandomTopology& it, std::uint32_t shards) {
  const std::uint32_t at = it.between(50, 400);
  switch (it.below(shards > 1 ? 3 : 2)) {
    case 0:
      return fmt::format(", reshard: [{{at: {}s, split_shard: 0}}]", at);
    case 1:
      return fmt::format(", reshard: [{{at: {}s, update_shard_count: {}}}]", at, 2 * shards);
    default:
      return fmt::format(", reshard: [{{at: {}s, merge_shards: {{shard: 0, adjacent: 1}}}}]", at);
  }
}

inline void add_stream(RandomTopology& it) {
  const std::string name = fmt::format("stream{}", it.streams.size());
  const std::uint32_t shards = it.between(1, 3);
  it.add(name, "kinesis_data_stream",
         fmt::format("shards: {}, partition_keys: {}, empty_reads: {}%, reshard_time: 20s, "
                     "update_shard_count_time: 60s{}",
                     shards, it.between(1, 30), it.maybe(0.3) ? 20 : 0,
                     it.maybe(0.6) ? random_reshard(it, shards) : ""));
  const bool kpl = it.maybe(0.4);
  it.add("puts-" + name, "kinesis_producer",
         fmt::format("stream: {}, load: {{poisson: {}/s}}, hosts: {}, linger: 1s, record_size: {}, "
                     "partition_keys: {}, library: {}",
                     name, it.between(2, 15), it.between(1, 3), it.maybe(0.3) ? "300KB" : "1KB",
                     it.between(1, 40), kpl ? "kpl, record_ttl: 10s" : "sdk"));
  it.streams.push_back(name);
  it.targets.push_back(name);
  it.breakable.push_back(name);
}

// Of its own, or behind a stream.
inline void add_firehose(RandomTopology& it) {
  const std::string name = fmt::format("firehose{}", it.breakable.size());
  const std::string source = it.maybe_to(0.5, "stream", it.streams);
  it.add(name, "firehose_delivery_stream",
         fmt::format("buffering_interval: {}s, destination: {}{}", it.between(5, 60),
                     it.maybe(0.5) ? "http_endpoint, retry_duration: 20s" : "s3", source));
  it.breakable.push_back(name);
  if (!source.empty()) return;
  it.targets.push_back(name);
  it.subscribers.push_back(name);
}

inline std::string add_group(RandomTopology& it, const std::string& of) {
  const std::string name = "group-" + of;
  it.add(name, "auto_scaling_group",
         fmt::format("size: {}, boot: 10s, user_data: 5s", it.between(1, 3)));
  it.groups.push_back(name);
  return name;
}

inline void add_workers(RandomTopology& it, const std::string& queue) {
  it.add("work-" + queue, "ec2_service",
         fmt::format("on: {}, workers: {}, service_time: {{exponential: {}ms}}, polls: [{{queue: "
                     "{}, loops: {}, max_number_of_messages: {}, wait_time: {}s, "
                     "pause_when_empty: 1s, poison: {}%{}}}]",
                     add_group(it, queue), it.between(1, 4), it.between(1, 400), queue,
                     it.between(1, 3), it.between(1, 10), it.maybe(0.5) ? 20 : 0, it.between(0, 20),
                     it.maybe(0.2) ? ", heartbeat: 1s" : ""));
}

inline void add_queue_mapping(RandomTopology& it, const std::string& queue, bool fifo) {
  const std::string name = "map-" + queue;
  const bool window = !fifo && it.maybe(0.3);
  std::string settings = fmt::format(
      "function: {}, queue: {}, batch_size: {}, maximum_batching_window: {}s, "
      "report_batch_item_failures: {}",
      it.one_of(it.functions), queue, window ? it.between(1, 100) : it.between(1, 10),
      window ? it.between(1, 5) : 0, it.maybe(0.5));
  if (it.maybe(0.5)) {
    const std::uint32_t most = it.between(2, 4);
    settings += fmt::format(", maximum_concurrency: {}", most);
    it.limits.push_back({name, "ConcurrentBatches", "max", static_cast<double>(most)});
  }
  it.add(name, "lambda_event_source_mapping", settings);
}

// Of all queues but a few, which nobody works on.
inline void add_consumers(RandomTopology& it) {
  for (const auto* queues : {&it.queues, &it.fifos}) {
    for (const std::string& queue : *queues) {
      const bool by_function = !it.functions.empty() && it.maybe(0.5);
      if (by_function) add_queue_mapping(it, queue, queues == &it.fifos);
      if (by_function ? it.maybe(0.1) : it.maybe(0.9)) add_workers(it, queue);
    }
  }
}

inline void add_stream_mapping(RandomTopology& it, const std::string& stream) {
  const std::string name = "map-" + stream;
  it.add(name, "lambda_event_source_mapping",
         fmt::format(
             "function: {}, stream: {}, batch_size: {}, maximum_batching_window: {}s, "
             "parallelization_factor: {}, bisect_batch_on_function_error: {}, "
             "report_batch_item_failures: {}{}{}",
             it.one_of(it.functions), stream, it.between(1, 50), it.maybe(0.3) ? 3 : 0,
             it.between(1, 3), it.maybe(0.5), it.maybe(0.5),
             it.maybe(0.8) ? fmt::format(", maximum_retry_attempts: {}", it.between(0, 3)) : "",
             it.maybe_to(0.5, "on_failure", it.queues)));
  it.limits.push_back({name, "MessagesReordered", "sum", 0});  // of one key
}

inline void add_application(RandomTopology& it, const std::string& stream) {
  const std::string name = "app-" + stream;
  it.add(name, "kcl_application",
         fmt::format("stream: {}, on: {}, version: {}, retrieval: {}, processing_errors: {}%, "
                     "record_time: {}ms, checkpoint_interval: {}s{}",
                     stream, add_group(it, name), it.maybe(0.5) ? "kcl_2x" : "kcl_3x",
                     it.maybe(0.4) ? "enhanced_fan_out" : "polling", it.maybe(0.3) ? 5 : 0,
                     it.between(1, 50), it.maybe(0.5) ? 30 : 0,
                     it.maybe(0.2) ? ", replay: {at: 400s, back: 100s}" : ""));
  it.limits.push_back({name, "MessagesReordered", "sum", 0});
}

inline void add_readers(RandomTopology& it) {
  for (const std::string& stream : it.streams) {
    if (!it.functions.empty() && it.maybe(0.7)) add_stream_mapping(it, stream);
    if (it.maybe(0.6)) add_application(it, stream);
  }
}

// A client's call to a function is no message.
inline void add_producers(RandomTopology& it) {
  std::vector<std::string> takers = it.targets;
  std::erase_if(takers, [](const std::string& name) { return name.starts_with("fn"); });
  for (std::uint32_t i = 0; i < it.between(1, 3); ++i) {
    const std::string name = fmt::format("users{}", i);
    it.add(name, "client",
           fmt::format("target: {}, writes: 100%, open: {{poisson: {}/s}}, timeout: 2s, hosts: 3, "
                       "requests: [{{path: /a}}, {{path: /b}}], retry: {{max_attempts: 3, base: "
                       "100ms}}",
                       it.one_of(takers), it.between(1, 12)));
  }
}

inline std::string random_faults(RandomTopology& it, std::uint32_t horizon) {
  std::string faults;
  // Two of one kind may not overlap at one target.
  const auto victim = [&] {
    const std::string name = it.one_of(it.breakable);
    std::erase(it.breakable, name);
    return name;
  };
  for (std::uint32_t i = it.between(0, 4); i-- > 0;) {
    const std::string when =
        fmt::format("at: {}s, lasting: {}s", it.between(20, horizon - 100), it.between(5, 90));
    const std::string zone = fmt::format("us-east-1{}", static_cast<char>('a' + it.below(3)));
    std::string what;
    const std::uint32_t kind = it.below(6);
    if (kind < 2 && !it.groups.empty()) {
      what = fmt::format("{}: {{target: {}, count: 1}}",
                         kind == 0 ? "instance_crash" : "instance_stop", it.one_of(it.groups));
    } else if (kind < 4 && !it.breakable.empty()) {
      what = kind % 2 == 0
                 ? fmt::format("errors: {{target: {}, share: {}%}}", victim(), it.between(10, 100))
                 : fmt::format("slow: {{target: {}, factor: {}}}", victim(), it.between(2, 500));
    } else {
      what = (kind % 2 == 0 ? "az_power_loss: " : "network_partition: ") + zone;
    }
    faults += fmt::format("{{{}, {}}}, ", when, what);
  }
  return faults;
}

struct RandomExperiment {
  std::string yaml;
  std::vector<RandomTopology::Limit> limits;
};

inline RandomExperiment random_experiment(std::uint64_t seed) {
  RandomTopology it(seed);
  add_queue(it);
  for (std::uint32_t i = it.between(0, 7); i-- > 0;) {
    using Kind = void (*)(RandomTopology&);
    static constexpr Kind kinds[] = {&add_queue,    &add_topic,  &add_bus,    &add_function,
                                     &add_function, &add_stream, &add_stream, &add_firehose};
    kinds[it.below(static_cast<std::uint32_t>(std::size(kinds)))](it);
  }
  add_consumers(it);
  add_readers(it);
  add_producers(it);
  constexpr std::uint32_t horizon = 600;
  const std::string faults = random_faults(it, horizon);
  return {fmt::format("experiment: swarm\nquestion: what\ntopology:\n  regions: {{us-east-1: "
                      "{{availability_zones: 3}}}}\n  components:\n{}faults: [{}]\nhorizon: {}s\n",
                      it.components, faults, horizon),
          it.limits};
}

}  // namespace windtunnel::test
