// A standard SQS queue: leases, dead letters, delays, retention, polls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/integration/sqs_queue.hpp"
#include "tests/support/messenger.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Outcome;
using test::MessengerRun;
using test::queue;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(SqsQueue, AMessageReceivedIsInvisibleForItsVisibilityTimeoutAndThenComesBack) {
  MessengerRun run(queue("jobs"));
  run.at(0s, [&] { run.messenger.send("jobs", 1); });
  for (const auto date : {1s, 30s, 32s, 33s}) {
    run.at(date, [&] { run.messenger.receive("jobs"); });
  }
  run.sim.run();
  EXPECT_THAT(run.messenger.received(), ElementsAre(1u, 1u));
  EXPECT_EQ(run.messenger.ended[3].messages[0].receives, 2);
  EXPECT_EQ(run.metric("jobs", "NumberOfEmptyReceives"), 2);
  EXPECT_EQ(run.find<SqsQueue>("jobs").metric.messages.held.value(), 1);
}

TEST(SqsQueue, ADeletedMessageIsGoneAndWasDelivered) {
  MessengerRun run(queue("jobs"));
  run.at(0s, [&] { run.messenger.send("jobs", 3); });
  run.at(1s, [&] { run.messenger.receive("jobs"); });
  run.at(2s, [&] { run.messenger.finish("jobs", run.messenger.last().messages); });
  run.at(60s, [&] { run.messenger.receive("jobs"); });
  run.sim.run();
  EXPECT_THAT(run.messenger.received(), SizeIs(3));
  EXPECT_EQ(run.metric("jobs", "NumberOfMessagesDeleted"), 3);
  EXPECT_EQ(run.metric("jobs", "MessagesDelivered"), 3);
  EXPECT_EQ(run.metric("jobs", "ProducerToEffect", "mean"), 2);
}

TEST(SqsQueue, ChangingTheVisibilityTimeoutCountsFromNow) {
  MessengerRun run(queue("jobs"));
  run.at(0s, [&] { run.messenger.send("jobs", 1); });
  run.at(1s, [&] { run.messenger.receive("jobs"); });
  run.at(20s, [&] {
    run.messenger.ask("jobs", Batch::Action::change_visibility, run.messenger.last().messages,
                      [](Batch& batch) { batch.visibility = 60s; });
  });
  run.at(79s, [&] { run.messenger.receive("jobs"); });
  run.at(81s, [&] { run.messenger.receive("jobs"); });
  run.sim.run();
  EXPECT_THAT(run.messenger.ended[3].messages, IsEmpty());
  EXPECT_THAT(run.messenger.ended[4].messages, SizeIs(1));
}

TEST(SqsQueue, AnOldReceiptOfAMessageReceivedAgainDeletesNothing) {
  MessengerRun run(queue("jobs"));
  std::vector<Message> first;
  run.at(0s, [&] { run.messenger.send("jobs", 1); });
  run.at(1s, [&] { run.messenger.receive("jobs"); });
  run.at(2s, [&] { first = run.messenger.last().messages; });
  run.at(40s, [&] { run.messenger.receive("jobs"); });
  run.at(41s, [&] { run.messenger.finish("jobs", first); });
  run.at(80s, [&] { run.messenger.receive("jobs"); });
  run.sim.run();
  EXPECT_EQ(run.messenger.ended[3].outcome, Outcome::ok);  // AWS says yes all the same
  EXPECT_THAT(run.messenger.received(), ElementsAre(1u, 1u, 1u));
  EXPECT_EQ(run.metric("jobs", "StaleReceipts"), 1);
}

TEST(SqsQueue, AReceiptOfAMessageThatIsGoneDeletesNoneThatCameAfterIt) {
  for (const char* settings : {"", "delay_seconds: 10s"}) {
    MessengerRun run(queue("jobs", settings));
    run.at(0s, [&] { run.messenger.send("jobs", 1); });
    run.at(20s, [&] { run.messenger.receive("jobs"); });
    run.at(21s, [&] { run.messenger.finish("jobs", run.messenger.last().messages); });
    run.at(22s, [&] { run.messenger.send("jobs", 1); });
    run.at(23s, [&] { run.messenger.remove("jobs", run.messenger.ended[1].messages); });
    run.sim.run();
    ASSERT_THAT(run.messenger.ended[1].messages, SizeIs(1));
    EXPECT_EQ(run.metric("jobs", "MessagesLeft"), 1);
  }
}

