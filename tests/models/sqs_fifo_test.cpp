// FIFO queues (rule 21) and fair queues (rule 22).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/integration/sqs_queue.hpp"
#include "tests/support/messenger.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using sim::Outcome;
using test::Messenger;
using test::MessengerRun;
using test::queue;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::uint64_t> contents(const std::vector<Message>& messages) {
  std::vector<std::uint64_t> all;
  for (const Message& message : messages) all.push_back(message.content);
  return all;
}

// Rule 21
TEST(SqsFifoQueue, OneMessageInFlightLocksItsGroup) {
  MessengerRun run(queue("jobs", "fifo: {}"));
  run.at(0s, [&] {
    run.messenger.send("jobs", 2, 1);  // messages 1, 2
    run.messenger.send("jobs", 1, 2);  // message 3
  });
  run.at(1s, [&] { run.messenger.receive("jobs", 1); });
  run.at(2s, [&] { run.messenger.receive("jobs"); });
  run.at(3s, [&] { run.messenger.receive("jobs"); });
  run.at(4s, [&] { run.messenger.finish("jobs", run.messenger.ended[3].messages); });
  run.at(5s, [&] { run.messenger.receive("jobs"); });
  run.sim.run();
  EXPECT_THAT(contents(run.messenger.ended[3].messages), ElementsAre(1u));
  EXPECT_THAT(contents(run.messenger.ended[4].messages), ElementsAre(3u));
  EXPECT_THAT(run.messenger.ended[5].messages, IsEmpty());
  EXPECT_THAT(contents(run.messenger.last().messages), ElementsAre(2u));
}

TEST(SqsFifoQueue, AReceiveTakesAllOfOneGroupBeforeTheNext) {
  MessengerRun run(queue("jobs", "fifo: {}"));
  run.at(0s, [&] {
    for (int i = 0; i < 6; ++i) {
      run.messenger.send("jobs", 1, 1);  // 1, 3, 5, ...
      run.messenger.send("jobs", 1, 2);
    }
  });
  run.at(1s, [&] { run.messenger.receive("jobs"); });
  run.sim.run();
  EXPECT_THAT(run.messenger.received(), ElementsAre(1u, 3u, 5u, 7u, 9u, 11u, 2u, 4u, 6u, 8u));
}

// Rule 21
TEST(SqsFifoQueue, DeleteAfterVisibilityExpiryFails) {
  for (const std::string kind : {"", "fifo: {}"}) {
    MessengerRun run(queue("jobs", kind));
    run.at(0s, [&] { run.messenger.send("jobs", 1); });
    run.at(1s, [&] { run.messenger.receive("jobs"); });
    run.at(40s, [&] { run.messenger.finish("jobs", run.messenger.last().messages); });
    run.at(41s, [&] { run.messenger.receive("jobs"); });
    run.sim.run();
    EXPECT_EQ(run.messenger.ended[2].outcome, kind.empty() ? Outcome::ok : Outcome::error);
    EXPECT_EQ(run.messenger.ended[3].messages.empty(), kind.empty());
  }
}

TEST(SqsFifoQueue, WhatComesBackIsReceivedBeforeTheRestOfItsGroup) {
  MessengerRun run(queue("jobs", "fifo: {}, visibility_timeout: 10s"));
  run.at(0s, [&] { run.messenger.send("jobs", 5, 1); });
  run.at(1s, [&] { run.messenger.receive("jobs", 3); });
  run.at(2s, [&] {  // the second of them is done, the others come back
    run.messenger.finish("jobs", {run.messenger.last().messages[1]});
  });
  run.at(20s, [&] { run.messenger.receive("jobs"); });
  run.sim.run();
  EXPECT_THAT(contents(run.messenger.last().messages), ElementsAre(1u, 3u, 4u, 5u));
}

