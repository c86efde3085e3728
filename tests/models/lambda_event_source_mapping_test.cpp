#include "models/compute/lambda_event_source_mapping.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/compute/lambda_function.hpp"
#include "tests/support/checked.hpp"
#include "tests/support/small_run.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using test::SmallRun;
using testing::HasSubstr;
using testing::Not;

// Producers, a queue in which nothing takes time but what is said, a function.
std::string pipeline(const std::string& load, const std::string& function,
                     const std::string& mapping = "", const std::string& queue = "",
                     const std::string& more = "") {
  const auto with = [](const std::string& text) { return text.empty() ? "" : ", " + text; };
  return "users: {client: {target: q, network: 0s, dns_lookup: 0s, writes: 100%, open: " + load +
         "}}, q: {sqs_queue: {request_time: 1ms" + with(queue) +
         "}}, m: {lambda_event_source_mapping: {function: fn, queue: q" + with(mapping) +
         "}}, fn: {lambda_function: {runtime: rust" + with(function) + "}}" + with(more);
}

struct World : SmallRun {
  explicit World(const std::string& components, const std::string& horizon = "20min")
      : SmallRun(test::small_experiment(components, "horizon: " + horizon)),
        function(find<LambdaFunction>("fn")) {}

  LambdaFunction& function;
};

// What a topology's check says, warnings and notes too.
std::string said(const std::string& components) {
  return test::checked(test::small_experiment(components, "horizon: 1s"));
}

TEST(EventSourceMapping, MessagesReachTheFunctionAndAreDeleted) {
  World world(pipeline("{deterministic: 20/s}", "service_time: 50ms"), "1min");
  world.sim.run();
  EXPECT_NEAR(world.metric("q", "NumberOfMessagesDeleted"), 1200, 15);
  EXPECT_EQ(world.metric("q", "DuplicateEffects"), 0);
  EXPECT_EQ(world.metric("fn", "Errors"), 0);
}

TEST(EventSourceMapping, AWindowGathersLargerBatches) {
  World world(pipeline("{deterministic: 20/s}", "service_time: 50ms",
                       "batch_size: 100, maximum_batching_window: 5s, "
                       "queue_scaling: {initial: 1, most: 1}"),
              "10min");
  world.sim.run();
  const double batches = world.metric("m", "Batches");
  EXPECT_NEAR(world.metric("q", "NumberOfMessagesDeleted") / batches, 100, 3);
}

// Rule 23
TEST(EventSourceMapping, Rule23PollersBeginWithFiveAndGrowByThreeHundredAMinuteUpToTwelveFifty) {
  const std::string load = "{deterministic: 2000/s}", work = "service_time: 10s, timeout: 20s";
  World world(pipeline(load, work, "", "visibility_timeout: 5min",
                       "quotas: {service_quotas: {lambda: {concurrent_executions: 5000}}}"),
              "6min");
  const auto pollers = [&] { return world.metric("m", "Pollers", "max"); };
  world.script.at(1s, [&] { EXPECT_EQ(pollers(), 5); });
  world.script.at(121s, [&] { EXPECT_NEAR(pollers(), 605, 20); });
  world.script.at(350s, [&] { EXPECT_EQ(pollers(), 1250); });
  world.sim.run();
}

// Rule 23
TEST(EventSourceMapping, Rule23BeforeNovember2023ItWasSixtyAMinuteUpToAThousand) {
  World world(pipeline("{deterministic: 1000/s}", "service_time: 10s, timeout: 20s",
                       "queue_scaling: {growth: 60/min, most: 1000}", "visibility_timeout: 5min"),
              "3min");
  world.sim.run();
  EXPECT_NEAR(world.metric("m", "Pollers", "max"), 5 + 180, 6);
}

