// Programs that poll queues: what they finish, what comes back, what scales them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/integration/sqs_queue.hpp"
#include "models/mechanisms/program.hpp"
#include "tests/support/messenger.hpp"
#include "topologies/checks.hpp"
#include "topologies/graph.hpp"
#include "topologies/load.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using test::MessengerRun;
using test::queue;
using ::testing::HasSubstr;
using ::testing::Not;

// Two instances, one loop each, 100 ms of work a message.
std::string workers(const std::string& poll = "queue: jobs", const std::string& more = "",
                    const std::string& time = "100ms") {
  return "work: {ec2_service: {on: asg, workers: 4, service_time: " + time + ", polls: [{" + poll +
         "}]" + more + "}}, " + test::group("size: 2");
}

TEST(QueueConsumer, WorkersFinishWhatProducersSend) {
  MessengerRun run(queue("jobs") + ", " + workers());
  run.at(1s, [&] { run.messenger.send("jobs", 200); });
  run.sim.run();
  EXPECT_EQ(run.metric("jobs", "MessagesDelivered"), 200);
  EXPECT_EQ(run.metric("jobs", "DuplicateEffects"), 0);
  EXPECT_EQ(run.metric("work", "MessagesProcessed"), 200);
  EXPECT_EQ(run.metric("work", "RequestCount"), 200);
  // Two loops, 10 messages a second each: the last is done after 10 s.
  EXPECT_NEAR(run.metric("jobs", "ProducerToEffect", "max"), 10, 0.2);
}

TEST(QueueConsumer, WhatAnInstanceHadInHandWhenItCrashedComesBackAfterTheVisibilityTimeout) {
  MessengerRun run(queue("jobs") + ", " + workers("queue: jobs", "", "5s"));
  run.at(1s, [&] { run.messenger.send("jobs", 2); });
  run.script.operate_at(4s, [&] {
    auto& program = run.find<Program>("work");
    run.sim.platform().lose_hosts({program.nodes()[0].host}, sim::HostLoss::silence);
  });
  run.sim.run();
  EXPECT_EQ(run.metric("work", "MessagesInLostHands"), 1);
  EXPECT_EQ(run.metric("jobs", "MessagesDelivered"), 2);
  EXPECT_EQ(run.metric("jobs", "DuplicateEffects"), 0);
  EXPECT_NEAR(run.metric("jobs", "ProducerToEffect", "max"), 35, 0.5);  // 30 s and 5 s of work
}

TEST(QueueConsumer, PoisonMessagesEndInTheDeadLetterQueue) {
  MessengerRun run(queue("jobs",
                         "visibility_timeout: 10s, redrive_policy: {dead_letter_queue: "
                         "dead, max_receive_count: 3}") +
                   ", " + queue("dead") + ", " + workers("queue: jobs, poison: 10%"));
  run.at(1s, [&] { run.messenger.send("jobs", 1000); });
  run.sim.run();
  const double dead = run.metric("jobs", "MessagesDeadLettered");
  EXPECT_NEAR(dead, 100, 30);
  EXPECT_EQ(run.metric("jobs", "MessagesDelivered"), 1000 - dead);
  EXPECT_EQ(run.metric("work", "PoisonMessages"), 3 * dead);  // every receive fails
  EXPECT_EQ(run.metric("dead", "MessagesLeft"), dead);
}

TEST(QueueConsumer, TheLastOfABatchWaitsForTheOthersWhileItsVisibilityTimeoutRuns) {
  const auto duplicates_of = [](const std::string& poll) {
    MessengerRun run(queue("jobs", "visibility_timeout: 10s") + ", " +
                     workers("queue: jobs" + poll, "", "2s"));
    run.at(1s, [&] { run.messenger.send("jobs", 100); });
    run.sim.run();
    EXPECT_EQ(run.metric("jobs", "MessagesDelivered"), 100);
    return run.metric("jobs", "DuplicateEffects");
  };
  EXPECT_GT(duplicates_of(""), 3);  // ten messages of 2 s do not fit into 10 s
  EXPECT_EQ(duplicates_of(", max_number_of_messages: 4"), 0);
  EXPECT_EQ(duplicates_of(", heartbeat: 5s"), 0);
}

