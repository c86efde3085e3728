// Asynchronous invocations: the function's own queue, its retries and what becomes of the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/compute/lambda_function.hpp"
#include "tests/support/small_run.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

// Hands a function events, as SNS or EventBridge would.
class Publisher final : public sim::Component {
 public:
  Publisher(sim::Simulation& sim, Callable& to)
      : Component(sim, "publisher"), to_(to), messages_(Messages::of(sim)) {}
  void publish(std::uint32_t bytes = 100) {
    const sim::Handle handle = sim().open_call(*this, 0, sim::Operation::write);
    messages_.put_into(sim().call(handle), Batch::Action::invoke_async)
        .messages.push_back({.sent = sim().now(), .content = ++published, .bytes = bytes});
    sim::Stream chance;
    sim().send(
        handle,
        to_.resolve({.operation = sim::Operation::write, .chance = chance}).addresses.front());
  }
  void on_answer(sim::Call& call, sim::Handle) override {
    answered.push_back({call.outcome, messages_.find(call)->messages[0].result});
  }
  std::uint64_t published = 0;
  std::vector<std::pair<sim::Outcome, Entry>> answered;

 private:
  Callable& to_;
  Messages& messages_;
};

struct World : test::SmallRun {
  explicit World(const std::string& function, const std::string& others = "",
                 const std::string& horizon = "8h")
      : SmallRun(test::small_experiment(
            "fn: {lambda_function: {runtime: rust, sandbox: 0s, service_time: 100ms, "
            "error_resets_environment: false, " +
                function + "}}" + others,
            "horizon: " + horizon)),
        function(find<LambdaFunction>("fn")),
        publisher(
            static_cast<Publisher&>(sim.add(std::make_unique<Publisher>(sim, this->function)))) {}
  void publish_at(sim::Duration at) {
    script.at(at, [this] { publisher.publish(); });
  }
  LambdaFunction& function;
  Publisher& publisher;
};

constexpr auto at_once = "asynchronous: {dispatch: 0s}";

// Only mappings read which messages of a batch failed.
TEST(LambdaEvents, AFunctionThatReportsItsFailuresInsteadOfFailingLosesTheEvent) {
  World world(fmt::format("poison: 100%, report_batch_item_failures: true, {}", at_once));
  world.publish_at(1s);
  world.sim.run();
  EXPECT_EQ(world.metric("fn", "Invocations"), 1);
  EXPECT_EQ(world.metric("fn", "MessagesLost"), 1);
  EXPECT_EQ(world.metric("fn", "MessagesDelivered"), 0);
}

TEST(LambdaEvents, TheCallerIsAnsweredWhenTheEventIsTakenAndTheEffectFollows) {
  World world(at_once);
  world.publish_at(1s);
  world.sim.run();
  EXPECT_THAT(world.publisher.answered, ElementsAre(std::pair(sim::Outcome::ok, Entry::accepted)));
  EXPECT_EQ(world.metric("fn", "MessagesDelivered"), 1);
  EXPECT_EQ(world.metric("fn", "Invocations"), 1);
}

// Rule 24
TEST(LambdaEvents, Rule24AFunctionErrorIsRetriedAfterOneAndThenTwoMinutesThenTheEventIsLost) {
  World world("errors: 100%, asynchronous: {dispatch: 0s}");
  world.publish_at(0s);
  for (const auto& [at, invocations] : {std::pair{59s, 1}, {61s, 2}, {179s, 2}, {182s, 3}}) {
    world.script.at(at, [&world, n = invocations] {
      EXPECT_EQ(world.function.metric.invocations.value(), static_cast<unsigned>(n));
    });
  }
  world.sim.run();
  EXPECT_EQ(world.metric("fn", "Invocations"), 3);
  EXPECT_EQ(world.metric("fn", "AsyncEventsDropped"), 1);
  EXPECT_EQ(world.metric("fn", "MessagesLost"), 1);
}

// Rule 24
TEST(LambdaEvents, Rule24ThrottlesAreRetriedForSixHoursWithoutCountingAsRetries) {
  World world(
      "reserved_concurrency: 1, timeout: 900s, asynchronous: {dispatch: 0s, "
      "maximum_retry_attempts: 0}");
  // Somebody else keeps the only environment for seven hours.
  world.script.at(0s, [&] { world.function.set_slow(9000); });
  test::Machine& other = world.machine("fn", {});
  other.then = [&] {
    if (world.sim.now() < sim::time_zero + 7h) other.call();
  };
  world.script.at(0s, [&other] { other.call(); });
  world.publish_at(1s);
  world.sim.run();
  EXPECT_EQ(world.metric("fn", "AsyncEventsDropped"), 1);
  // 1 s, 2 s, ... up to 5 min: about 10 in the first ten minutes, then 12 an hour.
  EXPECT_NEAR(world.metric("fn", "AsyncEventRetries"), 9 + (6 * 3600 - 511) / 300, 3);
}

TEST(LambdaEvents, ReservedConcurrencyZeroGivesUpAtOnce) {
  World world("reserved_concurrency: 0, asynchronous: {dead_letter_queue: dead}",
              ", dead: {sqs_queue: {}}");
  world.publish_at(1s);
  world.sim.run();
  EXPECT_EQ(world.metric("fn", "Throttles"), 0);
  EXPECT_EQ(world.metric("dead", "MessagesAccepted"), 1);
}

TEST(LambdaEvents, GivenUpEventsGoToTheDeadLetterQueueAndNothingIsLost) {
  World world("errors: 100%, asynchronous: {dead_letter_queue: dead}", ", dead: {sqs_queue: {}}",
              "1h");
  for (int i = 0; i < 20; ++i) world.publish_at(i * 1s);
  world.sim.run();
  EXPECT_EQ(world.metric("dead", "MessagesAccepted"), 20);
  EXPECT_EQ(world.metric("fn", "MessagesLost"), 0);
  EXPECT_EQ(world.metric("fn", "AsyncEventsDropped"), 20);
}

TEST(LambdaEvents, DestinationsGetRecordsOfSuccessesAndFailures) {
  World world(
      "errors: 50%, asynchronous: {maximum_retry_attempts: 0, on_success: good, "
      "on_failure: bad}",
      ", good: {sqs_queue: {}}, bad: {sqs_queue: {}}", "1h");
  for (int i = 0; i < 100; ++i) world.publish_at(i * 1s);
  world.sim.run();
  const double good = world.metric("good", "MessagesAccepted");
  const double bad = world.metric("bad", "MessagesAccepted");
  EXPECT_EQ(good + bad, 100);
  EXPECT_NEAR(good, 50, 18);
}

TEST(LambdaEvents, AnEventAboveAMebibyteIsRefused) {
  World world(at_once);
  world.script.at(1s, [&] { world.publisher.publish((1 << 20) + 1); });
  world.sim.run();
  EXPECT_EQ(world.publisher.answered.front().second, Entry::refused);
  EXPECT_EQ(world.metric("fn", "EventsTooLarge"), 1);
}

}  // namespace
}  // namespace windtunnel