TEST(SqsFifoQueue, WhatIsSaidTwiceWithinFiveMinutesIsDeliveredOnce) {
  MessengerRun run(queue("jobs", "fifo: {}"));
  const auto say = [&] { run.messenger.send("jobs", {run.messenger.message(1, 42)}); };
  run.at(0s, say);
  run.at(1s, [&] { run.messenger.receive("jobs"); });
  run.at(2s, [&] { run.messenger.finish("jobs", run.messenger.last().messages); });
  run.at(299s, say);  // although it was deleted
  run.at(301s, say);
  run.at(400s, [&] { run.messenger.receive("jobs"); });
  run.sim.run();
  EXPECT_EQ(run.messenger.ended[3].outcome, Outcome::ok);
  EXPECT_THAT(run.messenger.received(), SizeIs(2));
  EXPECT_EQ(run.metric("jobs", "NumberOfDeduplicatedSentMessages"), 1);
  EXPECT_EQ(run.metric("jobs", "MessagesAccepted"), 2);
}

TEST(SqsFifoQueue, DeduplicationIsOfTheGroupInHighThroughputAndElseOfTheQueue) {
  const auto known_of = [](const std::string& fifo) {
    MessengerRun run(queue("jobs", "fifo: {" + fifo + "}"));
    run.at(0s, [&] {
      for (const std::uint32_t group : {1u, 2u, 2u}) {
        run.messenger.send("jobs", {run.messenger.message(group, 42)});
      }
    });
    run.sim.run();
    return run.metric("jobs", "NumberOfDeduplicatedSentMessages");
  };
  EXPECT_EQ(known_of(""), 2);
  EXPECT_EQ(known_of("high_throughput: true"), 1);
}

// Rule 21
TEST(SqsFifoQueue, OnePartitionTakes300CallsASecondAndTenMessagesInEach) {
  const auto sent_in_10_s = [](const std::string& fifo, std::size_t batch) {
    MessengerRun run(queue("jobs", "fifo: {" + fifo + "}"), "11s");
    for (int i = 0; i < 10000; ++i) {
      run.at(i * 1ms, [&, i] {
        std::vector<Message> messages;
        for (std::size_t m = 0; m < batch; ++m) {
          messages.push_back(run.messenger.message(1 + static_cast<std::uint32_t>(i) % 500));
        }
        run.messenger.send("jobs", messages);
      });
    }
    run.sim.run();
    return run.metric("jobs", "NumberOfMessagesSent");
  };
  EXPECT_NEAR(sent_in_10_s("", 1), 300 + 3000, 5);  // a bucket's depth and ten seconds of 300
  EXPECT_NEAR(sent_in_10_s("", 10), 33000, 50);
  EXPECT_EQ(sent_in_10_s("high_throughput: true", 1), 10000);
}

TEST(SqsFifoQueue, ThrottledCallsSaySoAndFailAsAWhole) {
  MessengerRun run(queue("jobs", "fifo: {partition_calls: 1/s}"));
  run.at(0s, [&] { run.messenger.send("jobs", 2, 1); });
  run.at(0s, [&] { run.messenger.receive("jobs"); });
  run.at(0s, [&] { run.messenger.receive("jobs"); });
  run.sim.run();
  EXPECT_EQ(run.messenger.ended[0].outcome, Outcome::ok);
  EXPECT_EQ(run.messenger.ended[1].outcome, Outcome::throttled);
  EXPECT_EQ(run.messenger.ended[3].outcome, Outcome::throttled);
}