// 300 messages (a partition's second) of 20 groups, 5 % of them poison, and an instance that
// crashes.
struct FifoRun : MessengerRun {
  explicit FifoRun(int most)
      : MessengerRun(queue("jobs",
                           "visibility_timeout: 20s, fifo: {}, redrive_policy: "
                           "{dead_letter_queue: dead, max_receive_count: 3}") +
                     ", " + queue("dead", "fifo: {}") + ", " +
                     workers(fmt::format("queue: jobs, poison: 5%, loops: 3, "
                                         "max_number_of_messages: {}",
                                         most),
                             "", "300ms")) {
    at(1s, [this] {
      for (std::uint32_t i = 0; i < 300; ++i) messenger.send("jobs", 1, 1 + i % 20);
    });
    script.operate_at(10s, [this] {
      sim.platform().lose_hosts({find<Program>("work").nodes()[1].host}, sim::HostLoss::silence);
    });
    sim.run();
  }
};

TEST(QueueConsumer, AFifoGroupKeepsItsOrderWhateverFailsAndCrashes) {
  const FifoRun run(1);
  EXPECT_GT(run.metric("work", "MessagesFailed"), 10);
  EXPECT_GT(run.metric("jobs", "MessagesDelivered"), 270);
  EXPECT_EQ(run.metric("jobs", "MessagesReordered"), 0);
  EXPECT_EQ(run.metric("jobs", "MessagesLeft"), 0);
}

// Each receive counts for all messages of its batch, and those behind the poison must wait for it.
TEST(QueueConsumer, InBatchesPoisonTakesTheRestOfItsGroupToTheDeadLetterQueue) {
  EXPECT_GT(FifoRun(10).metric("jobs", "MessagesDeadLettered"),
            2 * FifoRun(1).metric("jobs", "MessagesDeadLettered"));
}

TEST(QueueConsumer, AnOutageOfTheQueueIsRiddenOutWithPauses) {
  MessengerRun run(queue("jobs") + ", " + workers());
  run.at(1s, [&] { run.find<SqsQueue>("jobs").set_errors(1); });
  run.at(60s, [&] { run.find<SqsQueue>("jobs").set_errors(0); });
  run.at(61s, [&] { run.messenger.send("jobs", 100); });
  run.sim.run();
  EXPECT_EQ(run.metric("jobs", "MessagesDelivered"), 100);
}

// 100 messages come in ten calls; their deletions are ten calls a second at the most.
TEST(QueueConsumer, ADeletionThatIsThrottledIsTriedAgainBeforeItsMessageComesBack) {
  MessengerRun run(queue("jobs", "visibility_timeout: 60s, fifo: {partition_calls: 10/s}") + ", " +
                   workers("queue: jobs", "", "1ms"));
  for (std::uint32_t group = 1; group <= 10; ++group) {
    run.at(1s + group * 100ms, [&run, group] {
      std::vector<Message> ten;
      for (int i = 0; i < 10; ++i) ten.push_back(run.messenger.message(group));
      run.messenger.send("jobs", std::move(ten));
    });
  }
  run.sim.run();
  EXPECT_GT(run.metric("jobs", "ThrottledRequests"), 5);
  EXPECT_EQ(run.metric("jobs", "MessagesDelivered"), 100);
  EXPECT_LE(run.metric("jobs", "DuplicateEffects"), 1);  // refused three times
}

// Ten messages a second and worker; 60/s need six, and backlog / instances is held at 100.
TEST(QueueConsumer, TheFleetScalesOnItsBacklogPerInstance) {
  MessengerRun run(
      "users: {client: {target: jobs, writes: 100%, open: {poisson: 60/s}}}, " + queue("jobs") +
          ", work: {ec2_service: {on: asg, service_time: 100ms, polls: [{queue: jobs}]}}, "
          "asg: {auto_scaling_group: {size: 2, min_size: 2, max_size: 20, default_instance_warmup: "
          "60s, scaling_policies: [{name: backlog, target_tracking: {target_value: 100, "
          "customized_metric: {metrics: [{id: m1, component: jobs, metric_name: "
          "ApproximateNumberOfMessagesVisible}, {id: m2, component: asg, metric_name: "
          "GroupInServiceInstances}], expression: m1 / m2}}}]}}",
      "2h");
  run.sim.run();
  EXPECT_GT(run.metric("asg", "GroupInServiceInstances", "max"), 6);
  EXPECT_GT(run.metric("jobs", "MessagesDelivered"), 60 * 7200 * 0.97);
}

