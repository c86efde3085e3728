// SNS topics, and the retries of pushed deliveries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "models/integration/sns_topic.hpp"
#include "models/integration/sqs_queue.hpp"
#include "tests/support/messenger.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using test::MessengerRun;
using test::queue;
using ::testing::ElementsAre;
using ::testing::SizeIs;

std::string topic(const std::string& settings) {
  return "news: {sns_topic: {request_time: 0s, delivery_time: 0s, " + settings + "}}";
}

std::string complaints(const std::string& components) {
  Diagnostics diagnostics;
  read_experiment(test::small_experiment(components, "horizon: 1s"), "test.yaml", {}, diagnostics);
  return diagnostics.print();
}

// Rule 24
TEST(SnsTopic, ToQueuesAndFunctionsThereAre100015AttemptsOver23Days) {
  const DeliveryRetry retry = DeliveryRetry::aws_managed();
  EXPECT_EQ(retry.retries(), 100'015u);
  sim::Duration all{0};
  std::vector<double> first;
  for (std::uint32_t i = 1; i <= retry.retries(); ++i) {
    all += retry.plain_pause(i);
    if (i <= 6 || i == 15 || i == 16) first.push_back(sim::seconds(retry.plain_pause(i)));
  }
  EXPECT_THAT(first, ElementsAre(0, 0, 0, 1, 1, 1, ::testing::DoubleNear(20, 1e-6), 20));
  EXPECT_NEAR(sim::seconds(all) / 86400, 23, 0.2);
}

TEST(SnsTopic, EverySubscriptionGetsItsOwnCopy) {
  MessengerRun run(topic("subscriptions: [a, b, c]") + ", " + queue("a") + ", " + queue("b") +
                   ", " + queue("c"));
  run.at(0s, [&] { run.messenger.send("news", 10); });
  run.at(1s, [&] { run.messenger.receive("b"); });
  run.at(2s, [&] { run.messenger.finish("b", run.messenger.last().messages); });
  run.sim.run();
  EXPECT_EQ(run.metric("news", "MessagesAccepted"), 10);
  EXPECT_EQ(run.metric("news", "MessagesCopied"), 20);
  EXPECT_EQ(run.metric("news", "MessagesForwarded"), 30);
  EXPECT_EQ(run.metric("a", "MessagesLeft"), 10);
  EXPECT_EQ(run.metric("b", "MessagesDelivered"), 10);
  EXPECT_EQ(run.metric("b", "ProducerToEffect", "mean"), 2);  // from the publisher on
}

TEST(SnsTopic, AFilterPolicyLetsThroughWhatItNames) {
  MessengerRun run(topic("subscriptions: [{endpoint: a, filter_policy: /orders/*}, "
                         "{endpoint: b, filter_policy: /orders/new}]") +
                   ", " + queue("a") + ", " + queue("b"));
  run.at(0s, [&] {
    for (const char* path : {"/orders/new", "/orders/paid", "/else"}) {
      Message message = run.messenger.message();
      message.request_class = run.sim.number_of({"", path});
      run.messenger.send("news", {message});
    }
  });
  run.sim.run();
  EXPECT_EQ(run.metric("a", "MessagesLeft"), 2);
  EXPECT_EQ(run.metric("b", "MessagesLeft"), 1);
  EXPECT_EQ(run.metric("news", "NumberOfNotificationsFilteredOut"), 3);
  EXPECT_EQ(run.metric("news", "MessagesDiscarded"), 1);  // nobody wanted /else
}

TEST(SnsTopic, AQueueThatFailsIsTriedUntilItIsBack) {
  MessengerRun run(topic("subscriptions: [a]") + ", " + queue("a"));
  run.at(0s, [&] { run.find<SqsQueue>("a").set_errors(1); });
  run.at(1s, [&] { run.messenger.send("news", 100); });
  run.at(30min, [&] { run.find<SqsQueue>("a").set_errors(0); });
  run.at(30min + 25s, [&] { run.script.log.push_back(run.find<SqsQueue>("a").queue().visible()); });
  run.sim.run();
  EXPECT_THAT(run.script.log, ElementsAre(100));
  EXPECT_EQ(run.metric("news", "MessagesLost"), 0);
}

TEST(SnsTopic, AnHttpEndpointIsTriedFourTimesAndThenItsDeadLetterQueueGetsTheMessage) {
  MessengerRun run(topic("subscriptions: [{http: hook, dead_letter_queue: dead}, {http: hook}]") +
                   ", hook: {station: {service_time: 0s, failure_share: 100%}}, " + queue("dead"));
  run.at(0s, [&] { run.messenger.send("news", 1); });
  run.at(59s, [&] { run.script.log.push_back(run.find<SqsQueue>("dead").queue().visible()); });
  run.at(61s, [&] { run.script.log.push_back(run.find<SqsQueue>("dead").queue().visible()); });
  run.sim.run();
  EXPECT_THAT(run.script.log, ElementsAre(0, 1));  // at 0, 20, 40 and 60 s
  EXPECT_EQ(run.metric("hook", "Arrivals"), 8);
  EXPECT_EQ(run.metric("news", "MessagesDeadLettered"), 1);
  EXPECT_EQ(run.metric("news", "MessagesLost"), 1);  // the one without a queue
}

TEST(SnsTopic, AnHttpEndpointThatAnswersIsTheEffect) {
  MessengerRun run(topic("subscriptions: [{http: hook}]") +
                   ", hook: {station: {service_time: 1s}}");
  run.at(0s, [&] { run.messenger.send("news", 3); });
  run.sim.run();
  EXPECT_EQ(run.metric("news", "MessagesDelivered"), 3);
  EXPECT_EQ(run.metric("news", "ProducerToEffect", "max"), 3);  // one server
}

TEST(SnsTopic, AThrottlePolicyDelaysWithoutUsingUpRetries) {
  MessengerRun run(topic("subscriptions: [{http: hook, delivery_policy: {num_retries: 0, "
                         "max_receives_per_second: 2/s}}]") +
                   ", hook: {station: {service_time: 0s}}");
  run.at(0s, [&] { run.messenger.send("news", 20); });
  run.sim.run();
  EXPECT_EQ(run.metric("news", "MessagesDelivered"), 20);
  EXPECT_NEAR(run.metric("news", "ProducerToEffect", "max"), 9.5, 1e-6);
}

TEST(SnsTopic, MessagesOverThePublishQuotaAreThrottled) {
  MessengerRun run(topic("publish_quota: 10/s, subscriptions: [a]") + ", " + queue("a"));
  run.at(0s, [&] { run.messenger.send("news", 15); });
  run.sim.run();
  EXPECT_EQ(run.messenger.last().outcome, sim::Outcome::throttled);
  EXPECT_EQ(run.metric("news", "ThrottledRequests"), 5);
}

TEST(SnsTopic, AFifoTopicKeepsTheOrderOfAGroupWhileADeliveryIsTriedAgain) {
  MessengerRun run(topic("fifo: {}, subscriptions: [a]") + ", " + queue("a", "fifo: {}"));
  run.at(0s, [&] { run.find<SqsQueue>("a").set_errors(0.6); });
  for (int i = 0; i < 50; ++i) {
    run.at(1s + i * 100ms, [&] { run.messenger.send("news", {run.messenger.message(1)}); });
  }
  run.at(59min, [&] { run.find<SqsQueue>("a").set_errors(0); });
  for (int i = 0; i < 5; ++i) {
    run.at(59min + 1s + i * 2s, [&] { run.messenger.receive("a"); });
    run.at(59min + 2s + i * 2s, [&] { run.messenger.finish("a", run.messenger.last().messages); });
  }
  run.sim.run();
  std::vector<std::uint64_t> in_order(50);
  for (std::uint64_t i = 0; i < 50; ++i) in_order[i] = i + 1;
  EXPECT_EQ(run.messenger.received(), in_order);
  EXPECT_GT(run.metric("news", "DeliveryRetries"), 20);
}

TEST(SnsTopic, AFifoTopicDeliversOnceWhatIsPublishedTwice) {
  MessengerRun run(topic("fifo: {}, subscriptions: [a]") + ", " + queue("a", "fifo: {}"));
  run.at(0s, [&] { run.messenger.send("news", {run.messenger.message(1, 42)}); });
  run.at(10s, [&] { run.messenger.send("news", {run.messenger.message(1, 42)}); });
  run.sim.run();
  EXPECT_EQ(run.metric("news", "DeduplicatedMessages"), 1);
  EXPECT_EQ(run.metric("a", "MessagesLeft"), 1);
}

TEST(SnsTopic, AMessageGroupHas300PublishesASecondWhateverItsTopicHas) {
  for (const char* scope : {"topic", "message_group"}) {
    MessengerRun run(
        topic(std::string("fifo: {fifo_throughput_scope: ") + scope + "}, subscriptions: [a]") +
        ", " + queue("a", "fifo: {high_throughput: true}"));
    run.at(1s, [&] {
      for (int i = 0; i < 400; ++i) {
        for (const std::uint32_t group : {1u, 2u}) {
          run.messenger.send("news", {run.messenger.message(group)});
        }
      }
    });
    run.sim.run();
    EXPECT_EQ(run.metric("news", "ThrottledRequests"), 200) << scope;
    EXPECT_EQ(run.metric("news", "NumberOfMessagesPublished"), 600) << scope;
  }
}

TEST(SnsTopic, AFifoTopicsQuotaIsInMessagesAndBytesUnlessItsScopeIsTheMessageGroup) {
  const auto throttled = [](const std::string& fifo, std::uint32_t bytes, int groups) {
    MessengerRun run(topic("fifo: {" + fifo + "}, subscriptions: [a]") + ", " +
                     queue("a", "fifo: {high_throughput: true}"));
    run.at(1s, [&] {
      for (std::uint32_t group = 1; group <= static_cast<std::uint32_t>(groups); ++group) {
        Message message = run.messenger.message(group);
        message.bytes = bytes;
        run.messenger.send("news", {message});
      }
    });
    run.sim.run();
    return run.metric("news", "ThrottledRequests");
  };
  EXPECT_EQ(throttled("", 1000, 3100), 100);   // 3,000 messages
  EXPECT_EQ(throttled("", 200'000, 110), 10);  // 20 MB
  EXPECT_EQ(throttled("fifo_throughput_scope: message_group", 1000, 3100), 0);
  EXPECT_EQ(throttled("fifo_throughput_scope: message_group", 200'000, 110), 0);
}

TEST(SnsTopic, AMessageIsKnownInItsGroupAloneIfTheScopeIsTheMessageGroup) {
  for (const bool by_group : {false, true}) {
    MessengerRun run(topic(std::string("fifo: {") +
                           (by_group ? "fifo_throughput_scope: message_group" : "") +
                           "}, subscriptions: [a]") +
                     ", " + queue("a", "fifo: {high_throughput: true}"));
    for (const std::uint32_t group : {1u, 2u}) {
      run.at(1s, [&run, group] { run.messenger.send("news", {run.messenger.message(group, 42)}); });
    }
    run.sim.run();
    EXPECT_EQ(run.metric("news", "DeduplicatedMessages"), by_group ? 0 : 1);
  }
}

TEST(SnsTopic, ATopicsOwnQuotaIsRefusedWithTheScopeOfTheMessageGroup) {
  EXPECT_THAT(
      complaints(topic("fifo: {fifo_throughput_scope: message_group, publish_quota: 100/s}")),
      testing::HasSubstr("the region's publish_quota counts"));
}

TEST(SnsTopic, AFifoTopicsMessagesWithoutAGroupGetOneOfSoMany) {
  MessengerRun run(topic("fifo: {}, message_groups: 5, subscriptions: [a]") + ", " +
                   queue("a", "fifo: {}"));
  run.at(0s, [&] { run.messenger.send("news", 60); });
  for (int i = 0; i < 6; ++i) run.at(1min + i * 1s, [&] { run.messenger.receive("a"); });
  run.sim.run();
  std::set<std::uint32_t> groups;
  for (const auto& one : run.messenger.ended) {
    if (one.action != Batch::Action::receive) continue;
    for (const Message& message : one.messages) groups.insert(message.key);
  }
  EXPECT_THAT(groups, ElementsAre(1, 2, 3, 4, 5));
}

}  // namespace
}  // namespace windtunnel