// Rule 21
TEST(SqsFifoQueue, AtTheInFlightLimitOf120000NothingIsReturnedWithoutAnError) {
  MessengerRun run(queue("jobs", "fifo: {}, in_flight_limit: 2"));
  run.at(0s, [&] {
    for (const std::uint32_t group : {1u, 2u, 3u}) run.messenger.send("jobs", 1, group);
  });
  run.at(1s, [&] { run.messenger.receive("jobs"); });
  run.at(2s, [&] { run.messenger.receive("jobs"); });
  run.sim.run();
  EXPECT_THAT(run.messenger.ended[3].messages, SizeIs(2));
  EXPECT_EQ(run.messenger.ended[4].outcome, Outcome::ok);
  EXPECT_THAT(run.messenger.ended[4].messages, IsEmpty());
  EXPECT_EQ(LeasedQueue::Settings{}.in_flight_limit, 120'000);
}

// Fair queues ------------------------------------------------------------------------------------

// 30 messages of tenant 1 are in flight, more of it wait before those of tenant 2.
struct NoisyRun : MessengerRun {
  explicit NoisyRun(std::uint32_t in_flight = 30)
      : MessengerRun(queue("jobs", "visibility_timeout: 1000s")) {
    at(0s, [this, in_flight] {
      messenger.send("jobs", in_flight + 20, 1);
      messenger.send("jobs", 3, 2);
    });
    for (std::uint32_t i = 0; i < in_flight; i += 10) {
      at(1s, [this] { messenger.receive("jobs", 10); });
    }
  }
  std::vector<std::uint32_t> groups_of_last() const {
    std::vector<std::uint32_t> groups;
    for (const Message& message : messenger.last().messages) groups.push_back(message.key);
    return groups;
  }
};

// Rule 22
TEST(SqsFairQueue, ATenantWithMoreThanATenthAndThirtyInFlightWaitsBehindTheQuietOnes) {
  NoisyRun run;
  run.at(2s, [&] { run.messenger.receive("jobs", 5); });
  run.sim.run();
  EXPECT_THAT(run.groups_of_last(), ElementsAre(2u, 2u, 2u, 1u, 1u));
  EXPECT_EQ(run.find<SqsQueue>("jobs").queue().noisy_tenants(), 1u);
}

// Rule 22
TEST(SqsFairQueue, LessThanThirtyInFlightAreNotNoisy) {
  NoisyRun run(20);
  run.at(2s, [&] { run.messenger.receive("jobs", 5); });
  run.sim.run();
  EXPECT_THAT(run.groups_of_last(), ElementsAre(1u, 1u, 1u, 1u, 1u));
}

// Rule 22
TEST(SqsFairQueue, ATenantWithMoreThanATenthOfTheProcessingTimeIsNoisyToo) {
  MessengerRun run(queue("jobs"));
  run.at(0s, [&] {
    run.messenger.send("jobs", 5, 1);
    run.messenger.send("jobs", 1, 2);
  });
  run.at(1s, [&] { run.messenger.receive("jobs", 1); });
  run.at(20s, [&] { run.messenger.finish("jobs", run.messenger.last().messages); });
  run.at(21s, [&] { run.messenger.receive("jobs", 1); });
  run.sim.run();
  EXPECT_EQ(run.messenger.last().messages.at(0).key, 2u);
}

// Rule 22
TEST(SqsFairQueue, ItEndsAfterFiveMinutesWithNothingInFlightOrWithTheBacklog) {
  NoisyRun run;
  std::vector<Message> in_flight;
  run.at(2s, [&] {
    for (const auto& one : run.messenger.ended) {
      if (one.action != Batch::Action::receive) continue;
      in_flight.insert(in_flight.end(), one.messages.begin(), one.messages.end());
    }
    run.messenger.receive("jobs", 4);  // 2, 2, 2, 1
  });
  run.at(3s, [&] {
    in_flight.insert(in_flight.end(), run.messenger.last().messages.begin(),
                     run.messenger.last().messages.end());
    for (const Message& message : in_flight) run.messenger.finish("jobs", {message});
  });
  const auto noisy = [&] {
    run.script.log.push_back(
        static_cast<std::int64_t>(run.find<SqsQueue>("jobs").queue().noisy_tenants()));
  };
  run.at(299s, noisy);
  run.at(3000s, [&] { run.messenger.receive("jobs", 10); });
  run.at(3001s, noisy);
  run.sim.run();
  EXPECT_THAT(run.messenger.last().messages, SizeIs(10));
  EXPECT_EQ(run.script.log[0], 1);
}

TEST(SqsFairQueue, MessagesWithoutAGroupAreEachATenantOfTheirOwn) {
  MessengerRun run(queue("jobs", "visibility_timeout: 1000s"));
  run.at(0s, [&] { run.messenger.send("jobs", 100); });
  for (int i = 0; i < 5; ++i) run.at(1s, [&] { run.messenger.receive("jobs", 10); });
  run.sim.run();
  EXPECT_EQ(run.find<SqsQueue>("jobs").queue().noisy_tenants(), 0u);
}

}  // namespace
}  // namespace windtunnel