TEST(SqsQueue, AWorkWhoseVisibilityTimeoutWasTooShortIsDoneTwice) {
  MessengerRun run(queue("jobs", "visibility_timeout: 10s"));
  std::vector<Message> first;
  run.at(0s, [&] { run.messenger.send("jobs", 1); });
  run.at(1s, [&] { run.messenger.receive("jobs"); });
  run.at(2s, [&] { first = run.messenger.last().messages; });
  run.at(12s, [&] { run.messenger.receive("jobs"); });
  run.at(15s, [&] { run.messenger.finish("jobs", first); });
  run.at(21s, [&] { run.messenger.finish("jobs", run.messenger.ended[2].messages); });
  run.sim.run();
  EXPECT_EQ(run.metric("jobs", "DuplicateEffects"), 1);
  EXPECT_EQ(run.metric("jobs", "MessagesDelivered"), 1);
}

// Rule 19
TEST(SqsQueue, TheMoveToTheDeadLetterQueueHappensOnTheReceiveThatExceedsMaxReceiveCount) {
  MessengerRun run(
      queue("jobs", "redrive_policy: {dead_letter_queue: dead, max_receive_count: 2}") + ", " +
      queue("dead"));
  run.at(0s, [&] { run.messenger.send("jobs", 1); });
  for (const auto date : {1s, 40s}) run.at(date, [&] { run.messenger.receive("jobs"); });
  // Its second lease has ended, and it stands in its queue still.
  run.at(100s, [&] { run.script.log.push_back(run.find<SqsQueue>("jobs").queue().visible()); });
  run.at(101s, [&] { run.messenger.receive("jobs"); });
  run.at(102s, [&] { run.messenger.receive("dead"); });
  run.sim.run();
  EXPECT_THAT(run.script.log, ElementsAre(1));
  EXPECT_THAT(run.messenger.ended[3].messages, IsEmpty());
  EXPECT_THAT(run.messenger.ended[4].messages, SizeIs(1));
  EXPECT_EQ(run.metric("jobs", "MessagesDeadLettered"), 1);
  EXPECT_EQ(run.metric("dead", "NumberOfMessagesSent"), 0);  // dead letters do not count
}

// Rule 19
TEST(SqsQueue, AStandardDeadLetterKeepsItsDateAndAFifoOneGetsANewOne) {
  const auto run_of = [](const std::string& fifo) {
    MessengerRun run(queue("jobs", fifo + "redrive_policy: {dead_letter_queue: dead, "
                                          "max_receive_count: 1}") +
                     ", " + queue("dead", fifo + "message_retention_period: 120s"));
    run.at(0s, [&] { run.messenger.send("jobs", 1, 7); });
    for (const auto date : {1s, 100s}) run.at(date, [&] { run.messenger.receive("jobs"); });
    run.at(190s, [&] { run.messenger.receive("dead"); });
    run.sim.run();
    return run.messenger.last().messages.size();
  };
  EXPECT_EQ(run_of(""), 0u);  // it was 190 s old
  EXPECT_EQ(run_of("fifo: {}, "), 1u);
}

TEST(SqsQueue, ARedriveMovesDeadLettersBackAtItsRate) {
  MessengerRun run(
      queue("jobs", "redrive_policy: {dead_letter_queue: dead, max_receive_count: 1}") + ", " +
      queue("dead",
            "message_move_tasks: [{at: 100s, "
            "max_number_of_messages_per_second: 2/s}]"));
  run.at(0s, [&] { run.messenger.send("jobs", 10); });
  for (const auto date : {1s, 40s}) run.at(date, [&] { run.messenger.receive("jobs"); });
  run.at(102900ms, [&] { run.script.log.push_back(run.find<SqsQueue>("dead").queue().visible()); });
  run.at(200s, [&] { run.messenger.receive("jobs"); });
  run.sim.run();
  EXPECT_THAT(run.script.log, ElementsAre(4));  // at 100, 100.5, ... 102.5 s one each
  EXPECT_THAT(run.messenger.last().messages, SizeIs(10));
  EXPECT_EQ(run.messenger.last().messages[0].receives, 1);  // a new message
}

