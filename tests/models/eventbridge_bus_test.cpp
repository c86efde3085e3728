// EventBridge buses: rules, quotas, retries, archive and replay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/integration/eventbridge_bus.hpp"
#include "models/integration/sqs_queue.hpp"
#include "tests/support/messenger.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using test::MessengerRun;
using test::queue;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string bus(const std::string& settings) {
  return "bus: {eventbridge_bus: {request_time: 0s, delivery_time: 0s, " + settings + "}}";
}

TEST(EventbridgeBus, AnEventGoesToEveryTargetOfEveryRuleThatItMatches) {
  MessengerRun run(bus("rules: [{path: /orders/*, targets: [a, b]}, {targets: [b]}]") + ", " +
                   queue("a") + ", " + queue("b"));
  run.at(0s, [&] {
    Message order = run.messenger.message();
    order.request_class = run.sim.number_of({"", "/orders/1"});
    run.messenger.send("bus", {order, run.messenger.message()});
  });
  run.sim.run();
  EXPECT_EQ(run.metric("a", "MessagesLeft"), 1);
  EXPECT_EQ(run.metric("b", "MessagesLeft"), 3);
  EXPECT_EQ(run.metric("bus", "Invocations"), 4);
}

TEST(EventbridgeBus, AnEventThatMatchesNoRuleIsDropped) {
  MessengerRun run(bus("rules: [{path: /orders/*, targets: [a]}]") + ", " + queue("a"));
  run.at(0s, [&] { run.messenger.send("bus", 5); });
  run.sim.run();
  EXPECT_EQ(run.metric("bus", "MessagesDiscarded"), 5);
  EXPECT_EQ(run.metric("bus", "MatchedEvents"), 0);
}

// Rule 25
TEST(EventbridgeBus, InvocationsOverQuotaAreDelayedNotDropped) {
  MessengerRun run(bus("invocations_quota: 10/s, rules: [{targets: [a]}]") + ", " + queue("a"));
  run.at(0s, [&] { run.messenger.send("bus", 100); });
  run.at(5s - 1ms, [&] { run.script.log.push_back(run.find<SqsQueue>("a").queue().visible()); });
  run.sim.run();
  EXPECT_THAT(run.script.log, ElementsAre(50));
  EXPECT_EQ(run.metric("a", "MessagesLeft"), 100);
  EXPECT_NEAR(run.metric("bus", "QuotaDelay", "max"), 9.9, 1e-6);
}

// Rule 25
TEST(EventbridgeBus, PutEventsOverQuotaIsRejected) {
  MessengerRun run(bus("put_events_quota: 10/s, rules: [{targets: [a]}]") + ", " + queue("a"));
  run.at(0s, [&] { run.messenger.send("bus", 15); });
  run.sim.run();
  EXPECT_EQ(run.messenger.last().outcome, sim::Outcome::throttled);
  EXPECT_EQ(run.metric("bus", "PutEventsThrottledEntriesCount"), 5);
  EXPECT_EQ(run.metric("a", "MessagesLeft"), 10);
}

TEST(EventbridgeBus, ATargetThatFailsIsTriedFor24HoursOr185Times) {
  const auto attempts_of = [](const std::string& policy, double& dead) {
    MessengerRun run(bus("rules: [{targets: [{to: a, dead_letter_queue: dead, retry_policy: {" +
                         policy + "}}]}]") +
                         ", " + queue("a") + ", " + queue("dead"),
                     "30h");
    run.at(0s, [&] { run.find<SqsQueue>("a").set_errors(1); });
    run.at(1s, [&] { run.messenger.send("bus", 1); });
    run.sim.run();
    dead = run.metric("dead", "MessagesLeft");
    return 1 + run.metric("bus", "RetryInvocationAttempts");
  };
  double dead = 0;
  EXPECT_EQ(attempts_of("", dead), 186);
  EXPECT_EQ(dead, 1);
  EXPECT_EQ(attempts_of("maximum_retry_attempts: 2", dead), 3);
  EXPECT_EQ(dead, 1);
  EXPECT_LT(attempts_of("maximum_event_age: 60s", dead), 10);
  EXPECT_EQ(dead, 1);
}

TEST(EventbridgeBus, WithoutADeadLetterQueueWhatIsGivenUpIsLost) {
  MessengerRun run(bus("rules: [{targets: [{to: a, retry_policy: {maximum_retry_attempts: 0}}]}]") +
                   ", " + queue("a"));
  run.at(0s, [&] { run.find<SqsQueue>("a").set_errors(1); });
  run.at(1s, [&] { run.messenger.send("bus", 4); });
  run.sim.run();
  EXPECT_EQ(run.metric("bus", "MessagesLost"), 4);
}

TEST(EventbridgeBus, AReplaySendsTheArchivedEventsOfAStretchOfTimeToTheRulesAgain) {
  MessengerRun run(bus("archive: {}, rules: [{targets: [a]}], replays: [{at: 600s, "
                       "event_start_time: 100s, event_end_time: 200s, rate: 10/s}]") +
                   ", " + queue("a"));
  for (int i = 0; i < 50; ++i) run.at(i * 10s, [&] { run.messenger.send("bus", 1); });
  run.sim.run();
  EXPECT_EQ(run.metric("bus", "ReplayedEvents"), 10);
  EXPECT_EQ(run.metric("a", "MessagesLeft"), 60);
}

TEST(EventbridgeBus, AnApiDestinationHasFiveSecondsAndThreeHundredCallsASecond) {
  MessengerRun run(bus("rules: [{targets: [{api_destination: hook, retry_policy: "
                       "{maximum_retry_attempts: 0}}]}]") +
                   ", hook: {station: {service_time: 6s, servers: 1000}}");
  run.at(0s, [&] { run.messenger.send("bus", 600); });
  run.at(1s, [&] {
    run.script.log.push_back(static_cast<std::int64_t>(run.metric("hook", "Arrivals")));
  });
  run.sim.run();
  EXPECT_NEAR(static_cast<double>(run.script.log[0]), 300, 2);
  EXPECT_EQ(run.metric("bus", "FailedInvocations"), 600);
}

}  // namespace
}  // namespace windtunnel