// What the reader and the graph say ---------------------------------------------------------------

std::string warnings(const std::string& components) {
  Diagnostics diagnostics;
  const std::string yaml =
      "regions: {us-east-1: {availability_zones: 3}}\ncomponents: {" + components + "}\n";
  const auto topology = read_topology(yaml, "t.yaml", {}, diagnostics);
  if (topology) check_graph(*topology, diagnostics);
  if (topology) check_models(*topology, Sayings::NOTES, diagnostics);
  return diagnostics.print();
}

const std::string producer =
    "users: {client: {target: jobs, writes: 100%, open: {poisson: 1/s}}}, ";

TEST(QueueConsumer, PoisonWithoutADeadLetterQueueIsWarnedOf) {
  const std::string said =
      warnings(producer + "jobs: {sqs_queue: {}}, " + workers("queue: jobs, poison: 1%"));
  EXPECT_THAT(said, HasSubstr("warning: work.polls.0.poison: 'jobs' has no dead-letter queue"));
  EXPECT_THAT(said, Not(HasSubstr("unreachable")));
}

TEST(QueueConsumer, ShortPollsWithoutAPauseAreRefused) {
  EXPECT_THAT(
      warnings(producer + "jobs: {sqs_queue: {}}, " + workers("queue: jobs, wait_time: 0s")),
      HasSubstr("work.polls.0.pause_when_empty: short polls without a pause"));
}

TEST(QueueConsumer, ACycleOfAsynchronousCallsWithoutAnEndIsWarnedOf) {
  const std::string said = warnings(producer + "jobs: {sqs_queue: {}}, " +
                                    workers("queue: jobs", ", calls: [{to: jobs, writes: 100%}]"));
  EXPECT_THAT(said, HasSubstr("asynchronous cycle: nothing here ends a message's way round: jobs "
                              "(polls.0.queue) -> work (calls.0.to) -> jobs"));
}

TEST(SqsQueueSettings, AFifoQueueWithAStandardDeadLetterQueueIsRefused) {
  EXPECT_THAT(warnings(producer +
                       "jobs: {sqs_queue: {fifo: {}, redrive_policy: {dead_letter_queue: dead}}}, "
                       "dead: {sqs_queue: {}}, " +
                       workers()),
              HasSubstr("jobs.redrive_policy.dead_letter_queue: 'dead' is a standard queue, this "
                        "one is FIFO: the dead-letter queue of a FIFO queue is FIFO"));
}

TEST(SqsQueueSettings, QuotasAreToldWithTheirSource) {
  const auto said = [](const std::string& settings) {
    return warnings(producer + "jobs: {sqs_queue: {" + settings + "}}, " + workers());
  };
  EXPECT_THAT(said("visibility_timeout: 13h"),
              HasSubstr("13h is above 43200s (SQS, Visibility timeout"));
  EXPECT_THAT(said("message_retention_period: 15d"),
              HasSubstr("15d is above 14d (API, SetQueueAttributes: 4 days"));
  EXPECT_THAT(said("delay_seconds: 16min"), HasSubstr("SetQueueAttributes: 0 to 900 s"));
  EXPECT_THAT(said("maximum_message_size: 2MiB"), HasSubstr("1 MiB"));
  EXPECT_THAT(said("receive_message_wait_time: 21s"), HasSubstr("0 to 20 s"));
  EXPECT_THAT(said("message_move_tasks: [{at: 1h}]"),
              HasSubstr("no queue names this one as its dead-letter queue"));
}

}  // namespace
}  // namespace windtunnel