// Rule 20
TEST(SqsQueue, MessagesReceivedThreeTimesGoToTheBackOfAStandardQueue) {
  MessengerRun run(queue("jobs", "visibility_timeout: 10s"));
  run.at(0s, [&] { run.messenger.send("jobs", 3); });
  for (const auto date : {1s, 20s, 40s, 60s}) {
    run.at(date, [&] { run.messenger.receive("jobs", 1); });
  }
  run.at(70s, [&] {
    run.script.log.push_back(static_cast<std::int64_t>(
        sim::seconds(run.find<SqsQueue>("jobs").queue().age_of_oldest())));
  });
  run.sim.run();
  EXPECT_THAT(run.messenger.received(), ElementsAre(1u, 1u, 1u, 2u));
  EXPECT_THAT(run.script.log, ElementsAre(70));
}

// Rule 20
TEST(SqsQueue, ShortPollsMayMissMessagesAndLongPollsDoNot) {
  const auto empty_of_400 = [](sim::Duration wait) {
    MessengerRun run("jobs: {sqs_queue: {request_time: 0s, visibility_timeout: 1s}}", "2h");
    run.at(0s, [&] { run.messenger.send("jobs", 1); });
    for (int i = 0; i < 400; ++i) {
      run.at(1s + i * 5s, [&] { run.messenger.receive("jobs", 1, wait); });
    }
    run.sim.run();
    return run.metric("jobs", "NumberOfEmptyReceives");
  };
  // 3 of 10 servers are asked: 70 % find nothing, 280 +- 3 standard deviations of 9.2.
  EXPECT_NEAR(empty_of_400(0s), 280, 28);
  EXPECT_EQ(empty_of_400(1s), 0);
}

// Rule 20
TEST(SqsQueue, AtTheInFlightLimitLongPollsReturnEmptyAndShortPollsGetOverLimit) {
  MessengerRun run(queue("jobs", "in_flight_limit: 4"));
  run.at(0s, [&] { run.messenger.send("jobs", 6); });
  run.at(1s, [&] { run.messenger.receive("jobs"); });
  run.at(2s, [&] { run.messenger.receive("jobs"); });
  run.at(3s, [&] { run.messenger.receive("jobs", 10, 5s); });
  run.sim.run();
  EXPECT_THAT(run.messenger.ended[6].messages, SizeIs(4));
  EXPECT_EQ(run.messenger.ended[7].outcome, Outcome::throttled);
  EXPECT_EQ(run.messenger.ended[8].outcome, Outcome::ok);
  EXPECT_THAT(run.messenger.ended[8].messages, IsEmpty());
  EXPECT_EQ(run.messenger.ended[8].at, 8s);
}

TEST(SqsQueue, ALongPollReturnsAsSoonAsThereIsAMessage) {
  MessengerRun run(queue("jobs"));
  run.at(0s, [&] { run.messenger.receive("jobs", 10, 20s); });
  run.at(7s, [&] { run.messenger.send("jobs", 1); });
  run.at(30s, [&] { run.messenger.receive("jobs", 10, 20s); });
  run.sim.run();
  EXPECT_EQ(run.messenger.ended[0].at, 7s);
  EXPECT_THAT(run.messenger.ended[0].messages, SizeIs(1));
  EXPECT_EQ(run.messenger.last().at, 37s);  // when its lease was over
}

TEST(SqsQueue, ADelayHidesAMessageFromItsSendingOn) {
  MessengerRun run(queue("jobs", "delay_seconds: 60s"));
  run.at(0s, [&] { run.messenger.send("jobs", 1); });
  run.at(0s, [&] {  // a message timer of its own
    run.messenger.ask("jobs", Batch::Action::send, {run.messenger.message()},
                      [](Batch& batch) { batch.delay = 5s; });
  });
  for (const auto date : {4s, 6s, 59s, 61s}) run.at(date, [&] { run.messenger.receive("jobs"); });
  run.sim.run();
  EXPECT_THAT(run.messenger.received(), ElementsAre(2u, 2u, 1u));
}

TEST(SqsQueue, WhatIsOlderThanItsRetentionIsDropped) {
  MessengerRun run(queue("jobs", "message_retention_period: 60s"));
  run.at(0s, [&] { run.messenger.send("jobs", 2); });
  run.at(50s, [&] { run.messenger.receive("jobs", 1); });
  run.at(65s, [&] { run.messenger.finish("jobs", run.messenger.last().messages); });
  run.at(70s, [&] { run.messenger.receive("jobs"); });
  run.sim.run();
  EXPECT_THAT(run.messenger.received(), SizeIs(1));
  EXPECT_EQ(run.metric("jobs", "MessagesExpired"), 1);
  EXPECT_EQ(run.metric("jobs", "MessagesDelivered"), 1);  // in time, in a lease that outlived it
}

