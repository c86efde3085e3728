// Random topologies of messaging services, functions and streams with random faults. Every run
// closes its loss ledger (LossLedger::close(), an internal error else); here its books are read
// again, from outside, and other things that must always hold: what the topology's limits are,
// order within a message group or a partition key, nothing in flight that nobody owns.
// WINDTUNNEL_SWARM_FIRST and _SEEDS (how many) say which seeds.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "models/integration/sqs_queue.hpp"
#include "models/mechanisms/ports_messaging.hpp"
#include "tests/support/yaml_run.hpp"
#include "tests/swarm/random_topology.hpp"

namespace windtunnel::test {
namespace {

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

const sim::Metric* find_metric(const sim::Component& component, std::string_view name) {
  for (const sim::Metric* metric : component.metrics().all()) {
    if (metric->name() == name) return metric;
  }
  return nullptr;
}

// 0 where the component has no such metric.
double count(const sim::Simulation& sim, const sim::Component& component, std::string_view name) {
  const sim::Metric* metric = find_metric(component, name);
  return metric == nullptr ? 0 : metric->summary(sim.now()).front().second;
}
double sum(const sim::Simulation& sim, std::string_view name) {
  double all = 0;
  for (const auto& component : sim.components()) all += count(sim, *component, name);
  return all;
}

// All that was born has ended or is somewhere; what was acknowledged was accepted.
void check_books(const sim::Simulation& sim) {
  const double backed_up = sum(sim, "BackupToS3.Records");  // a bucket keeps no books
  const double handed_on =
      sum(sim, "MessagesForwarded") + sum(sim, "MessagesDeadLettered") - backed_up;
  const double born = sum(sim, "MessagesAccepted") - handed_on;
  EXPECT_EQ(born + sum(sim, "MessagesCopied"),
            sum(sim, "MessagesDelivered") + sum(sim, "MessagesDiscarded") +
                sum(sim, "MessagesExpired") + sum(sim, "MessagesLost") + sum(sim, "MessagesLeft") +
                backed_up);
  const double known =
      sum(sim, "NumberOfDeduplicatedSentMessages") + sum(sim, "DeduplicatedMessages");
  EXPECT_GE(born + known, sum(sim, "Succeeded"));
}

void check_queue(const sim::Simulation& sim, const sim::Component& component) {
  const auto& queue = dynamic_cast<const QueuePort&>(component);
  if (queue.fifo()) {
    EXPECT_EQ(count(sim, component, "MessagesReordered"), 0) << component.name();
  }
  const double most =
      metric_of(sim, component.name(), "ApproximateNumberOfMessagesNotVisible", "max");
  EXPECT_LE(most, static_cast<double>(queue.in_flight_limit())) << component.name();
  // What is in flight is a consumer's, or comes back at a date to come.
  EXPECT_EQ(dynamic_cast<const SqsQueue&>(component).queue().overdue_leases(), 0)
      << component.name();
  EXPECT_LE(count(sim, component, "NumberOfMessagesDeleted"),
            count(sim, component, "NumberOfMessagesReceived"))
      << component.name();
}

// A shard takes a mebibyte a second, and a second's worth at once.
void check_stream(const sim::Simulation& sim, const sim::Component& component) {
  const double shards = metric_of(sim, component.name(), "OpenShardCount", "max");
  const double seconds = sim::seconds(sim.now() - sim::time_zero);
  EXPECT_LE(count(sim, component, "IncomingBytes"), shards * (seconds + 1) * (1 << 20))
      << component.name();
  EXPECT_LE(count(sim, component, "IncomingRecords"), shards * (seconds + 1) * 1000)
      << component.name();
}

void check_limits(const sim::Simulation& sim, const RandomExperiment& experiment) {
  for (const auto& limit : experiment.limits) {
    EXPECT_LE(metric_of(sim, limit.component, limit.metric, limit.statistic), limit.most)
        << limit.metric << " of " << limit.component;
  }
}

// A message on its way is in a call's hands.
void check_calls(sim::Simulation& sim) {
  EXPECT_LE(Messages::of(sim).batches_in_use(), sim.calls_in_flight());
}

// What the seeds have reached so far, so that a swarm in which nothing happens fails.
using Reached = std::map<std::string, double>;
constexpr const char* fates[] = {"MessagesDelivered",
                                 "MessagesForwarded",
                                 "MessagesDeadLettered",
                                 "MessagesDiscarded",
                                 "MessagesExpired",
                                 "MessagesLeft",
                                 "MessagesInLostHands",
                                 "DuplicateEffects",
                                 "MessagesReordered",
                                 "ReplayedEvents",
                                 "ThrottledRequests",
                                 "PoisonMessages",
                                 "StaleReceipts",
                                 "Throttles",  // of functions, and their failures
                                 "AsyncEventsDropped",
                                 "AsyncEventRetries",
                                 "ThrottledBatches",
                                 "BisectedBatches",
                                 "DiscardedRecords",  // of streams
                                 "WriteProvisionedThroughputExceeded",
                                 "ReadProvisionedThroughputExceeded",
                                 "LeasesTaken"};

void check_seed(std::uint64_t seed, Reached& reached) {
  const RandomExperiment experiment = random_experiment(seed);
  SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + experiment.yaml);
  const auto sim = simulation_of(experiment.yaml, seed);
  sim->run();
  check_books(*sim);
  check_limits(*sim, experiment);
  check_calls(*sim);
  for (const char* fate : fates) reached[fate] += sum(*sim, fate);
  for (const auto& component : sim->components()) {
    if (dynamic_cast<const QueuePort*>(component.get()) != nullptr) check_queue(*sim, *component);
    if (dynamic_cast<const StreamPort*>(component.get()) != nullptr) check_stream(*sim, *component);
    if (const sim::Metric* hands = find_metric(*component, "MessagesInHand")) {
      EXPECT_GE(hands->reading(), 0) << component->name();
    }
  }
}

// Four parts, so that cores share them.
class Swarm : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Swarm, TheLedgerBalancesWhateverIsBuiltAndBroken) {
  const std::uint64_t first = setting("WINDTUNNEL_SWARM_FIRST", 1);
  const std::uint64_t seeds = setting("WINDTUNNEL_SWARM_SEEDS", 200);
  Reached reached;
  for (std::uint64_t seed = first + GetParam(); seed < first + seeds; seed += 4) {
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    std::fflush(stdout);  // before what may end the process
    check_seed(seed, reached);
  }
  for (const auto& [fate, messages] : reached) EXPECT_GT(messages, 0) << fate << " in no run";
}

INSTANTIATE_TEST_SUITE_P(Part, Swarm, ::testing::Values(0, 1, 2, 3));

TEST(SwarmSeed, ASeedIsOneRun) {
  for (const std::uint64_t seed : {3u, 17u}) {
    const auto fingerprint = [&] {
      const auto sim = simulation_of(random_experiment(seed).yaml, seed);
      sim->run();
      return sim->fingerprint();
    };
    EXPECT_EQ(fingerprint(), fingerprint());
  }
}

}  // namespace
}  // namespace windtunnel::test
