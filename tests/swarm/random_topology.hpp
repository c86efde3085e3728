// A topology of messaging services, with faults, drawn from a seed. What can stand in it is a list
// of kinds: a kind adds components that take messages (targets) or work on them (sinks), and what
// may be broken of them. A new service joins by one function and its name in random_experiment().
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
  std::vector<std::string> targets;        // take messages
  std::vector<std::string> queues, fifos;  // of these, what can be polled
  std::vector<std::string> producers;      // clients
  std::vector<std::string> breakable;      // answer calls: faults `errors` and `slow`
  std::vector<std::string> groups;         // of instances: faults `instance_crash`, `instance_stop`

  std::uint32_t below(std::uint32_t n) { return chance.below(n); }
  std::uint32_t between(std::uint32_t low, std::uint32_t high) {
    return low + below(high - low + 1);
  }
  bool maybe(double share) { return chance.chance(share); }
  const std::string& one_of(const std::vector<std::string>& all) {
    return all[below(static_cast<std::uint32_t>(all.size()))];
  }
  void add(const std::string& name, const std::string& model, const std::string& settings) {
    components += fmt::format("    {}: {{{}: {{{}}}}}\n", name, model, settings);
  }
};

inline std::string queue_settings(RandomTopology& it, bool fifo) {
  std::string settings = fmt::format(
      "visibility_timeout: {}s, message_retention_period: {}s, delay_seconds: {}s, "
      "in_flight_limit: {}, request_time: {}",
      it.between(2, 60), it.maybe(0.3) ? it.between(60, 300) : 86400,
      it.maybe(0.2) ? it.between(1, 30) : 0, it.maybe(0.3) ? it.between(3, 40) : 120000,
      it.maybe(0.5) ? "{exponential: 5ms}" : "1ms");
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
  (fifo ? it.fifos : it.queues).push_back(name);
  it.breakable.push_back(name);
}

// To some of the targets before it, so that there is no cycle.
inline void add_topic(RandomTopology& it) {
  const std::string name = fmt::format("topic{}", it.targets.size());
  std::string subscriptions;
  for (std::uint32_t i = it.between(1, 3); i-- > 0;) {
    subscriptions += fmt::format(
        "{{endpoint: {}{}{}}}, ", it.one_of(it.targets),
        it.maybe(0.3) ? ", filter_policy: /a*" : "",
        it.maybe(0.3) && !it.queues.empty() ? ", dead_letter_queue: " + it.one_of(it.queues) : "");
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
        it.maybe(0.3) && !it.queues.empty() ? ", dead_letter_queue: " + it.one_of(it.queues) : "");
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

// Workers of all queues but a few, which nobody works on.
inline void add_workers(RandomTopology& it) {
  std::vector<std::string> all = it.queues;
  all.insert(all.end(), it.fifos.begin(), it.fifos.end());
  for (const std::string& queue : all) {
    if (it.maybe(0.1)) continue;
    const std::string name = "work-" + queue, group = "group-" + queue;
    it.add(name, "ec2_service",
           fmt::format("on: {}, workers: {}, service_time: {{exponential: {}ms}}, polls: [{{queue: "
                       "{}, loops: {}, max_number_of_messages: {}, wait_time: {}s, "
                       "pause_when_empty: 1s, poison: {}%{}}}]",
                       group, it.between(1, 4), it.between(1, 400), queue, it.between(1, 3),
                       it.between(1, 10), it.maybe(0.5) ? 20 : 0, it.between(0, 20),
                       it.maybe(0.2) ? ", heartbeat: 1s" : ""));
    it.add(group, "auto_scaling_group",
           fmt::format("size: {}, boot: 10s, user_data: 5s", it.between(1, 3)));
    it.groups.push_back(group);
  }
}

inline void add_producers(RandomTopology& it) {
  for (std::uint32_t i = 0; i < it.between(1, 3); ++i) {
    const std::string name = fmt::format("users{}", i);
    it.add(name, "client",
           fmt::format("target: {}, writes: 100%, open: {{poisson: {}/s}}, timeout: 2s, hosts: 3, "
                       "requests: [{{path: /a}}, {{path: /b}}], retry: {{max_attempts: 3, base: "
                       "100ms}}",
                       it.one_of(it.targets), it.between(1, 12)));
    it.producers.push_back(name);
  }
}

inline std::string random_faults(RandomTopology& it, std::uint32_t horizon) {
  std::string faults;
  for (std::uint32_t i = it.between(0, 4); i-- > 0;) {
    const std::string when =
        fmt::format("at: {}s, lasting: {}s", it.between(20, horizon - 100), it.between(5, 90));
    const std::string zone = fmt::format("us-east-1{}", static_cast<char>('a' + it.below(3)));
    std::string what;
    switch (it.groups.empty() ? 2 + it.below(4) : it.below(6)) {
      case 0:
        what = fmt::format("instance_crash: {{target: {}, count: 1}}", it.one_of(it.groups));
        break;
      case 1:
        what = fmt::format("instance_stop: {{target: {}, count: 1}}", it.one_of(it.groups));
        break;
      case 2:
        what = fmt::format("errors: {{target: {}, share: {}%}}", it.one_of(it.breakable),
                           it.between(10, 100));
        break;
      case 3:
        what = fmt::format("slow: {{target: {}, factor: {}}}", it.one_of(it.breakable),
                           it.between(2, 500));
        break;
      case 4:
        what = "az_power_loss: " + zone;
        break;
      default:
        what = "network_partition: " + zone;
    }
    faults += fmt::format("{{{}, {}}}, ", when, what);
  }
  return faults;
}

inline std::string random_experiment(std::uint64_t seed) {
  RandomTopology it(seed);
  add_queue(it);
  for (std::uint32_t i = it.between(0, 4); i-- > 0;) {
    using Kind = void (*)(RandomTopology&);
    static constexpr Kind kinds[] = {&add_queue, &add_topic, &add_bus};
    kinds[it.below(static_cast<std::uint32_t>(std::size(kinds)))](it);
  }
  add_workers(it);
  add_producers(it);
  constexpr std::uint32_t horizon = 600;
  const std::string faults = random_faults(it, horizon);
  return fmt::format(
      "experiment: swarm\nquestion: what\ntopology:\n  regions: {{us-east-1: {{availability_zones: "
      "3}}}}\n  components:\n{}faults: [{}]\nhorizon: {}s\n",
      it.components, faults, horizon);
}

}  // namespace windtunnel::test