TEST(SqsQueue, ExpiredMessagesNeedNobodyToLookAtThem) {
  MessengerRun run(queue("jobs", "message_retention_period: 60s"), "10min");
  run.at(0s, [&] { run.messenger.send("jobs", 5); });
  run.sim.run();
  EXPECT_EQ(run.metric("jobs", "MessagesExpired"), 5);
  EXPECT_EQ(run.find<SqsQueue>("jobs").metric.messages.held.value(), 0);
}

TEST(SqsQueue, MessagesThatAreTooLargeAreRefused) {
  MessengerRun run(queue("jobs", "maximum_message_size: 1KiB"));
  run.at(0s, [&] {
    Message large = run.messenger.message();
    large.bytes = 1025;
    run.messenger.send("jobs", {large});
    run.messenger.send("jobs", std::vector<Message>(11, run.messenger.message()));
  });
  run.sim.run();
  EXPECT_EQ(run.messenger.ended[0].messages[0].result, Entry::refused);
  EXPECT_EQ(run.messenger.ended[1].messages[0].result, Entry::refused);
  EXPECT_EQ(run.metric("jobs", "RefusedMessages"), 12);
}

TEST(SqsQueue, ADeletionThatAReplicaMissesBringsTheMessageBack) {
  MessengerRun run(
      "jobs: {sqs_queue: {request_time: 0s, duplicates: 100%, short_poll: {servers: 1, sampled: "
      "1}}}");
  run.at(0s, [&] { run.messenger.send("jobs", 1); });
  run.at(1s, [&] { run.messenger.receive("jobs"); });
  run.at(2s, [&] { run.messenger.finish("jobs", run.messenger.last().messages); });
  run.at(40s, [&] { run.messenger.receive("jobs"); });
  run.at(41s, [&] { run.messenger.finish("jobs", run.messenger.last().messages); });
  run.sim.run();
  EXPECT_THAT(run.messenger.received(), ElementsAre(1u, 1u));
  EXPECT_EQ(run.metric("jobs", "DuplicateEffects"), 1);
}

TEST(SqsQueue, AnyClientIsAProducerByNamingTheQueueAsItsTarget) {
  MessengerRun run("users: {client: {target: jobs, writes: 100%, open: {deterministic: 10/s}}}, " +
                       queue("jobs", "message_size: 2KiB"),
                   "100s");
  run.at(50s, [&] { run.messenger.receive("jobs", 1); });
  run.sim.run();
  EXPECT_NEAR(run.metric("jobs", "NumberOfMessagesSent"), 1000, 2);
  EXPECT_EQ(run.messenger.last().messages.at(0).bytes, 2048u);
  EXPECT_EQ(run.metric("users", "Failed"), 0);
}

TEST(SqsQueue, TheTimeToDrainCountsFromTheLargestBacklogToNone) {
  MessengerRun run(queue("jobs", "visibility_timeout: 1h"), "1h");
  for (int i = 0; i < 20; ++i) run.at(i * 30s, [&] { run.messenger.send("jobs", 1); });
  for (int i = 0; i < 20; ++i) run.at(800s + i * 10s, [&] { run.messenger.receive("jobs", 1); });
  run.sim.run();
  EXPECT_EQ(run.metric("jobs", "TimeToDrain", "count"), 1);
  EXPECT_NEAR(run.metric("jobs", "TimeToDrain", "max"), 990 - 570, 1e-6);  // the last came at 570 s
}

TEST(SqsQueue, CloudWatchLearnsTheAgeOfTheOldestMessage) {
  MessengerRun run(queue("jobs", "metric_delay: 0s"), "20min");
  run.at(5min, [&] { run.messenger.send("jobs", 1); });
  CloudWatch& cloudwatch = CloudWatch::of(run.sim);
  std::vector<CloudWatch::Datapoint> read;
  const auto age = [&] { return *cloudwatch.find("jobs", "ApproximateAgeOfOldestMessage"); };
  cloudwatch.watch(age());
  run.at(15min,
         [&] { read = cloudwatch.read(age(), {.kind = Statistic::Kind::maximum}, 1min, 3min); });
  run.sim.run();
  ASSERT_THAT(read, SizeIs(3));
  EXPECT_NEAR(read.back().value, 570, 31);  // at the last full minute before
  EXPECT_NEAR(read[2].value - read[1].value, 60, 1e-9);
}

}  // namespace
}  // namespace windtunnel