// Rule 23
TEST(EventSourceMapping, Rule23FunctionErrorsShrinkItsConcurrencyUnlessPartialResponsesAreOn) {
  const auto pollers = [](const std::string& partial) {
    World world(
        pipeline("{deterministic: 500/s}", "service_time: 1s, errors: 20%" + partial,
                 "report_batch_item_failures: " + std::string(partial.empty() ? "false" : "true"),
                 "visibility_timeout: 30s"),
        "10min");
    world.sim.run();
    return world.metric("m", "Pollers", "mean");
  };
  const double without = pollers(""), with = pollers(", report_batch_item_failures: true");
  EXPECT_LT(without, 0.5 * with);
}

// Rule 23
TEST(EventSourceMapping, Rule23ThrottlingBurnsReceiveCountsAndMaximumConcurrencyAvoidsThat) {
  const auto dead = [](const std::string& mapping) {
    World world(pipeline("{deterministic: 20/s}",
                         "service_time: 5s, timeout: 10s, reserved_concurrency: 2", mapping,
                         "visibility_timeout: 10s, redrive_policy: {dead_letter_queue: dead, "
                         "max_receive_count: 3}",
                         "dead: {sqs_queue: {}}"),
                "20min");
    world.sim.run();
    return world.metric("dead", "MessagesAccepted");
  };
  EXPECT_GT(dead(""), 100);
  EXPECT_EQ(dead("maximum_concurrency: 2"), 0);
}

TEST(EventSourceMapping, AFailedBatchComesAgainAsAWholeAPartialOneOnlyInPart) {
  const auto invocations = [](bool partial) {
    const std::string yes = "report_batch_item_failures: true";
    World world(
        pipeline("{deterministic: 100/s}",
                 "service_time: 10ms, poison: 5%" + (partial ? ", " + yes : ""), partial ? yes : "",
                 "visibility_timeout: 10s, redrive_policy: "
                 "{dead_letter_queue: dead, max_receive_count: 2}",
                 "dead: {sqs_queue: {}}"),
        "10min");
    world.sim.run();
    return std::pair(world.metric("dead", "MessagesAccepted"),
                     world.metric("q", "MessagesDelivered"));
  };
  const auto [dead_whole, done_whole] = invocations(false);
  const auto [dead_part, done_part] = invocations(true);
  // One message in twenty is poisonous; its batch fails with it, and so innocent ones die.
  EXPECT_NEAR(dead_part / (dead_part + done_part), 0.05, 0.01);
  EXPECT_GT(dead_whole, 1.5 * dead_part);
}

TEST(EventSourceMapping, AFifoQueueIsWorkedOnInOrderOneBatchAGroupAtATime) {
  World world(pipeline("{deterministic: 200/s}",
                       "service_time: {exponential: 50ms}, poison: 2%, "
                       "report_batch_item_failures: true",
                       "report_batch_item_failures: true",
                       "fifo: {}, message_groups: 4, visibility_timeout: 10s, redrive_policy: "
                       "{dead_letter_queue: dead, max_receive_count: 2}",
                       "dead: {sqs_queue: {fifo: {}}}"),
              "5min");
  world.sim.run();
  EXPECT_GT(world.metric("q", "MessagesDelivered"), 2000);
  EXPECT_EQ(world.metric("q", "MessagesReordered"), 0);
  EXPECT_LE(world.metric("fn", "ConcurrentExecutions", "max"), 4);
}

// --- streams

std::string reader(const std::string& function, const std::string& mapping,
                   const std::string& stream = "shards: 1", const std::string& more = "") {
  const auto with = [](const std::string& text) { return text.empty() ? "" : ", " + text; };
  return "users: {client: {target: s, network: 0s, dns_lookup: 0s, writes: 100%, open: "
         "{deterministic: 50/s}}}, s: {kinesis_data_stream: {" +
         stream +
         "}}, "
         "m: {lambda_event_source_mapping: {function: fn, stream: s" +
         with(mapping) + "}}, fn: {lambda_function: {runtime: rust, sandbox: 0s" + with(function) +
         "}}" + with(more);
}

TEST(EventSourceMapping, EveryRecordOfAStreamIsReadOnceAndInOrder) {
  World world(reader("service_time: 20ms", "parallelization_factor: 4", "shards: 2"), "2min");
  world.sim.run();
  EXPECT_NEAR(world.metric("m", "MessagesDelivered"), 6000, 120);
  EXPECT_EQ(world.metric("m", "DuplicateEffects"), 0);
  EXPECT_EQ(world.metric("m", "MessagesReordered"), 0);
  // It looks once a second.
  EXPECT_LT(world.metric("m", "IteratorAge", "p99"), 1.5);
}

// Rule 35
TEST(EventSourceMapping, Rule35InfiniteRetryBlocksOneShardUntilExpiry) {
  World world(reader("service_time: 10ms, poison: 0.2%", "batch_size: 10", "shards: 2"), "1h");
  world.sim.run();
  // Both shards soon meet a poisonous record and stand still.
  EXPECT_LT(world.metric("m", "MessagesDelivered"), 20'000);
  EXPECT_GT(world.metric("m", "IteratorAge", "max"), 1800);
  EXPECT_EQ(world.metric("m", "DiscardedRecords"), 0);
}

// Rule 35
TEST(EventSourceMapping, Rule35BisectSplitsAreFreeOfTheRetryQuota) {
  World world(reader("service_time: 10ms, poison: 0.2%",
                     "batch_size: 64, bisect_batch_on_function_error: true, "
                     "maximum_retry_attempts: 0"),
              "10min");
  world.sim.run();
  const double discarded = world.metric("m", "DiscardedRecords");
  const double done = world.metric("m", "MessagesDelivered");
  EXPECT_GT(world.metric("m", "BisectedBatches"), 20);
  // Only the poisonous ones are given up.
  EXPECT_NEAR(discarded / (done + discarded), 0.002, 0.0015);
  EXPECT_GT(done, 15'000);  // of 30,000: each halving takes a pause
}

TEST(EventSourceMapping, AShareOfAProducersRecordsIsPoisonousNotAllOrNone) {
  World world(
      "puts: {kinesis_producer: {stream: s, load: {deterministic: 50/s}}}, s: "
      "{kinesis_data_stream: {shards: 1}}, m: {lambda_event_source_mapping: {function: fn, stream: "
      "s, batch_size: 1, maximum_retry_attempts: 0}}, fn: {lambda_function: {runtime: rust, "
      "service_time: 1ms, poison: 10%}}",
      "10min");
  world.sim.run();
  const double discarded = world.metric("m", "DiscardedRecords");
  const double done = world.metric("m", "MessagesDelivered");
  EXPECT_GT(done, 200);
  EXPECT_NEAR(discarded / (done + discarded), 0.1, 3.5 * std::sqrt(0.09 / (done + discarded)));
}

// Rule 35
TEST(EventSourceMapping, Rule35ThrottlesIgnoreMaximumRetryAttempts) {
  World world(reader("service_time: 10ms, reserved_concurrency: 0", "maximum_retry_attempts: 0"),
              "20min");
  world.sim.run();
  EXPECT_GT(world.metric("fn", "Throttles"), 30);
  EXPECT_EQ(world.metric("m", "DiscardedRecords"), 0);
}

TEST(EventSourceMapping, RecordsTooOldAreGivenUpAndTheDestinationIsTold) {
  World world(
      reader("service_time: 10ms, errors: 100%", "maximum_record_age: 60s, on_failure: dead",
             "shards: 1", "dead: {sqs_queue: {}}"),
      "10min");
  world.sim.run();
  EXPECT_GT(world.metric("m", "DiscardedRecords"), 20'000);
  EXPECT_GT(world.metric("dead", "MessagesAccepted"), 0);
}

// --- bad settings

TEST(EventSourceMapping, BatchSizesAndWindowsHaveTheLimitsOfTheirQueue) {
  EXPECT_THAT(said(pipeline("{poisson: 1/s}", "", "batch_size: 10001")), HasSubstr("above 10000"));
  EXPECT_THAT(said(pipeline("{poisson: 1/s}", "", "batch_size: 11")),
              HasSubstr("m.batch_size: 11 is above 10 and needs a maximum_batching_window of 1s"));
  EXPECT_THAT(said(pipeline("{poisson: 1/s}", "", "batch_size: 11, maximum_batching_window: 2s",
                            "fifo: {}")),
              HasSubstr("11 is above 10, the most of a FIFO queue"));
  EXPECT_THAT(said(pipeline("{poisson: 1/s}", "", "parallelization_factor: 2")),
              HasSubstr("is of streams (Lambda API, CreateEventSourceMapping)"));
}

TEST(EventSourceMapping, PoisonWithoutADeadLetterQueueIsWarnedOf) {
  const std::string poisonous = "timeout: 10s, poison: 1%";
  EXPECT_THAT(said(pipeline("{poisson: 1/s}", poisonous, "", "visibility_timeout: 60s")),
              HasSubstr("warning: m.queue: messages that fn fails on come back until they expire: "
                        "q has no redrive_policy"));
  EXPECT_THAT(said(pipeline("{poisson: 1/s}", poisonous, "",
                            "visibility_timeout: 60s, redrive_policy: {dead_letter_queue: dead}") +
                   ", dead: {sqs_queue: {}}"),
              Not(HasSubstr("until they expire: q")));
  EXPECT_THAT(said(pipeline("{poisson: 1/s}", "timeout: 10s", "", "visibility_timeout: 60s")),
              Not(HasSubstr("until they expire: q")));
}

TEST(LambdaEvents, PoisonThatNothingCatchesIsWarnedOf) {
  const auto pushed = [](const std::string& function) {
    return said(
        "users: {client: {target: t, writes: 100%, open: {poisson: 1/s}}}, "
        "t: {sns_topic: {subscriptions: [fn]}}, dead: {sqs_queue: {}}, fn: {lambda_function: "
        "{runtime: python3.12, " +
        function + "}}");
  };
  EXPECT_THAT(pushed("poison: 1%"),
              HasSubstr("warning: fn.poison: events that it always fails on are lost"));
  EXPECT_THAT(pushed("poison: 1%, asynchronous: {on_failure: dead}"), Not(HasSubstr("are lost")));
  EXPECT_THAT(pushed("timeout: 3s"), Not(HasSubstr("are lost")));
  EXPECT_THAT(said("users: {client: {target: fn, open: {poisson: 1/s}}}, "
                   "fn: {lambda_function: {runtime: python3.12, poison: 1%}}"),
              Not(HasSubstr("are lost")));
}

TEST(EventSourceMapping, AVisibilityTimeoutBelowSixTimesTheFunctionsTimeoutIsWarnedOf) {
  EXPECT_THAT(
      said(pipeline("{poisson: 1/s}", "timeout: 10s", "", "visibility_timeout: 59s")),
      HasSubstr("warning: m.queue: q has a visibility timeout of 59 s: AWS recommends six"));
  EXPECT_THAT(said(pipeline("{poisson: 1/s}", "timeout: 10s", "", "visibility_timeout: 60s")),
              Not(HasSubstr("six times")));
  EXPECT_THAT(said(pipeline("{poisson: 1/s}", "timeout: 10s", "", "visibility_timeout: 9s")),
              HasSubstr("below the 10 s that fn may take"));
}

TEST(EventSourceMapping, ServicesThatHaveNoneAreRefused) {
  EXPECT_THAT(said("users: {client: {target: fn, open: {poisson: 1/s}}}, "
                   "fn: {lambda_function: {runtime: rust}}, "
                   "m: {lambda_event_source_mapping: {function: fn, queue: users}}"),
              HasSubstr("users (client) does not provide 'queue'"));
  EXPECT_THAT(said("users: {client: {target: fn, open: {poisson: 1/s}}}, "
                   "fn: {lambda_function: {runtime: rust}}, "
                   "m: {lambda_event_source_mapping: {function: fn}}"),
              HasSubstr("m: needs queue or stream"));
}

}  // namespace
}  // namespace windtunnel
